"""The score as it was known at a past time.

At the very moment of a stored score it is that score, to the last digit for ever. Its row holds all that made it (sums, neighbours,
kappa, soft signs, coefficients, the level before), and `again` makes it anew from these and the ledger. At any other moment the sums come
from the ledger of changes as it was known then (summed in one fixed order, so that the same question gets the same digits), kappa from
its dated rows, the profile from its versions; neighbours, soft signs, news and the level before are those of the last score before that
moment, because what they were made of may have been erased since. Anyone in coordination may import it; it reads the ledger, so it
wants a service's session.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from alerts import assessing, ledger
from alerts.assessing import Score
from alerts.calibrating import kappa_at
from alerts.evidence import state_of
from alerts.explaining import Near, Soft, lines_of, near_mean, signs_of
from alerts.nearby import links_each
from alerts.risk import scoring
from alerts.risk.numbers import Numbers, numbers_of
from alerts.risk.scoring import Risk
from committees import profiles
from committees.places import Locality
from committees.profiles import Effective


@dataclass(frozen=True)
class Known:
    """A score as it was known at a moment; `stored` says that it was computed and kept at that very moment."""

    at: datetime
    risk: Risk
    level: int
    known: bool
    contributions: list[dict[str, Any]]
    profile: str
    falls_at: datetime | None
    confidence: dict[str, Any] | None
    stored: bool


def as_known(session: Session, place: Locality, at: datetime) -> Known:
    """The score as it was known at a time."""
    row = assessing.latest(session, place.id, at)
    if row is not None and row.at == at:
        return kept(row)
    effective = profiles.in_force(session, place.id, at)
    numbers = numbers_of(effective.document)
    around = _around_then(session, place.id, at, row, effective)
    soft = signs_of(row.contributions, row.soft) if row else Soft(0.0, ())
    fast, slow = ledger.sums_then(ledger.changes_of(session, place.id, at), at, numbers.coefficients)
    near, kappa = near_mean(around), kappa_at(session, place.id, at)
    risk = scoring.score(fast, slow, near, kappa=kappa, soft=soft.total, coefficients=numbers.coefficients)
    level = numbers.level(risk.p28, row.level if row else 0)
    return Known(
        at,
        risk,
        level,
        bool(row and row.known),
        lines_of(risk, ledger.weights_then(session, place.id, at), soft, around),
        " < ".join(effective.versions),
        assessing.falls_at(at, risk, level, numbers),
        row.basis.get("confidence") if row else None,
        stored=False,
    )


def kept(row: Score) -> Known:
    """A stored score as it was given out."""
    risk = replace(assessing.risk_of(row), p28=row.p28)
    confidence = row.basis.get("confidence")
    return Known(
        row.at,
        risk,
        row.level,
        row.known,
        row.contributions,
        row.profile,
        row.falls_at,
        confidence,
        stored=True,
    )


def again(session: Session, row: Score) -> Known:
    """A stored score computed anew: the number from its own row, what made it up from the ledger as it was known then."""
    risk, numbers = assessing.risk_of(row), assessing.numbers_then(row)
    level = numbers.level(risk.p28, row.basis.get("before", 0))
    own = ledger.weights_then(session, row.locality_id, row.at)
    return Known(
        row.at,
        risk,
        level,
        row.known,
        lines_of(risk, own, signs_of(row.contributions, row.soft), assessing.around_of(row)),
        row.profile,
        assessing.falls_at(row.at, risk, level, numbers),
        row.basis.get("confidence"),
        stored=True,
    )


def _around_then(
    session: Session, place_id: UUID, at: datetime, row: Score | None, effective: Effective
) -> list[Near]:
    """The neighbours of the last score, with their F as it was known then."""
    if row is not None and "around" in row.basis:
        links = [(UUID(near.id), near.weight) for near in assessing.around_of(row)]
    else:
        links = links_each(session, [place_id], {place_id: effective})[place_id]
    return [Near(str(key), _fast_then(session, key, at), weight) for key, weight in links]


def _fast_then(session: Session, place_id: UUID, at: datetime) -> float:
    numbers = numbers_of(profiles.in_force(session, place_id, at).document)
    return ledger.sums_then(ledger.changes_of(session, place_id, at), at, numbers.coefficients)[0]


def weekly(
    session: Session, place: Locality, moments: Sequence[datetime]
) -> Iterator[tuple[Risk, list[Near]]]:
    """The score at each of these times from the ledger alone, without soft signs, and its neighbours; the ledger is read once."""
    effective = profiles.in_force(session, place.id, moments[-1])
    coefficients = numbers_of(effective.document).coefficients
    links = links_each(session, [place.id], {place.id: effective})[place.id]
    own = ledger.changes_of(session, place.id, moments[-1])
    near = [(key, weight, ledger.changes_of(session, key, moments[-1])) for key, weight in links]
    kappa = state_of(session, place.id).kappa
    for at in moments:
        fast, slow = ledger.sums_then(own, at, coefficients)
        around = [Near(str(k), ledger.sums_then(changes, at, coefficients)[0], w) for k, w, changes in near]
        yield scoring.score(fast, slow, near_mean(around), kappa=kappa, coefficients=coefficients), around


def backfill(session: Session, now: datetime, place: Locality, weeks: int) -> None:
    """Store scores for past week ends as they were known then, oldest first, for a place whose history was imported."""
    profile = profiles.in_force(session, place.id)
    numbers: Numbers = numbers_of(profile.document)
    level = 0
    moments = [now - timedelta(weeks=back) for back in range(weeks, 0, -1)]
    for at, (risk, around) in zip(moments, weekly(session, place, moments), strict=True):
        before, level = level, numbers.level(risk.p28, level)
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
                soft=0.0,
                kappa=risk.kappa,
                contributions=lines_of(risk, (), Soft(0.0, ()), around),
                profile=" < ".join(profile.versions),
                falls_at=None,
                basis=assessing.basis_of(numbers, numbers.coefficients, before, around, None),
            )
        )
    state_of(session, place.id).level = level
    session.flush()
