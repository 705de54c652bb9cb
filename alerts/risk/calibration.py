"""Kappa: how much more or less violence a country sees than the formula, fitted elsewhere, expects of it.

What lives here: the record of what was predicted and what came, and kappa from it. What does not: the score.
Pure; anyone in alerts or coordination may import it.

Kappa is (10 + O) / (10 + E): outcomes and predictions of finished 28-day windows, forgotten with a
half-life of 52 weeks, divided by 4 because four weekly windows overlap. The 10 keeps a young record near 1.
A place that prevents deaths would lower its own kappa and so look calm; therefore a locality's kappa is
drawn towards its country's, and what the product uses is held between 0.5 and 2. Analysts see the number
before it is held.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from alerts.risk.scoring import RunningSum
from foundation.lazily import lazily

if TYPE_CHECKING:
    import numpy as np
else:
    np = lazily("numpy")

WINDOW_DAYS = 28
HALF_LIFE_DAYS = 52 * 7.0
OVERLAP = 4
PRIOR = 10.0
OUTCOME_CREDIBILITY = 0.5
"""A death counts as an outcome from this credibility on, whether or not the cap counts it in the score."""
BOUNDS = (0.5, 2.0)


def ratio(outcomes: Any, predicted: Any, towards: Any = 1.0) -> Any:
    """Return kappa from sums over weekly windows (floats or arrays), drawn towards a wider area's kappa."""
    return (PRIOR * towards + outcomes / OVERLAP) / (PRIOR + predicted / OVERLAP)


def held(kappa: Any, bounds: tuple[float, float] = BOUNDS) -> Any:
    """Return kappa within the bounds that the product uses."""
    return np.clip(kappa, *bounds)


@dataclass(frozen=True)
class Tally:
    """Finished windows of one area: how many had a fatal incident, and how many were predicted to.

    Predictions are P28 before calibration (kappa 1), or kappa would learn from itself.
    """

    outcomes: RunningSum = field(default_factory=lambda: RunningSum(HALF_LIFE_DAYS))
    predicted: RunningSum = field(default_factory=lambda: RunningSum(HALF_LIFE_DAYS))

    def add(self, finished: datetime, predictions: Iterable[float], outcomes: int) -> Tally:
        """Return the tally with the windows that finished at one moment, in any order of moments."""
        return Tally(self.outcomes.add(finished, outcomes), self.predicted.add(finished, sum(predictions)))

    def kappa(self, at: datetime, towards: float = 1.0) -> float:
        """Return kappa at a moment, not held within bounds; ``towards`` is the wider area's kappa."""
        return float(ratio(self.outcomes.decayed(at), self.predicted.decayed(at), towards))
