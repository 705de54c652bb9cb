"""The warnings that imported history would have given, kept as closed alerts of origin "history": nobody is told of them.

The past is replayed week by week (risk/replay.py) from everything that was imported, so that a second file extends the first. Only rises
of a level to 3 or more are kept. Imported by coordination's import command.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from alerts.alert import CLOSED, WHOLE, Alert, note
from alerts.evidence import cell_category, weight_of
from alerts.raising import LASTS
from alerts.risk.replay import Incident as Past
from alerts.risk.replay import Progress, Warned, replay
from alerts.risk.replay_files import EPOCH
from alerts.risk.scoring import DAY, grade_weight
from committees.incidents import Incident
from committees.places import Locality, Neighbour, town_of

IDS = UUID("0c1f2b4e-9a57-4c1e-8d39-7f6f0a5f5b21")
ORIGIN, RULE, WHAT = "history", "level_rise", "imported"
FATAL = 4


@dataclass(frozen=True)
class History:
    """Imported incidents as the replay reads them, and the neighbours of each place by code."""

    incidents: list[Past]
    neighbours: dict[str, list[str]]


def history_of(session: Session) -> History:
    """Everything that was imported and weighs something."""
    rows = (
        select(Incident, Locality.code)
        .join(Locality, Locality.id == Incident.locality_id)
        .where(Incident.origin == ORIGIN)
    )
    incidents = [
        _past(incident, code) for incident, code in session.execute(rows).all() if weight_of(incident) > 0
    ]
    codes: dict[UUID, str] = dict(session.execute(select(Locality.id, Locality.code)).all())
    neighbours: dict[str, list[str]] = defaultdict(list)
    for one, other in session.execute(select(Neighbour.locality_id, Neighbour.neighbour_id)).all():
        neighbours[codes[one]].append(codes[other])
    places = {incident.locality for incident in incidents}
    return History(incidents, {code: sorted(near) for code, near in neighbours.items() if code in places})


def _past(incident: Incident, code: str) -> Past:
    at = (max(incident.known_at, incident.occurred_at) - EPOCH) / DAY
    credibility = grade_weight(f"{incident.reliability}{incident.credibility}") if incident.graded else 1.0
    kind, source = cell_category(incident).removeprefix("imported:"), str(incident.source_id)
    return Past(at, code, kind, source, incident.severity, credibility, at, incident.severity >= FATAL)


def rises(history: History, now: datetime, progress: Progress | None = None) -> list[Warned]:
    """The rises of a level to 3 or more that this history would have shown, newest first, each with its reasons."""
    if not history.incidents:
        return []
    start = (EPOCH + timedelta(days=min(history.incidents).known)).date()
    result = replay(
        history.incidents, history.neighbours, start, now.date(), with_warnings=True, progress=progress
    )
    return sorted((w for w in result.warnings if w.kind == "level" and moment(w) <= now), reverse=True)


def moment(warned: Warned) -> datetime:
    """When a warning would have been given."""
    return datetime.strptime(warned.at, "%Y-%m-%dT%H:%MZ").replace(tzinfo=UTC)


def keep(session: Session, warned: list[Warned]) -> int:
    """Store each warning of a watched place once, as a closed alert with its story; return how many are new."""
    there = set(session.scalars(select(Alert.id).where(Alert.origin == ORIGIN)))
    codes = {w.locality for w in warned}
    places = {
        place.code: place
        for place in session.scalars(select(Locality).where(Locality.watched))
        if place.code in codes
    }
    numbers: Counter[UUID] = Counter(
        dict(session.execute(select(Alert.town_id, func.max(Alert.number)).group_by(Alert.town_id)).all())
    )
    new = 0
    for one in sorted(warned):
        key, place = uuid5(IDS, f"{one.locality}|{one.at}"), places.get(one.locality)
        if place is None or key in there:
            continue
        town = town_of(session, place)
        numbers[town.id] += 1
        _store(session, one, key, place, town, numbers[town.id])
        new += 1
    session.flush()
    return new


def _store(session: Session, warned: Warned, key: UUID, place: Locality, town: Locality, number: int) -> None:
    at, level = moment(warned), min(warned.level, 4)
    ends_at = at + timedelta(hours=LASTS[level])
    alert = Alert(
        id=key,
        number=number,
        locality_id=place.id,
        town_id=town.id,
        threat=WHOLE,
        rule=RULE,
        what=WHAT,
        sure="not_confirmed",
        level=level,
        origin=ORIGIN,
        state=CLOSED,
        opened_at=at,
        ends_at=ends_at,
        closed_at=ends_at,
        evidence=[],
    )
    session.add(alert)
    note(session, at, alert, "opened", level=level, rule=RULE)
