"""A window that opens raises watchfulness by itself: within the hour after local midnight, or at once when a date is entered."""

import uuid
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import select

from alerts.alert import Alert
from alerts.assessing import Score, latest
from alerts.sentences import line_sentence
from committees import flashpoints
from committees.flashpoints import NewDate
from committees.places import by_code
from committees.profiles import starter
from committees.windows import spans_of
from tests.make import WARD, Town, dates_between

TOWN = "PK-KP-MARDAN"
SPANS = spans_of(starter())


def enter(town: Town, code: str, trigger: str, starts: date, **fields: Any) -> uuid.UUID:
    key = uuid.uuid4()
    with town.session(write=True) as session:
        new = NewDate(
            key, by_code(session, code), trigger, {"en": "A walk to the river"}, starts, starts, **fields
        )
        flashpoints.record(session, town.clock.now(), new)
    return key


def score(town: Town, code: str = WARD) -> Score:
    with town.session() as session:
        found = latest(session, by_code(session, code).id)
        assert found is not None
        return found


def dates_in(found: Score) -> list[str]:
    return [line_sentence(line) for line in found.contributions if line["key"] == "date"]


def alerts(town: Town) -> list[tuple[str, int]]:
    with town.session() as session:
        return [
            tuple(row) for row in session.execute(select(Alert.rule, Alert.level).order_by(Alert.rule)).all()
        ]


def test_a_window_opens_at_local_midnight_and_the_score_says_so_within_the_hour(town: Town) -> None:
    town.work()
    # Ten days before 10 December in Mardan is midnight of 30 November there, 19:00 on 29 November in UTC.
    enter(town, TOWN, "procession", date(2026, 12, 10))
    town.work()
    town.clock.at = datetime(2026, 11, 29, 18, 58, tzinfo=UTC)
    town.work()
    before = score(town)
    assert dates_in(before) == []
    assert alerts(town) == []
    town.later(minutes=4)
    after = score(town)
    assert dates_in(after) == ["A date is near: A walk to the river"]
    assert after.p28 > before.p28
    assert alerts(town) == [("date_ahead", 2)]


def test_a_date_that_is_entered_today_counts_at_once_and_one_that_is_cancelled_no_more(town: Town) -> None:
    town.work()
    key = enter(town, WARD, "decision", date(2026, 11, 26))
    town.later(minutes=1)
    assert dates_in(score(town)) == ["A date is near: A walk to the river"]
    assert dates_in(score(town, "PK-KP-MARDAN-W8")) == []
    with town.session(write=True) as session:
        place = by_code(session, WARD)
        here = flashpoints.date_of(session, place.id, key, SPANS)
        assert here is not None
        flashpoints.remark(session, town.clock.now(), place, here, cancelled="Put off by the court")
    town.later(minutes=1)
    assert dates_in(score(town)) == []


def test_a_procession_in_one_ward_asks_the_town_to_prepare(town: Town) -> None:
    town.work()
    enter(town, WARD, "procession", date(2026, 11, 27))
    town.later(minutes=1)
    assert alerts(town) == [("date_ahead", 2)]
    with town.session() as session:
        assert session.scalars(select(Alert.locality_id)).one() == by_code(session, TOWN).id
        assert by_code(session, TOWN).watched


def test_a_difficult_date_of_any_kind_asks_the_town_to_prepare(town: Town) -> None:
    town.work()
    enter(town, TOWN, "anniversary", date(2026, 11, 27))
    town.later(minutes=1)
    assert alerts(town) == []
    enter(town, TOWN, "anniversary", date(2026, 11, 28), difficult=True)
    town.later(minutes=1)
    assert alerts(town) == [("date_ahead", 2)]


def test_nothing_is_looked_at_again_without_a_reason(town: Town) -> None:
    town.work()
    at = score(town).at
    town.later(hours=2)
    assert score(town).at == at


def test_what_was_known_of_dates_at_a_past_time_can_be_read_again(town: Town) -> None:
    before = town.clock.now()
    town.clock.move(days=1)
    enter(town, TOWN, "procession", date(2026, 12, 1))
    with town.session() as session:
        place = by_code(session, WARD)

        def known(at: datetime | None) -> int:
            month = date(2026, 12, 1), date(2026, 12, 31)
            return len(dates_between(session, place.id, *month, SPANS, at))

        assert (known(before), known(town.clock.now()), known(None)) == (0, 1, 1)
        assert known(before + timedelta(days=2)) == 1
