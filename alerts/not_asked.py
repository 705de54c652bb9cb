"""Who would be asked of an alert and is not, or later: off duty, stood in for, quiet hours, a pause, no messages wanted. Kept as data.

Whoever reads the alert sees why the one person was asked and the other was not. `why_off` decides purely; rows are Delivery rows without a
message, so that the same people may read them. Who is asked instead is duty.py; called by routing.py only.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts.receivers import Receiver
from alerts.rule_messages import MESSAGES
from alerts.telling import Telling
from alerts.told import NO_CONTACT, NOT_ASKED, OFF_DUTY, PAUSED, QUIET, STOOD_IN, STOPPED, Delivery
from committees import contacts
from committees.people import Person
from committees.rosters import OVERRIDE, Roster, on_duty, roster_of, rosters_for, shifts

#: By what people are asked first; whoever is only reminded, or hears news, was asked before.
ASKS = (*MESSAGES, "escalation")
#: How far ahead the next turn of somebody who is off duty is looked for.
AHEAD = timedelta(days=14)


def why_off(roster: Roster, person: UUID, now: datetime) -> tuple[str, datetime | None]:
    """Why a holder of an office is not on duty, and when they are again; None where that is not within two weeks."""
    stood_in = on_duty(roster, now).by == OVERRIDE
    rotation = Roster(roster.layers, (), roster.zone, roster.is_holiday)
    why = STOOD_IN if stood_in and on_duty(rotation, now).person == person else OFF_DUTY
    turns = (shift.begins for shift in shifts(roster, now, now + AHEAD) if shift.duty.person == person)
    return why, next(turns, None)


def keep(session: Session, telling: Telling, off: Sequence[Receiver]) -> None:
    """A row for each of these holders of offices who is off duty, where people are asked to answer; once for each asking."""
    if telling.template not in ASKS or not off:
        return
    keys = {telling.key(f"off:{receiver.person.id}"): receiver for receiver in off}
    have = session.scalars(select(Delivery.effect_key).where(Delivery.effect_key.in_(keys)))
    for key in have.all():
        del keys[key]
    rosters = rosters_for(session, {one.office_id for one in keys.values() if one.office_id})
    read = {key: roster_of(session, row) for key, row in rosters.items()}
    for key, receiver in keys.items():
        row = telling.row(receiver, "none", key)
        if receiver.office_id in read:
            row.why_not, row.held_until = why_off(read[receiver.office_id], receiver.person.id, telling.now)
        row.state = NOT_ASKED
        session.add(row)


def say_later(row: Delivery, now: datetime, person: Person, due_at: datetime) -> None:
    """Say on the row of a message that it waits for the person's own quiet time or pause, and until when."""
    if due_at > now:
        row.held_by = PAUSED if person.paused_until and person.paused_until > now else QUIET
        row.held_until = due_at


def why_unreached(session: Session, now: datetime, people: Iterable[UUID]) -> dict[UUID, str]:
    """Why nothing can be sent to these people: they wanted no more messages, or no number or address works."""
    wanted = set(people)
    points = contacts.points_each(session, wanted) if wanted else {}
    return {
        key: STOPPED if contacts.best(points.get(key, ()), now) == contacts.STOPPED else NO_CONTACT
        for key in wanted
    }
