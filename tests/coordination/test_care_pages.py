"""What goes past the committee reaches the office it is meant for, and nobody else; everybody has a first page."""

import re

import pytest

from committees.call_backs import CallBack
from committees.places import by_code
from tests.journeys.test_report_to_acknowledged_alert import english, report
from tests.make import WARD, Town

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
