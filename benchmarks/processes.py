"""The peak memory of every process of an installation while it takes reports in, scores them, warns and writes to people.

The processes are those that a town starts: a web server, a worker that leads, a scheduler that does not; and one process that is everything.
What one has held at most since it began is read from Linux (memory.py), so that whoever started it does not count.
"""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import func, select

from benchmarks.installation import (
    Gateway,
    Installation,
    environment,
    free_port,
    installations,
    stop,
    wait_for,
)
from benchmarks.latency import stream
from benchmarks.load import steadily, until
from benchmarks.memory import peak
from benchmarks.tables import Table
from committees.incidents import Incident
from coordination import schema
from foundation.db import Database
from foundation.outbox import OutboxMessage
from foundation.policy import service

assert schema.ROOMS
PROMISED = 150
COLUMNS = ("database", "process", "peak memory", "promised")
SECONDS, QUICK_SECONDS = 20, 4
PATIENCE = 400
#: After everything is worked off the leader has still its own work: what it does once a minute it does once more.
LINGER, QUICK_LINGER = 75, 15


def table(engines: tuple[str, ...], quick: bool) -> Table:
    """One row for each process on each database."""
    rows: list[tuple[str, ...]] = []
    for engine in engines:
        with installations(engine) as make:
            found = _apart(make(), quick)
            if engine == "SQLite":
                found |= _in_one(make(), quick)
        rows += [(engine, name, f"{memory} MiB", f"{PROMISED} MiB") for name, memory in found.items()]
    return Table("Peak memory of a process", COLUMNS, rows, ("A web process has 8 threads.",))


def _apart(town: Installation, quick: bool) -> dict[str, int]:
    with Gateway() as gateway:
        port = free_port()
        env = environment(town, port, gateway)
        with _running(env, "worker") as leader:
            time.sleep(3)  # the first one takes the lead
            serve = ("serve", "--port", str(port), "--threads", "8")
            with _running(env, "scheduler") as second, _running(env, *serve) as parent:
                _work(town, port, quick)
                return {
                    "web process": max(map(peak, children(parent))),
                    "parent of the web process": peak(parent),
                    "worker that leads": peak(leader),
                    "scheduler that does not lead": peak(second),
                }


def _in_one(town: Installation, quick: bool) -> dict[str, int]:
    with Gateway() as gateway:
        port = free_port()
        with _running(
            environment(town, port, gateway), "serve", "--port", str(port), "--all-in-one"
        ) as parent:
            _work(town, port, quick)
            return {"everything in one process": max(map(peak, children(parent)))}


def _work(town: Installation, port: int, quick: bool) -> None:
    """Send reports at the pace of latency.py and wait until all that follows from them is done."""
    wait_for(f"http://127.0.0.1:{port}/readyz")
    every, _ = stream(town, QUICK_SECONDS if quick else SECONDS, random.Random(5))
    steadily(port, every)
    database = Database(town.url)

    def quiet() -> bool:
        with database.open(service("engine")) as session:
            waiting = select(func.count()).select_from(Incident).where(Incident.pending)
            due = select(func.count()).select_from(OutboxMessage)
            due = due.where(OutboxMessage.state == "due", OutboxMessage.due_at < datetime.now(UTC))
            return not session.scalar(waiting) and not session.scalar(due)

    until(quiet, PATIENCE, every=1)
    database.close()
    time.sleep(QUICK_LINGER if quick else LINGER)


@contextmanager
def _running(env: Mapping[str, str], *words: str) -> Iterator[int]:
    process = subprocess.Popen(
        [sys.executable, "-m", "coordination.cli", *words],
        env=env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process.pid
    finally:
        stop([process])


def children(parent: int) -> Sequence[int]:
    """The processes that a process has started."""
    return [int(key) for key in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]
