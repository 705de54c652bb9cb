"""What the rules may look at: plain values about one place at one moment. Gathering them is alerts/gathering.py; nothing here reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime


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
    quiet_since: datetime | None = None
    unusual: tuple[str, ...] = ()
    extra: dict[str, float] = field(default_factory=dict)
    week_count: int = 0
    week_usual: int = 0
