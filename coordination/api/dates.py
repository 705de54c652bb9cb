"""The calendar over the API: the dates of a place with their windows, and adding one.

Shocks elsewhere are recorded on a page only: the places that are ticked there leave no other way.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from committees import flashpoints, profiles
from committees.flashpoints import ELSEWHERE, NAME_LENGTH, NOTE_LENGTH, Flashpoint, NewDate
from committees.places import Locality, local_day, zone_of
from committees.windows import DateHere, spans_of
from coordination import calendar_view, reach
from coordination.api.door import Call, endpoint
from coordination.api.schemas import Input, Output
from foundation.errors import Invalid, NotAllowed, NotFound

FORWARD, WIDEST = timedelta(days=90), timedelta(days=800)


def _in_calendar(value: date) -> date:
    if value.year not in flashpoints.YEARS:
        raise PydanticCustomError("day", "Choose a day between the years 2000 and 2099.")
    return value


Day = Annotated[date, AfterValidator(_in_calendar)]
Language = Annotated[str, Field(pattern="^[a-z]{2,3}$")]
Name = Annotated[str, Field(min_length=1, max_length=NAME_LENGTH)]


class DatesQuery(Input):
    """Which days, both inclusive; today and the 90 days after it where nothing is said. Dates whose window touches them are listed."""

    since: Day | None = None
    until: Day | None = None


class DateIn(Input):
    """A date to prepare for: local days, both inclusive; `about` until somebody confirms it."""

    id: UUID
    trigger: str = Field(max_length=40)
    names: dict[Language, Name] = Field(min_length=1, max_length=8)
    starts: Day
    ends: Day | None = None
    about: bool = Field(False, strict=True)
    difficult: bool = Field(False, strict=True)
    note: str = Field("", max_length=NOTE_LENGTH)


class DateOut(Output):
    """A date as it stands at the place that was asked for, with the first and last day of its window."""

    id: UUID
    locality: str
    trigger: str
    names: dict[str, str]
    starts: str
    ends: str
    opens: str
    closes: str
    about: bool
    difficult: bool
    cancelled: str
    source: str


class DateList(Output):
    """The dates of a place, the earliest first; the list has one page."""

    items: list[DateOut]
    next: str | None


@endpoint("GET", "/localities/<code>/dates", scope="read", asks=DatesQuery, gives=DateList)
def list_dates(call: Call, code: str) -> DateList:
    """List the dates of a place."""
    place = reach.place_with(call.session, call.principal, code)
    first = call.query.since or local_day(call.now, zone_of(call.session, place))
    last = call.query.until or first + FORWARD
    if last < first or last - first > WIDEST:
        raise Invalid("until", "Ask for a span that ends after it begins, 800 days at most.")
    found = calendar_view.dates_near(call.session, call.principal, place, first, last)
    return DateList(items=[_out(call, one) for one in found], next=None)


@endpoint(
    "POST",
    "/localities/<code>/dates",
    scope="report",
    takes=DateIn,
    gives=DateOut,
    status=201,
    also={200: "This date was there already; nothing was changed"},
)
def add_date(call: Call, code: str) -> tuple[DateOut, int]:
    """Add a date to the calendar of a place."""
    place = reach.place_with(call.session, call.principal, code)
    if not calendar_view.may_write(call.session, call.principal, place):
        raise NotAllowed(
            "The calendar of this place is kept by its committee.", "Ask its secretary to add the date."
        )
    body: DateIn = call.body
    document = profiles.in_force(call.session, place.id).document
    spans = spans_of(document)
    if body.trigger not in spans or body.trigger == ELSEWHERE:
        known = ", ".join(sorted(set(spans) - {ELSEWHERE}))
        raise Invalid(
            "trigger", "This is not a kind of date that can be added here.", f"Use one of: {known}."
        )
    there = call.session.get(Flashpoint, body.id) is not None
    row = flashpoints.record(call.session, call.now, _new(call, place, body))
    found = flashpoints.date_of(call.session, place.id, row.id, spans)
    if found is None:
        raise NotFound
    if body.note.strip() and not there:
        flashpoints.note(call.session, call.now, place, found, body.note.strip(), by=call.caller.person.id)
    return _out(call, found), 200 if there else 201


def _new(call: Call, place: Locality, body: DateIn) -> NewDate:
    return NewDate(
        id=body.id,
        locality=place,
        trigger=body.trigger,
        names=dict(body.names),
        starts=body.starts,
        ends=body.ends or body.starts,
        about=body.about,
        difficult=body.difficult,
        by=call.caller.person.id,
    )


def _out(call: Call, one: DateHere) -> DateOut:
    return DateOut(
        id=one.id,
        locality=call.session.get_one(Locality, one.locality_id).code,
        trigger=one.trigger,
        names={language: str(name) for language, name in one.names.items()},
        starts=one.starts.isoformat(),
        ends=one.ends.isoformat(),
        opens=one.opens.isoformat(),
        closes=one.closes.isoformat(),
        about=one.about,
        difficult=one.difficult,
        cancelled=one.cancelled,
        source=one.source,
    )
