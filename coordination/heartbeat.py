"""The heartbeat to somebody outside: it goes out only while the inspector finds nothing forgotten, so that silence is a sign.

Whoever watches the address (CONCORD_HEARTBEAT_URL) rings when it falls silent. Called by jobs.py only. No redirect is followed and nothing
is sent but the request itself.
"""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

from alerts import inspecting
from coordination.runtime import Runtime
from foundation.policy import service

PASSED_WITHIN = timedelta(minutes=3)
PATIENCE = 10  # seconds
NOT_PASSED = "not_passed"


def work(runtime: Runtime) -> int:
    """Send one heartbeat if the last inspection passed, and remember how that went."""
    if not runtime.config.heartbeat_url:
        return 0
    now = runtime.clock.now()
    with runtime.worker.open(service("keeper")) as session:
        row = inspecting.last(session)
        passed = row is not None and not row.faults and now - row.at <= PASSED_WITHIN
    error = send(runtime.config.heartbeat_url) if passed else NOT_PASSED
    with runtime.worker.open(service("keeper"), write=True) as session:
        row = inspecting.last(session)
        if row is not None:
            row.heartbeat_error = error
            row.heartbeat_at = row.heartbeat_at if error else now
        session.commit()
    return 0


def send(url: str) -> str:
    """Ask for the address; "" if it answered well, else what went wrong in one closed word or a status."""
    parts = urlsplit(url)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        with closing(kind(parts.hostname or "", parts.port, timeout=PATIENCE)) as connection:
            connection.request("GET", path, headers={"User-Agent": "Concord"})
            status = connection.getresponse().status
    except (OSError, HTTPException):
        return "no_answer"
    return "" if 200 <= status < 300 else str(status)
