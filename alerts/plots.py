"""Plots of an evaluation as inline SVG: bars that are stacked by outcome, and chances given against what came.

What lives here: shapes with a title and a description in words. What does not: the words themselves (they arrive translated), the table
beside each plot, and colours (classes of the stylesheet). Time and numbers run left to right in every language, as in pictures.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from alerts.pictures import WIDTH, hatch

FILLED, OPEN_BOX, HATCHED, PALE = "did", "met", "unknown", "blank"
_BASE, _TOP, _LINE, _HEIGHT = 128, 20, 146, 156
_SIDE, _EDGE = 200, 34


@dataclass(frozen=True)
class Bar:
    """One bar: the words under it, and its parts from the bottom up as (how it is painted, how many)."""

    label: str
    parts: tuple[tuple[str, int], ...]

    @property
    def total(self) -> int:
        """Its height."""
        return sum(number for _how, number in self.parts)


@dataclass(frozen=True)
class PlotWords:
    """The title and the description of a plot."""

    title: str
    words: str


def bars(rows: Sequence[Bar], said: PlotWords, *, key: str) -> Markup:
    """Return one bar a row, its number above it; `key` is unique on the page."""
    most = max([1, *(row.total for row in rows)])
    pitch = WIDTH / max(1, len(rows))
    every = 1 if len(rows) <= 7 else 2
    drawn = Markup("").join(
        _bar(row, n * pitch, pitch, most, key, named=n % every == 0) for n, row in enumerate(rows)
    )
    return _picture(
        said, key, _HEIGHT, drawn + Markup('<path class="base" d="M0 {}h{}"/>').format(_BASE, WIDTH)
    )


def _bar(row: Bar, start: float, pitch: float, most: int, key: str, *, named: bool) -> Markup:
    scale, top, made = (_BASE - _TOP) / most, float(_BASE), Markup("")
    for how, number in row.parts:
        if number:
            top -= number * scale
            made += _box(how, start + pitch * 0.15, top, pitch * 0.7, number * scale, key)
    middle = start + pitch / 2
    if row.total:
        made += Markup('<text class="digit" x="{:.1f}" y="{:.1f}">{}</text>').format(
            middle, top - 5, row.total
        )
    if named:
        made += Markup('<text class="axis" x="{:.1f}" y="{}">{}</text>').format(middle, _LINE, row.label)
    return made


def _box(how: str, x: float, y: float, width: float, height: float, key: str) -> Markup:
    fill = Markup(' fill="url(#{}-hatch)"').format(key) if how == HATCHED else Markup("")
    return Markup('<rect class="{}"{} x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>').format(
        how, fill, x, y, width, height
    )


def shares(
    rows: Sequence[tuple[str, float | None, float | None, float | None]], said: PlotWords, *, key: str
) -> Markup:
    """Return one line a row: its label, a dot at a share of 0 to 1, and a line over its interval; None where nothing is known."""
    step, left = 26, 150
    height = 14 + step * len(rows) + 24
    made = Markup("")
    for n, (label, share, low, high) in enumerate(rows):
        y = 22 + n * step
        made += Markup('<text class="axis at-start" x="0" y="{}">{}</text>').format(y + 4, label)
        if share is None or low is None or high is None:
            continue
        at, a, b = (left + (WIDTH - left - 12) * value for value in (share, low, high))
        made += Markup(
            '<path class="base" d="M{:.1f} {}H{:.1f}"/><circle class="did" cx="{:.1f}" cy="{}" r="6"/>'
        ).format(a, y, b, at, y)
    end = 14 + step * len(rows)
    for share, words in ((0.0, "0%"), (0.5, "50%"), (1.0, "100%")):
        x = left + (WIDTH - left - 12) * share
        made += Markup(
            '<path class="hatch" d="M{:.1f} 8V{}"/><text class="axis" x="{:.1f}" y="{}">{}</text>'
        ).format(x, end, x - 6 * share, end + 18, words)
    return _picture(said, key, height, made)


def against(
    points: Sequence[tuple[str, float, float]], said: PlotWords, along: str, up: str, *, key: str
) -> Markup:
    """Return points (label, chance given, share that came) against the line on which both are equal."""
    end = _EDGE + _SIDE

    def at(given: float, came: float) -> tuple[float, float]:
        return _EDGE + _SIDE * given, 12 + _SIDE * (1 - came)

    made = Markup('<path class="hatch" d="M{} {}L{} 12"/><path class="base" d="M{} 12V{}H{}"/>').format(
        _EDGE, 12 + _SIDE, end, _EDGE, 12 + _SIDE, end
    )
    for label, given, came in points:
        x, y = at(given, came)
        made += Markup(
            '<circle class="did" cx="{:.1f}" cy="{:.1f}" r="7"/><text class="at-start" x="{:.1f}" y="{:.1f}">{}</text>'
        ).format(x, y, x + 11, y + 5, label)
    made += Markup(
        '<text class="axis" x="{}" y="18">1</text><text class="axis" x="{}" y="{}">0</text><text class="axis" x="{}" y="{}">1</text>'
        '<text class="axis at-start" x="{}" y="{}">{} →</text><text class="axis at-start" x="{}" y="28">↑ {}</text>'
    ).format(
        _EDGE - 12, _EDGE - 12, 16 + _SIDE, end, 30 + _SIDE,
        _EDGE, 34 + _SIDE, along, _EDGE + 8, up,
    )  # fmt: skip
    return _picture(said, key, 44 + _SIDE, made)


def _picture(said: PlotWords, key: str, height: int, drawn: Markup) -> Markup:
    return Markup(
        '<svg class="pic" viewBox="0 0 {} {}" direction="ltr" role="img" aria-labelledby="{}-title {}-words">'
        '<title id="{}-title">{}</title><desc id="{}-words">{}</desc>{}{}</svg>'
    ).format(WIDTH, height, key, key, key, said.title, key, said.words, hatch(key), drawn)
