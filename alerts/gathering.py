"""Read from the database what rules may look at, as plain facts of one place (risk/facts.py). Nothing is decided here."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from alerts.alert import OPEN, Alert
from alerts.evidence import counts_at, state_of, weeks_before
from alerts.risk import surge
from alerts.risk.facts import Facts, IncidentFact
from alerts.risk.scoring import grade_weight
from committees import checkins
from committees.incidents import COUNTED, VERIFIED, Incident
from committees.places import Locality, LocalityPath, Neighbour, local_day, zone_of
from committees.reports import Report, Source

LOOK_BACK = timedelta(days=28)
MOST = 500


def facts_of(session: Session, now: datetime, place: Locality, *, level_before: int, document: dict[str, object]) -> Facts:
    """The facts of a place and below: four weeks of incidents at most, surge, voices, open dates, alerts below."""
    from alerts.assessing import windows_of

    state = state_of(session, place.id)
    incidents = _incidents(session, now, place.id)
    windows = windows_of(session, now, place, document)
    return Facts(
        now=now,
        level_before=level_before,
        level=state.level,
        incidents=incidents,
        surge=surge_of(session, now, place),
        sources_28d=len(frozenset().union(*(i.sources for i in incidents))) if incidents else 0,
        windows=frozenset(w.trigger for w in windows),
        difficult_windows=frozenset(w.trigger for w in windows if w.difficult),
        voices=checkins.voices(session, now, place.id).sources,
        open_below=_open_below(session, place.id),
    )


def _incidents(session: Session, now: datetime, locality_id: UUID) -> list[IncidentFact]:
    below = select(LocalityPath.descendant_id).where(LocalityPath.ancestor_id == locality_id)
    rows = select(Incident).where(
        Incident.locality_id.in_(below),
        Incident.state.in_(COUNTED),
        Incident.known_at > now - LOOK_BACK,
        Incident.path != "private_matter",
        Incident.origin != "history",  # imported history moves the score and never makes a rule speak
    )
    found = list(session.scalars(rows.order_by(Incident.known_at.desc()).limit(MOST)))
    said: dict[UUID, set[str]] = defaultdict(set)
    saw: dict[UUID, set[str]] = defaultdict(set)
    reports = (
        select(Report.incident_id, Report.source_id, Report.how_known, Report.channel)
        .join(Source, Source.id == Report.source_id)
        .where(Report.incident_id.in_([i.id for i in found]), Source.known)
    )
    for incident_id, source_id, how, channel in session.execute(reports).all():
        said[incident_id].add(str(source_id))
        if how == "saw" and channel != "sms":
            saw[incident_id].add(str(source_id))
    return [_fact(i, frozenset(said[i.id]), frozenset(saw[i.id])) for i in found]


def _fact(incident: Incident, sources: frozenset[str], seen_by: frozenset[str]) -> IncidentFact:
    credibility = grade_weight(f"{incident.reliability}{incident.credibility}") if incident.graded else 1.0
    return IncidentFact(
        id=str(incident.id),
        kind=incident.kind,
        severity=incident.severity,
        credibility=credibility,
        how_known=incident.how_known,
        ongoing=incident.ongoing == "yes",
        confirmed=incident.state == VERIFIED,
        known_source=incident.known_source,
        sensitive=incident.sensitive,
        threat=incident.threat,
        sources=sources,
        seen_by=seen_by,
        occurred_at=incident.occurred_at,
        received_at=incident.known_at,
        withheld_from=incident.withheld_from,
        path=incident.path,
    )


def surge_of(session: Session, now: datetime, place: Locality) -> float:
    """The surge probability of scoring.md 3(iii) for the coming four weeks."""
    day = local_day(now, zone_of(session, place))
    weeks = weeks_before(session, place.id, day - timedelta(days=day.weekday()))
    months = [sum(weeks[n : n + 4]) for n in range(len(weeks) - 3)][-52:]
    fast, slow = counts_at(state_of(session, place.id), now)
    keys = session.scalars(select(Neighbour.neighbour_id).where(Neighbour.locality_id == place.id)).all()
    near = sum(counts_at(state_of(session, key), now)[0] for key in keys) / len(keys) if keys else 0.0
    return float(surge.surge_probability(fast, slow, near, sum(months), sum(m * m for m in months)))


def _open_below(session: Session, locality_id: UUID) -> int:
    below = select(LocalityPath.descendant_id).where(LocalityPath.ancestor_id == locality_id, LocalityPath.depth > 0)
    return session.scalar(select(func.max(Alert.level)).where(Alert.locality_id.in_(below), Alert.state == OPEN)) or 0
