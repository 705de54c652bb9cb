"""The comparison's own arithmetic against counting by hand: what came true, resampled measures, matched alerts."""

from __future__ import annotations

import statistics
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.risk.arrays import Floats
from alerts.risk.replay_sums import monday
from benchmarks.forms import fitted
from benchmarks.measures import AlertGrid, top_precision
from benchmarks.truth import Event, Truth, derived, differing, nearest, neighbours_of

PLACES = ["X:a", "X:b"]
FIRST, LAST = 2600, 2612
START = monday(FIRST)


def event(place: str, day: int, late: int = 0, deaths: int = 1, violent: bool = True) -> Event:
    happened = START + timedelta(days=day)
    return Event(place, happened, happened + timedelta(days=late), violent, deaths, 24.0, 67.0)


events = st.lists(
    st.builds(
        event,
        st.sampled_from(PLACES),
        st.integers(-300, 120),
        st.integers(0, 40),
        st.integers(0, 6),
        st.booleans(),
    ),
    max_size=60,
)


def between(rows: list[Event], place: str, begin: date, days: int, field: str = "day") -> list[Event]:
    return [e for e in rows if e.locality == place and 0 <= (getattr(e, field) - begin).days < days]


@given(events)
@settings(max_examples=40, deadline=None)
def test_what_came_true_equals_counting(rows: list[Event]) -> None:
    """Outcomes by the day on which it happened, what was usual by the day on which it became known."""
    truth = derived(rows, PLACES, FIRST, LAST)
    for row, (place, week) in enumerate(zip(truth.localities, truth.weeks.tolist(), strict=True)):
        issued = monday(week + 1)
        coming = between(rows, place, issued, 28)
        assert truth.came["T1"][row] == any(e.deaths for e in coming)
        assert truth.came["T5"][row] == (sum(e.deaths for e in coming) >= 5)
        assert truth.came["V1"][row] == any(e.violent for e in coming)
        year = [
            sum(e.violent for e in between(rows, place, issued - timedelta(days=7 * n + 28), 28, "known"))
            for n in range(52)
        ]
        number, mean = sum(e.violent for e in coming), statistics.fmean(year)
        surge = number >= 3 and number >= 2 * mean and number > mean + 2 * statistics.pstdev(year)
        assert truth.came["ESC"][row] == surge
        past = between(rows, place, issued - timedelta(days=84), 84, "known")
        assert truth.quiet[row] == (not any(e.deaths for e in past))


def test_two_truths_differ_where_they_differ() -> None:
    """By cells, by days, and not at all; other rows are another matter."""
    one = derived([event("X:a", 30)], PLACES, FIRST, LAST)
    assert differing(one, one) == 0
    assert differing(one, derived([], PLACES, FIRST, LAST)) > 3
    assert differing(one, derived([], PLACES, FIRST, LAST - 1)) == -1


def test_near_is_near_both_ways() -> None:
    """Five at most from each side, none further than 150 km; coordinates are medians of events."""
    line = {f"X:{n}": (0.0, n * 0.1) for n in range(8)} | {"X:far": (9.0, 9.0), "X:edge": (0.0, 1.3)}
    near = nearest(line)
    assert near["X:far"] == []
    assert near["X:0"] == ["X:1", "X:2", "X:3", "X:4", "X:5"]
    assert "X:edge" in near["X:7"]
    assert all(name in near[other] for name, others in near.items() for other in others)
    assert neighbours_of([event("X:a", 0), event("X:b", 1)]) == {"X:a": ["X:b"], "X:b": ["X:a"]}


def test_the_top_of_a_ranking() -> None:
    """The share of the highest that came true; ties are drawn."""
    score, came = np.arange(100.0), np.arange(100) >= 97
    assert top_precision(came, score) == 0.6
    assert 0 <= top_precision(came, np.zeros(100)) <= 0.6


def test_alerts_at_a_matched_number() -> None:
    """Two in the year, 28 days apart: the second of two loud weeks is still warned of. Onsets, leads and false ones by hand."""
    weeks = 52
    truth = Truth(
        ["X:a"] * weeks, np.arange(FIRST, FIRST + weeks), {}, np.ones(weeks, dtype=bool), {"X:a": np.zeros(0)}
    )
    score, came = np.zeros(weeks), np.zeros(weeks, dtype=bool)
    score[[10, 11, 30]] = [2.0, 3.0, 4.0]
    came[30] = True
    origin = 7.0 * FIRST
    days = {"X:a": origin + np.array([7 * 11 + 9, 7 * 31 + 2, 7 * 31 + 5, 7 * 45])}
    grid = AlertGrid(truth.localities, truth.weeks, days)
    raised = grid.raised(score, budget=2.1)
    assert np.flatnonzero(raised[0]).tolist() == [10, 30]
    judged = grid.judged(raised, came)
    assert (judged.precision, judged.fatal_days) == (0.5, 0.75)
    assert judged.onsets == pytest.approx(2 / 3)
    assert judged.lead == pytest.approx((9.5 + 2.5) / 2)
    assert judged.false_per_year == pytest.approx(52.1775 / 52)


def test_a_form_is_fitted_at_the_summit() -> None:
    """No other coefficient, a little larger or smaller, makes what came more likely; a useless term gets nothing."""
    chance = np.random.default_rng(3)
    X = np.column_stack([np.ones(3000), chance.exponential(2, (3000, 2))])
    came = chance.random(3000) < 1 - np.exp(-X @ np.array([0.02, 0.08, 0.0]))

    def likelihood(weights: Floats) -> float:
        Lambda = X @ weights
        return float(np.where(came, np.log(-np.expm1(-Lambda)), -Lambda).sum())

    weights = fitted(X, came)
    for term in range(3):
        for factor in (0.95, 1.05):
            other = weights.copy()
            other[term] = max(other[term] * factor, 1e-6)
            assert likelihood(other) < likelihood(weights) + 1e-3
    assert (weights > 0).all()
    assert weights[1] == pytest.approx(0.08, rel=0.15)
    assert weights[2] < 0.01
