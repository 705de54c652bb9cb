"""How far chance alone could have moved a measure: whole places drawn again with replacement, the same draws for every measure.

What lives here: the draws, and a ranking that is sorted once and judged under the weights of each draw. What does not: the measures of one
forecast (evaluation.py). Seeded, and of bounded cost: the more rows, the fewer draws. Pure; the evaluation page, a try on the past and
the benchmarks share it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from alerts.risk.evaluation import LEAST, Floats, Interval, Outcomes

TIMES, FEWEST_TIMES, SEED = 200, 40, 1
MOST_CELLS = 20_000_000
"""Rows times draws, at most: about a second of work."""


class Ranking:
    """A ranking that is judged again and again under other weights; sorted once."""

    def __init__(self, happened: Outcomes, score: Floats) -> None:
        order = np.argsort(-score, kind="stable")
        self._order, self._came = order, happened[order].astype(np.float64)
        self._last = np.append(np.diff(score[order]) != 0, True)

    def judged(self, weights: Floats) -> tuple[float, float]:
        """Return AUROC and average precision where each row counts so many times; NaN for one outcome only."""
        w = weights[self._order]
        true, false = np.cumsum(w * self._came)[self._last], np.cumsum(w * (1 - self._came))[self._last]
        if not true[-1] or not false[-1]:
            return float("nan"), float("nan")
        found, taken = np.append(0.0, true / true[-1]), np.append(0.0, false / false[-1])
        area = np.sum(np.diff(taken) * (found[1:] + found[:-1]) / 2)
        precision = true / np.maximum(true + false, 1e-12)
        return float(area), float(np.sum(np.diff(found) * precision))


class Draws:
    """Whole places drawn again with replacement, the same draws for every method."""

    def __init__(self, places: Sequence[Any], times: int = TIMES, seed: int = SEED) -> None:
        numbers: dict[Any, int] = {}
        self._place = np.array([numbers.setdefault(name, len(numbers)) for name in places])
        self.times = max(FEWEST_TIMES, min(times, MOST_CELLS // max(1, len(places))))
        chance, size = np.random.default_rng(seed), len(numbers)
        drawn = (chance.integers(0, size, size) for _ in range(self.times))
        self._counts = [np.bincount(one, minlength=size).astype(np.float64) for one in drawn]

    @property
    def weights(self) -> Iterator[Floats]:
        """How many times each row counts, draw by draw."""
        return (counts[self._place] for counts in self._counts)

    def ranked(self, ranking: Ranking) -> Floats:
        """Return AUROC and average precision (columns) of each draw (rows)."""
        return np.array([ranking.judged(weights) for weights in self.weights])

    def log_loss(self, happened: Outcomes, probability: Floats) -> Floats:
        """Return the log loss of each draw."""
        p = np.clip(probability, LEAST, 1 - LEAST)
        return self._mean(-np.where(happened, np.log(p), np.log1p(-p)))

    def brier(self, happened: Outcomes, probability: Floats) -> Floats:
        """Return the Brier score of each draw."""
        return self._mean((np.clip(probability, LEAST, 1 - LEAST) - happened) ** 2)

    def _mean(self, each: Floats) -> Floats:
        return np.array([np.average(each, weights=weights) for weights in self.weights])


def interval(values: Floats) -> Interval:
    """Return what 95 of 100 draws lie between; draws that are no number are left out."""
    known = values[np.isfinite(values)]
    if not len(known):
        return Interval(float("nan"), float("nan"))
    return Interval(*(float(edge) for edge in np.percentile(known, [2.5, 97.5])))


def intervals(happened: Outcomes, probability: Floats, places: Sequence[Any]) -> dict[str, Interval]:
    """Return the interval of each measure of one forecast, by the measure's name."""
    draws = Draws(places)
    ranked = draws.ranked(Ranking(happened, probability))
    return {
        "auroc": interval(ranked[:, 0]),
        "ap": interval(ranked[:, 1]),
        "brier": interval(draws.brier(happened, probability)),
        "log_loss": interval(draws.log_loss(happened, probability)),
    }
