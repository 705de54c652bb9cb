"""What the tests of the outbox do in a browser: fill in, send, look at what the phone keeps and at what the server has."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import BrowserContext, Error, Page, expect
from sqlalchemy import func, select

from committees.incidents import Incident
from tests.browser.conftest import PATIENCE, Served, sign_in
from tests.make import WARD

CANARY = "two lorries of stones beside the canal"
READY = "html.kept"
STORED = """async () => {
  const answer = (ask) => new Promise((yes) => { ask.onsuccess = () => yes(ask.result); });
  const base = await answer(indexedDB.open("concord", 1));
  const rows = await answer(base.transaction("kept").objectStore("kept").getAll());
  base.close();
  return JSON.stringify(rows);
}"""
CACHED = """async () => {
  const found = [];
  for (const name of await caches.keys()) {
    const cache = await caches.open(name);
    for (const request of await cache.keys()) {
      found.push([new URL(request.url).pathname, await (await cache.match(request)).text()]);
    }
  }
  return found;
}"""


def enter(phone: BrowserContext, code: str = "member1.mardan") -> Page:
    """Sign in and wait until the phone has kept what it needs for the time without network."""
    page = phone.new_page()
    sign_in(page, code)
    page.wait_for_selector(READY, state="attached")
    page.evaluate("async () => { await navigator.serviceWorker.ready; }")
    until(page, lambda: "emergency" in page.evaluate(STORED))
    return page


def until(page: Page, holds: Callable[[], bool]) -> None:
    """Wait until something holds; a busy machine is slow, never wrong."""
    for _ in range(PATIENCE // 100):
        try:
            if holds():
                return
        except Error as leaving:  # the page goes on to another one by itself
            if "context was destroyed" not in leaving.message:
                raise
        page.wait_for_timeout(100)
    raise AssertionError(page.inner_text("body"))


def gone(page: Page) -> None:
    """Nothing waits on the phone any more: the server has given its reference."""
    until(page, lambda: waiting(page) == 0)


def open_form(page: Page, path: str = "/report") -> None:
    """Open a form and wait for its outbox."""
    page.goto(path)
    page.wait_for_selector(READY, state="attached")


def fill(page: Page, text: str = CANARY) -> None:
    """Answer everything on the page, whether or not its steps are folded away."""
    for name, value in {
        "what": "crowd",
        "day": "today",
        "part": "afternoon",
        "ongoing": "no",
        "how": "saw",
    }.items():
        tick(page, name, value)
    if page.locator("select[name=ward]").count() == 0:
        tick(page, "ward", WARD)
    page.locator("[name=text]").evaluate(
        "(box, text) => { box.value = text; box.dispatchEvent(new Event('input', { bubbles: true })); }", text
    )


def tick(page: Page, name: str, value: str) -> None:
    """Choose one answer."""
    page.locator(f"[name={name}][value='{value}']").evaluate("(box) => box.click()")


def send(page: Page) -> None:
    """Press the last button of the form."""
    page.locator("form[action='/report'], form[action='/check-in']").evaluate(
        "(form) => form.requestSubmit()"
    )


def count(served: Served) -> int:
    """How many incidents the server has."""
    with served.town.session() as session:
        return session.scalar(select(func.count()).select_from(Incident)) or 0


def waiting(page: Page) -> int:
    """How many reports wait on this phone."""
    return str(page.evaluate(STORED)).count('"state"')


def saved(page: Page) -> None:
    """The page says that the report waits."""
    expect(page.locator("#outbox")).to_contain_text("Saved on this phone")
