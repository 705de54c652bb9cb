"""The levels as the pages draw them, photographed without any colour: a photocopy or an old screen still tells them apart."""

from __future__ import annotations

from itertools import combinations

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import OpenPage

pytestmark = pytest.mark.browser

#: What a photograph of each chip shows along its upper edge, where nothing is written: the middle grey, and how much of it is another one.
GREYS = """async (shots) => {
  const seen = [];
  for (const shot of shots) {
    const picture = await createImageBitmap(await (await fetch("data:image/png;base64," + shot)).blob());
    const canvas = new OffscreenCanvas(picture.width, picture.height), pen = canvas.getContext("2d");
    pen.drawImage(picture, 0, 0);
    const row = pen.getImageData(12, 4, picture.width - 24, 1).data, greys = [];
    let coloured = 0;
    for (let at = 0; at < row.length; at += 4) {
      coloured = Math.max(coloured, Math.abs(row[at] - row[at + 1]), Math.abs(row[at + 1] - row[at + 2]));
      greys.push(row[at + 1]);
    }
    greys.sort((one, other) => one - other);
    const grey = greys[greys.length >> 1], other = greys.filter((one) => Math.abs(one - grey) > 10).length;
    seen.push({ grey, striped: Math.round((100 * other) / greys.length), coloured });
  }
  return seen;
}"""


def lightness(grey: int) -> float:
    """CIE L* of a grey of a screen, 0 black to 100 white."""
    part = grey / 255
    light = part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
    return 116 * light ** (1 / 3) - 16 if light > 216 / 24389 else light * 24389 / 27


def photographed(page: Page, blank: Page) -> list[dict[str, int]]:
    """Each level's chip of the help page, as a camera without colour sees it, measured on a page without rules of its own."""
    page.goto("/help")
    page.context.new_cdp_session(page).send(
        "Emulation.setEmulatedVisionDeficiency", {"type": "achromatopsia"}
    )
    shots = []
    session = page.context.new_cdp_session(page)
    for chip in page.locator(".rows .chip").all():
        chip.scroll_into_view_if_needed()
        box = chip.bounding_box()
        assert box
        top = page.evaluate("scrollY")
        clip = {
            "x": box["x"],
            "y": box["y"] + top,
            "width": box["width"],
            "height": box["height"],
            "scale": 1,
        }
        shots.append(session.send("Page.captureScreenshot", {"format": "png", "clip": clip})["data"])
    found: list[dict[str, int]] = blank.evaluate(GREYS, shots)
    return found


def test_any_two_levels_differ_on_a_photocopy(open_page: OpenPage) -> None:
    page = open_page()
    blank = page.context.new_page()  # about:blank: the pages' own policy would not let it read a picture
    seen = photographed(page, blank)
    assert len(seen) == 6
    assert max(one["coloured"] for one in seen) <= 2, "the photograph is not grey"
    assert [one["striped"] >= 10 for one in seen] == [True, False, False, False, False, False], seen
    shades = [lightness(one["grey"]) for one in seen[1:]]
    assert all(abs(one - other) >= 10 for one, other in combinations(shades, 2)), shades
