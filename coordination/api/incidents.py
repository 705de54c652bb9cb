"""Incidents over the API: report one, list them, read one, record the verdict of a person who checked it."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StrictBool, StrictInt
from sqlalchemy import select

from committees import reports, verification
from committees.incidents import Incident, IncidentSummary, IncidentText
from committees.intake import acled
from committees.intake.form import WITHHOLD
from committees.people import contacts_of
from committees.places import Locality, LocalityPath
from committees.reports import NewReport, Recorded
from committees.verification import Verdict
from coordination.api.door import Call, endpoint
from coordination.api.paging import PageQuery, page
from coordination.api.rights import covering, place_at, place_named, sees_exactly, source_at, to_the_hour
from coordination.api.schemas import Code, Input, KindKey, Moment, Output, Severity
from foundation.errors import Invalid, NotAllowed, NotFound

AHEAD = timedelta(minutes=5)  # how far a client's clock may be ahead of ours
VERIFIERS = ("secretary", "chair")
HowKnown = Literal["saw", "told", "heard", "media"]
Ongoing = Literal["yes", "no", "unknown"]
NotTold = Literal["police", "committee"]
People = Literal["1-5", "6-20", "21-100", "100+", "unknown"]
State = Literal["reported", "verified", "unable_to_verify", "not_true", "merged", "withdrawn"]


class IncidentIn(Input):
    """An incident as a client reports it.

    The client makes the id, so that sending it twice is sending it once.
    Whom `withheld_from` names is never told of it, by any way.
    Without the committee the oversight office gets it instead, and the committee never reads it.
    """

    id: UUID
    locality: Code
    kind: KindKey
    occurred_at: Moment
    how_known: HowKnown
    text: str = Field("", max_length=2000)
    severity: Severity | None = None
    ongoing: StrictBool | Ongoing = "unknown"
    people: Annotated[StrictInt, Field(ge=1, le=1_000_000)] | People = "unknown"
    withheld_from: list[NotTold] = Field(default_factory=list, max_length=len(WITHHOLD))


class ReceiptOut(Output):
    """What a reporter gets back: the reference to quote, and what became of the report so far."""

    id: UUID
    reference: str
    locality: str
    kind: str
    state: State
    received_at: Moment


class IncidentOut(Output):
    """An incident as far as the caller may see it;

    `text` and `summary` are null where they are not for them, or not there.

    `occurred_at` is the hour for those who do not see the exact minute. `grade` is the Admiralty grade,
    like B2.
    """

    id: UUID
    reference: str
    locality: str
    kind: str
    severity: int
    occurred_at: Moment
    how_known: str
    ongoing: str
    people: str
    state: State
    grade: str
    marking: str
    sources: int
    received_at: Moment
    verified_at: Moment | None
    text: str | None
    summary: str | None


class IncidentList(Output):
    """A page of incidents, the newest first."""

    items: list[IncidentOut]
    next: str | None


class IncidentQuery(PageQuery):
    """Which incidents: of a place and below, in a state."""

    locality: Code | None = None
    state: State | None = None


class VerdictIn(Input):
    """What a person found out.

    The outcome, three plain answers, the kind refined, a sentence for others, who may see it.
    """

    outcome: Literal["verified", "unable_to_verify", "not_true"]
    knows_source: Literal["well", "some", "no"] = "some"
    first_hand: Literal["yes", "no", "unknown"] = "unknown"
    second_source: StrictBool = False
    kind: KindKey | None = None
    severity: Severity | None = None
    summary: str = Field("", max_length=verification.SUMMARY_LENGTH)
    marking: Literal["RED", "AMBER+STRICT", "AMBER", "GREEN"] | None = None


@endpoint(
    "POST",
    "/incidents",
    scope="report",
    takes=IncidentIn,
    gives=ReceiptOut,
    status=201,
    also={200: "This report was received before; nothing was changed"},
)
def report_incident(call: Call) -> tuple[ReceiptOut, int]:
    """Report an incident."""
    body: IncidentIn = call.body
    if body.occurred_at > call.now + AHEAD:
        raise Invalid(
            "occurred_at", "This lies in the future.", "Send the time at which it happened, with its zone."
        )
    place = place_named(call.session, body.locality)
    done = reports.record(call.session, call.now, _new_report(call, body, place))
    return _receipt(done, body.locality), 201 if done.created else 200


def _new_report(call: Call, body: IncidentIn, place: Locality) -> NewReport:
    person = call.caller.person
    contacts = contacts_of(call.session, person.id)
    return NewReport(
        id=body.id,
        locality=place,
        kind=body.kind,
        occurred_at=body.occurred_at,
        how_known=body.how_known,
        channel="api",
        source=source_at(call, place),
        severity=body.severity,
        ongoing=body.ongoing if isinstance(body.ongoing, str) else "yes" if body.ongoing else "no",
        people=body.people if isinstance(body.people, str) else band(body.people),
        text=body.text.strip(),
        withheld_from=frozenset(body.withheld_from),
        contact_point_id=contacts[0].id if contacts else None,
        language=person.language,
        script=person.script,
    )


def band(people: int) -> str:
    """The band of the report form in which a number of people lies."""
    return "1-5" if people <= 5 else "6-20" if people <= 20 else "21-100" if people <= 100 else "100+"


def _receipt(done: Recorded, code: str) -> ReceiptOut:
    row = done.incident
    return ReceiptOut(
        id=row.id,
        reference=row.reference,
        locality=code,
        kind=row.kind,
        state=_state(row),
        received_at=row.received_at,
    )


def _state(row: Incident) -> State:
    state: State = row.state  # type: ignore[assignment]
    return state


@endpoint("GET", "/incidents", scope="read", asks=IncidentQuery, gives=IncidentList)
def list_incidents(call: Call) -> IncidentList:
    """List the incidents that the caller may see, the newest first. What ACLED collected is left out: its terms forbid passing it on."""
    rows = select(Incident).where(Incident.channel != acled.CHANNEL)
    if call.query.locality:
        place = place_at(call.session, call.query.locality)
        below = select(LocalityPath.descendant_id).where(LocalityPath.ancestor_id == place.id)
        rows = rows.where(Incident.locality_id.in_(below))
    if call.query.state:
        rows = rows.where(Incident.state == call.query.state)
    found, following = page(call.session, rows, (Incident.received_at, Incident.id), call.query)
    return IncidentList(items=[_shown(call, row) for row in found], next=following)


@endpoint("GET", "/incidents/<uuid:incident_id>", scope="read", gives=IncidentOut)
def read_incident(call: Call, incident_id: UUID) -> IncidentOut:
    """Read one incident."""
    return _shown(call, _find(call, incident_id))


@endpoint(
    "POST", "/incidents/<uuid:incident_id>/verification", scope="verify", takes=VerdictIn, gives=IncidentOut
)
def verify_incident(call: Call, incident_id: UUID) -> IncidentOut:
    """Record what a person found out about an incident."""
    incident, body = _find(call, incident_id), call.body
    if not covering(call.session, call.principal, incident.locality_id, VERIFIERS):
        raise NotAllowed(
            "Only the secretary or the chair can check a report.", "Tell them what you know of it."
        )
    verdict = Verdict(
        outcome=body.outcome,
        knows_source=body.knows_source,
        first_hand=body.first_hand,
        second_source=body.second_source,
        kind=body.kind,
        severity=body.severity,
        summary=body.summary.strip(),
        marking=body.marking,
    )
    verification.verify(call.session, call.now, call.caller.person.id, incident, verdict)
    call.session.flush()
    return _shown(call, incident).model_copy(update={"text": None})


def _find(call: Call, incident_id: UUID) -> Incident:
    found = call.session.get(Incident, incident_id)
    if found is None:
        raise NotFound
    return found


def _shown(call: Call, row: Incident) -> IncidentOut:
    session = call.session
    text, summary = session.get(IncidentText, row.id), session.get(IncidentSummary, row.id)
    exact = sees_exactly(call.principal, row)
    return IncidentOut(
        id=row.id,
        reference=row.reference,
        locality=session.get_one(Locality, row.locality_id).code,
        kind=row.kind,
        severity=row.severity,
        occurred_at=row.occurred_at if exact else to_the_hour(row.occurred_at),
        how_known=row.how_known,
        ongoing=row.ongoing,
        people=row.people,
        state=_state(row),
        grade=f"{row.reliability}{row.credibility}",
        marking=row.marking,
        sources=row.sources,
        received_at=row.received_at,
        verified_at=row.verified_at,
        text=text.text(session) if text else None,
        summary=summary.text if summary else None,
    )
