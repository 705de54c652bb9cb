"""Put together what rules may look at, as plain facts of one place (risk/facts.py). Nothing is decided here; the tables are read by survey.py."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from alerts.alert import OPEN, Alert
from alerts.evidence import RiskState, state_of
from alerts.risk import surge
from alerts.risk.detectors import Unusual, unusual
from alerts.risk.facts import Facts, facts_at
from alerts.survey import Survey
from committees.checkins import week_of
from committees.places import Locality


def facts_of(survey: Survey, place: Locality, *, level_before: int) -> Facts:
    """The facts of a place and below: four weeks of incidents at most, surge, voices, open dates, alerts below."""
    chance, found = unusual_at(survey, place)
    return facts_at(
        survey.now,
        level_before=level_before,
        level=state_of(survey.session, place.id).level,
        incidents=survey.incidents(place.id),
        surge=chance,
        windows=survey.windows_within(place) if place.level == "town" else survey.windows(place),
        voices=survey.voices[place.id].sources,
        open_below=_open_below(survey.session, [key for key in survey.below[place.id] if key != place.id]),
        unusual=found,
    )


def surge_of(survey: Survey, place: Locality) -> float:
    """The surge probability of scoring.md 3(iii) for the coming four weeks."""
    weeks = survey.weeks_before(place.id, week_of(survey.session, survey.now, place))
    fast, slow = _counts(survey, place.id)
    keys = [key for key, _ in survey.links[place.id]]
    near = sum(_counts(survey, key)[0] for key in keys) / len(keys) if keys else 0.0
    return surge.from_weeks(weeks, fast, slow, near)


def _counts(survey: Survey, place_id: UUID) -> tuple[float, float]:
    # A dry run asks too: a place that nobody assessed yet has no state, and a question does not make one.
    state = survey.session.get(RiskState, place_id)
    if state is None:
        return 0.0, 0.0
    return state.read("count_fast", survey.now), state.read("count_slow", survey.now)


def unusual_at(survey: Survey, place: Locality) -> tuple[float, Unusual]:
    """The surge probability of a place, and which detectors find it and below unusual now; worked out once in a survey."""
    if place.id not in survey.unusual:
        chance = surge_of(survey, place)
        counted = survey.counted(place.id, week_of(survey.session, survey.now, place))
        survey.unusual[place.id] = chance, unusual(counted, chance)
    return survey.unusual[place.id]


def keep_unusual(survey: Survey, place: Locality) -> None:
    """Keep what was found with the place, so that its page need not work it out again."""
    _chance, found = unusual_at(survey, place)
    kept = {"at": survey.now.isoformat(), **found._asdict(), "detectors": list(found.detectors)}
    state_of(survey.session, place.id).unusual = kept


def _open_below(session: Session, below: list[UUID]) -> int:
    # Asked for each place: what was raised below it a moment ago, in this batch, counts.
    if not below:
        return 0
    return (
        session.scalar(select(func.max(Alert.level)).where(Alert.locality_id.in_(below), Alert.state == OPEN))
        or 0
    )
