"""The score of one place at one moment, its level and its reasons, as rows. The formula is risk/scoring.py; raising alerts is raising.py.

A score is stored with everything that made it: the sums as they were read, the neighbours, kappa, the soft signs, the coefficients and
boundaries of the profile version, the level before. `risk_of` and `level_of` make it again from these, to the last digit, whatever is
corrected, erased or recalibrated later. A score of a time between two stored ones is known_then.py.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from alerts.evidence import RiskState, state_of
from alerts.explaining import Confidence, Near, lines_of, near_mean, soft_terms
from alerts.risk import levels, scoring
from alerts.risk.numbers import Numbers, as_data, coefficients_of
from alerts.risk.scoring import Risk
from alerts.survey import Survey, survey_of
from committees.places import Locality, local_day, zone_of
from foundation.db import Base, Keyed


class Score(Keyed, Base):
    """A place's score at a moment: computed level, terms, contributions that sum to the index, profile versions.

    `basis` is what else it takes to compute it again: coefficients, boundaries, step_down, the level before, each neighbour with its F
    and weight; and the confidence of that moment. A place has one score for one moment.
    """

    __tablename__ = "score"
    __table_args__ = (Index("ix_score_place", "locality_id", "at"),)

    locality_id: Mapped[UUID] = mapped_column(ForeignKey("locality.id"))
    at: Mapped[datetime] = mapped_column(index=True)
    level: Mapped[int]
    known: Mapped[bool]
    p28: Mapped[float]
    fast: Mapped[float]
    slow: Mapped[float]
    near: Mapped[float]
    soft: Mapped[float]
    kappa: Mapped[float]
    contributions: Mapped[list[Any]]
    profile: Mapped[str]
    falls_at: Mapped[datetime | None]
    basis: Mapped[dict[str, Any]] = mapped_column(default=dict)


def neighbours_of(survey: Survey, locality_id: UUID) -> list[Near]:
    """Each neighbour with its F now and its weight."""
    session, links = survey.session, survey.links[locality_id]
    states = {key: session.get(RiskState, key) for key, _ in links}
    return [
        Near(str(key), state.read("fast", survey.now) if (state := states[key]) else 0.0, weight)
        for key, weight in links
    ]


def assess(session: Session, now: datetime, place: Locality, survey: Survey | None = None) -> Score:
    """Compute and store the score of a place now, and move its level; return the row.

    `survey` is what was read for a batch of places at this moment; left out, it is read for this place.
    """
    survey = survey or survey_of(session, now, [place])
    profile, said, state = survey.profiles[place.id], survey.voices[place.id], state_of(session, place.id)
    numbers = survey.numbers(place.id)
    soft = soft_terms(profile.document, said, survey.windows(place), local_day(now, zone_of(session, place)))
    around = neighbours_of(survey, place.id)
    coefficients = kept_in(state, numbers)
    fast, slow, near = state.read("fast", now), state.read("slow", now), near_mean(around)
    risk = scoring.score(fast, slow, near, kappa=state.kappa, soft=soft.total, coefficients=coefficients)
    level, before = numbers.level(risk.p28, state.level), state.level
    row = _row_for(session, state, place.id, now) or Score(locality_id=place.id, at=now)
    if level != before:
        state.before, state.level, state.since = before, level, now
    state.p28, state.known, state.assessed_at = risk.p28, said.known or place.level != "ward", now
    state.plain = float(scoring.probability(scoring.hazard(risk.Lambda, 1.0, soft.total, coefficients)))
    state.soft, state.said, state.due = soft.total, soft.said, False
    # Counted here, because whoever looks at a place may not be allowed to see the reports that wait in it.
    state.open_tasks = survey.waiting[place.id]
    row.level, row.known, row.p28 = level, state.known, risk.p28
    row.fast, row.slow, row.near, row.soft, row.kappa = risk.F, risk.S, risk.N, soft.total, risk.kappa
    row.contributions = lines_of(risk, own_evidence(survey, place.id), soft, around)
    row.profile = " < ".join(profile.versions)
    row.falls_at = falls_at(now, risk, level, numbers)
    row.basis = basis_of(numbers, coefficients, before, around, confidence_of(survey, place.id))
    session.add(row)
    return row


def _row_for(session: Session, state: RiskState, place_id: UUID, now: datetime) -> Score | None:
    """The row of this very moment, if there is one: what is known of a moment is what was known last in it."""
    if state.assessed_at != now:
        return None
    return session.scalars(select(Score).where(Score.locality_id == place_id, Score.at == now)).first()


def kept_in(state: RiskState | Any, numbers: Numbers) -> scoring.Coefficients:
    """A profile's coefficients with the half-lives that a place's sums are kept in: they follow a new profile a little later."""
    return replace(
        numbers.coefficients, half_life_fast=state.half_life_fast, half_life_slow=state.half_life_slow
    )


def basis_of(
    numbers: Numbers,
    coefficients: scoring.Coefficients,
    before: int,
    around: list[Near],
    confidence: Confidence | None,
) -> dict[str, Any]:
    """What is stored with a score so that it can be computed again."""
    return {
        "coefficients": as_data(coefficients),
        "boundaries": list(numbers.boundaries),
        "step_down": numbers.step_down,
        "before": before,
        "around": [[near.id, near.fast, near.weight] for near in around],
        "confidence": confidence.as_data() if confidence else None,
    }


def risk_of(row: Score) -> Risk:
    """A stored score computed again from its own row."""
    around = around_of(row)
    near = near_mean(around) if around else row.near
    coefficients = coefficients_of(row.basis)
    return scoring.score(row.fast, row.slow, near, kappa=row.kappa, soft=row.soft, coefficients=coefficients)


def numbers_then(row: Score) -> Numbers:
    """The coefficients, boundaries and step down that a stored score was made with."""
    return Numbers(
        coefficients_of(row.basis),
        boundaries=tuple(row.basis.get("boundaries", levels.BOUNDARIES)),
        step_down=row.basis.get("step_down", levels.STEP_DOWN),
    )


def around_of(row: Score) -> list[Near]:
    """The neighbours of a stored score as they stood then."""
    return [Near(str(key), fast, weight) for key, fast, weight in row.basis.get("around", ())]


def falls_at(now: datetime, risk: Risk, level: int, numbers: Numbers) -> datetime | None:
    """When the level falls if nothing new comes; None where it never does, or is the lowest."""
    if level <= 1:
        return None
    edge = numbers.step_down * levels.lower_boundary(level, numbers.boundaries)
    days = scoring.days_until_below(risk, edge)
    return now + timedelta(days=days) if days is not None and days < 3650 else None


def own_evidence(survey: Survey, locality_id: UUID) -> list[scoring.Evidence]:
    """The newest weights of a place and below, as a score names them."""
    return [
        scoring.Evidence(
            str(row.incident_id),
            row.counted,
            scoring.days_between(row.event_at, survey.now),
            row.fast,
            row.slow,
        )
        for row in survey.newest(locality_id)
    ]


def confidence_of(survey: Survey, locality_id: UUID) -> Confidence:
    """What the level of a place rests on now."""
    said, facts = survey.voices[locality_id], survey.incidents(locality_id)
    news = [fact.received_at for fact in facts]
    return Confidence(
        said.sources,
        len(facts),
        sum(fact.how_known == "saw" for fact in facts),
        max([*news, *([said.last_at] if said.last_at else [])], default=None),
    )


def latest(session: Session, locality_id: UUID, at: datetime | None = None) -> Score | None:
    """The newest stored score of a place (until a moment) that this session may see."""
    rows = select(Score).where(Score.locality_id == locality_id)
    rows = rows if at is None else rows.where(Score.at <= at)
    return session.scalars(rows.order_by(Score.at.desc()).limit(1)).first()
