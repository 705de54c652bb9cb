"""What goes wrong and what it costs: ``python -m benchmarks faults [--quick] [--only WORDS] [--seed N]``; 1 if a promise is broken.

What lives here: the promises, the judging and the printed table. What is done in each row is in fault_rows.py. Everything runs on this
machine, and nothing leaves it. Hours are skipped (see fault_child.Clock), so seconds are those of the installation.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks import fault_rows as rows
from benchmarks.fault_web import web_killed, worker_killed
from benchmarks.installation import ENGINES, LASTING, Make, Reporter, installations, reporters_of
from coordination import seeding, seeds
from coordination.runtime import build
from foundation.policy import service
from tests.make import config_for

COLUMNS = ("what goes wrong", "tries", "LOST", "DUPLICATED", "resumed in")
WIDTHS = (68, 5, 4, 10, 10)
SQLITE, POSTGRESQL = ENGINES
LOAD = 120


@dataclass(frozen=True)
class Row:
    """One fault, its tries (quick, long), and what is promised: so many copies of one message at most, and seconds until all goes on."""

    name: str
    engine: str
    channel: str
    play: rows.Play
    tries: tuple[int, int]
    copies: int = 1
    within: float = 30.0


ROWS = (
    Row("kill -9 at the n-th system call, SMS", SQLITE, "sms", rows.killed_at_calls, (4, 1_000)),
    Row("kill -9 at the n-th system call, SMS", POSTGRESQL, "sms", rows.killed_at_calls, (2, 1_000)),
    Row("kill -9 at the n-th system call, e-mail", SQLITE, "email", rows.killed_at_calls, (3, 1_000), 2),
    Row("kill -9 at random under load, SMS", SQLITE, "sms", rows.killed_at_random, (2, 100)),
    Row("kill -9 at random under load, SMS", POSTGRESQL, "sms", rows.killed_at_random, (1, 100)),
    Row("kill -9 at random under load, e-mail", SQLITE, "email", rows.killed_at_random, (2, 100), 2),
    Row(
        "provider refuses for an hour (500, 429)",
        SQLITE,
        "sms",
        rows.out_of_order("500_before", "429"),
        (1, 5),
        within=600.0,
    ),
    Row("provider is gone for an hour (connection refused)", SQLITE, "sms", rows.gone, (1, 5), within=600.0),
    Row("provider hangs before accepting", SQLITE, "sms", rows.each_once("hang_before"), (1, 10)),
    Row("provider hangs after accepting", SQLITE, "sms", rows.each_once("hang_after"), (1, 10)),
    Row("provider answers 500 after accepting", SQLITE, "sms", rows.each_once("500_after"), (1, 10)),
    Row("provider's answer is lost", SQLITE, "sms", rows.each_once("drop_after"), (1, 10)),
    Row("provider's answer cannot be read", SQLITE, "sms", rows.each_once("garbled"), (1, 10)),
    Row("answer lost, and listed 15 s later", SQLITE, "sms", rows.each_once("drop_after", 15), (1, 10)),
    Row("answer lost, and listed 2 min later", SQLITE, "sms", rows.each_once("drop_after", 120), (1, 10), 2),
    Row(
        "mail server hangs up before taking a letter",
        SQLITE,
        "email",
        rows.each_once("drop_before"),
        (1, 10),
        2,
    ),
    Row("mail server's answer is lost", SQLITE, "email", rows.each_once("drop_after"), (1, 10), 2),
    Row("web process killed at the n-th system call of a report", SQLITE, "api", web_killed, (2, 1_000)),
    Row("web process killed at the n-th system call of a report", POSTGRESQL, "api", web_killed, (1, 1_000)),
    Row("worker killed between reports and the outbox", SQLITE, "api", worker_killed, (2, 1_000)),
    Row("worker killed between reports and the outbox", POSTGRESQL, "api", worker_killed, (1, 1_000)),
    Row("database killed and started again", POSTGRESQL, "sms", rows.database_restarted, (1, 10)),
    Row("disk full, later room again", SQLITE, "sms", rows.disk_full, (1, 20), within=60.0),
)


@dataclass
class Sum:
    """What all tries of a row came to; `missing`: why it could not be run here."""

    row: Row
    tries: int = 0
    lost: int = 0
    extra: int = 0
    most: int = 0
    strange: int = 0
    resumed: float = 0.0
    missing: str = ""

    def add(self, outcome: rows.Outcome) -> None:
        """Count one try."""
        self.tries += 1
        self.lost += outcome.lost
        self.extra += outcome.extra
        self.strange += outcome.strange
        self.most = max(self.most, outcome.most)
        self.resumed = max(self.resumed, outcome.resumed)

    @property
    def broken(self) -> str:
        """Which promise is broken, in words; an empty text if none is."""
        if self.missing:
            return ""
        found = []
        if not self.tries:
            found.append("not one try came about")
        if self.lost:
            found.append(f"{self.lost} lost, promised are 0")
        if self.most > self.row.copies:
            found.append(f"{self.most} copies of one message, promised are at most {self.row.copies}")
        if self.resumed > self.row.within:
            found.append(f"went on after {self.resumed:.1f} s, promised are {self.row.within:.0f}")
        if self.strange:
            found.append(f"{self.strange} copies that carry no name of ours")
        return "; ".join(found)

    @property
    def cells(self) -> tuple[str, ...]:
        """The cells of its line."""
        name = f"{self.row.name}, {self.row.engine}"
        if self.missing:
            return name, "none", "-", "-", "-"
        return name, str(self.tries), str(self.lost), str(self.extra), f"{self.resumed:.1f} s"


class Places:
    """The installations of both engines, each filled when a row first asks for it, and a folder.

    `load`: how many messages are under way at once. `lasting`: PostgreSQL waits for the disk at each commit. Without, a commit still
    outlives the server, though not the machine.
    """

    def __init__(self, seed: int, *, lasting: bool = True, load: int = LOAD) -> None:
        self._stack, self._made, self._seed = ExitStack(), dict[str, Make](), seed
        self._load = load
        self._settings = LASTING if lasting else ("synchronous_commit",)

    def __enter__(self) -> Places:
        self.folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="concord-faults-")))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def measure(self, row: Row, tries: int) -> Iterator[Sum]:
        """Run a row; yield its sum after each try, and at the end."""
        found = Sum(row)
        if row.engine not in self._made:
            self._made[row.engine] = self._stack.enter_context(
                installations(row.engine, people, self._settings)
            )
        rng = random.Random(f"{self._seed} {row.name} {row.engine}")
        try:
            bench = rows.Bench(self._made[row.engine], row.channel, self.folder, rng, self._load)
            for outcome in row.play(bench, tries):
                found.add(outcome)
                yield found
        except rows.Missing as missing:
            found.missing = str(missing)
        yield found


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


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the rows and print each as it is done; 0 if every promise holds."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks faults", description="Print what faults cost."
    )
    parser.add_argument("--quick", action="store_true", help="a few tries for each row")
    parser.add_argument("--tries", type=int, help="at most so many for each row")
    parser.add_argument("--only", default="", help="only rows whose name has these words")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="the same kills again")
    given = parser.parse_args(arguments)
    print(f"Seed {given.seed}. Each try has its own database; seconds are the installation's.\n")
    print(_line(COLUMNS), _line(["-" * width for width in WIDTHS]), sep="\n", flush=True)
    sums = []
    with Places(given.seed) as places:
        for row in ROWS:
            if given.only not in f"{row.name}, {row.engine}":
                continue
            tries = min(row.tries[not given.quick], given.tries or 1_000_000)
            for found in places.measure(row, tries):
                _progress(found)
            _progress(None)
            print(_line(found.cells), flush=True)
            if words := found.missing or found.broken:
                print(f"  {'Not run' if found.missing else 'BROKEN'}: {words}.", flush=True)
            sums.append(found)
    return _verdict(sums)


def _verdict(sums: Sequence[Sum]) -> int:
    broken = sum(bool(found.broken) for found in sums)
    ran = [found for found in sums if not found.missing]
    tries = sum(found.tries for found in ran)
    print(f"\n{tries} tries in {len(ran)} rows, {len(sums) - len(ran)} rows not run: ", end="")
    print(f"{broken} rows break their promise." if broken else "every promise holds.")
    print(
        "A message is LOST if nobody took it or the outbox does not say so. DUPLICATED counts copies beyond the first."
    )
    print(
        "Allowed is one more copy by e-mail, and where a list lags behind for longer than is waited; it has the same name."
    )
    return int(bool(broken))


def _line(cells: Sequence[str]) -> str:
    first, *others = zip(cells, WIDTHS, strict=True)
    return "  ".join([first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)])


def _progress(found: Sum | None) -> None:
    """Say on a terminal how far a row is; None wipes it."""
    if sys.stderr.isatty():
        words = f"{found.row.name}, {found.row.engine}: {found.tries} tries" if found else ""
        print(f"\r{words.ljust(100)}\r", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
