"""Sorting a report: the secretary's decision on kind, place, time, grade, words and marking, carried out in one go.

Grading itself is committees/verification.py and telling reporters is feedback.py; this puts them in order for
the page and keeps a report inside its town. Pages and the API may import it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts.assessing import Score, kept_in, latest
from alerts.evidence import Evidence, RiskState, numbers_each
from alerts.risk import scoring
from committees import catalogue, verification
from committees.incidents import NOT_TRUE, PARTS, UNABLE, VERIFIED, Incident
from committees.intake.form import looks_like_number
from committees.places import Locality
from committees.verification import Verdict
from coordination import feedback
from foundation.errors import Conflict, Refused
from foundation.web.words import N_

STILL = timedelta(hours=12)  # for so long a crowd that was said to go on is taken to do so
TELL = {VERIFIED: "checked_true", NOT_TRUE: "checked_not_true"}


@dataclass(frozen=True)
class Decision:
    """What the secretary decided of one report; `version` is the incident's as it was shown."""

    verdict: Verdict
    ward: Locality
    occurred_at: datetime
    version: int


def sort(session: Session, now: datetime, person_id: UUID, incident: Incident, decision: Decision) -> None:
    """Carry a decision out; raise Conflict where somebody else changed the report meanwhile, Refused for bad fields."""
    if incident.version != decision.version:
        raise Conflict(
            N_("Somebody else changed this report."), N_("Open it again. What you chose was not saved.")
        )
    _check(decision, incident, now)
    _move(session, incident, decision)
    verification.verify(session, now, person_id, incident, decision.verdict)
    if outcome := TELL.get(decision.verdict.outcome):
        feedback.plan_incident(session, now, incident, outcome)


def _check(decision: Decision, incident: Incident, now: datetime) -> None:
    wrong: dict[str, str] = {}
    if decision.ward.id != incident.town_id and decision.ward.parent_id != incident.town_id:
        wrong["ward"] = N_("Choose the ward")
    if decision.occurred_at > now:
        wrong["occurred_at"] = N_("The time must be now or earlier")
    if looks_like_number(decision.verdict.summary):
        wrong["summary"] = N_("This looks like a phone or ID number. Please take it out")
    if decision.verdict.marking == "GREEN" and not decision.verdict.summary:
        wrong["summary"] = N_("Write the sentence that partners will read")
    if wrong:
        raise Refused(wrong)


def _move(session: Session, incident: Incident, decision: Decision) -> None:
    """Put the incident and its parts where and when it happened; what each source said stays as it was said."""
    incident.occurred_at = decision.occurred_at
    if incident.locality_id == decision.ward.id:
        return
    incident.locality_id = decision.ward.id
    parts: list[Any] = [session.get(entity, incident.id) for entity in PARTS]
    for part in parts:
        if part is not None:
            part.locality_id = decision.ward.id


def waiting(session: Session, now: datetime) -> list[Incident]:
    """The reports to check that this session may see: what goes on now, then the gravest, then the oldest first."""
    rows = session.scalars(select(Incident).where(*verification.to_check(now)))
    return sorted(rows, key=lambda row: (not _going_on(row, now), -row.severity, row.received_at))


def _going_on(incident: Incident, now: datetime) -> bool:
    return incident.ongoing == "yes" and now - incident.received_at < STILL


def next_after(session: Session, now: datetime, incident_id: UUID) -> Incident | None:
    """The report to sort after this one, or None."""
    return next((row for row in waiting(session, now) if row.id != incident_id), None)


def effect(session: Session, now: datetime, incident: Incident) -> dict[str, float]:
    """By outcome: how many points of its place's score this report would make up, at its present kind and severity."""
    score, state = latest(session, incident.locality_id), session.get(RiskState, incident.locality_id)
    kind = catalogue.kind(incident.kind)
    if score is None or state is None or not kind.scored or incident.path == "private_matter":
        return {}
    grades = {
        outcome: verification.grade(Verdict(outcome), incident.credibility)
        for outcome in (VERIFIED, UNABLE, NOT_TRUE)
    }
    return {
        outcome: _points(session, now, incident, score, state, f"{letter}{digit}")
        for outcome, (letter, digit) in grades.items()
    }


def _points(
    session: Session, now: datetime, incident: Incident, score: Score, state: RiskState, grade: str
) -> float:
    kind, counted = catalogue.kind(incident.kind), session.get(Evidence, incident.id)
    numbers = numbers_each(session, [incident.locality_id])[incident.locality_id]
    in_fast, in_slow = numbers.enters(kind.key, kind.timescale)
    weight = numbers.weight(kind.key, incident.severity, scoring.grade_weight(grade), kind.multiplier)
    c = kept_in(state, numbers)
    age = max(0.0, scoring.days_between(incident.occurred_at, now))
    fast, slow = state.read("fast", now), state.read("slow", now)
    if counted:
        fast -= counted.counted * scoring.decay(age, c.half_life_fast) * counted.fast
        slow -= counted.counted * scoring.decay(age, c.half_life_slow) * counted.slow
    more = (
        weight * scoring.decay(age, c.half_life_fast) * in_fast,
        weight * scoring.decay(age, c.half_life_slow) * in_slow,
    )

    def index(f: float, s: float) -> float:
        return scoring.score(
            max(0.0, f), max(0.0, s), score.near, kappa=score.kappa, soft=score.soft, coefficients=c
        ).index

    return index(fast + more[0], slow + more[1]) - index(fast, slow)
