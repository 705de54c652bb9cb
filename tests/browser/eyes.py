"""What a reader meets on one open page, measured in one visit: axe, targets, reflow, wide spacing, big letters, keyboard.

The page is shown to Chromium as the crawl kept it; its style sheet and scripts come from the server. Only tests/browser imports it.
"""

from __future__ import annotations

from types import TracebackType

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, Route

PATIENCE = 60_000
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
HELPS = """
const seen = (node) => node.checkVisibility({ visibilityProperty: true }) && node.getBoundingClientRect().width > 0;
const told = (node) => node.outerHTML.replace(/\\s+/g, " ").slice(0, 110);
const all = (what, root) => Array.from((root || document).querySelectorAll(what));
const wide = (why) => document.documentElement.scrollWidth > innerWidth ? [document.documentElement.scrollWidth + " pixels wide" + why] : [];
const PRESSED = "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']";
const clipped = (why) => all("body *", document).filter((node) => {
  if (node.closest(".sr, svg, option, .sprite, thead, input") || !seen(node)) return false;
  const style = getComputedStyle(node), shut = (way) => way === "hidden" || way === "clip";
  return shut(style.overflowY) && node.scrollHeight > node.clientHeight + 1 || shut(style.overflowX) && node.scrollWidth > node.clientWidth + 1;
}).slice(0, 2).map((node) => "cut off" + why + ": " + told(node) + " " + [node.scrollWidth, node.clientWidth, node.scrollHeight, node.clientHeight]);
"""
# Violations, and what axe could not judge for another reason than that text lies on a drawing or on stripes: the palette's test does.
AXE = """async (tags) => {
  const found = await axe.run({ runOnly: tags, resultTypes: ["violations", "incomplete"] });
  const drawn = (node) => document.querySelector(node.target[0])?.closest("svg, .pic, .chip.level-0");
  return [
    ...found.violations.map((one) => [one.id, one.nodes[0].html]),
    ...found.incomplete.flatMap((one) => one.nodes.filter((node) => !drawn(node)).slice(0, 1).map((node) => ["unsure: " + one.id, node.html])),
  ].map(([id, html]) => id + ": " + html.slice(0, 140));
}"""
# What no line of text holds must be 44 pixels high and wide with its label, a filled or framed button 48; fields have names of their own.
TARGETS = """() => {
  const inText = "p, li, td, th, dd, dt, .hint, .meta, .prose, [aria-hidden]";
  const small = all("a, button, input, select, textarea, summary", document)
    .filter((node) => node.type !== "hidden" && node.closest("main, header") && seen(node))
    .filter((node) => !node.closest(inText))
    .map((node) => [node, (node.closest("label") || node).getBoundingClientRect(), node.matches(".button, .choice input") ? 47.5 : 43.5])
    .filter(([node, box, least]) => box.height < least || box.width < Math.min(least, 43.5))
    .map(([node, box]) => "small: " + told(node) + " " + Math.round(box.width) + "x" + Math.round(box.height));
  const boxes = all(".button, .choice", document.querySelector("main")).filter(seen).map((node) => [node, node.getBoundingClientRect()]);
  const near = boxes.filter(([node, box], at) => boxes.slice(at + 1).some(([other, its]) =>
    Math.max(its.left - box.right, box.left - its.right) < 7.5 && Math.max(its.top - box.bottom, box.top - its.bottom) < 7.5
  )).map(([node]) => "too near to the next: " + told(node));
  const ids = all("[id]", document).map((node) => node.id);
  const twice = ids.filter((id, at) => ids.indexOf(id) !== at).map((id) => "two with the id " + id);
  return [...small.slice(0, 2), ...near.slice(0, 2), ...new Set(twice)];
}"""
# Each stop of the Tab key: a ring of 3 pixels in two colours, not hidden, the skip link first, something to do within 12 stops.
KEYBOARD = """() => {
  const groups = new Set(), stops = all(PRESSED, document).filter((node) => {
    if (node.disabled || node.tabIndex < 0 || !(seen(node) || node.matches(".skip"))) return false;
    if (node.type !== "radio") return true;
    const group = (node.form ? all("form", document).indexOf(node.form) : "") + node.name;
    return !groups.has(group) && groups.add(group);
  });
  const found = [];
  if (!stops[0] || !stops[0].matches(".skip")) found.push("the skip link is not the first stop");
  const first = stops.findIndex((node) => node.closest("main"));
  const sure = document.querySelector("main .button:not(.quiet)"), at = sure ? stops.findIndex((node) => node === sure) : -1;
  if (first > 12) found.push("the first thing to do is stop " + first);
  if (sure && seen(sure) && at > 12 && !sure.form) found.push("the button is stop " + at);
  for (const node of stops) {
    node.focus();
    const ringed = node.closest(".choice") || (node.matches(".pic a") ? null : node);
    if (document.activeElement !== node) { found.push("cannot be reached: " + told(node)); continue; }
    if (!ringed) continue;
    const style = getComputedStyle(ringed);
    if (style.outlineStyle !== "solid" || parseFloat(style.outlineWidth) < 3 || style.boxShadow === "none") found.push("no ring: " + told(node));
    const box = ringed.getBoundingClientRect();
    if (box.right < 1 || box.left > innerWidth - 1) found.push("out of view: " + told(node));
  }
  document.activeElement.blur();
  return found.slice(0, 3);
}"""
SPACED = """() => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync("* { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important }" +
    " p { margin-block-end: 2em !important }");
  document.adoptedStyleSheets = [sheet];
  const found = [...wide(" with wide spacing"), ...clipped(" with wide spacing")];
  document.adoptedStyleSheets = [];
  return found;
}"""
# Nothing may be cut off where letters are twice as big, and nothing scrolls sideways on a screen that is not tiny.
BIG = """() => {
  document.documentElement.style.fontSize = "200%";
  const found = [...clipped(" at 200 %"), ...(innerWidth < 640 ? [] : wide(" at 200 %"))];
  document.documentElement.style.fontSize = "24px";
  found.push(...clipped(" at 24 pixels"));
  document.documentElement.style.fontSize = "";
  return found;
}"""


class Eyes:
    """One browser window of one width, into which kept pages are put one after the other."""

    def __init__(self, chromium: Browser, url: str, width: int) -> None:
        self.chromium, self.url, self.width = chromium, url, width
        self.html = ""

    def __enter__(self) -> Eyes:
        self.context = self.chromium.new_context(
            base_url=self.url, viewport={"width": self.width, "height": 800}, service_workers="block"
        )
        self.context.set_default_timeout(PATIENCE)
        self.context.add_init_script(AXE_SCRIPT)
        self.page = self.context.new_page()
        self.page.route("**/*", self._answer)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.context.close()

    def _answer(self, route: Route) -> None:
        if route.request.is_navigation_request():
            route.fulfill(body=self.html, content_type="text/html; charset=utf-8")
        else:
            route.continue_()

    def show(self, path: str, html: str) -> None:
        """Put a page into the window."""
        self.html = html
        self.page.goto(path, wait_until="load")

    def faults(self, path: str, html: str) -> list[str]:
        """What stands in the way of a reader of this page."""
        self.show(path, html)
        found: list[str] = self.page.evaluate(AXE, TAGS)
        self.page.keyboard.press("Tab")  # from here on the browser shows the ring of whatever has the focus
        measures = "".join(f"found.push(...({one})());" for one in (KEYBOARD, TARGETS, SPACED, BIG))
        found += self.page.evaluate(f"() => {{ {HELPS} const found = wide(''); {measures} return found; }}")
        return found
