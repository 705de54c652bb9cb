"""A person grades, marks, summarises or merges an incident. Three plain questions give the Admiralty grade; nothing is ever discarded."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from committees import catalogue
from committees.call_backs import CallBack
from committees.incidents import (
    MERGED,
    NOT_TRUE,
    REPORTED,
    UNABLE,
    VERIFIED,
    Incident,
    IncidentSummary,
    mark,
    touch,
)
from committees.reports import FOR_OVERSIGHT, Report, Source
from committees.vouching import VOICE
from foundation import errands, journal
from foundation.errors import Conflict, Invalid
from foundation.policy import MARKINGS
from foundation.web.words import N_
from foundation.web.words import gettext as _

OUTCOMES = (VERIFIED, UNABLE, NOT_TRUE)
KNOWS_SOURCE = {"well": "B", "some": "C", "no": "F"}
SUMMARY_LENGTH = 160


@dataclass(frozen=True)
class Verdict:
    """What the secretary decided: outcome, the three plain answers, the kind refined, the sentence for others, the marking."""

    outcome: str
    knows_source: str = "some"
    first_hand: str = "unknown"
    second_source: bool = False
    kind: str | None = None
    severity: int | None = None
    threat: str | None = None
    summary: str = ""
    marking: str | None = None


def grade(verdict: Verdict, credibility: int) -> tuple[str, int]:
    """The Admiralty letter and digit of the three plain answers; `credibility` is what the report came with."""
    letter = KNOWS_SOURCE[verdict.knows_source]
    if verdict.outcome == NOT_TRUE:
        return letter, 5
    if verdict.outcome == VERIFIED:
        return letter, 1
    if verdict.second_source:
        return letter, min(credibility, 2)
    return letter, {"yes": 2, "no": 4}.get(verdict.first_hand, credibility)


def verify(session: Session, now: datetime, person_id: UUID, incident: Incident, verdict: Verdict) -> None:
    """Record a verdict; the engine scores the incident again. Raise Invalid where an answer is not one of the list."""
    _check(verdict, incident)
    incident.reliability, incident.credibility = grade(verdict, incident.credibility)
    incident.state, incident.graded = verdict.outcome, True
    incident.verified_at, incident.verified_by = now, person_id
    if verdict.kind:
        incident.kind = verdict.kind
        mark(session, incident, sensitive=catalogue.kind(verdict.kind).sensitive)
        incident.path = incident.path or catalogue.kind(verdict.kind).path
        incident.severity = catalogue.kind(verdict.kind).severity
        if catalogue.kind(verdict.kind).path == catalogue.OVERSIGHT_PATH:
            # It leaves this desk. The worker says so on every row: nobody may write what they may not read back.
            incident.path = catalogue.OVERSIGHT_PATH
            errands.ask(session, now, FOR_OVERSIGHT, incident.id)
    incident.severity = verdict.severity or incident.severity
    incident.threat = verdict.threat or incident.threat
    if verdict.outcome == VERIFIED:
        incident.known_source = True
    _summarise(session, now, incident, verdict)
    touch(incident)
    journal.record(
        session, now, f"verify:{verdict.outcome}", "incident", incident.id, locality_id=incident.locality_id
    )


def _check(verdict: Verdict, incident: Incident) -> None:
    if incident.state in (MERGED, "withdrawn"):
        raise Conflict(
            N_("This report was merged or taken back."), N_("Open the incident that it belongs to.")
        )
    if verdict.outcome not in OUTCOMES:
        raise Invalid("outcome", N_("Choose how sure you are"))
    if verdict.knows_source not in KNOWS_SOURCE:
        raise Invalid("knows_source", N_("Choose how well you know who told us"))
    if verdict.kind and verdict.kind not in catalogue.KINDS:
        raise Invalid("kind", N_("Choose what happened"))
    if verdict.severity is not None and verdict.severity not in range(1, 6):
        raise Invalid("severity", N_("Choose how grave it is"))
    if verdict.marking and verdict.marking not in MARKINGS[1:4]:
        raise Invalid("marking", N_("Choose who may see this"), N_("Anyone (CLEAR) needs two persons."))
    if len(verdict.summary) > SUMMARY_LENGTH:
        raise Invalid(
            "summary",
            _(
                "Make it shorter. You have used %(used)d of %(most)d letters",
                used=len(verdict.summary),
                most=SUMMARY_LENGTH,
            ),
        )


def _summarise(session: Session, now: datetime, incident: Incident, verdict: Verdict) -> None:
    if verdict.summary:
        found = session.get(IncidentSummary, incident.id)
        if found:
            found.text, found.written_at = verdict.summary, now
        else:
            session.add(
                IncidentSummary(
                    incident_id=incident.id,
                    text=verdict.summary,
                    written_at=now,
                    locality_id=incident.locality_id,
                    marking=incident.marking,
                    sensitive=incident.sensitive,
                    withheld_from=incident.withheld_from,
                )
            )
            session.flush()
    # Verified and not sensitive: the city officer can work with it. A stricter choice of the secretary stands.
    automatic = "AMBER" if verdict.outcome == VERIFIED and not incident.sensitive else None
    if chosen := verdict.marking or automatic:
        mark(session, incident, marking=chosen)


def merge(session: Session, now: datetime, duplicate: Incident, into: Incident) -> None:
    """Two reports of one thing: the duplicate's reports stand under the other incident, which counts once with all its sources."""
    if duplicate.id == into.id or into.state in (MERGED, "withdrawn") or duplicate.state == MERGED:
        raise Conflict(
            N_("These two reports cannot be joined."), N_("Choose another report of the same place and day.")
        )
    _share_marks(session, duplicate, into)
    for report in session.scalars(select(Report).where(Report.incident_id == duplicate.id)):
        report.incident_id = into.id
    duplicate.state, duplicate.merged_into_id = MERGED, into.id
    session.flush()
    of_into = (
        select(func.count(VOICE.distinct()))
        .select_from(Report)
        .join(Source, Source.id == Report.source_id)
        .where(Report.incident_id == into.id)
    )
    into.sources = session.scalar(of_into) or 1
    seen = session.scalar(of_into.where(Report.how_known == "saw")) or 0
    into.credibility = 1 if seen >= 2 else min(into.credibility, duplicate.credibility)
    into.reliability = min(into.reliability, duplicate.reliability)
    into.known_source = into.known_source or duplicate.known_source
    touch(duplicate)
    touch(into)
    journal.record(session, now, "merge", "incident", into.id, locality_id=into.locality_id)


def _share_marks(session: Session, duplicate: Incident, into: Incident) -> None:
    """What one reporter asked holds for both: who must not be told, and that the matter is sensitive."""
    words = " ".join(sorted({*into.withheld_from.split(), *duplicate.withheld_from.split()}))
    sensitive = into.sensitive or duplicate.sensitive
    for incident in (duplicate, into):
        mark_all(session, incident, sensitive, words)
    if words and into.path != catalogue.SENSITIVE_PATH:
        into.path = catalogue.OVERSIGHT_PATH


def mark_all(session: Session, incident: Incident, sensitive: bool, withheld_from: str) -> None:
    """Set sensitivity and exclusions of an incident, its parts, its reports and its calls together."""
    mark(session, incident, sensitive=sensitive, withheld_from=withheld_from)
    said = session.scalars(select(Report).where(Report.incident_id == incident.id))
    to_ring = session.scalars(select(CallBack).where(CallBack.incident_id == incident.id))
    for row in (*said, *to_ring):
        row.sensitive, row.withheld_from = sensitive, withheld_from


def to_check(now: datetime) -> tuple[ColumnElement[bool], ...]:
    """The conditions on an incident that waits to be checked: not looked at yet, and live or no older than two weeks."""
    return (
        Incident.state == REPORTED,
        or_(Incident.origin == "live", Incident.occurred_at > now - timedelta(days=14)),
    )


def similar(session: Session, incident: Incident) -> list[Incident]:
    """Reports of the same place that may tell of the same thing: same answer of the form, within a day, not merged."""
    rows = select(Incident).where(
        Incident.locality_id == incident.locality_id,
        Incident.id != incident.id,
        Incident.state.in_((REPORTED, VERIFIED, UNABLE)),
        Incident.occurred_at.between(
            incident.occurred_at - timedelta(days=1), incident.occurred_at + timedelta(days=1)
        ),
    )
    form = catalogue.kind(incident.kind).form
    return [
        other
        for other in session.scalars(rows.order_by(Incident.occurred_at))
        if catalogue.kind(other.kind).form == form
    ]
