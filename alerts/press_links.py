"""The one-tap link of a letter that wants one press and nothing else: "this address is mine", "this drill reached me".

Signed, and bound to one code that was sent or one drill, to one person and to an end; the page behind it is
coordination/pages/press_link.py. The links that answer alerts are answer_links.py. No SMS carries one.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts.drills import LASTS, Drill, DrillCall
from committees.confirming import CODE_SENT, ContactChange
from committees.contact_addresses import APPRISE, EMAIL
from foundation.crypto import Cipher

PURPOSE = "press_link"
CONTACT, DRILL = 1, 2
_FORM = struct.Struct(">BB16s16sI")
_VERSION = 1


@dataclass(frozen=True)
class Press:
    """What a link is bound to: the code that was sent or the drill, the person, and until when."""

    kind: int
    subject_id: UUID
    person_id: UUID
    until: datetime


def address(cipher: Cipher, public_url: str, press: Press) -> str:
    """The whole link."""
    payload = _FORM.pack(
        _VERSION, press.kind, press.subject_id.bytes, press.person_id.bytes, int(press.until.timestamp())
    )
    return f"{public_url}/l/{cipher.sign(PURPOSE, payload)}"


def read(cipher: Cipher, text: str) -> Press | None:
    """What a link is bound to, whether or not its time is over; None for one that was not signed here."""
    payload = cipher.signed(PURPOSE, text)
    if payload is None or len(payload) != _FORM.size or payload[0] != _VERSION:
        return None
    _, kind, subject_id, person_id, until = _FORM.unpack(payload)
    return Press(kind, UUID(bytes=subject_id), UUID(bytes=person_id), datetime.fromtimestamp(until, UTC))


def of_rows(session: Session, rows: Iterable[Any]) -> dict[UUID, Press]:
    """What the links of these rows of the outbox are bound to, for those that carry one."""
    linked = [row for row in rows if row.channel in (EMAIL, APPRISE)]
    calls = [row.id for row in linked if row.template == "drill"]
    codes = {UUID(row.effect_key.partition(":")[2]): row.id for row in linked if row.template == CODE_SENT}
    found: dict[UUID, Press] = {}
    if calls:
        called = select(DrillCall, Drill.began_at).join(Drill, Drill.id == DrillCall.drill_id)
        for call, began_at in session.execute(called.where(DrillCall.outbox_id.in_(calls))).all():
            if began_at and call.outbox_id:
                found[call.outbox_id] = Press(DRILL, call.drill_id, call.person_id, began_at + LASTS)
    if codes:
        for change in session.scalars(select(ContactChange).where(ContactChange.id.in_(codes))):
            found[codes[change.id]] = Press(CONTACT, change.id, change.person_id, change.until)
    return found
