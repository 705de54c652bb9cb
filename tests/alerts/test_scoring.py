"""The score against its golden vectors, and the properties that must hold for any history."""

from __future__ import annotations

import json
import math
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from alerts.risk.levels import BOUNDARIES, check_boundaries, level_of, lower_boundary, next_level
from alerts.risk.scoring import (
    STARTER,
    Coefficients,
    Evidence,
    Risk,
    RunningSum,
    capped,
    contributions,
    days_until_below,
    grade_weight,
    incident_weight,
    neighbour_mean,
    score,
)

GOLDEN = json.loads((Path(__file__).parent / "golden" / "score.json").read_text())
START = datetime(2020, 1, 1)
CREDIBILITY = (0.2, 0.5, 0.8, 1.0)

ages = st.floats(0, 2000)
weights = st.floats(0.05, 5)
histories = st.lists(st.tuples(ages, weights), max_size=25)
sums = st.floats(0, 1e4)
kappas = st.floats(0.05, 20)
softs = st.floats(-1, 1)


def summed(history: list[tuple[float, float]], half_life: float) -> RunningSum:
    """Add events, given as (days before the last moment, weight), in the order of the list."""
    total = RunningSum(half_life)
    for age, weight in history:
        total = total.add(START - timedelta(days=age), weight)
    return total


def risk_of(history: list[tuple[float, float]]) -> Risk:
    """Score one lonely place at START."""
    return score(summed(history, 14).decayed(START), summed(history, 180).decayed(START), 0.0)


def golden_sum(locality: str, at: datetime, half_life: float) -> float:
    """Sum the golden events of one place known before a moment, through the running sum."""
    total = RunningSum(half_life)
    for event in GOLDEN["events"]:
        known = datetime.fromisoformat(event["known_at"])
        if event["locality"] == locality and known < at:
            credibility = CREDIBILITY[event["credibility"] - 1]
            total = total.add(
                known, incident_weight(event["severity"], credibility, event["category_multiplier"])
            )
    return total.decayed(at)


@pytest.mark.parametrize("expected", GOLDEN["expected"], ids=lambda e: f"{e['locality']}-{e['at'][:10]}")
def test_golden_vectors(expected: dict[str, Any]) -> None:
    """All expected numbers of the 24 vectors are met to 1e-9."""
    at = datetime.fromisoformat(expected["at"])
    place = expected["locality"]
    around = [golden_sum(n, at, 14) for n in GOLDEN["neighbours"][place]]
    risk = score(
        golden_sum(place, at, 14), golden_sum(place, at, 180), neighbour_mean(around), kappa=expected["kappa"]
    )
    for name, value in (
        ("F", risk.F),
        ("S", risk.S),
        ("N", risk.N),
        ("Lambda", risk.Lambda),
        ("P28", risk.p28),
    ):
        assert value == pytest.approx(expected[name], rel=1e-9, abs=1e-9), name
    level = level_of(risk.p28)
    assert level == expected["level"]
    days = days_until_below(risk, lower_boundary(level)) if level > 1 else None
    awaited = expected["days_until_below_this_level"]
    assert days == (None if awaited is None else pytest.approx(awaited, rel=1e-9, abs=1e-9))


def test_golden_has_all_its_vectors() -> None:
    """An emptied golden file must not pass unseen."""
    assert len(GOLDEN["expected"]) == 24
    assert GOLDEN["parameters"]["severity_weights"] == list(STARTER.severity_weights)


@given(histories, st.randoms(use_true_random=False))
def test_order_does_not_matter(history: list[tuple[float, float]], random: Any) -> None:
    """Late reports give the score that timely ones would have given, and so does plain summing."""
    shuffled = list(history)
    random.shuffle(shuffled)
    plain = sum(weight * 2 ** (-age / 14) for age, weight in history)
    assert summed(shuffled, 14).decayed(START) == pytest.approx(plain, rel=1e-9, abs=1e-12)
    assert risk_of(shuffled).p28 == pytest.approx(risk_of(history).p28, rel=1e-9, abs=1e-12)


@given(histories, st.tuples(ages, weights))
def test_withdrawing_restores_the_old_score(
    history: list[tuple[float, float]], wrong: tuple[float, float]
) -> None:
    """A report that proved untrue leaves no trace."""
    age, weight = wrong
    restored = risk_of([*history, wrong, (age, -weight)])
    assert restored.p28 == pytest.approx(risk_of(history).p28, abs=1e-9)


@given(histories.filter(bool), st.integers(0, 24), weights)
def test_correcting_equals_never_having_erred(
    history: list[tuple[float, float]], at: int, right: float
) -> None:
    """Adding the difference of two weights at the event's time equals the corrected history."""
    at %= len(history)
    age, wrong = history[at]
    corrected = [*history[:at], (age, right), *history[at + 1 :]]
    assert risk_of([*history, (age, right - wrong)]).p28 == pytest.approx(risk_of(corrected).p28, abs=1e-9)


@given(st.lists(weights, min_size=1, max_size=12))
def test_one_source_counts_once(said: list[float]) -> None:
    """What one source repeats adds exactly nothing to its strongest report."""
    assert sum(capped(said, 1)) == max(said)
    assert sum(capped([*said, max(said)], 1)) == sum(capped(said, 1))


@settings(max_examples=10)
@given(st.lists(weights, min_size=5, max_size=5))
def test_ten_thousand_reports_of_five_sources_weigh_no_more_than_five(said: list[float]) -> None:
    """However often five sources repeat themselves, at most their five heaviest reports count."""
    shouted = [said[n % 5] for n in range(10_000)]
    assert sum(capped(shouted, 5)) <= 5 * max(said)
    assert sum(weight > 0 for weight in capped(shouted, 5)) <= 5


@given(st.lists(weights, max_size=12), st.integers(0, 14))
def test_the_cap_keeps_the_largest(said: list[float], sources: int) -> None:
    """As many weights count as there are sources, the largest ones, each in its own position."""
    kept = capped(said, sources)
    assert sorted((w for w in kept if w), reverse=True) == sorted(said, reverse=True)[:sources]
    assert all(k in (0.0, w) for k, w in zip(kept, said, strict=True))


@given(histories, st.floats(0, 400), st.floats(0, 400))
def test_silence_never_raises_the_score(
    history: list[tuple[float, float]], first: float, second: float
) -> None:
    """Without new reports, later is never higher."""
    early, late = sorted((first, second))

    def at(days: float) -> float:
        moved = [(age + days, weight) for age, weight in history]
        return risk_of(moved).p28

    assert at(late) <= at(early) + 1e-12


@given(histories, st.tuples(ages, weights))
def test_one_more_report_never_lowers_the_score(
    history: list[tuple[float, float]], more: tuple[float, float]
) -> None:
    """A further report raises the score or, long ago, leaves it."""
    assert risk_of([*history, more]).p28 >= risk_of(history).p28 - 1e-12


def evidence_of(history: list[tuple[float, float]], name: str) -> list[Evidence]:
    """Name the events of a history."""
    return [Evidence(f"{name}{i}", weight, age) for i, (age, weight) in enumerate(history)]


@given(histories, st.lists(histories, max_size=4), kappas, softs, st.booleans())
def test_contributions_sum_to_the_score(
    own: list[tuple[float, float]],
    near: list[list[tuple[float, float]]],
    kappa: float,
    soft: float,
    all_known: bool,
) -> None:
    """The reasons add up to the number, with every report listed or only the first three."""
    N = neighbour_mean(summed(h, 14).decayed(START) for h in near)
    risk = score(summed(own, 14).decayed(START), summed(own, 180).decayed(START), N, kappa=kappa, soft=soft)
    around = {f"n{i}": (1 / len(near), evidence_of(h, f"n{i}-")) for i, h in enumerate(near)}
    parts = contributions(risk, evidence_of(own if all_known else own[:3], "own"), around)
    assert math.fsum(part.points for part in parts) == pytest.approx(risk.index, rel=1e-9)
    assert all(part.points >= 0 for part in parts if part.key)


def test_contributions_name_their_source() -> None:
    """Each report's share is its share of the sum it entered, for one fast and one slow report."""
    own = [Evidence("quarrel", 1.0, 0.0, slow=False), Evidence("grievance", 3.0, 180.0, fast=False)]
    risk = score(1.0, 1.5, 0.0)
    got = {(part.term, part.key): part.points for part in contributions(risk, own)}
    per_unit = risk.index / risk.exponent
    assert got[("fast", "quarrel")] == pytest.approx(0.080 * per_unit)
    assert got[("slow", "grievance")] == pytest.approx(0.037 * 1.5**0.7 * per_unit)
    assert got[("background", "")] == pytest.approx(0.0065 * per_unit)
    assert ("neighbours", "") not in got
    rest = contributions(risk, own[:1])[1]
    assert (rest.term, rest.key) == ("slow", "")
    assert rest.points == pytest.approx(0.037 * 1.5**0.7 * per_unit)


@given(sums, sums, sums, kappas, softs)
def test_no_score_is_absurd(F: float, S: float, N: float, kappa: float, soft: float) -> None:
    """Every score is a probability, the soft part stays within its bound, and the background remains."""
    risk = score(F, S, N, kappa=kappa, soft=soft)
    assert 0 < risk.p28 <= 1
    assert abs(risk.soft) <= 0.10 + 1e-9 * risk.exponent
    assert risk.exponent >= kappa * STARTER.background
    assert all(math.isfinite(term) for term in risk.terms)


@given(sums, sums, sums, st.sampled_from([-0.1, 0.1]))
def test_soft_signs_move_at_most_one_level(F: float, S: float, N: float, soft: float) -> None:
    """Check-ins, dates and indicators together never move a place by two levels."""
    plain, moved = score(F, S, N), score(F, S, N, soft=soft)
    assert abs(level_of(plain.p28) - level_of(moved.p28)) <= 1


@given(sums, sums, sums, kappas, st.floats(-0.1, 0.1), st.sampled_from(BOUNDARIES))
def test_days_until_below_is_when_it_falls(
    F: float, S: float, N: float, kappa: float, soft: float, boundary: float
) -> None:
    """At the answer the score stands on the boundary; if there is none, the background is above it."""
    risk = score(F, S, N, kappa=kappa, soft=soft)
    days = days_until_below(risk, boundary)

    def later(after: float) -> float:
        fast, slow = 2 ** (-after / 14), 2 ** (-after / 180)
        return score(F * fast, S * slow, N * fast, kappa=kappa, soft=risk.soft).p28

    if days is None:
        assert later(1e6) >= boundary - 1e-9
    elif days == 0:
        assert risk.p28 <= boundary + 1e-9
    else:
        assume(later(1e6) < boundary - 1e-6)
        assert later(days) == pytest.approx(boundary, abs=1e-8)


def test_sums_cannot_be_read_before_their_events() -> None:
    """Noon of the same day is allowed to lie ahead; another day is not."""
    total = RunningSum(14).add(START, 1.0)
    assert total.decayed(START - timedelta(hours=12)) == pytest.approx(2 ** (0.5 / 14))
    with pytest.raises(ValueError, match="cannot be read"):
        total.decayed(START - timedelta(days=2))
    assert RunningSum(14).decayed(START) == 0.0


@pytest.mark.parametrize(
    ("grade", "weight"),
    [("A1", 1), ("B2", 0.8), ("C3", 0.5), ("D4", 0.2), ("A5", 0), ("F6", 0.2), ("E1", 0.8), ("E2", 0.5)]
    + [("E3", 0.2), ("E4", 0), ("E5", 0), ("E6", 0), (None, 1), ("", 1), (" 3 ", 0.5), ("b2", 0.8)],
)
def test_grades(grade: str | None, weight: float) -> None:
    """Credibility sets the weight, source E is one step lower, and ungraded imports count whole."""
    assert grade_weight(grade) == weight


@pytest.mark.parametrize("grade", ["7", "A7", "G1", "A", "AA", "1A", "A11", "0"])
def test_what_is_not_a_grade(grade: str) -> None:
    """Anything else is refused rather than guessed."""
    with pytest.raises(ValueError, match="not a grade"):
        grade_weight(grade)


@pytest.mark.parametrize("wrong", [(0, 1, 1), (6, 1, 1), (3, 1.1, 1), (3, -0.1, 1), (3, 1, 0.4), (3, 1, 2.1)])
def test_weights_out_of_bounds(wrong: tuple[int, float, float]) -> None:
    """Severity, credibility and multiplier keep to their bounds."""
    with pytest.raises(ValueError, match="must be"):
        incident_weight(*wrong)


def test_coefficients_refuse_nonsense() -> None:
    """A profile cannot switch the background off or make time run backwards."""
    with pytest.raises(ValueError, match="background"):
        Coefficients(background=0)
    with pytest.raises(ValueError, match="Half-lives"):
        Coefficients(half_life_fast=0)
    with pytest.raises(ValueError, match="five severity weights"):
        Coefficients(severity_weights=(1, 2, 3))  # type: ignore[arg-type]


def test_weighted_neighbours() -> None:
    """Shares weigh the mean; a lonely place has none."""
    assert neighbour_mean([1.0, 4.0]) == 2.5
    assert neighbour_mean([1.0, 4.0], [3, 1]) == 1.75
    assert neighbour_mean([]) == 0.0


@pytest.mark.parametrize(
    ("p28", "before", "after"),
    [(0.05, 0, 2), (0.049, 0, 1), (0.36, 2, 4), (0.34, 4, 4), (0.281, 4, 4), (0.279, 4, 3)]
    + [(0.11, 4, 2), (0.125, 5, 3), (0.0401, 2, 2), (0.0399, 5, 1), (0.99, 1, 5)],
)
def test_levels_rise_at_once_and_fall_late(p28: float, before: int, after: int) -> None:
    """A level is left only below 0.8 of its boundary, one boundary at a time."""
    assert next_level(p28, before) == after


@given(st.floats(0, 1), st.integers(0, 5))
def test_hysteresis_never_shows_less_than_the_score(p28: float, before: int) -> None:
    """The level with memory is never below the level without, and never above both it and the one before."""
    assert level_of(p28) <= next_level(p28, before) <= max(level_of(p28), before)


def test_boundaries_must_rise() -> None:
    """A profile's own boundaries are checked."""
    assert check_boundaries([0.1, 0.2, 0.3, 0.4]) == (0.1, 0.2, 0.3, 0.4)
    with pytest.raises(ValueError, match="rising"):
        check_boundaries([0.1, 0.3, 0.2, 0.4])
