"""Each page of the day's work, on a phone: nothing for axe to find, and nothing that scrolls sideways on the smallest phones."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.browser.conftest import PHONE, OpenPage, Served
from tests.browser.test_journey import report_step_by_step
from tests.make import WARD

pytestmark = pytest.mark.browser

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
TOWN = "PK-KP-MARDAN"
PAGES = {
    None: ("/start", "/sign-in", "/privacy", "/help", "/method"),
    "member1.mardan": ("/today", "/report", "/check-in", "/mine", f"/place/{WARD}"),
    "secretary.mardan": (
        "/desk",
        f"/place/{TOWN}/profile",
        f"/place/{TOWN}/profile/edit",
        f"/calendar/{TOWN}",
        f"/calendar/{TOWN}/add",
        f"/rules/{TOWN}",
        f"/rules/{TOWN}/edit/crowd_now",
        f"/rules/{TOWN}/new?condition=incident",
        f"/rules/try/{TOWN}",
        f"/evaluation/{TOWN}",
    ),
    "chair.mardan": ("/desk/tell", "/me/second-step", "/me/password", "/me/confirm"),
    "admin": ("/admin/sign-in",),
    "city.mardan": ("/city", "/city/map", f"/place/{TOWN}"),
    "police.mardan": ("/review",),
}


def faults(page: Page) -> list[str]:
    """What axe finds on the open page, and whether it scrolls sideways at 320 pixels."""
    where = page.url.split("/", 3)[3]
    found: list[dict[str, Any]] = (
        Axe().run(page, options={"runOnly": TAGS, "resultTypes": ["violations"]}).response["violations"]
    )
    told = [f"{where}: {one['id']}: {node['html'][:160]}" for one in found for node in one["nodes"][:2]]
    page.set_viewport_size({"width": 320, "height": 640})
    width = page.evaluate("document.documentElement.scrollWidth")
    page.set_viewport_size(PHONE)
    return [*told, *([f"{where}: {width} pixels wide"] if width > 320 else [])]


def follow(page: Page, start: str, link: str) -> list[str]:
    """The faults of the page that the first such link leads to."""
    page.goto(start)
    page.click(f"main a[href^='{link}'] >> nth=0")
    page.wait_for_url(f"**{link}**")
    return faults(page)


@pytest.mark.parametrize("language", ["en", "ur"])
def test_nothing_stands_in_the_way_of_a_reader(served: Served, open_page: OpenPage, language: str) -> None:
    member = open_page(language, "member1.mardan")
    report_step_by_step(member)
    found = faults(member)
    served.town.work()
    for _ in range(4):
        served.town.later(minutes=30)
    for code, paths in PAGES.items():
        page = open_page(language, code)
        for path in paths:
            answer = page.goto(path)
            assert answer, (code, path)
            assert answer.status == 200, (code, path)
            found += faults(page)
    found += follow(open_page(language, "city.mardan"), "/city", "/a/")
    found += follow(open_page(language, "secretary.mardan"), "/desk", "/desk/r/")
    found += follow(open_page(language, "police.mardan"), "/review", "/review/")
    assert not found, "\n".join(found)
