"""What came true after each week, and who is whose neighbour, made from nothing but a file of events.

What lives here: the outcomes that a forecast is judged by, for any country. What does not: forecasts. Only
benchmarks use it.

A score for a week is issued at its end, the next Monday at 0:00; an outcome is what happened in the 28 days
from there. What was usual before is counted by when it became known, as a forecaster would. The sets that
come with their own truth are checked against what is made here.
"""

from __future__ import annotations

import csv
import gzip
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from statistics import median
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from alerts.risk.evaluation import Outcomes
from alerts.risk.replay_sums import Floats, monday, week_number

TARGETS = ("T1", "ONSET", "T5", "V1", "ESC")
WINDOW, QUIET, YEAR = 4, 12, 52
MANY_DEATHS, FEWEST = 5, 3
NEAREST, WITHIN_KM, EARTH_KM = 5, 150.0, 6371.0


class Event(NamedTuple):
    """One event: where, when it happened and became known, what it cost, and where on the map."""

    locality: str
    day: date
    known: date
    violent: bool
    deaths: int
    latitude: float
    longitude: float


class Truth(NamedTuple):
    """The rows to be forecast, by week and then locality: whether each target came true, and where T1 is an onset.

    ``fatal_days`` are the days with deaths of each locality, as day numbers from the Monday of week 0.
    """

    localities: list[str]
    weeks: NDArray[np.int64]
    came: Mapping[str, Outcomes]
    quiet: Outcomes
    fatal_days: Mapping[str, Floats]


def read_events(path: Path) -> list[Event]:
    """Read the events of a file."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as text:
        return [
            Event(
                row["locality"],
                date.fromisoformat(row["date"]),
                date.fromisoformat(row["date_known"]),
                row["violent"] == "1",
                int(row["deaths"]),
                float(row["latitude"]),
                float(row["longitude"]),
            )
            for row in csv.DictReader(text)
        ]


def read_truth(data: Path, name: str) -> Truth:
    """Read truth_NAME and, if there is one, fatal_days_NAME."""
    with gzip.open(data / f"truth_{name}.csv.gz", "rt", encoding="utf-8", newline="") as text:
        rows = list(csv.DictReader(text))
    rows.sort(key=lambda row: (row["week"], row["locality"]))
    came = {name: np.array([row[name] == "1" for row in rows]) for name in ("T1", "T5", "V1", "ESC")}
    days: dict[str, list[date]] = defaultdict(list)
    if (path := data / f"fatal_days_{name}.csv.gz").exists():
        with gzip.open(path, "rt", encoding="utf-8", newline="") as text:
            for row in csv.DictReader(text):
                days[row["locality"]].append(date.fromisoformat(row["date"]))
    return Truth(
        [row["locality"] for row in rows],
        np.array([week_number(date.fromisoformat(row["week"])) for row in rows]),
        {**came, "ONSET": came["T1"]},
        np.array([row["quiet12w"] == "1" for row in rows]),
        {place: _day_numbers(found) for place, found in days.items()},
    )


def derived(events: Sequence[Event], localities: Sequence[str], first: int, last: int) -> Truth:
    """Return what came true after each week from first to last, in each of these localities; others are left out."""
    listed = frozenset(localities)
    events = [event for event in events if event.locality in listed]
    begin = min([first - YEAR - WINDOW, *(week_number(event.day) for event in events)])
    counts = _Weekly(events, localities, begin, last + WINDOW)
    at = np.arange(first, last + 1) - begin
    months = _sums(counts.known_violent, WINDOW)
    usual = sliding_window_view(months, YEAR, axis=1)[:, at - WINDOW - YEAR + 2]
    mean, spread = usual.mean(axis=2), usual.std(axis=2)
    coming, fatal, deaths = (
        _sums(each, WINDOW)[:, at + 1] for each in (counts.violent, counts.fatal, counts.deaths)
    )
    quiet = _sums(counts.known_fatal, QUIET)[:, at - QUIET + 1] == 0
    surge = (coming >= FEWEST) & (coming >= 2 * mean) & (coming > mean + 2 * spread)
    came = {"T1": fatal > 0, "ONSET": fatal > 0, "T5": deaths >= MANY_DEATHS, "V1": coming > 0, "ESC": surge}
    days = defaultdict(set)
    for event in events:
        if event.deaths:
            days[event.locality].add(event.day)
    return Truth(
        [name for _ in at for name in localities],
        np.repeat(np.arange(first, last + 1), len(localities)),
        {target: happened.T.ravel() for target, happened in came.items()},
        quiet.T.ravel(),
        {place: _day_numbers(found) for place, found in days.items()},
    )


class _Weekly:
    """Counts by locality and week: of what happened, and of what became known."""

    def __init__(self, events: Sequence[Event], localities: Sequence[str], begin: int, end: int) -> None:
        index = {name: position for position, name in enumerate(localities)}
        shape = (len(index), end - begin + 1)
        self.violent, self.fatal, self.deaths = np.zeros(shape), np.zeros(shape), np.zeros(shape)
        self.known_violent, self.known_fatal = np.zeros(shape), np.zeros(shape)
        for event in events:
            place, week, known = index[event.locality], week_number(event.day), week_number(event.known)
            if week <= end:
                self.violent[place, week - begin] += event.violent
                self.fatal[place, week - begin] += event.deaths > 0
                self.deaths[place, week - begin] += event.deaths
            if known <= end:
                self.known_violent[place, known - begin] += event.violent
                self.known_fatal[place, known - begin] += event.deaths > 0


def _sums(counts: Floats, weeks: int) -> Floats:
    """Return the sum of so many weeks, the first of which stands at each position."""
    return np.asarray(sliding_window_view(counts, weeks, axis=1).sum(axis=2))


def _day_numbers(days: Iterable[date]) -> Floats:
    origin = monday(0)
    return np.array(sorted((day - origin).days for day in set(days)), dtype=np.float64)


def differing(one: Truth, other: Truth) -> int:
    """Return in how many cells two truths of the same rows differ; -1 if the rows are not the same."""
    if one.localities != other.localities or not np.array_equal(one.weeks, other.weeks):
        return -1
    cells = [one.quiet != other.quiet, *(one.came[target] != other.came[target] for target in TARGETS)]
    return int(np.sum(cells)) + len(set(one.fatal_days) ^ set(other.fatal_days))


def neighbours_of(events: Iterable[Event]) -> dict[str, list[str]]:
    """Return the nearest places of each, five at most within 150 km, from the median coordinates of their events."""
    found: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        found[event.locality].append(event)
    return nearest(
        {
            name: (median(e.latitude for e in rows), median(e.longitude for e in rows))
            for name, rows in found.items()
        }
    )


def nearest(points: Mapping[str, tuple[float, float]]) -> dict[str, list[str]]:
    """Return the five nearest places of each within 150 km; whoever is near is near both ways."""
    near: dict[str, set[str]] = {name: set() for name in points}
    for name, point in points.items():
        away = sorted((_km(point, other), key) for key, other in points.items() if key != name)
        for km, key in away[:NEAREST]:
            if km <= WITHIN_KM:
                near[name].add(key)
                near[key].add(name)
    return {name: sorted(keys) for name, keys in sorted(near.items())}


def _km(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Return the distance along the surface of a sphere."""
    (lat, lon), (lat2, lon2) = (tuple(map(math.radians, point)) for point in (a, b))
    h = math.sin((lat2 - lat) / 2) ** 2 + math.cos(lat) * math.cos(lat2) * math.sin((lon2 - lon) / 2) ** 2
    return 2 * EARTH_KM * math.asin(math.sqrt(h))
