"""Where: countries, the tree of localities of any depth, its paths, neighbours and codes.

A locality's name is a mapping of language to name; its zone, when empty, is its parent's. Paths are kept as rows (ancestor, descendant,
depth), because policy and aggregation ask for them in every query. Who lives or works there is people.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ForeignKey, bindparam, select
from sqlalchemy.orm import Mapped, Session, aliased, mapped_column

from foundation.db import Base, Keyed
from foundation.errors import NotFound
from foundation.web.lands import land
from foundation.web.words import N_
from foundation.web.words import gettext as _


class Country(Base):
    """A country's own words and numbers: level names by depth, languages, emergency number, which levels are scored."""

    __tablename__ = "country"

    code: Mapped[str] = mapped_column(primary_key=True)
    names: Mapped[dict[str, Any]]
    level_names: Mapped[dict[str, Any]]
    languages: Mapped[list[Any]]
    zone: Mapped[str]
    emergency: Mapped[str]
    scored_levels: Mapped[list[Any]]
    settings: Mapped[dict[str, Any]] = mapped_column(default=dict)

    def name(self, language: str = "en") -> str:
        """The name in `language`: as it is set up, else as CLDR has it, else in English."""
        return str(self.names.get(language) or land(self.code, language) or self.names["en"])


class Locality(Keyed, Base):
    """One place: a province, a town, a ward. `watched` places raise alerts; `town_only` ones are never named in messages."""

    __tablename__ = "locality"

    code: Mapped[str] = mapped_column(unique=True)
    country_code: Mapped[str] = mapped_column(ForeignKey("country.code"))
    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("locality.id"), index=True)
    tree: Mapped[str] = mapped_column(default="administrative")
    level: Mapped[str]
    depth: Mapped[int] = mapped_column(default=0)
    names: Mapped[dict[str, Any]]
    number: Mapped[str | None]
    zone: Mapped[str | None]
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]
    area: Mapped[dict[str, Any] | None]
    watched: Mapped[bool] = mapped_column(default=False)
    scored: Mapped[bool] = mapped_column(default=True)
    town_only: Mapped[bool] = mapped_column(default=False)
    valid_from: Mapped[date | None]
    valid_to: Mapped[date | None]

    def name(self, language: str = "en") -> str:
        """The name in `language`, else in English, else any; a country has one in each."""
        of_land = land(self.code, language) if self.code == self.country_code else ""
        return str(
            self.names.get(language) or of_land or self.names.get("en") or next(iter(self.names.values()))
        )


class LocalityPath(Base):
    """Each locality under each of its ancestors, itself included at depth 0."""

    __tablename__ = "locality_path"

    ancestor_id: Mapped[UUID] = mapped_column(ForeignKey("locality.id"), primary_key=True)
    descendant_id: Mapped[UUID] = mapped_column(ForeignKey("locality.id"), primary_key=True, index=True)
    depth: Mapped[int]


class Neighbour(Base):
    """A directed link between two localities; both directions are stored."""

    __tablename__ = "neighbour"

    locality_id: Mapped[UUID] = mapped_column(ForeignKey("locality.id"), primary_key=True)
    neighbour_id: Mapped[UUID] = mapped_column(ForeignKey("locality.id"), primary_key=True, index=True)
    weight: Mapped[float] = mapped_column(default=1.0)


class LocalityCode(Base):
    """What another scheme (ISO 3166-2, P-code, UCDP) calls a locality."""

    __tablename__ = "locality_code"

    scheme: Mapped[str] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(primary_key=True)
    locality_id: Mapped[UUID] = mapped_column(ForeignKey("locality.id"), index=True)


_wanted = aliased(Locality)
# Written once: they are asked with every report, and to write them takes longer than to answer them.
_CHAIN = (
    select(Locality)
    .join(LocalityPath, LocalityPath.ancestor_id == Locality.id)
    .join(_wanted, _wanted.id == LocalityPath.descendant_id)
    .where(_wanted.code == bindparam("code"))
    .order_by(LocalityPath.depth)
)
_ABOVE = (
    select(Locality)
    .join(LocalityPath, LocalityPath.ancestor_id == Locality.id)
    .where(LocalityPath.descendant_id == bindparam("locality_id"))
    .order_by(LocalityPath.depth)
)
_BELOW = (
    select(Locality)
    .join(LocalityPath, LocalityPath.descendant_id == Locality.id)
    .where(LocalityPath.ancestor_id == bindparam("locality_id"), LocalityPath.depth > 0)
    .order_by(LocalityPath.depth, Locality.code)
)
_BESIDE = (
    select(Locality)
    .join(Neighbour, Neighbour.neighbour_id == Locality.id)
    .where(Neighbour.locality_id == bindparam("locality_id"))
    .order_by(Locality.code)
)


def by_code(session: Session, code: str) -> Locality:
    """The locality that Concord calls `code`, read with all above it; raise NotFound in words."""
    chain = list(session.scalars(_CHAIN, {"code": code}))
    if not chain:
        raise NotFound(
            _("There is no place with the code %(code)s.", code=code), N_("Look it up in the list of places.")
        )
    _keep(session, chain)
    return chain[0]


def add(session: Session, locality: Locality) -> Locality:
    """Store a locality and its paths; its parent must be stored already."""
    session.add(locality)
    session.flush()
    session.add(LocalityPath(ancestor_id=locality.id, descendant_id=locality.id, depth=0))
    if locality.parent_id:
        above = session.scalars(
            select(LocalityPath).where(LocalityPath.descendant_id == locality.parent_id)
        ).all()
        session.add_all(
            LocalityPath(ancestor_id=p.ancestor_id, descendant_id=locality.id, depth=p.depth + 1)
            for p in above
        )
        locality.depth = max(p.depth for p in above) + 1
    session.flush()
    return locality


def link(session: Session, one: UUID, other: UUID, weight: float = 1.0) -> None:
    """Make two localities neighbours of each other, once."""
    for a, b in ((one, other), (other, one)):
        if a != b and session.get(Neighbour, (a, b)) is None:
            session.add(Neighbour(locality_id=a, neighbour_id=b, weight=weight))


def ancestors(session: Session, locality_id: UUID) -> list[Locality]:
    """The locality itself, then its parents up to the country's top."""
    return list(session.scalars(_ABOVE, {"locality_id": locality_id}))


def descendants(session: Session, locality_id: UUID) -> list[Locality]:
    """Every locality below, without itself, nearest first."""
    return list(session.scalars(_BELOW, {"locality_id": locality_id}))


def upwards(session: Session, locality_id: UUID) -> list[Locality]:
    """As `ancestors`, asked once in a session: not at all where `load_above` or `by_code` has read them."""
    known = _above(session)
    if locality_id not in known:
        _keep(session, ancestors(session, locality_id))
    return known[locality_id]


def _above(session: Session) -> dict[UUID, list[Locality]]:
    """By place, itself and all above it, as far as this session has read them. Held, so that the session finds each by its key."""
    known: dict[UUID, list[Locality]] = session.info.setdefault("above", {})
    return known


def _keep(session: Session, chain: list[Locality]) -> None:
    for n, place in enumerate(chain):
        _above(session).setdefault(place.id, chain[n:])


def load_above(session: Session, locality_ids: Iterable[UUID]) -> None:
    """Read these places, all above them and their countries at once, and keep them for this session."""
    wanted = set(locality_ids) - _above(session).keys()
    if not wanted:
        return
    above = select(LocalityPath.ancestor_id).where(LocalityPath.descendant_id.in_(wanted))
    read = {place.id: place for place in session.scalars(select(Locality).where(Locality.id.in_(above)))}
    for place in (read[key] for key in wanted if key in read):
        chain = [place]
        while chain[-1].parent_id in read:
            chain.append(read[chain[-1].parent_id])
        _keep(session, chain)
    _countries(session).update({country.code: country for country in session.scalars(select(Country))})


def below_each(session: Session, locality_ids: Iterable[UUID]) -> dict[UUID, list[UUID]]:
    """Each of these places with the ids of itself and all below it, nearest first."""
    rows = select(LocalityPath.ancestor_id, LocalityPath.descendant_id)
    rows = rows.where(LocalityPath.ancestor_id.in_(set(locality_ids))).order_by(LocalityPath.depth)
    found: dict[UUID, list[UUID]] = {}
    for above, below in session.execute(rows).all():
        found.setdefault(above, []).append(below)
    return found


def neighbours(session: Session, locality_id: UUID) -> list[Locality]:
    """The linked localities, by code."""
    return list(session.scalars(_BESIDE, {"locality_id": locality_id}))


def town_of(session: Session, locality: Locality) -> Locality:
    """The place that messages name for outsiders: the parent of a ward, else the place itself."""
    if locality.level == "ward" and locality.parent_id:
        return session.get_one(Locality, locality.parent_id)
    return locality


def country_of(session: Session, locality: Locality) -> Country:
    """The country that a locality lies in, asked once in a session."""
    known = _countries(session)
    if locality.country_code not in known:
        known[locality.country_code] = session.get_one(Country, locality.country_code)
    return known[locality.country_code]


def _countries(session: Session) -> dict[str, Country]:
    known: dict[str, Country] = session.info.setdefault("countries", {})
    return known


def zone_of(session: Session, locality: Locality) -> ZoneInfo:
    """The time zone of a place: its own, else the nearest parent's, else its country's. Remembered for the session."""
    known: dict[UUID, str] = session.info.setdefault("zones", {})
    if locality.id not in known:
        near = (place.zone for place in upwards(session, locality.id) if place.zone)
        known[locality.id] = locality.zone or next(near, "") or country_of(session, locality).zone
    return _zone(known[locality.id])


@lru_cache(maxsize=256)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def local_day(moment: datetime, zone: ZoneInfo) -> date:
    """The date that people at the place would give to `moment`."""
    return moment.astimezone(zone).date()


def monday_of(day: date) -> date:
    """The Monday of the week that a day lies in."""
    return day - timedelta(days=day.weekday())


def in_codes(session: Session, codes: Iterable[str]) -> dict[str, Locality]:
    """The localities with these codes, by code; unknown codes are left out."""
    rows = session.scalars(select(Locality).where(Locality.code.in_(list(codes))))
    return {locality.code: locality for locality in rows}
