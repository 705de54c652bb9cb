"""The chain of an alert: who was told of it so far, in which role and at which step. For whoever tells those people something more.

Only reading; who is told first is receivers.py, sending is routing.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts.alert import Alert
from alerts.receivers import Receiver
from alerts.told import HELD, NO_CONTACT, STOPPED, Delivery
from committees.people import Person

#: Reasons of messages that only remind or bring news to people who were told before, or tell a chair of something late.
NOT_ASKED = frozenset({"nudge", "still", "reopened", "news", "local_only", "told_before", "behind_alert"})


@dataclass(frozen=True)
class Link:
    """One person who was told: in which role, for which office, and at which step first."""

    person: Person
    role: str
    office_id: UUID | None
    step: int

    def receiver(self, reason: str) -> Receiver:
        """This person, to be told once more."""
        return Receiver(self.person, self.role, reason, self.office_id)


def chain_of(session: Session, alert: Alert) -> list[Link]:
    """Everybody who was told of an alert, once, in the order in which they were told."""
    rows = (
        select(Delivery, Person)
        .join(Person, Person.id == Delivery.person_id)
        .where(
            Delivery.alert_id == alert.id,
            Delivery.state != HELD,
            Delivery.why_not.in_(("", NO_CONTACT, STOPPED)),
        )
        .order_by(Delivery.at, Delivery.step, Delivery.id)
    )
    found: dict[UUID, Link] = {}
    for delivery, person in session.execute(rows).all():
        if delivery.reason not in NOT_ASKED:
            found.setdefault(person.id, Link(person, delivery.role, delivery.office_id, delivery.step))
    return list(found.values())
