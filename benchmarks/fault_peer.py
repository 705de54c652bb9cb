"""Prometheus Alertmanager under the faults of the e-mail rows: the same mail server, the same number of letters, the same deeds.

What lives here: the peer's tries and their counting. What does not: running it (alertmanager.py), what is promised of ours
(fault_table.py). Only benchmarks/fault_table.py and the file of tries import this module. Its clock cannot be moved, so it is waited for.
"""

from __future__ import annotations

import re
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks import alertmanager
from benchmarks.fault_child import Missing
from benchmarks.fault_rows import Bench, how_many, restarted
from benchmarks.installation import stop
from tests.fake_mailbox import HANG_SECONDS
from tests.fakes import FakeMailbox

#: Without a letter for so long nothing more is expected: it tries again after half a second, then after ever longer.
QUIET = 8.0
#: Once all are there: how long copies may follow.
AFTERWARDS = 2.0


@dataclass(frozen=True)
class Theirs:
    """What one try of the peer came to: never taken, and copies beyond the first; and both again after all was posted once more."""

    lost: int
    extra: int
    lost_again: int = 0
    extra_again: int = 0


Peer = Callable[[Bench, int], Iterator[Theirs]]


class Peered:
    """One Alertmanager with a mail server, of which each alert that is posted asks for one letter."""

    def __init__(self, folder: Path, mail: FakeMailbox, number: int) -> None:
        self.folder, self.mail, self.number = folder, mail, number
        alertmanager.configure(folder, "smtp", urlsplit(mail.url).port or 0)
        self.start()

    def start(self) -> None:
        """Start it, on what it has on its disk."""
        self._process, self._port = alertmanager.start(self.folder)

    def post(self) -> None:
        """Post all alerts; it has taken them when this returns."""
        alertmanager.post(self._port, 0, self.number)

    def kill(self) -> None:
        """kill -9."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def running(self) -> bool:
        """Whether anything is still to be sent."""
        return len(self.mail.letters) < self.number

    def counted(self, quiet: float = QUIET) -> tuple[int, int]:
        """Wait until no more letters come, and count: (never taken, copies beyond the first)."""
        taken, since = -1, time.monotonic()
        while time.monotonic() - since < (quiet if len(self._copies()) < self.number else AFTERWARDS):
            if len(self.mail.letters) != taken:
                taken, since = len(self.mail.letters), time.monotonic()
            time.sleep(0.05)
        copies = self._copies()
        return self.number - len(copies), copies.total() - len(copies)

    def _copies(self) -> Counter[str]:
        subjects = [str(mail.letter["Subject"]) for mail in self.mail.letters]
        return Counter(found[1] for subject in subjects if (found := re.search(alertmanager.KEY, subject)))

    def close(self) -> None:
        """End it."""
        stop([self._process])


@contextmanager
def _peered(bench: Bench) -> Iterator[Peered]:
    if not alertmanager.installed():
        raise Missing("Alertmanager is not installed: apt-get install prometheus-alertmanager")
    with tempfile.TemporaryDirectory(prefix="concord-peer-") as made, FakeMailbox() as mail:
        peer = Peered(Path(made), mail, bench.load)
        try:
            yield peer
        finally:
            peer.close()


def killed(bench: Bench, tries: int) -> Iterator[Theirs]:
    """Die at any moment after it has taken all alerts; what comes after its new start, and after all alerts were posted once more."""
    with _peered(bench) as peer:
        peer.post()
        began = time.monotonic()
        while peer.running() and time.monotonic() - began < QUIET:
            time.sleep(0.002)
        span = time.monotonic() - began
    for _ in range(tries):
        with _peered(bench) as peer:
            peer.post()
            time.sleep(bench.rng.uniform(0, span))
            peer.kill()
            peer.start()
            lost, extra = peer.counted()
            peer.post()
            yield Theirs(lost, extra, *peer.counted())


def each_once(kind: str) -> Peer:
    """As many letters as of ours meet this fault once."""

    def play(bench: Bench, tries: int) -> Iterator[Theirs]:
        for _ in range(tries):
            with _peered(bench) as peer:
                peer.mail.fault(kind, how_many(kind, bench))
                peer.post()
                yield Theirs(*peer.counted(QUIET + HANG_SECONDS * kind.startswith("hang")))

    return play


def mail_server_restarted(bench: Bench, tries: int) -> Iterator[Theirs]:
    """The mail server goes away with all its connections while letters go out, and is there again a second later."""
    while tries:
        with _peered(bench) as peer:
            peer.post()
            if restarted(peer.mail, bench.rng.randrange(1, bench.load // 2), peer.running):
                tries -= 1
                yield Theirs(*peer.counted())
