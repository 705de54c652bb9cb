"""The words that a committee taught its own SMS line, from messages that nobody could read: who taught them, and who took them back.

Which words may be taught is committees/intake/teaching.py. They are read for the town of that committee only. Pages call `teach` and
`undo`; the reader of SMS asks `of_town`.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from committees.intake.reading import Command
from committees.intake.teaching import How, Taught, TaughtWords, proposals
from foundation import journal
from foundation.db import Base, Keyed, claim
from foundation.errors import Conflict, Invalid
from foundation.web.words import N_

MOST = 200


class TaughtWord(Keyed, Base):
    """One taught word (`how` first) or message (`how` whole) of a town, in reading form: letters only, no number."""

    __tablename__ = "taught_word"
    __table_args__ = (
        Index(
            "uq_taught_word_in_use",
            "locality_id",
            "words",
            "how",
            unique=True,
            sqlite_where=text("undone_at IS NULL"),
            postgresql_where=text("undone_at IS NULL"),
        ),
    )

    locality_id: Mapped[UUID] = mapped_column(ForeignKey("locality.id"), index=True)
    words: Mapped[str]
    how: Mapped[str]
    command: Mapped[str]
    taught_by: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    taught_at: Mapped[datetime]
    undone_by: Mapped[UUID | None]
    undone_at: Mapped[datetime | None]


def in_use(session: Session, town_id: UUID) -> list[TaughtWord]:
    """The words of a town that are understood now, the newest first."""
    rows = select(TaughtWord).where(TaughtWord.locality_id == town_id, TaughtWord.undone_at.is_(None))
    return list(session.scalars(rows.order_by(TaughtWord.taught_at.desc(), TaughtWord.id).limit(MOST)))


def of_town(session: Session, town_id: UUID) -> TaughtWords:
    """The words of a town, for the reader."""
    rows = in_use(session, town_id)
    return TaughtWords.of(
        Taught(tuple(row.words.split()), Command(row.command), How(row.how)) for row in rows
    )


def teach(
    session: Session, now: datetime, *, town_id: UUID, by: UUID, message: str, command: Command, how: How
) -> TaughtWord:
    """Let the line of a town understand the first word of a message, or the whole of it; raise Invalid or Conflict."""
    words = proposals(message, command).get(how)
    if words is None:
        raise Invalid("teach", N_("This cannot be taught: it has another meaning, or must never be guessed"))
    rows = in_use(session, town_id)
    if found := next((row for row in rows if (row.words, row.how) == (words, how)), None):
        if found.command == command:
            return found
        raise Conflict(
            N_("This word was taught with another meaning."),
            N_("Take the other one back first: Words the line was taught."),
        )
    if len(rows) >= MOST:
        raise Conflict(
            N_("The line knows too many words already."), N_("Take back some that are not needed.")
        )
    row = TaughtWord(locality_id=town_id, words=words, how=how, command=command, taught_by=by, taught_at=now)
    session.add(row)
    session.flush()
    journal.record(session, now, f"sms:taught:{command}", "taught_word", row.id, locality_id=town_id)
    return row


def undo(session: Session, now: datetime, row: TaughtWord, *, by: UUID) -> None:
    """Take a taught word back; the next message is read without it."""
    if not claim(session, TaughtWord, row.id, {"undone_at": None}, {"undone_at": now, "undone_by": by}):
        raise Conflict(N_("This word was taken back already."), N_("Open the page again."))
    journal.record(session, now, "sms:untaught", "taught_word", row.id, locality_id=row.locality_id)
