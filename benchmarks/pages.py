"""How long a page takes on a slow line and a slow phone, in Chromium, beside the budgets of docs/budgets.md (rows 3, 6, 6b and 6c).

Each figure is the middle one of three loads (of five without --quick), with the fastest and slowest beside it: one alone may meet a busy moment.
Lines and processor are emulated by the browser; nothing is kept from one load to the next. What a page weighs is a test, not a figure.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from playwright.sync_api import Browser, StorageState, sync_playwright

from benchmarks import lighthouse
from benchmarks.installation import installations, serving
from benchmarks.tables import Table
from scripts.browser import HOW_TO_INSTALL, find_chromium
from tests.make import PASSWORD

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
)
WARD = "PK-KP-MARDAN-W7"
PAGES = {
    "/start": "",
    "/sign-in": "",
    "/today": "member1.mardan",
    "/report": "member1.mardan",
    f"/place/{WARD}": "member1.mardan",
}


@dataclass(frozen=True)
class Line:
    """A kind of network with the phone that hangs on it, and how many seconds a page may take there."""

    name: str
    kbps: int
    latency: int
    slower: int
    text: float | None
    usable: float | None
    load: float


LINES = (
    Line("400 kbps, 400 ms, processor 6 times slower", 400, 400, 6, 2, 3, 5),
    Line("Slow 3G: 400 kbps, 2000 ms", 400, 2000, 1, None, None, 6),
    Line("EDGE: 120 kbps, 800 ms", 120, 800, 1, None, None, 6),
)
TIMES = """() => {
  const way = performance.getEntriesByType("navigation")[0];
  const text = performance.getEntriesByName("first-contentful-paint")[0];
  return [text ? text.startTime : way.loadEventEnd, way.domContentLoadedEventEnd, way.loadEventEnd];
}"""


def table(engines: tuple[str, ...], quick: bool) -> Table:
    """Load each page over each line, in English and Urdu; a page on SQLite or PostgreSQL is the same page."""
    chromium = find_chromium()
    columns = ("page", "language", "line", "first text", "usable", "loaded", "budget")
    if chromium is None:
        return Table("Pages on slow lines", columns, [], (HOW_TO_INSTALL,))
    with installations(engines[0]) as make, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        with serving(make(), jobs=False) as port:
            url = f"http://127.0.0.1:{port}"
            rows = list(_rows(browser, url, 3 if quick else 5))
            notes = tuple(_lighthouse(browser, url, chromium))
        browser.close()
    return Table("Pages on slow lines", columns, rows, notes)


def _rows(browser: Browser, url: str, times: int) -> Iterator[tuple[str, ...]]:
    kept = {who: _signed_in(browser, url, who) for who in set(PAGES.values())}
    for line in LINES:
        for path, who in PAGES.items():
            for language in ("en", "ur"):
                loads = [_load(browser, url + path, kept[who], language, line) for _ in range(times)]
                taken = list(zip(*loads, strict=True))
                middle = [statistics.median(one) for one in taken]
                parts = (("text", line.text), ("usable", line.usable), ("loaded", line.load))
                budget = ", ".join(f"{name} {most:g} s" for name, most in parts if most)
                over = any(most and found > most for found, (_name, most) in zip(middle, parts, strict=True))
                yield (path, language, line.name, *map(_told, taken), budget + (": OVER" if over else ""))


def _told(taken: Sequence[float]) -> str:
    """The middle one of some loads, and the fastest and slowest of them."""
    return f"{statistics.median(taken):.2f} s ({min(taken):.2f} to {max(taken):.2f})"


def _signed_in(browser: Browser, url: str, who: str) -> StorageState:
    context = browser.new_context()
    page = context.new_page()
    if who:
        page.goto(f"{url}/sign-in")
        page.fill("[name=sign_in]", who)
        page.fill("[name=password]", PASSWORD)
        page.click("main form button.button")
        page.wait_for_url(lambda at: "/sign-in" not in at)
    state = context.storage_state()
    context.close()
    return state


def _load(browser: Browser, address: str, state: StorageState, language: str, line: Line) -> list[float]:
    """One load with an empty cache: seconds to the first text, until it can be used, until all is there."""
    context = browser.new_context(
        storage_state=state, viewport={"width": 360, "height": 780}, service_workers="block"
    )
    context.add_cookies([{"name": "concord_language", "value": language, "url": address}])
    page = context.new_page()
    phone = context.new_cdp_session(page)
    bytes_a_second = line.kbps * 1000 / 8
    phone.send("Network.enable")
    phone.send(
        "Network.emulateNetworkConditions",
        {
            "offline": False,
            "latency": line.latency,
            "downloadThroughput": bytes_a_second,
            "uploadThroughput": bytes_a_second,
        },
    )
    phone.send("Emulation.setCPUThrottlingRate", {"rate": line.slower})
    page.goto(address, wait_until="load")
    page.wait_for_function("performance.getEntriesByType('navigation')[0].loadEventEnd > 0")
    found: list[float] = page.evaluate(TIMES)
    context.close()
    return [one / 1000 for one in found]


def _lighthouse(browser: Browser, url: str, chromium: str) -> Iterator[str]:
    """Lighthouse's points for each page, with the cookies of who may see it; or why there are none."""
    program = lighthouse.find()
    if program is None:
        yield "Lighthouse: not measured. It comes from npm, which is not here or has no network (budget 95, 100, 100)."
        return
    for path, who in PAGES.items():
        kept = _signed_in(browser, url, who).get("cookies", [])
        cookies = "; ".join(f"{one['name']}={one['value']}" for one in kept)
        yield lighthouse.told(path, *lighthouse.points(program, chromium, url + path, cookies))
