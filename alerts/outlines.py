"""The arithmetic of outlines: from degrees to a picture, hexagons, and where words fit.

What lives here: plain geometry on rings of points. What does not: drawing (town_map.py) and reading boundary
files (committees). Only town_map.py imports it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

Point = tuple[float, float]
Ring = Sequence[Point]
Outline = tuple[Ring, ...]

_MARGIN = 4.0
_ROWS_TRIED = (0.5, 0.42, 0.58, 0.34, 0.66)


def fit(shapes: Sequence[Sequence[Ring]], width: float) -> tuple[list[Outline], float]:
    """Fit outlines in degrees into a picture of this width; return them in its units, and its height.

    One degree of longitude is shortened by the cosine of the middle latitude. Points are rounded to whole
    units and repeats dropped: neighbours share their border points, so both sides of a border simplify alike
    and no gap opens between them.
    """
    points = [point for shape in shapes for ring in shape for point in ring]
    west, east = min(x for x, _ in points), max(x for x, _ in points)
    south, north = min(y for _, y in points), max(y for _, y in points)
    squeeze = math.cos(math.radians((south + north) / 2))
    room = width - 2 * _MARGIN
    # A town much taller than wide is drawn smaller, so that it stays within one screen.
    scale = min(room / max((east - west) * squeeze, 1e-9), 1.3 * room / max(north - south, 1e-9))
    inset = (width - (east - west) * squeeze * scale) / 2

    def place(point: Point) -> Point:
        return round(inset + (point[0] - west) * squeeze * scale), round(_MARGIN + (north - point[1]) * scale)

    fitted = [_largest_first(_thinned(map(place, ring)) for ring in shape) for shape in shapes]
    return fitted, (north - south) * scale + 2 * _MARGIN


def _thinned(points: Iterable[Point]) -> list[Point]:
    """Drop a point equal to the one before it, and the closing repeat of the first."""
    kept: list[Point] = []
    for point in points:
        if not kept or kept[-1] != point:
            kept.append(point)
    while len(kept) > 1 and kept[0] == kept[-1]:
        kept.pop()
    return kept


def _largest_first(rings: Iterable[list[Point]]) -> Outline:
    """Order rings by size and drop those that shrank to a line, but always keep one."""
    ordered = sorted(rings, key=lambda ring: abs(area_of(ring)), reverse=True)
    return tuple(ring for n, ring in enumerate(ordered) if n == 0 or len(ring) > 2)


def area_of(ring: Ring) -> float:
    """Return the signed area of a ring (the shoelace sum)."""
    return sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(ring, [*ring[1:], ring[0]], strict=True)) / 2


def path_of(outline: Outline) -> str:
    """Return an outline as SVG path data."""
    return "".join("M" + "L".join(f"{x:g} {y:g}" for x, y in ring) + "z" for ring in outline)


def hexagon_places(count: int, width: float, *, rtl: bool = False) -> tuple[list[Point], float, float]:
    """Return the centres of `count` hexagons, their radius and the height of the picture.

    Rows are shifted by half a hexagon in turn. Three in a row up to nine wards, four up to 24, five above:
    even five leave 60 units each, a target for a thumb.
    """
    across = 3 if count <= 9 else 4 if count <= 24 else 5
    pitch = (width - 2 * _MARGIN) / (across + 0.5)
    radius = pitch / math.sqrt(3)
    rows = math.ceil(count / across)
    places = []
    for n in range(count):
        row, column = divmod(n, across)
        x = _MARGIN + pitch * (column + 0.5 + (row % 2) / 2)
        places.append((width - x if rtl else x, _MARGIN + radius * (1 + 1.5 * row)))
    return places, radius - 1.5, 2 * _MARGIN + radius * (2 + 1.5 * max(rows - 1, 0))


def hexagon(centre: Point, radius: float) -> Ring:
    """Return the six corners of a hexagon that stands on a corner."""
    x, y = centre
    turns = [math.radians(60 * n - 90) for n in range(6)]
    return [(round(x + radius * math.cos(turn), 1), round(y + radius * math.sin(turn), 1)) for turn in turns]


def widest_room(outline: Outline) -> tuple[float, float, float, float]:
    """Return where words fit in the largest ring: middle x and y, the width there, and the height of all."""
    ring = outline[0]
    top, bottom = min(y for _, y in ring), max(y for _, y in ring)
    chords = [
        (end - start, (start + end) / 2, y)
        for y in (top + (bottom - top) * share + 0.01 for share in _ROWS_TRIED)
        for start, end in _chords(ring, y)
    ]
    # Max keeps the first of equals, and the rows are tried from the middle outwards.
    width, x, y = max(chords, key=lambda chord: round(chord[0]), default=(0.0, ring[0][0], ring[0][1]))
    return round(x, 1), round(y, 1), width, bottom - top


def _chords(ring: Ring, y: float) -> list[Point]:
    """Return the stretches of the horizontal line y that lie inside the ring."""
    crossings = sorted(
        a[0] + (y - a[1]) * (b[0] - a[0]) / (b[1] - a[1])
        for a, b in zip(ring, [*ring[1:], ring[0]], strict=True)
        if (a[1] > y) != (b[1] > y)
    )
    return list(zip(crossings[::2], crossings[1::2], strict=True))
