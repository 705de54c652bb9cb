"""A date at one place: whose word counts, and when its window is open, in every time zone."""

import uuid
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from committees.places import local_day
from committees.windows import DAY, DateHere, fall_together, midnight, stand_at, together

# Kathmandu's quarter, Lord Howe's half hour, and three where clocks change at midnight itself.
ZONES = st.sampled_from(
    ("Asia/Karachi", "Asia/Kathmandu", "Asia/Kolkata", "Indian/Maldives", "Australia/Lord_Howe", "America/Sao_Paulo",
     "America/Havana", "Africa/Cairo", "Pacific/Apia", "UTC")
).map(ZoneInfo)  # fmt: skip
DAYS = st.dates(date(2000, 1, 1), date(2035, 12, 31))
WARD, TOWN, COUNTRY = (uuid.UUID(int=n) for n in (1, 2, 3))
CHAIN = (WARD, TOWN, COUNTRY)
T0 = datetime(2026, 1, 1, tzinfo=UTC)


@st.composite
def dates(draw: st.DrawFn) -> DateHere:
    starts = draw(DAYS)
    return DateHere(
        id=uuid.uuid4(),
        key=str(draw(st.integers(0, 10**6))),
        series="s",
        locality_id=TOWN,
        trigger="festival",
        names={"en": "A date"},
        starts=starts,
        ends=starts + DAY * draw(st.integers(0, 10)),
        about=draw(st.booleans()),
        before=draw(st.integers(0, 40)),
        after=draw(st.integers(0, 60)),
    )


@given(one=dates(), zone=ZONES, seconds=st.integers(-120 * 86400, 120 * 86400))
def test_a_window_is_open_between_its_two_midnights_and_at_no_other_moment(
    one: DateHere, zone: ZoneInfo, seconds: int
) -> None:
    begins, ended = midnight(one.opens, zone), midnight(one.closes + DAY, zone)
    for moment in (
        midnight(one.starts, zone) + timedelta(seconds=seconds),
        begins,
        ended,
        ended - timedelta(seconds=1),
    ):
        assert one.is_open(local_day(moment, zone)) == (begins <= moment < ended)
    assert not one.is_open(local_day(begins - timedelta(seconds=1), zone))


@given(one=dates(), zone=ZONES)
def test_the_day_itself_lies_in_the_window(one: DateHere, zone: ZoneInfo) -> None:
    assert one.opens <= one.starts <= one.ends <= one.closes
    assert one.is_open(one.starts)
    assert not replace(one, cancelled="It does not take place").is_open(one.starts)


@given(day=DAYS, zone=ZONES)
def test_midnight_is_the_first_moment_of_its_day(day: date, zone: ZoneInfo) -> None:
    # Apia had no 30 December 2011: a day that never was begins with the next one.
    if str(zone) == "Pacific/Apia" and day == date(2011, 12, 30):
        return
    assert local_day(midnight(day, zone), zone) == day
    assert local_day(midnight(day, zone) - timedelta(seconds=1), zone) < day


@given(one=dates(), other=dates(), move=st.integers(-5, 5))
def test_falling_together_is_mutual_and_an_unsure_date_reaches_a_day_further(
    one: DateHere, other: DateHere, move: int
) -> None:
    other = replace(other, starts=one.ends + move * DAY, ends=one.ends + (move + 2) * DAY, series="t")
    assert fall_together(one, other) == fall_together(other, one)
    if fall_together(replace(one, about=False), replace(other, about=False)):
        assert fall_together(one, other)
    sure = replace(one, about=False, starts=one.ends), replace(other, about=False)
    assert fall_together(*sure) == (-2 <= move <= 0)
    assert fall_together(sure[0], replace(sure[1], about=True)) == (-3 <= move <= 1)


def test_two_names_of_one_series_never_fall_together() -> None:
    one = DateHere(uuid.uuid4(), "a", "s", TOWN, "festival", {}, date(2026, 3, 20), date(2026, 3, 21))
    assert together([one, replace(one, key="b", series="t")]) == {"a", "b"}
    assert together([one, replace(one, key="b")]) == frozenset()
    assert together([one, replace(one, key="b", series="t", trigger="big_event")]) == frozenset()


@dataclass
class Row:
    """A date as it was entered, or a remark on it."""

    key: str = "eid"
    locality_id: uuid.UUID = COUNTRY
    created_at: datetime = T0
    starts: Any = None
    ends: Any = None
    about: Any = None
    difficult: Any = None
    term: Any = None
    cancelled: Any = None
    trigger: str = "festival"
    series: str = "eid"
    source: str = "library"
    names: dict[str, str] = field(default_factory=dict)
    id: uuid.UUID = field(default_factory=uuid.uuid4)


def entered(day: int, **changes: Any) -> Row:
    at = date(2026, 3, day)
    return Row(**{"starts": at, "ends": at, "about": True, "difficult": False, **changes})


def only(rows: list[Row], said: list[Row], chain: tuple[uuid.UUID, ...] = CHAIN) -> DateHere:
    (found,) = stand_at(chain, rows, said, {"festival": (10, 3)})
    return found


def test_a_place_hears_of_the_dates_above_it_with_the_windows_of_its_own_profile() -> None:
    found = only([entered(20)], [])
    assert (found.opens, found.closes, found.about) == (date(2026, 3, 10), date(2026, 3, 23), True)
    assert stand_at((TOWN,), [entered(20)], [], {}) == []


def test_the_nearest_word_counts_field_by_field() -> None:
    country = Row(starts=date(2026, 3, 21), ends=date(2026, 3, 21), about=False)
    town = Row(locality_id=TOWN, difficult=True, created_at=T0 - timedelta(days=300))
    found = only([entered(20)], [country, town])
    assert (found.starts, found.about, found.difficult) == (date(2026, 3, 21), False, True)
    ward = Row(locality_id=WARD, starts=date(2026, 3, 20), ends=date(2026, 3, 20), about=False)
    assert only([entered(20)], [country, town, ward]).starts == date(2026, 3, 20)
    assert only([entered(20)], [country, town, ward], (TOWN, COUNTRY)).starts == date(2026, 3, 21)


def test_what_a_place_said_last_counts_and_nobody_speaks_for_a_place_above_the_date() -> None:
    first, later = (
        Row(locality_id=TOWN, cancelled="Rain"),
        Row(locality_id=TOWN, cancelled="", created_at=T0 + DAY),
    )
    assert only([entered(20)], [later, first]).cancelled == ""
    assert only([entered(20)], [first]).cancelled == "Rain"
    own = entered(20, locality_id=TOWN)
    assert only([own], [Row(locality_id=COUNTRY, cancelled="Not here")]).cancelled == ""


def test_the_newest_version_of_a_date_counts_and_a_confirmed_one_is_not_touched_by_it() -> None:
    old, new = entered(20), entered(22, created_at=T0 + DAY)
    assert only([new, old], []).starts == date(2026, 3, 22)
    confirmed = Row(locality_id=TOWN, starts=date(2026, 3, 20), ends=date(2026, 3, 20), about=False)
    found = only([new, old], [confirmed])
    assert (found.id, found.starts, found.about) == (new.id, date(2026, 3, 20), False)
