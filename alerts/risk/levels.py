"""From a probability to one of five levels, and when a level may fall.

What lives here: the boundaries and the hysteresis. What does not: the words for the levels, which are
settings; level 0 (Not known), which is a gap in news and not a level of risk; and open alerts, which can
raise the level that people see. Anyone in alerts or coordination may import it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from foundation.lazily import lazily

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
else:
    np = lazily("numpy")

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


def lower_boundary(level: int, boundaries: Sequence[float] = BOUNDARIES) -> float:
    """Return the probability at which a level begins; level 1 begins at 0."""
    return 0.0 if level <= 1 else boundaries[level - 2]


def levels_of(p28: NDArray[np.float64], boundaries: Sequence[float] = BOUNDARIES) -> NDArray[np.int64]:
    """Return the level 1..5 of each probability, without memory."""
    return 1 + np.searchsorted(np.asarray(boundaries), p28, side="right")


def next_levels(
    p28: NDArray[np.float64],
    before: NDArray[np.int64],
    boundaries: Sequence[float] = BOUNDARIES,
    step_down: float = STEP_DOWN,
) -> NDArray[np.int64]:
    """Return each level after the one before (0 if none): up at once, down only below `step_down` x its boundary."""
    held = levels_of(p28, [step_down * boundary for boundary in boundaries])
    return np.maximum(levels_of(p28, boundaries), np.minimum(before, held))


def level_of(p28: float, boundaries: Sequence[float] = BOUNDARIES) -> int:
    """Return the level 1..5 of one probability, without memory."""
    return int(levels_of(np.array([p28]), boundaries)[0])


def next_level(
    p28: float, before: int, boundaries: Sequence[float] = BOUNDARIES, step_down: float = STEP_DOWN
) -> int:
    """Return one level after the one before (0 if there was none); see next_levels."""
    return int(next_levels(np.array([p28]), np.array([before]), boundaries, step_down)[0])
