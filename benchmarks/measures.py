"""The curve that turns a baseline's number into a probability: a logistic fit, in numpy alone.

How good a forecast is says alerts/risk/evaluation.py. Only benchmarks use this module.
"""

from __future__ import annotations

import numpy as np

from alerts.risk.evaluation import Floats, Outcomes


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
