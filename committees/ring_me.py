"""What somebody who asks for a call about a private matter leaves for whoever rings: a safe number, a safe time, what help is needed.

Only the services focal person and the oversight office read it, each time on record; it is erased a day after the call, or after a month.
For every other call the desk has the message that asked for it. The list of calls is call_backs.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ForeignKey, delete, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from committees import call_backs
from committees.call_backs import CallBack
from foundation.crypto import cipher
from foundation.db import Base, among

TAKEN_BACK = "taken_back"  # the errand that ends the calls of a report that its source took back
KEPT_AFTER, KEPT_AT_MOST = timedelta(days=1), timedelta(days=30)


@dataclass(frozen=True)
class Ring:
    """Where to ring: a number as E.164, a time and a need in their own words, and the message that asked for the call."""

    number: str
    safe_time: str = ""
    need: str = ""
    inbound_id: UUID | None = None


class NumberToRing(Base):
    """Where and when to ring somebody, and what help they need, sealed."""

    __tablename__ = "number_to_ring"

    call_id: Mapped[UUID] = mapped_column(ForeignKey("call_back.id"), primary_key=True)
    locality_id: Mapped[UUID] = mapped_column(ForeignKey("locality.id"), index=True)
    withheld_from: Mapped[str] = mapped_column(default="")
    language: Mapped[str]
    number_sealed: Mapped[str]
    safe_time_sealed: Mapped[str]
    need_sealed: Mapped[str]

    def opened(self, session: Session) -> Ring:
        """What was left, opened."""
        seal = cipher(session)
        return Ring(
            seal.open("number_to_ring.number", self.call_id, self.number_sealed),
            seal.open("number_to_ring.safe_time", self.call_id, self.safe_time_sealed),
            seal.open("number_to_ring.need", self.call_id, self.need_sealed),
        )


def leave(session: Session, call: CallBack, ring: Ring | None, language: str) -> None:
    """Keep with a call where to ring: for a private one sealed, for the desk's own the message that asked for it."""
    if ring is None:
        return
    if not call.in_care:
        call.inbound_id = ring.inbound_id
        return
    if not ring.number:
        return
    seal = cipher(session)
    session.add(
        NumberToRing(
            call_id=call.id,
            locality_id=call.locality_id,
            withheld_from=call.withheld_from,
            language=language,
            number_sealed=seal.seal("number_to_ring.number", call.id, ring.number),
            safe_time_sealed=seal.seal("number_to_ring.safe_time", call.id, ring.safe_time),
            need_sealed=seal.seal("number_to_ring.need", call.id, ring.need),
        )
    )


def take_back(session: Session, now: datetime, incident_id: UUID) -> None:
    """Nobody is to be rung about a report that was taken back: its calls end, and what was left for them is erased at once."""
    calls = session.scalars(select(CallBack).where(CallBack.incident_id == incident_id)).all()
    for call in calls:
        call_backs.done(session, now, call, call_backs.NOT_NEEDED)
    session.execute(delete(NumberToRing).where(NumberToRing.call_id.in_([call.id for call in calls])))


def forget(session: Session, now: datetime) -> int:
    """Erase what was left for calls that ended a day ago, and for those that nobody made in a month; return how many."""
    kept = session.scalars(select(NumberToRing.call_id)).all()
    over = or_(CallBack.done_at < now - KEPT_AFTER, CallBack.asked_at < now - KEPT_AT_MOST)
    ended = (
        session.scalars(select(CallBack.id).where(among(session, CallBack.id, kept), over)).all()
        if kept
        else []
    )
    session.execute(delete(NumberToRing).where(NumberToRing.call_id.in_(ended)))
    return len(ended)
