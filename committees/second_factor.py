"""The second step of a sign-in with a password: six digits of an app, each once, or one of ten recovery codes.

The app's secret stands sealed, recovery codes as slow hashes. Wrong tries are counted here per account: a delay, never a lock-out. Grace
is the time in which a new account may sign in without one. All times are real ones.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from uuid import UUID

import pyotp
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from committees import accounts, passkeys
from committees.accounts import Account
from foundation import journal
from foundation.crypto import cipher
from foundation.db import Base, Keyed, claim, hold, new_id
from foundation.errors import Invalid, NotAllowed
from foundation.web.words import N_

PERIOD = 30
GRACE = timedelta(days=7)
RECOVERY_CODES = 10
FREE_TRIES, LONGEST_WAIT = 5, 900
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that are taken for another


class Authenticator(Keyed, Base):
    """An app that shows six digits: its secret, and the last period whose digits were used."""

    __tablename__ = "authenticator"

    person_id: Mapped[UUID] = mapped_column(unique=True)
    secret_sealed: Mapped[str]
    since: Mapped[datetime]
    last_period: Mapped[int] = mapped_column(default=0)
    wrong_tries: Mapped[int] = mapped_column(default=0)
    wait_until: Mapped[datetime | None]


class RecoveryCode(Keyed, Base):
    """A code on paper for the day when the phone is lost: works once."""

    __tablename__ = "recovery_code"

    person_id: Mapped[UUID] = mapped_column(index=True)
    code_hash: Mapped[str]
    used_at: Mapped[datetime | None]


def of(session: Session, person_id: UUID) -> Authenticator | None:
    """The app that a person has set up, if any."""
    return session.scalars(select(Authenticator).where(Authenticator.person_id == person_id)).first()


def codes_left(session: Session, person_id: UUID) -> int:
    """How many recovery codes are unused."""
    rows = select(func.count()).select_from(RecoveryCode)
    return (
        session.scalar(rows.where(RecoveryCode.person_id == person_id, RecoveryCode.used_at.is_(None))) or 0
    )


def address(secret: str, sign_in: str) -> str:
    """The address that an app reads from the picture."""
    return pyotp.TOTP(secret).provisioning_uri(name=sign_in, issuer_name="Concord")


def new_secret() -> str:
    """A secret for an app, in the letters that people can type."""
    return pyotp.random_base32()


def set_up(
    session: Session, now: datetime, real_now: datetime, person_id: UUID, secret: str, typed: str
) -> list[str]:
    """Keep a secret once the app has shown the right digits for it; return new recovery codes, to be shown once."""
    period = _period_of(secret, typed, real_now)
    if period is None:
        raise Invalid(
            "code",
            N_("These six digits are not right."),
            N_("Wait for the next ones, and check that the phone's clock is right."),
        )
    remove(session, person_id)
    key = new_id()
    sealed = cipher(session).seal("authenticator.secret", key, secret)
    session.add(
        Authenticator(id=key, person_id=person_id, secret_sealed=sealed, since=real_now, last_period=period)
    )
    session.flush()
    journal.record(session, now, "second_step:set_up", "person", person_id)
    return renew_codes(session, person_id)


def renew_codes(session: Session, person_id: UUID) -> list[str]:
    """Ten new recovery codes instead of the old ones."""
    session.execute(delete(RecoveryCode).where(RecoveryCode.person_id == person_id))
    codes = ["".join(secrets.choice(_LETTERS) for _ in range(10)) for _ in range(RECOVERY_CODES)]
    session.add_all(RecoveryCode(person_id=person_id, code_hash=accounts.hash_code(code)) for code in codes)
    session.flush()
    return [f"{code[:5]}-{code[5:]}" for code in codes]


def check(session: Session, real_now: datetime, person_id: UUID, typed: str) -> str:
    """Take six digits or a recovery code; return which it was. Raise NotAllowed for anything else; the caller commits the count."""
    row = of(session, person_id)
    if row is None:
        raise NotAllowed(N_("No second step is set up for this account."), N_("Please start again."))
    hold(session, row)  # parallel guesses are judged one by one
    if row.wait_until and row.wait_until > real_now:
        raise NotAllowed(
            N_("Please wait a little before you try again."), N_("Too many wrong codes came in a row.")
        )
    secret = cipher(session).open("authenticator.secret", row.id, row.secret_sealed)
    period = _period_of(secret, typed, real_now, after=row.last_period)
    # Compare and set: of two browsers with the same digits one gets in.
    if period and claim(
        session, Authenticator, row.id, {"last_period": row.last_period}, {"last_period": period}
    ):
        _forget_tries(session, row)
        return "digits"
    if _take_recovery(session, real_now, person_id, typed):
        _forget_tries(session, row)
        return "recovery"
    row.wrong_tries += 1
    if row.wrong_tries >= FREE_TRIES:
        seconds = min(LONGEST_WAIT, 2 ** (row.wrong_tries - FREE_TRIES + 1))
        row.wait_until = real_now + timedelta(seconds=seconds)
    raise NotAllowed(
        N_("This code is not right, or it was used before."),
        N_("Wait for the next six digits, or use a recovery code."),
    )


def _forget_tries(session: Session, row: Authenticator) -> None:
    row.wrong_tries, row.wait_until = 0, None
    session.flush()
    session.refresh(row)


def _period_of(secret: str, typed: str, at: datetime, after: int = -1) -> int | None:
    """The period whose digits these are: this one, the last or the next, and later than `after`."""
    digits = "".join(str(int(c)) for c in typed if c.isdecimal())
    now = int(at.timestamp()) // PERIOD
    totp = pyotp.TOTP(secret)
    # All three are looked at, so that the time taken says nothing.
    right = [n for n in (now - 1, now, now + 1) if secrets.compare_digest(totp.at(n * PERIOD), digits)]
    return next((n for n in right if n > after), None) if len(digits) == totp.digits else None


def _take_recovery(session: Session, real_now: datetime, person_id: UUID, typed: str) -> bool:
    code = "".join(c for c in typed.casefold() if c.isalnum())
    if len(code) != 10:
        return False
    rows = select(RecoveryCode).where(RecoveryCode.person_id == person_id, RecoveryCode.used_at.is_(None))
    for row in session.scalars(rows).all():
        if accounts.matches(row.code_hash, code):
            return claim(session, RecoveryCode, row.id, {"used_at": None}, {"used_at": real_now})
    return False


def remove(session: Session, person_id: UUID) -> None:
    """Forget a person's app and recovery codes."""
    session.execute(delete(Authenticator).where(Authenticator.person_id == person_id))
    session.execute(delete(RecoveryCode).where(RecoveryCode.person_id == person_id))


def grace(session: Session, real_now: datetime, person_id: UUID) -> datetime:
    """Until when a person may sign in with the password alone; it begins at the first sign-in. Raise NotAllowed once it is over."""
    account = session.scalars(select(Account).where(Account.person_id == person_id)).one()
    if account.grace_until is None:
        account.grace_until = real_now + GRACE
    if account.grace_until <= real_now:
        raise NotAllowed(
            N_("The time to set up your second step has passed."),
            N_("Ask your administrator to open it again: a second person must confirm."),
        )
    return account.grace_until


def days_until(moment: datetime, real_now: datetime) -> int:
    """Days left until a moment, a begun one counted whole; 0 where it has passed."""
    return max(0, -((real_now - moment) // timedelta(days=1)))


def reset(session: Session, now: datetime, real_now: datetime, person_id: UUID) -> None:
    """Take a lost second step away: every session ends, and seven days begin to set up a new one. Two persons decided it before."""
    remove(session, person_id)
    passkeys.remove_all(session, person_id)
    account = session.scalars(select(Account).where(Account.person_id == person_id)).first()
    if account:
        account.grace_until = real_now + GRACE
    accounts.end_all_sessions(session, real_now, person_id)
    journal.record(session, now, "second_step:reset", "person", person_id)
