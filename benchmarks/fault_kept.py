"""What the tries of the fault table came to, in a file: one line each, so that a run that was broken off goes on where it was.

What lives here: writing, reading, and who has which row where several processes share a run. What does not: judging (fault_table.py).
Only benchmarks/faults.py and its test import this module.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.fault_peer import Theirs
from benchmarks.fault_rows import Outcome


@dataclass
class Tries:
    """What is known of one row: its tries and the peer's, whether there are no more of ours to make, and why any could not be made."""

    ours: list[Outcome] = field(default_factory=list)
    theirs: list[Theirs] = field(default_factory=list)
    whole: bool = False
    missing: str = ""
    no_peer: str = ""


class Kept:
    """The file of one run. Each line is written at once, so several processes may add to it."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._locks = file.with_name(file.name + ".locks")
        self._locks.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def claim(self, number: int) -> Iterator[bool]:
        """Hold the row of this number for a while; False where another process has it."""
        with (self._locks / str(number)).open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True

    def ours(self, row: str, outcome: Outcome) -> None:
        """Add one try of ours."""
        self._add(row, "ours", asdict(outcome))

    def theirs(self, row: str, theirs: Theirs) -> None:
        """Add one try of the peer."""
        self._add(row, "theirs", asdict(theirs))

    def whole(self, row: str) -> None:
        """There are no more points to die at, however many tries are asked for."""
        self._add(row, "whole", True)

    def missing(self, row: str, words: str) -> None:
        """It could not be run here; the next run tries again."""
        self._add(row, "missing", words)

    def no_peer(self, row: str, words: str) -> None:
        """The peer could not be run here; the next run tries again."""
        self._add(row, "no_peer", words)

    def tries(self, row: str) -> Tries:
        """What is known of one row."""
        found = Tries()
        for line in self._lines():
            if line["row"] != row:
                continue
            if "ours" in line:
                found.ours.append(Outcome(**line["ours"]))
            if "theirs" in line:
                found.theirs.append(Theirs(**line["theirs"]))
            found.whole = found.whole or "whole" in line
            found.missing = line.get("missing", "" if "ours" in line else found.missing)
            found.no_peer = line.get("no_peer", "" if "theirs" in line else found.no_peer)
        return found

    def _add(self, row: str, what: str, value: Any) -> None:
        line = json.dumps({"row": row, what: value}).encode() + b"\n"
        handle = os.open(self._file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        os.write(handle, line)
        os.close(handle)

    def _lines(self) -> list[dict[str, Any]]:
        if not self._file.exists():
            return []
        return [json.loads(line) for line in self._file.read_text(encoding="utf-8").splitlines()]
