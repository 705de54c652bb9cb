"""What the readiness board shows, from rows that the visitor may see: places that would not reach everybody, town by town, and how many are ready.

Places of one town with the same gaps stand together. Pages, API and export share it; the rows are kept by alerts/readiness.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from alerts import drills
from alerts.plots import PlotWords, shares
from alerts.readiness import Readiness
from alerts.readiness_sentences import sentence, task
from committees.places import Locality
from foundation.web import words
from foundation.web.words import gettext as _
from foundation.web.words import ngettext

A_PAGE = 60
ROLES = ("administrator", "national_contact", "city_officer", "district_administration", "chair", "secretary")
MOST_DRAWN = 12


@dataclass(frozen=True)
class Line:
    """Places of one town that miss the same."""

    town: str
    places: str
    gaps: tuple[tuple[str, str], ...]


def rows_from(session: Session, after: str, most: int = A_PAGE) -> tuple[list[Readiness], str]:
    """The places that are not ready, by code, after one; and where the next page begins."""
    rows = select(Readiness).where(~Readiness.ready, Readiness.code > after).order_by(Readiness.code)
    found = list(session.scalars(rows.limit(most + 1)))
    return found[:most], found[most - 1].code if len(found) > most else ""


def lines(session: Session, rows: Sequence[Readiness]) -> list[Line]:
    """Put together what is the same, with names and sentences."""
    codes = {gap["by_place"] for row in rows for gap in row.gaps}
    ids = {key for row in rows for key in (row.locality_id, row.town_id)}
    places = _places(session, ids, codes)
    names = {place.code: place.name(words.current().language) for place in places.values()}
    groups: dict[tuple[UUID, str], list[Readiness]] = {}
    for row in rows:
        groups.setdefault((row.town_id, repr(row.gaps)), []).append(row)
    return [
        Line(
            places[town_id].name(words.current().language),
            words.listed(places[row.locality_id].name(words.current().language) for row in alike),
            tuple((sentence(gap), task(gap, names.get(gap["by_place"], ""))) for gap in alike[0].gaps),
        )
        for (town_id, _gaps), alike in groups.items()
    ]


def _places(session: Session, ids: Iterable[UUID], codes: Iterable[str]) -> dict[UUID, Locality]:
    rows = select(Locality).where(Locality.id.in_(set(ids)) | Locality.code.in_(set(codes)))
    return {place.id: place for place in session.scalars(rows)}


def by_town(session: Session) -> list[tuple[str, int, int]]:
    """For each town: its name, how many of its places are ready, and how many there are."""
    ready = func.sum(case((Readiness.ready, 1), else_=0))
    rows = (
        select(Locality, func.count(), ready)
        .join(Readiness, Readiness.town_id == Locality.id)
        .group_by(Locality.id)
        .order_by(Locality.code)
    )
    language = words.current().language
    return [
        (town.name(language), int(good or 0), number) for town, number, good in session.execute(rows).all()
    ]


def without_drill(session: Session, now: datetime) -> list[str]:
    """The names of the towns in which there was no drill in the last 100 days."""
    rows = select(Locality).where(Locality.id.in_(select(Readiness.town_id))).order_by(Locality.code)
    towns = session.scalars(rows).all()
    tried = drills.last_at(session, now, [town.id for town in towns])
    return [town.name(words.current().language) for town in towns if town.id not in tried]


def picture(towns: Sequence[tuple[str, int, int]]) -> Any:
    """The share of ready places by town, those with the most to do first."""
    worst = sorted(towns, key=lambda town: (town[1] / town[2], town[0]))[:MOST_DRAWN]
    drawn = [(name, good / number, 0.0, good / number) for name, good, number in worst]
    told = "; ".join(_("%(place)s: %(ready)d of %(all)d", place=n, ready=g, all=a) for n, g, a in worst)
    return shares(drawn, PlotWords(_("Share of places that are ready"), told), key="ready")


def summary(towns: Sequence[tuple[str, int, int]]) -> str:
    """How many places are ready, in a sentence."""
    good, number = sum(town[1] for town in towns), sum(town[2] for town in towns)
    return ngettext(
        "%(ready)d of %(num)d place would reach everybody today.",
        "%(ready)d of %(num)d places would reach everybody today.",
        number,
        ready=good,
    )
