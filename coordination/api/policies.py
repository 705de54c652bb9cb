"""Escalation policies over the API: the ladder that holds at a place, its versions, a new draft, a proposal, a second person's decision."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from pydantic import Field, JsonValue
from sqlalchemy import select

from alerts import policy_versions
from alerts.policies import EscalationPolicy, as_ladder, policy_at
from alerts.policy_versions import document_of
from alerts.risk.shapes import Wrong
from committees.layers import plain
from committees.places import Locality
from coordination.api.door import Call, endpoint
from coordination.api.paging import PageQuery, page
from coordination.api.rights import own_place
from coordination.api.schemas import Input, Moment, Output, number_of
from foundation.errors import Invalid


class PolicyOut(Output):
    """The ladder that holds at a place: which version of which place, and all its parts with what is built in."""

    locality: str
    threat: str
    source: str
    version: int
    document: dict[str, JsonValue]


class PolicyQuery(Input):
    """For which line of tension; `*` is the place as a whole."""

    threat: str = Field("*", max_length=60)


class PolicyIn(Input):
    """A whole ladder: steps, and where they differ from what is built in, clocks, nudges, still and must_answer.

    `inherits` in its place: the place gives its own ladder back, and that of the place above holds again.
    A step is `{kind: tell|review, ask: [roles], offices: [codes], after: minutes or {level: minutes}, channels, deputies}`.
    """

    id: UUID | None = None
    threat: str = Field("*", max_length=60)
    document: dict[str, JsonValue] = Field({}, max_length=5)
    inherits: bool = False
    reason: str = Field(min_length=10, max_length=400)


class PolicyVersionOut(Output):
    """One version that a place wrote: how it stands, who wrote it in which role, who decided."""

    locality: str
    threat: str
    version: int
    state: Literal["draft", "proposed", "in_force", "replaced", "refused", "withdrawn"]
    author_role: str
    reason: str
    written_at: Moment | None
    proposed_at: Moment | None
    decided_at: Moment | None
    decided_role: str
    answer: str
    inherits: bool
    document: dict[str, JsonValue]


class PolicyVersionList(Output):
    """A page of versions, the newest first."""

    items: list[PolicyVersionOut]
    next: str | None


class PolicyProposalIn(Input):
    """Put a draft before a second person, or (false) take it back."""

    proposed: bool = True


class PolicyDecisionIn(Input):
    """Yes or no of a second person of another organisation, with the reason."""

    approve: bool
    answer: str = Field(min_length=1, max_length=400)


@endpoint("GET", "/localities/<code>/policy", scope="read", asks=PolicyQuery, gives=PolicyOut)
def read_policy(call: Call, code: str) -> PolicyOut:
    """Read the ladder that holds at a place for a line of tension."""
    place = own_place(call, code, "score")
    row = policy_at(call.session, place.id, call.query.threat)
    held = as_ladder(row)
    by = call.session.get(Locality, row.locality_id) if row and row.locality_id else None
    document = {
        "clocks": held.clocks,
        "steps": held.steps,
        "must_answer": held.must_answer,
        "nudges": held.nudges,
        "still": held.still,
    }
    return PolicyOut(
        locality=place.code,
        threat=row.threat if row else "*",
        source=by.code if by else row.code if row else "",
        version=row.version if row else 0,
        document=plain(document),
    )


@endpoint(
    "PUT", "/localities/<code>/policy", scope="profile", takes=PolicyIn, gives=PolicyVersionOut, status=201
)
def draft_policy(call: Call, code: str) -> PolicyVersionOut:
    """Write a new draft of a place's ladder; it changes nothing until a second person approves."""
    place, body = own_place(call, code, "score"), call.body
    if body.inherits == bool(body.document):
        raise Invalid("document", "Send either a document or inherits.", "With inherits leave document out.")
    try:
        row = policy_versions.draft(
            call.session,
            call.now,
            place,
            body.threat,
            None if body.inherits else body.document,
            person_id=call.caller.person.id,
            reason=body.reason,
            key=body.id,
        )
    except Wrong as wrong:
        field = wrong.field if wrong.field == "threat" else f"document.{wrong.field}".rstrip(".")
        raise Invalid(field, wrong.message, wrong.hint) from None
    return _shown(place, row)


@endpoint("GET", "/localities/<code>/policy/versions", scope="read", asks=PageQuery, gives=PolicyVersionList)
def list_policy_versions(call: Call, code: str) -> PolicyVersionList:
    """List the versions of its ladder that a place wrote itself, the newest first."""
    place = own_place(call, code, "score")
    rows = select(EscalationPolicy).where(EscalationPolicy.locality_id == place.id)
    found, following = page(
        call.session, rows, (EscalationPolicy.created_at, EscalationPolicy.id), call.query
    )
    return PolicyVersionList(items=[_shown(place, row) for row in found], next=following)


@endpoint(
    "POST",
    "/localities/<code>/policy/versions/<version>/proposal",
    scope="profile",
    takes=PolicyProposalIn,
    gives=PolicyVersionOut,
)
def propose_policy(call: Call, code: str, version: str) -> PolicyVersionOut:
    """Put a draft before a second person, or take it back."""
    place = own_place(call, code, "score")
    row = policy_versions.find(call.session, place.id, number_of(version))
    act = policy_versions.propose if call.body.proposed else policy_versions.withdraw
    return _shown(place, act(call.session, call.now, row, call.caller.person.id))


@endpoint(
    "POST",
    "/localities/<code>/policy/versions/<version>/decision",
    scope="profile",
    takes=PolicyDecisionIn,
    gives=PolicyVersionOut,
)
def decide_policy(call: Call, code: str, version: str) -> PolicyVersionOut:
    """Approve or refuse a proposed ladder, as a second person of another organisation."""
    place = own_place(call, code, "score")
    row = policy_versions.find(call.session, place.id, number_of(version))
    said = call.body
    policy_versions.decide(
        call.session, call.now, row, call.caller.person.id, approve=said.approve, answer=said.answer
    )
    return _shown(place, row)


def _shown(place: Locality, row: EscalationPolicy) -> PolicyVersionOut:
    same = ("threat", "version", "state", "author_role", "reason", "proposed_at", "decided_at", "inherits")
    values: dict[str, Any] = {name: getattr(row, name) for name in (*same, "decided_role", "answer")}
    return PolicyVersionOut(
        locality=place.code, written_at=row.created_at, document=plain(document_of(row)), **values
    )
