"""Escalations over the API: the questions that wait for an office's decision, and the decision."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from pydantic import Field
from sqlalchemy import select

from alerts.escalation import Escalation
from committees.people import Office
from committees.places import Locality
from coordination import review
from coordination.api.door import Call, endpoint
from coordination.api.paging import PageQuery, page
from coordination.api.rights import covering
from coordination.api.schemas import Input, Moment, Output
from foundation.errors import NotAllowed, NotFound

DecisionWord = Literal["take", "ask", "pass", "not_true"]
PassTo = Literal[
    "city_officer", "district_administration", "services_focal_person", "dispute_resolution", "committee"
]


class DeputyOut(Output):
    """The deputy to whom a late question went: which office, in which role, and since when it lies there."""

    office: str | None
    role: str
    since: Moment


class EscalationOut(Output):
    """A question to an office: about which alert, asked when, to be decided by when.

    `late_at` is when it was found undecided after its time.
    `deputy` is who was asked then besides, or null where nobody was.
    """

    id: UUID
    alert: UUID
    locality: str
    role: str
    asked_by: str
    asks_for: list[str]
    step: int
    state: Literal["waiting", "decided", "moot"]
    asked_at: Moment
    decide_by: Moment
    late_at: Moment | None
    deputy: DeputyOut | None


class EscalationList(Output):
    """A page of escalations, the newest first."""

    items: list[EscalationOut]
    next: str | None


class EscalationQuery(PageQuery):
    """Which escalations: in a state."""

    state: Literal["waiting", "decided", "moot"] | None = None


class DecisionIn(Input):
    """A decision with its reason (20 to 400 letters) and the date of the reply.

    `pass_to` where it is passed on.
    """

    decision: DecisionWord
    reason: str = Field(max_length=2000)
    reply_by: Moment
    pass_to: PassTo | None = None


class ReviewOut(Output):
    """A decision as it stands in the record; it is never changed."""

    id: UUID
    escalation: UUID
    alert: UUID
    decision: DecisionWord
    reason: str
    reply_by: Moment
    pass_to: PassTo | None
    at: Moment


@endpoint("GET", "/escalations", scope="read", asks=EscalationQuery, gives=EscalationList)
def list_escalations(call: Call) -> EscalationList:
    """List the escalations that the caller may see, the newest first."""
    rows = select(Escalation)
    if call.query.state:
        rows = rows.where(Escalation.state == call.query.state)
    found, following = page(call.session, rows, (Escalation.asked_at, Escalation.id), call.query)
    return EscalationList(items=[_shown(call, row) for row in found], next=following)


@endpoint(
    "POST",
    "/escalations/<uuid:escalation_id>/review",
    scope="review",
    takes=DecisionIn,
    gives=ReviewOut,
    status=201,
)
def decide_escalation(call: Call, escalation_id: UUID) -> ReviewOut:
    """Decide an escalation: take it, ask back, pass it on, or find it not true."""
    found = call.session.get(Escalation, escalation_id)
    if found is None:
        raise NotFound
    if not covering(call.session, call.principal, found.locality_id, (found.role,)):
        raise NotAllowed(
            "Another office was asked to decide this.", "You can read its decision here once it is made."
        )
    body: DecisionIn = call.body
    decision = review.parse_decision(body.decision, body.reason, body.reply_by, body.pass_to)
    row = review.decide(call.session, call.now, found, decision, person_id=call.caller.person.id)
    return ReviewOut.model_validate(
        {
            "id": row.id,
            "escalation": row.escalation_id,
            "alert": row.alert_id,
            "decision": row.decision,
            "reason": row.reason,
            "reply_by": row.reply_by,
            "pass_to": row.pass_to,
            "at": row.at,
        }
    )


def _shown(call: Call, row: Escalation) -> EscalationOut:
    return EscalationOut.model_validate(
        {
            "id": row.id,
            "alert": row.alert_id,
            "locality": call.session.get_one(Locality, row.locality_id).code,
            "role": row.role,
            "asked_by": row.asked_by,
            "asks_for": [str(what) for what in row.asks_for],
            "step": row.step,
            "state": row.state,
            "asked_at": row.asked_at,
            "decide_by": row.decide_by,
            "late_at": row.late_at,
            "deputy": _deputy(call, row),
        }
    )


def _deputy(call: Call, row: Escalation) -> dict[str, object] | None:
    if row.deputy_id is None or row.late_at is None:
        return None
    office = call.session.get(
        Office, row.deputy_id
    )  # who may read the question may perhaps not read the office
    return {
        "office": office.code if office else None,
        "role": office.role if office else row.role,
        "since": row.late_at,
    }
