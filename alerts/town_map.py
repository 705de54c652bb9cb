"""The map of a town: one area a ward, each of them a link. No pins, no pan, no zoom.

What lives here: the drawing, with real outlines where the town has them and hexagons where it has none. What
does not: the arithmetic of outlines (outlines.py), colours (levels_look.py), words (they arrive translated)
and who may see which level (policy). Anyone in alerts or coordination may import it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from alerts.levels_look import digit_of, look_of
from alerts.outlines import Outline, Ring, fit, hexagon, hexagon_places, path_of, widest_room
from alerts.pictures import WIDTH, hatch, painted, titled

_ROOM_FOR_TWO_LINES = (40.0, 56.0)
_ROOM_FOR_DIGIT = 10.0


@dataclass(frozen=True)
class Area:
    """One ward: its short name, the whole sentence for its link ("Ward 7: High, 4 of 5"), level and address.

    `rings` are its outline as longitude and latitude in degrees, and may be empty.
    """

    label: str
    sentence: str
    level: int | None
    href: str
    current: bool = False
    rings: tuple[Ring, ...] = ()


def town_map(areas: Sequence[Area], title: str, *, rtl: bool = False, key: str = "map") -> Markup:
    """Return the map: real outlines if every area has one, otherwise hexagons in the order given.

    Geography is never mirrored; the hexagons, which are only an order, start at the reader's own side.
    """
    if areas and all(area.rings for area in areas):
        outlines, height = fit([area.rings for area in areas], WIDTH)
    else:
        places, radius, height = hexagon_places(len(areas), WIDTH, rtl=rtl)
        outlines = [(hexagon(place, radius),) for place in places]
    fine = _is_fine(outlines)
    # The thick edge of the current ward must lie above its neighbours, so it is drawn last.
    order = sorted(zip(areas, outlines, strict=True), key=lambda pair: pair[0].current)
    drawn = Markup("").join(_area(area, outline, key, rtl, fine) for area, outline in order)
    return Markup(
        '<svg class="pic map{}" viewBox="0 0 {} {}" direction="ltr" role="group" aria-label="{}">{}{}</svg>'
    ).format(" fine" if fine else "", WIDTH, round(height), title, hatch(key), drawn)


def _is_fine(outlines: Sequence[Outline]) -> bool:
    """Say whether most areas are too small for a name; then none gets one: mixed sizes read as a ranking."""
    roomy = sum(_has_room(*widest_room(outline)[2:]) for outline in outlines)
    return 2 * roomy < len(outlines)


def _has_room(width: float, height: float) -> bool:
    """Say whether a name and a digit fit."""
    return width >= _ROOM_FOR_TWO_LINES[0] and height >= _ROOM_FOR_TWO_LINES[1]


def _area(area: Area, outline: Outline, key: str, rtl: bool, fine: bool) -> Markup:
    """Draw one area as a link that says everything a sighted reader sees."""
    level = look_of(area.level).level
    shape = Markup('<path {} d="{}"/>').format(painted(level, key), path_of(outline))
    return Markup('<a href="{}" class="level-{}{}" aria-label="{}"{}>{}{}{}</a>').format(
        area.href, level, " here" if area.current else "", area.sentence,
        Markup(' aria-current="true"') if area.current else "",
        titled(area.sentence), shape, _words(area, outline, rtl, fine),
    )  # fmt: skip


def _words(area: Area, outline: Outline, rtl: bool, fine: bool) -> Markup:
    """Write the name and the digit where the area is widest; only the digit where there is little room."""
    x, y, width, height = widest_room(outline)
    digit = digit_of(area.level)
    if width < _ROOM_FOR_DIGIT:
        return Markup("")
    if fine or not _has_room(width, height):
        return Markup('<text class="small" x="{:g}" y="{:g}">{}</text>').format(x, y + 4, digit)
    return Markup('<text x="{:g}" y="{:g}"{}>{}</text><text class="mark" x="{:g}" y="{:g}">{}</text>').format(
        x, y - 13, Markup(' direction="rtl"') if rtl else "", area.label, x, y + 21, digit
    )
