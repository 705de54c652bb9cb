"""Whether the working side is heard from: asked for every page, so that nobody believes in messages that nobody sends.

The answer is kept for some seconds. A process that has just begun waits as long as silence takes before it says so. Used by frame.py and
operations.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from threading import Lock

from sqlalchemy import Engine, column, func, select, table
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session

from foundation.jobs import Heartbeat

SILENT = timedelta(seconds=120)
KEPT = timedelta(seconds=10)
PROCESSES = ("worker", "scheduler")
#: Where the tables of ENGINE=procrastinate lie.
SCHEMA = "procrastinate"


def silent(beats: Mapping[str, datetime], real_now: datetime) -> tuple[str, ...]:
    """Which of the two have not been heard from for two minutes, or never."""
    return tuple(
        process for process in PROCESSES if process not in beats or real_now - beats[process] > SILENT
    )


def beats_of(session: Session) -> dict[str, datetime]:
    """When each kind of process was last heard from."""
    rows = session.execute(select(Heartbeat.process, Heartbeat.at)).all()
    beats: dict[str, datetime] = dict(rows)
    return beats


def workers_seen(engine: Engine, real_now: datetime) -> int | None:
    """How many workers of Procrastinate were heard from lately, as the jobs' login; None where its tables are not there."""
    rows = table("procrastinate_workers", column("last_heartbeat"), schema=SCHEMA)
    try:
        with engine.connect() as connection:
            found = select(func.count()).select_from(rows).where(rows.c.last_heartbeat > real_now - SILENT)
            return connection.scalar(found) or 0
    except ProgrammingError:
        return None


class Pulse:
    """What one web process knows of the working side."""

    def __init__(self, real_now: datetime) -> None:
        self._began = real_now
        self._asked_at: datetime | None = None
        self._silent = False
        self._lock = Lock()

    def is_silent(self, session: Session, real_now: datetime) -> bool:
        """Whether a page must say that nothing is sent now."""
        if real_now - self._began <= SILENT:
            return False
        with self._lock:
            if self._asked_at is None or real_now - self._asked_at > KEPT:
                self._silent, self._asked_at = bool(silent(beats_of(session), real_now)), real_now
            return self._silent
