"""Farrington's method in its flexible form: is a weekly count above what the same season of earlier years lets expect?

What lives here: the method as R's surveillance::farringtonFlexible has it (3 years, 3 weeks to each side,
threshold "nbPlugin", alpha .025, a trend however weak), for many weeks of many places at once. What does not: anything the product
acts on: only the offline report and the benchmarks use it. Pure.

A log-linear model with a trend is fitted to 21 weeks; weeks that look like outbreaks themselves are weighed
down and the fit is repeated; a trend that foretells more than was ever seen is left out. The bound is a
quantile of a negative binomial with the mean and the overdispersion that were found.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from alerts.risk.detectors import Bools, Detection, Floats

YEARS, HALF_WINDOW, WEEKS_A_YEAR = 3, 3, 52
ALPHA = 0.025
OUTLIER = 2.58
"""Standardised residuals above it are weighed down."""

STEPS, PRECISION = 25, 1e-8
CHUNK = 20_000

_LAGS = np.array(
    [
        WEEKS_A_YEAR * year + shift
        for year in range(YEARS, 0, -1)
        for shift in range(HALF_WINDOW, -HALF_WINDOW - 1, -1)
    ]
)
"""How many weeks ago each week of the reference was, oldest first."""

FIRST = int(_LAGS[0])
"""The number of weeks before the first one of which anything can be said."""

_NOW = float(FIRST)
_TIMES = (FIRST - _LAGS).astype(np.float64)


class _Fit(NamedTuple):
    """One model for each row of counts: its line, its means, the weights of its last step, its overdispersion."""

    level: Floats
    slope: Floats
    mu: Floats
    working: Floats
    phi: Floats
    converged: Bools


def farrington(counts: Floats, start: int = FIRST) -> Detection:
    """Return what the method says of each place and week from ``start`` on; its statistic is the chance of a smaller count."""
    counts = np.asarray(counts, dtype=np.float64)
    bound, statistic = np.full(counts.shape, np.nan), np.full(counts.shape, np.nan)
    start = max(start, FIRST)
    places, weeks = (a.ravel() for a in np.indices(counts[:, start:].shape))
    for n in range(0, len(places), CHUNK):
        place, week = places[n : n + CHUNK], weeks[n : n + CHUNK] + start
        mu, phi = _expected(counts[place[:, None], week[:, None] - _LAGS])
        bound[place, week], statistic[place, week] = _tail(mu, phi, counts[place, week])
    with np.errstate(invalid="ignore"):
        return Detection(bound, (counts > bound) & (counts > 0), statistic)


def _expected(y: Floats) -> tuple[Floats, Floats]:
    """Return mean and overdispersion of the present week from the weeks of its reference; NaN without a fit."""
    with np.errstate(all="ignore"):
        model = _robust(y, trend=True)
        ahead = np.exp(model.level + model.slope * _NOW)
        flat = ~(model.converged & (ahead <= y.max(axis=1)))
        mu, phi = ahead, model.phi
        if flat.any():
            level = _robust(y[flat], trend=False)
            mu[flat] = np.where(level.converged, np.exp(level.level), np.nan)
            phi[flat] = level.phi
    return mu, phi


def _robust(y: Floats, trend: bool) -> _Fit:
    """Fit, weigh down what lies far above, and fit again."""
    first = _fit(y, np.ones(y.shape), trend)
    leverage = _leverage(first, trend)
    residual = 1.5 * (y ** (2 / 3) * first.mu ** (-1 / 6) - np.sqrt(first.mu))
    residual /= np.sqrt(first.phi[:, None] * (1 - leverage))
    lighter = np.where(residual > OUTLIER, residual**-2.0, 1.0)
    weights = lighter * (y.shape[1] / lighter.sum(axis=1, keepdims=True))
    second = _fit(y, weights, trend)
    return second._replace(converged=first.converged)


def _fit(y: Floats, prior: Floats, trend: bool) -> _Fit:
    """Fit log mu = level (+ slope x time) by iteratively reweighted least squares; rows stop one by one."""
    rows = len(y)
    mu = y + 0.1
    eta = np.log(mu)
    level, slope, working = np.zeros(rows), np.zeros(rows), np.zeros(y.shape)
    deviance, converged = _deviance(y, mu, prior), np.zeros(rows, dtype=np.bool_)
    going = np.arange(rows)
    for _ in range(STEPS):
        m, e, target = mu[going], eta[going], y[going]
        w = prior[going] * m
        a, b = _line(e + (target - m) / m, w, trend)
        e = a[:, None] + b[:, None] * _TIMES
        m = np.exp(e)
        now = _deviance(target, m, prior[going])
        level[going], slope[going], working[going], mu[going], eta[going] = a, b, w, m, e
        done = np.abs(now - deviance[going]) / (np.abs(now) + 0.1) < PRECISION
        deviance[going], converged[going] = now, done
        going = going[~done]
        if not len(going):
            break
    pearson = (working * ((y - mu) / mu) ** 2).sum(axis=1) / (y.shape[1] - 1 - trend)
    return _Fit(level, slope, mu, working, np.maximum(pearson, 1.0), converged)


def _line(z: Floats, w: Floats, trend: bool) -> tuple[Floats, Floats]:
    """Return the weighted least squares line through z over time; a level where no trend is wanted."""
    total = w.sum(axis=1)
    mean = (w * z).sum(axis=1) / total
    if not trend:
        return mean, np.zeros(len(z))
    centre = (w * _TIMES).sum(axis=1) / total
    away = _TIMES - centre[:, None]
    slope = (w * away * z).sum(axis=1) / (w * away**2).sum(axis=1)
    return mean - slope * centre, slope


def _deviance(y: Floats, mu: Floats, prior: Floats) -> Floats:
    each = np.where(y > 0, y * np.log(np.where(y > 0, y, 1.0) / mu), 0.0) - (y - mu)
    return np.asarray(2 * (prior * each).sum(axis=1))


def _leverage(model: _Fit, trend: bool) -> Floats:
    """Return how much each week pulls the fit towards itself."""
    w = model.working
    total = w.sum(axis=1, keepdims=True)
    if not trend:
        return np.asarray(w / total)
    away = _TIMES - (w * _TIMES).sum(axis=1, keepdims=True) / total
    return np.asarray(w * (1 / total + away**2 / (w * away**2).sum(axis=1, keepdims=True)))


def _tail(mu: Floats, phi: Floats, observed: Floats) -> tuple[Floats, Floats]:
    """Return the quantile at 1 - ALPHA of a negative binomial (Poisson at phi 1) and P(X < observed)."""
    bound, below = np.full(len(mu), np.nan), np.full(len(mu), np.nan)
    known = np.isfinite(mu)
    mean, excess, seen = mu[known], phi[known] - 1, observed[known]
    scattered = excess > 0
    size = mean / np.where(scattered, excess, 1.0)
    success = np.where(scattered, excess / (1 + excess), 0.0)
    term = np.where(scattered, np.exp(-size * np.log1p(excess)), np.exp(-mean))
    total, least, chance, k = term.copy(), np.full(len(mean), np.nan), np.zeros(len(mean)), 0
    while np.isnan(least).any() or k < seen.max(initial=0):
        least = np.where(np.isnan(least) & (total >= (1 - ALPHA) * (1 - 64 * np.finfo(float).eps)), k, least)
        chance = np.where(k < seen, total, chance)
        term = term * np.where(scattered, success * (size + k), mean) / (k + 1)
        total, k = total + term, k + 1
    bound[known], below[known] = least, chance
    return bound, below
