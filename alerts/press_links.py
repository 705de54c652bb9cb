"""The one-tap link of a letter that wants one press and nothing else: "this address is mine", "this drill reached me".

Signed, and bound to one code that was sent, one drill or one test to oneself, to one person and to an end; the page behind it is
coordination/pages/press_link.py. The links that answer alerts are answer_links.py. No SMS carries one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts.drills import LASTS, Drill, DrillCall
from alerts.signed_parts import SignedParts, moment
from committees.confirming import CODE_SENT, ContactChange
from committees.contact_addresses import APPRISE, EMAIL
from committees.people import ContactPoint
from foundation.crypto import Cipher

CONTACT, DRILL, TEST = 1, 2, 3
_PARTS = SignedParts("press_link", "B16s16sI")


@dataclass(frozen=True)
class Press:
    """What a link is bound to: the code that was sent, the drill, or the address that was tried; the person, and until when."""

    kind: int
    subject_id: UUID
    person_id: UUID
    until: datetime


def address(cipher: Cipher, public_url: str, press: Press) -> str:
    """The whole link."""
    signed = _PARTS.sign(cipher, press.kind, press.subject_id, press.person_id, press.until)
    return f"{public_url}/l/{signed}"


def read(cipher: Cipher, text: str) -> Press | None:
    """What a link is bound to, whether or not its time is over; None for one that was not signed here."""
    if (found := _PARTS.read(cipher, text)) is None:
        return None
    kind, subject_id, person_id, until = found
    return Press(kind, subject_id, person_id, moment(until))


def of_rows(session: Session, rows: Iterable[Any]) -> dict[UUID, Press]:
    """What the links of these rows of the outbox are bound to, for those that carry one."""
    linked = [row for row in rows if row.channel in (EMAIL, APPRISE)]
    drills = [row for row in linked if row.template == "drill"]
    codes = {UUID(row.effect_key.partition(":")[2]): row.id for row in linked if row.template == CODE_SENT}
    found = _of_drills(session, drills) if drills else {}
    if codes:
        for change in session.scalars(select(ContactChange).where(ContactChange.id.in_(codes))):
            found[codes[change.id]] = Press(CONTACT, change.id, change.person_id, change.until)
    return found


def _of_drills(session: Session, rows: Sequence[Any]) -> dict[UUID, Press]:
    """The links of drills, and of tests that people sent to themselves: those belong to no drill."""
    calls = select(DrillCall, Drill.began_at).join(Drill, Drill.id == DrillCall.drill_id)
    called = session.execute(calls.where(DrillCall.outbox_id.in_([row.id for row in rows]))).all()
    found = {
        call.outbox_id: Press(DRILL, call.drill_id, call.person_id, began_at + LASTS)
        for call, began_at in called
        if began_at and call.outbox_id
    }
    asked = {call.outbox_id for call, _ in called}
    own = [row for row in rows if row.id not in asked]
    if own:
        tried = select(ContactPoint).where(ContactPoint.id.in_([row.contact_point_id for row in own]))
        points = {point.id: point for point in session.scalars(tried)}
        for row in own:
            if point := points.get(row.contact_point_id):
                found[row.id] = Press(TEST, point.id, point.person_id, row.created_at + LASTS)
    return found
