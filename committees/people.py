"""Who: organisations, offices and the terms in which persons hold them, contact points, and the standings that policy reads.

Contacts, cases and plans belong to offices; a person only holds one for a term. Committees are in committee.py. `Scope` is the one table
that says which role a person holds where: written here and in committee.py, whenever a term or a seat begins or ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, and_, bindparam, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from committees.contact_addresses import SMS, check_address, mask
from committees.places import LocalityPath
from foundation.crypto import cipher
from foundation.db import Base, Keyed, new_id
from foundation.policy import Principal, Standing

ROLES = (
    "member",
    "touch_point",
    "secretary",
    "chair",
    "city_officer",
    "district_administration",
    "police_liaison",
    "services_focal_person",
    "oversight",
    "national_contact",
    "hub_analyst",
    "administrator",
    "auditor",
)


class Organisation(Keyed, Base):
    """A council, department, association or service."""

    __tablename__ = "organisation"

    code: Mapped[str] = mapped_column(unique=True)
    names: Mapped[dict[str, Any]]
    kind: Mapped[str] = mapped_column(default="government")
    country_code: Mapped[str | None]


class Office(Keyed, Base):
    """A desk that stays when the person leaves: its role, its place, its deputy."""

    __tablename__ = "office"

    code: Mapped[str] = mapped_column(unique=True)
    role: Mapped[str]
    names: Mapped[dict[str, Any]]
    locality_id: Mapped[UUID] = mapped_column(ForeignKey("locality.id"), index=True)
    organisation_id: Mapped[UUID | None] = mapped_column(ForeignKey("organisation.id"))
    deputy_id: Mapped[UUID | None] = mapped_column(ForeignKey("office.id"))

    def name(self, language: str = "en") -> str:
        """The office's name in `language`, else in English."""
        return str(self.names.get(language) or self.names["en"])


class Person(Keyed, Base):
    """Somebody who uses Concord or is told by it; never somebody who is reported about."""

    __tablename__ = "person"

    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    language: Mapped[str] = mapped_column(default="en")
    script: Mapped[str] = mapped_column(default="own")
    # What waits until the morning or the next day, never levels 4 and 5; None means as the country has it.
    quiet_from: Mapped[int | None]
    quiet_to: Mapped[int | None]
    quiet_days: Mapped[str | None]  # ISO weekdays, like 56
    quiet_holidays: Mapped[bool | None]
    shared_phone: Mapped[bool] = mapped_column(default=False)
    paused_until: Mapped[datetime | None]


class Term(Keyed, Base):
    """A person holds an office from a moment until another, or until told otherwise."""

    __tablename__ = "term"

    office_id: Mapped[UUID] = mapped_column(ForeignKey("office.id"), index=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), index=True)
    since: Mapped[datetime]
    until: Mapped[datetime | None]


class Scope(Keyed, Base):
    """A role that a person holds at a place and below: what policy.py reads."""

    __tablename__ = "scope"

    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), index=True)
    role: Mapped[str]
    locality_id: Mapped[UUID] = mapped_column(ForeignKey("locality.id"), index=True)
    committee_id: Mapped[UUID | None]
    office_id: Mapped[UUID | None] = mapped_column(index=True)
    active: Mapped[bool] = mapped_column(default=True)


class Grant(Keyed, Base):
    """One thing released to one person or office: by being told of it, by escalation, by a chair's decision."""

    __tablename__ = "grant"

    subject_kind: Mapped[str]
    subject_id: Mapped[UUID] = mapped_column(index=True)
    person_id: Mapped[UUID | None] = mapped_column(index=True)
    office_id: Mapped[UUID | None] = mapped_column(index=True)
    role: Mapped[str]
    reason: Mapped[str]
    given_at: Mapped[datetime]


class ContactPoint(Keyed, Base):
    """One number or address of a person; the value is sealed, an index finds it again."""

    __tablename__ = "contact_point"

    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), index=True)
    locality_id: Mapped[UUID] = mapped_column(ForeignKey("locality.id"))
    channel: Mapped[str]
    address_sealed: Mapped[str]
    last_digits: Mapped[str]
    position: Mapped[int] = mapped_column(default=0)
    verified_at: Mapped[datetime | None]
    stopped_at: Mapped[datetime | None]
    #: When this person last wrote or answered on this channel: WhatsApp takes free words for a day after it.
    heard_at: Mapped[datetime | None]
    #: Permanent failures in a row, and since when nothing is sent there because of them, with the provider's reason in words.
    failures: Mapped[int] = mapped_column(default=0)
    failing_since: Mapped[datetime | None]
    failing_why: Mapped[str] = mapped_column(default="")


class ContactIndex(Base):
    """Finds the contact point of a number that wrote to us, without storing the number."""

    __tablename__ = "contact_index"

    address_index: Mapped[str] = mapped_column(primary_key=True)
    contact_point_id: Mapped[UUID] = mapped_column(ForeignKey("contact_point.id"), primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    channel: Mapped[str] = mapped_column(default=SMS)


def add_contact(
    session: Session,
    person: Person,
    channel: str,
    address: str,
    *,
    locality_id: UUID,
    position: int = 0,
    verified_at: datetime | None = None,
) -> ContactPoint:
    """Store a number or address of `person`, sealed, and the index that finds it."""
    address = check_address(channel, address)
    key = new_id()
    point = ContactPoint(
        id=key,
        person_id=person.id,
        locality_id=locality_id,
        channel=channel,
        address_sealed=cipher(session).seal("contact_point.address", key, address),
        last_digits=mask(channel, address),
        position=position,
        verified_at=verified_at,
    )
    session.add(point)
    session.flush()
    session.add(
        ContactIndex(
            address_index=cipher(session).index(address.casefold()),
            contact_point_id=key,
            person_id=person.id,
            channel=channel,
        )
    )
    return point


def address_of(session: Session, point: ContactPoint) -> str:
    """Open the sealed address of a contact point: for the sender only."""
    return cipher(session).open("contact_point.address", point.id, point.address_sealed)


def find_contact(session: Session, address: str, channels: Sequence[str] = (SMS,)) -> ContactIndex | None:
    """The contact point that `address` is on the first of these channels, or None for an unknown one."""
    rows = select(ContactIndex).where(
        ContactIndex.address_index == cipher(session).index(address.casefold()),
        ContactIndex.channel.in_(channels),
    )
    found = session.scalars(rows.order_by(ContactIndex.contact_point_id)).all()
    return min(found, key=lambda row: channels.index(row.channel), default=None)


def contacts_of(session: Session, person_id: UUID) -> list[ContactPoint]:
    """The reachable contact points of a person, first choice first."""
    return list(session.scalars(_CONTACTS, {"person_id": person_id}))


def contacts_each(session: Session, person_ids: Iterable[UUID]) -> dict[UUID, list[ContactPoint]]:
    """As `contacts_of` for many persons at once, by person; whoever has none is left out."""
    rows = select(ContactPoint).where(
        ContactPoint.person_id.in_(set(person_ids)), ContactPoint.stopped_at.is_(None)
    )
    found: dict[UUID, list[ContactPoint]] = {}
    for point in session.scalars(rows.order_by(ContactPoint.position, ContactPoint.channel.desc())):
        found.setdefault(point.person_id, []).append(point)
    return found


def begin_term(
    session: Session, office: Office, person: Person, since: datetime, until: datetime | None = None
) -> Term:
    """Give `office` to `person` and write the standing that goes with it."""
    term = Term(office_id=office.id, person_id=person.id, since=since, until=until)
    session.add(term)
    session.add(
        Scope(person_id=person.id, role=office.role, locality_id=office.locality_id, office_id=office.id)
    )
    return term


def end_term(session: Session, term: Term, at: datetime) -> None:
    """End a term; its standing ends in the same transaction."""
    term.until = at
    rows = select(Scope).where(
        Scope.office_id == term.office_id, Scope.person_id == term.person_id, Scope.active
    )
    for scope in session.scalars(rows):
        scope.active = False


def holder(session: Session, office_id: UUID) -> Person | None:
    """Who holds an office now, or None where it stands empty."""
    rows = (
        select(Person)
        .join(Scope, Scope.person_id == Person.id)
        .where(Scope.office_id == office_id, Scope.active)
    )
    return session.scalars(rows.order_by(Person.code)).first()


def standings_of(session: Session, person_id: UUID) -> tuple[Standing, ...]:
    """All roles that a person holds now, with their places."""
    rows = session.scalars(
        select(Scope).where(Scope.person_id == person_id, Scope.active).order_by(Scope.role)
    )
    return _standings(rows)


def _standings(scopes: Iterable[Scope]) -> tuple[Standing, ...]:
    return tuple(Standing(s.role, s.locality_id, s.committee_id, s.office_id) for s in scopes)


# Written once: they are asked in every request, and to write them takes longer than to answer them.
_KNOWN_AS = (
    select(Person, Scope)
    .outerjoin(Scope, and_(Scope.person_id == Person.id, Scope.active))
    .where(Person.id == bindparam("person_id"))
    .order_by(Scope.role)
)
_CONTACTS = (
    select(ContactPoint)
    .where(ContactPoint.person_id == bindparam("person_id"), ContactPoint.stopped_at.is_(None))
    .order_by(ContactPoint.position, ContactPoint.channel.desc())
)


def known_as(session: Session, person_id: UUID) -> tuple[Person, Principal]:
    """A person and their principal, as `principal_of`, asked at once."""
    found = session.execute(_KNOWN_AS, {"person_id": person_id}).all()
    standings = _standings(scope for _, scope in found if scope)
    handles = handles_of(session, person_id, standings)
    return found[0][0], Principal(person_id=person_id, handles=handles, standings=standings)


def standings_at(session: Session, locality_id: UUID, person_id: UUID) -> list[Scope]:
    """The roles that a person holds at a place or above it."""
    above = select(LocalityPath.ancestor_id).where(LocalityPath.descendant_id == locality_id)
    rows = select(Scope).where(Scope.person_id == person_id, Scope.active, Scope.locality_id.in_(above))
    return list(session.scalars(rows.order_by(Scope.role)))


def role_at(session: Session, locality_id: UUID, person_id: UUID, roles: Sequence[str]) -> str | None:
    """The first of `roles` that a person holds at a place or above it, or None."""
    held = {scope.role for scope in standings_at(session, locality_id, person_id)}
    return next((role for role in roles if role in held), None)


def organisations_of(session: Session, locality_id: UUID, person_id: UUID) -> set[UUID]:
    """For whom a person speaks at a place: their committee, or the organisation that their office belongs to."""
    found = set()
    for scope in standings_at(session, locality_id, person_id):
        office = session.get(Office, scope.office_id) if scope.office_id else None
        body = scope.committee_id or (office.organisation_id or office.id if office else None)
        if body:
            found.add(body)
    return found


def principal_of(session: Session, person: Person) -> Principal:
    """The principal of a signed-in person: standings, and the handles under which this person reports."""
    standings = standings_of(session, person.id)
    return Principal(
        person_id=person.id, handles=handles_of(session, person.id, standings), standings=standings
    )


def handles_of(session: Session, person_id: UUID, standings: Sequence[Standing]) -> tuple[UUID, ...]:
    """The random-looking handles of one account, one per committee (or office) that it reports in."""
    from committees.reports import Source

    groups = {s.committee_id or s.office_id for s in standings} - {None}
    own = tuple(cipher(session).handle("source", group, person_id) for group in sorted(groups, key=str))
    # Also those for whom this person vouches: they have nobody else who could look after their reports.
    return (*own, *session.scalars(select(Source.id).where(Source.spoken_by.in_(own)).order_by(Source.id)))
