"""A week's work by keys alone: signing in, reporting, answering an alert and checking in, with real presses and nothing else.

Only the first address is typed into the browser; from there on each page is reached by its links. No script sets the focus, nothing is clicked.
"""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage, Served
from tests.make import PASSWORD, WARD

pytestmark = pytest.mark.browser

#: The stop of the Tab key: whether it is the one meant, and what a person sees of it.
HERE = """(wanted) => {
  const node = document.activeElement, ringed = node.closest(".choice") || node, style = getComputedStyle(ringed);
  const box = ringed.getBoundingClientRect();
  return {
    wanted: node.matches(wanted), told: node.outerHTML.slice(0, 120), none: node === document.body,
    ringed: style.outlineStyle === "solid" && parseFloat(style.outlineWidth) >= 3 && style.boxShadow !== "none",
    inView: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
  };
}"""


class Keys:
    """Somebody with a keyboard and no mouse, before one page after the other."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def press(self, *keys: str) -> None:
        """Press these one after the other."""
        for key in keys:
            self.page.keyboard.press(key)

    def on(self, wanted: str) -> bool:
        """Whether the focus is on what is meant."""
        found: bool = self.page.evaluate(HERE, wanted)["wanted"]
        return found

    def reach(self, wanted: str, most: int = 60) -> int:
        """Press Tab until the focus is on what is meant, and see it at each stop; how many presses that took."""
        told = []
        for presses in range(1, most + 1):
            self.press("Tab")
            here = self.page.evaluate(HERE, wanted)
            told.append(here["told"])
            assert here["none"] or here["ringed"] and here["inView"], here
            if here["wanted"]:
                return presses
        raise AssertionError("\n".join([f"{wanted} is not within {most} stops of {self.page.url}:", *told]))

    def skip(self) -> None:
        """The first stop of a page is the skip link; the next stop after it lies in the main part."""
        assert self.reach(".skip", 1) == 1
        self.press("Enter", "Tab")
        assert self.on("main *"), self.page.evaluate(HERE, "main *")

    def write(self, name: str, text: str) -> None:
        """Reach a box and type into it."""
        self.reach(f"[name={name}]")
        self.page.keyboard.type(text)

    def choose(self, name: str, value: str) -> None:
        """Reach a row of answers, take the first, and go down to the one that is meant."""
        if not self.on(f"[name={name}]"):
            self.reach(f"[name={name}]")
        self.press("Space")
        for _ in range(20):
            if self.on(f"[value='{value}']:checked"):
                return
            self.press("ArrowDown")
        raise AssertionError(f"{value} is not among the answers to {name}")

    def enter(self, wanted: str) -> None:
        """Reach something to press, and press it."""
        if not self.on(wanted):
            self.reach(wanted)
        self.press("Enter")

    def sign_in(self, code: str, password: str) -> None:
        """Send the form of the sign-in page."""
        self.write("sign_in", code)
        self.write("password", password)
        self.press("Enter")


def arrived(page: Page, address: str) -> None:
    """Wait for the page that a press leads to."""
    page.wait_for_url(re.compile(address))
    page.wait_for_load_state()


def test_a_week_is_done_by_keys_alone(served: Served, open_page: OpenPage) -> None:
    member = Keys(open_page("en", refusals=True))
    signs_in(member)
    reports(member)
    served.town.work()
    answers(Keys(open_page("en")))
    checks_in(member)


def signs_in(keys: Keys) -> None:
    """A wrong password first: the problem has the focus, its link leads to the field, and the name need not be typed again."""
    keys.page.goto("/sign-in")
    keys.skip()
    keys.page.reload()
    keys.sign_in("member1.mardan", "not my password")
    expect(keys.page.locator(".error-summary")).to_be_focused()
    keys.reach(".error-summary a", 1)
    keys.press("Enter")
    assert keys.on("[name=sign_in]")
    keys.write("password", PASSWORD)
    keys.press("Enter")
    arrived(keys.page, "/today")


def reports(keys: Keys) -> None:
    """Question by question; without an answer the focus goes to the gap, and each new question has it at first."""
    page = keys.page
    keys.skip()
    keys.enter("main a[href='/report'], .nav a[href='/report']")
    arrived(page, "/report$")
    keys.skip()
    onward = ".stepping > .buttons button:not(.quiet)"
    keys.enter(onward)
    assert keys.on("[name=what]"), "the gap has no focus"
    for answers in (
        {"what": "crowd"},
        {"ward": WARD},
        {"day": "today", "part": "afternoon", "ongoing": "yes"},
        {"how": "saw"},
        {},
    ):
        for name, value in answers.items():
            keys.choose(name, value)
        keys.enter(onward)
        assert keys.on(".step:not([hidden]) legend"), "the next question has no focus"
    keys.enter("form.stepping > .buttons > button:not([type=button])")
    arrived(page, "/sent")


def answers(keys: Keys) -> None:
    """The officer finds the alert from the first page after the sign-in, and says that the city acts."""
    keys.page.goto("/sign-in")
    keys.sign_in("city.mardan", PASSWORD)
    arrived(keys.page, "/city")
    keys.skip()
    keys.enter("main a[href^='/a/']")
    arrived(keys.page, "/a/")
    assert keys.reach("button[name=answer][value=acting]", 12) <= 12
    keys.press("Enter")
    expect(keys.page.locator(".notice.good").first).to_contain_text("You are acting on it")


def checks_in(keys: Keys) -> None:
    """Through the menu, which a key opens; then round the whole page once: no stop holds the focus fast."""
    page = keys.page
    keys.enter(".menu summary")
    keys.enter(".nav a[href='/check-in'], .nav a[href='/today']")
    arrived(page, "/(check-in|today)$")
    if page.url.endswith("/today"):
        keys.enter("main a[href='/check-in']")
        arrived(page, "/check-in$")
    keys.reach("footer a:last-of-type", 80)
    keys.reach(".skip", 20)
    for number in range(1, 6):
        keys.choose(f"q{number}", "2")
    keys.enter("main form button.button:not([value])")
    arrived(page, "/sent")
