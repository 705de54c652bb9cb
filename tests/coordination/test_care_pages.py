"""What goes past the committee reaches the office it is meant for, and nobody else; everybody has a first page."""

import re

import pytest
from sqlalchemy import func, select

from committees.call_backs import PRIVATE, CallBack
from committees.people import principal_of
from committees.places import by_code
from committees.ring_me import NumberToRing
from tests.journeys.test_report_to_acknowledged_alert import english, report
from tests.make import WARD, Browser, Town

FIRST_PAGES = {
    "member1.mardan": "/today",
    "secretary.mardan": "/today",
    "city.mardan": "/city",
    "district.mardan": "/city",
    "police.mardan": "/review",
    "national.pk": "/national",
    "hub": "/national",
    "oversight.kp": "/care",
    "services.mardan": "/care",
    "admin": "/admin",
    "auditor": "/record",
}


@pytest.mark.parametrize("code", FIRST_PAGES)
def test_everybody_has_a_first_page(town: Town, code: str) -> None:
    browser = english(town, code)
    assert browser.path == FIRST_PAGES[code]


def test_a_complaint_reaches_oversight_and_not_the_committee(town: Town) -> None:
    report(town, what="threat", ongoing="", withheld=["committee"], text="The secretary asked for money")
    town.work()
    office = english(town, "oversight.kp")
    found = re.search(r'href="(/care/[0-9a-f-]{36})"', office.open("/care"))
    assert found, office.page
    assert "asked for money" not in office.open(found.group(1))
    assert "asked for money" in office.send(found.group(1))
    incident = found.group(1).removeprefix("/care/")
    for code in ("secretary.mardan", "chair.mardan", "member2.mardan", "city.mardan"):
        other = english(town, code)
        other.open(f"/desk/r/{incident}")
        assert other.status == 404, code
        assert "asked for money" not in other.open("/desk") + other.open("/today")
    record = english(town, "auditor").open("/record")
    assert "open:text" in record
    assert "asked for money" not in record


def test_care_lists_people_in_need_with_their_town_and_not_the_calls_of_a_committee(town: Town) -> None:
    with town.session("seed", write=True) as session:
        here, now = by_code(session, WARD), town.clock.now()
        for why, sensitive in (("no_news", False), ("private_matter", True)):
            session.add(CallBack(locality_id=here.id, why=why, asked_at=now, due_at=now, sensitive=sensitive))
    for code in ("oversight.kp", "services.mardan"):
        page = english(town, code).open("/care")
        assert page.count('action="/care/call/') == 1, code
        assert "Ward 7, Mardan · " in page
        assert "No news from here" not in page
    assert "No news from here" in english(town, "secretary.mardan").open("/desk")


ASKS = {
    "kind": "harm_at_home",
    "ward": WARD,
    "number": "0300 7654321",
    "safe_time": "Weekday mornings",
    "help": "A doctor",
}


def asked(town: Town, **changes: str) -> Browser:
    """A member asks for a call about a private matter."""
    browser = english(town, "member1.mardan")
    browser.open("/report/private")
    browser.send("/report/private", **{**ASKS, **changes}, woman="yes")
    return browser


def one_call(town: Town) -> str:
    with town.session("intake") as session:
        return f"/care/call/{session.scalars(select(CallBack).where(CallBack.why == PRIVATE)).one().id}"


def left(town: Town) -> int:
    with town.session("intake") as session:
        return session.scalar(select(func.count()).select_from(NumberToRing)) or 0


def test_who_asks_for_a_call_is_rung_at_the_number_they_left(town: Town) -> None:
    asked(town)
    where = one_call(town)
    helper = english(town, "services.mardan")
    assert f'href="{where}"' in helper.open("/care")
    shown = helper.open(where)
    assert "+923007654321" not in shown
    assert "Weekday mornings" not in shown
    opened = helper.send(where, do="open")
    for words in ("tel:+923007654321", "Weekday mornings", "A doctor Please let a woman ring."):
        assert words in opened, words
    assert "open:number" in english(town, "auditor").open("/record")
    assert "Choose how it went" in helper.send(where, do="")
    helper.send(where, do="", how="tried")
    assert "tried 1 times" in helper.open("/care")
    helper.open(where)
    helper.send(where, do="", how="reached")
    assert "Noted: this call was made" in helper.page
    town.later(hours=23)
    assert left(town) == 1, "a button pressed by mistake loses nothing"
    town.later(hours=3)
    assert left(town) == 0
    assert "No number was left with it" in helper.open(where)


def test_who_takes_it_back_is_not_rung_any_more(town: Town) -> None:
    browser = asked(town)
    where = one_call(town)
    browser.open("/mine")
    browser.send("/mine/withdraw")
    assert "is taken back" in browser.page
    town.work()
    assert left(town) == 0
    helper = english(town, "services.mardan")
    assert where not in helper.open("/care")
    assert "No call was needed" in helper.open(where)


def test_nobody_else_learns_the_number(town: Town) -> None:
    asked(town)
    where = one_call(town)
    desk = english(town, "secretary.mardan")
    for code in (
        "member1.mardan",
        "secretary.mardan",
        "chair.mardan",
        "city.mardan",
        "police.mardan",
        "admin",
    ):
        other = english(town, code)
        other.open(where)
        assert other.status in (403, 404), code
        with town.session() as session:
            principal = principal_of(session, town.person(session, code))
        with town.runtime.web.open(principal) as session:
            assert session.scalars(select(NumberToRing)).all() == [], code
    page = desk.open(where.replace("/care/", "/desk/"))
    assert "Only the services focal person and the oversight office see where to ring" in page
    assert "Please ring" not in page
    assert "7654321" not in page
    assert english(town, "oversight.kp").open(where).count("Show the number") == 1


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "Type the number that we may ring"),
        ("0300 12", "not a phone number"),
        ("+92 300", "too short"),
        ("home", "not a phone number"),
    ],
)
def test_a_number_that_nobody_can_ring_is_asked_for_again_and_nothing_is_lost(
    town: Town, typed: str, said: str
) -> None:
    browser = asked(town, number=typed)
    assert browser.status == 422
    assert said in browser.page
    assert "Weekday mornings" in browser.page
    assert left(town) == 0
    browser.send("/report/private", **ASKS)
    assert left(town) == 1


def test_a_number_is_not_kept_for_a_call_that_nobody_made_in_a_month(town: Town) -> None:
    asked(town)
    town.later(hours=29 * 24)
    assert left(town) == 1
    town.later(hours=2 * 24)
    assert left(town) == 0
