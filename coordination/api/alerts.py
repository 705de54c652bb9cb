"""Alerts over the API.

List those the caller was told of or stands under, and read one with its story and answers.
"""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from sqlalchemy import select

from alerts.alert import Alert, answers_of, story_of
from alerts.outlook import Side, outlook_of
from committees.places import Locality, LocalityPath
from coordination.api.door import Call, endpoint
from coordination.api.paging import PageQuery, page
from coordination.api.rights import place_at
from coordination.api.schemas import Code, Moment, Output
from foundation.errors import NotFound


class AlertOut(Output):
    """A warning: where, how grave (2 to 5), what for, how sure, and whether somebody has answered."""

    id: UUID
    number: int
    locality: str
    threat: str
    rule: str
    level: int
    what: str
    sure: str
    state: Literal["open", "closed"]
    origin: str
    opened_at: Moment
    ends_at: Moment
    next_step_at: Moment | None
    step: int
    answered_at: Moment | None
    acting_at: Moment | None
    closed_at: Moment | None
    outcome: str | None


class UpdateOut(Output):
    """One line of an alert's story, as a key of the closed list."""

    at: Moment
    key: str


class AnswerOut(Output):
    """One answer to an alert: by role, never by name."""

    at: Moment
    role: str
    answer: Literal["seen", "acting", "cannot"]


class SideOut(Output):
    """One side of an alert: the answers that count now, the roles that were told and are silent, whether it must still answer."""

    side: Literal["local", "national", "police"]
    answers: list[AnswerOut]
    silent: list[str]
    lacking: bool


class NextOut(Output):
    """Who is asked next, and when, if nobody answers enough."""

    step: int
    roles: list[str]
    at: Moment


class AlertDetail(AlertOut):
    """An alert with its story, the newest line first, and its answers, the oldest first; who knows by side, and who is next.

    `next` is empty where nobody is asked any more. `national` says whether an office at national level can answer (there), none
    may be told (withheld), or none serves the place (nobody): then the alert is local only.
    """

    updates: list[UpdateOut]
    answers: list[AnswerOut]
    sides: list[SideOut]
    next: list[NextOut]
    national: Literal["there", "withheld", "nobody"]


class AlertList(Output):
    """A page of alerts, the newest first."""

    items: list[AlertOut]
    next: str | None


class AlertQuery(PageQuery):
    """Which alerts: of a place and below, in a state."""

    locality: Code | None = None
    state: Literal["open", "closed"] | None = None


@endpoint("GET", "/alerts", scope="read", asks=AlertQuery, gives=AlertList)
def list_alerts(call: Call) -> AlertList:
    """List the alerts that the caller may see, the newest first."""
    rows = select(Alert)
    if call.query.locality:
        place = place_at(call.session, call.query.locality)
        below = select(LocalityPath.descendant_id).where(LocalityPath.ancestor_id == place.id)
        rows = rows.where(Alert.locality_id.in_(below))
    if call.query.state:
        rows = rows.where(Alert.state == call.query.state)
    found, following = page(call.session, rows, (Alert.opened_at, Alert.id), call.query)
    return AlertList(items=[AlertOut(**_fields(call, row)) for row in found], next=following)


@endpoint("GET", "/alerts/<uuid:alert_id>", scope="read", gives=AlertDetail)
def read_alert(call: Call, alert_id: UUID) -> AlertDetail:
    """Read one alert. Reading is not answering."""
    alert = find(call, alert_id)
    story = [UpdateOut(at=line.at, key=line.key) for line in story_of(call.session, alert.id)]
    answers = [answer_out(row.at, row.role, row.answer) for row in answers_of(call.session, alert.id)]
    found = outlook_of(call.session, call.now, alert)
    return AlertDetail.model_validate(
        {
            **_fields(call, alert),
            "updates": story,
            "answers": answers,
            "sides": [_side(side) for side in found.sides],
            "next": [NextOut(step=one.step, roles=list(one.roles), at=one.at) for one in found.next],
            "national": found.national,
        }
    )


def _side(side: Side) -> dict[str, Any]:
    said = [answer_out(one.at, one.role, one.answer) for one in side.said]
    return {"side": side.key, "answers": said, "silent": list(side.silent), "lacking": side.lacking}


def find(call: Call, alert_id: UUID) -> Alert:
    """The alert, or NotFound where there is none that this caller may know of."""
    alert = call.session.get(Alert, alert_id)
    if alert is None:
        raise NotFound
    return alert


def answer_out(at: Moment, role: str, answer: str) -> AnswerOut:
    """One answer as it goes out."""
    return AnswerOut.model_validate({"at": at.isoformat(), "role": role, "answer": answer})


def _fields(call: Call, row: Alert) -> dict[str, Any]:
    names = [name for name in AlertOut.model_fields if name != "locality"]
    found: dict[str, Any] = {name: getattr(row, name) for name in names}
    return {**found, "locality": call.session.get_one(Locality, row.locality_id).code}
