"""Pictures drawn by the server as inline SVG: the shape of a level, and the history of a place.

What lives here: the level shape, the bars of the last 12 or 26 weeks with the legend under them, and the few
helpers that every picture shares. What does not: the map of a town (town_map.py), colours (levels_look.py and
the stylesheet: a picture only carries classes, as the content security policy forbids inline style), words
(they arrive translated) and the table beside a chart (a macro). Alerts and coordination may import it.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from alerts.levels_look import LEVELS, NOT_KNOWN, SHAPES, digit_of, look_of

WIDTH = 360
"""Width of every picture in its own units; on a phone one unit is about one CSS pixel."""

_EDGE = 4
_TOP = 18
_STEP = 22
_BASE = _TOP + 5 * _STEP
_ACTION_ROW, _MEETING_ROW = _BASE + 9, _BASE + 24
_DATE_LINE, _END_LINE, _HEIGHT = _BASE + 54, _BASE + 76, _BASE + 84
_SQUARE = 10
_MANY = 16
_LETTER = 6.5


@dataclass(frozen=True)
class Week:
    """One week of a place: a short date, the level 0..5 (None or 0: Not known), and what people did in it."""

    label: str
    level: int | None
    actions: int = 0
    meetings: int = 0


@dataclass(frozen=True)
class ChartWords:
    """The words of a history chart, translated."""

    title: str
    older: str
    newer: str
    not_known: str
    actions: str
    meetings: str


def level_shape(level: int | None) -> Markup:
    """Return the shape of a level with its digit, complete in itself, for a page without the icon sheet."""
    look = look_of(level)
    dashes = Markup(' stroke-dasharray="4 3.2"') if look.level == NOT_KNOWN else ""
    line = "21.6" if look.shape == "triangle" else "18.6"
    return Markup(
        '<svg class="shape" viewBox="0 0 28 28" aria-hidden="true" focusable="false">'
        '<path d="{}"{}/><text class="in-shape" x="14" y="{}">{}</text></svg>'
    ).format(SHAPES[look.shape], dashes, line, digit_of(level))


def hatch(key: str) -> Markup:
    """Return the hatching that stands for Not known; `key` makes its id unique on the page."""
    return Markup(
        '<defs><pattern id="{}-hatch" width="7" height="7" patternUnits="userSpaceOnUse" '
        'patternTransform="rotate(45)"><path class="blank" d="M0 0h7v7h-7z"/>'
        '<path class="hatch" d="M0 0v7"/></pattern></defs>'
    ).format(key)


def painted(level: int | None, key: str) -> Markup:
    """Return the class of an area or bar, and for Not known the hatching of the picture `key`."""
    if (level or NOT_KNOWN) == NOT_KNOWN:
        return Markup('class="unknown" fill="url(#{}-hatch)"').format(key)
    return Markup('class="area"')


def history_chart(
    weeks: Sequence[Week], words: ChartWords, *, rtl: bool = False, key: str = "history"
) -> Markup:
    """Return one bar a week with its digit, oldest first and on the same side in every language.

    Under the bars stand a filled square for a week with actions and an open one for a week with meetings.
    `rtl` sets the words for a right-to-left language; `key` must be unique on the page.
    """
    pitch = (WIDTH - 2 * _EDGE) / max(len(weeks), 1)
    columns = Markup("").join(_column(week, _EDGE + n * pitch, pitch, key) for n, week in enumerate(weeks))
    return Markup(
        '<svg class="pic{}" viewBox="0 0 {} {}" direction="ltr" role="img"'
        ' aria-labelledby="{}-title {}-words">'
        '<title id="{}-title">{}</title><desc id="{}-words">{}</desc>{}{}'
        '<path class="base" d="M0 {}h{}"/>{}{}</svg>'
    ).format(
        " many" if len(weeks) > _MANY else "", WIDTH, _HEIGHT, key, key,
        key, words.title, key, describe(weeks, words), hatch(key), columns, _BASE, WIDTH,
        _dates(weeks, pitch, rtl), _ends(words, rtl),
    )  # fmt: skip


def describe(weeks: Sequence[Week], words: ChartWords) -> str:
    """Return the chart as one line of text for people who hear the page."""
    return " ".join(f"{week.label}: {week.level or words.not_known}." for week in weeks)


def chart_key(words: ChartWords) -> Markup:
    """Return the legend of the squares under the bars."""
    return Markup(
        '<ul class="key"><li><span class="did"></span>{}</li><li><span class="met"></span>{}</li></ul>'
    ).format(words.actions, words.meetings)


def _column(week: Week, start: float, pitch: float, key: str) -> Markup:
    """Draw one week: bar, digit and squares. Not known fills the whole height: it may be anything."""
    level = look_of(week.level).level
    height = (level or len(LEVELS) - 1) * _STEP
    gap = pitch * 0.12
    middle, top = start + pitch / 2, _BASE - height
    digit_line = top + height / 2 + 5 if level == NOT_KNOWN else top - 5
    bar = Markup('<rect {} x="{:g}" y="{:g}" width="{:g}" height="{:g}"/>').format(
        painted(level, key), _tidy(start + gap), top, _tidy(pitch - 2 * gap), height
    )
    digit = Markup('<text class="digit" x="{:g}" y="{:g}">{}</text>').format(
        _tidy(middle), digit_line, digit_of(level)
    )
    did = _square("did", middle, _ACTION_ROW, week.actions)
    met = _square("met", middle, _MEETING_ROW, week.meetings)
    return Markup('<g class="level-{}">{}{}{}{}</g>').format(level, bar, digit, did, met)


def _square(kind: str, middle: float, top: int, count: int) -> Markup:
    """Draw the square of a week in which something was done, or nothing."""
    if not count:
        return Markup("")
    return Markup('<rect class="{}" x="{:g}" y="{}" width="{}" height="{}"/>').format(
        kind, _tidy(middle - _SQUARE / 2), top, _SQUARE, _SQUARE
    )


def _dates(weeks: Sequence[Week], pitch: float, rtl: bool) -> Markup:
    """Write dates under every second bar, under fewer where there are many or the months have long names."""
    longest = max((_letters(week.label) for week in weeks), default=0)
    room = 2 if len(weeks) <= _MANY else 6
    every = max(room, math.ceil((longest * _LETTER + 4) / pitch))
    middles = [min(max(_EDGE + (n + 0.5) * pitch, 22), WIDTH - 22) for n in range(len(weeks))]
    return Markup("").join(
        Markup('<text class="axis" x="{:g}" y="{}"{}>{}</text>').format(
            _tidy(middles[n]), _DATE_LINE, _direction(rtl), weeks[n].label
        )
        for n in range(0, len(weeks), every)
    )


def _letters(label: str) -> int:
    """How many places its letters take; marks above and below a letter take none."""
    return sum(unicodedata.category(letter) not in ("Mn", "Cf") for letter in label)


def _ends(words: ChartWords, rtl: bool) -> Markup:
    """Write "older" and "newer" at the two ends; logical anchors swap for right-to-left words."""
    older = f"{words.older} ←" if rtl else f"← {words.older}"
    newer = f"→ {words.newer}" if rtl else f"{words.newer} →"
    near, far = ("at-end", "at-start") if rtl else ("at-start", "at-end")
    return _end(near, _EDGE, older, rtl) + _end(far, WIDTH - _EDGE, newer, rtl)


def _end(anchor: str, x: int, words: str, rtl: bool) -> Markup:
    """Write the words at one end of the line of time."""
    return Markup('<text class="axis {}" x="{}" y="{}"{}>{}</text>').format(
        anchor, x, _END_LINE, _direction(rtl), words
    )


def _direction(rtl: bool) -> Markup:
    """Return the attribute that sets mixed words and digits in the reader's order."""
    return Markup(' direction="rtl"') if rtl else Markup("")


def _tidy(number: float) -> float:
    """Round to a tenth of a unit: more only adds weight."""
    return round(number, 1)


def titled(words: str) -> Markup:
    """Return the title element of a part of a picture; browsers show it on hover."""
    return Markup("<title>") + escape(words) + Markup("</title>")
