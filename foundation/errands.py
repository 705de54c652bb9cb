"""What a page decided and a worker must carry out: one row, written in the page's own transaction.

A page may not read other people's numbers, so it cannot tell anybody anything. It stores its decision and an errand (ids and closed words
only); the worker, woken at once, does the telling. Every room may ask; only coordination/errands.py does the work.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Mapped, Session, mapped_column

from foundation.db import Base, Keyed, new_id

MOST_TRIES = 5


class Errand(Keyed, Base):
    """One thing to carry out: its kind, what it is about, and whether it is done."""

    __tablename__ = "errand"

    kind: Mapped[str]
    subject_id: Mapped[UUID]
    values: Mapped[dict[str, Any]]
    asked_at: Mapped[datetime]
    tries: Mapped[int] = mapped_column(default=0)
    done_at: Mapped[datetime | None] = mapped_column(index=True)


def ask(
    session: Session, now: datetime, kind: str, subject_id: UUID, *, key: UUID | None = None, **values: Any
) -> Errand:
    """Leave an errand for the worker, once per `key` where a form brought one."""
    if key and (found := session.get(Errand, key)):
        return found
    row = Errand(id=key or new_id(), kind=kind, subject_id=subject_id, values=values, asked_at=now, tries=0)
    session.add(row)
    session.flush()
    return row


def open_errands(session: Session, batch: int = 50) -> list[tuple[UUID, str]]:
    """The ids and kinds of errands that wait, oldest first; those that failed five times are left for a person to look at."""
    rows = select(Errand.id, Errand.kind).where(Errand.done_at.is_(None), Errand.tries < MOST_TRIES)
    found = session.execute(rows.order_by(Errand.asked_at, Errand.id).limit(batch)).all()
    return [(key, kind) for key, kind in found]
