"""In what state a number or address is, what may go there (verified, aged, unverified, stopped, failing), and a message to one.

Decides purely from the row and the time, but for `write_to` and `first_role_reached`. Who adds, verifies and changes one is
confirming.py; how many failures end sending is alerts/reachable.py. Every room may import it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from committees.committee import sitting
from committees.contact_addresses import CHANNELS
from committees.people import ContactPoint, Person, contacts_each
from foundation import outbox
from foundation.outbox import OutboxMessage

GOOD, AGED, UNVERIFIED, STOPPED, FAILING, PAUSED, ABSENT = (
    "good",
    "aged",
    "unverified",
    "stopped",
    "failing",
    "paused",
    "absent",
)
ASK_AGAIN = timedelta(days=90)
AGED_AFTER = ASK_AGAIN + timedelta(days=14)
ALWAYS_FROM = 4  # from this level an aged contact is still used: better an old number than none


def write_to(
    session: Session,
    now: datetime,
    person: Person,
    point: ContactPoint,
    *,
    effect_key: str,
    template: str,
    slots: dict[str, Any],
    lane: int = outbox.ORDINARY,
    due_at: datetime | None = None,
) -> OutboxMessage:
    """A message to one contact of a person, by its channel and in the person's language and letters; once per `effect_key`."""
    return outbox.put(
        session,
        now,
        effect_key=effect_key,
        channel=point.channel,
        template=template,
        slots=slots,
        language=person.language,
        script=person.script,
        contact_point_id=point.id,
        lane=lane,
        due_at=due_at,
    )


@dataclass(frozen=True)
class Reached:
    """Somebody of a committee who can be written to now: in which role, and by which of their numbers."""

    role: str
    person: Person
    point: ContactPoint


def first_role_reached(
    session: Session,
    now: datetime,
    committee_id: UUID,
    roles: Iterable[str],
    level: int,
    *,
    channels: Collection[str] = CHANNELS,
    without: Collection[UUID | None] = (),
) -> list[Reached]:
    """The holders of the first of these roles in which anybody is reached, each at the first number that takes a message of this level."""
    for role in roles:
        people = [one for one in sitting(session, committee_id, role) if one.id not in without]
        points = contacts_each(session, [person.id for person in people])
        found = []
        for person in people:
            good = (one for one in points.get(person.id, ()) if one.channel in channels)
            if point := next((one for one in good if takes(one, now, level)), None):
                found.append(Reached(role, person, point))
        if found:
            return found
    return []


def state_of(point: ContactPoint, now: datetime) -> str:
    """The state of one contact point."""
    if point.stopped_at:
        return STOPPED
    if point.failing_since:
        return FAILING
    if point.verified_at is None:
        return UNVERIFIED
    return AGED if point.verified_at + AGED_AFTER <= now else GOOD


def takes(point: ContactPoint, now: datetime, level: int) -> bool:
    """Whether a warning of this level goes there. A number that nobody ever confirmed may be a stranger's: it gets nothing."""
    state = state_of(point, now)
    return state == GOOD or (state == AGED and level >= ALWAYS_FROM)


def best(points: Iterable[ContactPoint], now: datetime) -> str:
    """The state of a person's best contact point; ABSENT without any."""
    order = (GOOD, AGED, UNVERIFIED, FAILING, STOPPED)
    states = {state_of(point, now) for point in points}
    return next((state for state in order if state in states), ABSENT)


def points_each(session: Session, person_ids: Iterable[UUID]) -> dict[UUID, list[ContactPoint]]:
    """All contact points of persons, the stopped ones among them, by person, in the order in which they are used."""
    rows = select(ContactPoint).where(ContactPoint.person_id.in_(set(person_ids)))
    found: dict[UUID, list[ContactPoint]] = {}
    for point in session.scalars(rows.order_by(ContactPoint.position, ContactPoint.channel.desc())):
        found.setdefault(point.person_id, []).append(point)
    return found
