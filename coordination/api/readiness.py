"""The readiness board over the API: which places would not reach everybody today, what is missing there and whose task it is."""

from __future__ import annotations

from typing import Literal

from sqlalchemy import select

from alerts.readiness import Readiness
from alerts.readiness_sentences import sentence
from committees.places import Locality
from coordination.api.door import Call, endpoint
from coordination.api.paging import PageQuery, page
from coordination.api.schemas import Moment, Output


class GapOut(Output):
    """What is missing in the chain of a place: a closed word, whose it is by role and place, and the sentence that the board shows."""

    key: str
    role: str
    office: str
    level: int
    step: int
    task_of: str
    task_place: str
    sentence: str


class ReadinessOut(Output):
    """Whether everybody who is to be told of an alert at a place would be reached, as last looked at."""

    locality: str
    town: str
    ready: bool
    gaps: list[GapOut]
    at: Moment


class ReadinessList(Output):
    """A page of places, by code."""

    items: list[ReadinessOut]
    next: str | None


class ReadinessQuery(PageQuery):
    """Which places: all, only the ready ones (yes), or only those with gaps (no)."""

    ready: Literal["yes", "no"] | None = None


@endpoint("GET", "/readiness", scope="read", asks=ReadinessQuery, gives=ReadinessList)
def list_readiness(call: Call) -> ReadinessList:
    """List the places of the readiness board that the caller may see."""
    rows = select(Readiness)
    if call.query.ready:
        rows = rows.where(Readiness.ready.is_(call.query.ready == "yes"))
    keys = (Readiness.code, Readiness.locality_id)
    found, following = page(call.session, rows, keys, call.query, newest_first=False)
    towns = {row.town_id for row in found}
    codes = {one.id: one.code for one in call.session.scalars(select(Locality).where(Locality.id.in_(towns)))}
    return ReadinessList(items=[_out(row, codes[row.town_id]) for row in found], next=following)


def _out(row: Readiness, town: str) -> ReadinessOut:
    gaps = [
        GapOut(
            key=gap["key"],
            role=str(gap.get("role", "")),
            office=str(gap.get("office", "")),
            level=int(gap.get("level") or 0),
            step=int(gap.get("step") or 0),
            task_of=str(gap.get("by", "")),
            task_place=str(gap.get("by_place", "")),
            sentence=sentence(gap),
        )
        for gap in row.gaps
    ]
    return ReadinessOut(locality=row.code, town=town, ready=row.ready, gaps=gaps, at=row.at)
