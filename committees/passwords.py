"""Which passwords are taken: long enough, not among the commonest, not one's own name. Only accounts.py imports this.

The list is common_passwords.txt; its source stands in its first lines. A common word is no better with a year or a mark behind it.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from foundation.errors import Invalid
from foundation.web.words import N_

SHORTEST, LONGEST = 10, 200
DIFFERENT = 5  # letters that differ; aaaaaaaaaa has one
HINT = N_("Use at least ten letters, for example three words that do not belong together.")


def check(sign_in: str, password: str) -> None:
    """Raise Invalid for a password that is guessed soon."""
    plain = password.casefold().strip()
    if len(plain) < SHORTEST:
        raise Invalid("password", N_("This password is too short."), HINT)
    if len(password) > LONGEST:
        raise Invalid("password", N_("This password is too long."), N_("Use at most 200 letters."))
    name = sign_in.casefold().strip()
    # Digits and marks around a word are what everybody adds.
    core = plain.strip("0123456789!@#$%^&*()-_=+.,?; ")
    if len(set(plain)) < DIFFERENT or plain in commonest() or core in commonest() or core == "":
        raise Invalid("password", N_("Many people use this password, so it is guessed first."), HINT)
    if name and (name in plain or core in name):
        raise Invalid("password", N_("Your sign-in name is part of this password."), HINT)


@cache
def commonest() -> frozenset[str]:
    """The commonest passwords, in small letters."""
    lines = Path(__file__).with_name("common_passwords.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(line.casefold() for line in lines if not line.startswith("# "))
