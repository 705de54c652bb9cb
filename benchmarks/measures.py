"""Measures of a forecast, and the curve that turns a baseline's number into a probability.

What lives here: ranking, probability scores and a logistic fit, in numpy alone. What does not: data. Only
benchmarks use it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Outcomes = NDArray[np.bool_]
LEAST = 1e-6


class Quality(NamedTuple):
    """How good one forecast is; ``mean`` is the mean probability."""

    auroc: float
    ap: float
    brier: float
    log_loss: float
    mean: float


def auroc(happened: Outcomes, score: Floats) -> float:
    """Return the area under the ROC curve; ties share their average rank."""
    _, where, sizes = np.unique(score, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(sizes) - (sizes - 1) / 2)[where]
    positives = int(happened.sum())
    negatives = len(happened) - positives
    return float((ranks[happened].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def average_precision(happened: Outcomes, score: Floats) -> float:
    """Return the mean precision over the positives; tied scores enter together."""
    order = np.argsort(-score, kind="stable")
    hits = np.cumsum(happened[order])
    last = np.append(np.diff(score[order]) != 0, True)
    found, taken = hits[last], np.flatnonzero(last) + 1
    return float(np.sum(np.diff(found, prepend=0) / hits[-1] * found / taken))


def quality(happened: Outcomes, rank: Floats, probability: Floats) -> Quality:
    """Return all measures of a forecast, given what ranks it and its probabilities."""
    p = np.clip(probability, LEAST, 1 - LEAST)
    log_loss = -np.mean(np.where(happened, np.log(p), np.log1p(-p)))
    brier = np.mean((p - happened) ** 2)
    return Quality(
        auroc(happened, rank),
        average_precision(happened, rank),
        float(brier),
        float(log_loss),
        float(p.mean()),
    )


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
