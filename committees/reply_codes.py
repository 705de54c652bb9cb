"""Reply codes: the two or three random digits by which an SMS answers one alert (or a drill). Per phone, not reused for 30 days.

Two digits at levels 1-3, three at 4-5; never an emergency or ward number. Five wrong codes close SMS answers to an alert for 15 minutes.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ForeignKey, UniqueConstraint, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from foundation.db import Base, Keyed, hold

REST = timedelta(days=30)
TRIES, LOCK = 5, timedelta(minutes=15)
EMERGENCY = frozenset(
    {"15", "112", "119", "999", "911", "100", "101", "102", "108", "110", "115", "118", "1122"}
)


class ReplyCode(Keyed, Base):
    """One code on one phone for one subject; several wards in one message have the same code."""

    __tablename__ = "reply_code"
    __table_args__ = (UniqueConstraint("contact_point_id", "kind", "subject_id"),)

    contact_point_id: Mapped[UUID] = mapped_column(ForeignKey("contact_point.id"), index=True)
    code: Mapped[str]
    kind: Mapped[str]
    subject_id: Mapped[UUID] = mapped_column(index=True)
    given_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    wrong: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None]


def give(
    session: Session,
    now: datetime,
    rng: random.Random,
    contact_point_id: UUID,
    kind: str,
    subject_id: UUID,
    *,
    digits: int,
    never: frozenset[str] = frozenset(),
) -> str:
    """The code of a subject on a phone: the one it has, else a random free one."""
    rows = select(ReplyCode).where(ReplyCode.contact_point_id == contact_point_id, ReplyCode.kind == kind)
    found = session.scalars(rows.where(ReplyCode.subject_id == subject_id)).first()
    if found:
        shared = rows.where(ReplyCode.code == found.code, ReplyCode.subject_id != subject_id)
        if session.scalars(shared.where(ReplyCode.closed_at.is_(None)).limit(1)).first() is None:
            return found.code
        # It answered several at once; a message about this one alone must not answer the others.
        found.code, found.given_at = _new_code(session, now, rng, contact_point_id, digits, never), now
        session.flush()
        return found.code
    return share(session, now, rng, contact_point_id, kind, [subject_id], digits=digits, never=never)


def share(
    session: Session,
    now: datetime,
    rng: random.Random,
    contact_point_id: UUID,
    kind: str,
    subject_ids: Sequence[UUID],
    *,
    digits: int,
    never: frozenset[str] = frozenset(),
) -> str:
    """One new code on a phone that answers all of these subjects at once."""
    code = _new_code(session, now, rng, contact_point_id, digits, never)
    rows = select(ReplyCode).where(
        ReplyCode.contact_point_id == contact_point_id,
        ReplyCode.kind == kind,
        ReplyCode.subject_id.in_(subject_ids),
    )
    known = {row.subject_id: row for row in session.scalars(rows)}
    for subject_id in subject_ids:
        if row := known.get(subject_id):
            row.code, row.given_at = code, now
        else:
            session.add(
                ReplyCode(
                    contact_point_id=contact_point_id,
                    code=code,
                    kind=kind,
                    subject_id=subject_id,
                    given_at=now,
                )
            )
    session.flush()
    return code


def _new_code(
    session: Session,
    now: datetime,
    rng: random.Random,
    contact_point_id: UUID,
    digits: int,
    never: frozenset[str],
) -> str:
    resting = or_(ReplyCode.given_at > now - REST, ReplyCode.closed_at.is_(None))
    taken = select(ReplyCode.code).where(ReplyCode.contact_point_id == contact_point_id, resting)
    return _free_code(rng, digits, {*session.scalars(taken), *EMERGENCY, *never})


def _free_code(rng: random.Random, digits: int, taken: set[str]) -> str:
    """A random code that is not taken, one digit longer where all of this length are."""
    free = [str(n) for n in range(10 ** (digits - 1), 10**digits) if str(n) not in taken]
    return rng.choice(free) if free else _free_code(rng, digits + 1, taken)


def open_on(session: Session, contact_point_id: UUID) -> list[ReplyCode]:
    """The codes that this phone may answer now, newest first."""
    rows = select(ReplyCode).where(
        ReplyCode.contact_point_id == contact_point_id, ReplyCode.closed_at.is_(None)
    )
    return list(session.scalars(rows.order_by(ReplyCode.given_at.desc())))


def has_closed(session: Session, contact_point_ids: Collection[UUID], code: str) -> bool:
    """Whether this code stood in a message to one of these numbers, about something that has ended."""
    rows = select(ReplyCode.id).where(
        ReplyCode.contact_point_id.in_(contact_point_ids),
        ReplyCode.code == code,
        ReplyCode.closed_at.is_not(None),
    )
    return session.scalars(rows.limit(1)).first() is not None


def hold_all(session: Session, codes: list[ReplyCode]) -> None:
    """Keep these codes from all others until this message is answered: guesses sent at once are judged one after the other."""
    for code in sorted(codes, key=lambda one: one.id):
        hold(session, code)


def wrong_try(now: datetime, codes: list[ReplyCode]) -> bool:
    """Count a wrong code against every open one; return whether SMS answers are closed now."""
    for code in codes:
        code.wrong += 1
        if code.wrong >= TRIES:
            code.locked_until, code.wrong = now + LOCK, 0
    return any(code.locked_until and code.locked_until > now for code in codes)


def close(session: Session, now: datetime, kind: str, subject_id: UUID) -> None:
    """Nobody can answer this subject by SMS any more."""
    for code in session.scalars(
        select(ReplyCode).where(
            ReplyCode.kind == kind, ReplyCode.subject_id == subject_id, ReplyCode.closed_at.is_(None)
        )
    ):
        code.closed_at = now
