"""The plain methods that the score is compared with, each as numbers that may only look back.

What lives here: one function per method, from a locality x week table of incidents. What does not: the score
itself and the measures. Only benchmarks use it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

import numpy as np
from numpy.typing import NDArray

from alerts.risk.replay import Incident, Profile
from alerts.risk.replay_sums import DecayingSums, History, Neighbourhood, week_number, weigh

Floats = NDArray[np.float64]
EARS_WEEKS = 7
EARS_LAG = 2
REFERENCE_WEEKS = 52
LEAST_SPREAD = 0.5
CUSUM_SLACK = 0.5


class Table:
    """Weekly history: ``counts`` and ``fatal`` are locality x week, from the oldest incident on."""

    def __init__(
        self,
        incidents: Sequence[Incident],
        neighbours: dict[str, list[str]],
        localities: Sequence[str],
        end: date,
    ) -> None:
        """Count the incidents by the week in which they became known, up to and with the week of ``end``."""
        index = {name: i for i, name in enumerate(localities)}
        self._history = History(weigh(incidents, Profile()), index)
        self._near = Neighbourhood(index, neighbours)
        self.first = int(self._history.weeks[0])
        self._last = week_number(end)
        self.counts = np.zeros((len(index), self._last - self.first + 1))
        self.fatal = np.zeros_like(self.counts)
        for incident in incidents:
            week = week_number(date.fromordinal(date(1970, 1, 1).toordinal() + int(incident.known)))
            if week <= self._last:
                self.counts[index[incident.locality], week - self.first] += 1
                self.fatal[index[incident.locality], week - self.first] += incident.fatal

    def decayed(self, half_life: float) -> Floats:
        """Return the severity-weighted sums with one half-life in days."""
        sums = DecayingSums(self._history, half_life, self._history.weight)
        weeks = range(self.first, self._last + 1)
        return np.stack([sums.advance(self._history.of_week(week)) for week in weeks], axis=1)

    def around(self, values: Floats) -> Floats:
        """Return the neighbours' mean for each week."""
        return np.stack([self._near.mean(values[:, week]) for week in range(values.shape[1])], axis=1)


def trailing(values: Floats, weeks: int, lag: int = 0) -> Floats:
    """Return the sum of so many weeks, the last ``lag`` weeks before each week; before the data all is 0."""
    total = np.cumsum(np.pad(values, ((0, 0), (weeks + lag, 0))), axis=1)
    stop = total.shape[1] - lag
    result: Floats = total[:, weeks:stop] - total[:, : stop - weeks]
    return result


def standardised(counts: Floats, weeks: int, lag: int) -> Floats:
    """Return how many standard deviations each week lies above the mean of a reference before it."""
    mean = trailing(counts, weeks, lag) / weeks
    squares = trailing(counts * counts, weeks, lag)
    spread = np.sqrt(np.maximum(squares - weeks * mean * mean, 0) / (weeks - 1))
    result: Floats = (counts - mean) / np.maximum(spread, LEAST_SPREAD)
    return result


def ears(counts: Floats, kind: int) -> Floats:
    """Return the EARS statistic C1, C2 or C3 of weekly counts."""
    if kind < 3:
        return standardised(counts, EARS_WEEKS, 1 if kind == 1 else 1 + EARS_LAG)
    return trailing(np.maximum(ears(counts, 2) - 1, 0), 3)


def cusum(counts: Floats) -> Floats:
    """Return the one-sided CUSUM of weekly counts against the 52 weeks before each."""
    above = standardised(counts, REFERENCE_WEEKS, 1) - CUSUM_SLACK
    result, level = np.zeros_like(above), np.zeros(len(above))
    for week in range(above.shape[1]):
        level = np.maximum(level + above[:, week], 0)
        result[:, week] = level
    return result


METHODS: dict[str, Callable[[Table], list[Floats]]] = {
    "last 4 weeks": lambda t: [trailing(t.counts, 4)],
    "52-week base rate": lambda t: [trailing((t.fatal > 0).astype(np.float64), 52)],
    "EARS C1": lambda t: [ears(t.counts, 1)],
    "EARS C2": lambda t: [ears(t.counts, 2)],
    "EARS C3": lambda t: [ears(t.counts, 3)],
    "CUSUM": lambda t: [cusum(t.counts)],
    "decay 14 days": lambda t: [t.decayed(14)],
    "decay 30 days": lambda t: [t.decayed(30)],
    "decay 90 days": lambda t: [t.decayed(90)],
    "decay 180 days": lambda t: [t.decayed(180)],
    "fast 14 + slow 180": lambda t: [t.decayed(14), t.decayed(180)],
    "+ neighbours": lambda t: [t.decayed(14), t.decayed(180), t.around(t.decayed(14))],
}
"""By name, what each method looks at; where it is one number, it is also the ranking."""
