"""The words of pages: read part by part beside their English, signed off by native readers, and marked as drafts until then."""

from __future__ import annotations

import pytest

from coordination import page_words
from coordination.page_words import Drafts
from foundation.config import LOCALES
from tests.make import Browser, Town

PART = "/admin/languages/ur/coordination/templates/report.html"
DRAFT = "are a draft"


def reader(town: Town, code: str, language: str = "ur") -> Browser:
    """Somebody whose language is this one, reading pages in English."""
    with town.session(write=True) as session:
        town.person(session, code).language = language
    browser = town.browser(code)
    browser.client.set_cookie("concord_language", "en")
    return browser


@pytest.mark.parametrize("language", [one for one in LOCALES if one != "en"])
def test_every_string_stands_in_one_part_and_what_most_people_see_stands_first(language: str) -> None:
    parts = page_words.parts(language)
    assert parts[0].name.startswith("foundation/web/templates/")
    assert sum(len(part.rows) for part in parts) == len(page_words.entries(language)) > 2000
    assert len({part.key for part in parts}) == len(parts)


def test_a_part_is_read_beside_its_english_and_signed_off_by_two(town: Town) -> None:
    browser = reader(town, "secretary.mardan")
    assert 'href="/admin/languages/ur"' in browser.open("/admin/languages")
    assert "report.html" in browser.open("/admin/languages/ur")
    page = browser.open(PART)
    assert "What happened?" in page
    assert 'lang="ur" dir="rtl">کیا ہوا؟' in page
    browser.send(PART, verdict="right")
    assert browser.path != PART  # the next part, so that a reader goes on
    assert "1 reader finds it right" in browser.open(PART)
    other = reader(town, "chair.mardan")
    other.open(PART)
    other.send(PART, verdict="wrong", text="Line 3: kinder, please")
    page = browser.open(PART)
    assert "1 reader finds it wrong" in page
    assert "Line 3: kinder, please" in page


def test_nothing_typed_is_lost_and_only_native_readers_sign_off(town: Town) -> None:
    browser = reader(town, "secretary.mardan")
    browser.open(PART)
    kept = browser.send(PART, verdict="", text="as I would say it")
    assert browser.status == 422
    assert "as I would say it" in kept
    other = reader(town, "chair.mardan", "bn")
    other.open(PART)
    other.send(PART, verdict="right")
    assert other.status == 403
    assert browser.client.get("/admin/languages/ur/coordination/nothing.html").status_code == 404
    assert browser.client.get("/admin/languages/en").status_code == 404


def test_pages_say_that_they_are_drafts_until_the_whole_language_is_signed_off(town: Town) -> None:
    member = town.browser("member1.mardan")
    member.client.set_cookie("concord_language", "en")
    assert DRAFT not in member.open("/today")
    drafts = [_draft(town)]
    for code in ("secretary.mardan", "chair.mardan"):
        browser = reader(town, code)
        browser.open("/admin/languages/ur")
        browser.send("/admin/languages/ur", verdict="right")
        drafts.append(_draft(town))
    town.later(minutes=1)
    again = reader(town, "chair.mardan")
    again.open(PART)
    again.send(PART, verdict="wrong", text="On a second look, line 2")
    drafts.append(_draft(town))
    assert drafts == [True, True, False, True]


def _draft(town: Town) -> bool:
    """Whether a page in Urdu says so; what the process remembers from before is put aside."""
    town.runtime.drafts = Drafts()
    member = town.browser("member1.mardan")
    member.client.set_cookie("concord_language", "ur")
    return 'class="hint">ان صفحوں کے الفاظ' in member.open("/today")
