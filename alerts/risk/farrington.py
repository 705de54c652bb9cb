"""Farrington's method in its flexible form: is a weekly count above what the same season of earlier years lets expect?

What lives here: the method as R's surveillance::farringtonFlexible has it (3 years, 3 weeks to each side,
threshold "nbPlugin", alpha .025, a trend however weak), for many weeks of many places at once. What does not: anything the product
acts on: only the offline report and the benchmarks use it. Pure.

A log-linear model with a trend is fitted to 21 weeks; weeks that look like outbreaks themselves are weighed
down and the fit is repeated; a trend that foretells more than was ever seen is left out. The bound is a
quantile of a negative binomial with the mean and the overdispersion that were found.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from alerts.risk.detectors import Detection

if TYPE_CHECKING:
    from alerts.risk.arrays import Bools, Floats

YEARS, HALF_WINDOW, WEEKS_A_YEAR = 3, 3, 52
ALPHA = 0.025
OUTLIER = 2.58
"""Standardised residuals above it are weighed down."""

STEPS, PRECISION = 25, 1e-8
CHUNK = 20_000
FUZZ = 64 * float(np.finfo(np.float64).eps)
LEAST, LARGE = 1e-200, 1e200

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
    """Return what the method says of each place and week from ``start`` on; the statistic is -log of its chance."""
    counts = np.asarray(counts, dtype=np.float64)
    bound, statistic = np.full(counts.shape, np.nan), np.full(counts.shape, np.nan)
    start = max(start, FIRST)
    places, weeks = (a.ravel() for a in np.indices(counts[:, start:].shape))
    for n in range(0, len(places), CHUNK):
        place, week = places[n : n + CHUNK], weeks[n : n + CHUNK] + start
        mu, phi = _expected(counts[place[:, None], week[:, None] - _LAGS])
        bound[place, week], statistic[place, week] = _tails(mu, phi, counts[place, week])
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


def _tails(mu: Floats, phi: Floats, observed: Floats) -> tuple[Floats, Floats]:
    """Return the quantile at 1 - ALPHA of a negative binomial (Poisson at phi 1), and -log P(X >= observed); NaN without a fit."""
    bound, surprise = np.full(len(mu), np.nan), np.full(len(mu), np.nan)
    known = np.isfinite(mu) & np.isfinite(phi)
    size = np.ceil(np.log2(mu + 1, where=known, out=np.full(len(mu), -1.0)))
    for alike in np.unique(size[known]):
        rows = size == alike  # together, so that one busy place does not keep all others counting
        counts = _Counts(mu[rows], phi[rows] - 1)
        bound[rows], surprise[rows] = counts.quantile(), counts.surprise(observed[rows])
    return bound, surprise


class _Counts:
    """Negative binomial counts, or Poisson where nothing is in excess: each chance is made from the one before.

    Sums are multiples of exp(scale): where many are expected, the chance of none is too small to be written.
    """

    def __init__(self, mean: Floats, excess: Floats) -> None:
        mean = np.maximum(mean, LEAST)
        self._scattered = excess > 0
        self._size = mean / np.where(self._scattered, excess, 1.0)
        self._growth = np.where(self._scattered, excess / (1 + excess), mean)
        self._none = np.where(self._scattered, -self._size * np.log1p(excess), -mean)

    def _grow(self, k: Floats) -> Floats:
        """Return the chance of k + 1 as a multiple of that of k."""
        return self._growth * np.where(self._scattered, self._size + k, 1.0) / (k + 1)

    def quantile(self) -> Floats:
        """Return the smallest count that is not exceeded with 1 - ALPHA."""
        term, total, scale = np.ones(len(self._none)), np.ones(len(self._none)), self._none
        k, least = np.zeros(len(self._none)), np.full(len(self._none), np.nan)
        while np.isnan(least).any():
            enough = total * np.exp(scale) >= (1 - ALPHA) * (1 - FUZZ)
            least = np.where(np.isnan(least) & enough, k, least)
            term = term * self._grow(k)
            total, k = total + term, k + 1
            large = np.where(total > LARGE, LARGE, 1.0)
            term, total, scale = term / large, total / large, scale + np.log(large)
        return least

    def surprise(self, seen: Floats) -> Floats:
        """Return -log P(X >= seen): 0 where nothing was seen, without end the more was."""
        sizes = _log_gamma(self._size + seen) - _log_gamma(self._size)
        scale = self._none + seen * np.log(self._growth) - _log_gamma(seen + 1)
        scale = scale + np.where(self._scattered, sizes, 0.0)
        term, total, k = np.ones(len(seen)), np.ones(len(seen)), seen.copy()
        going = np.ones(len(seen), dtype=np.bool_)
        while going.any():
            ratio = self._grow(k)
            going = term > PRECISION * total * (1 - ratio)
            # What is done stays as it is, so that its digits do not depend on the rows beside it.
            term = np.where(going, term * ratio, 0.0)
            total, k = total + term, k + 1
            large = np.where(total > LARGE, LARGE, 1.0)
            term, total, scale = term / large, total / large, scale + np.log(large)
        return np.where(seen == 0, 0.0, np.maximum(-scale - np.log(total), 0.0))


def _log_gamma(values: Floats) -> Floats:
    return np.array([math.lgamma(value) for value in values.tolist()])
