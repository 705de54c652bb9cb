"""How often one token may ask: a count per token and minute, in the memory of this process.

Honest about its limits: each web process counts for itself, so that with n processes a token may reach n
times the limit, and a restart forgets. It keeps one faulty client from crowding out the others; it is no
defence against an attack, which the front server holds off.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from uuid import UUID

from flask import Response, current_app, g

from coordination.api.problems import TooMany

PER_MINUTE = 600
WINDOW = 60.0  # seconds


@dataclass(frozen=True)
class Standing:
    """Where a token stands: its limit, what is left of it, and the seconds until it is whole again."""

    limit: int
    remaining: int
    reset: int


class Rates:
    """The counts of this process. `stopwatch` gives seconds that never run backwards."""

    def __init__(self, limit: int = PER_MINUTE, stopwatch: Callable[[], float] = time.monotonic) -> None:
        self.limit, self._stopwatch = limit, stopwatch
        self._lock = Lock()
        self._windows: dict[UUID, tuple[float, int]] = {}

    def count(self, token_id: UUID) -> Standing:
        """Count one request; raise nothing: `remaining` below 0 says that it was one too many."""
        now = self._stopwatch()
        with self._lock:
            began, used = self._windows.get(token_id, (now, 0))
            if now - began >= WINDOW:
                began, used = now, 0
            if len(self._windows) > 10_000:
                self._windows = {key: kept for key, kept in self._windows.items() if now - kept[0] < WINDOW}
            self._windows[token_id] = (began, used + 1)
        return Standing(self.limit, self.limit - used - 1, max(1, round(began + WINDOW - now)))


def check(token_id: UUID) -> None:
    """Count this request and raise TooMany where the token has used up its minute."""
    rates: Rates = current_app.extensions["concord_rates"]
    standing = g.api_rate = rates.count(token_id)
    if standing.remaining < 0:
        raise TooMany(
            "Please wait a little.",
            f"This token may ask {standing.limit} times a minute. Ask again in {standing.reset} seconds.",
        )


def put_headers(response: Response) -> Response:
    """Say on every answer how much of the limit is left."""
    standing: Standing | None = g.get("api_rate")
    if standing:
        response.headers["RateLimit-Limit"] = str(standing.limit)
        response.headers["RateLimit-Remaining"] = str(max(0, standing.remaining))
        response.headers["RateLimit-Reset"] = str(standing.reset)
        if standing.remaining < 0:
            response.headers["Retry-After"] = str(standing.reset)
    return response
