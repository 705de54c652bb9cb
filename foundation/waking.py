"""Waking whoever works, in whatever process: NOTIFY after a commit, and a thread that listens. PostgreSQL only; in one process an event does.

A wake-up says only that there may be something to do, so that losing one costs the time until the next tick and nothing else.
Used by coordination/runtime.py, ticking.py and scaled.py.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, Thread
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from foundation.db import Database
from foundation.logs import log

CHANNEL = "concord_wake"
LOOK_SECONDS = 1.0
AGAIN_AFTER = 2.0


def tell(database: Database) -> None:
    """Say to every process that listens that there is something to do; never fails whoever has just committed."""
    try:
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql(f"notify {CHANNEL}")
    except SQLAlchemyError as error:
        log().warning("wake_not_told", error_type=type(error).__name__)


class Listener:
    """A thread that calls `wake` for each wake-up, and once whenever it has begun to listen again."""

    def __init__(self, database: Database, wake: Callable[[], Any]) -> None:
        self._database, self._wake = database, wake
        self._stop = Event()
        self.listening = Event()
        self._thread = Thread(target=self._keep_at, name="listener", daemon=True)

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def stop(self) -> None:
        """End within about a second."""
        self._stop.set()
        self._thread.join(timeout=5 * LOOK_SECONDS)

    def _keep_at(self) -> None:
        while not self._stop.is_set():
            try:
                self._listen()
            except Exception as error:  # noqa: BLE001 -- the database is away: the tick works on, and we try again
                log().warning("not_listening", error_type=type(error).__name__)
                self._stop.wait(AGAIN_AFTER)
            finally:
                self.listening.clear()

    def _listen(self) -> None:
        with self._database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql(f"listen {CHANNEL}")
            self.listening.set()
            self._wake()  # what was told while nobody listened
            try:
                while not self._stop.is_set():
                    driver: Any = connection.connection.driver_connection
                    for _told in driver.notifies(timeout=LOOK_SECONDS, stop_after=1):
                        self._wake()
            finally:
                connection.invalidate()  # it goes back to nobody: the next one to hold it would hear our wake-ups
