"""From a member's phone to the officer who acts, in a real browser: with a script and without, in English and in Urdu."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage, Served
from tests.make import WARD

pytestmark = pytest.mark.browser

REFERENCE = re.compile(r"\b[A-Z]\d{4}\b")
NOW = {"what": "crowd", "ward": WARD, "day": "today", "part": "afternoon", "ongoing": "yes", "how": "saw"}


def choose(page: Page, *names: str) -> None:
    """Tick the answers of these questions."""
    for name in names:
        page.check(f"[name={name}][value='{NOW[name]}']")


def report_step_by_step(page: Page) -> str:
    """Fill in the report one question at a time and send it; returns the reference."""
    page.goto("/report")
    for names in (("what",), ("ward",), ("day", "part", "ongoing"), ("how",), ()):
        choose(page, *names)
        page.click(".stepping > .buttons button:not(.quiet):visible")
    expect(page.locator("[data-check] dl")).to_be_visible()
    page.click(
        "form.stepping .buttons button[type=submit]:visible, form.stepping .buttons button:not([type=button]):visible"
    )
    return reference(page)


def reference(page: Page) -> str:
    """The reference on the receipt."""
    page.wait_for_url("**/sent*")
    found = REFERENCE.search(page.inner_text("h1"))
    assert found, page.inner_text("main")
    return found.group()


def act(page: Page) -> None:
    """Open the alert from the city's page and press the first button."""
    page.goto("/city")
    page.click("main a[href^='/a/'] >> nth=0")
    page.click("button[name=answer][value=acting]")
    expect(page.locator(".notice.good").first).to_be_visible()


@pytest.mark.parametrize("language", ["en", "ur"])
def test_a_report_reaches_the_officer_who_acts(served: Served, open_page: OpenPage, language: str) -> None:
    member = open_page(language, "member1.mardan")
    sent = report_step_by_step(member)
    assert member.get_attribute("html", "dir") == ("rtl" if language == "ur" else "ltr")
    served.town.work()

    officer = open_page(language, "city.mardan")
    act(officer)
    if language == "en":
        assert "You are acting on it" in officer.inner_text(".notice.good")
    member.goto("/mine")
    assert sent in member.inner_text("main")


def test_the_same_without_a_script(served: Served, open_page: OpenPage) -> None:
    member = open_page("en", "member1.mardan", scripts=False)
    member.goto("/report")
    choose(member, *NOW)
    member.click("form:has([name=report_id]) .buttons button")
    reference(member)
    served.town.work()

    act(open_page("en", "city.mardan", scripts=False))


def test_the_work_of_a_week_without_a_script(served: Served, open_page: OpenPage) -> None:
    """Checking in, deciding a question to the police, writing what a meeting said, correcting an alert that was not true: each by forms alone."""
    served.town.report(severity=4)
    served.town.work()
    for _ in range(4):
        served.town.later(minutes=30)

    member = open_page("en", "member1.mardan", scripts=False)
    member.goto("/check-in")
    for number in range(1, 6):
        member.check(f"[name=q{number}][value='2']")
    member.click("main form button.button")
    member.wait_for_url("**/sent*")

    police = open_page("en", "police.mardan", scripts=False)
    police.goto("/review")
    police.click("main a[href^='/review/'] >> nth=0")
    police.check("[name=decision][value=take]")
    police.fill("[name=reason]", "Two of us stand at the crossing until the market closes.")
    police.click("main form:has([name=decision]) button.button")
    expect(police.locator(".notice").first).to_be_visible()

    secretary = open_page("en", "secretary.mardan", scripts=False)
    secretary.goto("/place/PK-KP-MARDAN/profile/edit")
    secretary.fill("[name=consulted]", "Traders of the market")
    secretary.fill("[name=reason]", "The meeting of November asked for it.")
    secretary.click("main form button.button >> nth=-1")
    secretary.wait_for_url("**/profile/1")

    secretary.goto("/place/PK-KP-MARDAN-W7")
    secretary.click("main a[href^='/a/'] >> nth=0")
    secretary.click("summary:has-text('Correct or end this alert')")
    form = secretary.locator("form[action$='/close']")
    form.locator("[name=outcome][value=not_true]").check()
    form.locator("[name=reason]").fill("Two of us went there: it was a wedding party.")
    form.locator("button.button").click()
    expect(secretary.locator(".notice").first).to_be_visible()

    officer = open_page("en", "city.mardan", scripts=False)
    officer.goto(secretary.url)
    officer.click("button[name=decision][value=confirm]")
    expect(officer.locator("main")).to_contain_text("This alert has ended")
