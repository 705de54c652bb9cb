"""From a report that is committed to the alert handed to the SMS gateway, at 100 reports a second, through the real servers.

The stream: all wards of the seed, kinds mixed, many sources. Each ward's first report is grave and opens an
alert, and all that follow there update it; a new ward comes in every quarter of a second. The peer is the
same way with one such report at a time. A report counts as committed when its 201 arrives.
"""

from __future__ import annotations

import json
import random
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Event, Thread

from sqlalchemy import func, select

from alerts.alert import Alert
from alerts.routing import Delivery
from benchmarks.installation import Gateway, Installation, Reporter, installations, serving
from benchmarks.load import Client, Request, percentile, steadily, until
from benchmarks.tables import Table, ms
from committees.incidents import Incident
from coordination import schema
from foundation.db import Database
from foundation.outbox import OutboxMessage
from foundation.policy import service

assert schema.ROOMS
RATE = 100  # reports a second
SECONDS, QUICK_SECONDS = 20, 8
ALONE, QUICK_ALONE = 20, 6
PATIENCE = 240  # seconds until what was sent must have been worked off
OPENER = "group_clash"
KINDS = (
    "angry_crowd",
    "rumour",
    "small_fight",
    "call_to_gather",
    "small_damage",
    "hate_message",
    "refused_service",
    "pressed_to_leave",
)


@dataclass
class Watched:
    """What the watcher saw: when each report was found scored, and how many waited, by Unix time."""

    scored: dict[str, float] = field(default_factory=dict)
    waiting: list[tuple[float, int, int]] = field(default_factory=list)


@dataclass(frozen=True)
class Figures:
    """The outcome of one run; spans are in seconds."""

    alerts: list[float]
    all_told: list[float]
    scored: list[float]
    most_waiting: int
    waiting_at_end: int
    settled_after: float
    refused: int


def report(ward: str, reporter: Reporter, kind: str, how: str, due: float = 0.0) -> Request:
    """One report of a client, as the API takes it."""
    key = str(uuid.uuid4())
    body = {
        "id": key,
        "locality": ward,
        "kind": kind,
        "occurred_at": datetime.now(UTC).isoformat(),
        "how_known": how,
        "ongoing": "yes",
    }
    headers = {"Authorization": f"Bearer {reporter.token}", "Content-Type": "application/json"}
    return Request("/api/v1/incidents", json.dumps(body).encode(), headers, due, key)


def stream(town: Installation, seconds: int, rng: random.Random) -> tuple[list[Request], list[Request]]:
    """All reports of a run by due time, and among them the first of each ward."""
    wards = town.wards
    rng.shuffle(wards)
    apart = max(1, RATE * seconds * 9 // 10 // len(wards))
    every: list[Request] = []
    openers: list[Request] = []
    for number in range(RATE * seconds):
        due = number / RATE
        if number % apart == 0 and len(openers) < len(wards):
            ward = wards[len(openers)]
            every.append(report(ward, rng.choice(town.reporters[ward]), OPENER, "saw", due))
            openers.append(every[-1])
            continue
        ward = rng.choice(wards[: len(openers)])
        how = rng.choice(("saw", "told", "heard"))
        every.append(report(ward, rng.choice(town.reporters[ward]), rng.choice(KINDS), how, due))
    return every, openers


@contextmanager
def watching(database: Database) -> Iterator[Watched]:
    """Look five times a second which reports wait to be scored and how many messages are due."""
    seen, stop, waited = Watched(), Event(), set[str]()

    def look() -> None:
        while not stop.is_set():
            began = time.time()
            with database.open(service("engine")) as session:
                found = select(Incident.id, Incident.pending).where(Incident.channel == "api")
                rows = session.execute(found.execution_options(yield_per=1000)).all()
                due = session.scalar(
                    select(func.count()).select_from(OutboxMessage).where(OutboxMessage.state == "due")
                )
            pending = {str(key) for key, waits in rows if waits}
            for key, waits in rows:
                if not waits:
                    seen.scored.setdefault(str(key), began)
            waited.clear()
            waited.update(pending)
            seen.waiting.append((began, len(pending), due or 0))
            stop.wait(0.2)

    thread = Thread(target=look, daemon=True)
    thread.start()
    yield seen
    stop.set()
    thread.join()


def together(town: Installation, seconds: int, rng: random.Random) -> Figures:
    """Send the stream and wait until everything that came was worked off."""
    every, openers = stream(town, seconds, rng)
    database = Database(town.url)
    with Gateway() as gateway, serving(town, gateway) as port, watching(database) as seen:
        steadily(port, every)
        ended = time.time()

        def quiet() -> bool:
            at, pending, due = seen.waiting[-1]
            return at > ended and pending == 0 and due == 0

        until(quiet, PATIENCE, every=0.2)
        time.sleep(1)
        first, last = told(database, gateway, openers)
        settled = seen.waiting[-1][0] - ended
    database.close()
    answered = [request for request in every if request.status == 201]
    during = [pending for at, pending, _ in seen.waiting if at <= ended]
    return Figures(
        alerts=[first[r.name] - r.answered for r in openers if r.name in first],
        all_told=[last[r.name] - r.answered for r in openers if r.name in last],
        scored=[seen.scored[r.name] - r.answered for r in answered if r.name in seen.scored],
        most_waiting=max(during, default=0),
        waiting_at_end=during[-1] if during else 0,
        settled_after=settled,
        refused=len(every) - len(answered),
    )


def told(
    database: Database, gateway: Gateway, openers: list[Request]
) -> tuple[dict[str, float], dict[str, float]]:
    """When the first and the last SMS of the alert that each of these reports opened was handed over."""
    with database.open(service("engine")) as session:
        rows = select(Alert.evidence, Delivery.outbox_id).join(Delivery, Delivery.alert_id == Alert.id)
        rows = rows.where(Delivery.step == 0, Delivery.outbox_id.is_not(None))
        found = session.execute(rows.order_by(Alert.opened_at)).all()
    first: dict[str, float] = {}
    last: dict[str, float] = {}
    names = {request.name for request in openers}
    for evidence, outbox_id in found:
        at = gateway.handed.get(str(outbox_id))
        for name in names & set(evidence) if at else ():
            assert at is not None
            first[name] = min(at, first.get(name, at))
            last[name] = max(at, last.get(name, at))
    return first, last


def alone(town: Installation, wards: int, rng: random.Random) -> list[float]:
    """Send one opening report, wait until its alert is handed over, send the next; the spans in seconds."""
    database, spans = Database(town.url), []
    with Gateway() as gateway, serving(town, gateway) as port:
        client = Client(port)
        for ward in rng.sample(town.wards, wards):
            request = report(ward, rng.choice(town.reporters[ward]), OPENER, "saw")
            before = len(gateway.handed)
            client.send(request)
            until(lambda before=before: len(gateway.handed) > before, 30)  # type: ignore[misc]
            time.sleep(2)  # until all of its messages left: the next one is alone again
            first, _ = told(database, gateway, [request])
            spans += [first[request.name] - request.answered] if request.name in first else []
        client.close()
    database.close()
    return spans


def measure(engine: str, quick: bool) -> tuple[list[float], Figures]:
    """The peer's spans and the figures of the stream on one engine."""
    with installations(engine) as make:
        peer = alone(make(), QUICK_ALONE if quick else ALONE, random.Random(5))
        return peer, together(make(), QUICK_SECONDS if quick else SECONDS, random.Random(5))


def table(engines: tuple[str, ...], quick: bool) -> Table:
    """One row per engine and measure, each beside one report at a time."""
    rows: list[tuple[str, ...]] = []
    notes: list[str] = []
    for engine in engines:
        peer, found = measure(engine, quick)
        p50, p99 = percentile(peer, 0.5), percentile(peer, 0.99)
        for name, spans in (
            ("opens an alert: first SMS handed over", found.alerts),
            ("opens an alert: last SMS handed over", found.all_told),
            ("any report: scored, alert updated", found.scored),
        ):
            a, b = percentile(spans, 0.5), percentile(spans, 0.99)
            ratio = f"{a / p50:.1f}" if name.endswith("first SMS handed over") else ""
            rows.append((engine, name, str(len(spans)), ms(a), ms(b), ms(p50), ms(p99), ratio))
        notes.append(
            f"{engine}: at most {found.most_waiting} reports waited, {found.waiting_at_end} when the stream"
            f" ended, none {found.settled_after:.1f} s later; {found.refused} were not answered with 201."
        )
    columns = ("database", "what", "n", "p50", "p99", "alone p50", "alone p99", "ratio of p50")
    title = f"Report committed to alert handed over, {RATE} reports a second"
    return Table(title, columns, rows, tuple(notes))
