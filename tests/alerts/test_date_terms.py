"""What dates add to the soft signs: one sign a kind, within its bound, a place's own size first."""

import uuid
from dataclasses import replace
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from alerts.assessing import soft_terms
from alerts.risk.date_terms import date_signs
from committees.checkins import Voices
from committees.profiles import starter
from committees.windows import DAY, DateHere

TRIGGERS = starter()["triggers"]
ROWS = {row["key"]: row for row in TRIGGERS}
SILENT = Voices(0, None, False, {}, None)
FEAST = DateHere(
    uuid.uuid4(), "a", "a", uuid.uuid4(), "festival", {"en": "A feast"}, date(2026, 3, 20), date(2026, 3, 20)
)


def size(*dates: DateHere) -> float:
    return sum(sign["size"] for sign in date_signs(TRIGGERS, dates))


def test_three_windows_of_one_kind_count_once_and_two_kinds_twice() -> None:
    later = [
        replace(FEAST, key=k, series=k, starts=d, ends=d)
        for k, d in (("b", date(2026, 3, 24)), ("c", date(2026, 3, 28)))
    ]
    assert size(FEAST) == size(FEAST, *later) == ROWS["festival"]["term"]
    march = replace(FEAST, key="d", series="d", trigger="procession")
    assert size(FEAST, march) == ROWS["festival"]["term"] + ROWS["procession"]["term"]


def test_two_festivals_on_one_day_count_with_the_bound_and_say_so() -> None:
    other = replace(FEAST, key="b", series="b")
    (sign,) = date_signs(TRIGGERS, [FEAST, other])
    assert (sign["size"], sign["together"]) == (ROWS["festival"]["bound"], True)
    assert "together" not in date_signs(TRIGGERS, [FEAST])[0]
    quiet = [replace(FEAST, term=0.01), replace(other, term=0.0)]
    assert size(*quiet) == 0.01  # the place has looked at both and said how much they mean here


def test_a_place_may_say_that_a_date_means_nothing_here_but_not_that_it_means_more_than_the_bound() -> None:
    assert date_signs(TRIGGERS, [replace(FEAST, term=0.0)]) == []
    assert size(replace(FEAST, term=0.04)) == 0.04
    assert size(replace(FEAST, term=9.0)) == ROWS["festival"]["bound"]
    assert size(replace(FEAST, term=-1.0)) == 0


def test_a_kind_that_the_profile_does_not_know_adds_nothing() -> None:
    assert date_signs(TRIGGERS, [replace(FEAST, trigger="comet")]) == []


@given(
    dates=st.lists(
        st.builds(
            lambda n, kind, start, length, term, about: replace(
                FEAST,
                key=str(n),
                series=str(n),
                trigger=kind,
                starts=start,
                ends=start + length * DAY,
                term=term,
                about=about,
            ),
            st.integers(0, 9),
            st.sampled_from(sorted(ROWS)),
            st.dates(date(2026, 3, 1), date(2026, 4, 1)),
            st.integers(0, 5),
            st.none() | st.floats(-1, 1),
            st.booleans(),
        ),
        max_size=12,
        unique_by=lambda one: one.key,
    )
)
def test_no_set_of_dates_leaves_its_bounds(dates: list[DateHere]) -> None:
    signs = date_signs(TRIGGERS, dates)
    assert len({sign["trigger"] for sign in signs}) == len(signs)
    assert all(0 < sign["size"] <= ROWS[sign["trigger"]]["bound"] for sign in signs)
    assert abs(soft_terms(starter(), SILENT, dates, date(2026, 3, 20)).total) <= starter()["soft"]["bound"]
    assert signs == date_signs(TRIGGERS, dates[::-1])
