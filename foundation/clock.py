"""The only door to the time.

Functions that decide take `now` as an argument; only the edges (pages, workers, commands) hold a clock and ask it.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Protocol


class Clock(Protocol):
    """Anything that can say what time it is."""

    def now(self) -> datetime:
        """Return the present moment, aware and in UTC."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """Return the machine's time in UTC."""
        return datetime.now(UTC)


class MovableClock:
    """The machine's clock plus an offset that can only grow: the demonstration's clock."""

    def __init__(self, offset: timedelta = timedelta(0)) -> None:
        self._offset = offset
        self._lock = Lock()

    def now(self) -> datetime:
        """Return the machine's time moved on by all that was added."""
        return datetime.now(UTC) + self._offset

    @property
    def offset(self) -> timedelta:
        """How far this clock is ahead of the machine's."""
        return self._offset

    def move(self, by: timedelta) -> None:
        """Move on by a positive amount; time never runs backwards here."""
        if by <= timedelta(0):
            raise ValueError("a clock moves forwards only")
        with self._lock:
            self._offset += by
