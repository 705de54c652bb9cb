"""The running sums of a past that is run again: what each incident weighs under a profile, and F, S and counts per place.

The same rules as evidence.py has for rows, over plain values: per (place, form answer, local day) the k largest weights count, k =
distinct sources. Pure; only rerun.py uses it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from alerts import evidence
from alerts.past import Known, Past, Said
from alerts.risk import scoring
from alerts.risk.numbers import STARTER, Numbers, numbers_of
from alerts.risk.scoring import RunningSum
from committees import catalogue
from committees.incidents import MERGED
from committees.places import local_day, monday_of
from foundation.policy import kept_from, kept_private

NAMES = ("fast", "slow", "count_fast", "count_slow")
Cell = tuple[UUID, str, date]


@dataclass
class Weight:
    """What one incident weighs in its cell, and what of it counts now."""

    cell: Cell
    event_at: datetime
    weight: float
    fast: bool
    slow: bool
    violent: bool
    counted: float = 0.0


def weigh(known: Known, day: date, numbers: Numbers) -> Weight:
    """The weight of an incident as it was known, before the cap."""
    row: Any = SimpleNamespace(**known.facts)
    fast, slow = numbers.enters(row.kind, catalogue.kind(row.kind).timescale)
    cell = (known.place, evidence.cell_category(row), day)
    weight = evidence.weight_of(row, numbers)
    return Weight(cell, known.occurred_at, weight, fast, slow, evidence.is_violent(row))


def kept_back(known: Known, asker: str) -> bool:
    """Whether an incident is one that a role is never told of; no role: none is."""
    facts = known.facts
    withheld = kept_from(asker, str(facts["withheld_from"] or ""))
    return bool(asker and (withheld or (facts["sensitive"] and kept_private(asker))))


class Sums:
    """The sums of every place, moved as incidents become known; `standing` is each incident as it is known now.

    `asker`: a role; what it is never told of weighs nothing.
    """

    def __init__(self, past: Past, documents: Mapping[UUID, Mapping[str, Any]], asker: str = "") -> None:
        self.asker = asker
        made = {id(document): numbers_of(document) for document in documents.values()}
        self.past = past
        self.numbers = {key: made[id(document)] for key, document in documents.items()}
        self.standing: dict[UUID, Known] = {}
        self.said: dict[UUID, list[Said]] = {}
        self._weights: dict[UUID, Weight] = {}
        self._cells: dict[Cell, set[UUID]] = defaultdict(set)
        self._sums: dict[tuple[UUID, str], RunningSum] = {}
        self.violent: dict[UUID, dict[date, int]] = defaultdict(lambda: defaultdict(int))
        self.counted: dict[UUID, dict[date, int]] = defaultdict(lambda: defaultdict(int))
        self._at: dict[UUID, dict[UUID, Known]] = defaultdict(dict)

    def take_in(self, batch: Sequence[Known]) -> list[UUID]:
        """Take in what became known together; return the places whose sums may have changed, wards first."""
        cells: set[Cell] = set()
        for known in batch:
            self._stand(known)
        for known in batch:
            old = self._weights.pop(known.incident, None)
            if old is not None:
                self._count(old, 0.0)
                self._cells[old.cell].discard(known.incident)
                cells.add(old.cell)
            day = local_day(known.occurred_at, self.past.places[known.place].zone)
            new = weigh(known, day, self.numbers[known.place])
            if kept_back(known, self.asker):
                new.weight = 0.0
            self._weights[known.incident] = new
            self._cells[new.cell].add(known.incident)
            cells.add(new.cell)
        for cell in sorted(cells, key=str):
            self._recount(cell)
        places = dict.fromkeys(place for place, _, _ in sorted(cells, key=str))
        return list(dict.fromkeys(key for place in places for key in self.past.places[place].scored))

    def _stand(self, known: Known) -> None:
        """Remember how an incident stands; one that was joined to another hands its reports over."""
        old = self.standing.get(known.incident)
        if old is None:
            self.said.setdefault(known.incident, list(self.past.said.get(known.incident, ())))
        else:
            del self._at[old.place][known.incident]
        self.standing[known.incident] = self._at[known.place][known.incident] = known
        if known.merged_into and known.facts["state"] == MERGED:
            handed = self.said[known.incident]
            if known.merged_into not in self.standing:
                self.said.setdefault(known.merged_into, list(self.past.said.get(known.merged_into, ())))
            self.said[known.merged_into] = [*self.said[known.merged_into], *handed]
            self.said[known.incident] = []

    def _recount(self, cell: Cell) -> None:
        rows = [(key, self._weights[key]) for key in self._cells[cell]]
        weighing = sorted(
            (pair for pair in rows if pair[1].weight > 0), key=lambda pair: (-pair[1].weight, pair[0])
        )
        sources = {said.source for key, _ in weighing for said in self.said.get(key, ())}
        counting = {key for key, _ in weighing[: len(sources)]}
        for key, row in sorted(rows, key=lambda pair: (pair[1].event_at, pair[0])):
            self._count(row, row.weight if key in counting else 0.0)

    def _count(self, row: Weight, target: float) -> None:
        difference, step = target - row.counted, (target > 0) - (row.counted > 0)
        if not difference:
            return
        row.counted = target
        moves = (difference * row.fast, difference * row.slow, float(step), float(step))
        monday = monday_of(row.cell[2])
        for place in self.past.places[row.cell[0]].scored:
            for name, amount in zip(NAMES, moves, strict=True):
                if amount:
                    self._sums[place, name] = self._sum(place, name).add(row.event_at, amount)
            self.counted[place][monday] += step
            self.violent[place][monday] += step if row.violent else 0

    def _sum(self, place: UUID, name: str) -> RunningSum:
        found = self._sums.get((place, name))
        if found is None:
            c = self.numbers.get(place, STARTER).coefficients
            found = RunningSum(c.half_life_fast if name.endswith("fast") else c.half_life_slow)
        return found

    def read(self, place: UUID, name: str, at: datetime) -> float:
        """One of the four sums of a place at a moment, never below 0."""
        return evidence.read(self._sum(place, name), at)

    def near(self, place: UUID, name: str, at: datetime, *, weighted: bool) -> float:
        """The mean of a sum over the neighbours of a place."""
        links = self.past.places[place].links
        values = [self.read(key, name, at) for key, _ in links]
        return scoring.neighbour_mean(values, [weight for _, weight in links] if weighted else None)

    def violent_weeks(self, place: UUID, monday: date, weeks: int) -> list[int]:
        """Violent incidents per week over the weeks before `monday`, oldest first."""
        start, found = monday - timedelta(weeks=weeks), self.violent.get(place, {})
        return [found.get(start + timedelta(weeks=n), 0) for n in range(weeks)]

    def counted_weeks(self, place: UUID, monday: date, weeks: int) -> list[int]:
        """Incidents of all kinds per week, oldest first; the last week began on `monday`."""
        found = self.counted.get(place, {})
        return [found.get(monday - timedelta(weeks=n), 0) for n in reversed(range(weeks))]

    def at(self, places: Iterable[UUID]) -> list[Known]:
        """Every incident that stands at these places as it is known now."""
        return [known for place in places for known in self._at.get(place, {}).values()]
