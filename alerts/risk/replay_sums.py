"""The running sums of a replay, for all localities at once and from week to week.

What lives here: weeks, the weights of a history, decaying sums, means over neighbours, and what the
calibration and the surge probability remember. What does not: the formula (scoring.py) and the loop over
weeks (replay.py), which alone uses this module.

Nothing here may depend on the order of the input or on what became known later: sums are added up in a fixed
order, so that a history cut short gives the same digits. A week has a number, counted from Monday 1969-12-29.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from alerts.risk import calibration, surge
from alerts.risk.replay_files import Incident, Profile
from alerts.risk.scoring import capped, decay, incident_weight

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Weighed = list[tuple[Incident, float]]

_FIRST_MONDAY = date(1969, 12, 29)
_OFFSET = 3  # days from the first Monday to day number 0
_WINDOW_WEEKS = calibration.WINDOW_DAYS // 7


def week_of(day: float) -> int:
    """Return the number of the week that holds a moment, given as days since 1970."""
    return int((day + _OFFSET) // 7)


def issued_at(week: int) -> float:
    """Return when the score of a week is issued, as days since 1970: the end of its Sunday."""
    return 7.0 * (week + 1) - _OFFSET


def week_number(day: date) -> int:
    """Return the number of the week that holds a date."""
    return (day - _FIRST_MONDAY).days // 7


def monday(week: int) -> date:
    """Return the Monday on which a week begins."""
    return _FIRST_MONDAY + timedelta(weeks=week)


def area_of(locality: str) -> str:
    """Return the country or region in which a locality is calibrated: what stands before the first colon."""
    return locality.partition(":")[0] if ":" in locality else ""


def weigh(incidents: Iterable[Incident], profile: Profile) -> Weighed:
    """Return the incidents in a fixed order with their weights; what one source repeats on a day weighs 0."""
    ordered = sorted(incidents)
    c, multipliers = profile.coefficients, profile.multipliers
    weights = [
        incident_weight(i.severity, i.credibility, multipliers.get(i.category, 1.0), c) for i in ordered
    ]
    together = defaultdict(list)
    for position, incident in enumerate(ordered):
        together[incident.locality, incident.category, int(incident.known // 1)].append(position)
    for positions in together.values():
        sources = len({ordered[p].source_id for p in positions})
        if sources < len(positions):
            for position, weight in zip(
                positions, capped([weights[p] for p in positions], sources), strict=True
            ):
                weights[position] = weight
    return list(zip(ordered, weights, strict=True))


class History:
    """Weighed incidents as arrays, week by week, for one order of localities."""

    def __init__(self, weighed: Weighed, index: Mapping[str, int]) -> None:
        """Take weighed incidents in the order of ``known`` and the position of each locality."""
        self.size = len(index)
        self.weeks = np.array([week_of(i.known) for i, _ in weighed], dtype=np.int64)
        self.place = np.array([index[i.locality] for i, _ in weighed], dtype=np.int64)
        self.weight = np.array([weight for _, weight in weighed], dtype=np.float64)
        self.counted = (self.weight > 0).astype(np.float64)
        self.violent = np.array([float(i.severity >= 3 and w > 0) for i, w in weighed], dtype=np.float64)
        self._age = np.array([issued_at(week_of(i.known)) - i.known for i, _ in weighed], dtype=np.float64)

    def of_week(self, week: int) -> slice:
        """Return where the incidents of one week stand."""
        low, high = np.searchsorted(self.weeks, [week, week + 1])
        return slice(int(low), int(high))

    def left_at_weekend(self, half_life: float) -> Floats:
        """Return what is left of a weight of 1 at the end of each incident's own week."""
        ages, where = np.unique(self._age, return_inverse=True)
        return np.array([decay(float(age), half_life) for age in ages], dtype=np.float64)[where]

    def per_place(self, part: slice, values: Floats) -> Floats:
        """Return the sum of some incidents' values in each locality."""
        sums = np.bincount(self.place[part], weights=values[part], minlength=self.size)
        return sums.astype(np.float64)

    def first_weeks(self, listed: Iterable[int]) -> Ints:
        """Return the week from which each locality is known: its first incident's, or always if listed."""
        first = np.full(self.size, np.iinfo(np.int64).max)
        np.minimum.at(first, self.place, self.weeks)
        first[list(listed)] = np.iinfo(np.int64).min
        return first


class DecayingSums:
    """One decaying sum per locality."""

    def __init__(self, history: History, half_life: float, weight: Floats) -> None:
        """Start from nothing, with the weight of each incident of the history."""
        self._history, self._added = history, weight * history.left_at_weekend(half_life)
        self._week = decay(7.0, half_life)
        self.value: Floats = np.zeros(history.size)

    def advance(self, part: slice) -> Floats:
        """Let a week pass, add its incidents, and return the sums at its end."""
        self.value = self.value * self._week + self._history.per_place(part, self._added)
        return self.value


class Neighbourhood:
    """Means over neighbours, added up in the order of the neighbours file whatever else is in the run."""

    def __init__(self, index: Mapping[str, int], neighbours: Mapping[str, Sequence[str]]) -> None:
        """Take the position of each locality and its neighbours; a place without any has the mean 0."""
        lists = [[index[name] for name in neighbours.get(place, ())] for place in index]
        self._columns = np.full((max(map(len, lists), default=0), len(index)), len(index))
        for i, near in enumerate(lists):
            self._columns[: len(near), i] = near
        self._counts = np.array([max(len(near), 1) for near in lists], dtype=np.float64)

    def mean(self, values: Floats) -> Floats:
        """Return the mean of the neighbours' values for each locality."""
        padded = np.append(values, 0.0)
        total = np.zeros(len(values))
        for column in self._columns:
            total += padded[column]
        return total / self._counts


class Kappas:
    """Kappa of each area, learned from its finished windows as they were known at the time."""

    def __init__(self, weighed: Weighed, index: Mapping[str, int], first_weeks: Ints) -> None:
        """Take the history, and from which week on each locality counts."""
        self.areas = sorted({area_of(name) for name in index})
        self._area = np.array([self.areas.index(area_of(name)) for name in index], dtype=np.int64)
        self._first = first_weeks
        self._start = week_of(weighed[0][0].known) if weighed else np.iinfo(np.int64).max
        self._outcomes, self._predicted = np.zeros(len(self.areas)), np.zeros(len(self.areas))
        self._open: deque[Floats] = deque()
        self._came = self._outcomes_by_week(weighed, index)
        self._week = decay(7.0, calibration.HALF_LIFE_DAYS)

    def _outcomes_by_week(self, weighed: Weighed, index: Mapping[str, int]) -> dict[int, Floats]:
        """Return what each week adds to the outcomes: windows that finish, and older ones learned of late."""
        learned: dict[tuple[int, int], int] = {}
        for incident, _ in weighed:
            if incident.fatal and incident.credibility >= calibration.OUTCOME_CREDIBILITY:
                place, happened, known = (
                    index[incident.locality],
                    week_of(incident.happened),
                    week_of(incident.known),
                )
                for week in range(max(happened - _WINDOW_WEEKS, self._start), happened):
                    if week >= self._first[place]:
                        learned[place, week] = min(known, learned.get((place, week), known))
        came: dict[int, Floats] = defaultdict(lambda: np.zeros(len(self.areas)))
        for (place, week), known in sorted(learned.items()):
            finished = week + _WINDOW_WEEKS
            late = max(known - finished, 0)
            came[finished + late][self._area[place]] += decay(7.0 * late, calibration.HALF_LIFE_DAYS)
        return came

    def advance(self, week: int, predicted: Floats) -> Floats:
        """Return kappa for each locality at the end of a week, given its predictions at kappa 1."""
        if week >= self._start:
            finished = self._open.popleft() if len(self._open) == _WINDOW_WEEKS else 0.0
            self._outcomes = self._outcomes * self._week + self._came.get(week, 0.0)
            self._predicted = self._predicted * self._week + finished
            counted = np.where(self._first <= week, predicted, 0.0)
            totals = np.bincount(self._area, weights=counted, minlength=len(self.areas))
            self._open.append(totals.astype(np.float64))
        return np.asarray(calibration.ratio(self._outcomes, self._predicted))[self._area]


class Surges:
    """The surge probability of each locality, and the last year's four-week counts behind it."""

    def __init__(self, history: History, near: Neighbourhood) -> None:
        """Start without any history: a place is then used to nothing."""
        self._history, self._near = history, near
        self._fast = DecayingSums(history, 14.0, history.counted)
        self._slow = DecayingSums(history, 180.0, history.counted)
        nothing: Ints = np.zeros(history.size, dtype=np.int64)
        self._weeks: deque[Ints] = deque([nothing] * _WINDOW_WEEKS, maxlen=_WINDOW_WEEKS)
        self._windows: deque[Ints] = deque([nothing] * surge.WINDOWS, maxlen=surge.WINDOWS)
        self.total, self._squares = nothing, nothing

    def advance(self, part: slice) -> Floats:
        """Let a week pass, and return the surge probability at its end."""
        self._weeks.append(self._history.per_place(part, self._history.violent).astype(np.int64))
        oldest, newest = self._windows[0], np.sum(self._weeks, axis=0)
        self._windows.append(newest)
        self.total = self.total + newest - oldest
        self._squares = self._squares + newest * newest - oldest * oldest
        fast, slow = self._fast.advance(part), self._slow.advance(part)
        chance = surge.surge_probability(fast, slow, self._near.mean(fast), self.total, self._squares)
        return np.asarray(chance, dtype=np.float64)
