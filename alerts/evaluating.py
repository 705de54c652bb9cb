"""How good the warnings of a place really were: per rule, per month, how early, and whether the score meant what it said. Counts only.

What lives here: gathering from alerts, deliveries, clashes and predictions, as plain data without a name or an incident. What does not:
the measures (risk/), the monthly report (learning.py) and words. A worker reads it as the engine; pages show no count that points at anybody.

An alert that people closed as settled, prevented, happened or passed on was true; "not true" was false; one whose time ran out says
neither, because something prevented and nothing at all look alike.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from statistics import median
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts import what_if
from alerts.alert import OPEN, Alert
from alerts.calibrating import Prediction, kappa_row
from alerts.risk.warning_measures import Event, Notice, judge, measure
from alerts.routing import Delivery
from alerts.what_if import TRUE_OUTCOMES
from committees.places import Locality, LocalityPath, load_above, upwards
from foundation.lazily import lazily

if TYPE_CHECKING:
    import numpy as np

    from alerts.risk import evaluation, resampling
else:
    np = lazily("numpy")
    evaluation, resampling = lazily("alerts.risk.evaluation"), lazily("alerts.risk.resampling")

NOT_TRUE = "not_true"
TRUE, FALSE, UNKNOWN, STILL_OPEN = "true", "false", "unknown", "open"
FATES = (TRUE, FALSE, UNKNOWN, STILL_OPEN)
LEADS = (1, 2, 7, 14, 28)
"""Upper ends, in days, of the bars of the lead times."""
MINUTE = timedelta(minutes=1)
Data = dict[str, Any]


def fate(alert: Alert) -> str:
    """Whether an alert was true, false, cannot be said, or is open."""
    if alert.state == OPEN:
        return STILL_OPEN
    return TRUE if alert.outcome in TRUE_OUTCOMES else FALSE if alert.outcome == NOT_TRUE else UNKNOWN


def evaluate(session: Session, place: Locality, since: datetime, until: datetime) -> Data:
    """Everything about the warnings at a place and below over a period, as plain data."""
    watched = _watched(session, place.id)
    rows = (
        select(Alert)
        .where(Alert.locality_id.in_(watched), Alert.origin == "live")
        .where(Alert.opened_at > since, Alert.opened_at <= until)
    )
    alerts = list(session.scalars(rows.order_by(Alert.opened_at, Alert.id)))
    told = _told(session, alerts)
    came = what_if.clashes(session, watched, since, until)
    return {
        "place": place.code,
        "since": since.isoformat(),
        "until": until.isoformat(),
        "rules": by_rule(alerts, told),
        "months": by_month(alerts, until),
        **_measured(alerts, told, came, len(watched), until - since),
        "calibration": calibration(session, watched, until),
        "kappa": _kappa(session, place.id, until),
    }


def _watched(session: Session, place_id: UUID) -> list[UUID]:
    rows = (
        select(Locality.id)
        .join(LocalityPath, LocalityPath.descendant_id == Locality.id)
        .where(LocalityPath.ancestor_id == place_id, Locality.watched)
    )
    return list(session.scalars(rows.order_by(Locality.code)))


def _told(session: Session, alerts: Sequence[Alert]) -> dict[UUID, list[UUID]]:
    """Who was told of each alert, once for each message."""
    rows = select(Delivery.alert_id, Delivery.person_id).where(
        Delivery.alert_id.in_([alert.id for alert in alerts]), Delivery.outbox_id.is_not(None)
    )
    found: dict[UUID, list[UUID]] = defaultdict(list)
    for alert_id, person_id in session.execute(rows).all():
        found[alert_id].append(person_id)
    return found


def by_rule(alerts: Iterable[Alert], told: dict[UUID, list[UUID]]) -> list[Data]:
    """For each rule: how many alerts, of which fate, how many people acted and how fast, how many people they reached."""
    groups: dict[str, list[Alert]] = defaultdict(list)
    for alert in alerts:
        groups[alert.rule].append(alert)
    found = []
    for rule, rows in sorted(groups.items()):
        waits = [(row.acting_at - row.opened_at) / MINUTE for row in rows if row.acting_at]
        fates = [fate(row) for row in rows]
        judged = fates.count(TRUE) + fates.count(FALSE)
        low, high = wilson(fates.count(TRUE), judged)
        found.append(
            {
                "rule": rule,
                "alerts": len(rows),
                **{name: fates.count(name) for name in FATES},
                "prevented": sum(row.outcome == "prevented" for row in rows),
                "answered": sum(row.answered_at is not None for row in rows),
                "acted": len(waits),
                "minutes_to_acting": median(waits) if waits else None,
                "reach": len({person for row in rows for person in told.get(row.id, ())}),
                "precision": fates.count(TRUE) / judged if judged else None,
                "low": low,
                "high": high,
            }
        )
    return found


def wilson(hits: int, n: int) -> tuple[float | None, float | None]:
    """The 95 % interval of a share (Wilson's); nothing where there is nothing to judge."""
    if not n:
        return None, None
    z, share = 1.959964, hits / n
    middle = share + z * z / (2 * n)
    spread = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    whole = 1 + z * z / n
    return max(0.0, (middle - spread) / whole), min(1.0, (middle + spread) / whole)


def by_month(alerts: Iterable[Alert], until: datetime) -> list[Data]:
    """For each of the last twelve months: how many alerts of which fate, the oldest month first."""
    counts: dict[str, dict[str, int]] = {}
    year, month = until.year, until.month
    for _ in range(12):
        counts[f"{year:04d}-{month:02d}"] = dict.fromkeys(FATES, 0)
        year, month = (year, month - 1) if month > 1 else (year - 1, 12)
    for alert in alerts:
        key = f"{alert.opened_at:%Y-%m}"
        if key in counts:
            counts[key][fate(alert)] += 1
    return [{"month": key, **counts[key]} for key in sorted(counts)]


def _measured(
    alerts: Sequence[Alert], told: dict[UUID, list[UUID]], came: list[Data], places: int, period: timedelta
) -> Data:
    """The measures of the real alerts against what really happened, and the lead times as bars."""
    notices, events = notices_of(alerts, told), events_of(came)
    people = len({person for persons in told.values() for person in persons})
    found = measure(notices, events, places=places, period=period, people=people)
    leads = [lead / timedelta(days=1) for lead in judge(notices, events).leads if lead is not None]
    edges = (0, *LEADS)
    bars = [sum(low < lead <= high for lead in leads) for low, high in zip(edges, LEADS, strict=False)]
    return {
        "measures": what_if.as_data(found),
        "shares": {
            "precision": wilson(found.came_true, found.warnings),
            "recall": wilson(found.events_warned, found.events),
            "onset_recall": wilson(found.onsets_warned, found.onsets),
        },
        "leads": bars,
        "no_warning": len(events) - len(leads),
        "people": people,
    }


def notices_of(
    alerts: Iterable[Alert], told: Mapping[UUID, Sequence[UUID]] = MappingProxyType({})
) -> list[Notice]:
    """Alerts as warnings to be measured, with how many messages each sent."""
    return [
        Notice(
            str(alert.locality_id),
            alert.opened_at,
            alert.level,
            alert.rule,
            len(told.get(alert.id, ())),
            fate(alert) == TRUE,
        )
        for alert in alerts
    ]


def events_of(came: Iterable[Data]) -> list[Event]:
    """Clashes as events to be measured."""
    return [
        Event(one["place"], datetime.fromisoformat(one["at"]), one["severity"], tuple(one["above"][1:]))
        for one in came
    ]


def calibration(session: Session, places: Sequence[UUID], until: datetime) -> Data:
    """Whether the chances that were given came true: the five levels' table and the measures, with intervals over places."""
    rows = session.execute(
        select(Prediction.locality_id, Prediction.p28, Prediction.came).where(
            Prediction.locality_id.in_(places), Prediction.came.is_not(None), Prediction.at <= until
        )
    ).all()
    if not rows:
        return {"n": 0}
    names = [str(key) for key, _p28, _came in rows]
    p28 = np.array([p for _key, p, _came in rows])
    came = np.array([bool(c) for _key, _p, c in rows])
    quality = evaluation.quality(came, p28, p28)
    within, judged = evaluation.within_auroc(came, p28, names)
    spread = resampling.intervals(came, p28, names)
    return {
        "n": len(rows),
        "came": int(came.sum()),
        "levels": [_finite(line._asdict()) for line in evaluation.by_levels(came, p28)],
        **_finite(quality._asdict()),
        **_finite({"within": within}),
        "intervals": {name: [_number(edge) for edge in one] for name, one in spread.items()},
        "places_judged": judged,
    }


def _finite(values: Data) -> Data:
    """The same with None where there is no number: JSON knows no NaN."""
    return {k: _number(v) if isinstance(v, float) else v for k, v in values.items()}


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _kappa(session: Session, place_id: UUID, at: datetime) -> Data | None:
    load_above(session, [place_id])
    for place in upwards(session, place_id):
        if row := kappa_row(session, place.id, at):
            return {"held": row.held, "unheld": row.unheld}
    return None
