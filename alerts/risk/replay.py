"""The replay: what the scores, levels and warnings would have been, week by week, had Concord been running.

What lives here: the engine behind `concord replay`, which needs no database. What does not: the formula
(scoring.py), files (replay_files.py), sums (replay_sums.py) and the sentences of a warning
(replay_warnings.py). The command line, the API and the benchmarks use it.

The score of a week is issued at its end, the next Monday 00:00 UTC, from what was known before that moment:
an incident counts from its date_known on, and its age runs from there. The loop always starts at the oldest
incident, so that the digits of a week do not depend on the range that was asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from alerts.risk import calibration, surge
from alerts.risk.levels import next_levels
from alerts.risk.replay_files import (
    Incident,
    Profile,
    Reading,
    Rejected,
    read_incidents,
    read_neighbours,
    read_profile,
    write_rejected,
    write_rows,
)
from alerts.risk.replay_sums import (
    DecayingSums,
    Floats,
    History,
    Ints,
    Kappas,
    Neighbourhood,
    Surges,
    issued_at,
    monday,
    week_number,
    weigh,
)
from alerts.risk.replay_warnings import SURGE_CHANCE, Change, Ledger, Warned, grave, rising, surging
from alerts.risk.scoring import hazard, intensity, probability, score, terms
from foundation.errors import Invalid

__all__ = [
    "Incident",
    "Profile",
    "Reading",
    "Rejected",
    "ReplayResult",
    "Warned",
    "read_incidents",
    "read_neighbours",
    "read_profile",
    "replay",
    "write_rejected",
    "write_scores",
    "write_surge",
    "write_warnings",
]

Progress = Callable[[int, int], None]
"""Called with the weeks done and the weeks in all."""


@dataclass(frozen=True)
class ReplayResult:
    """Scores (P28, 0 to 1) and levels by locality (rows) and week (columns); ``weeks`` are Mondays.

    ``kappa`` and ``surge`` have the same shape and are None unless they were asked for.
    """

    localities: list[str]
    weeks: list[date]
    scores: Floats
    levels: Ints
    kappa: Floats | None = None
    surge: Floats | None = None
    warnings: list[Warned] = field(default_factory=list)


class _Week(NamedTuple):
    """The state of all localities at the end of one week."""

    number: int
    part: slice
    F: Floats
    S: Floats
    N: Floats
    kappa: Floats
    p28: Floats
    levels: Ints
    surge: Floats | None
    usual: Floats | None
    soft: float


class _Run:
    """The facts of one replay, and the loop over its weeks."""

    def __init__(
        self, incidents: Iterable[Incident], neighbours: Mapping[str, Sequence[str]], profile: Profile
    ) -> None:
        """Put the facts into a fixed order."""
        self.profile = profile
        self.weighed = weigh(incidents, profile)
        listed = {*neighbours, *(name for near in neighbours.values() for name in near)}
        self.localities = sorted({*listed, *(incident.locality for incident, _ in self.weighed)})
        self.index = {name: position for position, name in enumerate(self.localities)}
        self.history = History(self.weighed, self.index)
        self.near = Neighbourhood(self.index, neighbours)
        self.ledger = Ledger.of(self.weighed, neighbours)
        self.first_weeks = self.history.first_weeks(self.index[name] for name in listed)

    def weeks(
        self, start: int, end: int, calibrate: bool, bounds: tuple[float, float] | None, surges: bool
    ) -> Iterator[_Week]:
        """Yield every week from the oldest incident, or the start if that is earlier, to the end."""
        c, size = self.profile.coefficients, len(self.localities)
        fast = DecayingSums(self.history, c.half_life_fast, self.history.weight)
        slow = DecayingSums(self.history, c.half_life_slow, self.history.weight)
        kappas = Kappas(self.weighed, self.index, self.first_weeks) if calibrate else None
        unusual = Surges(self.history, self.near) if surges else None
        kappa, levels = np.ones(size), np.zeros(size, dtype=np.int64)
        oldest = int(self.history.weeks[0]) if self.weighed else start
        for number in range(min(start, oldest), end + 1):
            part = self.history.of_week(number)
            F, S = fast.advance(part), slow.advance(part)
            N = self.near.mean(F)
            Lambda = intensity(terms(F, S, N, c))
            if kappas:
                kappa = kappas.advance(number, probability(hazard(Lambda, coefficients=c)))
                kappa = kappa if bounds is None else calibration.held(kappa, bounds)
            soft = self.profile.soft_on(monday(number + 1))
            p28 = probability(hazard(Lambda, kappa, soft, coefficients=c))
            levels = next_levels(p28, levels, self.profile.boundaries)
            chance = unusual.advance(part) if unusual else None
            usual = unusual.total / surge.WINDOWS if unusual else None
            yield _Week(number, part, F, S, N, kappa, p28, levels, chance, usual, soft)

    def warnings(self, week: _Week, before: _Week | None) -> Iterator[Warned]:
        """Yield the warnings of one week, given the week before it."""
        size, c = len(self.localities), self.profile.coefficients
        was = before.p28 if before else np.zeros(size)
        level_was = before.levels if before else np.ones(size, dtype=np.int64)
        for incident, weight in self.weighed[week.part]:
            i = self.index[incident.locality]
            yield from grave(incident, weight, float(was[i]), int(level_was[i]))
        chance = week.surge if week.surge is not None else np.zeros(size)
        chance_was = before.surge if before and before.surge is not None else np.zeros(size)
        usual = week.usual if week.usual is not None else np.zeros(size)
        moved = (week.levels > level_was) | ((chance >= SURGE_CHANCE) & (chance_was < SURGE_CHANCE))
        for i in np.flatnonzero(moved).tolist():
            F, S, N, kappa = (float(values[i]) for values in (week.F, week.S, week.N, week.kappa))
            risk = score(F, S, N, kappa=kappa, soft=week.soft, coefficients=c)
            change = Change(
                self.localities[i],
                issued_at(week.number),
                float(was[i]),
                int(level_was[i]),
                int(week.levels[i]),
                risk,
            )
            yield from rising(self.ledger, change)
            yield from surging(self.ledger, change, float(chance[i]), float(chance_was[i]), float(usual[i]))


def replay(
    incidents: Iterable[Incident],
    neighbours: Mapping[str, Sequence[str]],
    start: date,
    end: date,
    profile: Profile | None = None,
    *,
    calibrate: bool = False,
    kappa_bounds: tuple[float, float] | None = None,
    with_surge: bool = False,
    with_warnings: bool = False,
    progress: Progress | None = None,
) -> ReplayResult:
    """Score every locality for every week that touches the range from start to end, both included.

    Localities are those of the incidents and of the neighbours. With ``calibrate``, scores use the kappa of
    their country as it could be known then, held within ``kappa_bounds`` if given (the product's are
    calibration.BOUNDS). Raises Invalid if the range is empty.
    """
    if end < start:
        raise Invalid(
            "to", f"The range ends on {end}, before it begins on {start}.", "Give an earlier --from date."
        )
    run = _Run(incidents, neighbours, profile or Profile())
    first, last = week_number(start), week_number(end)
    kept: list[_Week] = []
    warned: list[Warned] = []
    before: _Week | None = None
    for week in run.weeks(first, last, calibrate, kappa_bounds, with_surge or with_warnings):
        if week.number >= first:
            kept.append(week._replace(F=_NONE, S=_NONE, N=_NONE, usual=None))
            warned += run.warnings(week, before) if with_warnings else ()
            if progress:
                progress(len(kept), last - first + 1)
        before = week

    def table(name: str) -> Any:
        return np.stack([getattr(week, name) for week in kept], axis=1)

    return ReplayResult(
        run.localities,
        [monday(week.number) for week in kept],
        table("p28"),
        table("levels"),
        table("kappa") if calibrate else None,
        table("surge") if with_surge else None,
        sorted(warned),
    )


_NONE: Floats = np.zeros(0)


def _cells(result: ReplayResult, values: Floats) -> Iterator[tuple[str, date, str, int]]:
    """Yield (locality, week, value, level) week by week; twelve digits, because what follows is rounding."""
    for j, week in enumerate(result.weeks):
        for name, value, level in zip(
            result.localities, values[:, j].tolist(), result.levels[:, j].tolist(), strict=True
        ):
            yield name, week, f"{value:.12g}", level


def write_scores(result: ReplayResult, path: str | Path) -> None:
    """Write ``locality,week,score,level`` for every locality and week; packed if the name ends in .gz."""
    write_rows(path, ("locality", "week", "score", "level"), _cells(result, result.scores))


def write_surge(result: ReplayResult, path: str | Path) -> None:
    """Write ``locality,week,score``, the score being the surge probability; ValueError without one."""
    if result.surge is None:
        raise ValueError("This replay was made without the surge probability.")
    write_rows(path, ("locality", "week", "score"), (row[:3] for row in _cells(result, result.surge)))


def write_warnings(result: ReplayResult, path: str | Path) -> None:
    """Write ``at,locality,kind,level,score,reasons``; reasons are sentences, one after the other."""
    rows = ((*w[:4], f"{w.score:.12g}", " ".join(w.reasons)) for w in result.warnings)
    write_rows(path, ("at", "locality", "kind", "level", "score", "reasons"), rows)
