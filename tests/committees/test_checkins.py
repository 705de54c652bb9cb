"""The weekly check-in: five answers, one voice a source and week, and silence that is never taken for calm."""

from __future__ import annotations

import threading
import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from alerts.explaining import soft_terms
from committees import checkins, reports
from committees.checkins import CheckIn, NewCheckIn, Turnout, Voices
from committees.committee import Committee
from committees.places import by_code
from committees.profiles import starter
from foundation.errors import Invalid
from foundation.policy import service
from tests.make import WARD, Town

GOOD = (1, 2, 1, 1, 2)


def check_in(
    town: Town,
    session: Session,
    source: int = 0,
    answers: tuple[int, ...] = GOOD,
    ward: str = WARD,
    **fields: Any,
) -> CheckIn:
    who = reports.source_for(
        session, town.clock.now(), group=uuid.UUID(int=1), person_id=uuid.UUID(int=50 + source)
    )
    new = NewCheckIn(
        id=fields.pop("id", uuid.uuid4()),
        locality=by_code(session, ward),
        source=who,
        answers=answers,
        **fields,
    )
    return checkins.record(session, town.clock.now(), new)


def voices(town: Town, session: Session, code: str = WARD) -> Voices:
    return checkins.voices(session, town.clock.now(), by_code(session, code).id)


@pytest.mark.parametrize(
    ("answers", "field"),
    [
        ((), "q1"),
        ((1, 2), "q3"),
        ((1, 2, 3, 4), "q5"),
        ((0, 1, 1, 1, 1), "q1"),
        ((1, 1, 6, 1, 1), "q3"),
    ],
)
def test_each_missing_answer_is_named(town: Town, answers: tuple[int, ...], field: str) -> None:
    with town.session() as session, pytest.raises(Invalid) as caught:
        check_in(town, session, answers=answers)
    assert caught.value.field == field


def test_an_answer_taken_back_holds_up_none_that_was_written_before_it(town: Town) -> None:
    """It waits on a phone, an SMS comes, the SMS is taken back: then the phone's is the last word."""
    with town.session() as session:
        before = checkins.answered(check_in(town, session))
        town.clock.move(hours=1)
        written = town.clock.now()
        town.clock.move(hours=1)
        row = check_in(town, session, answers=(5, 5, 5, 5, 5), channel="sms", only_answers=True)
        checkins.take_back(session, town.clock.now(), row, before)
        assert check_in(town, session, answers=(3, 3, 3, 3, 3), at=written).answers == [3, 3, 3, 3, 3]


def test_a_week_begins_on_the_local_monday(town: Town) -> None:
    with town.session() as session:
        assert check_in(town, session).week.isoformat() == "2026-11-23"
        town.clock.move(days=5, hours=10, minutes=30)  # Sunday 19:30 UTC is Monday in Mardan
        assert check_in(town, session).week.isoformat() == "2026-11-30"


def test_what_comes_after_asking_has_ended_is_kept_late_in_the_week_it_speaks_of(town: Town) -> None:
    with town.session() as session:
        written = town.clock.now()
        town.clock.move(days=5, hours=5, minutes=59)  # Sunday 19:59 in Mardan
        assert check_in(town, session, source=1).late is False
        town.clock.move(minutes=1)
        assert check_in(town, session, source=2).late is True
        assert check_in(town, session, source=1, answers=(5, 5, 5, 5, 5)).late is False  # a second thought
        town.clock.move(days=1)
        monday = check_in(town, session, source=3)
        assert (monday.week.isoformat(), monday.late) == ("2026-11-23", True)
        again = check_in(town, session, source=3)
        assert (again.week.isoformat(), again.late) == ("2026-11-30", False)
        town.clock.move(days=1)
        assert check_in(town, session, source=4).week.isoformat() == "2026-11-30"
        waited = check_in(town, session, source=5, at=written)  # without network since Tuesday
        assert (waited.week.isoformat(), waited.late) == ("2026-11-23", True)
        turnout = session.get_one(Turnout, (monday.locality_id, monday.week))
        session.refresh(turnout)
        assert (turnout.spoken, turnout.late) == (4, 3)


def test_a_committee_that_asks_nobody_knows_no_late(town: Town) -> None:
    with town.session("seed", write=True) as session:
        for body in session.scalars(select(Committee)):
            body.rhythm = {"asks": False}
        session.flush()
        town.clock.move(days=6)
        row = check_in(town, session)
        assert (row.week.isoformat(), row.late) == ("2026-11-30", False)


def test_the_second_word_of_a_week_replaces_the_first(town: Town) -> None:
    with town.session() as session:
        first = check_in(town, session, answers=(5, 5, 5, 5, 5), all_calm=False)
        second = check_in(town, session, all_calm=True)
        assert second.id == first.id
        assert voices(town, session) == Voices(1, 1, True, {}, town.clock.now())


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_what_an_sms_cannot_say_it_does_not_wipe_and_taking_it_back_brings_the_rest_back(town: Town) -> None:
    with town.session() as session:
        extras: dict[str, Any] = {"talked_to": ("women",), "prepare": "Friday", "activities": ("meal",)}
        first = check_in(town, session, answers=(3, 3, 3, 3, 3), **extras)
        before = checkins.answered(first)
        row = check_in(
            town, session, answers=(1, 1, 1, 1, 1), all_calm=True, channel="sms", only_answers=True
        )
        assert (row.talked_to, row.prepare, row.activities) == (["women"], "Friday", ["meal"])
        checkins.take_back(session, town.clock.now(), row, before)
        assert (row.answers, row.all_calm, row.channel) == ([3] * 5, False, "web")
        row = check_in(town, session, channel="api", activities=None)
        assert (row.talked_to, row.activities) == ([], ["meal"]), "a program is not asked for what was done"
        other = check_in(town, session, source=1)
        assert checkins.spoken_this_week(session, other.locality_id, other.week) == 2
        checkins.take_back(session, town.clock.now(), other, None)
        assert checkins.spoken_this_week(session, row.locality_id, row.week) == 1


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_each_press_of_the_button_weighs_less(town: Town) -> None:
    document = starter()
    sizes = []
    with town.session() as session:
        for source, pressed in enumerate((False, True, True, True)):
            check_in(town, session, source=source, answers=(1, 1, 1, 1, 1), all_calm=pressed)
            said = voices(town, session)
            found = soft_terms(document, said, (), town.clock.now().date()).signs
            sizes += [sign["size"] for sign in found if sign["key"] == "checkin"]
    assert sizes == [pytest.approx(size) for size in (-0.0075, -0.01 * (1 - 1 / 3), -0.00625)]


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_what_waited_on_a_phone_does_not_replace_what_was_said_after_it(town: Town) -> None:
    with town.session() as session:
        written = town.clock.now()
        town.clock.move(hours=1)
        later = check_in(town, session, answers=(2, 2, 2, 2, 2))
        town.clock.move(hours=1)
        assert check_in(town, session, answers=(5, 5, 5, 5, 5), at=written).answers == [2] * 5
        session.refresh(later)
        assert later.answers == [2] * 5
        assert check_in(town, session, answers=(4, 4, 4, 4, 4), at=town.clock.now()).answers == [4] * 5


def test_one_voice_is_not_enough_and_two_are(town: Town) -> None:
    with town.session() as session:
        check_in(town, session)
        assert not voices(town, session).known
        check_in(town, session, source=1, answers=(3, 3, 3, 3, 3))
        found = voices(town, session)
        assert (found.sources, found.known, found.median) == (2, True, 2.5)


def test_after_two_weeks_of_silence_nothing_is_known(town: Town) -> None:
    with town.session() as session:
        for source in range(3):
            check_in(town, session, source)
        town.clock.move(days=checkins.NEWS_DAYS, seconds=-1)
        assert voices(town, session).known
        town.clock.move(seconds=1)
        assert voices(town, session) == Voices(0, None, False, {}, None)


def test_who_reports_has_spoken_too(town: Town) -> None:
    town.report()
    town.report()
    with town.session() as session:
        found = voices(town, session)
        assert (found.sources, found.median) == (1, None)


def test_a_town_hears_its_wards_and_no_ward_another(town: Town) -> None:
    with town.session() as session:
        check_in(town, session)
        check_in(town, session, source=1, ward="PK-KP-MARDAN-W6")
        assert voices(town, session, "PK-KP-MARDAN").sources == 2
        assert voices(town, session).sources == 1


def test_indicators_are_counted_by_how_many_say_so(town: Town) -> None:
    with town.session() as session:
        for source, word in enumerate(("seen", "seen", "stopped", "unknown")):
            check_in(town, session, source, indicators={"shops_shut": word})
        assert voices(town, session).indicators == {"shops_shut": (2, 1)}


def test_the_same_form_sent_at_once_is_one_check_in(town: Town) -> None:
    key, start, errors = uuid.uuid4(), threading.Barrier(10), []

    def send() -> None:
        start.wait(30)
        try:
            with town.runtime.worker.open(service("intake"), write=True) as session:
                check_in(town, session, id=key)
                session.commit()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=send) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    with town.session() as session:
        assert session.scalar(select(func.count()).select_from(CheckIn)) == 1
        assert voices(town, session).sources == 1


@given(st.integers(0, 9))
def test_silence_is_never_taken_for_calm(sources: int) -> None:
    assert Voices(sources, None, False, {}, None).known == (sources >= 2)
