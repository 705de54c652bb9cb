"""Places and the closed list of kinds: what a client needs before it can report. Open to every token."""

from __future__ import annotations

from typing import Any

from pydantic import Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from committees.catalogue import FORMS, KINDS
from committees.places import Locality, neighbours, zone_of
from coordination.api.door import Call, endpoint
from coordination.api.paging import PageQuery, page
from coordination.api.rights import place_at
from coordination.api.schemas import Code, Output


class LocalityOut(Output):
    """A place: its code, its names by language, its level as its country calls it, where it lies."""

    code: str
    names: dict[str, str]
    level: str
    country: str
    parent: str | None
    number: str | None
    watched: bool


class LocalityDetail(LocalityOut):
    """A place with its time zone and the codes of its neighbours."""

    zone: str
    neighbours: list[str]


class LocalityList(Output):
    """A page of places, by code."""

    items: list[LocalityOut]
    next: str | None


class LocalityQuery(PageQuery):
    """Which places: directly inside `parent`, on one level."""

    parent: Code | None = None
    level: str | None = Field(None, max_length=40)


class KindOut(Output):
    """One kind of incident: the answer of the report form it falls under, its usual severity."""

    key: str
    form: str
    label: str
    severity: int


class KindList(Output):
    """All kinds; the list is short and has one page."""

    items: list[KindOut]
    next: str | None


@endpoint("GET", "/localities", scope="read", asks=LocalityQuery, gives=LocalityList)
def list_localities(call: Call) -> LocalityList:
    """List the places, by code."""
    rows = select(Locality)
    if call.query.parent:
        rows = rows.where(Locality.parent_id == place_at(call.session, call.query.parent).id)
    if call.query.level:
        rows = rows.where(Locality.level == call.query.level)
    found, following = page(call.session, rows, (Locality.code,), call.query, newest_first=False)
    return LocalityList(
        items=[LocalityOut(**_fields(call.session, place)) for place in found], next=following
    )


@endpoint("GET", "/localities/<code>", scope="read", gives=LocalityDetail)
def read_locality(call: Call, code: str) -> LocalityDetail:
    """Read one place."""
    place = place_at(call.session, code)
    around = [other.code for other in neighbours(call.session, place.id)]
    return LocalityDetail(
        **_fields(call.session, place), zone=zone_of(call.session, place).key, neighbours=around
    )


def _fields(session: Session, place: Locality) -> dict[str, Any]:
    parent = session.get_one(Locality, place.parent_id).code if place.parent_id else None
    return {
        "code": place.code,
        "names": {language: str(name) for language, name in place.names.items()},
        "level": place.level,
        "country": place.country_code,
        "parent": parent,
        "number": place.number,
        "watched": place.watched,
    }


@endpoint("GET", "/incident-types", scope="read", gives=KindList)
def list_incident_types(call: Call) -> KindList:
    """List the kinds of incident that can be reported."""
    kinds = sorted(KINDS.values(), key=lambda kind: (FORMS.index(kind.form), kind.key))
    items = [KindOut(key=k.key, form=k.form, label=k.label, severity=k.severity) for k in kinds]
    return KindList(items=items, next=None)
