"""A whole installation to be measured: seeded databases on both engines, the real server processes, a gateway.

What lives here: starting and stopping. What does not: measuring. Only the benchmarks import this module.
Unlike the tests', the PostgreSQL here waits for the disk at every commit, as a town's would.
"""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts import engine
from committees import accounts
from committees.people import Person, Scope
from committees.places import Locality, LocalityPath
from coordination import seeding, seeds
from coordination.runtime import build
from foundation.policy import service
from tests.fakes import FakeTwilio
from tests.make import PASSWORD, SECRET, config_for
from tests.rig import postgres
from tests.rig.databases import Databases, PostgresDatabases, SqliteDatabases

START_SECONDS = 60
LASTING = ("fsync", "synchronous_commit", "full_page_writes")
REPORTERS = ("member", "secretary", "chair")
ENGINES = ("SQLite", "PostgreSQL")


@dataclass(frozen=True)
class Reporter:
    """Somebody who reports for a ward, and the token of their client."""

    code: str
    token: str


@dataclass(frozen=True)
class Installation:
    """A seeded database of its own, the folder of its keys, and who reports for which ward."""

    engine: str
    url: str
    folder: Path
    reporters: Mapping[str, tuple[Reporter, ...]]

    @property
    def wards(self) -> list[str]:
        """The codes of all wards, sorted."""
        return sorted(self.reporters)


class Gateway(FakeTwilio):
    """A Twilio on a socket of this machine that remembers when each message was handed to it."""

    def __init__(self) -> None:
        super().__init__()
        self.handed: dict[str, float] = {}

    def __enter__(self) -> Gateway:
        super().__enter__()
        return self

    def create(
        self, to: str, sender: str, body: str, callback: str | None, content: str | None = None
    ) -> Any:
        """Accept one message, and note the moment under the outbox id that its callback carries."""
        self.handed.setdefault((callback or "").rpartition("/")[2], time.time())
        return super().create(to, sender, body, callback, content)


Make = Callable[[], Installation]


Fill = Callable[[str, Path], dict[str, tuple[Reporter, ...]]]


@contextmanager
def installations(
    name: str,
    filled: Fill | None = None,
    settings: Sequence[str] = LASTING,
    *,
    one_at_a_time: bool = False,
    disk: Path | None = None,
) -> Iterator[Make]:
    """Yield a function that makes fresh installations on the engine of this name; all are gone at the end.

    `filled` fills the first one, of which the others are copies; the whole seed where it is not given. `settings` of PostgreSQL are on.
    `one_at_a_time`: each is gone when the next is made. `disk`: where a server keeps its data.
    """
    with tempfile.TemporaryDirectory(prefix="concord-bench-") as made:
        folder = Path(made)
        folder.chmod(0o755)
        keys = folder / "keys-folder"
        keys.mkdir()
        with _databases(name, folder, settings, disk) as databases:
            found: dict[str, tuple[Reporter, ...]] = {}

            def fill(url: str) -> None:
                found.update((filled or seed)(url, keys))

            def make() -> Installation:
                if one_at_a_time:
                    databases.drop_all()
                url = databases.template("town", fill)
                return Installation(name, url, keys, dict(found))

            yield make


@contextmanager
def _databases(name: str, folder: Path, settings: Sequence[str], disk: Path | None) -> Iterator[Databases]:
    if name == "SQLite":
        files = SqliteDatabases(folder)
        yield files
        files.drop_all()
        return
    with postgres.running_server(disk) as url:
        with postgres.connect(url) as connection:
            for setting in settings:
                connection.execute(f"ALTER SYSTEM SET {setting} = on")
            connection.execute("SELECT pg_reload_conf()")
        server = PostgresDatabases(url)
        yield server
        server.drop_all()
        server.drop_templates()


def seed(url: str, folder: Path) -> dict[str, tuple[Reporter, ...]]:
    """Seed a database as of today, give everybody a password and every reporter a token; return these by ward."""
    now = datetime.now(UTC)
    runtime = build(config_for(url, folder), None, {})
    with runtime.worker.open(service("seed"), write=True) as session:
        seeding.seed(session, now - timedelta(days=30), seeds.DEMO)
        hashed: str | None = None
        for person in session.scalars(select(Person).order_by(Person.code)):
            if hashed is None:
                hashed = accounts.set_password(session, person, person.code, PASSWORD).password_hash
            else:
                session.add(accounts.Account(person_id=person.id, sign_in=person.code, password_hash=hashed))
        session.commit()
    with runtime.worker.open(service("command"), write=True) as session:
        found = reporters_of(session, now)
        session.commit()
    with runtime.worker.open(service("engine"), write=True) as session:
        while engine.reassess_stale(session, now, random.Random(7)):
            pass
        session.commit()
    runtime.close()
    return found


def people(url: str, folder: Path) -> dict[str, tuple[Reporter, ...]]:
    """Fill a database with places, persons and their tokens, and nothing else."""
    runtime = build(config_for(url, folder), None, {})
    with runtime.worker.open(service("seed"), write=True) as session:
        seeding.seed(session, datetime.now(UTC) - timedelta(days=30), seeds.DEMO)
        session.commit()
    with runtime.worker.open(service("command"), write=True) as session:
        found = reporters_of(session, datetime.now(UTC))
        session.commit()
    runtime.close()
    return found


def reporters_of(session: Session, now: datetime) -> dict[str, tuple[Reporter, ...]]:
    """Give every reporter a token; by ward."""
    tokens: dict[Any, Reporter] = {}
    found: dict[str, tuple[Reporter, ...]] = {}
    wards = session.scalars(select(Locality).where(Locality.level == "ward", Locality.watched))
    for ward in wards.all():
        rows = (
            select(Person)
            .join(Scope, Scope.person_id == Person.id)
            .join(LocalityPath, LocalityPath.ancestor_id == Scope.locality_id)
            .where(LocalityPath.descendant_id == ward.id, Scope.role.in_(REPORTERS), Scope.active)
            .order_by(Person.code)
            .distinct()
        )
        for person in session.scalars(rows).all():
            if person.id not in tokens:
                token = accounts.issue_token(session, now, person.id, ["report"], 2)
                tokens[person.id] = Reporter(person.code, token)
            found[ward.code] = (*found.get(ward.code, ()), tokens[person.id])
    return found


@contextmanager
def serving(town: Installation, gateway: Gateway | None = None, *, jobs: bool = True) -> Iterator[int]:
    """Run the servers of an installation as a town would, and yield the port.

    SQLite: one process that also works. PostgreSQL: two web processes and a worker.
    """
    port = free_port()
    env = environment(town, port, gateway)
    web = ["serve", "--port", str(port)]
    if town.engine == "SQLite":
        commands = [[*web, "--threads", "8", *(["--all-in-one"] if jobs else [])]]
    else:
        commands = [[*web, "--workers", "2", "--threads", "4"], *([["worker"]] if jobs else [])]
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "coordination.cli", *words],
            env=env,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for words in commands
    ]
    try:
        wait_for(f"http://127.0.0.1:{port}/{'readyz' if jobs else 'healthz'}")
        yield port
    finally:
        stop(started)


def environment(town: Installation, port: int, gateway: Gateway | None) -> dict[str, str]:
    """The settings of a server process of an installation."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("CONCORD_")}
    env |= {
        "CONCORD_DATA": str(town.folder),
        "CONCORD_DATABASE_URL": town.url,
        "CONCORD_SECRET_KEY": SECRET,
        "CONCORD_PUBLIC_URL": f"http://127.0.0.1:{port}",
    }
    if gateway:
        env |= {
            "CONCORD_TWILIO_ACCOUNT_SID": gateway.account_sid,
            "CONCORD_TWILIO_AUTH_TOKEN": gateway.token,
            "CONCORD_TWILIO_FROM": gateway.numbers[0],
            "CONCORD_TWILIO_API_BASE": gateway.url,
        }
    return env


def wait_for(url: str) -> None:
    """Wait until an address answers with 200; raise TimeoutError after a minute."""
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        try:
            with urlopen(url, timeout=5) as answer:
                if answer.status == 200:
                    return
        except (URLError, OSError):
            pass
        time.sleep(0.1)
    raise TimeoutError(f"{url} did not answer within {START_SECONDS} seconds.")


def stop(processes: list[subprocess.Popen[bytes]]) -> None:
    """End processes kindly, then surely."""
    for process in processes:
        process.send_signal(signal.SIGTERM)
    for process in processes:
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
