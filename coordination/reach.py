"""Which places a visitor may read the level of: of their roles and below, as policy.toml says for scores.

Pages of places share it. What a place shows is place_view.py; incidents and alerts are kept by policy itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from alerts.routing import OUTSIDE
from committees.places import Locality, LocalityPath
from foundation.errors import NotFound
from foundation.policy import RULES, Principal

READS_LEVELS: tuple[str, ...] = tuple(RULES["tables"]["score"]["own"])
ANALYSTS = ("hub_analyst", "national_contact", "administrator")


def covered(session: Session, principal: Principal, ids: Iterable[UUID]) -> set[UUID]:
    """Those of `ids` whose level this person may read; offices from outside the town read no single ward."""
    near = principal.at(*(role for role in READS_LEVELS if role not in OUTSIDE))
    far = principal.at(*(role for role in READS_LEVELS if role in OUTSIDE))
    rows = (
        select(LocalityPath.descendant_id)
        .join(Locality, Locality.id == LocalityPath.descendant_id)
        .where(
            LocalityPath.descendant_id.in_(list(ids)),
            or_(
                LocalityPath.ancestor_id.in_(near),
                and_(LocalityPath.ancestor_id.in_(far), Locality.level != "ward"),
            ),
        )
    )
    return set(session.scalars(rows))


def place_with(session: Session, principal: Principal, code: str) -> Locality:
    """The place with this code; NotFound alike for one that does not exist and one that is not theirs."""
    place = session.scalars(select(Locality).where(Locality.code == code)).first()
    if place is None or not covered(session, principal, [place.id]):
        raise NotFound()
    return place


def wards_below(session: Session, ids: Iterable[UUID]) -> list[Locality]:
    """The watched wards at and below these places, town by town, by number."""
    below = select(LocalityPath.descendant_id).where(LocalityPath.ancestor_id.in_(list(ids)))
    rows = select(Locality).where(Locality.id.in_(below), Locality.level == "ward", Locality.watched)
    return sorted(session.scalars(rows), key=by_number)


def by_number(place: Locality) -> tuple[str, int, str]:
    """A key that sorts wards of one town by their number, then by code."""
    number = place.number or ""
    return str(place.parent_id), int(number) if number.isdigit() else 0, place.code


def holds(session: Session, principal: Principal, place_id: UUID, roles: Iterable[str]) -> bool:
    """Whether one of a person's roles covers this place: held at it or above it."""
    above = select(LocalityPath.ancestor_id).where(LocalityPath.descendant_id == place_id)
    return bool(set(principal.at(*roles)) & set(session.scalars(above)))
