"""A member reports on a page; within one round the right phones ring; an answer by SMS code is seen by everybody."""

import re
from typing import Any

from tests.make import WARD, Browser
from tests.rig.town import WiredTown

CROWD = {
    "what": "crowd",
    "ward": WARD,
    "day": "today",
    "part": "afternoon",
    "ongoing": "yes",
    "how": "saw",
    "text": "Many people at the gate, shouting",
}


def english(town: Any, code: str) -> Browser:
    """A signed-in browser that reads English."""
    browser: Browser = town.browser()
    browser.client.set_cookie("concord_language", "en")
    browser.sign_in(code)
    return browser


def report(town: Any, code: str = "member1.mardan", **changes: Any) -> str:
    """Fill in the form and send it; returns the receipt."""
    browser = english(town, code)
    browser.open("/report")
    return browser.send("/report", **{**CROWD, **changes})


def alert_path(browser: Browser, page: str) -> str:
    """The address of the first alert that a page links to."""
    found = re.search(r'href="(/a/[0-9a-f-]{36})"', browser.open(page))
    assert found, browser.page
    return found.group(1)


def test_report_rings_the_right_phones_and_an_sms_answers(wired_town: WiredTown) -> None:
    town = wired_town
    assert re.search(r"[A-Z]\d{4}", report(town))
    town.work()

    # The rule for a crowd tells secretary, chair, town officer, district and liaison; linked contacts add the national desks.
    told = {
        "secretary.mardan",
        "chair.mardan",
        "city.mardan",
        "district.mardan",
        "police.mardan",
        "national.pk",
        "home.kp",
    }
    for code in told:
        assert town.templates(code) == ["alert", "what_to_do"], code
    assert town.heard("member2.mardan") == []
    assert "TMA Mardan" in town.last("national.pk")
    letters = {letter.to for letter in town.mail.letters}
    assert {town.address("city.mardan", "email"), town.address("national.pk", "email")} <= letters

    # Outsiders read the town, those who act there read the ward; nobody reads what was written.
    assert "Mardan" in town.last("national.pk")
    assert all("Ward 7" not in text for text in town.heard("national.pk"))
    assert all("gate" not in sms.body for sms in town.twilio.sent)
    assert all("gate" not in letter.text for letter in town.mail.letters)

    code = re.search(r"\b(\d{3})\b(?!.*\b\d{3}\b)", town.last("city.mardan", "alert"))
    assert code
    assert town.sms("city.mardan", f"GO {code.group(1)}") == 200
    chair = english(town, "chair.mardan")
    page = chair.open(alert_path(chair, "/place/" + WARD))
    answered = page.rsplit("Who has answered", 1)[1][:2500]
    assert "City officer" in answered
    assert "SMS" in answered

    # The ladder has stopped: an hour later nobody new is asked.
    before = len(town.twilio.sent)
    town.later(hours=2)
    assert len(town.twilio.sent) == before


def test_opening_the_alert_answers_nothing(wired_town: WiredTown) -> None:
    town = wired_town
    report(town)
    town.work()
    officer = english(town, "city.mardan")
    path = alert_path(officer, "/city")
    officer.open(path)
    town.later(minutes=31)
    assert len(town.heard("city.mardan")) >= 1
    officer.open(path)
    officer.send(f"{path}/answer", answer="acting")
    before = len(town.twilio.sent)
    town.later(hours=3)
    assert len(town.twilio.sent) == before


def test_the_reporters_place_shows_why(wired_town: WiredTown) -> None:
    town = wired_town
    report(town)
    town.work()
    member = english(town, "member1.mardan")
    page = member.open(f"/place/{WARD}")
    assert "High" in page
    assert "4" in page
    assert "Angry crowd" in page or "angry crowd" in page
