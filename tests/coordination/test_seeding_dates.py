"""Dates from a seed file and of the demonstration: entered once, refused in words, near on the day the demonstration is built."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from committees import flashpoints
from committees.flashpoints import DateNote, Flashpoint
from committees.places import by_code
from committees.profiles import starter
from committees.windows import spans_of
from coordination import seeding_dates
from tests.make import START, Town, dates_between

ROW = {
    "key": "fair",
    "locality": "PK-KP-MARDAN",
    "trigger": "big_event",
    "name": "Spring fair",
    "starts": "2027-03-02",
}


def test_the_demonstration_always_has_dates_ahead_and_building_it_twice_adds_none(town: Town) -> None:
    rows = seeding_dates.demo_rows()
    with town.session(write=True) as session:
        assert seeding_dates.enter_each(session, START, rows) == len(rows)
        assert seeding_dates.enter_each(session, START + timedelta(days=3), rows) == 0
        mardan = by_code(session, "PK-KP-MARDAN")
        fortnight = START.date(), START.date() + timedelta(days=14)
        found = dates_between(session, mardan.id, *fortnight, spans_of(starter()))
        assert [one.trigger for one in found] == ["big_event", "procession"]
        notes = flashpoints.notes_of(session, [mardan.id], [found[1].series])
        assert [note.day for note in notes] == [found[1].starts - timedelta(days=365)]


def test_a_row_of_a_seed_file_has_real_days(town: Town) -> None:
    with town.session(write=True) as session:
        assert seeding_dates.enter(
            session, START, {**ROW, "ends": "2027-03-04", "note": "Calm", "note_day": "2026-03-03"}
        )
        row = session.scalars(select(Flashpoint)).one()
        assert (row.starts, row.ends, row.names) == (
            date(2027, 3, 2),
            date(2027, 3, 4),
            {"en": "Spring fair"},
        )
        assert session.scalars(select(DateNote.day)).one() == date(2026, 3, 3)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"trigger": "comet"}, "not a kind of date"),
        ({"trigger": "shock_elsewhere"}, "not a kind of date"),
        ({"starts": "2 March"}, "Invalid isoformat"),
        ({"ends": "2027-03-01"}, "must not lie before"),
        ({"ends": "2028-03-01"}, "120 days at most"),
    ],
)
def test_a_row_that_cannot_be_used_is_refused_in_words(
    town: Town, changes: dict[str, str], error: str
) -> None:
    with town.session(write=True) as session, pytest.raises(ValueError, match=error):
        seeding_dates.enter(session, START, {**ROW, **changes})
