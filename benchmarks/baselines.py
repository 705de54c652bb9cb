"""The plain methods that the score is compared with, each as numbers that may only look back.

What lives here: one function per method, from a locality x week table of incidents. What does not: the score
itself, the detectors (alerts/risk) and the measures. Only benchmarks use it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from alerts.risk.arrays import Floats
from alerts.risk.detectors import LEAST_SPREAD, Detection, cusum, ears
from alerts.risk.farrington import FIRST, farrington
from alerts.risk.replay import Incident, Profile
from alerts.risk.replay_sums import DecayingSums, History, Neighbourhood, week_of, weigh

BEFORE = FIRST
"""Weeks without any incident that are put before the data, so that every detector has something to compare with."""


class Table:
    """Weekly history: ``counts`` and ``fatal`` are locality x week, from the oldest incident on."""

    def __init__(
        self,
        incidents: Sequence[Incident],
        neighbours: dict[str, list[str]],
        localities: Sequence[str],
        begin: int,
        end: int,
    ) -> None:
        """Count the incidents by the week in which they became known, up to and with week ``end``.

        Nothing need be said of the weeks before ``begin``.
        """
        index = {name: i for i, name in enumerate(localities)}
        self._history = History(weigh(incidents, Profile()), index)
        self._near = Neighbourhood(index, neighbours)
        self.first = int(self._history.weeks[0])
        self.begin, self._last = begin, end
        self.counts = np.zeros((len(index), self._last - self.first + 1))
        self.fatal = np.zeros_like(self.counts)
        for incident in incidents:
            week = week_of(incident.known)
            if week <= self._last:
                self.counts[index[incident.locality], week - self.first] += 1
                self.fatal[index[incident.locality], week - self.first] += incident.fatal

    def detected(self, detect: Callable[[Floats], Detection]) -> Floats:
        """Return the statistic of a detector."""
        padded = np.pad(self.counts, ((0, 0), (BEFORE, 0)))
        return detect(padded).statistic[:, BEFORE:]

    def decayed(self, half_life: float) -> Floats:
        """Return the severity-weighted sums with one half-life in days."""
        sums = DecayingSums(self._history, half_life, self._history.weight)
        weeks = range(self.first, self._last + 1)
        return np.stack([sums.advance(self._history.of_week(week)) for week in weeks], axis=1)

    def around(self, values: Floats) -> Floats:
        """Return the neighbours' mean for each week."""
        return np.stack([self._near.mean(values[:, week]) for week in range(values.shape[1])], axis=1)


def trailing(values: Floats, weeks: int) -> Floats:
    """Return the sum of so many weeks, the last of them included; before the data all is 0."""
    total = np.cumsum(np.pad(values, ((0, 0), (weeks, 0))), axis=1)
    result: Floats = total[:, weeks:] - total[:, :-weeks]
    return result


METHODS: dict[str, Callable[[Table], list[Floats]]] = {
    "last 4 weeks": lambda t: [trailing(t.counts, 4)],
    "52-week base rate": lambda t: [trailing((t.fatal > 0).astype(np.float64), 52)],
    "EARS C1": lambda t: [t.detected(lambda c: ears(c, 1, LEAST_SPREAD))],
    "EARS C2": lambda t: [t.detected(lambda c: ears(c, 2, LEAST_SPREAD))],
    "EARS C3": lambda t: [t.detected(lambda c: ears(c, 3, LEAST_SPREAD))],
    "CUSUM": lambda t: [t.detected(cusum)],
    "Farrington": lambda t: [t.detected(lambda c: farrington(c, BEFORE + t.begin - t.first))],
    "decay 14 days": lambda t: [t.decayed(14)],
    "decay 30 days": lambda t: [t.decayed(30)],
    "decay 90 days": lambda t: [t.decayed(90)],
    "decay 180 days": lambda t: [t.decayed(180)],
    "fast 14 + slow 180": lambda t: [t.decayed(14), t.decayed(180)],
    "+ neighbours": lambda t: [t.decayed(14), t.decayed(180), t.around(t.decayed(14))],
}
"""By name, what each method looks at; where it is one number, it is also the ranking."""
