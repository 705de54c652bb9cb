"""The closed list of what `concord export` and GET /exports write: which rows, with which columns and HXL tags, in which format.

Every row comes through a session of somebody, so that an export holds no more than its reader may see. HXL: https://hxlstandard.org.
"""

from __future__ import annotations

import csv
import io
import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts import evaluating, what_if
from alerts.alert import Alert
from alerts.assessing import Score
from alerts.risk.warning_measures import Event, measure
from committees.incidents import Incident, IncidentSummary
from committees.intake import acled
from committees.places import Locality
from committees.reports import VOUCHED, WALK_IN
from coordination import reach, trying
from coordination.api.rights import sees_exactly, to_the_hour
from foundation.policy import Principal

FORMS = ("csv", "json", "geojson")
#: By these doors somebody wrote down what another person had told them.
FOR_OTHERS = (VOUCHED, WALK_IN)
RISKY = ("=", "+", "-", "@", "\t", "\r")
Row = dict[str, Any]
PLACE = {"locality": "#adm+code", "name": "#adm+name", "latitude": "#geo+lat", "longitude": "#geo+lon"}


@dataclass(frozen=True)
class Kind:
    """One thing that can be exported: its columns with their HXL tags, its rows, and whether they lie somewhere."""

    columns: Mapping[str, str]
    rows: Callable[[Session, Principal], list[Row]]
    placed: bool = True


def incidents(session: Session, principal: Principal) -> list[Row]:
    """Incidents with grade and state; the minute only for those who may read it."""
    places = _places(session)
    summaries = {row.incident_id: row.text for row in session.scalars(select(IncidentSummary))}
    # What is marked RED is for the persons named on it alone, and leaves in no file.
    # What ACLED collected may not be passed on by whoever downloaded it.
    rows = select(Incident).where(Incident.marking != "RED", Incident.channel != acled.CHANNEL)
    found = session.scalars(rows.order_by(Incident.occurred_at, Incident.id))
    return [_incident(row, places, summaries.get(row.id, ""), principal) for row in found]


def _incident(row: Incident, places: dict[UUID, Row], summary: str, principal: Principal) -> Row:
    exact = principal.service is not None or sees_exactly(principal, row)
    return {
        "id": str(row.id),
        "reference": row.reference,
        **places[row.locality_id],
        "kind": row.kind,
        "severity": row.severity,
        "occurred_at": _time(row.occurred_at if exact else to_the_hour(row.occurred_at)),
        "known_at": _time(
            row.known_at if exact else max(to_the_hour(row.known_at), to_the_hour(row.occurred_at))
        ),
        "how_known": row.how_known,
        "logged_for_other": row.channel in FOR_OTHERS,
        "ongoing": row.ongoing,
        "people": row.people,
        "state": row.state,
        "grade": f"{row.reliability}{row.credibility}" if row.graded else "",
        "origin": row.origin,
        "summary": summary,
    }


def scores(session: Session, principal: Principal) -> list[Row]:
    """Every stored score with its sums; of single wards for those who may read them."""
    places = _places(session)
    rows = session.scalars(select(Score).order_by(Score.at, Score.locality_id)).all()
    own = {row.locality_id for row in rows}
    if principal.person_id:
        own = reach.covered(session, principal, own)
    found = [row for row in rows if row.locality_id in own]
    return [
        {
            **places[row.locality_id],
            "at": _time(row.at),
            "level": row.level,
            "known": row.known,
            "p28": row.p28,
            "fast": row.fast,
            "slow": row.slow,
            "neighbours": row.near,
            "soft": row.soft,
            "kappa": row.kappa,
            "profile": row.profile,
        }
        for row in found
    ]


def alerts(session: Session, principal: Principal) -> list[Row]:
    """Alerts with what became of them; origin says live, history or drill. To offices from outside, a ward's is its town's."""
    places = _places(session)
    found = session.scalars(select(Alert).order_by(Alert.opened_at, Alert.id)).all()
    if principal.person_id:
        shown = trying.readable_places(session, principal, {row.locality_id for row in found})
        places = {key: places[place.id] for key, place in shown.items()}
    return [
        {
            "id": str(row.id),
            "number": row.number,
            **places[row.locality_id],
            "threat": row.threat,
            "rule": row.rule,
            "what": row.what,
            "level": row.level,
            "sure": row.sure,
            "origin": row.origin,
            "state": row.state,
            "opened_at": _time(row.opened_at),
            "answered_at": _time(row.answered_at),
            "acting_at": _time(row.acting_at),
            "closed_at": _time(row.closed_at),
            "outcome": row.outcome or "",
        }
        for row in found
    ]


def evaluation(session: Session, _principal: Principal) -> list[Row]:
    """Each rule by line of tension: how often it warned, was answered and acted on, how fast, and what came of it. Live alerts only."""
    groups: dict[tuple[str, str], list[Alert]] = defaultdict(list)
    for row in session.scalars(select(Alert).where(Alert.origin == "live")):
        groups[row.rule, row.threat].append(row)
    alerts = [row for rows in groups.values() for row in rows]
    since = min((row.opened_at for row in alerts), default=None)
    until = max((row.closed_at or row.ends_at for row in alerts), default=None)
    if since is None or until is None:
        return []
    places = list(session.scalars(select(Locality.id).where(Locality.watched)))
    came = evaluating.events_of(what_if.clashes(session, places, since, until))
    return [
        _evaluated(rule, threat, rows) | _measured(rows, came, len(places), until - since)
        for (rule, threat), rows in sorted(groups.items())
    ]


def _measured(rows: list[Alert], came: list[Event], places: int, period: timedelta) -> Row:
    """The measures of these alerts against the clashes that this reader may see."""
    found = measure(evaluating.notices_of(rows), came, places=places, period=period)
    return {
        "came_true": found.came_true,
        "precision": found.precision,
        "clashes": found.events,
        "clashes_warned": found.events_warned,
        "recall": found.recall,
        "onset_recall": found.onset_recall,
        "lead_days": found.lead_days,
        "alerts_a_year": found.warnings_a_year,
        "false_alarms_a_year": found.false_alarms_a_year,
    }


def _evaluated(rule: str, threat: str, rows: list[Alert]) -> Row:
    waits = [(row.acting_at - row.opened_at).total_seconds() / 60 for row in rows if row.acting_at]
    outcomes = [row.outcome for row in rows]
    return {
        "rule": rule,
        "threat": threat,
        "alerts": len(rows),
        "answered": sum(row.answered_at is not None for row in rows),
        "acting": len(waits),
        "minutes_to_acting": round(median(waits), 1) if waits else None,
        "closed": sum(row.closed_at is not None for row in rows),
        **{
            name: outcomes.count(name)
            for name in ("prevented", "settled", "happened", "passed_on", "not_true", "nothing_more")
        },
    }


INCIDENT_TAGS = {
    "id": "#event+id", "reference": "#event+code", **PLACE, "kind": "#event+type", "severity": "#severity",
    "occurred_at": "#date+occurred", "known_at": "#date+known", "how_known": "#event+source",
    "logged_for_other": "#event+source+other", "ongoing": "#status+ongoing", "people": "#affected+range",
    "state": "#status", "grade": "#meta+grade", "origin": "#meta+origin", "summary": "#description",
}  # fmt: skip
SCORE_TAGS = {
    **PLACE, "at": "#date", "level": "#indicator+level", "known": "#indicator+known", "p28": "#indicator+p28",
    "fast": "#indicator+fast", "slow": "#indicator+slow", "neighbours": "#indicator+neighbours", "soft": "#indicator+soft",
    "kappa": "#indicator+kappa", "profile": "#meta+profile",
}  # fmt: skip
ALERT_TAGS = {
    "id": "#event+id", "number": "#event+num", **PLACE, "threat": "#cause", "rule": "#meta+rule", "what": "#event+type",
    "level": "#severity+level", "sure": "#meta+sure", "origin": "#meta+origin", "state": "#status", "opened_at": "#date+start",
    "answered_at": "#date+answered", "acting_at": "#date+acting", "closed_at": "#date+end", "outcome": "#output",
}  # fmt: skip
EVALUATION_TAGS = {
    "rule": "#meta+rule", "threat": "#cause", "alerts": "#event+num", "answered": "#event+num+answered",
    "acting": "#event+num+acting", "minutes_to_acting": "#indicator+minutes", "closed": "#event+num+closed",
    "prevented": "#output+prevented", "settled": "#output+settled", "happened": "#output+happened",
    "passed_on": "#output+passed", "not_true": "#output+nottrue", "nothing_more": "#output+nothing",
    "came_true": "#event+num+true", "precision": "#indicator+precision", "clashes": "#event+num+clash",
    "clashes_warned": "#event+num+clash+warned", "recall": "#indicator+recall", "onset_recall": "#indicator+recall+onset",
    "lead_days": "#indicator+days+lead", "alerts_a_year": "#indicator+rate+alerts",
    "false_alarms_a_year": "#indicator+rate+falsealarms",
}  # fmt: skip
KINDS: Mapping[str, Kind] = {
    "incidents": Kind(INCIDENT_TAGS, incidents),
    "scores": Kind(SCORE_TAGS, scores),
    "alerts": Kind(ALERT_TAGS, alerts),
    "evaluation": Kind(EVALUATION_TAGS, evaluation, placed=False),
}


def _places(session: Session) -> dict[UUID, Row]:
    """Code, name and position of each place; a ward without a position has that of the place above it."""
    rows = session.execute(
        select(
            Locality.id,
            Locality.code,
            Locality.names,
            Locality.parent_id,
            Locality.latitude,
            Locality.longitude,
        )
    ).all()
    by_id = {row.id: row for row in rows}

    def position(row: Any) -> tuple[float | None, float | None]:
        while row.latitude is None and row.parent_id in by_id:
            row = by_id[row.parent_id]
        return row.latitude, row.longitude

    return {
        row.id: {
            "locality": row.code,
            "name": row.names.get("en") or next(iter(row.names.values())),
            **dict(zip(("latitude", "longitude"), position(row), strict=True)),
        }
        for row in rows
    }


def _time(moment: datetime | None) -> str:
    return moment.isoformat() if moment else ""


# --------------------------------------------------------------------------------------------- formats


def written(kind: str, form: str, rows: list[Row]) -> str:
    """The rows as the text of a file."""
    if form == "json":
        return json.dumps(rows, ensure_ascii=False, indent=1) + "\n"
    if form == "geojson":
        return (
            json.dumps({"type": "FeatureCollection", "features": list(_features(rows))}, ensure_ascii=False)
            + "\n"
        )
    columns = KINDS[kind].columns
    text = io.StringIO(newline="")
    # RFC 4180, and so that a lone carriage return within a cell is quoted too.
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerow(columns.values())
    writer.writerows([safe(row[name]) for name in columns] for row in rows)
    return text.getvalue()


def _features(rows: list[Row]) -> Iterator[Row]:
    for row in rows:
        latitude, longitude = row["latitude"], row["longitude"]
        point = (
            None
            if latitude is None or longitude is None
            else {"type": "Point", "coordinates": [longitude, latitude]}
        )
        properties = {name: value for name, value in row.items() if name not in ("latitude", "longitude")}
        yield {"type": "Feature", "geometry": point, "properties": properties}


def safe(value: Any) -> Any:
    """A cell that a spreadsheet shows and never runs: text that begins like a formula gets an apostrophe before it."""
    if isinstance(value, str) and value.startswith(RISKY):
        return f"'{value}"
    return value
