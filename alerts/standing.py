"""The level people see: the higher of score and open alerts, and Not known where news is missing.

Quiet is only said where it is known: never while an alert or a report to check is open at the place or below,
and not while too few people have sent news. How a level is computed is assessing.py. Pages, the API, feeds
and exports ask here, so that all of them say the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts.alert import OPEN, Alert
from alerts.evidence import RiskState
from committees.places import Locality, LocalityPath

NOT_KNOWN, QUIET, WATCH = 0, 1, 2
NO_NEWS, NOT_ASSESSED = "no_news", "not_assessed"


@dataclass(frozen=True)
class Standing:
    """How a place stands: the level shown (0 Not known .. 5), since when, what it was, and its open alerts.

    `known` says whether enough people sent news. `computed` is the score's own level. `why_not_known` is
    no_news, not_assessed, or empty. `to_check` counts the reports here and below that nobody has checked yet.
    `unusual` is what detectors found when the place was assessed last, with the time; it is no part of the level.
    """

    level: int
    known: bool
    since: datetime | None
    before: int | None
    open_alerts: tuple[Alert, ...]
    why_not_known: str = ""
    computed: int = 0
    to_check: int = 0
    unusual: Mapping[str, Any] | None = None

    @property
    def unanswered(self) -> int:
        """How many of its open alerts nobody is acting on."""
        return sum(alert.acting_at is None for alert in self.open_alerts)


def shown_level(computed: int, highest_alert: int, *, known: bool, open_below: bool) -> int:
    """The level shown (0..5), from the computed one (0: never assessed) and the highest open alert (0: none).

    `open_below`: an alert or a report to check is open here or below. Not known hides level 1 only.
    """
    level = max(computed, highest_alert)
    if level >= WATCH:
        return level
    if open_below:
        return WATCH
    return QUIET if known and computed else NOT_KNOWN


def standing(session: Session, place: Locality, now: datetime) -> Standing:
    """How one place stands now."""
    return standings(session, [place], now)[place.id]


def standings(session: Session, places: Iterable[Locality], now: datetime) -> dict[UUID, Standing]:
    """How each of these places stands now, in three statements whatever their number."""
    places = list(places)
    ids = [place.id for place in places]
    states = {
        s.locality_id: s for s in session.scalars(select(RiskState).where(RiskState.locality_id.in_(ids)))
    }
    alerts = _open_alerts(session, ids)
    heard = _wards_heard(session, [place.id for place in places if place.level != "ward"])
    return {
        place.id: _one(place, states.get(place.id), alerts.get(place.id, []), heard.get(place.id))
        for place in places
    }


def _one(place: Locality, state: RiskState | None, alerts: list[Alert], wards_known: bool | None) -> Standing:
    """One place from its state, the open alerts at it and below, and whether any ward below has news."""
    own = tuple(sorted((a for a in alerts if a.locality_id == place.id), key=lambda a: (-a.level, a.number)))
    computed = state.level if state and state.assessed_at else 0
    known = bool(computed and state and state.known and wards_known is not False)
    highest = own[0].level if own else 0
    to_check = state.open_tasks if state else 0
    level = shown_level(computed, highest, known=known, open_below=bool(alerts) or to_check > 0)
    since, before = (state.since, state.before or None) if state else (None, None)
    if highest > computed and own:
        since, before = min(a.opened_at for a in own if a.level == highest), computed or None
    why = "" if level or known else NO_NEWS if computed else NOT_ASSESSED
    unusual = state.unusual if state else None
    was = before if before != level else None
    return Standing(level, known, since, was, own, why, computed, to_check, unusual)


def _open_alerts(session: Session, ids: list[UUID]) -> dict[UUID, list[Alert]]:
    """The open alerts at each place and below that this session may see; drills and history are none."""
    rows = (
        select(LocalityPath.ancestor_id, Alert)
        .join(Alert, Alert.locality_id == LocalityPath.descendant_id)
        .where(LocalityPath.ancestor_id.in_(ids), Alert.state == OPEN, Alert.origin == "live")
    )
    found: dict[UUID, list[Alert]] = {}
    for key, alert in session.execute(rows).all():
        found.setdefault(key, []).append(alert)
    return found


def _wards_heard(session: Session, ids: list[UUID]) -> dict[UUID, bool]:
    """For each place that has wards below: whether any of them has news."""
    if not ids:
        return {}
    rows = (
        select(LocalityPath.ancestor_id, RiskState.known)
        .join(Locality, Locality.id == LocalityPath.descendant_id)
        .outerjoin(RiskState, RiskState.locality_id == Locality.id)
        .where(LocalityPath.ancestor_id.in_(ids), Locality.level == "ward", Locality.watched)
        .distinct()
    )
    found: dict[UUID, bool] = {}
    for key, known in session.execute(rows).all():
        found[key] = found.get(key, False) or bool(known)
    return found
