"""The score of one place at one moment, its level and its reasons, as rows. The formula is risk/scoring.py; raising alerts is raising.py.

A score is stored with everything that explains it: the terms, which incidents gave how many points, the
soft signs, the profile version.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from alerts import evidence
from alerts.evidence import RiskState, fast_at, slow_at, state_of
from alerts.risk import levels, scoring
from alerts.risk.date_terms import date_signs
from alerts.risk.scoring import Risk
from alerts.survey import REACHES, Survey, survey_of
from committees import profiles
from committees.checkins import Voices
from committees.places import Locality, LocalityPath, Neighbour
from committees.windows import DateHere
from foundation.db import Base, Keyed

TOLD = 12  # how many incidents a score names one by one; the rest is summed
REACH = REACHES[-1]


class Score(Keyed, Base):
    """A place's score at a moment: computed level, terms, contributions that sum to the index, profile versions."""

    __tablename__ = "score"

    locality_id: Mapped[UUID] = mapped_column(ForeignKey("locality.id"), index=True)
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


@dataclass(frozen=True)
class Soft:
    """The soft signs of a place: their sum X and each sign with its size, as data."""

    total: float
    signs: tuple[dict[str, Any], ...]


def soft_terms(document: Any, said: Voices, windows: Sequence[DateHere]) -> Soft:
    """Check-ins, indicators, dates: counted when two members say so, each in its bound, all together in theirs."""
    soft = document["soft"]
    signs: list[dict[str, Any]] = []
    if said.median is not None and said.sources >= soft["voices"]:
        size = _between(soft["checkin_median"], said.median)
        if said.all_calm and size < 0:
            size *= soft["all_calm_factor"]
        signs.append({"key": "checkin", "size": size, "median": said.median, "n": said.sources})
    for indicator in document["indicators"]:
        seen, stopped = said.indicators.get(indicator["key"], (0, 0))
        if max(seen, stopped) >= soft["voices"] and seen != stopped:
            size = indicator["seen"] if seen > stopped else indicator["stopped"]
            bound = indicator["bound"]
            signs.append(
                {
                    "key": "indicator",
                    "size": max(-bound, min(bound, size)),
                    "indicator": indicator["key"],
                    "seen": seen > stopped,
                }
            )
    signs += date_signs(document["triggers"], windows)
    bound = soft["bound"]
    total = max(-bound, min(bound, sum(sign["size"] for sign in signs)))
    return Soft(total, tuple(signs))


def _between(table: dict[Any, float], median: float) -> float:
    low, high = int(median), min(5, int(median) + 1)
    sizes = {int(k): float(v) for k, v in table.items()}
    return sizes[low] + (sizes[high] - sizes[low]) * (median - low)


def coefficients_of(document: Any) -> scoring.Coefficients:
    """The starter coefficients with what the profile changes."""
    changed: dict[str, Any] = {
        k: tuple(v) if isinstance(v, list) else v for k, v in document.get("coefficients", {}).items()
    }
    return scoring.Coefficients(**changed)


def neighbours_fast(survey: Survey, locality_id: UUID) -> list[tuple[UUID, float, float]]:
    """Each neighbour with its F now and its weight."""
    session, links = survey.session, survey.links[locality_id]
    states = {key: session.get(RiskState, key) for key, _ in links}
    return [
        (key, fast_at(session, state, survey.now) if (state := states[key]) else 0.0, weight)
        for key, weight in links
    ]


def assess(session: Session, now: datetime, place: Locality, survey: Survey | None = None) -> Score:
    """Compute and store the score of a place now, and move its level; return the row.

    `survey` is what was read for a batch of places at this moment; left out, it is read for this place.
    """
    survey = survey or survey_of(session, now, [place])
    profile, said = survey.profiles[place.id], survey.voices[place.id]
    document, state = profile.document, state_of(session, place.id)
    soft = soft_terms(document, said, survey.windows(place))
    around = neighbours_fast(survey, place.id)
    coefficients = coefficients_of(document)
    near = scoring.neighbour_mean([f for _, f, _ in around], [w for _, _, w in around])
    fast, slow = fast_at(session, state, now), slow_at(session, state, now)
    risk = scoring.score(fast, slow, near, kappa=state.kappa, soft=soft.total, coefficients=coefficients)
    boundaries = tuple(document["boundaries"])
    level = levels.next_level(risk.p28, state.level, boundaries)
    if level != state.level:
        state.before, state.level, state.since = state.level, level, now
    state.p28, state.known, state.assessed_at = risk.p28, said.known or place.level != "ward", now
    # Counted here, because whoever looks at a place may not be allowed to see the reports that wait in it.
    state.open_tasks = survey.waiting[place.id]
    row = Score(
        locality_id=place.id,
        at=now,
        level=level,
        known=state.known,
        p28=risk.p28,
        fast=risk.F,
        slow=risk.S,
        near=risk.N,
        soft=soft.total,
        kappa=state.kappa,
        contributions=explain(survey, place.id, risk, soft),
        profile=" < ".join(profile.versions),
        falls_at=falls_at(now, risk, level, boundaries),
    )
    session.add(row)
    return row


def falls_at(now: datetime, risk: Risk, level: int, boundaries: tuple[float, ...]) -> datetime | None:
    """When the level falls if nothing new comes; None where it never does, or is the lowest."""
    if level <= 1:
        return None
    days = scoring.days_until_below(risk, levels.STEP_DOWN * levels.lower_boundary(level, boundaries))
    return now + timedelta(days=days) if days is not None and days < 3650 else None


def explain(survey: Survey, locality_id: UUID, risk: Risk, soft: Soft) -> list[dict[str, Any]]:
    """Contributions that sum to the index, as data: the strongest incidents one by one, the rest, neighbours, background, soft signs."""
    own = [
        scoring.Evidence(
            str(row.incident_id),
            row.counted,
            scoring.days_between(row.event_at, survey.now),
            row.fast,
            row.slow,
        )
        for row in survey.newest(locality_id)
    ]
    return lines_of(risk, own, soft)


def explain_then(session: Session, at: datetime, locality_id: UUID, risk: Risk) -> list[dict[str, Any]]:
    """The same for a score as it was known at a past time, from the record of changes; soft signs are not kept."""
    below = select(LocalityPath.descendant_id).where(LocalityPath.ancestor_id == locality_id)
    change = evidence.EvidenceChange
    rows = (
        select(
            change.incident_id,
            func.sum(change.fast),
            func.sum(change.slow),
            func.max(change.event_at).label("event_at"),
        )
        .where(change.locality_id.in_(below), change.known_at <= at, change.event_at > at - REACH)
        .group_by(change.incident_id)
        .order_by(func.max(change.event_at).desc())
        .limit(60)
    )
    own = [
        scoring.Evidence(str(key), max(fast, slow), scoring.days_between(event_at, at), fast > 0, slow > 0)
        for key, fast, slow, event_at in session.execute(rows).all()
        if max(fast, slow) > 0
    ]
    return lines_of(risk, own, Soft(0.0, ()))


def lines_of(risk: Risk, own: Sequence[scoring.Evidence], soft: Soft) -> list[dict[str, Any]]:
    """Contributions that sum to the index, as data, the largest first."""
    points: dict[tuple[str, str], float] = {}
    for part in scoring.contributions(risk, own):
        name = (
            "incident"
            if part.term in ("fast", "slow") and part.key
            else "older"
            if part.term in ("fast", "slow")
            else part.term
        )
        points[name, part.key] = points.get((name, part.key), 0.0) + part.points
    told = sorted((k for k in points if k[0] == "incident"), key=lambda k: -points[k])
    for key in told[TOLD:]:
        points["older", ""] = points.get(("older", ""), 0.0) + points.pop(key)
    lines = [
        {"key": name, "id": key, "points": value} for (name, key), value in points.items() if name != "soft"
    ]
    whole = points.get(("soft", ""), 0.0)
    weight = sum(sign["size"] for sign in soft.signs) or 1.0
    lines += [{**sign, "points": whole * sign["size"] / weight} for sign in soft.signs]
    if not soft.signs and abs(whole) > 1e-12:
        lines.append({"key": "floor", "points": whole})
    return sorted(lines, key=lambda line: -abs(float(line["points"])))


def latest(session: Session, locality_id: UUID) -> Score | None:
    """The newest stored score of a place that this session may see."""
    return session.scalars(
        select(Score).where(Score.locality_id == locality_id).order_by(Score.at.desc()).limit(1)
    ).first()


def as_known(session: Session, place: Locality, at: datetime) -> Risk:
    """The score as it was known at a past time, from the record of changes."""
    return next(known_at_each(session, place, [at]))


def known_at_each(session: Session, place: Locality, moments: Sequence[datetime]) -> Iterator[Risk]:
    """The score as it was known at each of these times; the changes behind them are read once."""
    document = profiles.in_force(session, place.id, moments[-1]).document
    links = select(Neighbour.neighbour_id, Neighbour.weight).where(Neighbour.locality_id == place.id)
    around = session.execute(links.order_by(Neighbour.neighbour_id)).all()
    own = evidence.changes_of(session, place.id, moments[-1])
    near = [evidence.changes_of(session, key, moments[-1]) for key, _ in around]
    kappa, coefficients = state_of(session, place.id).kappa, coefficients_of(document)
    for at in moments:
        fast, slow = evidence.sums_then(own, at)
        sums = [evidence.sums_then(changes, at)[0] for changes in near]
        mean = scoring.neighbour_mean(sums, [weight for _, weight in around])
        yield scoring.score(fast, slow, mean, kappa=kappa, coefficients=coefficients)


def backfill(session: Session, now: datetime, place: Locality, weeks: int) -> None:
    """Store scores for past week ends as they were known then, oldest first, for a place whose history was imported."""
    profile = profiles.in_force(session, place.id)
    boundaries, level = tuple(profile.document["boundaries"]), 0
    moments = [now - timedelta(weeks=back) for back in range(weeks, 0, -1)]
    for at, risk in zip(moments, known_at_each(session, place, moments), strict=True):
        level = levels.next_level(risk.p28, level, boundaries)
        session.add(
            Score(
                locality_id=place.id,
                at=at,
                level=level,
                known=True,
                p28=risk.p28,
                fast=risk.F,
                slow=risk.S,
                near=risk.N,
                soft=risk.soft,
                kappa=risk.kappa,
                contributions=[],
                profile=" < ".join(profile.versions),
                falls_at=None,
            )
        )
    state_of(session, place.id).level = level
    session.flush()
