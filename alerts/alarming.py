"""Tells administrators of alarms that stay: one message for all that are new, with the first of them in words and how many are open.

What an alarm is, is foundation/alarms.py; its sentences are alarm_sentences.py. It uses every channel of an administrator but the one that
the alarm is about, so that a line that is down does not have to announce itself.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from committees.contacts import write_to
from committees.people import Person, Scope, contacts_each
from foundation import outbox
from foundation.alarms import Alarm

ADMINISTRATOR = "administrator"
STAYS = timedelta(minutes=2)  # what mends itself by then needs nobody
MOST = 99


def tell_alarms(session: Session, now: datetime) -> int:
    """Tell every administrator of the alarms that nobody was told of yet; returns how many alarms that were."""
    rows = select(Alarm).where(Alarm.ended_at.is_(None), Alarm.told_at.is_(None), Alarm.since <= now - STAYS)
    fresh = list(session.scalars(rows.order_by(Alarm.since, Alarm.id).limit(MOST)))
    if not fresh:
        return 0
    number = session.scalar(select(func.count()).select_from(Alarm).where(Alarm.ended_at.is_(None))) or 1
    first = fresh[0]
    about = str(first.values.get("channel", ""))
    people = list(
        session.scalars(
            select(Person)
            .where(Person.id.in_(select(Scope.person_id).where(Scope.role == ADMINISTRATOR, Scope.active)))
            .order_by(Person.code)
        )
    )
    reached = contacts_each(session, [person.id for person in people])
    for person in people:
        contacts = [point for point in reached.get(person.id, ()) if point.verified_at]
        for point in [one for one in contacts if one.channel != about] or contacts:
            write_to(
                session,
                now,
                person,
                point,
                effect_key=f"alarm:{first.id}:{point.id}",
                template="alarm",
                slots={"source": "Concord", "alarm": first.key, "count": min(MOST, number)},
                lane=outbox.URGENT,
            )
    for alarm in fresh:
        alarm.told_at = now
    session.flush()
    return len(fresh)
