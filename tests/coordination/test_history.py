"""The simulated past: repeatable, plausible, never about private matters, and with gaps."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, time
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from committees.catalogue import KINDS as CATALOGUE
from coordination.history import KINDS, THREATS, PastIncident, Place, Rates, simulate, simulate_checkins

START, END = date(2024, 1, 1), date(2025, 7, 1)
PLACES = [Place(f"T-W{n}", "Asia/Karachi", sources=3) for n in range(1, 9)]
RING = {f"T-W{n}": [f"T-W{n % 8 + 1}", f"T-W{(n - 2) % 8 + 1}"] for n in range(1, 9)}


def history(seed: int, **changes: float) -> list[PastIncident]:
    return simulate(PLACES, RING, START, END, Random(seed), Rates(**changes))


def test_the_same_seed_gives_the_same_past_and_another_seed_another() -> None:
    assert history(1) == history(1)
    assert history(1) != history(2)


def test_places_see_a_few_incidents_a_year_and_not_all_the_same_number() -> None:
    counts = [len(history(seed)) / (len(PLACES) * 1.5) for seed in range(12)]
    assert 2 < sum(counts) / len(counts) < 12
    assert len(set(Counter(i.locality for i in history(3)).values())) > 3


def test_every_kind_is_in_the_catalogue_with_its_severity_and_none_takes_a_path_of_its_own() -> None:
    for key, (severity, share) in KINDS.items():
        assert CATALOGUE[key].severity == severity
        assert CATALOGUE[key].path == ""
        assert CATALOGUE[key].scored
        assert share > 0


@settings(max_examples=15, deadline=None)
@given(st.integers(), st.sampled_from(["Asia/Karachi", "Asia/Kolkata", "Indian/Maldives"]))
def test_incidents_lie_inside_the_period_in_order_and_in_waking_hours(seed: int, zone: str) -> None:
    places = [Place("A", zone, 2), Place("B", zone, 0)]
    found = simulate(
        places, {"A": ["B", "elsewhere"]}, START, date(2024, 7, 1), Random(seed), Rates(background=0.03)
    )
    assert found == sorted(found, key=lambda i: i.occurred_at)
    for incident in found:
        local = incident.occurred_at.astimezone(ZoneInfo(zone))
        assert START <= local.date() < date(2024, 7, 1)
        assert time(6) <= local.time() <= time(23)
        assert incident.occurred_at.tzinfo is UTC
        assert 0 <= incident.source < 2
        assert incident.threat in THREATS


def test_trouble_brings_trouble_at_home_and_next_door() -> None:
    calm = {"fast": 0.0, "slow": 0.0, "neighbours": 0.0}
    quiet = sum(len(history(seed, **calm)) for seed in range(8))
    assert sum(len(history(seed, **{**calm, "fast": 0.02})) for seed in range(8)) > 1.3 * quiet
    assert sum(len(history(seed, **{**calm, "neighbours": 0.02})) for seed in range(8)) > 1.3 * quiet
    assert sum(len(history(seed, **{**calm, "slow": 0.002})) for seed in range(8)) > 1.2 * quiet


def test_tense_days_are_graver() -> None:
    def mean(escalation: float) -> float:
        found = [i.severity for seed in range(8) for i in history(seed, escalation=escalation)]
        return sum(found) / len(found)

    assert mean(2.0) > mean(0.0) + 0.1


def test_rates_that_are_negative_or_never_calm_down_are_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        Rates(background=-0.1)
    with pytest.raises(ValueError, match="never calm down"):
        Rates(fast=0.06)


def test_checkins_are_weekly_have_gaps_and_darken_after_incidents() -> None:
    found = history(5)
    checkins = simulate_checkins(PLACES, found, START, END, Random(5))
    weeks = len({c.sent_at.isocalendar()[:2] for c in checkins})
    assert weeks in (77, 78)
    share = len(checkins) / (weeks * len(PLACES) * 3)
    assert 0.5 < share < 0.95
    assert all(1 <= answer <= 5 for c in checkins for answer in c.answers)
    assert all(set(c.answers) == {1} for c in checkins if c.all_calm)
    assert max(c.sent_at for c in checkins) < datetime(2025, 7, 1, tzinfo=UTC)
    assert min(c.sent_at for c in checkins) >= datetime(2024, 1, 1, tzinfo=UTC)
    troubled = simulate_checkins(PLACES, found * 6, START, END, Random(5))
    assert sum(map(sum, (c.answers for c in troubled))) > sum(map(sum, (c.answers for c in checkins)))


def test_some_place_falls_silent_in_the_last_weeks() -> None:
    last_month = datetime(2025, 6, 4, tzinfo=UTC)
    silent = 0
    for seed in range(6):
        checkins = simulate_checkins(PLACES, [], START, END, Random(seed))
        silent += len(PLACES) - len({c.locality for c in checkins if c.sent_at > last_month})
        assert {c.locality for c in checkins} == {p.code for p in PLACES}
    assert 1 <= silent <= 24
