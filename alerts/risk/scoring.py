"""The score: how likely at least one fatal incident is in the coming 28 days, and why.

What lives here: the formula, its coefficients, the two running sums, the weight of a report, and the split
of a score into the reports behind it. What does not: levels (levels.py), calibration (calibration.py), the
database, and the words people read. Everything here is pure; anyone in alerts or coordination may import
it.

The formula, for one place at one moment::

    F, S    sums over own reports of  weight * 2^-(age / half-life),  half-lives 14 and 180 days
    N       mean of the neighbours' F
    Lambda  b + aF F^0.7 + aS S^0.7 + aN N^0.7
    P28     1 - exp(-(kappa * Lambda + X)),   |X| <= 0.10,   exponent never below kappa * b

The functions that take ``F``, ``S`` and ``N`` accept floats or numpy arrays of one shape, so that the
replay of years of history and the score of one town now run through the same lines.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from foundation.lazily import lazily

if TYPE_CHECKING:
    import numpy as np
else:
    np = lazily("numpy")

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Coefficients:
    """The numbers of the formula; the defaults are the starter profile's.

    They were fitted once, on Bangladesh 2011-2017 and Pakistan 2005-2013, rounded, and then tested on years
    and countries they had not seen. The soft bound is a judgement: there is no data to fit it.
    """

    half_life_fast: float = 14.0  # days; the memory of last weeks' events
    half_life_slow: float = 180.0  # days; the memory of a place's history
    exponent: float = 0.7  # diminishing returns: ten reports count about five times one report
    severity_weights: tuple[float, float, float, float, float] = (0.45, 0.65, 1.0, 1.5, 2.25)  # severity 1..5
    background: float = 0.0065  # b: what remains where nothing has been reported
    fast: float = 0.080  # aF
    slow: float = 0.037  # aS
    neighbours: float = 0.016  # aN
    soft_bound: float = 0.10  # largest |X|; below 0.111, the smallest distance between two level boundaries

    def __post_init__(self) -> None:
        """Refuse numbers with which the formula would lose its meaning."""
        if min(self.half_life_fast, self.half_life_slow) <= 0 or not 0 < self.exponent <= 1:
            raise ValueError("Half-lives must be above 0 days, and the exponent above 0 and at most 1.")
        if len(self.severity_weights) != 5 or min(self.severity_weights) < 0:
            raise ValueError("There must be five severity weights, none below 0.")
        if self.background <= 0 or min(self.fast, self.slow, self.neighbours, self.soft_bound) < 0:
            raise ValueError("The background must be above 0, the other coefficients not below it.")


STARTER = Coefficients()

# ------------------------------------------------------------------------------ the weight of a report

CREDIBILITY_STEPS = (0.0, 0.2, 0.5, 0.8, 1.0)
_STEP_OF_CREDIBILITY = {"1": 4, "2": 3, "3": 2, "4": 1, "5": 0, "6": 1}
MULTIPLIER_BOUNDS = (0.5, 2.0)


def grade_weight(grade: str | None) -> float:
    """Return 0..1 for an Admiralty grade such as "B2" or a bare credibility "2"; nothing given counts as 1.

    Source reliability matters in one case: source E is one step lower. Raises ValueError for any other text.
    """
    text = (grade or "").strip().upper()
    if not text:
        return 1.0
    reliability, credibility = ("", text) if len(text) == 1 else (text[0], text[1:])
    if credibility not in _STEP_OF_CREDIBILITY or reliability not in ("", *"ABCDEF"):
        raise ValueError(f"{text!r} is not a grade: use a letter A-F and a digit 1-6, or the digit alone.")
    step = _STEP_OF_CREDIBILITY[credibility] - (reliability == "E")
    return CREDIBILITY_STEPS[max(step, 0)]


def incident_weight(
    severity: int, credibility: float = 1.0, multiplier: float = 1.0, coefficients: Coefficients = STARTER
) -> float:
    """Return what one incident adds to the sums: severity weight x credibility (0..1) x category multiplier.

    Raises ValueError where severity is not 1..5, credibility not 0..1 or the multiplier not 0.5..2.
    """
    if severity not in (1, 2, 3, 4, 5):
        raise ValueError(f"Severity must be 1 to 5, not {severity!r}.")
    if not 0 <= credibility <= 1:
        raise ValueError(f"Credibility must be between 0 and 1, not {credibility!r}.")
    low, high = MULTIPLIER_BOUNDS
    if not low <= multiplier <= high:
        raise ValueError(f"A category multiplier must be between {low} and {high}, not {multiplier!r}.")
    return coefficients.severity_weights[severity - 1] * credibility * multiplier


def capped(weights: Sequence[float], distinct_sources: int) -> list[float]:
    """Return the weights in their order, with 0 for all but the k largest, k = distinct sources.

    For the incidents of one locality, category and local day: however often one source repeats itself, it
    counts once. Of equal weights the earlier one counts.
    """
    ranked = sorted(range(len(weights)), key=lambda i: (-weights[i], i))
    counted = set(ranked[: max(distinct_sources, 0)])
    return [weight if i in counted else 0.0 for i, weight in enumerate(weights)]


# ---------------------------------------------------------------------------------------- running sums


def decay(days: float, half_life: float) -> float:
    """Return 2^-(days / half_life)."""
    return math.pow(2.0, -days / half_life)


def days_between(earlier: datetime, later: datetime) -> float:
    """Return the days from one moment to another, as a fraction; negative if they are the other way round."""
    return (later - earlier) / DAY


@dataclass(frozen=True)
class RunningSum:
    """A sum of decaying weights that is kept as one value at one moment, so that one more event costs O(1).

    ``as_of`` is the moment of the newest event added, or None while nothing was. Events may be added late
    and in any order; a correction adds the difference of two weights and a withdrawal adds the negative
    weight, both at the time of the event itself. The result is the same as summing over all events, to
    rounding.
    """

    half_life: float
    value: float = 0.0
    as_of: datetime | None = None

    def add(self, at: datetime, weight: float) -> RunningSum:
        """Return the sum with an event of this weight at this moment (negative: withdraw it)."""
        if self.as_of is None:
            return replace(self, value=weight, as_of=at)
        if at <= self.as_of:
            return replace(
                self, value=self.value + weight * decay(days_between(at, self.as_of), self.half_life)
            )
        return replace(self, value=self.decayed(at) + weight, as_of=at)

    def decayed(self, to: datetime) -> float:
        """Return the value at a moment.

        Up to a day before ``as_of`` is allowed, because an event known only by its date is set at noon.
        Earlier raises ValueError: a sum cannot forget what came later; add up the events instead.
        """
        if self.as_of is None:
            return 0.0
        days = days_between(self.as_of, to)
        if days < -1:
            raise ValueError(f"This sum holds events up to {self.as_of}; it cannot be read as of {to}.")
        return self.value * decay(days, self.half_life)


# ------------------------------------------------------------------------------------------- the score


class Terms(NamedTuple):
    """The four parts of Lambda, before kappa: floats, or arrays of one shape."""

    background: Any
    fast: Any
    slow: Any
    neighbours: Any


def terms(F: Any, S: Any, N: Any, coefficients: Coefficients = STARTER) -> Terms:
    """Return the parts of Lambda for sums of any one shape; rounding residue below 0 counts as 0."""
    c = coefficients

    def powered(factor: float, value: Any) -> Any:
        return factor * np.maximum(value, 0.0) ** c.exponent

    return Terms(c.background, powered(c.fast, F), powered(c.slow, S), powered(c.neighbours, N))


def intensity(parts: Terms) -> Any:
    """Return Lambda: the expected number of fatal incidents in 28 days, before calibration."""
    return parts.background + parts.fast + parts.slow + parts.neighbours


def hazard(Lambda: Any, kappa: Any = 1.0, soft: Any = 0.0, coefficients: Coefficients = STARTER) -> Any:
    """Return the exponent kappa * Lambda + X, with X held in its bound, the whole never below kappa * b."""
    bounded = np.clip(soft, -coefficients.soft_bound, coefficients.soft_bound)
    return np.maximum(kappa * Lambda + bounded, kappa * coefficients.background)


def probability(exponent: Any) -> Any:
    """Return P28 = 1 - exp(-exponent), without loss of digits where it is small."""
    return -np.expm1(-exponent)


@dataclass(frozen=True)
class Risk:
    """One score with everything it was made of; ``soft`` is X as it counted, after its bounds."""

    F: float
    S: float
    N: float
    Lambda: float
    kappa: float
    soft: float
    exponent: float
    p28: float
    terms: Terms
    coefficients: Coefficients = field(default=STARTER, repr=False)

    @property
    def index(self) -> float:
        """The score in points from 0 to 100."""
        return 100.0 * self.p28


def score(
    F: float,
    S: float,
    N: float,
    *,
    kappa: float = 1.0,
    soft: float = 0.0,
    coefficients: Coefficients = STARTER,
) -> Risk:
    """Return the risk of one place from its sums F and S, its neighbours' mean F, kappa and the soft X."""
    if not kappa > 0 or not all(map(math.isfinite, (F, S, N, kappa, soft))):
        raise ValueError("A score needs finite sums and soft term, and a kappa above 0.")
    parts = Terms(*(float(part) for part in terms(F, S, N, coefficients)))
    Lambda = float(intensity(parts))
    exponent = float(hazard(Lambda, kappa, soft, coefficients))
    p28 = float(probability(exponent))
    return Risk(F, S, N, Lambda, kappa, exponent - kappa * Lambda, exponent, p28, parts, coefficients)


def neighbour_mean(sums: Iterable[float], shares: Iterable[float] | None = None) -> float:
    """Return N from the neighbours' F, weighted where shares are given; 0 for a place without neighbours."""
    values = list(sums)
    weights = [1.0] * len(values) if shares is None else list(shares)
    total = sum(weights)
    return sum(w * v for w, v in zip(weights, values, strict=True)) / total if total > 0 else 0.0


# --------------------------------------------------------------------------------------- contributions


@dataclass(frozen=True)
class Evidence:
    """One incident that counts: its weight (after grade and cap), its age, and the sums it enters."""

    key: str
    weight: float
    age_days: float
    fast: bool = True
    slow: bool = True


class Contribution(NamedTuple):
    """Points of the index that come from one thing.

    ``term`` is fast, slow, neighbours, background or soft. ``key`` is the incident, or "" for background,
    soft, and for whatever a sum holds beyond the evidence that was passed in.
    """

    term: str
    key: str
    points: float


def _shared_out(
    term: str, points: float, total: float, parts: Sequence[tuple[str, float]]
) -> Iterable[Contribution]:
    """Share the points of one term by each part's share of its sum; what no part explains stays unnamed."""
    if not points or total <= 0:
        return
    rest = points
    for key, part in parts:
        share = points * part / total
        rest -= share
        yield Contribution(term, key, share)
    if not parts or abs(rest) > 1e-12 * points:
        yield Contribution(term, "", rest)


def contributions(
    risk: Risk, own: Sequence[Evidence], around: Mapping[str, tuple[float, Sequence[Evidence]]] | None = None
) -> list[Contribution]:
    """Return what makes up the index, in points that sum to it.

    ``around`` gives for each neighbour its share in N (1/n for a plain mean) and its evidence. Evidence may
    be incomplete, for instance only the newest: the rest is returned under the key "".
    """
    c, parts = risk.coefficients, risk.terms
    per_unit = risk.index / risk.exponent
    fast = [(e.key, e.weight * decay(e.age_days, c.half_life_fast)) for e in own if e.fast]
    slow = [(e.key, e.weight * decay(e.age_days, c.half_life_slow)) for e in own if e.slow]
    near = [
        (e.key, share * e.weight * decay(e.age_days, c.half_life_fast))
        for share, evidence in (around or {}).values()
        for e in evidence
        if e.fast
    ]
    scale = risk.kappa * per_unit
    return [
        *_shared_out("fast", scale * parts.fast, risk.F, fast),
        *_shared_out("slow", scale * parts.slow, risk.S, slow),
        *_shared_out("neighbours", scale * parts.neighbours, risk.N, near),
        Contribution("background", "", scale * parts.background),
        Contribution("soft", "", risk.soft * per_unit),
    ]


# ------------------------------------------------------------------------------------- time to a level


def days_until_below(risk: Risk, boundary: float) -> float | None:
    """Return the days until P28 falls below a boundary if nothing new is reported; 0 if it is, None if it
    never will.

    The soft term is taken as it stands. Each powered term is a pure exponential, so one term has a closed
    form. Two terms are solved by Newton's method from a lower bound: the curve falls and is convex, so the
    steps never overshoot.
    """
    c = risk.coefficients
    if risk.p28 < boundary:
        return 0.0
    room = (-math.log1p(-boundary) - risk.soft) / risk.kappa - c.background
    if room <= 0:
        return None
    x, y = risk.terms.fast + risk.terms.neighbours, risk.terms.slow
    return _crossing(x, c.half_life_fast / c.exponent, y, c.half_life_slow / c.exponent, room)


def _crossing(x: float, h_x: float, y: float, h_y: float, room: float) -> float:
    """Return the d at which x 2^-(d/h_x) + y 2^-(d/h_y) = room; 0 if it starts below."""
    alone = [h * math.log2(part / room) for part, h in ((x, h_x), (y, h_y)) if part > 0]
    days = max([0.0, *alone])
    for _ in range(100):
        a, b = x * decay(days, h_x), y * decay(days, h_y)
        slope = (a / h_x + b / h_y) * math.log(2)
        step = (a + b - room) / slope if slope > 0 else 0.0
        if step <= 1e-12 * max(days, 1.0):
            break
        days += step
    return days
