"""The operator's own recordings for languages that no voice speaks: one for each line of the menu and each message that a call says.

They name nobody, so they are not sealed. Only what a second person, whose language it is, has listened to and found right is played. The provider
fetches them at signed addresses that change with the sound. Pages are coordination/pages/voice.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from sqlalchemy import Index, LargeBinary, delete, select
from sqlalchemy.orm import Mapped, Session, deferred, mapped_column

from alerts.sounds import sound_of
from alerts.spoken import RECORDED, lines
from foundation import journal
from foundation.crypto import Cipher
from foundation.db import Base, Keyed, claim, new_id
from foundation.errors import Conflict, Invalid, NotAllowed
from foundation.web.words import N_

MOST_BYTES, MOST_SECONDS = 900_000, 60
PURPOSE, PATH = "voice line", "/hooks/voice/"
DIGEST = 8


class VoiceLine(Keyed, Base):
    """One line in one language, as it was recorded; unheard until somebody has found it right."""

    __tablename__ = "voice_line"
    __table_args__ = (Index("uq_voice_line", "language", "line", unique=True),)

    language: Mapped[str]
    line: Mapped[str]
    kind: Mapped[str]
    seconds: Mapped[int]
    digest: Mapped[str]
    sound: Mapped[bytes] = deferred(mapped_column(LargeBinary))
    made_by: Mapped[UUID]
    made_at: Mapped[datetime]
    heard_by: Mapped[UUID | None]
    heard_at: Mapped[datetime | None]


@dataclass(frozen=True)
class Missing:
    """How far a language has come: how many lines it needs, how many are recorded, and how many of those are signed off."""

    language: str
    needed: int
    recorded: int
    right: int


def put(session: Session, now: datetime, language: str, line: str, data: bytes, person_id: UUID) -> VoiceLine:
    """Keep a recording in the place of the one before it; raise Invalid where it cannot be played."""
    if line not in lines(language):
        raise Invalid("sound", N_("There is no such line."), N_("Choose one of the list."))
    found = sound_of(data) if len(data) <= MOST_BYTES else None
    if len(data) > MOST_BYTES or (found and found.seconds > MOST_SECONDS):
        raise Invalid(
            "sound",
            N_("Choose a recording of at most one minute"),
            N_("An MP3 file is smaller than a WAV file."),
        )
    if found is None:
        raise Invalid("sound", N_("Choose a WAV or MP3 file"), N_("Its content counts, not its name."))
    session.execute(delete(VoiceLine).where(VoiceLine.language == language, VoiceLine.line == line))
    row = VoiceLine(
        id=new_id(),
        language=language,
        line=line,
        kind=found.kind,
        seconds=max(1, round(found.seconds)),
        digest=sha256(data).hexdigest(),
        sound=data,
        made_by=person_id,
        made_at=now,
    )
    session.add(row)
    session.flush()
    journal.record(session, now, "voice:recorded", "voice_line", row.id)
    return row


def why_not(row: VoiceLine, person_id: UUID, language: str) -> str:
    """Why this person, who speaks `language`, may not sign a recording off; empty where they may."""
    if language != row.language:
        return N_("Only somebody whose own language this is can sign it off.")
    return N_("A second person must listen to it.") if person_id == row.made_by else ""


def sign_off(session: Session, now: datetime, row: VoiceLine, person_id: UUID, language: str) -> None:
    """Say that a recording is right; raise NotAllowed, or Conflict where another one stands there by now."""
    if problem := why_not(row, person_id, language):
        raise NotAllowed(problem, N_("Your language is set on your own page."))
    if not claim(session, VoiceLine, row.id, {"heard_by": None}, {"heard_by": person_id, "heard_at": now}):
        raise Conflict(N_("This was decided already."))
    journal.record(session, now, "voice:right", "voice_line", row.id)


def all_of(session: Session) -> dict[tuple[str, str], VoiceLine]:
    """Every recording by language and line, without its sound."""
    return {(row.language, row.line): row for row in session.scalars(select(VoiceLine))}


def standing(session: Session) -> list[Missing]:
    """How far each language has come."""
    rows = all_of(session)
    found = []
    for language in RECORDED:
        needed = lines(language)
        there = [row for (of, line), row in rows.items() if of == language and line in needed]
        found.append(
            Missing(language, len(needed), len(there), sum(row.heard_at is not None for row in there))
        )
    return found


def plays(session: Session, cipher: Cipher, public_url: str) -> Mapping[str, Mapping[str, str]]:
    """For each language, where each line that is right is fetched."""
    found: dict[str, dict[str, str]] = {}
    for (language, line), row in all_of(session).items():
        if row.heard_at is not None:
            ticket = cipher.sign(PURPOSE, row.id.bytes + bytes.fromhex(row.digest)[:DIGEST])
            found.setdefault(language, {})[line] = f"{public_url.rstrip('/')}{PATH}{ticket}"
    return found


def behind(session: Session, cipher: Cipher, ticket: str) -> VoiceLine | None:
    """The recording behind a signed address; None for any other, and where another sound stands there by now."""
    payload = cipher.signed(PURPOSE, ticket)
    if payload is None or len(payload) != 16 + DIGEST:
        return None
    row = session.get(VoiceLine, UUID(bytes=payload[:16]))
    return row if row and row.heard_at and bytes.fromhex(row.digest)[:DIGEST] == payload[16:] else None
