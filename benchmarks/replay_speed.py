"""How long a replay of ten years takes, beside reading its file once in the same run.

What lives here: the clock round the replay of each country in a folder of event files. What does not: how
good the scores are (accuracy.py).
"""

from __future__ import annotations

import csv
import gzip
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from alerts.risk.replay import read_incidents, replay
from alerts.risk.replay_files import EPOCH
from benchmarks.tables import Table, ms
from benchmarks.truth import neighbours_of, read_events

YEARS = 10


def table(data: Path, quick: bool) -> Table:
    """Time each country of the folder: its file alone, its rows as incidents, and the replay of ten years."""
    return Table(
        f"{YEARS} years of one country replayed, beside reading the file once",
        ("file", "size", "file read", "incidents read", "scores", "and kappa, surge, warnings", "all / file"),
        [_row(path, quick) for path in sorted(data.glob("events_*.csv.gz"))],
        ("The fastest of several runs, in processor time of one process.",),
    )


def _row(path: Path, quick: bool) -> tuple[str, ...]:
    neighbours, incidents = neighbours_of(read_events(path)), read_incidents([path]).incidents
    end = (EPOCH + timedelta(days=max(i.known for i in incidents))).date()
    start = end - timedelta(days=round(365.25 * YEARS))
    every: dict[str, Any] = {"calibrate": True, "with_surge": True, "with_warnings": True}
    bare = fastest(lambda: _read(path), quick)
    reading = fastest(lambda: read_incidents([path]), quick)
    plain = fastest(lambda: replay(incidents, neighbours, start, end), quick)
    full = fastest(lambda: replay(incidents, neighbours, start, end, **every), quick)
    return (
        path.name.removeprefix("events_").removesuffix(".csv.gz"),
        f"{len(neighbours):,} places, {len(incidents):,} events",
        *(ms(seconds) for seconds in (bare, reading, plain, full)),
        f"{(reading + full) / bare:.1f}",
    )


def fastest(run: Callable[[], object], quick: bool) -> float:
    """Return the least processor time of a few runs, in seconds."""
    found = []
    for _ in range(2 if quick else 5):
        begun = time.process_time()
        run()
        found.append(time.process_time() - begun)
    return min(found)


def _read(path: Path) -> int:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as text:
        return sum(1 for _ in csv.DictReader(text))
