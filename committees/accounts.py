"""Signing in: accounts with a password, one-time codes by SMS, server-side sessions that end at logout, and API tokens.

Only hashes of secrets are stored. Idle time and absolute life are real time, also in the demonstration, whose clock can be moved.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error
from sqlalchemy import ForeignKey, bindparam, delete, select, true, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from committees import passwords
from committees.contact_addresses import numbers_meant
from committees.people import ContactIndex, Person, find_contact
from committees.places import Country
from foundation import outbox
from foundation.crypto import cipher, new_token, token_hash
from foundation.db import Base, Keyed, hold, insert_new
from foundation.errors import NotAllowed
from foundation.web.words import N_

OFFICIAL_IDLE, MEMBER_LIFE = timedelta(minutes=15), timedelta(hours=12)
CODE_LIFE, CODE_TRIES = timedelta(minutes=15), 5
CODES_PER_HOUR = 3
ANSWERS_KEPT = timedelta(hours=24)
OFFICIALS = frozenset(
    {
        "city_officer",
        "district_administration",
        "police_liaison",
        "national_contact",
        "administrator",
        "auditor",
        "hub_analyst",
        "oversight",
    }
)
_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
_NOBODY = _hasher.hash("nobody has this password")


class Account(Keyed, Base):
    """A sign-in name with a password, for officers; volunteers sign in with a code sent to their phone."""

    __tablename__ = "account"

    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), unique=True)
    sign_in: Mapped[str] = mapped_column(unique=True)
    password_hash: Mapped[str]
    wrong_tries: Mapped[int] = mapped_column(default=0)
    wait_until: Mapped[datetime | None]
    disabled_at: Mapped[datetime | None]
    #: Until when the password alone is enough: counted from the first sign-in, or from a reset.
    grace_until: Mapped[datetime | None]


class WebSession(Keyed, Base):
    """A signed-in browser: only the hash of its cookie is here, and the row is dead once it has ended."""

    __tablename__ = "web_session"

    token_hash: Mapped[str] = mapped_column(unique=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), index=True)
    csrf: Mapped[str]
    official: Mapped[bool]
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class SignInCode(Keyed, Base):
    """A one-time code on its way to a phone."""

    __tablename__ = "sign_in_code"

    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), index=True)
    code_hash: Mapped[str]
    given_at: Mapped[datetime]
    until: Mapped[datetime]
    tries: Mapped[int] = mapped_column(default=0)
    used_at: Mapped[datetime | None]


class ApiToken(Keyed, Base):
    """A bearer token with some of a person's rights until a day."""

    __tablename__ = "api_token"

    token_hash: Mapped[str] = mapped_column(unique=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    scopes: Mapped[list[Any]]
    until: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class IdempotencyKey(Base):
    """An answer already given to a create request, so that a repeat gets the same one."""

    __tablename__ = "idempotency_key"

    person_id: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    request_hash: Mapped[str]
    status: Mapped[int]
    answer: Mapped[dict[str, Any]]
    at: Mapped[datetime]


def forget_answers(session: Session, now: datetime) -> int:
    """Delete the answers that nobody may ask for again; return how many."""
    gone = session.execute(delete(IdempotencyKey).where(IdempotencyKey.at < now - ANSWERS_KEPT))
    return int(gone.rowcount)  # type: ignore[attr-defined]


@dataclass(frozen=True)
class SignedIn:
    """A fresh session: the cookie's token, given to the browser once, and the row behind it."""

    token: str
    row: WebSession


def set_password(session: Session, person: Person, sign_in: str, password: str) -> Account:
    """Give a person a sign-in name and a password that is not guessed soon; raise Invalid for others."""
    passwords.check(sign_in, password)
    account = session.scalars(select(Account).where(Account.person_id == person.id)).first()
    if account is None:
        account = Account(person_id=person.id, sign_in=sign_in.casefold(), password_hash="")
        session.add(account)
    account.sign_in, account.password_hash = sign_in.casefold(), _hasher.hash(password)
    session.flush()
    return account


def has_password(session: Session, person_id: UUID) -> bool:
    """Whether a person may sign in with a name and a password."""
    return session.scalars(select(Account.id).where(Account.person_id == person_id)).first() is not None


def check_password(session: Session, now: datetime, sign_in: str, password: str) -> UUID:
    """The person behind a right name and password; the same answer and the same work for every wrong pair.

    After five wrong tries each further one must wait longer: a delay, never a lock-out.
    """
    account = session.scalars(select(Account).where(Account.sign_in == sign_in.strip().casefold())).first()
    right = matches(account.password_hash if account else _NOBODY, password[: passwords.LONGEST])
    if account:
        hold(session, account)  # after the slow hash: parallel guesses are judged one by one
    if account and account.wait_until and account.wait_until > now:
        raise NotAllowed(
            N_("Please wait a little before you try again."), N_("Too many wrong passwords came in a row.")
        )
    if account and right and not account.disabled_at:
        account.wrong_tries, account.wait_until = 0, None
        return account.person_id
    if account:
        account.wrong_tries += 1
        if account.wrong_tries >= 5:
            account.wait_until = now + timedelta(seconds=min(900, 2 ** (account.wrong_tries - 4)))
    raise NotAllowed(N_("The name or the password is not right."), N_("Check both and try again."))


def matches(stored: str, password: str) -> bool:
    """Whether this is what was hashed, in the same time for every answer."""
    try:
        return _hasher.verify(stored, password)
    except Argon2Error:
        return False


def hash_code(code: str) -> str:
    """The slow hash under which a code is kept."""
    return _hasher.hash(code)


def code_matches(stored: str, code: str) -> bool:
    """Whether these are the digits of a code, however they were typed."""
    return matches(stored, digits_of(code))


def digits_of(code: str) -> str:
    """The digits of a code as we send them, whatever stands between them and in whichever letters a keyboard writes them."""
    return "".join(str(int(c)) for c in code if c.isdecimal())


def send_code(session: Session, now: datetime, real_now: datetime, phone: str) -> None:
    """Send a six-digit code to an enrolled phone. An unknown number gets the same answer on the page and no SMS.

    It lives in real time, and travels by Concord's clock like every message.
    """
    contact = _contact(session, phone)
    code = f"{secrets.randbelow(1_000_000):06d}"
    hashed = hash_code(code)  # also where nobody has this number: the time of the answer would say so
    if contact is None:
        return
    recent = select(SignInCode.id).where(
        SignInCode.person_id == contact.person_id, SignInCode.given_at > real_now - timedelta(hours=1)
    )
    given = session.scalars(recent.order_by(SignInCode.given_at, SignInCode.id)).all()
    if len(given) >= CODES_PER_HOUR:
        return
    row = SignInCode(
        id=cipher(session).handle("sign_in_code", contact.person_id, *after(given, real_now)),
        person_id=contact.person_id,
        code_hash=hashed,
        given_at=real_now,
        until=real_now + CODE_LIFE,
    )
    if not insert_new(session, row):
        return  # asked for twice at once: the other one is on its way
    outbox.put(
        session,
        now,
        effect_key=f"sign_in_code:{row.id}",
        channel="sms",
        template="sign_in_code",
        slots={},
        secret=code,
        contact_point_id=contact.contact_point_id,
        lane=outbox.URGENT,
    )


def check_code(session: Session, now: datetime, phone: str, code: str) -> UUID:
    """The person whose phone got this code, five tries in its 15 minutes."""
    contact = _contact(session, phone)
    rows = select(SignInCode).where(
        SignInCode.used_at.is_(None), SignInCode.until > now, SignInCode.tries < CODE_TRIES
    )
    found = (
        session.scalars(
            rows.where(SignInCode.person_id == contact.person_id).order_by(SignInCode.given_at.desc())
        ).first()
        if contact
        else None
    )
    right = code_matches(found.code_hash if found else _NOBODY, code)
    if found:
        hold(session, found)  # after the slow hash: parallel guesses are judged one by one
        right = right and found.tries < CODE_TRIES and found.used_at is None
        found.tries += 1
    if not (found and right):
        raise NotAllowed(
            N_("This code is not right, or it is too old."),
            N_("Look at the message again, or ask for a new code."),
        )
    found.used_at = now
    return found.person_id


def _contact(session: Session, phone: str) -> ContactIndex | None:
    found = [find_contact(session, number) for number in numbers_of(session, phone)]
    return next((contact for contact in found if contact), None)


def numbers_of(session: Session, phone: str) -> list[str]:
    """The numbers that somebody may mean, written with the code of a country or as at home in one of ours; raise Invalid for none."""
    return numbers_meant(phone, session.scalars(select(Country.code).order_by(Country.code)))


def after(given: Sequence[UUID], at: datetime) -> tuple[object, ...]:
    """What names the code after these of the last hour: two that are asked for at once get one name, so that one is sent."""
    return (len(given), given[-1]) if given else (at.strftime("%Y-%m-%d %H"),)


def open_session(session: Session, real_now: datetime, person_id: UUID, *, official: bool) -> SignedIn:
    """Start a server-side session for a person."""
    token = new_token()
    row = WebSession(
        token_hash=token_hash(token),
        person_id=person_id,
        csrf=new_token(),
        official=official,
        created_at=real_now,
        seen_at=real_now,
    )
    session.add(row)
    session.flush()
    return SignedIn(token, row)


# Written once: they are asked in every request, and to write them takes longer than to answer them.
_SESSION = select(WebSession).where(WebSession.token_hash == bindparam("hash"), WebSession.ended_at.is_(None))


def find_session(session: Session, real_now: datetime, token: str) -> WebSession | None:
    """The living session behind a cookie, or None: ended, idle too long, too old, or never there."""
    row = session.scalars(_SESSION, {"hash": token_hash(token)}).first()
    return row if row is not None and _lives(row, real_now) else None


def _lives(row: WebSession, real_now: datetime) -> bool:
    """Whether a session that nobody ended has neither grown too old nor, on an official's or a shared phone, rested too long."""
    if row.created_at + MEMBER_LIFE < real_now:
        return False
    return not row.official or row.seen_at + OFFICIAL_IDLE >= real_now


def end_session(row: WebSession, real_now: datetime) -> None:
    """Log out: the cookie is dead everywhere at once."""
    row.ended_at = real_now


def sessions_of(session: Session, real_now: datetime, person_id: UUID) -> list[WebSession]:
    """The living sessions of a person, the one used last first."""
    rows = select(WebSession).where(WebSession.person_id == person_id, WebSession.ended_at.is_(None))
    found = session.scalars(rows.order_by(WebSession.seen_at.desc()))
    return [row for row in found if _lives(row, real_now)]


def end_all_sessions(session: Session, real_now: datetime, person_id: UUID, but: UUID | None = None) -> None:
    """End every session of a person at once, also on phones that are elsewhere; `but` is the one that asks for it."""
    rows = update(WebSession).where(WebSession.person_id == person_id, WebSession.ended_at.is_(None))
    session.execute(rows.where(WebSession.id != but if but else true()).values(ended_at=real_now))


def issue_token(session: Session, now: datetime, person_id: UUID, scopes: list[str], days: int) -> str:
    """Make a bearer token with these scopes; it is shown once and stored as a hash."""
    token = f"concord_{new_token()}"
    session.add(
        ApiToken(
            token_hash=token_hash(token), person_id=person_id, scopes=scopes, until=now + timedelta(days=days)
        )
    )
    session.flush()
    return token


_TOKEN = select(ApiToken).where(
    ApiToken.token_hash == bindparam("hash"),
    ApiToken.ended_at.is_(None),
    ApiToken.until > bindparam("now"),
)


def find_token(session: Session, real_now: datetime, token: str) -> ApiToken | None:
    """The living token behind a bearer header, or None."""
    return session.scalars(_TOKEN, {"hash": token_hash(token), "now": real_now}).first()
