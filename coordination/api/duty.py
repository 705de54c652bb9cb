"""Duty rosters over the API: who of those who hold an office is on duty when, writing its layers, and somebody standing in.

The rules are committees/rosters.py; who sees and who changes a roster is as on the page.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field
from sqlalchemy import select

from committees import rosters
from committees.people import Office, Person
from committees.places import Locality
from committees.rosters import LONGEST_TURN, REASON_LENGTH, DutyOverride, DutyRoster
from coordination.api.dates import Day
from coordination.api.door import Call, endpoint
from coordination.api.rights import covering
from coordination.api.schemas import Input, Moment, Output
from foundation.errors import Conflict, NotAllowed, NotFound
from foundation.policy import RULES

READERS = tuple(RULES["tables"]["duty_roster"]["own"])
SHOWN = timedelta(days=14)
MOST_LAYERS, MOST_PERSONS = 10, 50

Clock = Annotated[
    str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", description="Local time, like 18:00.")
]
Weekday = Annotated[int, Field(strict=True, ge=1, le=7)]


class LayerIn(Input):
    """One rotation of persons who hold the office, by local time. The same hour for `begins` and `ends`: all day."""

    persons: list[UUID] = Field(min_length=1, max_length=MOST_PERSONS)
    starts: Day
    days: int = Field(7, strict=True, ge=1, le=LONGEST_TURN)
    handover: Clock = "09:00"
    begins: Clock = "00:00"
    ends: Clock = "00:00"
    weekdays: list[Weekday] = Field(default=[1, 2, 3, 4, 5, 6, 7], min_length=1, max_length=7)
    not_on_holidays: bool = Field(False, strict=True)


class RosterIn(Input):
    """All layers of a roster, the strongest last. They take the place of those that are there; who stands in stays."""

    layers: list[LayerIn] = Field(max_length=MOST_LAYERS)


class StandInIn(Input):
    """One holder of the office takes its duty for at most 28 days, whatever the layers say."""

    id: UUID
    person: UUID
    begins_at: Moment
    ends_at: Moment
    reason: str = Field(max_length=REASON_LENGTH)


class LayerOut(Output):
    """One rotation as it stands."""

    persons: list[UUID]
    starts: str
    days: int
    handover: str
    begins: str
    ends: str
    weekdays: list[int]
    not_on_holidays: bool


class StandInOut(Output):
    """Who stands in, from when to when, and why."""

    id: UUID
    person: UUID
    begins_at: Moment
    ends_at: Moment
    reason: str


class ShiftOut(Output):
    """One stretch of time and who is on duty in it; nobody: then everybody who holds the office is asked."""

    begins_at: Moment
    ends_at: Moment
    person: UUID | None


class HolderOut(Output):
    """Somebody who holds the office: only these can stand in a roster."""

    person: UUID
    name: str


class RosterOut(Output):
    """The roster of an office: its layers, who stands in, and the shifts of the next 14 days. No layers: it has none yet."""

    office: str
    role: str
    locality: str
    holders: list[HolderOut]
    layers: list[LayerOut]
    stand_ins: list[StandInOut]
    shifts: list[ShiftOut]


class RosterList(Output):
    """The rosters that the caller may see; the list has one page."""

    items: list[RosterOut]
    next: str | None


@endpoint("GET", "/rosters", scope="read", gives=RosterList)
def list_rosters(call: Call) -> RosterList:
    """List the duty rosters that the caller may see."""
    rows = select(DutyRoster, Office).join(Office, Office.id == DutyRoster.office_id).order_by(Office.code)
    return RosterList(
        items=[_out(call, office, row) for row, office in call.session.execute(rows)], next=None
    )


@endpoint("GET", "/offices/<office>/roster", scope="read", gives=RosterOut)
def get_roster(call: Call, office: str) -> RosterOut:
    """Read who is on duty for an office, and who holds it."""
    found = _office(call, office)
    return _out(call, found, _row(call, found))


@endpoint("PUT", "/offices/<office>/roster", scope="answer", takes=RosterIn, gives=RosterOut)
def write_roster(call: Call, office: str) -> RosterOut:
    """Write the layers of an office's roster."""
    found = _changed(call, office)
    row = rosters.write(call.session, call.now, found, [_stored(layer) for layer in call.body.layers])
    return _out(call, found, row)


@endpoint(
    "POST",
    "/offices/<office>/roster/stand-ins",
    scope="answer",
    takes=StandInIn,
    gives=StandInOut,
    status=201,
    also={200: "This was noted already; nothing was changed"},
)
def add_stand_in(call: Call, office: str) -> tuple[StandInOut, int]:
    """Let somebody stand in for a while, with a reason."""
    found, body = _changed(call, office), call.body
    row = _row(call, found)
    if row is None:
        raise Conflict("This office has no roster yet.", "Write its layers first.")
    there = call.session.get(DutyOverride, body.id)
    if there is not None and there.roster_id != row.id:
        raise Conflict("This id belongs to something else.", "Make a new id and send it once more.")
    made = rosters.stand_in(
        call.session,
        call.now,
        row,
        key=body.id,
        person_id=body.person,
        begins_at=body.begins_at,
        ends_at=body.ends_at,
        reason=body.reason,
        made_by=call.caller.person.id,
    )
    return _stand_in(made), 200 if there else 201


def _office(call: Call, code: str) -> Office:
    """The office with this code, if the caller may read rosters at its place; else it is as if it were missing."""
    found = call.session.scalars(select(Office).where(Office.code == code)).first()
    if found is None or not covering(call.session, call.principal, found.locality_id, READERS):
        raise NotFound
    return found


def _changed(call: Call, code: str) -> Office:
    found = _office(call, code)
    if not rosters.may_change(call.session, call.caller.person.id, found.id, found.locality_id):
        raise NotAllowed("This roster belongs to another office.", "You can see who is on duty.")
    return found


def _row(call: Call, office: Office) -> DutyRoster | None:
    return rosters.rosters_for(call.session, [office.id]).get(office.id)


def _stored(layer: LayerIn) -> dict[str, Any]:
    return {
        "persons": [str(person) for person in layer.persons],
        "starts": layer.starts.isoformat(),
        "days": layer.days,
        "time": layer.handover,
        "from": layer.begins,
        "to": layer.ends,
        "weekdays": layer.weekdays,
        "not_on_holidays": layer.not_on_holidays,
    }


def _out(call: Call, office: Office, row: DutyRoster | None) -> RosterOut:
    session, now = call.session, call.now
    keys = rosters.holders(session, office.id)
    people = session.scalars(select(Person).where(Person.id.in_(keys)).order_by(Person.name, Person.id))
    found = rosters.roster_of(session, row) if row else None
    shifts = rosters.shifts(found, now, now + SHOWN) if found else []
    return RosterOut(
        office=office.code,
        role=office.role,
        locality=session.get_one(Locality, office.locality_id).code,
        holders=[HolderOut(person=one.id, name=one.name) for one in people],
        layers=[_layer(one) for one in found.layers] if found else [],
        stand_ins=[_stand_in(one) for one in rosters.stand_ins(session, now, row)] if row else [],
        shifts=[ShiftOut(begins_at=one.begins, ends_at=one.ends, person=one.duty.person) for one in shifts],
    )


def _layer(one: rosters.Layer) -> LayerOut:
    return LayerOut(
        persons=list(one.persons),
        starts=one.starts.isoformat(),
        days=one.days,
        handover=f"{one.handover:%H:%M}",
        begins=f"{one.begins:%H:%M}",
        ends=f"{one.ends:%H:%M}",
        weekdays=list(one.weekdays),
        not_on_holidays=one.not_on_holidays,
    )


def _stand_in(row: DutyOverride) -> StandInOut:
    return StandInOut(
        id=row.id, person=row.person_id, begins_at=row.begins_at, ends_at=row.ends_at, reason=row.reason
    )
