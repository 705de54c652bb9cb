"""What goes wrong around a waiting report: two tabs, a full phone, a slow server, a wrong clock, a wrong PIN, a way out without network."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect
from sqlalchemy import select

from committees.incidents import Incident
from tests.browser.conftest import PATIENCE, Served
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
    until,
    waiting,
)

pytestmark = pytest.mark.browser

FULL = "IDBObjectStore.prototype.put = () => { throw new DOMException('full', 'QuotaExceededError'); }"
FORBIDDEN = "indexedDB.open = () => { throw new DOMException('no', 'SecurityError'); }"
# The phone believes that it is another day; only what it shows is wrong, time passes as it does.
WRONG_CLOCK = "const now = Date.now; Date.now = () => now() - 86400000;"


FOUR_DAYS_LATER = """const day = Date, later = 4 * 86400000;
  Date = class extends day {
    constructor(...at) { at.length ? super(...at) : super(day.now() + later); }
    static now() { return day.now() + later; }
  };"""


def sent(page: Page) -> None:
    """The receipt is shown."""
    page.wait_for_url("**/sent")
    expect(page.locator("h1")).to_contain_text("Reference")


def last(served: Served) -> Incident:
    """The newest incident on the server."""
    with served.town.session() as session:
        return session.scalars(select(Incident).order_by(Incident.received_at.desc(), Incident.id)).first()  # type: ignore[return-value]


def sign_out(page: Page) -> None:
    """Press the way out, wherever the menu has it."""
    page.locator("form[action='/sign-out']").evaluate("(form) => form.requestSubmit()")


def answering(status: int) -> Callable[[Route], None]:
    """A server, or a captive portal, that answers what is sent with a page of its own."""

    def answer(route: Route) -> None:
        if route.request.method == "POST":
            route.fulfill(status=status, content_type="text/html", body="<h1>Welcome to our hotel</h1>")
        else:
            route.continue_()

    return answer


def test_two_tabs_with_one_draft_lose_neither_story(served: Served, phone: BrowserContext) -> None:
    before = count(served)
    first, second = enter(phone), phone.new_page()
    open_form(first)
    fill(first, "The wall is painted over")
    until(first, lambda: "painted" in str(first.evaluate(STORED)))
    open_form(second)
    assert second.locator("[name=text]").input_value() == "The wall is painted over"
    fill(second, "Stones lie at the river")
    send(second)
    sent(second)
    send(first)
    sent(first)
    assert count(served) == before + 2
    first.go_back()
    first.wait_for_selector(READY, state="attached")
    assert first.locator("[name=text]").input_value() == ""  # what was sent is not shown to who presses Back


@pytest.mark.parametrize("fault", [FULL, FORBIDDEN], ids=["full", "forbidden"])
def test_a_phone_that_can_keep_nothing_sends_at_once_or_says_so(
    served: Served, phone: BrowserContext, fault: str
) -> None:
    before = count(served)
    page = enter(phone)
    page.add_init_script(fault)
    page.goto("/report")
    fill(page)
    phone.set_offline(True)
    send(page)
    expect(page.locator("#outbox")).to_contain_text("This phone cannot keep the report now.")
    assert page.locator("[name=text]").input_value() == CANARY
    phone.set_offline(False)
    send(page)
    sent(page)
    assert count(served) == before + 1


def test_a_draft_that_a_full_phone_kept_before_ends_with_its_report(
    served: Served, phone: BrowserContext
) -> None:
    page = enter(phone)
    open_form(page)
    fill(page)
    until(page, lambda: CANARY in str(page.evaluate(STORED)))
    page.evaluate(f"() => {{ {FULL}; }}")
    send(page)
    sent(page)
    open_form(page)
    assert page.locator("[name=text]").input_value() == ""


def test_a_check_in_refused_after_days_comes_back_with_its_answers(
    served: Served, phone: BrowserContext
) -> None:
    page = enter(phone)
    open_form(page, "/check-in")
    for number in range(1, 6):
        tick(page, f"q{number}", "4")
    phone.set_offline(True)
    send(page)
    saved(page)
    page.add_init_script(FOUR_DAYS_LATER)
    phone.set_offline(False)
    refusal = '<ul class="error-summary"><li>Choose the ward</li></ul>'
    page.route("**/check-in", lambda route: refuse(route, refusal))
    page.goto("/mine")
    expect(page.locator("[data-waiting]")).to_contain_text(["", "Choose the ward"])
    page.unroute("**/check-in")
    page.locator("[data-waiting] p button").first.click()
    page.wait_for_url("**/check-in")
    page.wait_for_selector(READY, state="attached")
    assert page.locator("[name=q1]:checked").input_value() == "4"


def refuse(route: Route, page: str) -> None:
    """Refuse what is sent, with these words; let everything else through."""
    if route.request.method == "POST":
        route.fulfill(status=422, content_type="text/html", body=page)
    else:
        route.continue_()


def test_what_the_server_could_not_take_goes_by_itself_and_the_page_says_so(
    served: Served, phone: BrowserContext
) -> None:
    """A captive portal answers 200 with a page of its own; only our reference ends the waiting."""
    page = enter(phone)
    page.clock.install()
    for status in (200, 413, 429, 500):
        before = count(served)
        open_form(page)
        fill(page)

        page.route("**/report", answering(status))
        send(page)
        expect(page.locator("#outbox")).to_contain_text("We could not send this yet. Nothing is lost.")
        expect(page.locator("form[action='/report']")).to_be_hidden()
        assert (count(served), waiting(page)) == (before, 1)
        page.unroute("**/report")
        page.clock.fast_forward(61_000)
        sent(page)
        assert (count(served), waiting(page)) == (before + 1, 0)


def test_a_waiting_page_shows_the_receipt_when_the_network_is_back(
    served: Served, phone: BrowserContext
) -> None:
    before = count(served)
    page = enter(phone)
    phone.set_offline(True)
    open_form(page)
    page.locator("select[name=ward]").evaluate(
        "(list) => { list.form.querySelector('[value=fight]').click(); }"
    )
    page.click(".stepping > .buttons button:not(.quiet):visible")
    page.click(".stepping > .buttons button:not(.quiet):visible")
    page.click(".stepping > .buttons button:not(.quiet):visible")
    # A fight must say whether it goes on, and the phone asks for it: nothing waits that will be refused.
    expect(page.locator(".step:visible .error")).to_have_text("Choose if it is still going on")
    fill(page)
    send(page)
    saved(page)
    page.goto("/mine")
    assert page.inner_text("h1") == "No network"
    expect(page.locator("main [data-waiting]")).to_contain_text("Report ·")
    page.go_back()
    open_form(page)
    fill(page, "A second one")
    send(page)
    saved(page)
    phone.set_offline(False)
    sent(page)
    gone(page)
    assert count(served) == before + 2


def test_the_clock_of_a_phone_may_be_wrong_by_a_day(served: Served, phone: BrowserContext) -> None:
    phone.add_init_script(WRONG_CLOCK)
    page = enter(phone)
    open_form(page)
    fill(page)
    send(page)
    sent(page)
    found = last(served)
    assert found.received_at - found.occurred_at < timedelta(hours=24)


def test_an_old_draft_asks_again_for_its_day_and_one_of_a_check_in_is_dropped(
    served: Served, phone: BrowserContext
) -> None:
    page = enter(phone)
    open_form(page, "/check-in")
    tick(page, "q1", "5")
    until(page, lambda: "q1" in str(page.evaluate(STORED)))
    open_form(page)
    fill(page)
    until(page, lambda: CANARY in str(page.evaluate(STORED)))
    page.add_init_script(FOUR_DAYS_LATER)
    open_form(page)
    assert page.locator("[name=text]").input_value() == CANARY
    assert page.locator("[name=day]:checked").count() == 0
    assert page.locator("[name=what]:checked").count() == 1
    open_form(page, "/check-in")
    assert page.locator("[name=q1]:checked").count() == 0


def test_five_wrong_pins_make_the_next_wait(served: Served, phone: BrowserContext) -> None:
    page = enter(phone)
    page.goto("/me")
    page.fill("[data-pin] input", "4711")
    page.click("[data-pin] button")
    page.wait_for_selector("[data-pin] button:text-is('Remove the PIN')")
    page.evaluate(
        """async () => { const answer = (ask) => new Promise((yes) => { ask.onsuccess = () => yes(ask.result); });
        const kept = (await answer(indexedDB.open("concord", 1))).transaction("kept", "readwrite").objectStore("kept");
        for (const key of await answer(kept.getAllKeys())) { if (key[1] === "key") { kept.delete(key); } } }"""
    )
    page.reload()
    for told in ["This PIN is not right."] * 5 + ["Please wait a little before you try again."]:
        page.fill("[data-pin] input", "1234" if "not" in told else "4711")
        page.locator("[data-pin] .error").evaluate("(line) => { line.textContent = ''; }")
        page.click("[data-pin] button:text-is('Unlock')")
        expect(page.locator("[data-pin] .error")).to_have_text(told)


def test_nobody_is_half_signed_out_without_network(served: Served, phone: BrowserContext) -> None:
    page = enter(phone)
    open_form(page)
    fill(page)
    until(page, lambda: CANARY in str(page.evaluate(STORED)))
    phone.set_offline(True)
    sign_out(page)
    expect(page.locator("#outbox")).to_contain_text("you are still signed in here")
    assert CANARY in str(page.evaluate(STORED))
    phone.set_offline(False)
    sign_out(page)
    page.wait_for_selector("form[action='/sign-in/code']")
    assert page.evaluate(STORED) == "[]"
    for _ in range(2):
        page.go_back()
        expect(page.locator("h1")).to_have_text("Sign in")


def test_the_forms_without_network_speak_the_readers_language(served: Served, phone: BrowserContext) -> None:
    for language in ("ur", "dv"):
        phone.add_cookies([{"name": "concord_language", "value": language, "url": served.url}])
        page = enter(phone)
        page.reload()  # a worker of the new language takes over
        kept = ("/offline/report", f'<html lang="{language}"')
        until(
            page,
            lambda page=page, kept=kept: any(p == kept[0] and kept[1] in t for p, t in page.evaluate(CACHED)),
        )  # type: ignore[misc]
        open_form(page)
        title = page.inner_text("h1")
        phone.set_offline(True)
        open_form(page)
        assert page.get_attribute("html", "dir") == "rtl"
        assert page.inner_text("h1") == title != "Report"
        tick(page, "what", "crowd")
        send(page)
        expect(page.locator("#outbox")).to_be_visible()
        words = page.inner_text("body")
        assert not any(word in words for word in ("Saved", "Network", "network", "Report", "phone")), words
        phone.set_offline(False)
        page.close()


def test_a_new_release_in_between_loses_nothing_and_sends_nothing_twice(
    served: Served, phone: BrowserContext
) -> None:
    before = count(served)
    page = enter(phone)
    phone.set_offline(True)
    open_form(page)
    fill(page)
    send(page)
    saved(page)
    served.town.app.jinja_env.globals["edition"] = "another"
    held = phone.new_page()
    held.route(
        "**/report", lambda route: route.abort() if route.request.method == "POST" else route.continue_()
    )
    phone.set_offline(False)
    gone(page)  # sent by the old release, whose page is still open

    # A page that was slow, or a file that did not come, leaves the old release: the next page that is opened tries again.
    for _ in range(10):
        open_form(held)
        if held.evaluate("async () => (await caches.keys()).join()") == "anotheren":
            break
        held.wait_for_timeout(1000)
    else:
        raise AssertionError("the new release was never kept")
    open_form(held)
    fill(held, "A second one")
    send(held)
    saved(held)
    held.close()
    page.goto("/today")
    gone(page)
    assert count(served) == before + 2


def test_a_network_that_answers_nothing_opens_the_kept_form(served: Served, phone: BrowserContext) -> None:
    page = enter(phone)
    page.goto("/mine")
    views, awake = served.town.app.view_functions, threading.Event()
    real = views["page:/report"]

    def silent(**values: Any) -> Any:
        awake.wait(PATIENCE / 1000)
        return real(**values)

    views["page:/report"] = silent
    try:
        open_form(page)
        assert page.locator("select[name=ward] option").count() > 1
        fill(page)
        awake.set()
        send(page)
        sent(page)
    finally:
        awake.set()
