"""The rows of the fault table: what is done to a sender or to its providers, try after try.

What lives here: the faults. What does not: processes and clocks (fault_child.py), disks (fault_disk.py), what is promised (fault_table.py).
Only these use this module. Each try has a database, a Twilio and a mail server of its own, all on this machine.
"""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from benchmarks.fault_child import CALLS, Child, Clock, Missing, Told, calls_made, strace
from benchmarks.installation import Installation, Make
from benchmarks.outboxes import Filler
from foundation.config import Config
from tests.fakes import FakeMailbox, FakeTwilio
from tests.make import config_for

ARRIVED = ("sent", "delivered")
#: What the outbox says of a letter that its mail server refused for good.
REFUSED = ("failed", "undelivered")
HOUR = timedelta(hours=1)
#: How many messages a try has: at each call; where an hour goes by in rounds of seconds. Under load it is `Bench.load`.
FEW, SOME = 3, 4
#: Threads share the work anew each time, so it takes a few runs until one makes as many calls as were counted once.
CHANCES = 3


@dataclass(frozen=True)
class Outcome:
    """What one try came to: never taken or not known as sent; copies beyond the first; the most of one message; nobody's; seconds.

    `point`: the system call at which it died, where that is what was tried.
    """

    lost: int
    extra: int
    most: int
    strange: int
    resumed: float
    point: str = ""


class Twilio(FakeTwilio):
    """A Twilio that may be out of order until a moment, as its `outage`s come."""

    until: datetime | None = None
    outage: tuple[str, ...] = ("500_before", "429")

    def next_fault(self) -> str | None:
        """What an outage does to one request, or what was asked for."""
        if self.until and self.now() < self.until:
            return self.outage[len(self.requests) % len(self.outage)]
        return super().next_fault()


class Trial:
    """One try: messages that wait in the outbox of one installation, and the providers that will get them."""

    def __init__(self, town: Installation, channel: str, number: int, folder: Path) -> None:
        self.town, self.channel, self.folder = town, channel, folder
        filler = Filler(town, channel, number)
        self.keys = filler.put(number)
        filler.close()
        self._children: list[Child] = []
        self.clock = Clock()
        self.arrived: tuple[str, ...] = ARRIVED
        self.twilio, self.mail = Twilio(now=self.clock.now), FakeMailbox()

    def config(self, url: str = "") -> Config:
        """The settings of a sender of this installation; `url`: its database was moved there."""
        twilio = self.twilio
        return config_for(
            url or self.town.url, self.town.folder, smtp_url=self.mail.url, twilio_account_sid=twilio.account_sid,
            twilio_auth_tokens=(twilio.token,), twilio_from=twilio.numbers, twilio_api_base=twilio.url,
        )  # fmt: skip

    def child(self, before: Callable[[], Config] | None = None) -> Child:
        """A sender at its gate."""
        child = Child(self.config(), self.clock, self.folder / "told.json", before)
        self._children.append(child)
        return child

    def close(self) -> None:
        """Let no sender live on, whatever came of the try."""
        for child in self._children:
            child.close()

    def taken(self) -> int:
        """How many copies the providers have."""
        return len(self.mail.letters if self.channel == "email" else self.twilio.sent)

    def again(self, since: datetime) -> Outcome:
        """Start a sender that finishes what is left, and say what it all came to."""
        child = self.child()
        child.go()
        return self.outcome(child.told(), since)

    def outcome(self, told: Told, since: datetime) -> Outcome:
        """Compare what was to be sent, what the providers have, and what the outbox says; the fault was over at `since`."""
        copies = Counter(self._names())
        never = [key for key in self.keys if not copies[key] or told.states.get(key) not in self.arrived]
        most = max((copies[key] for key in self.keys), default=0)
        extra = sum(max(0, copies[key] - 1) for key in self.keys)
        return Outcome(
            len(never), extra, most, len(set(copies) - set(self.keys)), (told.ended - since).total_seconds()
        )

    def _names(self) -> list[str]:
        """Which message each copy is: by its callback, or by its Message-ID, which a second copy must share."""
        if self.channel == "email":
            return [
                str(mail.letter["Message-ID"]).strip("<>").partition("@")[0] for mail in self.mail.letters
            ]
        return [(sms.callback or "").rpartition("/")[2] for sms in self.twilio.sent]


@dataclass(frozen=True)
class Bench:
    """What a row's tries are made from; `died_at`: the system calls that were tried before."""

    make: Make
    channel: str
    folder: Path
    rng: random.Random
    load: int
    died_at: frozenset[str] = frozenset()

    @contextmanager
    def trial(self, number: int) -> Iterator[Trial]:
        """One try with so many messages."""
        trial = Trial(self.make(), self.channel, number, self.folder)
        with trial.twilio, trial.mail, closing(trial):
            yield trial


Play = Callable[[Bench, int], Iterator[Outcome]]


def killed_at_calls(bench: Bench, tries: int) -> Iterator[Outcome]:
    """Count the system calls of the send path; then die at the n-th of each kind, for a sample of them or for all."""
    log = bench.folder / "strace.log"
    with bench.trial(FEW) as trial:
        child = trial.child()
        tracer = strace(child.pid, log, "-e", f"trace={','.join(CALLS)}")
        child.go()
        child.told()
        tracer.wait()
    for call, n in points(bench, log, tries):
        for _ in range(CHANCES):
            with bench.trial(FEW) as trial:
                child = trial.child()
                if dies_at(child, log, call, n):
                    yield replace(trial.again(trial.clock.now()), point=f"{call} {n}")
                    break


def points(bench: Bench, log: Path, tries: int) -> list[tuple[str, int]]:
    """At most so many of the system calls that were counted there, without those that were tried before; one of each kind first."""
    turns: list[tuple[int, float, str, int]] = []
    for call, most in calls_made(log).items():
        left = [n for n in range(1, most + 1) if f"{call} {n}" not in bench.died_at]
        bench.rng.shuffle(left)
        turns += [(turn, bench.rng.random(), call, n) for turn, n in enumerate(left)]
    return [(call, n) for _, _, call, n in sorted(turns)[:tries]]


def dies_at(child: Child, log: Path, call: str, n: int) -> bool:
    """Let a child run that dies at the n-th call of this kind; False if none of its threads made so many."""
    tracer = strace(child.pid, log, *dying(call, n))
    child.go()
    died = child.ended() == -signal.SIGKILL
    tracer.wait()
    return died


def dying(call: str, n: int) -> tuple[str, ...]:
    """How strace is told to kill at the n-th call of this kind."""
    return "-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={n}"


def killed_at_random(bench: Bench, tries: int) -> Iterator[Outcome]:
    """Die at any moment of working off a full outbox."""
    with bench.trial(bench.load) as trial:
        child, began = trial.child(), time.monotonic()
        child.go()
        child.told()
        span = time.monotonic() - began
    while tries:
        with bench.trial(bench.load) as trial:
            child = trial.child()
            child.go()
            time.sleep(bench.rng.uniform(0, span))
            if child.kill():
                tries -= 1
                yield trial.again(trial.clock.now())


def out_of_order(*kinds: str) -> Play:
    """The provider answers so to everything for an hour, and then is itself again."""

    def play(bench: Bench, tries: int) -> Iterator[Outcome]:
        for _ in range(tries):
            with bench.trial(SOME) as trial:
                trial.twilio.outage = kinds
                trial.twilio.until = trial.clock.now() + HOUR
                yield trial.again(trial.twilio.until)

    return play


def gone(bench: Bench, tries: int) -> Iterator[Outcome]:
    """Nothing listens at the provider's address for an hour."""
    for _ in range(tries):
        with bench.trial(SOME) as trial:
            trial.twilio.go_down()
            back: list[datetime] = []
            until = trial.clock.now() + HOUR

            def come_back(trial: Trial = trial, until: datetime = until, back: list[datetime] = back) -> None:
                if not back and trial.clock.now() >= until:
                    trial.twilio.come_back()
                    back.append(trial.clock.now())

            child = trial.child()
            child.go()
            told = child.told(come_back)
            yield trial.outcome(told, back[0])


def how_many(kind: str, bench: Bench) -> int:
    """How many messages meet a fault: each third, or fewer where each costs a sender time."""
    return max(2, bench.load // (12 if kind.startswith("hang") and bench.channel == "email" else 3))


def each_once(kind: str, lag: float = 0) -> Play:
    """Each third message meets this fault once; what the provider took stands in its list only after `lag` seconds."""

    def play(bench: Bench, tries: int) -> Iterator[Outcome]:
        for _ in range(tries):
            with bench.trial(bench.load) as trial:
                trial.twilio.list_lag = timedelta(seconds=lag)
                server = trial.mail if bench.channel == "email" else trial.twilio
                server.fault(kind, how_many(kind, bench))
                if kind == "taken 550":
                    trial.arrived = (*ARRIVED, *REFUSED)
                yield trial.again(trial.clock.now())

    return play


def mail_server_restarted(bench: Bench, tries: int) -> Iterator[Outcome]:
    """The mail server goes away with all its connections while letters go out, and is there again a second later."""
    while tries:
        with bench.trial(bench.load) as trial:
            child = trial.child()
            with trial.clock.held():
                child.go()
                away = restarted(trial.mail, bench.rng.randrange(1, bench.load // 2), child.running)
                back = trial.clock.now()
            if away:
                tries -= 1
                yield trial.outcome(child.told(), back)


def restarted(mail: FakeMailbox, after: int, going: Callable[[], bool]) -> bool:
    """Stop a mail server when it has taken so many letters, and start it again; False if nobody was sending any more."""
    while len(mail.letters) < after and going():
        time.sleep(0.002)
    if not going():
        return False
    mail.go_down()
    time.sleep(1)
    mail.come_back()
    return True


__all__ = ["Bench", "Missing", "Outcome", "Play"]
