"""What the worker does when numbers change: warns the old number, tells the chair, asks for confirmation after 90 days, makes places due.

Pages may not read other people's numbers, so they leave errands. The change itself is committees/confirming.py.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts import readiness
from alerts.quiet import after_quiet
from alerts.routing import sender_of
from committees import contacts, reply_codes
from committees.committee import committee_for, sitting
from committees.confirming import ContactChange, cancel
from committees.contacts import ASK_AGAIN, write_to
from committees.people import ContactPoint, Person, contacts_each, standings_of
from committees.places import Locality
from committees.reply_codes import ReplyCode
from foundation import alarms, outbox
from foundation.errors import Problem

CODE_KIND, CHANGE_KIND = "contact", "number_change"
RECENT = timedelta(days=1)


def number_change(session: Session, now: datetime, rng: random.Random, change_id: UUID) -> None:
    """Warn the number that is to be replaced, with a code that stops it, and tell the chair."""
    row = session.get_one(ContactChange, change_id)
    point = session.get_one(ContactPoint, row.contact_point_id)
    person = session.get_one(Person, row.person_id)
    if not point.stopped_at:
        code = reply_codes.give(session, now, rng, point.id, CHANGE_KIND, row.id, digits=3)
        _put(
            session,
            now,
            f"number_change:{row.id}",
            point,
            person,
            "number_change",
            {"code": code},
            urgent=True,
        )
    _tell_chairs(session, now, f"number_change:{row.id}", point, person, "changed")


def contacts_changed(session: Session, _now: datetime, _rng: random.Random, person_id: UUID) -> None:
    """The places of a person are looked at again."""
    readiness.make_due_for(session, person_id)


def stop_change(session: Session, now: datetime, code: ReplyCode) -> bool:
    """NO and its code from the old number: the change does not happen. False where it is over already."""
    row = session.get(ContactChange, code.subject_id)
    code.closed_at = now
    try:
        if row is not None:
            cancel(session, now, row)
    except Problem:
        return False
    return row is not None


def ask_again(session: Session, now: datetime, rng: random.Random, batch: int = 500) -> int:
    """Ask once whether a number is still its person's, when it was confirmed 90 days ago."""
    rows = (
        select(ContactPoint, Person)
        .join(Person, Person.id == ContactPoint.person_id)
        .where(
            ContactPoint.verified_at <= now - ASK_AGAIN,
            ContactPoint.verified_at > now - ASK_AGAIN - timedelta(days=7),
            ContactPoint.stopped_at.is_(None),
            ContactPoint.failing_since.is_(None),
        )
        .order_by(ContactPoint.verified_at)
    )
    for point, person in session.execute(rows.limit(batch)).all():
        code = reply_codes.give(session, now, rng, point.id, CODE_KIND, point.id, digits=3)
        key = f"contact_again:{point.id}:{point.verified_at:%Y-%m-%d}"
        _put(session, now, key, point, person, "contact_again", {"code": code})
    return 0


def tell_lost(session: Session, now: datetime) -> int:
    """Tell the chair, and raise an alarm, for each number that stopped taking messages; end the alarms of those that work again."""
    rows = (
        select(ContactPoint, Person)
        .join(Person, Person.id == ContactPoint.person_id)
        .where(ContactPoint.failing_since > now - RECENT)
    )
    for point, person in session.execute(rows).all():
        since = f"{point.failing_since:%Y%m%d%H%M}"
        role = _role(session, person)
        alarms.sound(
            session, now, "contact_lost", str(point.id), {"role": role, "place": _place(session, point)}
        )
        _tell_chairs(session, now, f"contact_lost:{point.id}:{since}", point, person, "failing")
        readiness.make_due_for(session, person.id)
    lost = [alarm for alarm in alarms.sounding(session, 500) if alarm.key == "contact_lost"]
    for alarm in lost:
        one = session.get(ContactPoint, UUID(alarm.subject))
        if one is None or not one.failing_since:
            alarms.silence(session, now, "contact_lost", alarm.subject)
    return 0


def _role(session: Session, person: Person) -> str:
    held = standings_of(session, person.id)
    return held[0].role if held else "member"


def _place(session: Session, point: ContactPoint) -> str:
    return session.get_one(Locality, point.locality_id).code


def _tell_chairs(
    session: Session, now: datetime, key: str, point: ContactPoint, person: Person, lost: str
) -> None:
    body = committee_for(session, point.locality_id)
    if body is None:
        return
    chairs = [one for one in sitting(session, body.id, "chair", "secretary") if one.id != person.id]
    reached = contacts_each(session, [one.id for one in chairs])
    role = _role(session, person)
    for chair in chairs:
        good = [one for one in reached.get(chair.id, ()) if contacts.takes(one, now, contacts.ALWAYS_FROM)]
        for one in good[:1]:
            values: dict[str, object] = {"who": [role] if role in SAID_ROLES else [], "lost": lost}
            _put(session, now, f"{key}:{one.id}", one, chair, "contact_lost", values)


#: The roles that messages have words for; of another it is said that it is nobody's in the list.
SAID_ROLES = frozenset(
    (
        "member",
        "secretary",
        "chair",
        "city_officer",
        "district_administration",
        "police_liaison",
        "national_contact",
    )
)


def _put(
    session: Session,
    now: datetime,
    key: str,
    point: ContactPoint,
    person: Person,
    template: str,
    values: dict[str, object],
    *,
    urgent: bool = False,
) -> None:
    write_to(
        session,
        now,
        person,
        point,
        effect_key=key,
        template=template,
        slots={"source": sender_of(session, point.locality_id), **values},
        lane=outbox.URGENT if urgent else outbox.ORDINARY,
        due_at=now
        if urgent
        else after_quiet(session, now, person, session.get_one(Locality, point.locality_id)),
    )
