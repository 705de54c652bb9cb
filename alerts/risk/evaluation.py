"""How good a forecast was: ranking, probability scores, calibration.

What lives here: measures of probabilities against what came, in numpy alone. What does not: how far chance alone
could have moved them (resampling.py), warnings, which are judged as people meet them (warning_measures.py), and
data. Pure; the benchmarks, the evaluation page and the export share it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alerts.risk.levels import BOUNDARIES

Floats = NDArray[np.float64]
Outcomes = NDArray[np.bool_]
LEAST = 1e-6
LEAST_OF_EACH = 5
"""Within one place, ranking is only judged where so many rows came true and so many did not."""


class Quality(NamedTuple):
    """How good one forecast is; ``mean`` is the mean probability."""

    auroc: float
    ap: float
    brier: float
    log_loss: float
    mean: float


class Bin(NamedTuple):
    """One line of a calibration table: how many forecasts, their mean, the share that came true."""

    low: float
    high: float
    n: int
    predicted: float
    observed: float


class Interval(NamedTuple):
    """What 95 of 100 resamplings lie between."""

    low: float
    high: float


def auroc(happened: Outcomes, score: Floats) -> float:
    """Return the area under the ROC curve; ties share their average rank. NaN where only one outcome occurs."""
    _, where, sizes = np.unique(score, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(sizes) - (sizes - 1) / 2)[where]
    positives = int(happened.sum())
    negatives = len(happened) - positives
    if not positives or not negatives:
        return float("nan")
    return float((ranks[happened].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def average_precision(happened: Outcomes, score: Floats) -> float:
    """Return the mean precision over the positives; tied scores enter together. NaN where none came true."""
    if not happened.any():
        return float("nan")
    order = np.argsort(-score, kind="stable")
    hits = np.cumsum(happened[order])
    last = np.append(np.diff(score[order]) != 0, True)
    found, taken = hits[last], np.flatnonzero(last) + 1
    return float(np.sum(np.diff(found, prepend=0) / hits[-1] * found / taken))


def brier(happened: Outcomes, probability: Floats) -> float:
    """Return the mean squared distance between probability and outcome."""
    return float(np.mean((probability - happened) ** 2))


def log_loss(happened: Outcomes, probability: Floats) -> float:
    """Return the mean negative logarithm of what was given to the outcome that came."""
    p = np.clip(probability, LEAST, 1 - LEAST)
    return float(-np.mean(np.where(happened, np.log(p), np.log1p(-p))))


def quality(happened: Outcomes, rank: Floats, probability: Floats) -> Quality:
    """Return all measures of a forecast, given what ranks it and its probabilities."""
    p = np.clip(probability, LEAST, 1 - LEAST)
    return Quality(
        auroc(happened, rank),
        average_precision(happened, rank),
        brier(happened, p),
        log_loss(happened, p),
        float(p.mean()),
    )


def within_auroc(happened: Outcomes, score: Floats, places: Sequence[Any]) -> tuple[float, int]:
    """Return the mean AUROC inside single places, and of how many: it says *when*, where the plain one says *where*.

    Places with fewer than five rows of either outcome are left out; NaN where none is left.
    """
    _, index = np.unique(np.asarray(places), return_inverse=True)
    found = []
    for rows in _groups(index):
        came = int(happened[rows].sum())
        if LEAST_OF_EACH <= came <= len(rows) - LEAST_OF_EACH:
            found.append(auroc(happened[rows], score[rows]))
    return (float(np.mean(found)), len(found)) if found else (float("nan"), 0)


def by_levels(happened: Outcomes, probability: Floats, boundaries: Sequence[float] = BOUNDARIES) -> list[Bin]:
    """Return the calibration table of the five levels; a level that was never forecast has n 0 and NaN."""
    edges = [0.0, *boundaries, 1.0]
    where = np.searchsorted(np.asarray(boundaries), probability, side="right")
    return [
        _bin(happened, probability, where == n, low, high)
        for n, (low, high) in enumerate(zip(edges, edges[1:], strict=False))
    ]


def _bin(happened: Outcomes, probability: Floats, chosen: Outcomes, low: float, high: float) -> Bin:
    n = int(chosen.sum())
    if not n:
        return Bin(low, high, 0, float("nan"), float("nan"))
    return Bin(low, high, n, float(probability[chosen].mean()), float(happened[chosen].mean()))


def _groups(index: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Return the row numbers of each group."""
    order = np.argsort(index, kind="stable")
    return list(np.split(order, np.flatnonzero(np.diff(index[order])) + 1))
