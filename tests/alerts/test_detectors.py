"""The detectors against R's surveillance 1.20.3 in every row of the golden files, and that they only look back."""

from __future__ import annotations

import csv
import gzip
import math
import statistics
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.risk.arrays import Floats
from alerts.risk.conditions import unusual as unusual_condition
from alerts.risk.detectors import MEMORY, Detection, Unusual, cusum, ears, unusual
from alerts.risk.facts import Facts
from alerts.risk.farrington import FIRST, _tails, farrington

GOLDEN = Path(__file__).parent / "golden"
FARRINGTON = 520


def golden_series() -> tuple[list[str], Floats]:
    """The simulated weekly counts, one row a series."""
    counts = defaultdict(list)
    with (GOLDEN / "series.csv").open(encoding="utf-8") as text:
        for row in csv.DictReader(text):
            counts[row["series"]].append(float(row["count"]))
    return list(counts), np.array(list(counts.values()))


NAMES, SERIES = golden_series()


@pytest.mark.parametrize("kind", [1, 2, 3])
@pytest.mark.parametrize("least_spread", [0.0, 0.5])
def test_ears_equals_r(kind: int, least_spread: float) -> None:
    """Every alarm exactly and every bound to 1e-9; where R says NaN, the detector says so too."""
    found, seen = ears(SERIES, kind, least_spread), np.zeros(SERIES.shape, dtype=bool)
    with gzip.open(GOLDEN / "ears.csv.gz", "rt", encoding="utf-8") as text:
        for row in csv.DictReader(text):
            if row["method"] == f"C{kind}" and float(row["min_sigma"]) == least_spread:
                cell = NAMES.index(row["series"]), int(row["week"]) - 1
                seen[cell] = True
                assert SERIES[cell] == float(row["observed"])
                assert found.alarm[cell] == (row["alarm"] == "1")
                assert found.bound[cell] == pytest.approx(float(row["upperbound"]), abs=1e-9, nan_ok=True)
                assert np.isnan(found.bound[cell]) == (row["alarm"] == "NA")
    assert seen.sum() == len(NAMES) * (SERIES.shape[1] - 5 - 2 * kind)
    assert np.isnan(found.bound[~seen]).all()
    assert not found.alarm[~seen].any()


def test_farrington_equals_r() -> None:
    """Every bound and alarm exactly; nothing is said of weeks that have no three years before them."""
    found = farrington(SERIES)
    with (GOLDEN / "farrington.csv").open(encoding="utf-8") as text:
        rows = list(csv.DictReader(text))
    assert len(rows) == FARRINGTON
    for row in rows:
        cell = NAMES.index(row["series"]), int(row["week"]) - 1
        assert (found.bound[cell], found.alarm[cell]) == (float(row["upperbound"]), row["alarm"] == "1")
    assert np.isnan(found.bound[:, :FIRST]).all()
    assert not np.isnan(found.bound[:, FIRST:]).any()
    assert found.alarm[:, FIRST:].any()


def test_farrington_on_nothing_and_on_one_week() -> None:
    """A place without any incident expects none, and its first one is unusual."""
    counts = np.zeros((2, FIRST + 1))
    counts[1, -1] = 1
    found = farrington(counts)
    assert found.bound[:, -1].tolist() == [0, 0]
    assert found.alarm[:, -1].tolist() == [False, True]
    assert not farrington(counts[:, :FIRST]).alarm.any()


def chance(k: int, mean: float, phi: float) -> float:
    """The chance of k, from the definition of the negative binomial, or of Poisson where phi is 1."""
    if phi == 1:
        return math.exp(k * math.log(mean) - mean - math.lgamma(k + 1))
    size = mean / (phi - 1)
    log = math.lgamma(k + size) - math.lgamma(size) - math.lgamma(k + 1)
    return math.exp(log - size * math.log(phi) + k * math.log1p(-1 / phi))


@given(
    st.lists(
        st.tuples(st.floats(0.01, 1500), st.just(1.0) | st.floats(1.001, 20), st.integers(0, 60)),
        min_size=1,
        max_size=3,
    )
)
@settings(max_examples=8, deadline=None)
def test_quantile_and_surprise_are_the_distributions(cases: list[tuple[float, float, int]]) -> None:
    """Also where so many are expected that the chance of none is no number any more."""
    mean, phi, seen = (np.array(column, dtype=float) for column in zip(*cases, strict=True))
    bounds, surprises = _tails(mean, phi, seen)
    for (m, p, s), bound, surprise in zip(cases, bounds.tolist(), surprises.tolist(), strict=True):
        total = math.fsum(chance(k, m, p) for k in range(int(bound)))
        assert total < 0.975 <= total + chance(int(bound), m, p) + 1e-9
        above = math.fsum(chance(k, m, p) for k in range(s, int(m + 60 * p + 40 * math.sqrt(m * p) + s)))
        assert surprise == pytest.approx(-math.log(above), rel=1e-6, abs=1e-6)


@given(st.lists(st.sampled_from([0, 0, 0, 1, 2, 50, 400]), min_size=FIRST + 3, max_size=FIRST + 3))
@settings(max_examples=6, deadline=None)
def test_wild_counts_are_survived(counts: list[int]) -> None:
    """Whatever the history, each week has an answer: a bound, or that there is none, and then no alarm."""
    found = farrington(np.array([counts]))
    assert not found.alarm[np.isnan(found.bound)].any()
    assert (found.alarm == (np.array([counts]) > np.nan_to_num(found.bound, nan=np.inf))).all()


def counted(counts: list[float]) -> tuple[float, float]:
    """The CUSUM of the last week of one place, and the count that its sum would still take, by pencil."""
    total = 0.0
    room = above = 0.0
    for week in range(52, len(counts)):
        year = counts[week - 52 : week]
        mean, spread = statistics.fmean(year), max(statistics.stdev(year), 0.5)
        room = mean + spread * max(4.5 - total, 0.0)
        above = (counts[week] - mean) / spread - 0.5
        total = max(0.0, total + above)
    return total, room


@given(st.lists(st.integers(0, 30), min_size=53, max_size=90))
@settings(max_examples=40, deadline=None)
def test_cusum_equals_counting(counts: list[int]) -> None:
    """The sum, its bound and its alarm are those of the definition."""
    found = cusum(np.array([counts]))
    total, room = counted([float(c) for c in counts])
    assert found.statistic[0, -1] == pytest.approx(total, abs=1e-9)
    assert found.bound[0, -1] == pytest.approx(room, abs=1e-9)
    assert found.alarm[0, -1] == (counts[-1] > found.bound[0, -1])
    assert np.isnan(found.bound[0, :52]).all()


def test_cusum_hears_a_small_lasting_rise_and_falls_silent() -> None:
    """One standard deviation for some weeks is unusual in the end; a week below the mean never is."""
    year = [4.0, 6.0] * 26
    found = cusum(np.array([[*year, *[6.5] * 12, 2.0]]))
    alarms = np.flatnonzero(found.alarm[0]) - 52
    assert 2 <= alarms[0] < 8
    assert not found.alarm[0, -1]
    assert found.statistic[0, -2] > 4


METHODS: dict[str, Callable[[Floats], Detection]] = {
    "C1": lambda counts: ears(counts, 1),
    "C2": lambda counts: ears(counts, 2, 0.5),
    "C3": lambda counts: ears(counts, 3),
    "CUSUM": cusum,
    "Farrington": farrington,
}


@pytest.mark.parametrize("method", list(METHODS))
@given(data=st.data())
@settings(max_examples=15, deadline=None)
def test_the_future_and_the_neighbours_change_no_digit(method: str, data: st.DataObject) -> None:
    """What is said of a week is the same when later weeks are cut off, and when a place stands alone."""
    size = FIRST + 12 if method == "Farrington" else 70
    counts = np.array(
        data.draw(st.lists(st.lists(st.integers(0, 9), min_size=size, max_size=size), min_size=2, max_size=3))
    )
    cut = data.draw(st.integers(size - 11, size))
    whole, part, alone = (METHODS[method](c) for c in (counts, counts[:, :cut], counts[:1, :cut]))
    for field in Detection._fields:
        assert np.array_equal(getattr(whole, field)[:, :cut], getattr(part, field), equal_nan=True)
        assert np.array_equal(getattr(part, field)[:1], getattr(alone, field), equal_nan=True)


STEADY = [1, 2, 3] * 34  # 102 weeks, two incidents a week


def test_what_is_unusual_now() -> None:
    """A jump of this week or the last whole one is heard by two, a lasting rise by CUSUM; usual weeks by none."""
    assert unusual([*STEADY, 2, 3, 2], 0.1) == Unusual()
    assert unusual([*STEADY, 2, 2, 9], 0.1) == Unusual(("c2", "cusum"), 9, 4)
    assert unusual([*STEADY, 2, 9, 1], 0.9) == Unusual(("c2", "cusum", "surge"), 9, 4)
    lasting = [*STEADY[:91], *[3] * 13]
    found = unusual(lasting, 0.1)
    assert (found.detectors, found.seen) == (("cusum",), 3)
    assert found.usual < 3


def test_where_news_is_rare_nothing_is_unusual() -> None:
    """Below one incident a week in the last year no detector speaks, not even the surge; nor in a place without a past."""
    rare = [*([1, 0, 0, 0] * 25), 0, 0, 0, 0, 12]
    assert unusual(rare, 0.9) == Unusual()
    assert unusual([0] * (MEMORY - 3) + [2, 3, 30], 0.9) == Unusual()
    assert unusual([], 0.9) == Unusual()
    young = unusual([0] * (MEMORY - 31) + [2, 3] * 15 + [12], 0.9)
    assert young == Unusual(("c2", "surge"), 12, 4)  # CUSUM has no year to compare with


@given(st.lists(st.integers(0, 40), max_size=MEMORY), st.floats(0, 1))
@settings(max_examples=60, deadline=None)
def test_what_is_said_of_now_can_be_said_of_anything(weeks: list[int], surge: float) -> None:
    """Whatever the counts: a week's count above the bound where a count detector spoke, and reasons for a rule."""
    found = unusual(weeks, surge)
    assert found.seen > found.usual or set(found.detectors) <= {"surge"}
    facts = Facts(
        datetime(2026, 11, 24, tzinfo=UTC),
        unusual=found.detectors,
        week_count=found.seen,
        week_usual=found.usual,
    )
    said = unusual_condition(facts, detectors=2)
    assert said.holds == (len(found.detectors) >= 2)
    assert said.reasons
