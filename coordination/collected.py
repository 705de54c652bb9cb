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
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Mapped, Session, mapped_column

from committees import inbox
from committees.inbox import FORM, MAIL, Inbound
from committees.intake import submissions
from committees.intake.bare import bare
from committees.intake.letters import Letter
from committees.intake.normalise import storable
from foundation.db import Base, insert_new, new_id

LARGEST_FORM = 64 * 1024


class Collection(Base):
    """How one source of ours stands: how far it was read, when it last answered, and what was wrong."""

    __tablename__ = "collection"

    name: Mapped[str] = mapped_column(primary_key=True)
    cursor: Mapped[str] = mapped_column(default="")
    #: When it was asked for the first time, and for the last.
    begun_at: Mapped[datetime | None]
    asked_at: Mapped[datetime | None]
    heard_at: Mapped[datetime | None]
    taken: Mapped[int] = mapped_column(default=0)
    error: Mapped[str] = mapped_column(default="")
    #: How the questions of its own form mean ours (committees/intake/matching.py); empty where it is our form that is filled in.
    matching: Mapped[dict[str, Any]] = mapped_column(default=dict)
    #: What is being matched and not used yet: the form with its questions, and a matching.
    draft: Mapped[dict[str, Any]] = mapped_column(default=dict)
    #: What waits because nobody could read it is read once more.
    again: Mapped[bool] = mapped_column(default=False)


@dataclass(frozen=True)
class Item:
    """One thing to keep: under which name for ever, from whom, its words, and what else the reader needs."""

    kind: str
    provider_id: str
    sender: str
    text: str
    details: dict[str, Any]


def form_item(name: str, place: str, row: Mapping[str, Any]) -> Item:
    """A submission as it is kept: without what is never taken in, under the id that servers give it, whichever way it comes."""
    kept = bare(row)
    text = json.dumps(kept, ensure_ascii=False, sort_keys=True, default=str)
    own, before = submissions.versions(submissions.flat(kept))
    names = [_form_name(name, one) for one in (own or _digest(text), *before)]
    details: dict[str, Any] = {"channel": "form", "server": name, "place": place}
    if names[1:]:
        details["before"] = names[1:]  # the names of its earlier versions, the first one first
    return Item(FORM, names[0], f"form:{name}", text, details)


def _form_name(server: str, key: str) -> str:
    """An id that is one in the whole world is the same by every way; any other is only this server's."""
    try:
        return f"form:{UUID(key)}"
    except ValueError:
        # No database keeps a NUL or half a character: such a name would stop all that comes after it.
        return f"form:{server}:{(key if key.isprintable() else _digest(key))[:80]}"


def _digest(text: str) -> str:
    return blake2b(text.encode("utf-8", "replace"), digest_size=16).hexdigest()


def letter_item(letter: Letter, place: str) -> Item:
    """A letter as it is kept: everything that was written, and what is new in it as the first part."""
    details = {
        "channel": "email", "place": place, "proven": letter.proven, "automatic": letter.automatic, "new": len(letter.words),
        "files": letter.files,
    }  # fmt: skip
    rest = letter.whole if letter.whole != letter.words else ""
    return Item(MAIL, f"mail:{letter.key[:200]}", letter.sender, f"{letter.words}\n\n{rest}".strip(), details)


def put_in(session: Session, now: datetime, items: Sequence[Item]) -> int:
    """Store what is not stored yet as rows that wait; return how many. What comes by another way at this very moment is stored once."""
    wanted = {one.provider_id: one for one in items}
    known = set(session.scalars(select(Inbound.provider_id).where(Inbound.provider_id.in_(wanted))))
    done = 0
    for key, one in wanted.items():
        if key in known:
            continue
        row = Inbound(id=new_id(), kind=one.kind, provider_id=key, details=one.details, received_at=now)
        inbox.seal_message(session, row, one.sender, storable(one.text))
        done += insert_new(session, row)
    return done


def of(session: Session, name: str) -> Collection:
    """How a source stands; begun with its first row."""
    row = session.get(Collection, name)
    if row is None:
        row = Collection(name=name, cursor="", taken=0, error="", matching={}, draft={})
        session.add(row)
        session.flush()
    return row
