"""A real Chromium for the browser tests.

The browser lives for one test file: while Playwright runs, its event loop owns the thread, and other files of
the same worker may want asyncio for themselves. Only the tests' conftest loads this module.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from scripts.browser import HOW_TO_INSTALL, find_chromium

# The sandbox refuses root; the rest keeps Chromium from calling home, so that the tests stay on this machine.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--lang=en-GB",
)


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """Return where Chromium is, or fail with the command that installs it."""
    found = find_chromium()
    if found is None:
        pytest.fail(HOW_TO_INSTALL, pytrace=False)
    return found


@pytest.fixture(scope="module")
def chromium(chromium_path: str) -> Iterator[Browser]:
    """Start Chromium for one test file; each test opens a context of its own, with its locale and width."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path, args=list(FLAGS))
        yield browser
        browser.close()
