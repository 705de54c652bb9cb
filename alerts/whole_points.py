"""From the parts of a score to lines in whole points that add up to the number shown. Pure.

What a part is comes from assessing.explain; its words are sentences.py. Pages and the API may import it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from alerts.risk import levels

MOST = 7  # lines that a phone shows without tiring its reader; the rest is one line


@dataclass(frozen=True)
class Line:
    """One line of "why this level": a key of sentences, its values, its points, the incidents behind it."""

    key: str
    points: float
    values: Mapping[str, Any] = field(default_factory=dict)
    incidents: tuple[str, ...] = ()


def whole(points: Sequence[float], total: int) -> list[int]:
    """Round each part to a whole number so that together they make `total`, which is their sum, rounded.

    Each part is rounded down; what is missing goes to those that lost most. No part moves by 1 or more.
    """
    floors = [math.floor(p) for p in points]
    by_loss = sorted(range(len(points)), key=lambda n: (floors[n] - points[n], n))
    for n in by_loss[: total - sum(floors)]:
        floors[n] += 1
    return floors


def band(level: int, boundaries: Sequence[float] = levels.BOUNDARIES) -> tuple[int, int]:
    """The lowest and highest whole score of a level 1..5."""
    low = round(100 * levels.lower_boundary(level, boundaries))
    return low, 100 if level == len(boundaries) + 1 else round(100 * boundaries[level - 1]) - 1


def shown_total(p28: float, boundaries: Sequence[float] = levels.BOUNDARIES) -> int:
    """The index as the whole number people read: rounded, but never into a band that it has not reached."""
    low, high = band(levels.level_of(p28, boundaries), boundaries)
    return min(max(round(100 * p28), low), high)


def grouped(lines: Sequence[Mapping[str, Any]], seen: Mapping[str, Mapping[str, Any]]) -> list[Line]:
    """Join the incidents of a score by kind, and those that the reader may not see into one line.

    `lines` are a score's contributions; `seen` gives kind, how, when and day of each incident that
    the reader may see, and the place of each neighbour, by id.
    """
    result = [_alone(part, seen) for part in lines if part["key"] not in ("incident", "neighbours")]
    unnamed = sum(line.points for line in result if line.key == "neighbours")
    unnamed += sum(float(part["points"]) for part in lines if part["key"] == "neighbours")
    result = [line for line in result if line.key != "neighbours"]
    result += [Line("neighbours", unnamed)] if unnamed else []
    kinds: dict[str, list[Mapping[str, Any]]] = {}
    for part in lines:
        if part["key"] == "incident":
            kind = seen.get(str(part["id"]), {}).get("kind", "")
            kinds.setdefault(str(kind), []).append(part)
    return result + [_joined(kind, parts, seen) for kind, parts in kinds.items()]


def _alone(part: Mapping[str, Any], seen: Mapping[str, Mapping[str, Any]]) -> Line:
    """A line of its own; a neighbour that the reader may not read is one of the neighbours."""
    if part["key"] == "neighbour" and str(part["id"]) not in seen:
        return Line("neighbours", float(part["points"]))
    return Line(str(part["key"]), float(part["points"]), {**part, **seen.get(str(part.get("id")), {})})


def _joined(kind: str, parts: Sequence[Mapping[str, Any]], seen: Mapping[str, Mapping[str, Any]]) -> Line:
    points = sum(float(part["points"]) for part in parts)
    if not kind:
        return Line("hidden", points, {"n": len(parts)})
    ids = sorted((str(part["id"]) for part in parts), key=lambda key: seen[key]["when"], reverse=True)
    newest = seen[ids[0]]
    key = "incident" if len(parts) == 1 else "incidents"
    return Line(key, points, {**newest, "n": len(parts)}, tuple(ids))


def table(lines: Sequence[Line], total: int) -> tuple[list[tuple[Line, int]], list[tuple[Line, int]]]:
    """The lines that push up and those that pull down, heaviest first; 0 is left out, the lightest joined."""
    points = whole([line.points for line in lines], total)
    pairs = sorted(zip(lines, points, strict=True), key=lambda pair: (-abs(pair[1]), -abs(pair[0].points)))
    up = [(line, n) for line, n in pairs if n > 0]
    if len(up) > MOST:
        rest = up[MOST - 1 :]
        small = Line("small", sum(line.points for line, _n in rest), {"n": len(rest)})
        up = [*up[: MOST - 1], (small, sum(n for _line, n in rest))]
    return up, [(line, n) for line, n in pairs if n < 0]
