"""Clients that send reports over kept connections, at a steady rate or one after the other, and note when each was answered.

Knows HTTP and the clock, nothing of the application beyond the addresses that it is given.
"""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Thread


@dataclass
class Request:
    """One POST: when it is due (seconds from the start), and what became of it (Unix times and status)."""

    path: str
    body: bytes
    headers: Mapping[str, str]
    due: float = 0.0
    name: str = ""
    sent: float = 0.0
    answered: float = 0.0
    status: int = 0
    location: str = field(default="", repr=False)


class Client:
    """One kept connection to a server of this machine."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def send(self, request: Request) -> None:
        """Send one request and note when it was answered; a connection that the server closed is made anew."""
        request.sent = time.time()
        try:
            self._send(request)
        except TimeoutError:
            self._connection.close()  # status 0: it was never answered
        except (http.client.HTTPException, ConnectionError):
            self._connection.close()
            self._send(request)
        request.answered = time.time()

    def _send(self, request: Request) -> None:
        self._connection.request("POST", request.path, request.body, dict(request.headers))
        answer = self._connection.getresponse()
        answer.read()
        request.status, request.location = answer.status, answer.headers.get("Location", "")

    def close(self) -> None:
        """Give the connection back."""
        self._connection.close()


def steadily(port: int, requests: Sequence[Request], clients: int = 24) -> float:
    """Send each request when it is due, whatever became of the others; return the Unix time of the start."""
    start = time.time() + 0.2

    def run(mine: Sequence[Request]) -> None:
        client = Client(port)
        for request in mine:
            time.sleep(max(0.0, start + request.due - time.time()))
            client.send(request)
        client.close()

    threads = [Thread(target=run, args=(requests[number::clients],)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return start


def closely(port: int, requests: Sequence[Request], clients: int = 4) -> float:
    """Send all requests as fast as `clients` at once get answers; return the seconds that it took."""

    def run(mine: Sequence[Request]) -> None:
        client = Client(port)
        for request in mine:
            client.send(request)
        client.close()

    began = time.monotonic()
    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(run, [requests[number::clients] for number in range(clients)]))
    return time.monotonic() - began


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which this share of the values lies (nearest rank); NaN where there are none."""
    if not values:
        return float("nan")
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(share * len(ordered) + 0.5) - 1))]


def until(condition: Callable[[], bool], seconds: float, every: float = 0.02) -> bool:
    """Wait until a condition holds; False if it did not within so many seconds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(every)
    return condition()
