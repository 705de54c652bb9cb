"""Writing to somebody no more: the one act behind SMS STOP, the page and the link in a letter, and the signature of that link.

A link names a contact point and carries a keyed signature, so nobody can stop somebody else's letters. It never runs out:
a letter may lie for years. Starting again is the person's own act, by SMS or on their page.

A number of which no account is known (a protected number, a stranger's) is stopped by its keyed index alone, and for good: nothing goes to it
as a bare address until it sends START itself.
"""

from __future__ import annotations

import hmac
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Mapped, Session, mapped_column

from committees.inbox import IGNORED, STOP, Inbound
from committees.people import ContactPoint
from foundation import journal
from foundation.crypto import Cipher, cipher
from foundation.db import Base, insert_new, new_id

PURPOSE = "stop_link"


class StoppedNumber(Base):
    """The slow keyed index of a number without an account that asked for no more messages."""

    __tablename__ = "stopped_number"

    number: Mapped[str] = mapped_column(primary_key=True)
    stopped_at: Mapped[datetime]


def stop(session: Session, now: datetime, point: ContactPoint) -> bool:
    """Write to this number or address no more; False if it was stopped before."""
    if point.stopped_at is not None:
        return False
    point.stopped_at = now
    journal.record(session, now, "stop", "contact_point", point.id, locality_id=point.locality_id)
    return True


def stop_number(session: Session, now: datetime, row: Inbound) -> None:
    """Write no more to the number behind this message, of which no account is known."""
    if row.sender and insert_new(session, StoppedNumber(number=row.sender, stopped_at=now)):
        journal.record(session, now, "stop", "inbound", row.id, locality_id=row.locality_id)


def start_number(session: Session, now: datetime, row: Inbound) -> None:
    """The number behind this message may be written to again: it says so itself."""
    if row.sender and (stopped := session.get(StoppedNumber, row.sender)):
        session.delete(stopped)
        journal.record(session, now, "start", "inbound", row.id, locality_id=row.locality_id)


def has_any(session: Session) -> bool:
    """Whether any number without an account is stopped."""
    return session.scalars(select(StoppedNumber.number).limit(1)).first() is not None


def is_stopped(session: Session, index: str | None) -> bool:
    """Whether the number with this keyed index asked for no more messages while no account was known of it."""
    return index is not None and session.get(StoppedNumber, index) is not None


def link_path(keys: Cipher, point_id: UUID) -> str:
    """The path of the page that stops this contact point with one press."""
    return f"/stop/{point_id}/{keys.handle(PURPOSE, point_id)}"


def is_signed(session: Session, point_id: UUID, signature: UUID) -> bool:
    """Whether we made this link."""
    return hmac.compare_digest(cipher(session).handle(PURPOSE, point_id).bytes, signature.bytes)


def ask(session: Session, now: datetime, point_id: UUID) -> Inbound:
    """What a page or a mailbox asked for, as a row that the reader works off: it may touch contact points, a page may not."""
    row = Inbound(
        id=new_id(),
        kind=STOP,
        provider_id=f"stop:{point_id}:{now:%Y%m%d%H%M}",
        details={"contact_point_id": str(point_id), "channel": "email"},
        received_at=now,
    )
    session.add(row)
    return row


def read(session: Session, now: datetime, row: Inbound) -> None:
    """Carry out one such row."""
    point = session.get(ContactPoint, UUID(row.details["contact_point_id"]))
    if point is None:
        row.state = IGNORED
        return
    stop(session, now, point)
    row.person_id, row.locality_id = point.person_id, point.locality_id
    row.reading = {"command": "STOP"}
