"""Put together what rules may look at, as plain facts of one place (risk/facts.py). Nothing is decided here; the tables are read by survey.py."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from alerts.alert import OPEN, Alert
from alerts.evidence import RiskState, state_of
from alerts.risk import surge
from alerts.risk.detectors import Unusual, unusual
from alerts.risk.facts import Facts
from alerts.survey import Survey, survey_of
from committees.places import Locality, local_day, zone_of


def facts_of(survey: Survey, place: Locality, *, level_before: int) -> Facts:
    """The facts of a place and below: four weeks of incidents at most, surge, voices, open dates, alerts below."""
    incidents = survey.incidents(place.id)
    windows = survey.windows_within(place) if place.level == "town" else survey.windows(place)
    chance = surge_of(survey, place)
    unusual = unusual_at(survey, place, chance)
    return Facts(
        now=survey.now,
        level_before=level_before,
        level=state_of(survey.session, place.id).level,
        incidents=incidents,
        surge=chance,
        sources_28d=len(frozenset().union(*(i.sources for i in incidents))) if incidents else 0,
        windows=frozenset(w.trigger for w in windows),
        difficult_windows=frozenset(w.trigger for w in windows if w.difficult),
        voices=survey.voices[place.id].sources,
        open_below=_open_below(survey.session, [key for key in survey.below[place.id] if key != place.id]),
        unusual=unusual.detectors,
        week_count=unusual.seen,
        week_usual=unusual.usual,
    )


def surge_of(survey: Survey, place: Locality) -> float:
    """The surge probability of scoring.md 3(iii) for the coming four weeks."""
    weeks = survey.weeks_before(place.id, _monday(survey, place))
    fast, slow = _counts(survey, place.id)
    keys = [key for key, _ in survey.links[place.id]]
    near = sum(_counts(survey, key)[0] for key in keys) / len(keys) if keys else 0.0
    return surge.from_weeks(weeks, fast, slow, near)


def _counts(survey: Survey, place_id: UUID) -> tuple[float, float]:
    # Pages ask too: a place that nobody assessed yet has no state, and a page does not make one.
    state = survey.session.get(RiskState, place_id)
    if state is None:
        return 0.0, 0.0
    return state.read("count_fast", survey.now), state.read("count_slow", survey.now)


def _monday(survey: Survey, place: Locality) -> date:
    day = local_day(survey.now, zone_of(survey.session, place))
    return day - timedelta(days=day.weekday())


def unusual_at(survey: Survey, place: Locality, chance: float) -> Unusual:
    """Which detectors find a place and below unusual now, given its surge probability."""
    return unusual(survey.counted(place.id, _monday(survey, place)), chance)


def unusual_now(session: Session, now: datetime, place: Locality) -> Unusual:
    """The same for one place alone, as a page shows it."""
    survey = survey_of(session, now, [place])
    return unusual_at(survey, place, surge_of(survey, place))


def _open_below(session: Session, below: list[UUID]) -> int:
    # Asked for each place: what was raised below it a moment ago, in this batch, counts.
    if not below:
        return 0
    return (
        session.scalar(select(func.max(Alert.level)).where(Alert.locality_id.in_(below), Alert.state == OPEN))
        or 0
    )
