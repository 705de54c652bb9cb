"""How good warnings were, as people meet them: how many came true, what was missed, how early, how many for nothing.

What lives here: counts over warnings and events, in plain Python. What does not: probabilities
(evaluation.py), and who decides what counts as an event. Pure; the what-if, the monthly learning, the
evaluation page and the benchmarks share it.

A warning holds for 28 days: it came true if an event of its place lies within (its moment, 28 days later],
and an event was warned of if such a warning lies before it. The lead of an event runs from the earliest of
those warnings. An event is an onset if its place had none in the 84 days before it.
"""

from __future__ import annotations

import statistics
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from alerts.risk.scoring import DAY

VALID = timedelta(days=28)
QUIET = timedelta(days=84)
EARLY = timedelta(days=2)
YEAR = timedelta(days=365.25)
WEEK = timedelta(days=7)


class Notice(NamedTuple):
    """One warning: where, when, at which level, by which rule, and how many messages it sent to people.

    `confirmed` where people found that it was true, also if what it warned of was prevented.
    """

    place: Hashable
    at: datetime
    level: int
    rule: str
    messages: int = 0
    confirmed: bool = False


class Event(NamedTuple):
    """Something that a warning should have come before: where, when, how severe.

    `above` are the wider places whose warnings speak for this one too.
    """

    place: Hashable
    at: datetime
    severity: int
    above: tuple[Hashable, ...] = ()


@dataclass(frozen=True)
class Judged:
    """Which warnings came true, and the lead of each event (None: no warning before it), in the order given."""

    came_true: tuple[bool, ...]
    leads: tuple[timedelta | None, ...]
    onsets: tuple[bool, ...]


@dataclass(frozen=True)
class Warned:
    """The measures of a set of warnings; a share of nothing is None.

    Rates are per place and year; ``messages_a_week`` is per person and week, None where nobody is reached.
    """

    warnings: int
    came_true: int
    events: int
    events_warned: int
    onsets: int
    onsets_warned: int
    lead_days: float | None
    early: int
    place_years: float
    messages_a_week: float | None = None

    @property
    def false_alarms(self) -> int:
        """Warnings after which nothing came."""
        return self.warnings - self.came_true

    @property
    def precision(self) -> float | None:
        """The share of warnings that came true."""
        return _share(self.came_true, self.warnings)

    @property
    def recall(self) -> float | None:
        """The share of events that a warning came before."""
        return _share(self.events_warned, self.events)

    @property
    def onset_recall(self) -> float | None:
        """The share of onsets that a warning came before."""
        return _share(self.onsets_warned, self.onsets)

    @property
    def early_share(self) -> float | None:
        """The share of the warned events whose first warning came at least two days before."""
        return _share(self.early, self.events_warned)

    @property
    def warnings_a_year(self) -> float | None:
        """Warnings per place and year."""
        return self.warnings / self.place_years if self.place_years else None

    @property
    def false_alarms_a_year(self) -> float | None:
        """False alarms per place and year."""
        return self.false_alarms / self.place_years if self.place_years else None


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def judge(warnings: Sequence[Notice], events: Sequence[Event]) -> Judged:
    """Say of each warning whether it came true, and of each event how long before it people were warned."""
    warned = _moments((w.place, w.at) for w in warnings)
    came = _moments((place, e.at) for e in events for place in (e.place, *e.above))
    own = _moments((e.place, e.at) for e in events)
    true = tuple(
        w.confirmed or _any_between(came.get(w.place, []), after=w.at, until=w.at + VALID) for w in warnings
    )
    leads = tuple(
        max(filter(None, (_lead(warned.get(place, []), e.at) for place in (e.place, *e.above))), default=None)
        for e in events
    )
    return Judged(true, leads, tuple(_is_onset(own[e.place], e.at) for e in events))


def _moments(rows: Iterable[tuple[Hashable, datetime]]) -> dict[Hashable, list[datetime]]:
    found: dict[Hashable, list[datetime]] = defaultdict(list)
    for place, at in rows:
        found[place].append(at)
    return {place: sorted(moments) for place, moments in found.items()}


def _any_between(moments: Sequence[datetime], *, after: datetime, until: datetime) -> bool:
    first = bisect_right(moments, after)
    return first < len(moments) and moments[first] <= until


def _lead(warned: Sequence[datetime], at: datetime) -> timedelta | None:
    first = bisect_left(warned, at - VALID)
    return at - warned[first] if first < len(warned) and warned[first] < at else None


def _is_onset(came: Sequence[datetime], at: datetime) -> bool:
    here = bisect_left(came, at)
    return here == 0 or came[here - 1] < at - QUIET


def measure(
    warnings: Sequence[Notice],
    events: Sequence[Event],
    *,
    places: int,
    period: timedelta,
    people: int = 0,
) -> Warned:
    """Return the measures of warnings at so many places over a period, reaching so many different people."""
    judged = judge(warnings, events)
    leads = [lead for lead in judged.leads if lead is not None]
    weeks = period / WEEK
    sent = sum(w.messages for w in warnings)
    return Warned(
        warnings=len(warnings),
        came_true=sum(judged.came_true),
        events=len(events),
        events_warned=len(leads),
        onsets=sum(judged.onsets),
        onsets_warned=sum(
            onset and lead is not None for onset, lead in zip(judged.onsets, judged.leads, strict=True)
        ),
        lead_days=statistics.median(lead / DAY for lead in leads) if leads else None,
        early=sum(lead >= EARLY for lead in leads),
        place_years=places * (period / YEAR),
        messages_a_week=sent / people / weeks if people and weeks > 0 else None,
    )


def by_rule(
    warnings: Sequence[Notice], events: Sequence[Event], *, places: int, period: timedelta
) -> Mapping[str, Warned]:
    """Return the measures of each rule's warnings alone, by the rule's key."""
    rules: dict[str, list[Notice]] = defaultdict(list)
    for warning in warnings:
        rules[warning.rule].append(warning)
    return {rule: measure(rows, events, places=places, period=period) for rule, rows in sorted(rules.items())}
