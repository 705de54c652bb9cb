"""What goes wrong and what it costs: ``python -m benchmarks faults [--quick] [--only WORDS] [--seed N] [--keep FILE [--show]] [--jobs N]``.

Ends with 1 if a promise is broken. What lives here: running the rows and the printed table. What is promised is in fault_table.py, and what
is done in each row in fault_rows.py and its neighbours. Everything runs on this machine, and nothing leaves it. Hours are skipped (see
fault_child.Clock), so seconds are those of the installation.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from benchmarks import fault_rows as rows
from benchmarks.fault_kept import Kept, Tries
from benchmarks.fault_table import CALLS, COLUMNS, RANDOM, ROWS, WIDTHS, Row, Sum
from benchmarks.installation import LASTING, Fill, Installation, Make, installations

LOAD = 120
#: Every so many tries a row that takes long says how far it is, where no terminal shows each.
SAID = 20


class Places:
    """The installations of both engines, each filled when a row first asks for it, and a folder.

    `load`: how many messages are under way at once. `lasting`: PostgreSQL waits for the disk at each commit. Without, a commit still
    outlives the server, though not the machine. `keep`: where the tries are kept, and looked up before any is made.
    """

    def __init__(
        self, seed: int, *, lasting: bool = True, load: int = LOAD, keep: Path | None = None
    ) -> None:
        self._stack, self._made, self._seed = ExitStack(), dict[tuple[str, Fill], Make](), seed
        self._load, self._keep = load, keep
        self._settings = LASTING if lasting else ("synchronous_commit",)

    def __enter__(self) -> Places:
        self.folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="concord-faults-")))
        self.kept = Kept(self._keep or self.folder / "tries")
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def found(self, row: Row) -> Sum:
        """What the tries so far came to."""
        tries = self.kept.tries(row.full_name)
        found = Sum(row, missing=tries.missing, theirs=tries.theirs, no_peer=tries.no_peer)
        for outcome in tries.ours:
            found.add(outcome)
        return found

    def measure(self, row: Row, tries: int, peers: int = 0) -> Iterator[Sum]:
        """Make the tries of a row that are not made yet, and so many of the peer; yield its sum after each, and at the end."""
        before = self.kept.tries(row.full_name)
        left = 0 if before.whole else tries - len(before.ours)
        try:
            if left > 0:
                bench = replace(self._bench(row, before), make=self._installations(row))
                for outcome in row.play(bench, left):
                    self.kept.ours(row.full_name, outcome)
                    left -= 1
                    yield self.found(row)
                if left:
                    self.kept.whole(row.full_name)
        except rows.Missing as missing:
            self.kept.missing(row.full_name, str(missing))
        try:
            if row.peer and peers > len(before.theirs):
                for theirs in row.peer(self._bench(row, before), peers - len(before.theirs)):
                    self.kept.theirs(row.full_name, theirs)
                    yield self.found(row)
        except rows.Missing as missing:
            self.kept.no_peer(row.full_name, str(missing))
        yield self.found(row)

    def _bench(self, row: Row, before: Tries) -> rows.Bench:
        """What the tries are made from, without the installations: most of the time of a quick look would go into them."""
        seed = f"{self._seed} {row.name} {row.engine} {len(before.ours) or ''}"
        died_at = frozenset(outcome.point for outcome in before.ours)
        return rows.Bench(_none, row.channel, self.folder, random.Random(seed), self._load, died_at)

    def _installations(self, row: Row) -> Make:
        key = row.engine, row.filled
        if key not in self._made:
            self._made[key] = self._stack.enter_context(
                installations(row.engine, row.filled, self._settings, one_at_a_time=True)
            )
        return self._made[key]


def _none() -> Installation:
    raise AssertionError("The peer has no installation of ours.")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the rows and print each as it is done; 0 if every promise holds."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks faults", description="Print what faults cost."
    )
    parser.add_argument("--quick", action="store_true", help="a few tries for each row")
    parser.add_argument("--tries", type=int, help="at most so many for each row")
    parser.add_argument("--only", default="", help="only rows whose name has these words")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="the same kills again")
    parser.add_argument("--keep", type=Path, help="a file of the tries: a run broken off goes on from it")
    parser.add_argument(
        "--show", action="store_true", help="only print what a file has, for a page; needs --keep"
    )
    parser.add_argument("--jobs", type=int, default=1, help="so many processes share the rows; needs --keep")
    given = parser.parse_args(arguments)
    if (given.jobs > 1 or given.show) and given.keep is None:
        parser.error("--jobs and --show need --keep FILE, where the tries are.")
    if given.show:
        return show(given.keep)
    print(f"Seed {given.seed}. Each try has its own database; seconds are the installation's.\n")
    print(_line(COLUMNS), _line(["-" * width for width in WIDTHS]), sep="\n", flush=True)
    others = [_beside(given) for _ in range(1, given.jobs)]
    wanted = [row for row in ROWS if given.only in row.full_name and row.tries[not given.quick]]
    with Places(given.seed, keep=given.keep) as places:
        for row in wanted:
            with places.kept.claim(ROWS.index(row)) as ours:
                if ours:
                    most = given.tries or 1_000_000
                    peers = 1 if given.quick else row.peer_tries
                    _run(places, row, min(row.tries[not given.quick], most), min(peers, most))
        for other in others:
            other.wait()
        sums = [places.found(row) for row in wanted]
    if others:
        print()
        for found in sums:
            _print(found)
    return _verdict(sums)


def show(keep: Path) -> int:
    """Print the tries of a file as a table of Markdown, and make none; 0 if every promise holds."""
    with Places(0, keep=keep) as places:
        sums = [found for row in ROWS if (found := places.found(row)).tries or found.missing]
    for cells in (COLUMNS, ["-" * width for width in WIDTHS], *(found.cells for found in sums)):
        print(f"| {' | '.join(cell.ljust(width) for cell, width in zip(cells, WIDTHS, strict=True))} |")
    print()
    for found in sums:
        if words := found.broken or found.posted_again:
            print(f"- {found.row.full_name}: {words}.")
    return _verdict(sums)


def _beside(given: argparse.Namespace) -> subprocess.Popen[bytes]:
    """Another process that takes the rows that nobody has taken; what it finds is in the file that is kept."""
    words = [sys.executable, "-m", "benchmarks", "faults", "--only", given.only, "--seed", str(given.seed)]
    words += ["--keep", str(given.keep), *(["--quick"] if given.quick else [])]
    words += ["--tries", str(given.tries)] if given.tries else []
    return subprocess.Popen(words, stdout=subprocess.DEVNULL)


def _run(places: Places, row: Row, tries: int, peers: int) -> None:
    for found in places.measure(row, tries, peers):
        _progress(found, tries)
    _progress(None, tries)
    _print(found)


def _print(found: Sum) -> None:
    print(_line(found.cells), flush=True)
    if words := found.missing or found.broken:
        print(f"  {'Not run' if found.missing else 'BROKEN'}: {words}.", flush=True)
    if words := found.no_peer or found.posted_again:
        print(f"  Alertmanager: {words}.", flush=True)


def _verdict(sums: Sequence[Sum]) -> int:
    broken = sum(bool(found.broken) for found in sums)
    ran = [found for found in sums if not found.missing]
    tries = sum(found.tries for found in ran)
    print(f"\n{tries} tries in {len(ran)} rows, {len(sums) - len(ran)} rows not run: ", end="")
    print(f"{broken} rows break their promise." if broken else "every promise holds.")
    for kind, words in ((CALLS, "at system calls"), (RANDOM, "at random moments")):
        kills = sum(found.tries for found in ran if found.row.kills == kind)
        print(f"Killed {words}: {kills}. ", end="")
    print(
        "\nA message is LOST if nobody took it or the outbox does not say so. DUPLICATED counts copies beyond the first."
    )
    print(
        "Allowed is one more copy by e-mail, and where a list lags behind for longer than is waited; it has the same name."
    )
    return int(bool(broken))


def _line(cells: Sequence[str]) -> str:
    first, *others = zip(cells, WIDTHS, strict=True)
    return "  ".join([first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)])


def _progress(found: Sum | None, tries: int) -> None:
    """Say on a terminal how far a row is, and elsewhere now and then; None wipes it."""
    words = f"{found.row.full_name}: {found.tries} of at most {tries}" if found else ""
    if sys.stderr.isatty():
        print(f"\r{words.ljust(100)}\r", end="", file=sys.stderr, flush=True)
    elif found and found.tries % SAID == 0:
        print(words, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
