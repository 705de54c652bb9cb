"""Duty rosters: every moment has exactly one answer or is a named gap, also where clocks change and at the borders of weeks."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from committees import people, rosters
from committees.people import Office
from committees.rosters import GAP, LAYER, OVERRIDE, Layer, Roster, Stand, gaps, handover_of, on_duty, shifts
from foundation.errors import Invalid
from tests.make import Town

ZONES = [
    ZoneInfo(name) for name in ("Asia/Karachi", "Europe/London", "America/New_York", "Australia/Lord_Howe")
]
ANN, BEN, CAT = (uuid.UUID(int=n) for n in (1, 2, 3))
MONDAY = date(2026, 11, 23)
moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))
clocks = st.builds(time, st.integers(0, 23), st.sampled_from([0, 30]))
layers = st.builds(
    Layer,
    st.lists(st.sampled_from([ANN, BEN, CAT]), min_size=1, max_size=3).map(tuple),
    st.dates(date(2025, 12, 1), date(2027, 3, 1)),
    st.integers(1, 14),
    clocks,
    clocks,
    clocks,
    st.sets(st.integers(1, 7), min_size=1).map(lambda days: tuple(sorted(days))),
    st.booleans(),
)


@st.composite
def stands(draw: Any) -> Stand:
    begins = draw(moments)
    length = draw(st.timedeltas(timedelta(minutes=1), timedelta(days=9)))
    return Stand(draw(st.sampled_from([ANN, BEN, CAT])), begins, begins + length, draw(moments))


everything = st.builds(
    Roster,
    st.lists(layers, max_size=3).map(tuple),
    st.lists(stands(), max_size=2).map(tuple),
    st.sampled_from(ZONES),
    st.just(lambda day: day.day == 25),
)


@settings(max_examples=25)
@given(everything, moments, st.lists(st.floats(0, 0.999), min_size=5, max_size=5))
def test_every_moment_of_a_fortnight_has_one_answer_and_the_stretches_meet(
    roster: Roster, begins: datetime, shares: list[float]
) -> None:
    ends = begins + timedelta(days=14)
    found = shifts(roster, begins, ends)
    assert found[0].begins == begins
    assert found[-1].ends == ends
    assert all(one.ends == following.begins for one, following in zip(found, found[1:], strict=False))
    for share in shares:
        at = begins + share * (ends - begins)
        here = [one for one in found if one.begins <= at < one.ends]
        assert [one.duty for one in here] == [on_duty(roster, at)]
    assert all(one.duty.by == GAP for one in gaps(roster, begins, ends))


@given(layers, st.sampled_from(ZONES), st.integers(0, 80))
def test_a_hand_over_is_at_its_local_time_on_both_sides_of_a_clock_change(
    layer: Layer, zone: ZoneInfo, turn: int
) -> None:
    at = handover_of(layer, zone, turn)
    assert rosters.turn_at(layer, zone, at) == turn
    assert rosters.turn_at(layer, zone, at - timedelta(seconds=1)) == (turn - 1 if turn else None)
    local = at.astimezone(zone).replace(tzinfo=None)
    wanted = datetime.combine(layer.starts + timedelta(days=turn * layer.days), layer.handover)
    assert abs(local - wanted) <= timedelta(hours=1)


def test_the_weekend_that_nobody_covers_is_a_gap_with_a_name() -> None:
    days = Layer((ANN, BEN), MONDAY, begins=time(9), ends=time(18), weekdays=(1, 2, 3, 4, 5, 6))
    nights = Layer((CAT,), MONDAY, begins=time(18), ends=time(9), weekdays=(1, 2, 3, 4, 5))
    zone = ZONES[0]
    roster = Roster((days, nights), (), zone)
    begins = datetime(2026, 11, 23, 9, tzinfo=zone)
    found = gaps(roster, begins, begins + timedelta(days=7))
    said = [(f"{g.begins.astimezone(zone):%a %H:%M}", f"{g.ends.astimezone(zone):%a %H:%M}") for g in found]
    assert said == [("Sat 18:00", "Mon 09:00")]
    assert on_duty(roster, begins).person == ANN
    assert on_duty(roster, begins + timedelta(days=7)).person == BEN
    assert on_duty(roster, begins + timedelta(hours=23)).person == CAT


def test_an_override_wins_the_newest_of_two_and_a_holiday_is_off() -> None:
    layer = Layer((ANN,), MONDAY, not_on_holidays=True)
    at = datetime(2026, 11, 25, 9, tzinfo=UTC)
    stand = [
        Stand(BEN, at, at + timedelta(hours=2), at - timedelta(days=2), "leave"),
        Stand(CAT, at, at + timedelta(hours=1), at - timedelta(days=1), "ill"),
    ]
    roster = Roster((layer,), tuple(stand), ZONES[0], lambda day: day == date(2026, 11, 26))
    assert (on_duty(roster, at).person, on_duty(roster, at).by, on_duty(roster, at).reason) == (
        CAT,
        OVERRIDE,
        "ill",
    )
    assert on_duty(roster, at + timedelta(hours=1)).person == BEN
    assert (on_duty(roster, at + timedelta(hours=3)).person, on_duty(roster, at).layer) == (ANN, -1)
    assert on_duty(roster, at + timedelta(days=1)).by == GAP
    assert on_duty(roster, at + timedelta(days=2)).by == LAYER


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"persons": [], "starts": "2026-11-23"}, "names nobody"),
        ({"persons": [str(ANN)], "starts": "soon"}, "cannot be read"),
        ({"persons": [str(ANN)], "starts": "2026-11-23", "days": 99}, "do not exist"),
    ],
)
def test_a_layer_that_cannot_be_used_says_why(row: dict[str, Any], words: str) -> None:
    with pytest.raises(Invalid, match=words):
        rosters.read_layers([row])


def test_only_holders_stand_on_a_roster_and_take_a_duty(town: Town) -> None:
    with town.session(write=True) as session:
        office = session.query(Office).filter(Office.code == "MARDAN-CITY").one()
        holder, other = town.person(session, "city.mardan"), town.person(session, "chair.mardan")
        now = town.clock.now()
        with pytest.raises(Invalid, match="hold the office"):
            rosters.write(session, now, office, [{"persons": [str(other.id)], "starts": "2026-11-23"}])
        people.begin_term(session, office, other, now)
        session.flush()
        layers = [{"persons": [str(holder.id), str(other.id)], "starts": "2026-11-23", "time": "09:00"}]
        row = rosters.write(session, now, office, layers)
        assert on_duty(rosters.roster_of(session, row), now).person == holder.id
        key = uuid.uuid4()
        said = {"begins_at": now, "ends_at": now + timedelta(days=1), "made_by": holder.id}
        with pytest.raises(Invalid, match="why"):
            rosters.stand_in(session, now, row, key=key, person_id=other.id, reason=" ", **said)
        for _ in range(2):
            rosters.stand_in(session, now, row, key=key, person_id=other.id, reason="On leave", **said)
        assert session.query(rosters.DutyOverride).count() == 1
        assert on_duty(rosters.roster_of(session, row), now).person == other.id
        assert on_duty(rosters.roster_of(session, row), now + timedelta(days=8)).person == other.id
