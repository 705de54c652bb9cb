"""The rows of what others collected: how each source stands, and one inbound row for each answer to a form and each letter, once for ever.

Fetching is collecting.py's business, reading taking_in.py's.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Mapped, Session, mapped_column

from committees import inbox
from committees.inbox import FORM, MAIL, Inbound
from committees.intake.letters import Letter
from committees.intake.normalise import storable
from foundation.db import Base, new_id

LARGEST_FORM = 64 * 1024


class Collection(Base):
    """How one source of ours stands: how far it was read, when it last answered, and what was wrong."""

    __tablename__ = "collection"

    name: Mapped[str] = mapped_column(primary_key=True)
    cursor: Mapped[str] = mapped_column(default="")
    asked_at: Mapped[datetime | None]
    heard_at: Mapped[datetime | None]
    taken: Mapped[int] = mapped_column(default=0)
    error: Mapped[str] = mapped_column(default="")


@dataclass(frozen=True)
class Item:
    """One thing to keep: under which name for ever, from whom, its words, and what else the reader needs."""

    kind: str
    provider_id: str
    sender: str
    text: str
    details: dict[str, Any]


def form_item(name: str, place: str, row: Mapping[str, Any]) -> Item:
    """A submission as it is kept: whole, under the id that both servers give it."""
    key = next((str(row[k]) for k in ("_uuid", "__id", "meta/instanceID", "instanceID") if row.get(k)), "")
    text = json.dumps(row, ensure_ascii=False, sort_keys=True, default=str)
    key = key.removeprefix("uuid:")
    if (
        not key or not key.isprintable()
    ):  # no database keeps a NUL or half a character: such a name would stop all that comes after it
        key = blake2b(text.encode("utf-8", "replace"), digest_size=16).hexdigest()
    details = {"channel": "form", "server": name, "place": place}
    return Item(FORM, f"form:{name}:{key[:80]}", f"form:{name}", text, details)


def letter_item(letter: Letter, place: str) -> Item:
    """A letter as it is kept: everything that was written, and what is new in it as the first part."""
    details = {
        "channel": "email", "place": place, "proven": letter.proven, "automatic": letter.automatic, "new": len(letter.words),
    }  # fmt: skip
    rest = letter.whole if letter.whole != letter.words else ""
    return Item(MAIL, f"mail:{letter.key[:200]}", letter.sender, f"{letter.words}\n\n{rest}".strip(), details)


def put_in(session: Session, now: datetime, items: Sequence[Item]) -> int:
    """Store what is not stored yet as rows that wait; return how many."""
    wanted = {one.provider_id: one for one in items}
    known = set(session.scalars(select(Inbound.provider_id).where(Inbound.provider_id.in_(wanted))))
    for key, one in wanted.items():
        if key not in known:
            row = Inbound(id=new_id(), kind=one.kind, provider_id=key, details=one.details, received_at=now)
            inbox.seal_message(session, row, one.sender, storable(one.text))
            session.add(row)
    session.flush()
    return len(set(wanted) - known)


def of(session: Session, name: str) -> Collection:
    """How a source stands; begun with its first row."""
    row = session.get(Collection, name)
    if row is None:
        row = Collection(name=name, cursor="", taken=0, error="")
        session.add(row)
        session.flush()
    return row
