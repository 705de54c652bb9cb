"""The risk of a place over the API: the level people see, the score in points, what it is made of.

Now, or as it was known at a time.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from alerts import assessing, standing
from alerts.alert import Alert
from alerts.assessing import Score
from alerts.risk import levels, scoring
from committees import profiles
from committees.places import Locality, LocalityPath
from coordination.api.door import Call, endpoint
from coordination.api.rights import own_place
from coordination.api.schemas import Input, Moment, Output
from foundation.errors import Invalid


class RiskQuery(Input):
    """At which time: as it was known then; without it, now."""

    at: Moment | None = None


class TermsOut(Output):
    """The parts of the expected number of grave incidents in 28 days, before calibration; soft signs."""

    background: float
    fast: float
    slow: float
    neighbours: float
    soft: float


class ContributionOut(Output):
    """What gives how many points; all of them sum to the index. `incident` is an id, never a text."""

    key: str
    points: float
    incident: UUID | None
    sign: str | None


class RiskOut(Output):
    """How a place stands. `level` is what people see.

    Levels: 0 Not known, 1 Quiet, 2 Watch, 3 Raised, 4 High, 5 Severe. `index` is in points from 0 to 100;
    `p28` the chance of a grave incident in 28 days; `falls_at` when the level falls if nothing new comes.
    All three are null where the place was never assessed.
    """

    locality: str
    at: Moment
    level: int
    computed_level: int
    known: bool
    index: float | None
    p28: float | None
    terms: TermsOut | None
    contributions: list[ContributionOut]
    falls_at: Moment | None
    profile: str


@endpoint("GET", "/localities/<code>/risk", scope="read", asks=RiskQuery, gives=RiskOut)
def read_risk(call: Call, code: str) -> RiskOut:
    """Read how a place stands and why; with `at`, as it was known then."""
    place = own_place(call, code, "score")
    if call.query.at is None:
        return _now(call, place)
    if call.query.at > call.now:
        raise Invalid("at", "This lies in the future.", "Ask for a past time, or leave `at` out for now.")
    return _then(call.session, place, call.query.at)


def _now(call: Call, place: Locality) -> RiskOut:
    stands = standing.standing(call.session, place, call.now)
    row = assessing.latest(call.session, place.id)
    facts = _of_score(call.session, row) if row else _never(call.session, place)
    return RiskOut(
        locality=place.code,
        at=row.at if row else call.now,
        level=stands.level,
        computed_level=stands.computed,
        known=stands.known,
        **facts,
    )


def _of_score(session: Session, row: Score) -> dict[str, Any]:
    coefficients = assessing.coefficients_of(profiles.in_force(session, row.locality_id).document)
    parts = scoring.terms(row.fast, row.slow, row.near, coefficients)
    lines = [
        _contribution(line["key"], line["points"], line.get("id"), _sign(line)) for line in row.contributions
    ]
    return {
        "index": 100 * row.p28,
        "p28": row.p28,
        "terms": _terms(parts, row.soft),
        "contributions": lines,
        "falls_at": row.falls_at,
        "profile": row.profile,
    }


def _never(session: Session, place: Locality) -> dict[str, Any]:
    versions = profiles.in_force(session, place.id).versions
    empty = {"index": None, "p28": None, "terms": None, "falls_at": None}
    return {**empty, "contributions": [], "profile": " < ".join(versions)}


def _then(session: Session, place: Locality, at: datetime) -> RiskOut:
    risk = assessing.as_known(session, place, at)
    profile = profiles.in_force(session, place.id, at)
    boundaries = tuple(profile.document["boundaries"])
    stored = session.scalars(
        select(Score).where(Score.locality_id == place.id, Score.at <= at).order_by(Score.at.desc()).limit(1)
    ).first()
    computed = stored.level if stored else levels.level_of(risk.p28, boundaries)
    known = bool(stored and stored.known)
    own, below = _alerts_then(session, place, at)
    return RiskOut(
        locality=place.code,
        at=at,
        level=standing.shown_level(computed, own, known=known, open_below=below),
        computed_level=computed,
        known=known,
        index=risk.index,
        p28=risk.p28,
        terms=_terms(risk.terms, risk.soft),
        contributions=[_contribution(c.term, c.points) for c in scoring.contributions(risk, [])],
        falls_at=assessing.falls_at(at, risk, computed, boundaries),
        profile=" < ".join(profile.versions),
    )


def _alerts_then(session: Session, place: Locality, at: datetime) -> tuple[int, bool]:
    """The highest alert of a place that was open at a time (0.

    None), and whether any was open there or below.
    """
    below = select(LocalityPath.descendant_id).where(LocalityPath.ancestor_id == place.id)
    rows = select(Alert).where(Alert.locality_id.in_(below), Alert.origin == "live", Alert.opened_at <= at)
    found = session.scalars(rows.where(or_(Alert.closed_at.is_(None), Alert.closed_at > at))).all()
    return max((alert.level for alert in found if alert.locality_id == place.id), default=0), bool(found)


def _terms(parts: scoring.Terms, soft: float) -> TermsOut:
    background, fast, slow, near = (float(part) for part in parts)
    return TermsOut(background=background, fast=fast, slow=slow, neighbours=near, soft=soft)


def _contribution(
    key: str, points: float, incident: str | None = None, sign: str | None = None
) -> ContributionOut:
    found = UUID(incident) if incident and key == "incident" else None
    return ContributionOut(key=key, points=float(points), incident=found, sign=sign)


def _sign(line: dict[str, Any]) -> str | None:
    found = line.get("indicator") or line.get("trigger")
    return str(found) if found else None
