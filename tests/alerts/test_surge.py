"""The surge probability against the definition of the distribution, and what counts as a surge."""

from __future__ import annotations

import math
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.risk.calibration import held, ratio
from alerts.risk.surge import SIZE, at_least, expected_count, surge_probability, surge_threshold


def chance_of(k: int, mean: float, size: float = SIZE) -> float:
    """Return the probability of exactly k, from gamma functions."""
    log = math.lgamma(k + size) - math.lgamma(size) - math.lgamma(k + 1)
    return math.exp(log + size * math.log(size / (size + mean)) + k * math.log(mean / (size + mean)))


@given(st.integers(0, 60), st.floats(0.053, 200))
def test_the_tail_is_the_rest(count: int, mean: float) -> None:
    """What is at least so many is what is not below."""
    below = math.fsum(chance_of(k, mean) for k in range(count))
    assert float(at_least(count, mean)) == pytest.approx(1 - below, abs=1e-12)


def test_arrays_equal_single_values() -> None:
    """A place alone and among others has the same chance, to the last digit."""
    counts, means = np.array([0, 3, 9, 40]), np.array([0.06, 2.0, 3.0, 25.0])
    together = at_least(counts, means)
    assert together.tolist() == [float(at_least(c, m)) for c, m in zip(counts, means, strict=True)]
    assert together[0] == 1.0


@given(st.lists(st.integers(0, 30), min_size=52, max_size=52))
def test_threshold_is_the_smallest_surge(counts: list[int]) -> None:
    """The threshold meets all three conditions and one less does not."""
    least = int(surge_threshold(sum(counts), sum(c * c for c in counts)))
    mean, spread = statistics.fmean(counts), statistics.pstdev(counts)

    def surge(n: int, slack: float) -> bool:
        return n >= 3 and n >= 2 * mean - slack and n > mean + 2 * spread - slack

    assert surge(least, 1e-9)
    assert not surge(least - 1, -1e-9)


def test_thresholds_on_the_boundary() -> None:
    """A count that equals mean + 2 sd is not yet above it; a year of zeros needs three."""
    assert int(surge_threshold(0, 0)) == 3
    half = [2] * 26 + [4] * 26  # mean 3, sd 1: 5 is not above it, 6 is twice the mean
    assert int(surge_threshold(sum(half), sum(c * c for c in half))) == 6
    wide = [0] * 26 + [4] * 26  # mean 2, sd 2: 6 is not above mean + 2 sd
    assert int(surge_threshold(sum(wide), sum(c * c for c in wide))) == 7
    rare = [0] * 48 + [13] * 4  # mean 1, sd sqrt(12): above 7.93
    assert int(surge_threshold(sum(rare), sum(c * c for c in rare))) == 8


def test_the_expected_count() -> None:
    """Own recent reports count most, old and neighbouring ones little."""
    assert expected_count(1, 10, 2) == pytest.approx(0.053 + 0.477 + 0.35 + 0.178)
    assert float(surge_probability(0, 0, 0, 0, 0)) < 0.001
    assert float(surge_probability(6, 6, 0, 0, 0)) > 0.4


def test_kappa() -> None:
    """A young record stays near 1 or near the country's; the product's is held."""
    assert ratio(0, 0) == 1
    assert ratio(0, 0, towards=0.4) == 0.4
    assert ratio(4 * 30, 4 * 10) == 2
    assert held(0.2) == 0.5
    assert held(7) == 2
