"""Measures of forecasts and of warnings, each against its definition written out by brute force."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.risk import evaluation, resampling, warning_measures
from alerts.risk.warning_measures import Event, Notice, judge, measure

START = datetime(2026, 1, 1, tzinfo=UTC)

forecasts = st.lists(
    st.tuples(st.booleans(), st.sampled_from((0.0, 0.02, 0.1, 0.15, 0.4, 0.7, 1.0)), st.sampled_from("abc")),
    min_size=2,
    max_size=30,
)
hours = st.integers(0, 24 * 200).map(lambda n: START + timedelta(hours=n))
notices = st.lists(
    st.builds(
        Notice,
        st.sampled_from("abc"),
        hours,
        st.integers(1, 5),
        st.sampled_from("xy"),
        st.integers(0, 9),
        st.booleans(),
    ),
    max_size=8,
)
above = st.sampled_from(((), ("c",)))
events = st.lists(st.builds(Event, st.sampled_from("ab"), hours, st.integers(3, 5), above), max_size=8)


def columns(rows: list[tuple[bool, float, str]]) -> tuple[evaluation.Outcomes, evaluation.Floats, list[str]]:
    return np.array([r[0] for r in rows]), np.array([r[1] for r in rows]), [r[2] for r in rows]


def pairs_won(rows: list[tuple[bool, float, str]]) -> float:
    """The share of pairs (came true, did not) that the score puts the right way round; a tie is half."""
    won = [(a > b) + (a == b) / 2 for yes, a, _ in rows for no, b, _ in rows if yes and not no]
    return sum(won) / len(won) if won else math.nan


@given(forecasts)
def test_auroc_counts_pairs(rows: list[tuple[bool, float, str]]) -> None:
    happened, score, _ = columns(rows)
    assert evaluation.auroc(happened, score) == pytest.approx(pairs_won(rows), nan_ok=True)


@given(forecasts)
def test_average_precision_steps_through_the_thresholds(rows: list[tuple[bool, float, str]]) -> None:
    happened, score, _ = columns(rows)
    total, found, before = sum(happened), 0.0, 0
    for threshold in sorted({r[1] for r in rows}, reverse=True):
        taken = [r[0] for r in rows if r[1] >= threshold]
        found += (sum(taken) - before) / total * sum(taken) / len(taken) if total else math.nan
        before = sum(taken)
    assert evaluation.average_precision(happened, score) == pytest.approx(found, nan_ok=True)


@given(forecasts)
def test_probability_scores(rows: list[tuple[bool, float, str]]) -> None:
    happened, score, _ = columns(rows)
    squares = [(p - yes) ** 2 for yes, p, _ in rows]
    assert evaluation.brier(happened, score) == pytest.approx(sum(squares) / len(squares))
    clipped = [min(max(p, 1e-6), 1 - 1e-6) for _, p, _ in rows]
    logs = [-math.log(p if r[0] else 1 - p) for r, p in zip(rows, clipped, strict=True)]
    assert evaluation.log_loss(happened, score) == pytest.approx(sum(logs) / len(logs))
    assert evaluation.quality(happened, score, score).mean == pytest.approx(sum(clipped) / len(clipped))


@given(forecasts)
def test_the_calibration_table_holds_every_forecast_once(rows: list[tuple[bool, float, str]]) -> None:
    happened, score, _ = columns(rows)
    levels = evaluation.by_levels(happened, score)
    full = [line for line in levels if line.n]
    assert sum(line.n for line in full) == len(rows)
    assert sum(line.n * line.observed for line in full) == pytest.approx(sum(happened))
    assert sum(line.n * line.predicted for line in full) == pytest.approx(sum(score))
    assert all(line.low <= line.predicted + 1e-12 and line.predicted <= line.high + 1e-12 for line in full)
    assert levels[2].n == sum(0.15 <= p < 0.35 for p in score)


def test_within_a_place_only_timing_counts() -> None:
    """Two places told apart perfectly, and timed at random: the plain AUROC flatters."""
    happened = np.array([False, True] * 10 + [True, True, True, False] * 10)
    score = np.array([0.1] * 20 + [0.9] * 40)
    places = ["calm"] * 20 + ["busy"] * 40
    assert evaluation.auroc(happened, score) > 0.6
    assert evaluation.within_auroc(happened, score, places) == (0.5, 2)
    assert evaluation.within_auroc(happened[:8], score[:8], places[:8])[1] == 0


def test_the_interval_draws_whole_places() -> None:
    came, chance = np.array([False] * 50 + [True] * 50), np.zeros(100)
    alone = resampling.intervals(came, chance, range(100))["brier"]
    assert 0.35 < alone.low < 0.5 < alone.high < 0.65
    assert resampling.intervals(came, chance, ["a"] * 50 + ["b"] * 50)["brier"] == pytest.approx(
        (0.0, 1.0), abs=1e-5
    )
    assert resampling.intervals(came, chance, range(100))["brier"] == alone  # seeded
    assert math.isnan(resampling.intervals(np.zeros(3, bool), np.zeros(3), range(3))["auroc"].low)


@given(forecasts)
def test_a_draw_of_places_is_the_measure_of_the_rows_it_brings(rows: list[tuple[bool, float, str]]) -> None:
    came, chance, places = columns(rows)
    draws = resampling.Draws(places, times=3)
    ranked = draws.ranked(resampling.Ranking(came, chance))
    for n, weights in enumerate(draws.weights):
        drawn = np.repeat(np.arange(len(rows)), weights.astype(int))
        right = evaluation.quality(came[drawn], chance[drawn], chance[drawn])
        found = (*ranked[n], draws.brier(came, chance)[n], draws.log_loss(came, chance)[n])
        whole = 0 < came[drawn].sum() < len(drawn)  # else there is no ranking to judge
        assert found[2:] == pytest.approx(right[2:4], abs=1e-9)
        assert found[:2] == pytest.approx(right[:2], abs=1e-9) if whole else np.isnan(found[0])


def test_the_more_rows_the_fewer_draws() -> None:
    assert resampling.Draws(["a"] * 10).times == resampling.TIMES
    assert resampling.Draws(["a"] * 250_000).times == 80


@given(notices, events)
def test_warnings_are_judged_by_their_definition(warned: list[Notice], came: list[Event]) -> None:
    judged = judge(warned, came)
    valid = timedelta(days=28)
    for notice, true in zip(warned, judged.came_true, strict=True):
        came_after = [e for e in came if notice.at < e.at <= notice.at + valid]
        assert true == (notice.confirmed or any(notice.place in (e.place, *e.above) for e in came_after))
    for event, lead, onset in zip(came, judged.leads, judged.onsets, strict=True):
        before = [
            event.at - n.at
            for n in warned
            if n.place in (event.place, *event.above) and timedelta(0) < event.at - n.at <= valid
        ]
        assert lead == max(before, default=None)
        quiet = timedelta(days=84)
        assert onset == (
            not any(e.place == event.place and timedelta(0) < event.at - e.at <= quiet for e in came)
        )


@given(notices, events)
def test_counts_agree_with_each_other(warned: list[Notice], came: list[Event]) -> None:
    found = measure(warned, came, places=3, period=timedelta(days=365.25), people=4)
    assert found.came_true + found.false_alarms == found.warnings == len(warned)
    assert found.early <= found.events_warned <= found.events == len(came)
    assert found.onsets_warned <= found.onsets <= found.events
    assert found.place_years == pytest.approx(3)
    rules = warning_measures.by_rule(warned, came, places=3, period=timedelta(days=365.25))
    assert sum(one.warnings for one in rules.values()) == len(warned)
    assert sum(one.came_true for one in rules.values()) == found.came_true


def test_shares_and_rates() -> None:
    """Two warnings of ten messages each: one three days ahead of the only event, one for nothing."""
    warned = [Notice("a", START, 3, "x", 10), Notice("b", START, 4, "y", 10)]
    came = [Event("a", START + timedelta(days=3), 4)]
    found = measure(warned, came, places=2, period=timedelta(weeks=4), people=5)
    assert (found.precision, found.recall, found.onset_recall, found.early_share) == (0.5, 1.0, 1.0, 1.0)
    assert found.lead_days == 3.0
    assert found.messages_a_week == 1.0
    assert found.warnings_a_year == pytest.approx(2 / (2 * 28 / 365.25))
    nothing = measure([], [], places=0, period=timedelta(0))
    assert (nothing.precision, nothing.recall, nothing.lead_days, nothing.messages_a_week) == (None,) * 4
    assert nothing.false_alarms_a_year is None
