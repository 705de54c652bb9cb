"""What the rules may look at: plain values about one place at one moment. Gathering them is alerts/gathering.py; nothing here reads."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from alerts.risk.detectors import Unusual


@dataclass(frozen=True)
class IncidentFact:
    """One incident as rules see it: no text, no name, no exact place. `credibility` is the weight .2 to 1 of its grade."""

    id: str
    kind: str
    severity: int
    credibility: float
    how_known: str
    ongoing: bool
    confirmed: bool
    known_source: bool
    sensitive: bool
    threat: str
    sources: frozenset[str]
    seen_by: frozenset[str]
    occurred_at: datetime
    received_at: datetime
    withheld_from: str = ""
    path: str = ""


@dataclass(frozen=True)
class Facts:
    """A place at a moment. `level_before` and `level` are computed levels; `surge` a probability; `windows` open flashpoint kinds;
    `unusual` the detectors that flag the place now."""

    now: datetime
    level_before: int = 1
    level: int = 1
    incidents: Sequence[IncidentFact] = ()
    surge: float = 0.0
    sources_28d: int = 0
    windows: frozenset[str] = frozenset()
    difficult_windows: frozenset[str] = frozenset()
    voices: int = 0
    open_below: int = 0
    unusual: tuple[str, ...] = ()
    week_count: int = 0
    week_usual: int = 0


class Window(Protocol):
    """A date whose window is open: its kind, and whether it was difficult last time."""

    @property
    def trigger(self) -> str:
        """The kind of date."""

    @property
    def difficult(self) -> bool:
        """Whether it was difficult last time."""


def facts_at(
    now: datetime,
    *,
    level_before: int,
    level: int,
    incidents: Sequence[IncidentFact],
    surge: float,
    windows: Collection[Window],
    voices: int,
    open_below: int,
    unusual: Unusual,
) -> Facts:
    """The facts of a place from what was gathered of it, whether it happens now or is run again."""
    return Facts(
        now=now,
        level_before=level_before,
        level=level,
        incidents=incidents,
        surge=surge,
        sources_28d=len(frozenset().union(*(i.sources for i in incidents))) if incidents else 0,
        windows=frozenset(one.trigger for one in windows),
        difficult_windows=frozenset(one.trigger for one in windows if one.difficult),
        voices=voices,
        open_below=open_below,
        unusual=unusual.detectors,
        week_count=unusual.seen,
        week_usual=unusual.usual,
    )
