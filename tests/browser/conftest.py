"""A real Chromium on a real server of this machine: what only a browser can tell.

`served` is the town behind an address, `open_page` opens a phone on it and fails the test for whatever the browser complains of.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wsgi import ClosingIterator

from tests.make import PASSWORD, Town, build_template, make_town
from tests.rig.databases import Databases

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PHONE: ViewportSize = {"width": 360, "height": 780}
PATIENCE = 60_000  # Milliseconds: a busy machine is slow, never wrong.


class QuietHandler(WSGIRequestHandler):
    """Says nothing about the requests that it serves."""

    def log(self, type: str, message: str, *args: Any) -> None:
        """Keep the lines of the server out of the test's output."""


@dataclass(frozen=True)
class Served:
    """A town and the address of this machine at which it answers."""

    town: Town
    url: str


REFUSED = "Failed to load resource: the server responded with a status of 4"
OpenPage = Callable[..., Page]


@pytest.fixture
def served(sqlite_databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Serve a seeded town; the database under it is SQLite, since a browser cannot tell the difference."""
    keys = tmp_path_factory.getbasetemp() / "town_keys"
    keys.mkdir(exist_ok=True)
    town = make_town(sqlite_databases.template("town", lambda url: build_template(url, keys)), keys)
    with serving(town) as found:
        yield found
    town.runtime.close()


def whole(app: WSGIApplication) -> WSGIApplication:
    """The application with each answer read to its end at once: this server leaves a file open where a browser hangs up."""

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        with closing(ClosingIterator(app(environ, start_response))) as parts:
            return list(parts)

    return answer


@contextmanager
def serving(town: Town) -> Iterator[Served]:
    """A town behind an address of this machine, for as long as the block lasts."""
    server = make_server("127.0.0.1", 0, whole(town.app), threaded=True, request_handler=QuietHandler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield Served(town, f"http://127.0.0.1:{server.server_port}")
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def open_page(chromium: Browser, served: Served) -> Iterator[OpenPage]:
    """Open phones that read one language; whatever their consoles complain of fails the test at its end.

    With `refusals` a form may be answered with what is wrong with it, which a console takes for a fault.
    """
    contexts, complaints = [], []

    def open_one(
        language: str = "en", code: str | None = None, *, scripts: bool = True, refusals: bool = False
    ) -> Page:
        context = chromium.new_context(base_url=served.url, viewport=PHONE, java_script_enabled=scripts)
        context.set_default_timeout(PATIENCE)
        context.add_cookies([{"name": "concord_language", "value": language, "url": served.url}])
        contexts.append(context)
        page = context.new_page()
        page.on(
            "console",
            lambda said: (
                complaints.append(said.text)
                if said.type in ("error", "warning")
                and not (refusals and said.text.startswith(REFUSED) and said.location["url"] == page.url)
                else None
            ),
        )
        page.on("pageerror", lambda error: complaints.append(str(error)))
        if code:
            sign_in(page, code)
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert not complaints, complaints


@pytest.fixture
def phone(chromium: Browser, served: Served) -> Iterator[BrowserContext]:
    """One phone; its console may complain, since losing the network is what these tests are about."""
    context = chromium.new_context(base_url=served.url, viewport=PHONE)
    context.set_default_timeout(PATIENCE)
    context.add_cookies([{"name": "concord_language", "value": "en", "url": served.url}])
    yield context
    context.close()


def sign_in(page: Page, code: str) -> None:
    """Sign in by name and password, as a person would."""
    page.goto("/sign-in")
    page.fill("[name=sign_in]", code)
    page.fill("[name=password]", PASSWORD)
    page.click("main form button.button")
    page.wait_for_url(lambda url: "/sign-in" not in url)
