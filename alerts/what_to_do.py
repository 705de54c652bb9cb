"""The second message of levels 4 and 5: what to do, right behind the alert and never before it.

A short message has no room for both, so whoever got the alert as one gets the standing advice as another, once for each level to which it
rose. Level-triggered: `send_behind` looks at what a carrier took. Called by jobs.py; who is told of the alert itself is routing.py.
"""

from __future__ import annotations

import random
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Select, exists, select
from sqlalchemy.orm import Session, aliased

from alerts import routing, silences
from alerts.alert import OPEN, Alert
from alerts.holding import URGENT_FROM
from alerts.receivers import Receiver
from alerts.rule_messages import ALERT
from alerts.told import Delivery
from committees.contact_addresses import SMS, WHATSAPP
from committees.people import Person
from committees.places import Locality, country_of
from foundation.outbox import OutboxMessage

WHAT_TO_DO = "what_to_do"
#: Why somebody gets it: no reason to be asked, and no roster takes it from them.
BEHIND = "behind_alert"
#: The channels with so little room that the alert says only one thing to do. A letter and a call say it all at once.
SHORT = (SMS, WHATSAPP)
LEFT = ("sent", "delivered")
BATCH = 500
NOTHING_TO_DO = "none"


def send_behind(session: Session, now: datetime, rng: random.Random, only: UUID | None = None) -> int:
    """Send what to do to everybody whose alert has left (or only to those of one alert); return how many messages were written."""
    owed: dict[UUID, dict[UUID, set[UUID]]] = {}
    rows = _owed() if only is None else _owed().where(Alert.id == only)
    for alert_id, person_id, contact_point_id in session.execute(rows):
        owed.setdefault(alert_id, {}).setdefault(person_id, set()).add(contact_point_id)
    return sum(_send(session, now, rng, key, people) for key, people in owed.items())


def waiting(session: Session, now: datetime) -> list[UUID]:
    """The alerts of which some have left and were not followed yet."""
    return list(dict.fromkeys(row[0] for row in session.execute(_owed())))


@cache
def _owed() -> Select[UUID, UUID, Any]:
    """Alert, person and contact point of each alert that left as a short message and was not followed yet, the newest first; built once.

    Not of a private matter, nor where nothing is to be done: the advice speaks of crowds and rumours.
    """
    told, behind = aliased(Delivery), aliased(Delivery)
    followed = exists().where(
        behind.alert_id == told.alert_id,
        behind.person_id == told.person_id,
        behind.revision == told.revision,
        behind.template == WHAT_TO_DO,
    )
    return (
        select(told.alert_id, told.person_id, OutboxMessage.contact_point_id)
        .join(Alert, Alert.id == told.alert_id)
        .join(OutboxMessage, OutboxMessage.id == told.outbox_id)
        .where(
            Alert.state == OPEN,
            Alert.level >= URGENT_FROM,
            ~Alert.private,
            Alert.action != NOTHING_TO_DO,
            told.revision == Alert.revision,
            told.template == ALERT,
            told.channel.in_(SHORT),
            OutboxMessage.state.in_(LEFT),
            ~followed,
        )
        .order_by(told.at.desc(), told.id)
        .limit(BATCH)
    )


def _send(
    session: Session, now: datetime, rng: random.Random, alert_id: UUID, people: dict[UUID, set[UUID]]
) -> int:
    """Write it to these people of one alert. The alert is locked, so that of two workers one writes."""
    locked = select(Alert).where(Alert.id == alert_id, Alert.state == OPEN).with_for_update(skip_locked=True)
    alert = session.scalars(locked.execution_options(populate_existing=True)).first()
    if alert is None or silences.holding(session, now, alert):
        return 0
    have = select(Delivery.person_id).where(
        Delivery.alert_id == alert_id, Delivery.revision == alert.revision, Delivery.template == WHAT_TO_DO
    )
    left = set(people).difference(session.scalars(have))
    told = (
        select(Delivery, Person)
        .join(Person, Person.id == Delivery.person_id)
        .where(Delivery.alert_id == alert_id, Delivery.revision == alert.revision, Delivery.template == ALERT)
        .where(Delivery.person_id.in_(left))
    )
    to = [Receiver(person, row.role, BEHIND, row.office_id) for row, person in session.execute(told)]
    emergency = country_of(session, session.get_one(Locality, alert.locality_id)).emergency
    written = routing.send(
        session,
        now,
        rng,
        alert,
        to,
        template=WHAT_TO_DO,
        step=0,
        more={"emergency": emergency},
        only=frozenset().union(*(people[key] for key in left)),
    )
    return len(written)
