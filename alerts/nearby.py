"""Which places count as neighbours of a place, and how much: the geography, with what the place's own profile lays over it.

A profile's `neighbours` is a list of {key: CODE, weight}: it changes the weight of a link, adds one (also across a border), or takes one
away (weight 0, or off). It holds for the place that wrote it and is not inherited. Anyone in alerts may import this module.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from committees.places import Locality, Neighbour, in_codes
from committees.profiles import IN_FORCE, Effective, Profile

Links = list[tuple[UUID, float]]


def links_each(
    session: Session,
    place_ids: Iterable[UUID],
    profiles: Mapping[UUID, Effective],
    instead: tuple[UUID, Mapping[str, Any]] | None = None,
) -> dict[UUID, Links]:
    """The neighbours of each place with their weights, in the order of their ids.

    `instead` gives one place another document of its own, as what_if.py tries it.
    """
    wanted = list(place_ids)
    rows = select(Neighbour.locality_id, Neighbour.neighbour_id, Neighbour.weight)
    rows = rows.where(Neighbour.locality_id.in_(wanted)).order_by(Neighbour.neighbour_id)
    found: dict[UUID, Links] = {key: [] for key in wanted}
    for key, neighbour, weight in session.execute(rows).all():
        found[key].append((neighbour, weight))
    own = _own(session, wanted, profiles)
    if instead and instead[0] in found:
        own[instead[0]] = instead[1].get("neighbours") or []
    codes = in_codes(session, {row["key"] for rows in own.values() for row in rows}) if own else {}
    ids = {code: place.id for code, place in codes.items()}
    return found | {key: laid_over(found[key], key, rows, ids) for key, rows in own.items()}


def next_to(session: Session, place_ids: Iterable[UUID]) -> list[UUID]:
    """The places that count one of these as a neighbour, by the geography or by a version in force, in the order of their ids."""
    ids = list(place_ids)
    rows = select(Neighbour.locality_id).where(Neighbour.neighbour_id.in_(ids)).distinct()
    found = set(session.scalars(rows))
    laid = select(Profile.locality_id, Profile.links).where(Profile.links != "", Profile.state == IN_FORCE)
    if own := session.execute(laid).all():
        codes = set(session.scalars(select(Locality.code).where(Locality.id.in_(ids))))
        found |= {key for key, links in own if not codes.isdisjoint(links.split())}
    return sorted(found, key=str)


def laid_over(
    links: Links, place_id: UUID, rows: Iterable[Mapping[str, Any]], ids: Mapping[str, UUID]
) -> Links:
    """Links with what a profile says of them; codes that no place has, and the place itself, are passed over."""
    weights = dict(links)
    for row in rows:
        other = ids.get(row["key"])
        if other is not None and other != place_id:
            weights[other] = 0.0 if row.get("off") else float(row.get("weight", 1.0))
    return sorted(((key, weight) for key, weight in weights.items() if weight > 0), key=lambda link: link[0])


def _own(
    session: Session, wanted: Iterable[UUID], profiles: Mapping[UUID, Effective]
) -> dict[UUID, list[Mapping[str, Any]]]:
    """What the place's own version in force says of neighbours, where it says anything."""
    versions = [
        (key, int(version))
        for key in wanted
        if profiles[key].document.get("neighbours")
        for owner, _, version in [profiles[key].versions[0].partition("/")]
        if owner == str(key)
    ]
    if not versions:
        return {}
    rows = select(Profile.locality_id, Profile.document).where(
        tuple_(Profile.locality_id, Profile.version).in_(versions)
    )
    found = {key: document.get("neighbours") for key, document in session.execute(rows).all()}
    return {key: rows for key, rows in found.items() if rows}
