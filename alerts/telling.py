"""What one telling of an alert says: the values in the gaps of its messages, the same for every receiver but for role and code.

Never a text, never a name of a person. Who is told and when is routing.py; the words are messages.py.
"""

from __future__ import annotations

import random
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts.alert import Alert
from alerts.messages import TEMPLATES
from alerts.receivers import Receiver
from alerts.rule_messages import advice_of, message_of
from alerts.told import Delivery
from committees import committee, places, reply_codes
from committees.people import ContactPoint
from committees.places import Locality

OUTSIDE = frozenset({"national_contact", "hub_analyst"})


@dataclass(frozen=True)
class Telling:
    """What holds for every message of one telling; read once."""

    now: datetime
    alert: Alert
    template: str
    step: int
    zone: ZoneInfo
    source: str
    place: Locality
    known: list[Delivery]
    more: dict[str, Any]
    again: str = ""

    def key(self, whom: str) -> str:
        """The key under which this message to `whom` is written once."""
        again = f":{self.again}" if self.again else ""
        return f"alert:{self.alert.id}:{self.alert.revision}:{self.step}:{self.template}{again}:{whom}"

    def written(self, to: Iterable[Receiver], only: Collection[UUID] = ()) -> list[Delivery]:
        """What these persons have of this telling already; `only`: by these contact points."""
        keys = {self.key(str(point)) for point in only}
        people = {receiver.person.id for receiver in to}
        return [row for row in self.known if row.person_id in people and (not only or row.effect_key in keys)]

    def row(self, receiver: Receiver, channel: str, key: str) -> Delivery:
        """A new delivery of this telling, not added to the session yet."""
        return Delivery(
            alert_id=self.alert.id,
            locality_id=self.alert.locality_id,
            person_id=receiver.person.id,
            office_id=receiver.office_id,
            role=receiver.role,
            channel=channel,
            template=self.template,
            revision=self.alert.revision,
            step=self.step,
            reason=receiver.reason,
            effect_key=key,
            at=self.now,
        )


def telling_of(
    session: Session,
    now: datetime,
    alert: Alert,
    template: str,
    step: int,
    more: dict[str, Any] | None = None,
    again: str = "",
) -> Telling:
    """What holds for every message of this telling, with who has theirs already."""
    place = session.get_one(Locality, alert.locality_id)
    zone = places.zone_of(session, place)
    rows = select(Delivery).where(
        Delivery.alert_id == alert.id,
        Delivery.step == step,
        Delivery.revision == alert.revision,
        Delivery.template == template,
    )
    local = {
        key: value.astimezone(zone).isoformat() if isinstance(value, datetime) else value
        for key, value in (more or {}).items()
    }
    telling = Telling(now, alert, template, step, zone, sender_of(session, place.id), place, [], local, again)
    for row in session.scalars(rows):
        if _WHOM.fullmatch(row.effect_key.removeprefix(telling.key(""))):
            telling.known.append(row)
    return telling


#: What follows the key of a telling: a contact point, or a person who waits or cannot be reached.
_WHOM = re.compile(r"((held|none):)?[0-9a-f-]{36}")


def code_for(session: Session, now: datetime, rng: random.Random, alert: Alert, phone: ContactPoint) -> str:
    """The code by which this phone answers this alert: three digits from level 4 on, two below."""
    digits = 3 if alert.level >= 4 else 2
    return reply_codes.give(
        session, now, rng, phone.id, "alert", alert.id, digits=digits, never=ward_numbers(session, alert)
    )


def ward_numbers(session: Session, alert: Alert) -> frozenset[str]:
    """The numbers of the wards of an alert's town, and the emergency number there: no code is one. Remembered for the session."""
    known: dict[UUID, frozenset[str]] = session.info.setdefault("ward_numbers", {})
    if alert.town_id not in known:
        rows = select(Locality.number).where(
            Locality.parent_id == alert.town_id, Locality.number.is_not(None)
        )
        emergency = places.country_of(session, session.get_one(Locality, alert.town_id)).emergency
        known[alert.town_id] = frozenset((emergency, *(str(number) for number in session.scalars(rows))))
    return known[alert.town_id]


def slots_of(session: Session, telling: Telling, role: str, code: str) -> dict[str, Any]:
    """The typed values of an alert's message: never a text, never a name of a person."""
    now, alert, zone = telling.now, telling.alert, telling.zone
    values: dict[str, Any] = {
        "source": telling.source,
        "place": place_slot(session, alert, role),
        "level": alert.level,
        "what": "private" if alert.private else alert.what,
        "when": (alert.happened_at or alert.opened_at).astimezone(zone).isoformat(),
        "sure": alert.sure,
        "action": action_of(alert),
        "code": code,
        "count": min(99, max(1, len(alert.evidence))),
        "clock": (alert.next_step_at or now).astimezone(zone).isoformat(),
        **telling.more,
    }
    return {name: values[name] for name in TEMPLATES[telling.template].slots}


def sender_of(session: Session, locality_id: UUID) -> str:
    """The town's own name under which its messages go out."""
    body = committee.committee_for(session, locality_id)
    return body.short_name if body else session.get_one(Locality, locality_id).name()


def place_slot(session: Session, alert: Alert, role: str) -> dict[str, Any]:
    """Where: the ward for those who act there, the town for outsiders and where a ward would name a community."""
    place = session.get_one(Locality, alert.locality_id)
    if (
        place.level == "ward"
        and place.number
        and str(place.number).isdigit()
        and not place.town_only
        and role not in OUTSIDE
    ):
        return {"ward": int(place.number)}
    town = session.get_one(Locality, alert.town_id) if place.level == "ward" else place
    return {"names": dict(town.names.items())}


def action_of(alert: Alert) -> str:
    """The one thing asked for: the rule of the alert names it."""
    return advice_of(alert.action, private=alert.private)


def own_message(alert: Alert) -> str:
    """The template by which people are told of an alert: its rule names it."""
    return message_of(alert.template, level=alert.level, sure=alert.sure)
