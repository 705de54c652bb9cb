"""The risk of a place over the API: the level people see, the score in points, what it is made of.

Now, or as it was known at a time.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from alerts import assessing, calibrating, known_then, standing
from alerts.alert import Alert
from alerts.risk import scoring
from alerts.score_sentences import kappa_sentence
from committees import profiles
from committees.places import Locality, LocalityPath, zone_of
from coordination import reach, score_view
from coordination.api.door import Call, endpoint
from coordination.api.rights import own_place
from coordination.api.schemas import Input, Moment, Output
from foundation.errors import Invalid
from foundation.policy import service


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
    """What gives how many points, in a sentence; all of them sum to the index.

    `incident` and `neighbour` are named only where the caller may see them. What they may not see is one
    line with the key `hidden`.
    """

    key: str
    points: float
    sentence: str
    incident: UUID | None
    neighbour: str | None
    sign: str | None


class ConfidenceOut(Output):
    """How sure the level is: little, some or good.

    People who spoke in 14 days, the share of the reports of 4 weeks that was seen in person, the hour of the newest
    news. How many reports there were is not said: some may not be the caller's to know of.
    """

    grade: Literal["little", "some", "good"]
    voices: int
    seen_share: float | None
    last_news: Moment | None


class KappaOut(Output):
    """The calibration in use, and what it would be unheld: for analysts only."""

    held: float
    unheld: float
    since: Moment | None
    sentence: str


class RiskOut(Output):
    """How a place stands. `level` is what people see.

    Levels: 0 Not known, 1 Quiet, 2 Watch, 3 Raised, 4 High, 5 Severe. `index` is in points from 0 to 100;
    `p28` the chance of a grave incident in 28 days; `falls_at` when the level falls if nothing new comes.
    All three are null where the place was never assessed. With `at`, the score is as it was known then: at the
    moment of a stored score it is that score to the last digit.
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
    confidence: ConfidenceOut | None
    kappa: KappaOut | None
    profile: str


@endpoint("GET", "/localities/<code>/risk", scope="read", asks=RiskQuery, gives=RiskOut)
def read_risk(call: Call, code: str) -> RiskOut:
    """Read how a place stands and why; with `at`, as it was known then."""
    place = own_place(call, code, "score")
    if call.query.at is None:
        return _now(call, place)
    if call.query.at > call.now:
        raise Invalid("at", "This lies in the future.", "Ask for a past time, or leave `at` out for now.")
    return _then(call, place, call.query.at)


def _now(call: Call, place: Locality) -> RiskOut:
    stands = standing.standing(call.session, place, call.now)
    row = assessing.latest(call.session, place.id)
    shown = {"level": stands.level, "computed_level": stands.computed, "known": stands.known}
    if row is None:
        return _never(call, place, shown)
    return _told(
        call,
        place,
        row.at,
        assessing.risk_of(row),
        row.contributions,
        falls_at=row.falls_at,
        confidence=row.basis.get("confidence"),
        profile=row.profile,
        **shown,
    )


def _never(call: Call, place: Locality, shown: dict[str, Any]) -> RiskOut:
    versions = profiles.in_force(call.session, place.id).versions
    return RiskOut(
        locality=place.code,
        at=call.now,
        **shown,
        index=None,
        p28=None,
        terms=None,
        contributions=[],
        falls_at=None,
        confidence=None,
        kappa=_kappa(call, place, call.now),
        profile=" < ".join(versions),
    )


def _then(call: Call, place: Locality, at: datetime) -> RiskOut:
    # The ledger holds the minute of incidents that the caller may not see, so a service reads it.
    with call.runtime.worker.open(service("command")) as session:
        found = known_then.as_known(session, place, at)
    own, below = _alerts_then(call.session, place, at)
    return _told(
        call,
        place,
        at,
        found.risk,
        found.contributions,
        level=standing.shown_level(found.level, own, known=found.known, open_below=below),
        computed_level=found.level,
        known=found.known,
        falls_at=found.falls_at,
        confidence=found.confidence,
        profile=found.profile,
    )


def _told(
    call: Call,
    place: Locality,
    at: datetime,
    risk: scoring.Risk,
    lines: list[dict[str, Any]],
    *,
    confidence: dict[str, Any] | None,
    **shown: Any,
) -> RiskOut:
    """A score at the caller's rights."""
    seen = score_view.seen(call.session, call.principal, lines, zone_of(call.session, place))
    return RiskOut(
        locality=place.code,
        at=at,
        **shown,
        index=risk.index,
        p28=risk.p28,
        terms=_terms(risk),
        contributions=[_contribution(line) for line in score_view.at_rights(lines, seen)],
        confidence=_confidence(confidence) if confidence else None,
        kappa=_kappa(call, place, at),
    )


def _confidence(found: dict[str, Any]) -> ConfidenceOut:
    last = datetime.fromisoformat(found["last_at"]) if found["last_at"] else None
    return ConfidenceOut(
        grade=found["grade"],
        voices=found["voices"],
        seen_share=round(found["seen"] / found["reports"], 2) if found["reports"] else None,
        last_news=last.replace(minute=0, second=0, microsecond=0) if last else None,
    )


def _alerts_then(session: Session, place: Locality, at: datetime) -> tuple[int, bool]:
    """The highest alert of a place that was open at a time (0: none), and whether any was open there or below."""
    below = select(LocalityPath.descendant_id).where(LocalityPath.ancestor_id == place.id)
    rows = select(Alert).where(Alert.locality_id.in_(below), Alert.origin == "live", Alert.opened_at <= at)
    found = session.scalars(rows.where(or_(Alert.closed_at.is_(None), Alert.closed_at > at))).all()
    return max((alert.level for alert in found if alert.locality_id == place.id), default=0), bool(found)


def _terms(risk: scoring.Risk) -> TermsOut:
    background, fast, slow, near = (float(part) for part in risk.terms)
    return TermsOut(background=background, fast=fast, slow=slow, neighbours=near, soft=risk.soft)


def _contribution(line: dict[str, Any]) -> ContributionOut:
    sign = line.get("indicator") or line.get("trigger")
    return ContributionOut(
        key=line["key"],
        points=float(line["points"]),
        sentence=line["sentence"],
        incident=UUID(line["id"]) if line["key"] == "incident" else None,
        neighbour=line["code"] if line["key"] == "neighbour" else None,
        sign=str(sign) if sign else None,
    )


def _kappa(call: Call, place: Locality, at: datetime) -> KappaOut | None:
    if not call.principal.roles & set(reach.ANALYSTS):
        return None
    row = calibrating.kappa_row(call.session, place.id, at)
    held, unheld = (row.held, row.unheld) if row else (1.0, 1.0)
    return KappaOut(
        held=held, unheld=unheld, since=row.at if row else None, sentence=kappa_sentence(held, unheld)
    )
