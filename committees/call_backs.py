"""People to be rung: unknown senders, private matters, silent wards, missed calls. A list for the secretary, with a clock."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from foundation import journal
from foundation.db import Base, Keyed

DISAGREES = "disagrees"
WHY = ("unknown_source", "private_matter", "heard_only", "asked", "no_news", "grave_unconfirmed", DISAGREES)


class CallBack(Keyed, Base):
    """One call to make, why, and by when."""

    __tablename__ = "call_back"

    locality_id: Mapped[UUID] = mapped_column(ForeignKey("locality.id"), index=True)
    incident_id: Mapped[UUID | None] = mapped_column(ForeignKey("incident.id"))
    why: Mapped[str]
    asked_at: Mapped[datetime]
    due_at: Mapped[datetime]
    done_at: Mapped[datetime | None]
    sensitive: Mapped[bool] = mapped_column(default=False)
    withheld_from: Mapped[str] = mapped_column(default="")
    effect_key: Mapped[str | None] = mapped_column(unique=True)


def waiting(session: Session) -> list[CallBack]:
    """The calls that nobody has made, the most urgent first."""
    return list(session.scalars(select(CallBack).where(CallBack.done_at.is_(None)).order_by(CallBack.due_at)))


def done(session: Session, now: datetime, call: CallBack) -> None:
    """Say that the call was made."""
    call.done_at = now
    journal.record(session, now, "call_back", "call_back", call.id, locality_id=call.locality_id)
