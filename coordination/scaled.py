"""The jobs carried by Procrastinate on PostgreSQL (ENGINE=procrastinate): the same functions, on any number of workers of several hosts.

Our rows are the truth; the engine only says when to look. So a job of Procrastinate is never one message or one place, but "look": all jobs of
jobs.py once, each slot claimed by its row. Its tables lie in a schema of their own, which the owner makes. Source: https://procrastinate.readthedocs.io.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from functools import partial
from threading import Event
from typing import Any

import psycopg
from procrastinate import App, PsycopgConnector, SyncPsycopgConnector
from procrastinate.exceptions import AlreadyEnqueued
from sqlalchemy import make_url

from coordination.jobs import JOBS, Job, run_job
from coordination.pulse import SCHEMA
from coordination.runtime import Runtime
from foundation.clock import SystemClock
from foundation.jobs import beat, slot_of
from foundation.logs import log
from foundation.policy import WORKER_ROLE, service
from foundation.waking import Listener

EVERY = "* * * * * */5"
HANDS = 8
ROUND = "round"


def connection_words(url: str, role: str = "") -> dict[str, Any]:
    """What psycopg needs for this address: the address itself, the schema of the engine, and the role whose rights hold."""
    address = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    become = f" -c role={role}" if role else ""
    return {"conninfo": address, "kwargs": {"options": f"-c search_path={SCHEMA}{become}"}}


def prepare(owner_url: str) -> None:
    """Make the engine's schema and let workers use it; safe to repeat and to run twice at once. The owner's right."""
    words = connection_words(owner_url)
    with psycopg.connect(words["conninfo"], autocommit=True) as connection:
        connection.execute("select pg_advisory_lock(4912027)")
        connection.execute(f"create schema if not exists {SCHEMA}")
        made = connection.execute("select to_regclass(%s)", (f"{SCHEMA}.procrastinate_jobs",)).fetchone()
        if not made or made[0] is None:
            app = App(connector=SyncPsycopgConnector(**words))
            with app.open():
                app.schema_manager.apply_schema()
        for what in ("usage on schema", "all on all tables in schema", "all on all sequences in schema",
                     "execute on all functions in schema"):  # fmt: skip
            connection.execute(f"grant {what} {SCHEMA} to {WORKER_ROLE}")


class Engine:
    """One worker process: its tasks, and the thread that listens for wake-ups."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        words = connection_words(runtime.config.worker_database_url, WORKER_ROLE)
        self.app = App(connector=PsycopgConnector(**words))
        self._deferring = App(connector=SyncPsycopgConnector(**words))
        self._tried: dict[str, int] = {}
        self._stopped = Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._worker: asyncio.Task[None] | None = None
        for name, work in self._works().items():
            self._declare(name, work)
        self._declare_stalled()

    def _works(self) -> dict[str, Callable[[], int]]:
        alone = {job.name: partial(self._try, job) for job in JOBS if job.alone}
        return {ROUND: self._round, **alone}

    def _declare(self, name: str, work: Callable[[], int]) -> None:
        """A task that looks every few seconds, and again at once as long as it found something to do."""

        def look(timestamp: int = 0) -> None:
            del timestamp
            if work() and not self._stopped.is_set():
                self.defer(name)
                if name == ROUND:
                    self.defer("deliver")

        # One that waits is enough. Nothing of ours is committed with it, so a second one that is refused costs nothing.
        task = self.app.task(name=name, queue=name, queueing_lock=name)(look)
        self.app.periodic(cron=EVERY, periodic_id=name)(task)

    def _declare_stalled(self) -> None:
        async def retry_stalled(timestamp: int) -> None:
            del timestamp
            for job in await self.app.job_manager.get_stalled_jobs():
                log().warning("job_stalled", job=job.task_name)
                with contextlib.suppress(AlreadyEnqueued):
                    await self.app.job_manager.retry_job(job)

        task = self.app.task(name="retry_stalled", queue=ROUND, queueing_lock="retry_stalled")(retry_stalled)
        self.app.periodic(cron="* * * * *")(task)

    def defer(self, name: str) -> None:
        """Let some worker look, if none is about to."""
        try:
            self._deferring.configure_task(name, queue=name, queueing_lock=name).defer()
        except AlreadyEnqueued:
            pass
        except Exception as error:  # noqa: BLE001 -- the next look comes by itself
            log().warning("not_deferred", job=name, error_type=type(error).__name__)

    def _round(self) -> int:
        now = SystemClock().now()
        with self.runtime.worker.open(service("keeper"), write=True) as session:
            beat(session, now, "worker")
            beat(session, now, "scheduler")
            session.commit()
        return sum(self._try(job) for job in JOBS if not job.alone)

    def _try(self, job: Job) -> int:
        slot = slot_of(self.runtime.clock.now(), job.every) if job.every else 0
        if job.every and self._tried.get(job.name) == slot:
            return 0
        try:
            done = run_job(self.runtime, job)
        except Exception as error:  # noqa: BLE001 -- one bad job must not silence the others; its rows wait for the next look
            log().error("job_failed", job=job.name, error_type=type(error).__name__)
            return 0
        self._tried[job.name] = slot
        # What has a period has had its turn: only what works row by row is looked at again at once.
        return done if not job.every else 0

    def run(self) -> None:
        """Work until `stop` is called, from whatever thread."""
        asyncio.run(self._run())

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        listener = Listener(self.runtime.worker, lambda: self.defer(ROUND))
        options: dict[str, Any] = {
            "concurrency": HANDS, "delete_jobs": "always", "install_signal_handlers": False, "shutdown_graceful_timeout": 20,
        }  # fmt: skip
        with self._deferring.open():
            async with self.app.open_async():
                listener.start()
                self._worker = asyncio.create_task(self.app.run_worker_async(**options))
                if self._stopped.is_set():  # stopped before it began
                    self._worker.cancel()
                try:
                    with contextlib.suppress(asyncio.CancelledError):
                        await self._worker
                finally:
                    listener.stop()

    def stop(self) -> None:
        """Finish what is under way and end."""
        self._stopped.set()
        if self._loop and self._worker:
            self._loop.call_soon_threadsafe(self._worker.cancel)
