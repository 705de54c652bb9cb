"""What happens to the database or to its disk while messages go out: it is killed and started again, or there is no room left.

What lives here: doing that, and undoing it. What does not: the other faults (fault_rows.py), what is promised (fault_table.py).
Only these use this module. A small disk is mounted where only this process and its children see it, and goes with them.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from benchmarks.fault_child import Child, Missing, Told, put_away, small_disk
from benchmarks.fault_rows import Bench, Outcome, Trial
from benchmarks.installation import LASTING, installations, people
from foundation.config import Config
from tests.rig import postgres

PAGE = 4096
#: A whole server with its template and one copy, and the journal that it may keep.
SERVER_DISK = 700 << 20
_SMALL_JOURNAL = ("ALTER SYSTEM SET max_wal_size = '64MB'", "ALTER SYSTEM SET min_wal_size = '32MB'")
#: How far a journal's file may be from its end when it is to end on the way: what one message writes, some dozen times.
_NEARLY = 60_000


def database_restarted(bench: Bench, tries: int) -> Iterator[Outcome]:
    """The database server is killed with all it runs while messages go out, and is started again."""
    _ours_to_kill()
    while tries:
        with bench.trial(bench.load) as trial:
            child = trial.child()
            child.go()
            wanted = bench.rng.randrange(bench.load // 2)
            while trial.taken() < wanted and child.running():
                time.sleep(0.002)
            if not child.running():
                continue
            postgres.kill_and_start(trial.town.url)
            back = trial.clock.now()
            told = child.told()
            if told.failures:
                tries -= 1
                yield trial.outcome(told, back)


def disk_full(bench: Bench, tries: int) -> Iterator[Outcome]:
    """The disk of a database file has so little room left that it is full somewhere on the way; later there is room again."""
    disk = bench.folder / "disk"
    disk.mkdir(exist_ok=True)

    def once(trial: Trial) -> Outcome | None:
        child = trial.child(lambda: _moved_to(disk, trial))
        ballast = Path(f"/proc/{child.pid}/root{disk}/ballast")
        fill(ballast, PAGE * bench.rng.randrange(100))
        return _until_room(trial, child, ballast)

    return _full_so_often(bench, tries, once)


def disk_full_of_server(bench: Bench, tries: int) -> Iterator[Outcome]:
    """The disk of a database server is full on the way: of its tables, or where it needs the next file of its journal, which stops it."""
    _ours_to_kill()
    with own_disk(SERVER_DISK) as disk, installations(
        "PostgreSQL", people, LASTING, one_at_a_time=True, disk=disk
    ) as make:  # fmt: skip
        ballast = disk / "ballast"

        def once(trial: Trial) -> Outcome | None:
            data = postgres.data_of(trial.town.url)
            with postgres.connect(trial.town.url) as connection:
                for setting in _SMALL_JOURNAL:
                    connection.execute(setting)
                connection.execute("SELECT pg_reload_conf()")
                connection.execute("CHECKPOINT")
            child = trial.child()
            if bench.rng.random() < 0.5:
                _fill_journal(trial.town.url, bench.rng.randrange(_NEARLY))
            fill(ballast, PAGE * bench.rng.randrange(16))
            return _until_room(trial, child, ballast, lambda: postgres.be_running(data, trial.town.url))

        yield from _full_so_often(replace(bench, make=make), tries, once)


def _full_so_often(bench: Bench, tries: int, once: Callable[[Trial], Outcome | None]) -> Iterator[Outcome]:
    """Try until there was no room so often; sometimes there is room enough for everything."""
    most = 5 * tries
    for _ in range(most):
        with bench.trial(bench.load) as trial:
            outcome = once(trial)
        if outcome:
            tries -= 1
            yield outcome
        if not tries:
            return
    raise RuntimeError(f"The disk was full too seldom in {most} runs.")


def _until_room(
    trial: Trial, child: Child, ballast: Path, then: Callable[[], None] = lambda: None
) -> Outcome | None:
    """Let a sender run into the full disk, make room, and wait until all is done; None where there was room enough for it."""
    try:
        child.go()
        _wait_until_still(trial, child)
    finally:
        ballast.unlink()
    back = trial.clock.now()
    then()
    told: Told = child.told()
    return trial.outcome(told, back) if told.failures else None


def _ours_to_kill() -> None:
    if os.environ.get(postgres.SETTING):
        raise Missing(f"{postgres.SETTING} names a server that is not ours to kill: leave it unset")


@contextmanager
def own_disk(size: int) -> Iterator[Path]:
    """A small disk that a server running as another user may enter."""
    with tempfile.TemporaryDirectory(prefix="concord-disk-") as made:
        disk = Path(made)
        disk.chmod(0o755)
        small_disk(disk, size)
        try:
            yield disk
        finally:
            put_away(disk)


def _moved_to(disk: Path, trial: Trial) -> Config:
    """In the child: a small disk with the database on it."""
    file = Path(trial.town.url.removeprefix("sqlite:///"))
    small_disk(disk, file.stat().st_size + (8 << 20))
    shutil.copyfile(file, disk / file.name)
    return trial.config(f"sqlite:///{disk / file.name}")


def _fill_journal(url: str, room: int) -> None:
    """Write into the server's journal until its present file has about so many bytes left, and no next file lies ready."""
    with postgres.connect(url) as connection:
        connection.execute(
            # The head of each page of the journal takes its part of what is left.
            "SELECT pg_logical_emit_message(false, '', repeat('x', greatest(0, (pg_size_bytes("
            "current_setting('wal_segment_size')) - %s - (pg_walfile_name_offset(pg_current_wal_insert_lsn()))"
            ".file_offset) * 0.997)::int))",
            (room,),
        )
        now = connection.execute("SELECT pg_walfile_name(pg_current_wal_insert_lsn())").fetchone()
    assert now
    for file in (postgres.data_of(url) / "pg_wal").glob("[0-9A-F]" * 24):
        if file.name > now[0]:
            file.unlink()  # made ready for later; without it the server has to make one


def fill(ballast: Path, room: int) -> None:
    """Fill the disk but for so many bytes."""
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(1 << 20))
        except OSError:
            pass
        try:
            while True:
                file.write(bytes(PAGE))
        except OSError:
            file.truncate(max(0, file.tell() - room))


def _wait_until_still(trial: Trial, child: Child, seconds: float = 0.5) -> None:
    """Wait until nothing more is taken for a while."""
    taken, since = -1, time.monotonic()
    while child.running() and time.monotonic() - since < seconds:
        if trial.taken() != taken:
            taken, since = trial.taken(), time.monotonic()
        time.sleep(0.01)
