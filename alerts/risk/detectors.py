"""Aberration detectors: whether a place's weekly count is unusual for that place.

What lives here: EARS C1, C2, C3 and CUSUM, for all places at once, and which of them speak now. What does
not: Farrington's method, which only the offline report uses (farrington.py), and the score, into which no
detector ever enters. Pure; anyone in alerts or coordination may import it.

Counts are an array of places x weeks. Whatever is said of a week rests on that week and the weeks before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist
from typing import TYPE_CHECKING, NamedTuple

from foundation.lazily import lazily

if TYPE_CHECKING:
    import numpy as np

    from alerts.risk.arrays import Bools, Floats
else:
    np = lazily("numpy")

BASELINE = 7
GAP = 2
"""EARS compares a week with 7 weeks: C1 with those just before it, C2 and C3 with those that ended 2 weeks before."""

ALPHA = {1: 0.001, 2: 0.001, 3: 0.025}
REFERENCE = 52
LEAST_SPREAD = 0.5
SLACK = 0.5
DECISION = 4.0
"""CUSUM: a year as reference, half a standard deviation of slack. At 4 it errs about once in six quiet years."""

MEMORY = 2 * REFERENCE + 1
"""How many weeks the product looks at: each of the last 53 is compared with the year before it."""

LEAST_A_WEEK = 1.0
"""Where fewer incidents than this were counted in a week of the last year, any incident at all is unusual."""

SURGE_CHANCE = 0.5


class Detection(NamedTuple):
    """What one detector says of each place and week.

    ``bound`` is the highest count that is still usual, NaN where the detector cannot say. ``alarm`` is
    whether the count is above it. ``statistic`` ranks weeks by how unusual they are.
    """

    bound: Floats
    alarm: Bools
    statistic: Floats


class Unusual(NamedTuple):
    """Which of c2, cusum and surge find a place unusual now, a week's count, and up to how many would be usual."""

    detectors: tuple[str, ...] = ()
    seen: int = 0
    usual: int = 0


def reference(counts: Floats, weeks: int, gap: int = 0) -> tuple[Floats, Floats]:
    """Return mean and standard deviation of so many weeks before each week, leaving out the last ``gap``.

    NaN for the first weeks, which have not so many before them.
    """
    mean, spread = np.full(counts.shape, np.nan), np.full(counts.shape, np.nan)
    first = weeks + gap
    if counts.shape[1] > first:
        windows = np.lib.stride_tricks.sliding_window_view(counts, weeks, axis=1)[
            :, : counts.shape[1] - first
        ]
        mean[:, first:] = windows.mean(axis=2)
        spread[:, first:] = windows.std(axis=2, ddof=1)
    return mean, spread


def ears(counts: Floats, kind: int, least_spread: float = 0.0) -> Detection:
    """Return EARS C1, C2 or C3, equal to R's surveillance::earsC.

    C3 adds up by how much C2 exceeded one standard deviation in this week and the two before. As in R, its
    bound starts from the count itself, and there is none after weeks that say nothing (0 / 0).
    """
    counts = np.asarray(counts, dtype=np.float64)
    z = NormalDist().inv_cdf(1 - ALPHA[kind])
    mean, spread = reference(counts, BASELINE, 0 if kind == 1 else GAP)
    spread = np.maximum(spread, least_spread)
    with np.errstate(divide="ignore", invalid="ignore"):
        above = (counts - mean) / spread
        if kind < 3:
            bound, statistic = mean + z * spread, above
        else:
            over = np.maximum(above - 1, 0.0)
            earlier = _before(over, 1) + _before(over, 2)
            bound, statistic = np.maximum(counts + spread * (z - earlier), 0.0), over + earlier
        return Detection(bound, counts > bound, statistic)


def _before(values: Floats, weeks: int) -> Floats:
    earlier = np.full(values.shape, np.nan)
    earlier[:, weeks:] = values[:, :-weeks]
    return earlier


def cusum(counts: Floats) -> Detection:
    """Return the one-sided CUSUM of each place against the year before each week.

    The bound is the count that the sum still takes without going above DECISION, and never below the mean:
    a quiet week is not unusual because loud ones came before it.
    """
    counts = np.asarray(counts, dtype=np.float64)
    mean, spread = reference(counts, REFERENCE)
    spread = np.maximum(spread, LEAST_SPREAD)
    above = (counts - mean) / spread - SLACK
    total, statistic = np.zeros(len(counts)), np.full(counts.shape, np.nan)
    before = np.zeros(counts.shape)
    for week in range(REFERENCE, counts.shape[1]):
        before[:, week] = total
        total = np.maximum(total + above[:, week], 0.0)
        statistic[:, week] = total
    bound = mean + spread * np.maximum(SLACK + DECISION - before, 0.0)
    with np.errstate(invalid="ignore"):
        return Detection(bound, counts > bound, statistic)


def unusual(weeks: Sequence[int], surge: float) -> Unusual:
    """Return what is unusual now, from the counts of MEMORY weeks or fewer, oldest first; the last one has only begun.

    The week so far is judged, and the whole week before it; the one of which more detectors speak is
    returned. Weeks before a place's first incident are no history: nothing is compared with them.
    """
    known = np.trim_zeros(np.array(weeks, dtype=np.float64), "f")[None]
    found = Unusual()
    if known.sum() < REFERENCE * LEAST_A_WEEK:
        return found
    c2, total = ears(known, 2, LEAST_SPREAD), cusum(known)
    for week in (known.shape[1] - 1, known.shape[1] - 2):
        if known[0, max(week - REFERENCE, 0) : week].sum() < REFERENCE * LEAST_A_WEEK:
            continue
        loud = {"c2": c2.alarm[0, week], "cusum": total.alarm[0, week], "surge": surge >= SURGE_CHANCE}
        spoke = tuple(name for name, speaks in loud.items() if speaks)
        if len(spoke) > len(found.detectors):
            bound = (total if loud["cusum"] and not loud["c2"] else c2).bound[0, week]
            found = Unusual(spoke, int(known[0, week]), 0 if np.isnan(bound) else int(bound))
    return found
