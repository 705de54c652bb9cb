"""Who is asked or told of an alert, and why: seats, offices and linked contacts, without whom a reporter excluded.

`choose` decides purely; the rest reads people. What they are sent is routing.py, when is escalation.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ForeignKey, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from alerts.alert import Alert
from committees import committee
from committees.people import Office, Organisation, Person, Scope
from committees.places import LocalityPath
from foundation.db import Base, Keyed
from foundation.policy import WITHHELD_FROM, kept_from

SEATS = ("secretary", "chair")
POLICE, COMMITTEE = WITHHELD_FROM


class LinkedContact(Keyed, Base):
    """An office that is told of alerts at a place (and below) from a level on, for one threat or all ("*")."""

    __tablename__ = "linked_contact"

    locality_id: Mapped[UUID] = mapped_column(ForeignKey("locality.id"), index=True)
    threat: Mapped[str] = mapped_column(default="*")
    min_level: Mapped[int]
    office_id: Mapped[UUID] = mapped_column(ForeignKey("office.id"))


@dataclass(frozen=True)
class Receiver:
    """A person who is to be told, in which role, and why: a key of sentences."""

    person: Person
    role: str
    reason: str
    office_id: UUID | None = None


def choose(
    candidates: Iterable[Receiver], withheld_from: str, barred: frozenset[UUID] = frozenset()
) -> list[Receiver]:
    """Each person once, first reason first, without the roles and the persons whom a reporter excluded."""
    chosen: dict[UUID, Receiver] = {}
    for receiver in candidates:
        if not kept_from(receiver.role, withheld_from) and receiver.person.id not in barred:
            chosen.setdefault(receiver.person.id, receiver)
    return list(chosen.values())


def to_be_told(session: Session, withheld_from: str, candidates: list[Receiver]) -> list[Receiver]:
    """As `choose`, also without those who sit in what was excluded under another hat."""
    people = [receiver.person.id for receiver in candidates]
    return choose(candidates, withheld_from, barred(session, withheld_from, people))


def barred(session: Session, withheld_from: str, people: Iterable[UUID]) -> frozenset[UUID]:
    """Who of these belongs to a police office, or to a committee, where a reporter excluded them; in whatever role they are asked."""
    words = withheld_from.split()
    if not words:
        return frozenset()
    rows = (
        select(Scope.person_id, Scope.role, Scope.committee_id, Organisation.kind)
        .outerjoin(Office, Office.id == Scope.office_id)
        .outerjoin(Organisation, Organisation.id == Office.organisation_id)
        .where(Scope.person_id.in_(set(people)), Scope.active)
    )
    return frozenset(
        person_id
        for person_id, role, seat, kind in session.execute(rows).all()
        if (POLICE in words and (role == "police_liaison" or kind == POLICE)) or (COMMITTEE in words and seat)
    )


def receivers(session: Session, alert: Alert, roles: Iterable[str], reason: str) -> list[Receiver]:
    """The persons behind roles at the alert's place who may be told: seats of its committee, else the nearest office of that role."""
    found: list[Receiver] = []
    body = committee.committee_for(session, alert.locality_id)
    for role in roles:
        if role in SEATS and body:
            found += [Receiver(person, role, reason) for person in committee.sitting(session, body.id, role)]
            continue
        for office, person in nearest_offices(session, alert.locality_id, role):
            found.append(Receiver(person, role, reason, office.id))
    return to_be_told(session, alert.withheld_from, found)


def nearest_offices(session: Session, locality_id: UUID, role: str) -> list[tuple[Office, Person]]:
    """Office-holders of a role at the nearest place that has one; a deputy only where the desk itself stands empty."""
    rows = (
        select(Office, Person, LocalityPath.depth)
        .join(Scope, Scope.office_id == Office.id)
        .join(Person, Person.id == Scope.person_id)
        .join(LocalityPath, LocalityPath.ancestor_id == Office.locality_id)
        .where(LocalityPath.descendant_id == locality_id, Office.role == role, Scope.active)
        .order_by(LocalityPath.depth, Office.deputy_id.is_not(None), Office.code)
    )
    found = session.execute(rows).all()
    if not found:
        return []
    nearest = [(office, person) for office, person, depth in found if depth == found[0][2]]
    own = [pair for pair in nearest if pair[0].deputy_id is None]
    return own or nearest


def deputies(session: Session, alert: Alert, role: str) -> list[Receiver]:
    """The holders of the offices that stand in for the office of `role` nearest to the alert's place."""
    asked = [office.id for office, _ in nearest_offices(session, alert.locality_id, role)]
    rows = (
        select(Office, Person)
        .join(Scope, Scope.office_id == Office.id)
        .join(Person, Person.id == Scope.person_id)
        .where(Office.deputy_id.in_(asked), Scope.active)
        .order_by(Office.code)
    )
    found = [Receiver(person, role, "deputy", office.id) for office, person in session.execute(rows).all()]
    return to_be_told(session, alert.withheld_from, found)


def linked(session: Session, alert: Alert) -> list[Receiver]:
    """The holders of the offices that are linked to the alert's place, threat and level."""
    above = select(LocalityPath.ancestor_id).where(LocalityPath.descendant_id == alert.locality_id)
    rows = (
        select(Office, Person)
        .join(LinkedContact, LinkedContact.office_id == Office.id)
        .join(Scope, Scope.office_id == Office.id)
        .join(Person, Person.id == Scope.person_id)
        .where(
            LinkedContact.locality_id.in_(above),
            LinkedContact.min_level <= alert.level,
            LinkedContact.threat.in_(("*", alert.threat)),
            Scope.active,
        )
        .order_by(Office.code)
    )
    return [
        Receiver(person, office.role, "linked", office.id) for office, person in session.execute(rows).all()
    ]
