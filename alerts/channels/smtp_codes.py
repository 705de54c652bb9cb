"""What a mail server's refusals mean for us, as tables: the enhanced codes of RFC 3463 where it gives one, else the first digit.

Only the words and the verdicts stand here. Permanent means that the same letter to the same address will never arrive; what is ours to
mend (our sender address, our rights, a blocked server) is never permanent: it says nothing about the person.
"""

from __future__ import annotations

import re

from alerts.channels.base import DeliveryFailed, Why

_ENHANCED = re.compile(r"\A(?:\d{3}[ -])?\s*([245]\.\d{1,3}\.\d{1,3})\b")
_ADDRESS = "The mail server refused this address or message."
_MAILBOX = "This mailbox takes no letters now. Please check it with the person."
_LETTER = "The mail server does not take a letter like this one."
_OURS = "The mail server refuses our letters. An administrator should look at the mail settings."
_WAIT = "The mail server asks us to wait."

#: By the second and third number of the enhanced code, or by the second alone.
_MEANING: dict[str, tuple[Why, str]] = {
    "1": ("receiver", _ADDRESS),
    "1.7": ("ours", _OURS),
    "1.8": ("ours", _OURS),
    "2": ("receiver", _MAILBOX),
    "2.3": ("message", _LETTER),
    "3": ("", _WAIT),
    "3.4": ("message", _LETTER),
    "4": ("", _WAIT),
    "5": ("message", _LETTER),
    "5.3": ("", _WAIT),
    "6": ("message", _LETTER),
    "7": ("ours", _OURS),
    "7.2": ("receiver", _ADDRESS),
}


def refusal(code: int, reply: str, *, of_us: bool = False) -> DeliveryFailed:
    """The failure for one refusal; `of_us`: it was our own address that was refused."""
    found = _ENHANCED.match(reply)
    full = found[1] if found else None
    told = full or str(code)
    if of_us:
        # Refusing our own name says nothing about the person's address.
        return DeliveryFailed("The mail server refuses our sender address.", False, told, why="ours")
    if full is None:
        return _failed(code, told, "receiver" if code in (550, 551, 553) else "message", _ADDRESS)
    where = full.partition(".")[2]
    return _failed(code, told, *_MEANING.get(where, _MEANING.get(where.partition(".")[0], ("", _ADDRESS))))


def _failed(code: int, told: str, why: Why, words: str) -> DeliveryFailed:
    permanent = code >= 500 and why in ("receiver", "message")
    if not permanent and why != "ours":
        return DeliveryFailed(_WAIT, False, told)
    return DeliveryFailed(words, permanent, told, why=why)
