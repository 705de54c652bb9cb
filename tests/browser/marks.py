"""What on a page was never translated: words outside the marks of the pseudo-language that are nobody's name and no date.

Pure: it reads HTML and returns words. Only tests/browser imports it.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterable, Iterator
from html.parser import HTMLParser

from foundation.web.words import NAMES

OPEN, CLOSE = "⟦", "⟧"
SPOKEN = ("aria-label", "alt", "title", "placeholder", "data-label", "data-required")
UNSEEN = ("script", "style", "template")
VOID = frozenset(("meta", "link", "input", "img", "br", "hr", "wbr", "use", "path", "circle", "rect", "line"))
WORD = re.compile(r"[^\W\d_]{2,}(?:['-][^\W\d_]+)*")
#: What dates, units and brands are made of: written by CLDR or the same in each language.
KNOWN = frozenset(
    ("Concord", "SMS", "CSV", "API", "CAP", "Sept")
    + (*calendar.day_name, *calendar.day_abbr, *calendar.month_name, *calendar.month_abbr)
)


class _Reader(HTMLParser):
    """Collects what a person sees or hears; what is in another language, or said by people, is theirs."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.closed: list[tuple[str, bool]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        theirs = tag in (*UNSEEN, "bdi") or "lang" in found and tag != "html" or found.get("dir") == "auto"
        if not self._is_theirs():
            self.texts += [found[name] or "" for name in SPOKEN if name in found]
        if tag not in VOID:
            self.closed.append((tag, theirs))

    def handle_endtag(self, tag: str) -> None:
        while self.closed and tag in {name for name, _theirs in self.closed}:
            if self.closed.pop()[0] == tag:
                break

    def handle_data(self, data: str) -> None:
        if not self._is_theirs():
            self.texts.append(data)

    def _is_theirs(self) -> bool:
        return any(theirs for _name, theirs in self.closed)


def outside(text: str) -> Iterator[str]:
    """The parts of a text that no mark holds."""
    depth, start = 0, 0
    for at, letter in enumerate(text):
        if letter == OPEN:
            if not depth:
                yield text[start:at]
            depth += 1
        elif letter == CLOSE:
            depth, start = max(0, depth - 1), at + 1
    if not depth:
        yield text[start:]


def unmarked(html: str, names: Iterable[str]) -> list[str]:
    """The texts of a page that carry words which were not translated, `names` and dates aside."""
    reader = _Reader()
    reader.feed(html)
    known = KNOWN | {word for name in (*names, *NAMES.values()) for word in WORD.findall(name)}
    found = []
    for text in reader.texts:
        if any(word not in known for part in outside(text) for word in WORD.findall(part)):
            found.append(" ".join(text.split()))
    return found
