"""The weekly check-in from the question to the answer: asked once, reminded once, and a ward without voices is rung."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select, update

from committees import call_backs, checkins, people
from committees.call_backs import CallBack
from committees.committee import Committee, Membership, Seat
from committees.people import Person
from committees.places import by_code
from coordination.frame import LANGUAGE_COOKIE
from tests.rig.town import WiredTown

WHO = "member1.mardan"
ON_SQLITE = pytest.mark.parametrize("databases", ["sqlite"], indirect=True)


def prompts(town: WiredTown, who: str = WHO, word: str = "21121") -> list[str]:
    return [text for text in town.heard(who) if word in text]


def to_thursday(town: WiredTown) -> None:
    """From Tuesday 14:00 to Thursday 17:00 at the place."""
    town.later(days=2, hours=3)


def change(town: WiredTown, **values: object) -> None:
    with town.session("seed", write=True) as session:
        session.execute(update(Person).where(Person.code == WHO).values(values))


def test_who_does_not_answer_is_asked_once_and_reminded_once(wired_town: WiredTown) -> None:
    town = wired_town
    town.later(days=2, hours=2)
    assert prompts(town) == []
    town.later(hours=1)
    assert len(prompts(town)) == 1
    town.later(hours=12)
    assert len(prompts(town)) == 1
    town.later(hours=30)  # Saturday, after ten
    assert len(prompts(town)) == 2
    town.later(hours=20)
    town.later(days=1)
    assert len(prompts(town)) == 2
    town.later(days=3, hours=11)
    assert len(prompts(town)) == 3  # the next Thursday


def test_who_answers_is_not_reminded_and_hears_how_many_spoke(wired_town: WiredTown) -> None:
    town = wired_town
    to_thursday(town)
    town.sms(WHO, "21121")
    with town.session("intake") as session:
        assert [row.answers for row in session.scalars(select(checkins.CheckIn))] == [[2, 1, 1, 2, 1]]
    asked = len(prompts(town))
    town.later(days=2)
    assert len(prompts(town)) == asked
    assert len(prompts(town, "member2.mardan")) == 2


def test_pause_and_stop_and_quiet_hours_are_kept(wired_town: WiredTown) -> None:
    town = wired_town
    change(town, paused_until=town.clock.now().replace(day=29))
    town.sms("member2.mardan", "STOP")
    to_thursday(town)
    town.later(days=1)
    assert prompts(town) == prompts(town, "member2.mardan") == []
    change(town, paused_until=None, quiet_from=12, quiet_to=20)
    town.later(minutes=10)
    assert prompts(town) == []
    town.later(hours=4)
    assert len(prompts(town)) == 1


def test_a_committee_that_turned_asking_off_asks_nobody(wired_town: WiredTown) -> None:
    town = wired_town
    with town.session("seed", write=True) as session:
        session.execute(update(Committee).values(rhythm={"asks": False}))
    to_thursday(town)
    assert prompts(town) == []


def test_the_chair_is_told_of_one_silent_ward_and_says_that_it_was_rung(wired_town: WiredTown) -> None:
    town = wired_town
    town.later(minutes=5)
    told = [text for text in town.heard("chair.mardan") if "14" in text and "OK" in text]
    assert told == []  # silence is no emergency: it is said in the morning
    town.later(hours=20)
    (words,) = [text for text in town.heard("chair.mardan") if "14" in text and "OK" in text]
    code = re.findall(r"OK (\d{3})", words)[0]
    town.sms("chair.mardan", f"OK {code}")
    with town.session("intake") as session:
        closed = session.scalars(select(CallBack).where(CallBack.outcome == "reached")).all()
        assert [call.why for call in closed] == ["no_news"]


def test_who_answers_late_is_told_so_and_stands_in_the_week_of_which_they_speak(
    wired_town: WiredTown,
) -> None:
    town = wired_town
    town.later(days=6, hours=1)  # Monday, 15:00
    town.sms(WHO, "21121")
    assert "اتوار تک کے ہفتے میں" in town.last(WHO)  # kept for the week to Sunday
    browser = town.browser("member2.mardan")
    browser.open("/check-in")
    browser.send("/check-in", activities=["meal"], **{f"q{number}": "1" for number in range(1, 6)})
    assert "until Sun 29 Nov, marked late" in browser.page
    with town.session("intake") as session:
        rows = session.scalars(select(checkins.CheckIn)).all()
    assert {(row.week.isoformat(), row.late) for row in rows} == {("2026-11-23", True)}
    assert sorted(row.activities for row in rows) == [[], ["meal"]]
    desk = town.browser("secretary.mardan")
    desk.client.set_cookie(LANGUAGE_COOKIE, "en")
    assert "/desk/weeks" in desk.open("/desk")
    page = desk.open("/desk/weeks")
    assert page.count("week until Sun 29 Nov") == 3, "two late answers and one meal"
    assert ("A shared meal" in page, "1 member said so" in page) == (True, True)
    assert "29 Nov" not in town.browser("secretary.quetta").open("/desk/weeks")
    town.sms(WHO, "WRONG")
    with town.session("intake") as session:
        assert len(session.scalars(select(checkins.CheckIn)).all()) == 1


def only(town: WiredTown, channel: str, address: str) -> None:
    """Let one way alone reach WHO."""
    with town.session("seed", write=True) as session:
        person = town.person(session, WHO)
        old = people.contacts_of(session, person.id)
        for point in old:
            point.stopped_at = town.clock.now()
        place, now = old[0].locality_id, town.clock.now()
        people.add_contact(session, person, channel, address, locality_id=place, verified_at=now)


@ON_SQLITE
def test_who_is_reached_by_letter_only_is_asked_by_letter(wired_town: WiredTown) -> None:
    only(wired_town, "email", "one@example.org")
    to_thursday(wired_town)
    assert [1 for mail in wired_town.mail.to("one@example.org") if "21121" in mail.text] == [1]


@ON_SQLITE
def test_who_is_reached_by_calls_only_is_rung_by_a_person(wired_town: WiredTown) -> None:
    town = wired_town
    only(town, "voice", "+923009991111")
    to_thursday(town)
    town.later(days=1)
    mine = select(CallBack).where(CallBack.why == call_backs.CHECK_IN)
    with town.session("engine") as session:
        (call,) = session.scalars(mine).all()
    desk = town.browser("secretary.mardan")
    assert "Only calls reach a member here" in desk.open("/desk")
    browser = town.browser(WHO)
    browser.open("/check-in")
    browser.send("/check-in", **{f"q{number}": "1" for number in range(1, 6)})
    town.later(minutes=10)
    with town.session("engine") as session:
        assert session.scalars(mine).one().outcome == call_backs.NEWS_CAME


@ON_SQLITE
def sit_for_two(town: WiredTown) -> None:
    with town.session("seed", write=True) as session:
        person, ward = town.person(session, WHO), by_code(session, "PK-KP-MARDAN-W6")
        town_id = by_code(session, "PK-KP-MARDAN").id
        body = session.scalars(select(Committee).where(Committee.locality_id == town_id)).one()
        seat = Seat(committee_id=body.id, role="member", ward_id=ward.id)
        session.add(seat)
        session.flush()
        session.add(Membership(seat_id=seat.id, person_id=person.id, since=town.clock.now()))


def test_the_same_answer_for_two_wards_within_a_minute_is_two_answers(wired_town: WiredTown) -> None:
    """The network repeats messages, too; but who was asked about the next ward in between answers that."""
    town = wired_town
    sit_for_two(town)
    to_thursday(town)
    town.later(minutes=4, seconds=50)  # members are asked every five minutes
    for asked in (1, 2):
        assert len(prompts(town)) == asked
        town.sms(WHO, "CALM")
        town.later(seconds=20)
    town.sms(WHO, "CALM")
    with town.session("intake") as session:
        rows = session.scalars(select(checkins.CheckIn)).all()
    assert len({row.locality_id for row in rows}) == len(rows) == 2


def test_who_sits_for_two_wards_is_asked_about_one_after_the_other(wired_town: WiredTown) -> None:
    town = wired_town
    sit_for_two(town)
    to_thursday(town)
    (first,) = prompts(town)
    town.sms(WHO, "21121")
    town.later(minutes=10)
    second = prompts(town)[-1]
    assert len(prompts(town)) == 2
    assert ("6" in first.split("21121")[0], "6" in second.split("21121")[0]) in ((True, False), (False, True))
    town.sms(WHO, "33333")
    town.later(days=2)
    assert len(prompts(town)) == 2, "both are answered"
    with town.session("intake") as session:
        rows = session.execute(select(checkins.CheckIn.locality_id, checkins.CheckIn.answers)).all()
    assert len({place for place, _ in rows}) == 2
    assert sorted(answers for _, answers in rows) == [[2, 1, 1, 2, 1], [3, 3, 3, 3, 3]]
