"""The scores of very many places at once, as columns of numbers: what follows when a profile changes for a whole country.

The same formula as assessing.py, from the sums, kappa and what people said as they stand, and from what the profile says holds peace
together. A score made here says what made it up in sums, not incident by incident: the next assessment of the place names them. Where the
level changes nothing is stored here: the place becomes due, so that its rules run. Only reweighing.py and benchmarks call it.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import Row, insert, select, update
from sqlalchemy.orm import Session

from alerts import nearby
from alerts.assessing import Score, basis_of, falls_at, kept_in
from alerts.evidence import RiskState
from alerts.risk import levels, scoring
from alerts.risk.numbers import Numbers, numbers_of
from alerts.risk.peace_terms import peace_signs
from alerts.risk.scoring import Coefficients
from committees import profiles
from committees.places import Locality, LocalityPath, Neighbour, local_day, zone_of
from committees.profiles import Effective
from foundation.lazily import lazily

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from alerts.risk.arrays import Floats
else:
    np = lazily("numpy")

CHUNK = 5000
FIELDS = (
    RiskState.locality_id,
    RiskState.fast,
    RiskState.fast_at,
    RiskState.slow,
    RiskState.slow_at,
    RiskState.half_life_fast,
    RiskState.half_life_slow,
    RiskState.kappa,
    RiskState.said,
    RiskState.level,
    RiskState.known,
)


@dataclass(frozen=True)
class Scored:
    """How many places a chunk held, and the last of them; None where there are no more."""

    places: int
    last: UUID | None


@dataclass(frozen=True)
class Columns:
    """The states of some places as columns, with what was computed of them."""

    rows: Sequence[Row[Any]]
    fast: Floats
    slow: Floats
    near: Floats
    soft: Floats
    parts: scoring.Terms
    exponent: Floats
    plain: Floats

    @property
    def p28(self) -> Floats:
        """P28 of each."""
        found: Floats = scoring.probability(self.exponent)
        return found


def rescore(
    session: Session, now: datetime, under: UUID, after: UUID | None = None, *, everything_due: bool = False
) -> Scored:
    """Score the next places at and below one, in the order of their ids; those whose level changes become due."""
    rows = select(*FIELDS).join(LocalityPath, LocalityPath.descendant_id == RiskState.locality_id)
    rows = rows.where(LocalityPath.ancestor_id == under, RiskState.assessed_at.is_not(None))
    if after:
        rows = rows.where(RiskState.locality_id > after)
    found = session.execute(rows.order_by(RiskState.locality_id).limit(CHUNK)).all()
    if not found:
        return Scored(0, None)
    effective = _profiles(session, [row.locality_id for row in found])
    # Sums follow new half-lives a little later than weights do: those under one profile and kept alike are scored together.
    alike: dict[tuple[int, float, float], list[Any]] = {}
    for row in found:
        profile = effective[row.locality_id]
        alike.setdefault((id(profile), row.half_life_fast, row.half_life_slow), []).append(row)
    for together in alike.values():
        _store(session, now, together, effective[together[0].locality_id], everything_due)
    return Scored(len(found), found[-1].locality_id if len(found) == CHUNK else None)


def _profiles(session: Session, ids: Sequence[UUID]) -> dict[UUID, Effective]:
    rows = select(LocalityPath.descendant_id, LocalityPath.ancestor_id)
    rows = rows.where(LocalityPath.descendant_id >= ids[0], LocalityPath.descendant_id <= ids[-1])
    above: dict[UUID, list[UUID]] = {key: [] for key in ids}
    for key, ancestor in session.execute(rows.order_by(LocalityPath.depth)).all():
        if key in above:
            above[key].append(ancestor)
    return profiles.in_force_each(session, above)


def columns(
    now: datetime, rows: Sequence[Row[Any]], coefficients: Coefficients, near: Floats, soft: Floats
) -> Columns:
    """Compute the scores of places whose sums are kept in the same half-lives; `soft` is X of each."""
    c = coefficients
    fast = decayed([r.fast for r in rows], [r.fast_at for r in rows], now, c.half_life_fast)
    slow = decayed([r.slow for r in rows], [r.slow_at for r in rows], now, c.half_life_slow)
    kappa = np.array([r.kappa for r in rows])
    parts = scoring.terms(fast, slow, near, c)
    whole = scoring.intensity(parts)
    exponent = scoring.hazard(whole, kappa, soft, c)
    plain = scoring.probability(scoring.hazard(whole, 1.0, soft, c))
    return Columns(rows, fast, slow, near, soft, parts, exponent, plain)


def decayed(
    values: Sequence[float], moments: Sequence[datetime | None], now: datetime, half_life: Any
) -> Floats:
    """Running sums at a moment, never below 0."""
    at, base = now.timestamp(), np.array(values)
    days = np.array([0.0 if moment is None else (at - moment.timestamp()) / 86400 for moment in moments])
    found: Floats = np.maximum(0.0, base * np.exp2(-days / half_life))
    return found


def near_of(session: Session, now: datetime, ids: Sequence[UUID], profile: Effective) -> Floats:
    """N of each of these places under one profile: the weighted mean of its neighbours' F."""
    place = {key: number for number, key in enumerate(ids)}
    own = ids if profile.document.get("neighbours") else ()
    laid = nearby.links_each(session, own, dict.fromkeys(own, profile)) if own else {}
    rows = select(
        Neighbour.locality_id, Neighbour.weight, RiskState.fast, RiskState.fast_at, RiskState.half_life_fast
    ).outerjoin(RiskState, RiskState.locality_id == Neighbour.neighbour_id)
    rows = rows.where(Neighbour.locality_id >= min(ids), Neighbour.locality_id <= max(ids))
    found = [row for row in session.execute(rows) if row[0] in place and row[0] not in laid]
    found += _laid(session, laid)
    if not found:
        return np.zeros(len(ids))
    at = np.array([place[row[0]] for row in found])
    weight = np.array([row[1] for row in found], dtype=np.float64)
    half_life = np.array([row[4] or 1.0 for row in found])
    fast = decayed([row[2] or 0.0 for row in found], [row[3] for row in found], now, half_life)
    whole = np.bincount(at, weight, len(ids))
    return np.bincount(at, weight * fast, len(ids)) / np.where(whole > 0, whole, 1.0)


def _laid(session: Session, laid: dict[UUID, nearby.Links]) -> list[Any]:
    """The links that a place's own profile changes, with the states of the other side."""
    others = {other for links in laid.values() for other, _weight in links}
    states = {
        s.locality_id: s for s in session.scalars(select(RiskState).where(RiskState.locality_id.in_(others)))
    }
    return [
        (key, weight, state.fast, state.fast_at, state.half_life_fast)
        if (state := states.get(other))
        else (key, weight, 0.0, None, 1.0)
        for key, links in laid.items()
        for other, weight in links
    ]


def soft_of(session: Session, now: datetime, rows: Sequence[Row[Any]], document: Mapping[str, Any]) -> Floats:
    """X of places under one profile: what was said at each, and what holds peace together under all of them, within the bound."""
    said = np.array([row.said for row in rows])
    if document.get("holds_peace"):
        zone = zone_of(session, session.get_one(Locality, rows[0].locality_id))
        signs = peace_signs(document["holds_peace"], document["soft"], local_day(now, zone))
        said = said + sum(sign["size"] for sign in signs)
    bound = float(document["soft"]["bound"])
    whole: Floats = np.clip(said, -bound, bound)
    return whole


def _store(
    session: Session,
    now: datetime,
    rows: Sequence[Row[Any]],
    profile: Effective,
    everything_due: bool,
) -> None:
    numbers = numbers_of(profile.document)
    coefficients = kept_in(rows[0], numbers)
    near = near_of(session, now, [row.locality_id for row in rows], profile)
    made = columns(now, rows, coefficients, near, soft_of(session, now, rows, profile.document))
    before = np.array([row.level for row in rows])
    after = levels.next_levels(made.p28, before, numbers.boundaries, numbers.step_down)
    same = np.flatnonzero(after == before)
    changed = [rows[n].locality_id for n in np.flatnonzero(after != before).tolist()]
    _due(session, [row.locality_id for row in rows] if everything_due else changed)
    if not len(same):
        return
    scores = _scores(now, made, same, numbers, coefficients, " < ".join(profile.versions))
    session.execute(insert(Score), scores)
    p28, plain, soft = (values[same].tolist() for values in (made.p28, made.plain, made.soft))
    moved = [
        {
            "locality_id": rows[n].locality_id,
            "p28": p28[i],
            "plain": plain[i],
            "soft": soft[i],
            "assessed_at": now,
        }
        for i, n in enumerate(same.tolist())
    ]
    session.execute(update(RiskState).execution_options(synchronize_session=False), moved)


def _due(session: Session, ids: Sequence[UUID]) -> None:
    if ids:
        rows = [{"locality_id": key, "due": True} for key in ids]
        session.execute(update(RiskState).execution_options(synchronize_session=False), rows)


def _scores(
    now: datetime, made: Columns, chosen: NDArray[Any], numbers: Numbers, c: Coefficients, versions: str
) -> list[dict[str, Any]]:
    """The rows of scores whose level stays."""
    basis = {**basis_of(numbers, c, 0, [], None), "around": []}
    bases = {level: {**basis, "before": level} for level in range(6)}
    p28, exponent = made.p28, made.exponent
    scale = 100.0 * p28 / exponent
    kappa = np.array([row.kappa for row in made.rows])
    whole = scoring.intensity(made.parts)
    soft = exponent - kappa * whole
    columns = {
        "older": scale * kappa * (made.parts.fast + made.parts.slow),
        "neighbours": scale * kappa * made.parts.neighbours,
        "background": scale * kappa * made.parts.background,
        "signs": scale * soft,
    }
    lines = {key: values[chosen].tolist() for key, values in columns.items()}
    numbers_of_rows = zip(
        chosen.tolist(),
        p28[chosen].tolist(),
        made.fast[chosen].tolist(),
        made.slow[chosen].tolist(),
        made.near[chosen].tolist(),
        made.soft[chosen].tolist(),
        strict=True,
    )
    return [
        {
            "id": uuid.uuid4(),
            "locality_id": made.rows[n].locality_id,
            "at": now,
            "level": made.rows[n].level,
            "known": made.rows[n].known,
            "p28": chance,
            "fast": fast,
            "slow": slow,
            "near": near,
            "soft": soft_signs,
            "kappa": made.rows[n].kappa,
            "contributions": [
                {"key": key, "id": "", "points": values[i]} for key, values in lines.items() if values[i]
            ],
            "profile": versions,
            "falls_at": _falls(now, made.rows[n], (fast, slow, near, soft_signs), numbers, c),
            "basis": bases[made.rows[n].level],
        }
        for i, (n, chance, fast, slow, near, soft_signs) in enumerate(numbers_of_rows)
    ]


def _falls(
    now: datetime, row: Row[Any], read: tuple[float, float, float, float], numbers: Numbers, c: Coefficients
) -> datetime | None:
    """Most places are at level 1, which never falls: only the others cost anything."""
    if row.level <= 1:
        return None
    fast, slow, near, soft = read
    risk = scoring.score(fast, slow, near, kappa=row.kappa, soft=soft, coefficients=c)
    return falls_at(now, risk, row.level, numbers)
