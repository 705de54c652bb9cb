"""Reports without network in a real browser: they wait on the phone, go out once, and are nobody else's."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from playwright.sync_api import BrowserContext, expect
from sqlalchemy import func, select

from committees.checkins import CheckIn
from committees.reports import Report
from tests.browser.conftest import Served, sign_in
from tests.browser.outbox import (
    CACHED,
    CANARY,
    READY,
    STORED,
    count,
    enter,
    fill,
    gone,
    open_form,
    saved,
    send,
    tick,
    waiting,
)
from tests.make import WARD

pytestmark = pytest.mark.browser


def test_a_report_without_network_waits_and_goes_once(served: Served, phone: BrowserContext) -> None:
    before = count(served)
    page = enter(phone)
    phone.set_offline(True)
    open_form(page)
    fill(page)
    page.close()
    page = phone.new_page()
    open_form(page)  # what was typed is still there, before it was sent
    assert page.locator("[name=text]").input_value() == CANARY
    send(page)
    saved(page)
    expect(page.locator("#outbox")).to_contain_text("1 waiting on this phone")
    page.close()

    page = phone.new_page()
    page.goto("/today")
    assert page.inner_text("h1") == "No network"
    assert count(served) == before
    phone.set_offline(False)
    page.goto("/mine")
    page.evaluate("() => { dispatchEvent(new Event('online')); dispatchEvent(new Event('online')); }")
    other = phone.new_page()
    other.goto("/mine")
    gone(page)
    assert count(served) == before + 1
    expect(page.locator("main [data-waiting]")).to_be_hidden()  # the page has shown itself anew


def test_an_answer_that_never_came_makes_no_second_report(served: Served, phone: BrowserContext) -> None:
    before = count(served)
    page = enter(phone)
    open_form(page)
    fill(page)

    def lose(route: object) -> None:
        route.fetch(max_redirects=0)  # type: ignore[attr-defined]
        route.abort()  # type: ignore[attr-defined]

    page.route("**/report", lose)
    send(page)
    saved(page)
    assert (count(served), waiting(page)) == (before + 1, 1)
    page.unroute("**/report")
    page.goto("/mine")
    gone(page)
    assert count(served) == before + 1


def test_a_check_in_waits_too(served: Served, phone: BrowserContext) -> None:
    page = enter(phone)
    phone.set_offline(True)
    open_form(page, "/check-in")
    for number in range(1, 6):
        tick(page, f"q{number}", "2")
    send(page)
    saved(page)
    phone.set_offline(False)
    gone(page)
    with served.town.session() as session:
        said = session.scalars(select(CheckIn.answers).order_by(CheckIn.received_at.desc())).first()
    assert said == [2, 2, 2, 2, 2]


def test_what_waits_is_never_sent_or_shown_under_another_name(served: Served, phone: BrowserContext) -> None:
    before = count(served)
    page = enter(phone)
    open_form(page)
    fill(page)
    phone.clear_cookies(name="concord_session")
    send(page)
    expect(page.locator("#outbox")).to_contain_text(
        "Please sign in again. Your report is safe on this phone."
    )

    sign_in(page, "member2.mardan")
    open_form(page, "/mine")
    assert page.locator("[data-waiting]").last.is_hidden()
    open_form(page)
    assert page.locator("[name=text]").input_value() == ""
    assert (count(served), waiting(page)) == (before, 1)
    for path, text in page.evaluate(CACHED):
        assert path.startswith(("/static/", "/offline")), path
        assert not any(word in text for word in ("Signed in as", "Mardan", CANARY)), path

    page.locator("form[action='/sign-out']").evaluate("(form) => form.requestSubmit()")
    page.wait_for_selector("form[action='/sign-in/code']")
    sign_in(page, "member1.mardan")
    gone(page)
    assert count(served) == before + 1


def test_a_tab_of_the_first_user_sends_nothing_for_the_second(served: Served, phone: BrowserContext) -> None:
    before = count(served)
    first = enter(phone)
    open_form(first)
    fill(first)
    phone.clear_cookies(name="concord_session")
    sign_in(phone.new_page(), "member2.mardan")
    send(first)
    expect(first.locator("#outbox")).to_contain_text("Please sign in again.")
    assert count(served) == before


@pytest.mark.parametrize("way", ["Send now", "Keep locked on this phone", "Delete"])
def test_signing_out_asks_what_becomes_of_what_waits(served: Served, phone: BrowserContext, way: str) -> None:
    before = count(served)
    page = enter(phone)
    open_form(page)
    fill(page)
    page.route("**/report", lambda route: route.abort())
    send(page)
    saved(page)
    page.unroute("**/report")
    # Only signing out is tried here: nothing may send the report before.
    page.locator("form[action='/sign-out']").evaluate("(form) => form.requestSubmit()")
    page.click(f"#outbox button:text-is('{way}')")
    if way == "Keep locked on this phone":
        page.fill("#outbox input", "4711")
        page.click("#outbox button:text-is('Set the PIN')")
    page.wait_for_selector("form[action='/sign-in/code']")
    kept = page.evaluate(STORED)
    assert CANARY not in kept
    assert (count(served), kept.count('"state"')) == {
        "Send now": (before + 1, 0),
        "Keep locked on this phone": (before, 1),
        "Delete": (before, 0),
    }[way]
    if way == "Keep locked on this phone":
        sign_in(page, "member1.mardan")
        open_form(page, "/mine")
        page.fill("main [data-waiting] input", "1234")
        page.click("main [data-waiting] button:text-is('Unlock')")
        expect(page.locator("main [data-waiting] .error")).to_contain_text("This PIN is not right.")
        page.fill("main [data-waiting] input", "4711")
        page.click("main [data-waiting] button:text-is('Unlock')")
        gone(page)
        assert count(served) == before + 1


def test_a_refusal_is_told_in_words_and_what_was_typed_stays(served: Served, phone: BrowserContext) -> None:
    before = count(served)
    page = enter(phone)
    phone.set_offline(True)
    open_form(page)
    fill(page, "ring 0300 1234567 for more")
    send(page)
    saved(page)
    phone.set_offline(False)
    page.goto("/mine")
    expect(page.locator("main [data-waiting]")).to_contain_text("This looks like a phone number")
    page.click("main [data-waiting] button:text-is('Change')")
    page.wait_for_url("**/report")
    page.wait_for_selector(READY, state="attached")
    assert page.locator("[name=text]").input_value() == "ring 0300 1234567 for more"
    fill(page)
    send(page)
    page.wait_for_url("**/sent")
    assert (count(served), waiting(page)) == (before + 1, 0)


def test_a_shared_phone_keeps_nothing(served: Served, phone: BrowserContext) -> None:
    page = enter(phone)
    open_form(page)
    fill(page)
    page.goto("/me")
    page.wait_for_selector(READY, state="attached")
    tick(page, "shared_phone", "yes")
    page.click("form[action='/me'] .button")
    expect(page.locator(".notice.success")).to_be_visible()
    assert page.evaluate(STORED) == "[]"
    page.goto("/report")
    fill(page)
    send(page)
    page.wait_for_url("**/sent")
    assert page.evaluate(STORED) == "[]"


def test_no_other_site_can_use_the_way_of_the_outbox(served: Served) -> None:
    """The headers of the outbox stand for the token only with our own Origin and the right user."""
    browser = served.town.browser("member1.mardan")
    with served.town.session() as session:
        me = str(served.town.person(session, "member1.mardan").id)
    key = str(uuid4())
    fields = {"report_id": key, "what": "crowd", "ward": WARD, "day": "today", "ongoing": "no", "how": "saw"}
    good = {"Idempotency-Key": key, "Concord-Outbox": me, "Origin": "http://localhost"}
    for change, status in (
        ({"Origin": "https://elsewhere.example"}, 403),
        ({"Origin": None}, 400),
        ({"Idempotency-Key": None}, 400),
        ({"Concord-Outbox": str(uuid4())}, 401),
        ({}, 303),
        ({}, 200),
    ):
        headers = {name: value for name, value in {**good, **change}.items() if value}
        answer = browser.client.post("/report", data=fields, headers=headers)
        assert answer.status_code == status, change
    with served.town.session() as session:
        assert session.scalar(select(func.count()).select_from(Report).where(Report.id == UUID(key))) == 1
