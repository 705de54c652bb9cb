"""Measures that only the comparison of methods needs: the top of a ranking, a matched number of alerts.

What lives here: these, and the curve that turns a baseline's number into a probability, in numpy alone. What
does not: how good a forecast is otherwise (alerts/risk/evaluation.py, resampling.py). Only benchmarks use this module.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from alerts.risk.evaluation import Floats, Outcomes
from alerts.risk.replay_sums import Ints

TOP = 0.05
WEEKS_A_YEAR = 52.1775
VALID_WEEKS, VALID_DAYS = 4, 28.0


def top_precision(happened: Outcomes, score: Floats, share: float = TOP) -> float:
    """Return which share of the highest scores came true; a fixed draw decides between equal ones."""
    order = np.lexsort((np.random.default_rng(0).random(len(score)), -score))
    return float(happened[order[: round(share * len(score))]].mean())


class Alerts(NamedTuple):
    """What alerts a ranking would give if each place had so many a year; shares of nothing are NaN."""

    per_year: float
    precision: float
    onsets: float
    fatal_days: float
    lead: float
    false_per_year: float


class AlertGrid:
    """The rows of a truth as places x weeks, on which alerts are raised: one holds for 28 days, in which no other is."""

    def __init__(self, places: Sequence[str], weeks: Ints, fatal_days: Mapping[str, Floats]) -> None:
        self._names = sorted(set(places))
        index = {name: position for position, name in enumerate(self._names)}
        self._first = int(weeks.min())
        self._cell = np.array([index[name] for name in places]), weeks - self._first
        self._shape = len(index), int(weeks.max()) - self._first + 1
        self._known = np.zeros(self._shape, dtype=np.bool_)
        self._known[self._cell] = True
        self._fatal_days = fatal_days

    def raised(self, score: Floats, budget: float = 2.0) -> Outcomes:
        """Return where alerts are raised, at the threshold that gives so many for a place and year at most."""
        grid = np.full(self._shape, -np.inf)
        grid[self._cell] = score
        values = np.unique(score)
        gap = float(np.diff(values).min()) if len(values) > 1 else 1.0
        grid = grid + np.random.default_rng(0).random(self._shape) * gap * 0.5
        rising = np.sort(grid[self._known])
        low, high = 0, len(rising) - 1
        while low < high:
            middle = (low + high) // 2
            if self._above(grid, rising[middle]).sum() > budget * self._years:
                low = middle + 1
            else:
                high = middle
        return self._above(grid, rising[low])

    @property
    def _years(self) -> float:
        return float(self._known.sum()) / WEEKS_A_YEAR

    def _above(self, grid: Floats, threshold: float) -> Outcomes:
        raised, last = np.zeros(self._shape, dtype=np.bool_), np.full(len(grid), -99)
        for week in range(self._shape[1]):
            now = self._known[:, week] & (grid[:, week] >= threshold) & (week - last >= VALID_WEEKS)
            raised[now, week], last[now] = True, week
        return raised

    def judged(self, raised: Outcomes, happened: Outcomes) -> Alerts:
        """Return what these alerts were worth; ``happened`` is the target of each row."""
        came = np.zeros(self._shape, dtype=np.bool_)
        came[self._cell] = happened
        count, true = int(raised.sum()), int((raised & came).sum())
        seen, warned, onsets, leads = self._days(raised)
        return Alerts(
            count / self._years,
            true / count if count else float("nan"),
            len(leads) / onsets if onsets else float("nan"),
            warned / seen if seen else float("nan"),
            float(np.median(leads)) if leads else float("nan"),
            (count - true) / self._years,
        )

    def _days(self, raised: Outcomes) -> tuple[int, int, int, list[float]]:
        """Return how many days with deaths, how many after an alert, how many onsets, and the leads before these."""
        seen, warned, onsets, leads = 0, 0, 0, []
        ends = 7.0 * (self._first + 1 + np.arange(self._shape[1]))
        for place, name in enumerate(self._names):
            days = self._fatal_days.get(name, np.zeros(0)) + 0.5
            issued = ends[raised[place]]
            for day, before in zip(days, np.append(-np.inf, days), strict=False):
                if not ends[0] < day <= ends[-1]:
                    continue
                early = issued[(issued < day) & (issued >= day - VALID_DAYS)]
                seen, warned = seen + 1, warned + bool(len(early))
                if day - before > VALID_DAYS:
                    onsets += 1
                    leads += [float(day - early.min())] if len(early) else []
        return seen, warned, onsets, leads


def fitted(features: list[Floats], happened: Outcomes) -> Floats:
    """Return the probabilities of a logistic regression, by Newton's method, fitted to the very same rows.

    Each feature x enters as sign(x) log(1 + |x|), because counts and sums are skewed.
    """
    columns = [np.sign(x) * np.log1p(np.abs(x)) for x in features]
    X = np.column_stack([np.ones(len(happened)), *columns])
    beta = np.zeros(X.shape[1])
    for _ in range(50):
        p = 1 / (1 + np.exp(-X @ beta))
        slope = X.T @ (happened - p) - 1e-6 * beta
        step = np.linalg.solve(X.T @ (X * (p * (1 - p))[:, None]) + 1e-6 * np.eye(len(beta)), slope)
        beta += step
        if np.abs(step).max() < 1e-9:
            break
    return np.asarray(1 / (1 + np.exp(-X @ beta)))
