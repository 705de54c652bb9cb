"""From a probability to one of five levels, and when a level may fall.

What lives here: the boundaries and the hysteresis. What does not: the words for the levels, which are
settings, level 0 (Not known), which is a gap in news and not a level of risk, and open alerts, which can
raise the level that people see. Anyone in alerts or coordination may import it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

BOUNDARIES = (0.05, 0.15, 0.35, 0.65)
"""P28 at which levels 2, 3, 4 and 5 begin."""

STEP_DOWN = 0.8
"""A level falls only below this share of its boundary: 1.8 moves a year, not 4.9, where news is dense."""


def check_boundaries(boundaries: Sequence[float]) -> tuple[float, ...]:
    """Return four rising boundaries between 0 and 1, or raise ValueError."""
    numbers = tuple(float(value) for value in boundaries)
    if len(numbers) != 4 or not all(a < b for a, b in zip((0.0, *numbers), (*numbers, 1.0), strict=True)):
        raise ValueError("There must be four level boundaries, rising, above 0 and below 1.")
    return numbers


def level_of(p28: float, boundaries: Sequence[float] = BOUNDARIES) -> int:
    """Return the level 1..5 of a probability, without memory."""
    return 1 + bisect_right(boundaries, p28)


def lower_boundary(level: int, boundaries: Sequence[float] = BOUNDARIES) -> float:
    """Return the probability at which a level begins; level 1 begins at 0."""
    return 0.0 if level <= 1 else boundaries[level - 2]


def next_level(p28: float, before: int, boundaries: Sequence[float] = BOUNDARIES) -> int:
    """Return the level after ``before`` (0 if there was none): up at once, down below 0.8 x its boundary."""
    level, floor = before, level_of(p28, boundaries)
    if floor >= level:
        return floor
    while level > floor and p28 < STEP_DOWN * lower_boundary(level, boundaries):
        level -= 1
    return level
