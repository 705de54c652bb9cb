"""The ticker of a process: it calls the jobs of jobs.py at once when woken, else every second, and keeps or takes the lead.

APScheduler only ticks; it keeps no state. The commands serve, worker, scheduler and demo start one.
"""

from __future__ import annotations

import os
import secrets
import socket
from datetime import datetime, timedelta
from threading import Event, Lock, Thread

from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy.exc import SQLAlchemyError

from coordination.jobs import JOBS, Job, run_job
from coordination.runtime import Runtime
from foundation import leading
from foundation.clock import Clock, SystemClock
from foundation.jobs import beat, slot_of
from foundation.leading import Fenced, Lead
from foundation.logs import log
from foundation.policy import service
from foundation.waking import Listener

# A process that has done nothing for so long is stuck and leads no more; one job may take its time.
STUCK = timedelta(minutes=5)
BEAT = timedelta(seconds=10)


class Ticker:
    """Calls the jobs: at once when woken, else every second. One round at a time in a process.

    Every process does what has no period; of several, one leads and does the rest.
    """

    def __init__(self, runtime: Runtime, real: Clock | None = None) -> None:
        self.runtime, self.real = runtime, real or SystemClock()
        self.holder = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self.lead: Lead | None = None
        self._moved_at = self.real.now()
        self._beat_at: datetime | None = None
        self._tried: dict[str, int] = {}
        self._wake, self._stop, self._round = Event(), Event(), Lock()
        self._listener: Listener | None = None
        self._scheduler = BackgroundScheduler(
            timezone="UTC", job_defaults={"max_instances": 1, "coalesce": True, "misfire_grace_time": None}
        )
        # A warning that is written must not wait until the next reports are scored, and neither for a run of the past.
        self._alone = {job: Event() for job in JOBS if job.alone}
        self._threads = (
            Thread(target=self._listen, name="ticker", daemon=True),
            *(Thread(target=self._keep_at, args=(job,), name=job.name, daemon=True) for job in self._alone),
        )

    def start(self) -> None:
        """Begin to tick and to listen for wake-ups."""
        if self.runtime.worker.is_sqlite:
            self.runtime.wake = self._wake.set
        else:
            self._listener = Listener(self.runtime.worker, self._wake.set)
            self._listener.start()
        self._scheduler.add_job(self._wake.set, "interval", seconds=1)
        self._scheduler.add_job(self.keep_lead, "interval", seconds=5)
        self._scheduler.start()
        self.keep_lead()
        self._beat()
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Finish the round that is running, hand the lead over and stop."""
        self._stop.set()
        self._wake.set()
        self._wake_alone()
        self._scheduler.shutdown(wait=False)
        if self._listener:
            self._listener.stop()
        for thread in self._threads:
            thread.join(timeout=10)
        if self.lead:
            with self.runtime.worker.open(service("keeper"), write=True) as session:
                leading.give_up(session, self.real.now(), self.lead)
                session.commit()

    def keep_lead(self) -> None:
        """Keep the lead or take over one that ran out, and say that somebody leads; not for a process that is stuck."""
        now = self.real.now()
        if now - self._moved_at > STUCK:
            self.lead = None
            return
        with self.runtime.worker.open(service("keeper"), write=True) as session:
            self.lead = leading.hold(session, now, self.holder)
            if self.lead:
                beat(session, now, "scheduler")
            session.commit()

    def _listen(self) -> None:
        while not self._stop.is_set():
            self._wake.wait()
            self._wake.clear()
            if not self._stop.is_set():
                self.round()

    def _keep_at(self, job: Job) -> None:
        while not self._stop.is_set():
            self._alone[job].wait()
            self._alone[job].clear()
            while not self._stop.is_set() and self._may(job) and self._try(job):
                pass

    def _may(self, job: Job) -> bool:
        """Whether there is any use in trying: periodic work only while leading, and not twice in a slot, which stays taken."""
        return not job.every or (self.lead is not None and self._tried.get(job.name) != self._slot(job))

    def _slot(self, job: Job) -> int:
        return slot_of(self.runtime.clock.now(), job.every)

    def _wake_alone(self) -> None:
        for event in self._alone.values():
            event.set()

    def round(self) -> None:
        """One pass over all jobs; more follow at once while there is work. The sender is woken after each."""
        with self._round:
            for job in JOBS:
                if job.alone or not self._may(job):
                    continue
                if self._try(job):
                    self._wake.set()
                    self._wake_alone()
                self._beat()
            self._wake_alone()

    def _try(self, job: Job) -> int:
        lead, slot = self.lead, self._slot(job) if job.every else 0
        if job.every and lead is None:
            return 0  # another thread has just found that somebody else leads
        try:
            done = run_job(self.runtime, job, lead)
            self._tried[job.name] = slot
            return done
        except Fenced:
            self.lead = None
            log().warning("job_fenced", job=job.name)
        except Exception as error:  # noqa: BLE001 -- one bad job must not silence the others; its rows wait for the next round
            log().error("job_failed", job=job.name, error_type=type(error).__name__)
        return 0

    def _beat(self) -> None:
        """Say after each job that this process gets on with its work: one that hangs in a job falls silent."""
        self._moved_at = now = self.real.now()
        if self._beat_at and now - self._beat_at < BEAT:
            return
        self._beat_at = now
        try:
            with self.runtime.worker.open(service("keeper"), write=True) as session:
                beat(session, now, "worker")
                session.commit()
        except SQLAlchemyError as error:
            log().error("beat_failed", error_type=type(error).__name__)
