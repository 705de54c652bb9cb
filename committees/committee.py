"""Committees: their kind and mandate, their seats, and who sits on them. A seat's standing is written to people.Scope."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, bindparam, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from committees.people import Person, Scope
from committees.places import LocalityPath
from foundation.db import Base, Keyed, among

SEAT_ROLES = ("member", "secretary", "chair", "touch_point")


class Committee(Keyed, Base):
    """A body that listens to a place: prevention committee, liaison committee, civil society committee."""

    __tablename__ = "committee"

    code: Mapped[str] = mapped_column(unique=True)
    names: Mapped[dict[str, Any]]
    short_name: Mapped[str]
    kind: Mapped[str] = mapped_column(default="prevention")
    mandate: Mapped[str] = mapped_column(default="")
    locality_id: Mapped[UUID] = mapped_column(ForeignKey("locality.id"), index=True)
    #: When members are asked for the weekly check-in (rhythm.py); empty: as usual.
    rhythm: Mapped[dict[str, Any]] = mapped_column(default=dict)

    def name(self, language: str = "en") -> str:
        """The committee's name in `language`, else in English."""
        return str(self.names.get(language) or self.names["en"])


class Seat(Keyed, Base):
    """A place at the table: which role, for which ward, kept for whom (women, youth, traders ...)."""

    __tablename__ = "seat"

    committee_id: Mapped[UUID] = mapped_column(ForeignKey("committee.id"), index=True)
    role: Mapped[str]
    kept_for: Mapped[str] = mapped_column(default="")
    ward_id: Mapped[UUID | None] = mapped_column(ForeignKey("locality.id"))


class Membership(Keyed, Base):
    """A person sits on a seat from a moment until another."""

    __tablename__ = "membership"

    seat_id: Mapped[UUID] = mapped_column(ForeignKey("seat.id"), index=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), index=True)
    since: Mapped[datetime]
    until: Mapped[datetime | None]


def take_seat(
    session: Session, seat: Seat, committee: Committee, person: Person, since: datetime
) -> Membership:
    """Seat a person and write the standing that goes with it."""
    membership = Membership(seat_id=seat.id, person_id=person.id, since=since)
    session.add(membership)
    session.add(
        Scope(
            person_id=person.id, role=seat.role, locality_id=committee.locality_id, committee_id=committee.id
        )
    )
    return membership


_NEAREST = (
    select(Committee)
    .join(LocalityPath, LocalityPath.ancestor_id == Committee.locality_id)
    .where(LocalityPath.descendant_id == bindparam("locality_id"))
    .order_by(LocalityPath.depth, Committee.code)
)
_WARD = (
    select(Seat.ward_id)
    .join(Membership, Membership.seat_id == Seat.id)
    .where(
        Membership.person_id == bindparam("person_id"),
        Membership.until.is_(None),
        Seat.ward_id.is_not(None),
    )
    .order_by(Seat.id)
)


def committee_for(session: Session, locality_id: UUID) -> Committee | None:
    """The committee nearest to a place: its own, else that of the nearest parent."""
    return session.scalars(_NEAREST, {"locality_id": locality_id}).first()


def committees_for(session: Session, locality_ids: Iterable[UUID]) -> dict[UUID, Committee]:
    """The committee nearest to each of many places, as `committee_for` finds it; a place without one is left out."""
    rows = (
        select(LocalityPath.descendant_id, Committee)
        .join(Committee, Committee.locality_id == LocalityPath.ancestor_id)
        .where(among(session, LocalityPath.descendant_id, set(locality_ids)))
        .order_by(LocalityPath.depth.desc(), Committee.code.desc())
    )
    return dict(session.execute(rows).all())  # the nearest is written last


def sitting(session: Session, committee_id: UUID, *roles: str) -> list[Person]:
    """The persons who hold one of `roles` in a committee now, by code."""
    held = select(Scope.person_id).where(
        Scope.committee_id == committee_id, Scope.active, Scope.role.in_(roles)
    )
    return list(session.scalars(select(Person).where(Person.id.in_(held)).order_by(Person.code)))


def ward_of(session: Session, person_id: UUID) -> UUID | None:
    """The ward that a member sits for: the default of every form."""
    return session.scalars(_WARD, {"person_id": person_id}).first()


def wards_of(session: Session, person_id: UUID) -> list[UUID]:
    """All wards that a member sits for, the default one first."""
    found = session.scalars(_WARD, {"person_id": person_id})
    return list(dict.fromkeys(key for key in found if key))


def voices_of_ward(session: Session, ward_id: UUID) -> int:
    """How many persons sit for a ward now."""
    return voices_of_wards(session, [ward_id]).get(ward_id, 0)


def voices_of_wards(session: Session, ward_ids: Iterable[UUID]) -> dict[UUID, int]:
    """How many persons sit for each of many wards now; a ward with nobody is left out."""
    rows = (
        select(Seat.ward_id, func.count(Membership.person_id.distinct()))
        .join(Membership, Membership.seat_id == Seat.id)
        .where(among(session, Seat.ward_id, set(ward_ids)), Membership.until.is_(None))
        .group_by(Seat.ward_id)
    )
    return {ward_id: number for ward_id, number in session.execute(rows) if ward_id}
