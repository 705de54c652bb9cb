"""What a change of a profile would have done: the past of the places under it run twice, and the two runs compared.

What lives here: which places go together, which document each has, one run of one group as plain data, and the comparison. What does
not: rows of runs that people asked for (replay_runs.py), the loop over time (rerun.py), and words. Nothing is written, and no change
is ever applied: a person may propose it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts import past, try_scores
from alerts.evidence import is_violent
from alerts.past import Past
from alerts.rerun import Raised, Rerun
from alerts.risk.rules import rules_in_force
from alerts.risk.warning_measures import Event, Notice, Warned, judge, measure
from committees import profiles
from committees.incidents import VERIFIED, Incident
from committees.places import Locality, LocalityPath, load_above, local_day, upwards, zone_of
from committees.profiles import Layer

CLASH_SEVERITY = 3
TRUE_OUTCOMES = ("settled", "prevented", "happened", "passed_on")
"""How an alert may have ended that was no false alarm, also where people kept it from happening."""
BEFORE, AFTER = "before", "after"
TRIED = "tried"
Data = dict[str, Any]


def groups(session: Session, locality_id: UUID) -> list[list[UUID]]:
    """The watched places at and below a place, in groups that can be run apart: each with all that are watched below it."""
    rows = (
        select(Locality)
        .join(LocalityPath, LocalityPath.descendant_id == Locality.id)
        .where(LocalityPath.ancestor_id == locality_id, Locality.watched)
    )
    places = list(session.scalars(rows.order_by(Locality.depth, Locality.code)))
    load_above(session, [place.id for place in places])
    watched = {place.id for place in places}
    found: dict[UUID, list[UUID]] = defaultdict(list)
    for place in places:
        top = [one.id for one in upwards(session, place.id) if one.id in watched][-1]
        found[top].append(place.id)
    return list(found.values())


def documents(
    session: Session,
    places: Iterable[UUID],
    at: datetime,
    instead: tuple[UUID, Mapping[str, Any]] | None = None,
) -> dict[UUID, Mapping[str, Any]]:
    """The whole document that holds at each place at a moment; `instead` gives one place another document of its own."""
    made: dict[tuple[str, ...], Mapping[str, Any]] = {}
    found: dict[UUID, Mapping[str, Any]] = {}
    places = list(places)
    load_above(session, places)
    for key in places:
        stack = profiles.layers(session, key, at)
        if instead:
            stack = _exchanged(stack, [place.id for place in upwards(session, key)], *instead)
        which = tuple(layer.version for layer in stack)
        if which not in made:
            made[which] = profiles.document_of(stack)
        found[key] = made[which]
    return found


def _exchanged(
    stack: Sequence[Layer], chain: Sequence[UUID], locality_id: UUID, own: Mapping[str, Any]
) -> list[Layer]:
    """The layers with another one of one's own for a place in the chain, nearest first."""
    if locality_id not in chain:
        return list(stack)
    by_place = {layer.locality_id: layer for layer in stack}
    by_place[locality_id] = Layer(locality_id, TRIED, own)
    return [by_place[key] for key in (*chain, None) if key in by_place]


class Ran(NamedTuple):
    """What one run of one group gives: the alerts there would have been, and each week's chance with what came."""

    alerts: list[Data]
    scores: Data


def run_group(
    session: Session,
    group: Sequence[UUID],
    since: datetime,
    until: datetime,
    instead: tuple[UUID, Mapping[str, Any]] | None = None,
    asker: str = "",
) -> Ran:
    """Run the past of one group, for a role; as plain data."""
    own = documents(session, group, until, instead)
    roles = {role for document in own.values() for role in _roles(document)}
    was = past.read(session, group, until, roles, instead)
    everywhere = documents(session, was.places, until, instead)
    run = Rerun(was, everywhere, asker)
    alerts = [_data(was, alert) for alert in run.run(since, until)]
    began = try_scores.fatal(was, run.sums.standing.values(), asker)
    return Ran(alerts, try_scores.judged(run.forecasts, began, until))


def _roles(document: Mapping[str, Any]) -> set[str]:
    rules = rules_in_force(document)
    told = {role for rule in rules for roles in rule.tell.values() for role in roles}
    return told | {role for rule in rules for role in rule.stronger_tell}


def _data(was: Past, alert: Raised) -> Data:
    real = alert.real
    return {
        "place": str(alert.place),
        "above": [str(key) for key in was.places[alert.place].above],
        "threat": alert.threat,
        "rule": alert.rule,
        "at": alert.opened_at.isoformat(),
        "until": (alert.closed_at or alert.ends_at).isoformat(),
        "level": alert.level,
        "private": alert.private or alert.sensitive,
        "evidence": sorted(alert.evidence),
        "withheld_from": alert.withheld_from,
        "messages": alert.messages,
        "told": sorted(str(person) for person in alert.told),
        "reasons": alert.reasons,
        "real": str(real.id) if real else None,
        "true": bool(real and real.outcome in TRUE_OUTCOMES),
    }


# ------------------------------------------------------------------------------------------ what really happened


def clashes(session: Session, group: Sequence[UUID], since: datetime, until: datetime) -> list[Data]:
    """The real clashes of a period: violent incidents that were verified or imported, one per place and day, and what alerts say happened."""
    inside = select(LocalityPath.descendant_id).where(LocalityPath.ancestor_id.in_(group))
    rows = select(Incident).where(
        Incident.locality_id.in_(inside),
        Incident.severity >= CLASH_SEVERITY,
        Incident.occurred_at > since,
        Incident.occurred_at <= until,
        Incident.path == "",
    )
    found: dict[tuple[UUID, object], Data] = {}
    for row in session.scalars(rows.order_by(Incident.occurred_at, Incident.id)):
        if not is_violent(row) or not (row.state == VERIFIED or row.origin == "history"):
            continue
        day = local_day(row.occurred_at, zone_of(session, session.get_one(Locality, row.locality_id)))
        event = found.setdefault((row.locality_id, day), _clash(session, row.locality_id, row.occurred_at))
        event["severity"] = max(event["severity"], row.severity)
        event["incidents"].append(str(row.id))
    return [*found.values(), *_said_by_alerts(session, group, since, until, list(found.values()))]


def _clash(session: Session, place_id: UUID, at: datetime) -> Data:
    above = [str(place.id) for place in upwards(session, place_id)]
    return {
        "place": str(place_id),
        "above": above,
        "at": at.isoformat(),
        "severity": CLASH_SEVERITY,
        "incidents": [],
    }


def _said_by_alerts(
    session: Session, group: Sequence[UUID], since: datetime, until: datetime, known: list[Data]
) -> list[Data]:
    """What people said had happened when they closed an alert, where no incident tells of it."""
    found = []
    for ended in past.ended(session, tuple(group)):
        if ended.outcome != "happened" or ended.closed_at is None or not since < ended.closed_at <= until:
            continue
        told = any(
            str(ended.place) in event["above"]
            and ended.opened_at <= datetime.fromisoformat(event["at"]) <= ended.closed_at
            for event in known
        )
        if not told:
            clash = _clash(session, ended.place, ended.closed_at)
            found.append({**clash, "alert": str(ended.id)})
    return found


# --------------------------------------------------------------------------------------------------- comparing


def compare(
    before: Sequence[Data], after: Sequence[Data], came: Sequence[Data], *, places: int, period: timedelta
) -> Data:
    """Two runs against each other and against what happened: counts, every alert gained or lost, clashes gained or missed."""
    events = [
        Event(one["place"], _moment(one["at"]), one["severity"], tuple(one["above"][1:])) for one in came
    ]
    runs = {BEFORE: before, AFTER: after}
    people = len({person for rows in runs.values() for one in rows for person in one["told"]})
    notices = {name: [_notice(one) for one in rows] for name, rows in runs.items()}
    measures = {
        name: measure(rows, events, places=places, period=period, people=people)
        for name, rows in notices.items()
    }
    leads = {name: judge(rows, events).leads for name, rows in notices.items()}
    paired = list(zip(came, leads[BEFORE], leads[AFTER], strict=True))
    return {
        "measures": {name: as_data(found) for name, found in measures.items()},
        "people": people,
        "places": places,
        "missed": [_shown(one) for one, was, now in paired if was is not None and now is None],
        "newly_warned": [_shown(one) for one, was, now in paired if was is None and now is not None],
        "lost": [_shown(one) for one in without(before, after)],
        "gained": [_shown(one) for one in without(after, before)],
    }


def without(rows: Sequence[Data], others: Sequence[Data]) -> list[Data]:
    """Those alerts that have no alert of the same place and threat among the others at the same time."""
    by_line: dict[tuple[str, str], list[Data]] = defaultdict(list)
    for one in others:
        by_line[one["place"], one["threat"]].append(one)
    return [
        one
        for one in rows
        if not any(
            _moment(one["at"]) <= _moment(other["until"]) and _moment(other["at"]) <= _moment(one["until"])
            for other in by_line[one["place"], one["threat"]]
        )
    ]


def _notice(one: Data) -> Notice:
    return Notice(one["place"], _moment(one["at"]), one["level"], one["rule"], one["messages"], one["true"])


def _shown(one: Data) -> Data:
    """What a result keeps of an alert or a clash: nobody's name, no handle."""
    return {key: value for key, value in one.items() if key not in ("told", "above", "messages")}


def as_data(found: Warned) -> Data:
    """Measures as they are stored, with their shares."""
    return asdict(found) | {
        "false_alarms": found.false_alarms,
        "precision": found.precision,
        "recall": found.recall,
        "onset_recall": found.onset_recall,
        "early_share": found.early_share,
        "warnings_a_year": found.warnings_a_year,
        "false_alarms_a_year": found.false_alarms_a_year,
    }


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
