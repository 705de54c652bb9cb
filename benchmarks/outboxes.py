"""An outbox full of warnings, stored before anything is counted, and the parts around it: sinks, workers, what was taken.

What lives here: filling, starting and asking. What does not: measuring and judging. Only the benchmarks import this module.
"""

from __future__ import annotations

import base64
import json
import os
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select

from alerts.alert import Alert
from alerts.routing import Delivery
from benchmarks.installation import Installation, free_port, stop
from committees.people import ContactPoint, Person
from committees.places import Locality
from coordination.runtime import build
from foundation.crypto import cipher
from foundation.outbox import URGENT, OutboxMessage
from foundation.policy import service
from tests.make import SECRET, config_for

RECEIVERS = 1_000
SLOTS = {
    "source": "Mardan",
    "place": {"ward": 7},
    "level": 4,
    "what": "angry_crowd",
    "when": "2026-11-24T09:00:00+05:00",
    "sure": "confirmed",
    "action": "meet",
    "code": "123",
}
ACCOUNT, TOKEN, NUMBER = "AC" + "a1" * 16, "token-in-force", "+15005550006"


@dataclass(frozen=True)
class Sink:
    """A running sink: where it takes messages, and where it tells what it took."""

    port: int
    control: int

    def seen(self) -> dict[str, list[float]]:
        """What was taken: by key, the moments."""
        with socket.create_connection(("127.0.0.1", self.control), timeout=30) as line:
            told = b"".join(iter(lambda: line.recv(1 << 20), b""))
        found: dict[str, list[float]] = json.loads(base64.b64decode(told))
        return found


@contextmanager
def sink(kind: str, *options: str) -> Iterator[Sink]:
    """Run a sink in a process of its own."""
    where = Sink(free_port(), free_port())
    words = [sys.executable, "-m", "benchmarks.sinks", kind, str(where.port), str(where.control), *options]
    process = subprocess.Popen(words)
    try:
        _wait(where.port)
        yield where
    finally:
        stop([process])


def _wait(port: int) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise TimeoutError(f"Nothing listens at port {port}.")


def environment(town: Installation, *, smtp: Sink | None = None, sms: Sink | None = None) -> dict[str, str]:
    """The settings of a worker that sends to these sinks."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("CONCORD_")}
    env |= {
        "CONCORD_DATA": str(town.folder),
        "CONCORD_DATABASE_URL": town.url,
        "CONCORD_SECRET_KEY": SECRET,
    }
    if smtp:
        env["CONCORD_SMTP_URL"] = f"smtp://127.0.0.1:{smtp.port}?tls=none"
    if sms:
        env |= {
            "CONCORD_TWILIO_ACCOUNT_SID": ACCOUNT,
            "CONCORD_TWILIO_AUTH_TOKEN": TOKEN,
            "CONCORD_TWILIO_FROM": NUMBER,
            "CONCORD_TWILIO_API_BASE": f"http://127.0.0.1:{sms.port}",
        }
    return env


def worker(env: dict[str, str], *options: str) -> subprocess.Popen[bytes]:
    """Start a process that only sends."""
    words = [sys.executable, "-m", "benchmarks.send_worker", *options]
    return subprocess.Popen(words, env=env, stdout=subprocess.PIPE)


class Filler:
    """Writes warnings into the outbox of an installation, as routing does: contact points, deliveries and outbox rows."""

    def __init__(self, town: Installation, channel: str, receivers: int = RECEIVERS) -> None:
        self.runtime = build(config_for(town.url, town.folder), None, {})
        self.channel = channel
        with self.runtime.worker.open(service("seed"), write=True) as session:
            person = session.scalars(select(Person)).first()
            place = session.scalars(select(Locality).where(Locality.level == "town")).first()
            assert person
            assert place
            self.person, self.place = person.id, place.id
            now = datetime.now(UTC)
            self.alert = Alert(
                number=1, locality_id=place.id, town_id=place.id, threat="bench", rule="bench", what="angry_crowd",
                sure="confirmed", level=4, opened_at=now, ends_at=now + timedelta(days=1), evidence=[],
            )  # fmt: skip
            session.add(self.alert)
            self.points = [self._point(session, number) for number in range(receivers)]
            session.commit()

    def _point(self, session: Any, number: int) -> uuid.UUID:
        key = uuid.uuid4()
        address = f"p{number}@example.org" if self.channel == "email" else f"+9230012{number:05d}"
        sealed = cipher(session).seal("contact_point.address", key, address)
        session.add(
            ContactPoint(
                id=key, person_id=self.person, locality_id=self.place, channel=self.channel,
                address_sealed=sealed, last_digits="00", verified_at=datetime.now(UTC),
            )
        )  # fmt: skip
        return key

    def put(self, number: int) -> list[str]:
        """Store so many warnings that are due now, and commit; return their keys."""
        keys = [uuid.uuid4() for _ in range(number)]
        with self.runtime.worker.open(service("seed"), write=True) as session:
            now = datetime.now(UTC)
            for n, key in enumerate(keys):
                session.add(self._message(key, self.points[n % len(self.points)], now))
            session.flush()
            session.add_all(self._delivery(key, now) for key in keys)
            session.commit()
        return [str(key) for key in keys]

    def _message(self, key: uuid.UUID, point: uuid.UUID, now: datetime) -> OutboxMessage:
        return OutboxMessage(
            id=key, effect_key=str(key), channel=self.channel, contact_point_id=point, template="alert",
            slots=SLOTS, lane=URGENT, due_at=now, created_at=now,
        )  # fmt: skip

    def _delivery(self, key: uuid.UUID, now: datetime) -> Delivery:
        return Delivery(
            alert_id=self.alert.id, locality_id=self.place, person_id=self.person, role="chair",
            channel=self.channel, step=0, reason="rule", outbox_id=key, effect_key=str(key), at=now,
        )  # fmt: skip

    def states(self) -> dict[str, int]:
        """How many messages stand in each state."""
        with self.runtime.worker.open(service("seed")) as session:
            rows: Sequence[str] = session.scalars(select(OutboxMessage.state)).all()
        return {state: rows.count(state) for state in sorted(set(rows))}

    def close(self) -> None:
        """Give the database back."""
        self.runtime.close()
