"""A date as it stands at one place, and its window: pure values, no database.

A place hears of a date from the place where it was entered (often above it) and from what places in between
say of it: confirmed, moved, difficult, cancelled. The nearest word counts, field by field. Tables and writing
are flashpoints.py. Anybody above may import this module.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)
Spans = Mapping[str, tuple[int, int]]
FIELDS = ("starts", "ends", "about", "difficult", "term", "cancelled")


class Entered(Protocol):
    """What is read of a date as it was entered (a row of `flashpoint`)."""

    id: Any
    key: Any
    series: Any
    locality_id: Any
    trigger: Any
    names: Any
    starts: Any
    ends: Any
    about: Any
    difficult: Any
    source: Any
    created_at: Any


class Said(Protocol):
    """What is read of one place's remark (a row of `flashpoint_remark`); None says nothing of that field."""

    key: Any
    locality_id: Any
    starts: Any
    ends: Any
    about: Any
    difficult: Any
    term: Any
    cancelled: Any
    created_at: Any


@dataclass(frozen=True)
class DateHere:
    """A date at one place: local days, both inclusive. `about`: nobody has confirmed it yet. `cancelled` holds the reason.

    `before` and `after` are the days of its window in the profile in force; `term` is the place's own size, if it set one.
    """

    id: UUID
    key: str
    series: str
    locality_id: UUID
    trigger: str
    names: Mapping[str, str]
    starts: date
    ends: date
    about: bool = False
    difficult: bool = False
    term: float | None = None
    cancelled: str = ""
    source: str = "person"
    before: int = 0
    after: int = 0

    @property
    def opens(self) -> date:
        """The first local day of the window."""
        return self.starts - self.before * DAY

    @property
    def closes(self) -> date:
        """The last local day of the window."""
        return self.ends + self.after * DAY

    def is_open(self, today: date) -> bool:
        """Whether the window is open on a local day; that of a cancelled date never is."""
        return not self.cancelled and self.opens <= today <= self.closes


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """The moment at which a local day begins, also where the clocks change in that night."""
    return datetime.combine(day, time(0), zone).astimezone(UTC)


def spans_of(document: Mapping[str, Any]) -> dict[str, tuple[int, int]]:
    """The days [before, after] of each trigger in a profile."""
    return {row["key"]: (int(row["days"][0]), int(row["days"][1])) for row in document["triggers"]}


def stand_at(
    chain: Sequence[UUID], entered: Iterable[Entered], said: Iterable[Said], spans: Spans
) -> list[DateHere]:
    """The dates of a place, the earliest first; `chain` is the place and all above it, nearest first."""
    rank = {place: position for position, place in enumerate(chain)}
    newest: dict[str, Entered] = {}
    here = [row for row in entered if row.locality_id in rank]
    for row in sorted(here, key=lambda one: (one.created_at, str(one.id))):
        newest[row.key] = row
    last: dict[tuple[str, UUID], Said] = {}
    words = [word for word in said if word.locality_id in rank and word.key in newest]
    for word in sorted(words, key=lambda one: one.created_at):
        last[word.key, word.locality_id] = word
    found = [_with(row, _words(row, last, rank), spans) for row in newest.values()]
    return sorted(found, key=lambda one: (one.starts, one.ends, one.key))


def _words(row: Entered, last: Mapping[tuple[str, UUID], Said], rank: Mapping[UUID, int]) -> list[Said]:
    """What is said of a date at the place and between it and where the date was entered, nearest first."""
    top = rank[row.locality_id]
    near = sorted(((rank[place], word) for (key, place), word in last.items() if key == row.key), key=_first)
    return [word for position, word in near if position <= top]


def _first(pair: tuple[int, Said]) -> int:
    return pair[0]


def _with(row: Entered, words: Sequence[Said], spans: Spans) -> DateHere:
    before, after = spans.get(row.trigger, (0, 0))
    plain = DateHere(
        id=row.id,
        key=row.key,
        series=row.series,
        locality_id=row.locality_id,
        trigger=row.trigger,
        names=row.names,
        starts=row.starts,
        ends=row.ends,
        about=row.about,
        difficult=row.difficult,
        source=row.source,
        before=before,
        after=after,
    )
    changed: dict[str, Any] = {}
    for name in FIELDS:
        nearest = next((value for word in words if (value := getattr(word, name)) is not None), None)
        if nearest is not None:
            changed[name] = nearest
    return replace(plain, **changed) if changed else plain


def fall_together(one: DateHere, other: DateHere) -> bool:
    """Whether the days of two dates share a day. A date that is "about" may come a day earlier or later."""
    slack = DAY * (one.about + other.about)
    return one.starts - slack <= other.ends and other.starts - slack <= one.ends


def together(dates: Sequence[DateHere]) -> frozenset[str]:
    """The keys of those dates that fall together with another one of the same kind."""
    found = set()
    for position, one in enumerate(dates):
        for other in dates[position + 1 :]:
            if one.trigger == other.trigger and one.series != other.series and fall_together(one, other):
                found |= {one.key, other.key}
    return frozenset(found)
