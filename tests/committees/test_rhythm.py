"""The hours of the weekly check-in: one message at a time, none after asking ended, whatever the zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from committees import rhythm
from committees.rhythm import PROMPT, REMINDER, Rhythm
from foundation.errors import Invalid

KARACHI = ZoneInfo("Asia/Karachi")
MONDAY = date(2026, 11, 23)


def at(day: int, hour: int, minute: int = 0) -> datetime:
    local = datetime(2026, 11, 23, hour, minute, tzinfo=KARACHI) + timedelta(days=day)
    return local.astimezone(UTC)


@pytest.mark.parametrize(
    ("moment", "step"),
    [
        (at(3, 16, 59), ""),
        (at(3, 17), PROMPT),
        (at(5, 9, 59), PROMPT),
        (at(5, 10), REMINDER),
        (at(6, 19, 59), REMINDER),
        (at(6, 20), ""),
        (at(7, 0), ""),
    ],
)
def test_the_usual_week(moment: datetime, step: str) -> None:
    assert rhythm.step_at(moment, KARACHI, Rhythm()) == step
    assert rhythm.step_at(moment, KARACHI, Rhythm(asks=False)) == ""


def test_what_a_committee_stores_is_read_back_and_the_rest_is_as_usual() -> None:
    own = Rhythm(prompt=40)
    assert rhythm.of(rhythm.stored(own)) == own
    assert rhythm.of({"closes": 165, "of_tomorrow": 1}) == Rhythm(closes=165)


@pytest.mark.parametrize(
    "wrong", [Rhythm(prompt=-1), Rhythm(reminder=50), Rhythm(closes=130), Rhythm(closes=168)]
)
def test_moments_that_do_not_follow_each_other_are_refused(wrong: Rhythm) -> None:
    with pytest.raises(Invalid):
        wrong.checked()


@given(st.lists(st.integers(0, 167), min_size=3, max_size=3, unique=True).map(sorted), st.integers(0, 167))
def test_a_step_is_due_exactly_between_its_hours(hours: list[int], hour: int) -> None:
    own = Rhythm(True, *hours).checked()
    moment = datetime(2026, 11, 23, tzinfo=UTC) + timedelta(hours=hour)
    step = rhythm.step_at(moment, ZoneInfo("UTC"), own)
    assert (step == PROMPT) == (hours[0] <= hour < hours[1])
    assert (step == REMINDER) == (hours[1] <= hour < hours[2])
    assert rhythm.closes_at(MONDAY, ZoneInfo("UTC"), own) == datetime(2026, 11, 23, tzinfo=UTC) + timedelta(
        hours=hours[2]
    )
