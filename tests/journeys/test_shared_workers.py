"""Several workers of several hosts on PostgreSQL: Procrastinate and our own ticker beside each other do each slot once, one that is killed is
missed by nobody, and a wake-up reaches other processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from threading import Event, Thread

import pytest
from click.testing import CliRunner
from sqlalchemy import func, select

from coordination import jobs, scaled
from coordination.cli import concord
from coordination.commands import doctoring
from coordination.runtime import Runtime, build
from coordination.ticking import Ticker
from foundation.clock import SystemClock
from foundation.config import Config
from foundation.db import Database
from foundation.errors import Problem
from foundation.jobs import JobRun
from foundation.outbox import OutboxMessage
from foundation.waking import Listener, tell
from tests.make import SECRET, FakeClock, Town, build_template, make_town
from tests.rig.databases import Databases

PATIENCE = 90.0


@pytest.fixture
def shared(postgres_databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A seeded town on PostgreSQL that keeps real time, with the engine's schema made."""
    keys = tmp_path_factory.getbasetemp() / "town_keys"
    keys.mkdir(exist_ok=True)
    url = postgres_databases.template("town", lambda url: build_template(url, keys))
    scaled.prepare(url)
    town = make_town(url, keys, clock=FakeClock(SystemClock().now()), engine="procrastinate")
    yield town
    town.runtime.close()


def until(what: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Wait until something holds; a busy machine is slow, never wrong."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it never came to be"
        time.sleep(0.05)


def another(town: Town) -> Runtime:
    """Another process's view of the same installation, on the machine's clock."""
    return build(town.runtime.config)


@contextmanager
def working(runtime: Runtime) -> Iterator[None]:
    """A worker of Procrastinate in a thread of its own."""
    engine = scaled.Engine(runtime)
    thread = Thread(target=engine.run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        engine.stop()
        thread.join(timeout=60)
        runtime.close()
    assert not thread.is_alive()


@contextmanager
def ticking(runtime: Runtime) -> Iterator[None]:
    """A process with our own ticker."""
    ticker = Ticker(runtime)
    ticker.start()
    try:
        yield
    finally:
        ticker.stop()
        runtime.close()


def sent(town: Town) -> int:
    with town.session("sender") as session:
        rows = select(func.count()).where(OutboxMessage.state.in_(("sent", "delivered")))
        return session.scalar(rows) or 0


def test_two_workers_and_a_ticker_do_each_slot_once(shared: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[datetime] = []

    def count(runtime: Runtime) -> int:
        done.append(runtime.clock.now())
        return 0

    monkeypatch.setattr(jobs, "JOBS", (*jobs.JOBS, job := jobs.Job("count", count, every=1)))
    for module in ("coordination.scaled.JOBS", "coordination.ticking.JOBS"):
        monkeypatch.setattr(module, (*scaled.JOBS[:1], job))
    with working(another(shared)), working(another(shared)), ticking(another(shared)):
        until(lambda: len(done) >= 4)
    with shared.session("keeper") as session:
        slots = session.scalar(select(func.count()).where(JobRun.job == job.name))
    assert len(done) == slots, (
        "each slot that was claimed was done once, and nothing was done without a claim"
    )


def test_a_report_is_told_by_workers_alone(shared: Town) -> None:
    with working(another(shared)):
        shared.report(kind="group_clash", severity=4, people="21-100")
        until(lambda: sent(shared) > 3)


def worker(town: Town, folder: Path) -> subprocess.Popen[bytes]:
    """A worker as an operator starts it."""
    config = town.runtime.config
    settings = {
        "CONCORD_DATABASE_URL": config.database_url,
        "CONCORD_DATA": str(config.data),
        "CONCORD_SECRET_KEY": SECRET,
        "CONCORD_ENGINE": "procrastinate",
        "CONCORD_PUBLIC_HOLIDAYS": "off",
    }
    environ = {name: value for name, value in os.environ.items() if not name.startswith("CONCORD_")}
    with (folder / "worker.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "coordination.cli", "worker"],
            env=environ | settings,
            stderr=log,
            stdout=subprocess.DEVNULL,
        )


def test_a_killed_worker_is_missed_by_nobody(shared: Town, tmp_path: Path) -> None:
    first, second = worker(shared, tmp_path), worker(shared, tmp_path)
    try:
        shared.report(kind="group_clash", severity=4, people="21-100")
        until(lambda: sent(shared) > 0)
        first.send_signal(signal.SIGKILL)
        first.wait()
        before = sent(shared)
        shared.report(
            kind="group_clash",
            severity=4,
            people="21-100",
            person="member2.mardan",
            locality="PK-KP-MARDAN-W3",
        )
        until(lambda: sent(shared) > before + 2)
        second.terminate()
        assert second.wait(timeout=60) == 0, (tmp_path / "worker.log").read_text()
    finally:
        for process in (first, second):
            process.kill()
            process.wait()


def test_a_wake_up_reaches_another_process_also_after_the_connection_was_lost(shared: Town) -> None:
    woken = Event()
    here, there = Database(shared.runtime.config.database_url), Database(shared.runtime.config.database_url)
    listener = Listener(there, woken.set)
    listener.start()
    try:
        assert listener.listening.wait(PATIENCE)
        assert woken.wait(PATIENCE), "whoever begins to listen looks once"
        woken.clear()
        tell(here)
        assert woken.wait(PATIENCE)
        listener.listening.clear()
        with here.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql(
                "select pg_terminate_backend(pid) from pg_stat_activity where query = 'listen concord_wake'"
            )
        assert listener.listening.wait(PATIENCE), "it listens again by itself"
        woken.clear()
        tell(here)
        assert woken.wait(PATIENCE)
    finally:
        listener.stop()
        here.close()
        there.close()


def test_a_page_wakes_whoever_works(shared: Town) -> None:
    woken = Event()
    listener = Listener(shared.runtime.worker, woken.set)
    listener.start()
    try:
        assert listener.listening.wait(PATIENCE)
        woken.clear()
        shared.runtime.wake()
        assert woken.wait(PATIENCE)
    finally:
        listener.stop()


def test_readiness_and_doctor_know_the_workers_of_the_engine(
    shared: Town, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ready = shared.app.test_client()
    silent = ready.get("/readyz")
    assert silent.status_code == 503
    assert silent.get_json()["checks"]["worker"].startswith("no worker of procrastinate seen")
    config = shared.runtime.config
    found = [one.what for one in doctoring.examine(config)]
    assert "No worker of procrastinate is running: none was heard from for two minutes." in found
    with working(another(shared)):
        until(lambda: ready.get("/readyz").status_code == 200)
        assert set(ready.get("/readyz").get_json()["checks"]) == {"database", "migrations", "worker"}
        assert "Workers of procrastinate: 1." in [one.what for one in doctoring.examine(config)]


def test_a_worker_that_was_stopped_before_it_began_ends(shared: Town) -> None:
    engine = scaled.Engine(shared.runtime)
    engine.stop()
    thread = Thread(target=engine.run, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    assert not thread.is_alive()


def test_procrastinate_needs_postgresql_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environ = {"CONCORD_DATA": str(tmp_path), "CONCORD_ENGINE": "procrastinate", "CONCORD_SECRET_KEY": SECRET}
    with pytest.raises(Problem) as refused:
        Config.from_env(environ)
    assert "SQLite" in refused.value.message
    assert "CONCORD_DATABASE_URL" in refused.value.hint
    for name, value in {**environ, "CONCORD_DATABASE_URL": "postgresql://nowhere/x"}.items():
        monkeypatch.setenv(name, value)
    for command in (["scheduler"], ["serve", "--all-in-one"]):
        answer = CliRunner().invoke(concord, command)
        assert answer.exit_code == 2
        assert "concord worker" in answer.output
