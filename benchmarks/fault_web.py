"""The web process is killed while it takes reports, and the worker while it makes alerts and messages of them.

What was answered with 2xx is stored, the rest is whole or not there at all, and each alert and message is made once. What lives here: the
requests, the kills and the counting. What does not: how a child lives and dies (fault_child.py), what is promised
(faults.py). Only these use this module. The application runs in the child as its server would call it, with its own database.
"""

from __future__ import annotations

import logging
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import structlog
from flask.testing import FlaskClient
from sqlalchemy import func, select

from alerts.alert import Alert
from alerts.routing import Delivery
from benchmarks.fault_child import CALLS, Child, Clock, Work, strace
from benchmarks.fault_rows import CHANCES, FEW, Bench, Outcome, dies_at, points
from benchmarks.installation import Fill, Installation, Reporter, people
from benchmarks.latency import report
from benchmarks.load import Request
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
TAKEN = (200, 201)
#: From a report to the messages that wait in the outbox; what sends them is killed in rows of its own.
STAGES = tuple(job for job in JOBS if not job.every and not job.alone and job.name != "deliver")


P = TypeVar("P", bound="Posting")


class Posting:
    """One try: so many reports, each with an id that its client made, and a file of those that were answered with 2xx."""

    def __init__(self, town: Installation, folder: Path, number: int = FEW) -> None:
        self.town, self.folder, self.clock = town, folder, Clock()
        self.reports = reports_of(town, number)
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
            for one in self.reports:
                post_in_process(client, one)
                os.write(said, f"{one.name}\n".encode())
            return 0

        return post

    def again(self, since: datetime) -> Outcome:
        """Look what is there, send every report once more with its id, and count."""
        before, answered = self.stored(), self.answered.read_text(encoding="ascii").split()
        with self.child() as child:
            child.go()
            ended = child.told().ended
        return self.compared(before, answered, since, ended)

    def compared(
        self, before: Counter[str], answered: Sequence[str], since: datetime, ended: datetime
    ) -> Outcome:
        """What it all came to: what was answered is there after the death, and each is there once when all was sent again."""
        after, keys = self.stored(), {report.name for report in self.reports}
        lost = sum(before[key] == 0 for key in answered) + sum(after[key] != 1 for key in keys)
        extra = sum(max(0, number - 1) for number in after.values())
        return Outcome(
            lost, extra, max(after.values()), len(set(after) - keys), (ended - since).total_seconds()
        )

    def stored(self) -> Counter[str]:
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


def reports_of(town: Installation, number: int) -> list[Request]:
    """So many reports, each of another ward as long as there are any; one of these opens an alert there."""
    wards = town.wards
    found = []
    for n in range(number):
        ward = wards[n % len(wards)]
        found.append(report(ward, town.reporters[ward][0], KIND, "saw"))
    return found


def post_in_process(client: FlaskClient, report: Request) -> None:
    """Send one report to the application in this process; raise RuntimeError where it is not taken."""
    answer = client.post(report.path, data=report.body, headers=dict(report.headers))
    if answer.status_code not in TAKEN:
        raise RuntimeError(f"A report was answered with {answer.status_code}: {answer.text}")


def reported(number: int) -> Fill:
    """How to fill a database with people and so many reports that nothing has been made of yet."""

    def fill(url: str, folder: Path) -> dict[str, tuple[Reporter, ...]]:
        found = people(url, folder)
        runtime = build(config_for(url, folder), None, {})
        client = create_app(runtime=runtime).test_client()
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
        for one in reports_of(Installation("", url, folder, found), number):
            post_in_process(client, one)
        runtime.close()
        return found

    return fill


def web_killed(bench: Bench, tries: int) -> Iterator[Outcome]:
    """Die at the n-th system call of each kind while taking a few reports."""

    def begin() -> Posting:
        return Posting(bench.make(), bench.folder)

    for posting, point in _killed(bench, tries, begin):
        yield replace(posting.again(posting.clock.now()), point=point)


class Working(Posting):
    """One try of the worker: reports that are stored already, of which it makes scores, alerts and messages."""

    def __init__(self, town: Installation, folder: Path) -> None:
        super().__init__(town, folder, 0)
        self._act = self._work_off

    def _work_off(self, runtime: Runtime, clock: Clock) -> Callable[[], int]:
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))

        def work() -> int:
            while sum(run_job(runtime, job) for job in STAGES):
                pass
            return 0

        return work

    def made(self) -> Counter[str]:
        """What there is: alerts by place, and messages by what they are for, each under its place and not under a random key."""
        runtime = build(config_for(self.town.url, self.town.folder), None, {})
        with runtime.worker.open(service("seed")) as session:
            alerts = session.execute(select(Alert.rule, Alert.locality_id)).all()
            asked = select(
                Delivery.person_id,
                Delivery.locality_id,
                Delivery.channel,
                Delivery.step,
                OutboxMessage.template,
            )
            messages = session.execute(
                asked.join(OutboxMessage, OutboxMessage.id == Delivery.outbox_id)
            ).all()
        runtime.close()
        return Counter(" ".join(map(str, row)) for row in [*alerts, *messages])

    def finished(self, wanted: Counter[str], since: datetime) -> Outcome:
        """Let another worker make the rest, and compare all with what is to be made."""
        with self.child() as child:
            child.go()
            ended = child.told().ended
        made = self.made()
        lost, extra = (wanted - made).total(), (made - wanted).total()
        return Outcome(lost, extra, 2 if extra else 1, 0, (ended - since).total_seconds())


def worked_off(bench: Bench) -> tuple[Counter[str], float]:
    """What an undisturbed worker makes of the reports, and the seconds that it takes."""
    whole, began = Working(bench.make(), bench.folder), time.monotonic()
    with whole.child() as child:
        began = time.monotonic()
        child.go()
        child.told()
    span = time.monotonic() - began
    wanted = whole.made()
    if len(wanted) < 4:
        raise AssertionError("The reports of this row open no alert.")
    return wanted, span


def worker_killed(bench: Bench, tries: int) -> Iterator[Outcome]:
    """Die at the n-th system call of each kind between stored reports and an outbox with their alerts' messages."""

    def begin() -> Working:
        return Working(bench.make(), bench.folder)

    wanted, _ = worked_off(bench)
    for working, point in _killed(bench, tries, begin):
        yield replace(working.finished(wanted, working.clock.now()), point=point)


def _killed(bench: Bench, tries: int, begin: Callable[[], P]) -> Iterator[tuple[P, str]]:
    """Count the system calls of one whole run; then yield runs that died at the n-th of each kind."""
    log = bench.folder / "strace.log"
    with begin().child() as child:
        tracer = strace(child.pid, log, "-e", f"trace={','.join(CALLS)}")
        child.go()
        child.told()
        tracer.wait()
    for call, n in points(bench, log, tries):
        for _ in range(CHANCES):
            posting = begin()
            with posting.child() as child:
                died = dies_at(child, log, call, n)
            if died:
                yield posting, f"{call} {n}"
                break
