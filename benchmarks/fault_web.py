"""The web process is killed while it takes reports: what was answered with 2xx is stored, and the rest is whole or not there at all.

What lives here: the requests, the kill and the counting. What does not: how a child lives and dies (fault_child.py), what is promised
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

import structlog
from sqlalchemy import func, select

from benchmarks.fault_child import CALLS, Child, Clock, calls_made, strace
from benchmarks.fault_rows import FEW, Bench, Outcome
from benchmarks.installation import Installation
from committees.incidents import Incident
from committees.reports import Report
from coordination.app import create_app
from coordination.runtime import Runtime, build
from foundation.journal import Entry
from foundation.policy import service
from tests.make import config_for

KIND = "angry_crowd"


class Posting:
    """One try: so many reports, each with an id that its client made, and a file of those that were answered with 2xx."""

    def __init__(self, town: Installation, folder: Path) -> None:
        self.town, self.folder, self.clock = town, folder, Clock()
        self.ward, reporters = next(iter(town.reporters.items()))
        self.token = reporters[0].token
        self.keys = [uuid.uuid4() for _ in range(FEW)]
        self.answered = folder / "answered"
        self.answered.write_bytes(b"")

    @contextmanager
    def child(self) -> Iterator[Child]:
        """A web process at its gate; nothing of it lives on."""
        child = Child(
            config_for(self.town.url, self.town.folder),
            self.clock,
            self.folder / "told.json",
            None,
            self._work,
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
    """Count the system calls of taking a few reports; then die at the n-th of each kind."""
    log = bench.folder / "strace.log"
    counted = Posting(bench.make(), bench.folder)
    with counted.child() as child:
        tracer = strace(child, log, "-e", f"trace={','.join(CALLS)}")
        child.go()
        child.told()
        tracer.wait()
    points = [(call, n) for call, number in calls_made(log).items() for n in range(1, number + 1)]
    for call, n in bench.rng.sample(points, min(tries, len(points))):
        posting = Posting(bench.make(), bench.folder)
        with posting.child() as child:
            tracer = strace(child, log, "-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={n}")
            child.go()
            died = child.ended() == -9
            tracer.wait()
        if died:
            yield posting.again(posting.clock.now())
