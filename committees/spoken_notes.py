"""What somebody said after the tone in a call: the sound, sealed, for the secretary to hear and log; nothing scores it.

A note belongs to the key that was pressed before it, and by that to a report. It is kept for a month: a voice says who somebody is. Fetching it
from the provider is coordination/fetching_notes.py's business, pages/calls.py plays it.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ForeignKey, Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from committees.reports import Report
from foundation.crypto import cipher
from foundation.db import Base, Keyed

KEEP = timedelta(days=30)
#: waiting: still at the provider. kept: here. lost: it can never be fetched. erased: its time is over.
WAITING, KEPT, LOST, ERASED = "waiting", "kept", "lost", "erased"


class SpokenNote(Keyed, Base):
    """One note: in which call, about which report, and its sound once it was fetched."""

    __tablename__ = "spoken_note"

    locality_id: Mapped[UUID] = mapped_column(ForeignKey("locality.id"), index=True)
    incident_id: Mapped[UUID | None] = mapped_column(ForeignKey("incident.id"), index=True)
    #: The key that was pressed before it.
    inbound_id: Mapped[UUID] = mapped_column(ForeignKey("inbound.id"), index=True)
    recording: Mapped[str] = mapped_column(unique=True)
    call: Mapped[str]
    account: Mapped[str]
    state: Mapped[str] = mapped_column(default=WAITING, index=True)
    tries: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime]
    received_at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(default="")
    seconds: Mapped[int] = mapped_column(default=0)
    sound_sealed: Mapped[str | None] = mapped_column(Text)
    erase_at: Mapped[datetime]
    #: When the provider's copy was taken away.
    gone_at: Mapped[datetime | None]

    def sound(self, session: Session) -> bytes:
        """The sound itself; empty where it is not here."""
        sealed = self.sound_sealed
        return base64.b64decode(cipher(session).open("spoken_note.sound", self.id, sealed)) if sealed else b""


def seal_sound(session: Session, note_id: UUID, data: bytes) -> str:
    """The sound of a note as it is stored."""
    return cipher(session).seal("spoken_note.sound", note_id, base64.b64encode(data).decode())


def of_call(session: Session, inbound_id: UUID | None) -> list[SpokenNote]:
    """What was said after this key, the first one first."""
    if inbound_id is None:
        return []
    rows = select(SpokenNote).where(SpokenNote.inbound_id == inbound_id)
    return list(session.scalars(rows.order_by(SpokenNote.received_at)))


def of_incident(session: Session, incident_id: UUID) -> list[SpokenNote]:
    """What was said about one thing that happened, with the notes of reports that were joined to it."""
    rows = select(SpokenNote).join(Report, Report.id == SpokenNote.incident_id)
    return list(
        session.scalars(rows.where(Report.incident_id == incident_id).order_by(SpokenNote.received_at))
    )


def told_by_voice(session: Session, incident_ids: Iterable[UUID]) -> set[UUID]:
    """Which of these reports have a note that can be heard, or soon."""
    rows = select(SpokenNote.incident_id).where(
        SpokenNote.incident_id.in_(set(incident_ids)), SpokenNote.state.in_((WAITING, KEPT))
    )
    return {key for key in session.scalars(rows) if key}
