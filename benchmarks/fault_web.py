"""The web process is killed while it takes reports, and the worker while it makes alerts and messages of them.

What was answered with 2xx is stored, the rest is whole or not there at all, and each alert and message is made once. What lives here: the
requests, the kills and the counting. What does not: how a child lives and dies (fault_child.py), what is promised
(faults.py). Only these use this module. The application runs in the child as its server would call it, with its own database.
"""

from __future__ import annotations

import logging
import os
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import structlog
from sqlalchemy import func, select

from alerts.alert import Alert
from alerts.routing import Delivery
from benchmarks.fault_child import CALLS, Child, Clock, Work, calls_made, strace
from benchmarks.fault_rows import FEW, Bench, Outcome
from benchmarks.installation import Installation
from committees.incidents import Incident
from committees.reports import Report
from coordination.app import create_app
from coordination.jobs import JOBS, run_job
from coordination.runtime import Runtime, build
from foundation.journal import Entry
from foundation.outbox import OutboxMessage
from foundation.policy import service
from tests.make import config_for

KIND = "group_clash"  # one of these opens an alert
#: From a report to the messages that wait in the outbox; what sends them is killed in rows of its own.
STAGES = tuple(job for job in JOBS if not job.every and not job.alone and job.name != "deliver")


P = TypeVar("P", bound="Posting")


class Posting:
    """One try: so many reports, each with an id that its client made, and a file of those that were answered with 2xx."""

    def __init__(self, town: Installation, folder: Path) -> None:
        self.town, self.folder, self.clock = town, folder, Clock()
        self.ward, reporters = next(iter(town.reporters.items()))
        self.token = reporters[0].token
        self.keys = [uuid.uuid4() for _ in range(FEW)]
        self.answered = folder / "answered"
        self.answered.write_bytes(b"")
        self._act: Work = self._work

    @contextmanager
    def child(self) -> Iterator[Child]:
        """A web process at its gate; nothing of it lives on."""
        child = Child(
            config_for(self.town.url, self.town.folder),
            self.clock,
            self.folder / "told.json",
            None,
            self._act,
        )
        try:
            yield child
        finally:
            child.close()

    def _work(self, runtime: Runtime, clock: Clock) -> Callable[[], int]:
        client = create_app(runtime=runtime).test_client()
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
        said = os.open(self.answered, os.O_WRONLY | os.O_APPEND)

        def post() -> int:
            for key in self.keys:
                body = {
                    "id": str(key), "locality": self.ward, "kind": KIND, "occurred_at": clock.now().isoformat(),
                    "how_known": "saw", "ongoing": "yes",
                }  # fmt: skip
                answer = client.post(
                    "/api/v1/incidents", json=body, headers={"Authorization": f"Bearer {self.token}"}
                )
                if answer.status_code not in (200, 201):
                    raise RuntimeError(f"A report was answered with {answer.status_code}: {answer.text}")
                os.write(said, f"{key}\n".encode())
            return 0

        return post

    def again(self, since: datetime) -> Outcome:
        """Look what is there, send every report once more with its id, and count."""
        answered = self.answered.read_text(encoding="ascii").split()
        before = self._stored()
        lost = sum(before[key] == 0 for key in answered)
        with self.child() as child:
            child.go()
            told = child.told()
        after = self._stored()
        lost += sum(after[str(key)] != 1 for key in self.keys)
        extra = sum(max(0, number - 1) for number in after.values())
        strange = len(set(after) - {str(key) for key in self.keys})
        return Outcome(lost, extra, max(after.values()), strange, (told.ended - since).total_seconds())

    def _stored(self) -> Counter[str]:
        """By incident, in how many whole copies it stands: its report and its entry in the journal with it, or an error."""
        runtime = build(config_for(self.town.url, self.town.folder), None, {})
        with runtime.worker.open(service("seed")) as session:
            incidents = Counter(
                str(key) for key in session.scalars(select(Incident.id).where(Incident.channel == "api"))
            )
            reports = Counter(
                str(key)
                for key in session.scalars(
                    select(Report.incident_id)
                    .join(Incident, Incident.id == Report.incident_id)
                    .where(Incident.channel == "api")
                )
            )
            written = (
                select(Entry.object_id, func.count())
                .where(Entry.action == "report")
                .group_by(Entry.object_id)
            )
            entries = {str(key): number for key, number in session.execute(written)}
        runtime.close()
        halves = [
            key for key in incidents | reports if not incidents[key] == reports[key] == entries.get(key)
        ]
        if halves:
            raise AssertionError(f"{len(halves)} reports are stored by half.")
        return incidents


def web_killed(bench: Bench, tries: int) -> Iterator[Outcome]:
    """Die at the n-th system call of each kind while taking a few reports."""

    def begin() -> Posting:
        return Posting(bench.make(), bench.folder)

    for posting in _killed(bench, tries, begin):
        yield posting.again(posting.clock.now())


class Working(Posting):
    """One try of the worker: reports that are stored already, of which it makes scores, an alert and messages."""

    def __init__(self, town: Installation, folder: Path) -> None:
        super().__init__(town, folder)
        with super().child() as child:
            child.go()
            child.told()
        self._act = self._work_off

    def _work_off(self, runtime: Runtime, clock: Clock) -> Callable[[], int]:
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))

        def work() -> int:
            while sum(run_job(runtime, job) for job in STAGES):
                pass
            return 0

        return work

    def made(self) -> Counter[str]:
        """What there is: alerts by place, and messages by what they are for, each under the alert's place and not its random key."""
        runtime = build(config_for(self.town.url, self.town.folder), None, {})
        with runtime.worker.open(service("seed")) as session:
            alerts = [f"alert {rule}" for rule in session.scalars(select(Alert.rule))]
            asked = select(Delivery.person_id, Delivery.channel, Delivery.step, OutboxMessage.template)
            rows = session.execute(asked.join(OutboxMessage, OutboxMessage.id == Delivery.outbox_id))
            messages = [" ".join(map(str, row)) for row in rows]
        runtime.close()
        return Counter([*alerts, *messages])


def worker_killed(bench: Bench, tries: int) -> Iterator[Outcome]:
    """Die at the n-th system call of each kind between stored reports and an outbox with their alert's messages."""

    def begin() -> Working:
        return Working(bench.make(), bench.folder)

    whole = begin()
    with whole.child() as child:
        child.go()
        child.told()
    wanted = whole.made()
    if not any(name.startswith("alert") for name in wanted) or len(wanted) < 2:
        raise AssertionError("The reports of this row open no alert.")
    for working in _killed(bench, tries, begin):
        since = working.clock.now()
        with working.child() as child:
            child.go()
            told = child.told()
        made = working.made()
        lost, extra = (wanted - made).total(), (made - wanted).total()
        most = 2 if extra else 1
        yield Outcome(lost, extra, most, 0, (told.ended - since).total_seconds())


def _killed(bench: Bench, tries: int, begin: Callable[[], P]) -> Iterator[P]:
    """Count the system calls of one whole run; then yield runs that died at the n-th of each kind."""
    log = bench.folder / "strace.log"
    with begin().child() as child:
        tracer = strace(child, log, "-e", f"trace={','.join(CALLS)}")
        child.go()
        child.told()
        tracer.wait()
    points = [(call, n) for call, number in calls_made(log).items() for n in range(1, number + 1)]
    for call, n in bench.rng.sample(points, min(tries, len(points))):
        posting = begin()
        with posting.child() as child:
            tracer = strace(child, log, "-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={n}")
            child.go()
            died = child.ended() == -9
            tracer.wait()
        if died:
            yield posting
