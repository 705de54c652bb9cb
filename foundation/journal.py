"""The record: who did what to which thing, append-only and chained by hashes.

Entries hold ids and closed words, never content, so that erasing a report leaves the record whole. They are written in the business
transaction and sealed into the chain a moment later by one worker, which keeps intake fast. Every room may write; only `seal` chains.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from foundation.db import Base, Keyed
from foundation.policy import RULES, Principal

START = "0" * 64
SEALING = 4_912_027


class Entry(Keyed, Base):
    """One line of the record."""

    __tablename__ = "journal"

    at: Mapped[datetime] = mapped_column(index=True)
    actor_id: Mapped[UUID | None]
    service: Mapped[str | None]
    action: Mapped[str]
    object_kind: Mapped[str]
    object_id: Mapped[UUID | None]
    locality_id: Mapped[UUID | None]
    outcome: Mapped[str] = mapped_column(default="done")
    policy_version: Mapped[str] = mapped_column(default=RULES["version"])
    seq: Mapped[int | None] = mapped_column(unique=True, index=True)
    prev: Mapped[str | None]
    hash: Mapped[str | None]


@dataclass(frozen=True)
class Verdict:
    """What verifying found: how many entries hold, the head's hash, and the first bad sequence number if any."""

    entries: int
    head: str
    first_bad: int | None = None
    why: str = ""


def record(
    session: Session,
    now: datetime,
    action: str,
    object_kind: str,
    object_id: UUID | None,
    *,
    locality_id: UUID | None = None,
    outcome: str = "done",
) -> None:
    """Write one entry in the caller's transaction, in the name of the session's principal."""
    principal: Principal = session.info["principal"]
    session.add(
        Entry(
            at=now,
            actor_id=principal.person_id,
            service=principal.service,
            action=action,
            object_kind=object_kind,
            object_id=object_id,
            locality_id=locality_id,
            outcome=outcome,
        )
    )


def digest(entry: Entry, prev: str) -> str:
    """The hash of an entry after `prev`: SHA-256 over the previous hash and the entry as canonical JSON."""
    fields = [
        entry.seq,
        entry.at.astimezone(UTC).isoformat(),
        str(entry.actor_id or ""),
        entry.service or "",
        entry.action,
        entry.object_kind,
        str(entry.object_id or ""),
        str(entry.locality_id or ""),
        entry.outcome,
        entry.policy_version,
        str(entry.id),
    ]
    canonical = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256((prev + canonical).encode()).hexdigest()


def seal(session: Session, limit: int = 1000) -> int:
    """Chain the entries that no sealer has seen, oldest first; return how many. A second sealer waits until the first has committed."""
    if session.get_bind().dialect.name == "postgresql":
        # SQLite lets one writer in at a time by itself. Here two would read the same tail, and the later would seal anew what is sealed.
        session.execute(select(func.pg_advisory_xact_lock(SEALING)))
    last = session.scalars(
        select(Entry).where(Entry.seq.is_not(None)).order_by(Entry.seq.desc()).limit(1)
    ).first()
    seq, prev = (last.seq or 0, last.hash or START) if last else (0, START)
    waiting = session.scalars(
        select(Entry).where(Entry.seq.is_(None)).order_by(Entry.at, Entry.id).limit(limit)
    ).all()
    for entry in waiting:
        seq += 1
        entry.seq, entry.prev = seq, prev
        entry.hash = prev = digest(entry, prev)
    session.flush()
    return len(waiting)


def verify(session: Session, head: str | None = None) -> Verdict:
    """Walk the chain from its start and name the first entry that does not fit; `head` is a hash that a witness kept."""
    prev, count, seen = START, 0, head is None
    with closing(_chain(session)) as chain:  # the first bad entry ends the walk before the rows do
        for entry in chain:
            if entry.seq != count + 1:
                return Verdict(count, prev, count + 1, "an entry is missing")
            if entry.prev != prev or entry.hash != digest(entry, prev):
                return Verdict(count, prev, entry.seq, "an entry was changed")
            prev, count = entry.hash, count + 1
            seen = seen or prev == head
    if not seen:
        return Verdict(count, prev, count + 1, "the record does not reach the head that the witness kept")
    return Verdict(count, prev)


def unsealed(session: Session) -> int:
    """How many entries wait for the sealer."""
    return session.scalar(select(func.count()).select_from(Entry).where(Entry.seq.is_(None))) or 0


def _chain(session: Session) -> Generator[Entry, None, None]:
    rows = select(Entry).where(Entry.seq.is_not(None)).order_by(Entry.seq).execution_options(yield_per=500)
    with closing(session.scalars(rows)) as found:
        yield from found
