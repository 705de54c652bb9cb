"""Every page that the registry and its links lead to, once each, languages by turns: axe, reflow, wide spacing, targets, weight."""

from __future__ import annotations

import gzip
import re
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page

import foundation.web
from tests.browser.conftest import PATIENCE, Served
from tests.browser.every_page import Look, looks
from tests.browser.test_pages import TAGS

pytestmark = pytest.mark.browser

STATIC = Path(foundation.web.__file__).parent / "static"
SPACING = (
    "* { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important }"
    " p { margin-block-end: 2em !important }"
)
SPACED = "(rules) => { const sheet = new CSSStyleSheet(); sheet.replaceSync(rules); document.adoptedStyleSheets = [sheet]; }"
# Small things to press: what no line of text holds must be 44 pixels high and wide, with its label.
TARGETS = """() => {
  const pressed = "a, button, input, select, textarea, summary", inText = "p, li, td, th, dd, dt, .hint, .meta, .prose, [aria-hidden]";
  return Array.from(document.querySelectorAll(pressed))
    .filter((node) => node.type !== "hidden" && node.closest("main, header") && node.checkVisibility({ visibilityProperty: true }))
    .filter((node) => !node.closest(inText))
    .map((node) => [node, (node.closest("label") || node).getBoundingClientRect()])
    .filter(([node, box]) => box.width > 0 && (box.height < 43.5 || box.width < 43.5))
    .map(([node, box]) => node.outerHTML.slice(0, 90) + " " + Math.round(box.width) + "x" + Math.round(box.height));
}"""


@pytest.fixture
def all_looks(served: Served) -> dict[str, Look]:
    """Every page, after a report has become an alert that nobody answered."""
    served.town.report()
    served.town.work()
    for _ in range(4):
        served.town.later(minutes=30)
    return looks(served.town)


def test_every_page_is_light(all_looks: dict[str, Look]) -> None:
    sizes = {path.name: len(gzip.compress(path.read_bytes(), 9)) for path in STATIC.iterdir()}
    assert sizes["style.css"] <= 8192
    heavy = []
    for look in all_looks.values():
        scripts = re.findall(r'<script src="/static/([^"?]+)', look.html)
        asked = ["style.css", *scripts]
        html = len(gzip.compress(look.html.encode(), 9))
        field = 'class="desk' not in look.html
        assert not re.findall(r'(?:src|href)="https?://[^"]+\.(?:js|css|woff2?)"', look.html), look.path
        total = html + sum(sizes[name] for name in asked)
        if len(asked) + 1 > 4 or sum(sizes[name] for name in scripts) > 8192:
            heavy.append(f"{look.path}: {asked}")
        if total > (30_720 if field else 61_440) or field and html > 10_240:
            heavy.append(f"{look.path}: {html} of {total} bytes")
    assert not heavy, "\n".join(heavy)


def phone_of(chromium: Browser, served: Served, look: Look) -> BrowserContext:
    """A phone of 320 pixels on which this person is signed in, without the second page that a sign-in costs."""
    context = chromium.new_context(base_url=served.url, viewport={"width": 320, "height": 640})
    context.set_default_timeout(PATIENCE)
    if look.code:
        client = served.town.browser(look.code).client
        cookie = client.get_cookie("concord_session")
        assert cookie
        context.add_cookies([{"name": "concord_session", "value": cookie.value, "url": served.url}])
    return context


def faults(page: Page) -> list[str]:
    """What stands in the way of a reader of the open page."""
    violations: list[dict[str, Any]] = (
        Axe().run(page, options={"runOnly": TAGS, "resultTypes": ["violations"]}).response["violations"]
    )
    found = [f"{one['id']}: {node['html'][:120]}" for one in violations for node in one["nodes"][:1]]
    found += [f"small: {told}" for told in page.evaluate(TARGETS)[:2]]
    if (width := page.evaluate("document.documentElement.scrollWidth")) > 320:
        found.append(f"{width} pixels wide")
    page.evaluate(SPACED, SPACING)
    if (width := page.evaluate("document.documentElement.scrollWidth")) > 320:
        found.append(f"{width} pixels wide with wide spacing")
    return found


def walk(chromium: Browser, served: Served, turns: list[tuple[Look, str]]) -> list[str]:
    """Look at these pages in these languages; returns what is wrong."""
    told, phones = [], {}
    for look, language in turns:
        if look.code not in phones:
            phones[look.code] = phone_of(chromium, served, look)
        phone = phones[look.code]
        phone.add_cookies([{"name": "concord_language", "value": language, "url": served.url}])
        page = phone.new_page()
        page.goto(look.path)
        told += [f"{look.page} ({language}): {fault}" for fault in faults(page)]
        page.close()
    for phone in phones.values():
        phone.close()
    return told


def test_every_page_can_be_read_and_pressed(
    served: Served, chromium: Browser, all_looks: dict[str, Look]
) -> None:
    languages = served.town.runtime.config.locales
    turns = [(look, languages[index % len(languages)]) for index, look in enumerate(all_looks.values())]
    told = walk(chromium, served, turns)
    assert not told, "\n".join(told)
