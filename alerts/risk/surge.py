"""The probability of a surge: many more violent incidents in the coming 28 days than this place is used to.

What lives here: what is usual for a place, what is expected, and the chance that the coming 28 days reach a
surge. What does not: the rule that warns on it, and the score, into which it never enters. Pure; anyone in
alerts or coordination may import it. All functions take floats or numpy arrays of one shape.

A surge is at least 3 violent incidents in 28 days, at least twice the mean, and more than two standard
deviations above the mean, of the last 52 four-week counts (one ends each week). The number to come is taken
as negative binomial, with a mean from the decayed counts of all reports and a size fitted once on the
tuning years.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from foundation.lazily import lazily

if TYPE_CHECKING:
    import numpy as np
else:
    np = lazily("numpy")

SIZE = 1.19
"""The size of the negative binomial: the smaller, the more the counts scatter around their mean."""

WINDOWS = 52
"""How many four-week counts make what is usual; a place without history counts as zeros."""

BASE, FAST, SLOW, NEAR = 0.053, 0.477, 0.035, 0.089


def expected_count(C14: Any, C180: Any, neighbours_C14: Any) -> Any:
    """Return the expected violent incidents in 28 days.

    C is the unweighted count of all reports, decayed with a half-life of 14 or 180 days.
    """
    return BASE + FAST * C14 + SLOW * C180 + NEAR * neighbours_C14


def surge_threshold(total: Any, total_of_squares: Any) -> Any:
    """Return the smallest count that is a surge, from the sum and the sum of squares of the last 52 counts.

    Sums are whole numbers, so that a count on the boundary is never decided by rounding.
    """
    total, squares = np.asarray(total, dtype=np.int64), np.asarray(total_of_squares, dtype=np.int64)
    spread = np.sqrt((WINDOWS * squares - total * total).astype(np.float64))
    twice_mean = -(-2 * total // WINDOWS)
    above_scatter = np.floor((total + 2 * spread) / WINDOWS).astype(np.int64) + 1
    return np.maximum(3, np.maximum(twice_mean, above_scatter))


def at_least(count: Any, mean: Any, size: float = SIZE) -> Any:
    """Return P(X >= count) for a negative binomial X with this mean and size, to 1e-12.

    ``count`` is a whole number and ``mean`` is above 0. The terms below ``count`` are summed, each from the
    one before.
    """
    count, mean = np.broadcast_arrays(np.asarray(count), np.asarray(mean, dtype=np.float64))
    success = mean / (mean + size)
    term = (size / (mean + size)) ** size
    below = np.zeros_like(mean)
    for k in range(int(count.max(initial=0))):
        below = below + np.where(k < count, term, 0.0)
        term = term * success * (k + size) / (k + 1)
    return np.clip(1.0 - below, 0.0, 1.0)


def surge_probability(C14: Any, C180: Any, neighbours_C14: Any, total: Any, total_of_squares: Any) -> Any:
    """Return the chance of a surge in the coming 28 days; see expected_count and surge_threshold."""
    return at_least(surge_threshold(total, total_of_squares), expected_count(C14, C180, neighbours_C14))


def from_weeks(weeks: Sequence[int], C14: float, C180: float, neighbours_C14: float) -> float:
    """Return the chance of a surge from the violent incidents of the last 55 or more whole weeks, oldest first."""
    months = [sum(weeks[n : n + 4]) for n in range(len(weeks) - 3)][-WINDOWS:]
    squares = sum(month * month for month in months)
    return float(surge_probability(C14, C180, neighbours_C14, sum(months), squares))
