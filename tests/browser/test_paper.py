"""What a page becomes on A4, and what it becomes mirrored: sheets counted, nothing to press on them, the same gaps from either edge."""

from __future__ import annotations

import re

import pytest

from tests.browser.conftest import OpenPage, Served
from tests.make import WARD

pytestmark = pytest.mark.browser

TOWN = "PK-KP-MARDAN"
#: Pages with a button to print them, and the most sheets of A4 that each may take in the seeded town.
SHEETS = {
    "/help": 1,
    f"/calendar/{TOWN}": 2,
    f"/place/{TOWN}/profile": 4,
    f"/place/{TOWN}/profile/paper": 8,
}
#: What nobody can press on paper.
PRESSED = ".bar, .strip, .skip, .nav, footer, button, .button, input[type=submit]"
SHOWN = f"[...document.querySelectorAll('{PRESSED}')].filter(e => e.checkVisibility()).map(e => e.outerHTML.slice(0, 80))"
#: How far the parts of a page stand from the edge that reading starts at.
STARTS = """() => [...document.querySelectorAll('h1, main p, main .rows > li, main label, main .button')].filter(e => e.checkVisibility())
    .map(e => { const box = e.getBoundingClientRect();
        return [e.tagName, Math.round(document.dir === 'rtl' ? innerWidth - box.right : box.left)] })"""


def test_pages_for_paper_take_few_sheets_and_show_nothing_to_press(
    served: Served, open_page: OpenPage
) -> None:
    served.town.report(severity=4)
    served.town.work()
    page = open_page("en", "chair.mardan")
    page.goto(f"/place/{WARD}")
    alert = page.get_attribute("main a[href^='/a/'] >> nth=0", "href")
    assert alert
    for path, most in {**SHEETS, alert: 2}.items():
        found = page.goto(path)
        assert found is not None
        assert found.ok, path
        page.emulate_media(media="print")
        assert page.evaluate(SHOWN) == [], path
        sheets = len(re.findall(rb"/Type\s*/Page\b", page.pdf(format="A4", prefer_css_page_size=True)))
        page.emulate_media(media="screen")
        assert 1 <= sheets <= most, f"{path}: {sheets} sheets"


def test_each_part_stands_as_far_from_where_reading_starts_in_both_directions(
    served: Served, open_page: OpenPage
) -> None:
    for path in ("/today", "/report", "/check-in", "/me"):
        found = {}
        for language in ("en", "ur"):
            page = open_page(language, "member1.mardan")
            page.goto(path)
            assert page.evaluate("document.documentElement.dir") == ("rtl" if language == "ur" else "ltr")
            found[language] = {(tag, gap) for tag, gap in page.evaluate(STARTS)}
        assert found["en"] == found["ur"], path
