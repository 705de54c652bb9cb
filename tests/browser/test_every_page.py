"""Every page that the registry knows and every answer of its forms: translated, light, and fit to be read and pressed.

A row of docs/budgets.md names what each test here measures.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser
from sqlalchemy import select

import foundation.web
from alerts.messages import CATALOGUES
from committees.committee import Committee
from committees.people import Office, Person
from committees.places import Country, Locality
from coordination import pages
from coordination.packing import lean
from foundation.web.page import PAGES
from foundation.web.words import NAMES
from foundation.web.words import _catalogue as catalogue_of
from scripts.words import gathered
from tests.browser import busy_town
from tests.browser.conftest import Served, serving
from tests.browser.every_page import MARKED, Languages, Look, Seen, crawl
from tests.browser.eyes import Eyes
from tests.browser.marks import unmarked
from tests.make import Town, build_template
from tests.rig.databases import SqliteDatabases
from tests.rig.town import wired

pytestmark = pytest.mark.browser

LANGUAGES = tuple(code for code in NAMES if code != MARKED)
STATIC = Path(foundation.web.__file__).parent / "static"
TEMPLATES = (STATIC.parent / "templates", Path(pages.__file__).parent.parent / "templates")
#: What is on the map and shows nobody a page of ours, or only beside another house's server.
NOT_SEEN = {
    "/desk/note/<uuid:note_id>": "a sound",
    "/admin/voice/sound/<uuid:line_id>": "a sound",
    "/place/<code>/ladder/inherit": "a form beside a ladder of the place's own: tests/coordination/test_ladder_pages.py",
    "/admin/readiness.csv": "a file",
    "/admin/sms-routes/<country>/texts.csv": "a file",
    "/admin/sources/form": "a file",
    "/admin/sources/at/<name>": "a form of others, of which this town has none: tests/journeys/test_forms_of_others.py",
    "/admin/sources/at/<name>/match": "the same",
    "/admin/sources/at/<name>/ours": "the same",
    "/offline/settings": "read by static/offline.js",
    "/manifest.json": "read by the browser",
    "/sign-in/sso": "leads to a ministry's provider: tests/coordination/test_sso.py",
    "/sign-in/sso/back": "comes from a ministry's provider: tests/coordination/test_sso.py",
    "/sign-in/sso/link": "after a ministry's provider: tests/coordination/test_sso.py",
}
#: Templates that are parts of others, or shown only on the pages above.
PARTS = {
    "base.html", "icons.html", "macros.html", "place_parts.html", "profile_parts.html", "readers.html", "tell_base.html",
    "waiting.html",
}  # fmt: skip
ELSEWHERE = {"sso_link.html", "source_form.html", "source_match.html"}


@contextmanager
def looked_at(
    maker: SqliteDatabases, factory: pytest.TempPathFactory, languages: Languages
) -> Iterator[tuple[Served, Seen]]:
    """A town in which everything has happened, on a server, and every look at it in these languages."""
    keys = factory.getbasetemp() / "town_keys"
    keys.mkdir(exist_ok=True)
    url = maker.template("town", lambda made: build_template(made, keys))
    with wired(url, keys, webhook_hosts=("127.0.0.1",)) as town, serving(town) as served:
        yield served, crawl(town, busy_town.fill(town), languages)


@pytest.fixture(scope="module")
def asked() -> Iterator[set[str]]:
    """Every string that a page has asked the pseudo-language for."""
    catalogue, found = catalogue_of(MARKED), set()
    told = catalogue.gettext

    def gettext(message: str) -> str:
        found.add(message)
        return told(message)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(catalogue, "gettext", gettext)
        yield found


@pytest.fixture(scope="module")
def busy(
    _sqlite_maker: SqliteDatabases, tmp_path_factory: pytest.TempPathFactory, asked: set[str]
) -> Iterator[tuple[Served, Seen]]:
    """Every look, the languages by turns."""
    turn = cycle(LANGUAGES)
    with looked_at(_sqlite_maker, tmp_path_factory, lambda: (next(turn),)) as found:
        yield found


def test_no_page_and_no_template_is_forgotten(busy: tuple[Served, Seen]) -> None:
    _served, seen = busy
    assert {page.path for page in PAGES} - seen.reached == set(NOT_SEEN)
    templates = {path.name for folder in TEMPLATES for path in folder.glob("*.html")}
    assert templates - seen.templates == PARTS | ELSEWHERE


def test_no_word_on_any_page_is_left_untranslated(busy: tuple[Served, Seen]) -> None:
    served, seen = busy
    names = names_of(served.town)
    told = [f"{look.name}: {text}" for look in seen.looks for text in unmarked(look.marked, names)]
    assert not told, "\n".join(told)


def test_every_word_that_a_page_translates_stands_in_the_catalogues(
    busy: tuple[Served, Seen], asked: set[str]
) -> None:
    """The pseudo-language marks whatever it is asked for, but a translator only sees what was gathered."""
    known = {part for m in gathered() for part in ([m.id] if isinstance(m.id, str) else m.id)}
    names = names_of(busy[0].town)
    told = sorted(text for text in asked - known if unmarked(f"<p>{text}</p>", names))
    assert not told, "\n".join(told)


def names_of(town: Town) -> list[str]:
    """What places, people and bodies are called, what people wrote, and what messages say: no page translates that."""
    kinds: tuple[Any, ...] = (Locality, Country, Committee, Office)
    with town.session("seed") as session:
        found = [
            name for kind in kinds for row in session.scalars(select(kind)) for name in row.names.values()
        ]
        found += session.scalars(select(Locality.code)).all()
        found += session.scalars(select(Person.name)).all()
    return [*found, *busy_town.TYPED, *CATALOGUES["en"].language.words["action"].values()]


def test_every_page_is_light(busy: tuple[Served, Seen]) -> None:
    sizes = {
        path.name: len(
            gzip.compress(lean(path.read_text()).encode() if path.suffix == ".js" else path.read_bytes(), 9)
        )
        for path in STATIC.iterdir()
    }
    assert sizes["style.css"] <= 8192
    heavy = []
    for look in busy[1].looks:
        for language, html in look.shown.items():
            heavy += [f"{look.name} ({language}): {fault}" for fault in weight(html, sizes)]
    assert not heavy, "\n".join(heavy)


def weight(html: str, sizes: dict[str, int]) -> list[str]:
    """What is too heavy about a page and the files that it asks for."""
    assert not re.findall(r'(?:src|href)="https?://[^"]+\.(?:js|css|woff2?)"', html)
    scripts = re.findall(r'<script src="/static/([^"?]+)', html)
    own = len(gzip.compress(html.encode(), 9))
    total = own + sizes["style.css"] + sum(sizes[name] for name in scripts)
    field = 'class="desk' not in html
    told = []
    if len(scripts) + 2 > 4 or sum(sizes[name] for name in scripts) > 8192:
        told.append(f"asks for {scripts}")
    if total > (30_720 if field else 61_440) or field and own > 10_240:
        told.append(f"{own} of {total} bytes")
    return told


def walk(chromium: Browser, served: Served, looks: Sequence[Look], width: int) -> list[str]:
    """Look at these pages in the languages in which they were kept; returns what is wrong."""
    with Eyes(chromium, served.url, width) as eyes:
        return [
            f"{look.name} ({language}): {fault}"
            for look in looks
            for language, html in look.shown.items()
            for fault in eyes.faults(look.path, html)
        ]


def test_every_page_can_be_read_and_pressed(busy: tuple[Served, Seen], chromium: Browser) -> None:
    served, seen = busy
    told = walk(chromium, served, seen.looks, 320)
    assert not told, "\n".join(told)


@pytest.mark.long
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_in_every_language(
    _sqlite_maker: SqliteDatabases,  # noqa: PT019 -- it makes the town here
    tmp_path_factory: pytest.TempPathFactory,
    chromium: Browser,
    language: str,
) -> None:
    with looked_at(_sqlite_maker, tmp_path_factory, lambda: (language,)) as (served, seen):
        told = [
            f"{width} pixels: {one}"
            for width in (320, 1280)
            for one in walk(chromium, served, seen.looks, width)
        ]
    assert not told, "\n".join(told)
