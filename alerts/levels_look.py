"""How the six levels look: fill, text, shape and lightness, as one table.

What lives here: the two ramps (the warm one, and a slate one for towns where even muted colours are read as a
party's) and the outlines of the six shapes. What does not: the words, which are settings, and the drawing
(pictures.py, town_map.py). The stylesheet and the icon sheet repeat these values, because a browser needs
them there; tests/alerts/test_palette.py compares all three. Anyone in alerts or coordination may import it.
"""

from __future__ import annotations

from dataclasses import dataclass

INK = "#1B2A33"
"""Text, and the edge of every chip: fills 1 to 3 alone have under 3:1 against paper."""

PAPER = "#F7F5F0"
CARD = "#FFFFFF"

NOT_KNOWN = 0
LEVELS = range(6)
"""0 Not known, then 1 Quiet to 5 Severe. The words are settings, the digits are not."""


@dataclass(frozen=True)
class Look:
    """One level: colours as #RRGGBB, the name of its shape, and its CIE lightness L* (0 black, 100 white)."""

    level: int
    fill: str
    text: str
    shape: str
    lightness: int


WARM = (
    Look(0, "#FFFFFF", "#1B2A33", "ring", 100),
    Look(1, "#E4F0F5", "#12303B", "circle", 94),
    Look(2, "#E9CF85", "#3A2E00", "square", 84),
    Look(3, "#D08C58", "#1E0F00", "triangle", 64),
    Look(4, "#A3322B", "#FFFFFF", "diamond", 38),
    Look(5, "#43112E", "#FFFFFF", "octagon", 14),
)
"""The usual ramp. No green, and no saturated saffron, maroon or blue: those belong to somebody."""

SLATE = (
    Look(0, "#FFFFFF", "#1B2A33", "ring", 100),
    Look(1, "#E8EEF1", "#14313D", "circle", 94),
    Look(2, "#BFD0D8", "#14313D", "square", 82),
    Look(3, "#86A3B0", "#0A1B22", "triangle", 65),
    Look(4, "#3A6272", "#FFFFFF", "diamond", 39),
    Look(5, "#14313D", "#FFFFFF", "octagon", 19),
)
"""One hue only, for a town that asks for it: `<html class="slate">`."""

_ROUND = "M14 2.5a11.5 11.5 0 1 1 0 23a11.5 11.5 0 1 1 0-23z"

SHAPES = {
    "ring": _ROUND,
    "circle": _ROUND,
    "square": "M4 4h20v20h-20z",
    "triangle": "M14 2.5l12.5 22.5h-25z",
    "diamond": "M14 1.5l12.5 12.5l-12.5 12.5l-12.5-12.5z",
    "octagon": "M9.2 2.5h9.6l6.7 6.7v9.6l-6.7 6.7h-9.6l-6.7-6.7v-9.6z",
}
"""SVG path of each shape in a box of 28 by 28. The ring is the circle drawn with dashes."""


def look_of(level: int | None, ramp: tuple[Look, ...] = WARM) -> Look:
    """Return how a level looks; None is Not known. Raises ValueError outside 0..5."""
    wanted = NOT_KNOWN if level is None else level
    if wanted not in LEVELS:
        raise ValueError(f"A level is 0 to 5, not {level}.")
    return ramp[wanted]


def digit_of(level: int | None) -> str:
    """Return what stands inside the shape: the digit, or ? for Not known."""
    return str(look_of(level).level or "?")
