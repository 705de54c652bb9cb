"""The weekly check-in from the question to the answer: asked once, reminded once, and a ward without voices is rung."""

from __future__ import annotations

import re

from sqlalchemy import select, update

from committees import checkins
from committees.call_backs import CallBack
from committees.committee import Committee
from committees.people import Person
from tests.rig.town import WiredTown

WHO = "member1.mardan"


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
