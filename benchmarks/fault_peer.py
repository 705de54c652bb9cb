"""Prometheus Alertmanager under the faults of our rows: as many notifications, to a mail server of the same kind or, beside SMS, to a webhook.

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
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks import alertmanager
from benchmarks.fault_child import CALLS, Missing, strace
from benchmarks.fault_disk import PAGE, fill, own_disk
from benchmarks.fault_hook import Hook
from benchmarks.fault_rows import CHANCES, FEW, SOME, Bench, dying, how_many, points, restarted
from benchmarks.installation import stop
from tests.fake_mailbox import HANG_SECONDS
from tests.fakes import FakeMailbox

#: Without a notification for so long nothing more is expected: it tries again after half a second, then after ever longer.
QUIET = 8.0
#: The same of one that was started anew: what it had in hand is gone with its memory.
QUIET_ANEW = 3.0
#: Once all are there: how long copies may follow.
AFTERWARDS = 2.0
#: An hour is not waited for: each five minutes it gives an attempt up and begins the next (`group_interval`).
OUTAGE, QUIET_AFTER_OUTAGE = 600.0, 330.0
#: How long it keeps alerts back where its death is to come while it sends, and not while it takes them.
HELD = "1s"
#: Room for it and what it writes.
DISK = 8 << 20
#: Go reads and writes sockets with these.
PEER_CALLS = (*CALLS, "read")


@dataclass(frozen=True)
class Theirs:
    """What one try of the peer came to: never taken, and copies beyond the first; and both again after all was posted once more."""

    lost: int
    extra: int
    lost_again: int = 0
    extra_again: int = 0


Peer = Callable[[Bench, int], Iterator[Theirs]]


class Peered:
    """One Alertmanager with a server of which each alert that is posted asks for one letter or post."""

    def __init__(self, folder: Path, server: FakeMailbox | Hook, number: int, wait: str) -> None:
        self.folder, self.server, self.number = folder, server, number
        if isinstance(server, Hook):
            alertmanager.configure(folder, "sms", server.port, wait)
        else:
            alertmanager.configure(folder, "smtp", urlsplit(server.url).port or 0, wait)
        self.start()

    def start(self) -> None:
        """Start it, on what it has on its disk."""
        self._process, self._port = alertmanager.start(self.folder)
        self.pid = self._process.pid

    def post(self) -> None:
        """Post all alerts; it has taken them when this returns."""
        alertmanager.post(self._port, 0, self.number)

    def kill(self) -> None:
        """kill -9."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def died(self) -> bool:
        """Whether it was killed."""
        return self._process.poll() is not None

    def sending(self) -> bool:
        """Whether anything is still to be sent."""
        return len(self._taken()) < self.number

    def counted(self, quiet: float = QUIET, hangs: float = 0) -> tuple[int, int]:
        """Wait until nothing more comes or it is dead, and count: (never taken, copies beyond the first).

        `hangs`: how long its server may keep it waiting before it sends again.
        """
        seen, since = -1, time.monotonic()
        while time.monotonic() - since < hangs + (AFTERWARDS if self._all_taken() else quiet):
            if self.died():
                break
            if len(self._taken()) != seen:
                seen, since = len(self._taken()), time.monotonic()
            time.sleep(0.05)
        copies = Counter(self._taken())
        return self.number - len(copies), copies.total() - len(copies)

    def _all_taken(self) -> bool:
        return len(set(self._taken())) == self.number

    def again(self) -> Theirs:
        """Start it after its death, and count; then post all once more, and count again."""
        self.start()
        lost, extra = self.counted(QUIET_ANEW)
        self.post()
        return Theirs(lost, extra, *self.counted())

    def _taken(self) -> list[str]:
        if isinstance(self.server, Hook):
            return self.server.keys
        subjects = [str(mail.letter["Subject"]) for mail in self.server.letters]
        return [found[1] for subject in subjects if (found := re.search(alertmanager.KEY, subject))]

    def close(self) -> None:
        """End it."""
        stop([self._process])


@contextmanager
def _peered(bench: Bench, number: int = 0, wait: str = "0s", folder: Path | None = None) -> Iterator[Peered]:
    """One with so many alerts to come (or as many as ours has messages), and the server that our channel of this row has."""
    if not alertmanager.installed():
        raise Missing("Alertmanager is not installed: apt-get install prometheus-alertmanager")
    with ExitStack() as stack:
        made = folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="concord-peer-")))
        server: FakeMailbox | Hook = FakeMailbox() if bench.channel == "email" else Hook()
        stack.enter_context(server)
        peer = Peered(made, server, number or bench.load, wait)
        stack.callback(peer.close)
        yield peer


def killed(bench: Bench, tries: int) -> Iterator[Theirs]:
    """Die at any moment after it has taken all alerts; what comes after its new start, and after all alerts were posted once more."""
    with _peered(bench) as peer:
        peer.post()
        began = time.monotonic()
        while peer.sending() and time.monotonic() - began < QUIET:
            time.sleep(0.002)
        span = time.monotonic() - began
    for _ in range(tries):
        with _peered(bench) as peer:
            peer.post()
            time.sleep(bench.rng.uniform(0, span))
            peer.kill()
            yield peer.again()


def killed_at_calls(bench: Bench, tries: int) -> Iterator[Theirs]:
    """Count its system calls from when it has taken all alerts until it has told of them; then die at the n-th of each kind."""
    log = bench.folder / "strace-peer.log"
    with _peered(bench, FEW, HELD) as peer:
        peer.post()
        tracer = strace(peer.pid, log, "-e", f"trace={','.join(PEER_CALLS)}")
        peer.counted()
        peer.kill()
        tracer.wait()
    for call, n in points(bench, log, tries):
        for _ in range(CHANCES):
            with _peered(bench, FEW, HELD) as peer:
                peer.post()
                tracer = strace(peer.pid, log, *dying(call, n))
                peer.counted()
                died = peer.died()
                if died:
                    yield peer.again()
                peer.kill()
                tracer.wait()
            if died:
                break


def each_once(kind: str) -> Peer:
    """As many notifications as of ours meet this fault once."""

    def play(bench: Bench, tries: int) -> Iterator[Theirs]:
        for _ in range(tries):
            with _peered(bench) as peer:
                peer.server.fault(kind, how_many(kind, bench))
                peer.post()
                yield Theirs(*peer.counted(hangs=HANG_SECONDS if kind.startswith("hang") else 0))

    return play


def out_of_order(*kinds: str) -> Peer:
    """Its webhook is answered so, or nothing listens there if there are no kinds, for a long time; all tries at once."""

    def play(bench: Bench, tries: int) -> Iterator[Theirs]:
        with ExitStack() as stack:
            peers = [stack.enter_context(_peered(bench, SOME)) for _ in range(tries)]
            hooks = [peer.server for peer in peers if isinstance(peer.server, Hook)]
            for hook in hooks:
                hook.outage = kinds
                if not kinds:
                    hook.go_down()
            for peer in peers:
                peer.post()
            time.sleep(OUTAGE)
            for hook in hooks:
                hook.outage = ()
                if not kinds:
                    hook.come_back()
            for peer in peers:
                yield Theirs(*peer.counted(QUIET_AFTER_OUTAGE))

    return play


def mail_server_restarted(bench: Bench, tries: int) -> Iterator[Theirs]:
    """The mail server goes away with all its connections while letters go out, and is there again a second later."""
    while tries:
        with _peered(bench) as peer:
            peer.post()
            assert isinstance(peer.server, FakeMailbox)
            if restarted(peer.server, bench.rng.randrange(1, bench.load // 2), peer.sending):
                tries -= 1
                yield Theirs(*peer.counted())


def disk_full(bench: Bench, tries: int) -> Iterator[Theirs]:
    """Its disk is full while it sends; later there is room again."""
    for _ in range(tries):
        with own_disk(DISK) as disk, _peered(bench, folder=disk) as peer:
            fill(disk / "ballast", PAGE * bench.rng.randrange(16))
            peer.post()
            peer.counted()
            (disk / "ballast").unlink()
            yield Theirs(*peer.counted())
