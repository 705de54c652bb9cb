"""Silences over the API: those that hold at a place, making one with a reason and an end, agreeing to one, ending one early.

The same rights and rules as the page: whoever may end an alert may silence it, level 4 needs a second person of another organisation,
Severe is never silenced.
"""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from pydantic import Field

from alerts import silences
from alerts.alert import OPEN, WHOLE, Alert
from alerts.silences import REASON_LENGTH, WIDEN, Silence
from committees import people
from committees.places import Locality, descendants, upwards
from coordination import closing_alerts, reach
from coordination.api.alerts import find
from coordination.api.door import Call, endpoint
from coordination.api.schemas import Input, Moment, Output
from foundation import approvals
from foundation.errors import Conflict, Invalid, NotAllowed, NotFound


class SilenceIn(Input):
    """What to silence: the place of the address and all below it, or one open alert there.

    It ends by itself, after 7 days at most. Up to level 3 it holds at once; to level 4 only after a second person agreed.
    """

    id: UUID
    ends_at: Moment
    reason: str = Field(max_length=REASON_LENGTH)
    max_level: Literal[3, 4] = 3
    alert: UUID | None = None


class SilenceOut(Output):
    """A silence as it stands. `asks_for_4` while level 4 waits for a second person's yes."""

    id: UUID
    locality: str
    alert: UUID | None
    threat: str
    max_level: int
    asks_for_4: bool
    reason: str
    role: str
    begins_at: Moment
    ends_at: Moment
    lifted_at: Moment | None


class SilenceList(Output):
    """The silences that hold at a place, above it and below it; the one that ends first leads, and the list has one page."""

    items: list[SilenceOut]
    next: str | None


class SilenceDecisionIn(Input):
    """End it now (lift), agree that it holds level 4 too (agree), or not (refuse, with a reason unless the question was one's own)."""

    decision: Literal["lift", "agree", "refuse"]
    reason: str = Field("", max_length=REASON_LENGTH)


@endpoint("GET", "/localities/<code>/silences", scope="read", gives=SilenceList)
def list_silences(call: Call, code: str) -> SilenceList:
    """List the silences that hold around a place."""
    place = reach.place_with(call.session, call.principal, code)
    around = [*upwards(call.session, place.id), *descendants(call.session, place.id)]
    rows = silences.in_force(call.session, call.now, {one.id for one in around})
    return SilenceList(items=[_out(call, row) for row in rows], next=None)


@endpoint(
    "POST",
    "/localities/<code>/silences",
    scope="answer",
    takes=SilenceIn,
    gives=SilenceOut,
    status=201,
    also={200: "This silence was there already; nothing was changed"},
)
def make_silence(call: Call, code: str) -> tuple[SilenceOut, int]:
    """Silence alerts of a place, or one alert, for a while."""
    place = reach.place_with(call.session, call.principal, code)
    role, body = _role(call, place.id), call.body
    there = call.session.get(Silence, body.id)
    if there is not None and there.locality_id != place.id:
        raise Conflict("This id belongs to something else.", "Make a new id and send it once more.")
    alert = _alert(call, place, body.alert) if body.alert and there is None else None
    row, _asked = silences.make(
        call.session,
        call.now,
        key=body.id,
        locality_id=place.id,
        threat=alert.threat if alert else WHOLE,
        ends_at=body.ends_at,
        reason=body.reason,
        person_id=call.caller.person.id,
        role=role,
        max_level=body.max_level,
        alert=alert,
    )
    return _out(call, row), 200 if there else 201


@endpoint(
    "POST",
    "/silences/<uuid:silence_id>/decision",
    scope="answer",
    takes=SilenceDecisionIn,
    gives=SilenceOut,
)
def decide_silence(call: Call, silence_id: UUID) -> SilenceOut:
    """End a silence early, or say whether it may hold level 4 too."""
    row = call.session.get(Silence, silence_id)
    if row is None:
        raise NotFound
    _role(call, row.locality_id)
    body, person_id = call.body, call.caller.person.id
    if body.decision == "lift":
        silences.lift(call.session, call.now, row, person_id)
    elif body.decision == "agree":
        silences.confirm(call.session, call.now, row, person_id)
    else:
        asked = approvals.waiting(call.session, call.now, row.id, WIDEN)
        if asked and asked.requested_by != person_id and not body.reason.strip():
            raise Invalid("reason", "Write in one sentence why")
        silences.turn_down(call.session, call.now, row, person_id, body.reason.strip())
    return _out(call, row)


def _role(call: Call, place_id: UUID) -> str:
    """The role in which the caller may silence alerts of a place; NotAllowed for one who may only read."""
    role = people.role_at(call.session, place_id, call.caller.person.id, closing_alerts.MAY_END)
    if role is None:
        raise NotAllowed("This belongs to another place.", "You can see what is silenced here.")
    return role


def _alert(call: Call, place: Locality, alert_id: UUID) -> Alert:
    try:
        alert = find(call, alert_id)
    except NotFound:
        alert = None
    if alert is None or alert.locality_id != place.id or alert.state != OPEN:
        raise Invalid("alert", "This alert has ended, or belongs to another place.")
    return alert


def _out(call: Call, row: Silence) -> SilenceOut:
    return SilenceOut(
        id=row.id,
        locality=call.session.get_one(Locality, row.locality_id).code,
        alert=row.alert_id,
        threat=row.threat,
        max_level=row.max_level,
        asks_for_4=approvals.waiting(call.session, call.now, row.id, WIDEN) is not None,
        reason=row.reason,
        role=row.role,
        begins_at=row.begins_at,
        ends_at=row.ends_at,
        lifted_at=row.lifted_at,
    )
