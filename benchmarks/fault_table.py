"""The rows of the fault table: what is promised in each, what its tries came to, and whether that keeps the promise.

What lives here: the promises and the judging. What does not: the faults themselves (fault_rows.py, fault_web.py) and running and printing
(faults.py). Only benchmarks/faults.py and its test import this module.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from benchmarks import fault_disk, fault_load, fault_peer
from benchmarks import fault_rows as rows
from benchmarks.fault_peer import Peer, Theirs
from benchmarks.fault_web import reported, web_killed, worker_killed
from benchmarks.installation import ENGINES, Fill, people

COLUMNS = (
    "what goes wrong",
    "tries",
    "LOST",
    "DUPLICATED",
    "resumed in",
    "Alertmanager: tries",
    "LOST",
    "DUPLICATED",
)
WIDTHS = (58, 5, 4, 10, 10, 19, 4, 10)
SQLITE, POSTGRESQL = ENGINES
CALLS, RANDOM = "calls", "random"
#: What a provider answers that is out of order.
REFUSING = ("500_before", "429")
#: As many tries as there are points to die at.
ALL = 10_000
#: How many reports wait for a worker: for each an alert is made.
REPORTED = reported(6)


@dataclass(frozen=True)
class Row:
    """One fault, its tries (quick, long), and what is promised: so many copies of one message at most, and seconds until all goes on.

    Of some the quick form makes none. `kills`: how a process dies in each try, at "calls" of the system or at "random" moments; these
    are counted together. `peer`: what is done to Alertmanager for comparison; None where it has no such thing, or is not tried.
    `filled`: what the database has before.
    """

    name: str
    engine: str
    channel: str
    play: rows.Play
    tries: tuple[int, int]
    copies: int = 1
    within: float = 30.0
    kills: str = ""
    peer: Peer | None = None
    filled: Fill = people

    @property
    def full_name(self) -> str:
        """What goes wrong, and with which database."""
        return f"{self.name}, {self.engine}"

    @property
    def peer_tries(self) -> int:
        """How often the peer is tried in the long form; its seconds are real ones."""
        return {CALLS: 30, RANDOM: 10}.get(self.kills, 3)


def _at_calls(what: str, engine: str, channel: str, play: rows.Play, quick: int, **more: Any) -> Row:
    return Row(
        f"kill -9 at the n-th system call, {what}", engine, channel, play, (quick, ALL), kills=CALLS, **more
    )


def _at_random(
    what: str, engine: str, channel: str, play: rows.Play, tries: tuple[int, int], **more: Any
) -> Row:
    return Row(f"kill -9 at random under load, {what}", engine, channel, play, tries, kills=RANDOM, **more)


def _sms(name: str, play: rows.Play, long: int = 10, **more: Any) -> Row:
    return Row(name, SQLITE, "sms", play, (1, long), **more)


def _sms_once(name: str, kind: str) -> Row:
    return _sms(name, rows.each_once(kind), peer=fault_peer.each_once(kind))


def _mail(name: str, play: rows.Play, peer: Peer, copies: int = 2, **more: Any) -> Row:
    return Row(name, SQLITE, "email", play, (1, 10), copies, peer=peer, **more)


def _mail_once(name: str, kind: str, copies: int = 2, **more: Any) -> Row:
    return _mail(name, rows.each_once(kind), fault_peer.each_once(kind), copies, **more)


ROWS = (
    _at_calls("SMS", SQLITE, "sms", rows.killed_at_calls, 6, peer=fault_peer.killed_at_calls),
    _at_calls("SMS", POSTGRESQL, "sms", rows.killed_at_calls, 4),
    _at_calls("e-mail", SQLITE, "email", rows.killed_at_calls, 2, copies=2, peer=fault_peer.killed_at_calls),
    _at_calls("web process", SQLITE, "api", web_killed, 1),
    _at_calls("web process", POSTGRESQL, "api", web_killed, 0),
    _at_calls("worker", SQLITE, "api", worker_killed, 1, filled=REPORTED),
    _at_calls("worker", POSTGRESQL, "api", worker_killed, 0, filled=REPORTED),
    _at_random("SMS", SQLITE, "sms", rows.killed_at_random, (1, 100), peer=fault_peer.killed),
    _at_random("SMS", POSTGRESQL, "sms", rows.killed_at_random, (1, 100)),
    _at_random("e-mail", SQLITE, "email", rows.killed_at_random, (1, 100), copies=2, peer=fault_peer.killed),
    _at_random("web process", SQLITE, "api", fault_load.web_killed, (1, 25)),
    _at_random("web process", POSTGRESQL, "api", fault_load.web_killed, (0, 25)),
    _at_random("worker", SQLITE, "api", fault_load.worker_killed, (0, 25), filled=REPORTED),
    _at_random("worker", POSTGRESQL, "api", fault_load.worker_killed, (0, 25), filled=REPORTED),
    _sms(
        "provider refuses for an hour (500, 429)",
        rows.out_of_order(*REFUSING),
        5,
        within=600.0,
        peer=fault_peer.out_of_order(*REFUSING),
    ),  # fmt: skip
    _sms(
        "provider is gone for an hour (connection refused)",
        rows.gone,
        5,
        within=600.0,
        peer=fault_peer.out_of_order(),
    ),  # fmt: skip
    _sms_once("provider hangs before accepting", "hang_before"),
    _sms_once("provider hangs after accepting", "hang_after"),
    _sms_once("provider answers 500 after accepting", "500_after"),
    _sms_once("provider's answer is lost", "drop_after"),
    _sms_once("provider's answer cannot be read", "garbled"),
    _sms("answer lost, and listed 15 s later", rows.each_once("drop_after", 15)),
    _sms("answer lost, and listed 2 min later", rows.each_once("drop_after", 120), copies=2),
    _mail_once("mail server refuses for now (451)", "letter 451", copies=1, within=600.0),
    _mail_once("mail server hangs up before taking a letter", "drop_before"),
    _mail_once("mail server's answer is lost", "drop_after"),
    _mail_once("mail server hangs before taking a letter", "hang_before", within=600.0),
    _mail_once("mail server hangs after taking a letter", "hang_after", within=600.0),
    _mail_once("mail server takes a letter and answers 451", "taken 451", within=600.0),
    _mail_once("mail server takes a letter and answers 550", "taken 550", copies=1),
    _mail(
        "mail server stopped and started again", rows.mail_server_restarted, fault_peer.mail_server_restarted
    ),
    Row("database killed and started again", POSTGRESQL, "sms", fault_disk.database_restarted, (1, 10)),
    Row(
        "disk full, later room again",
        SQLITE,
        "sms",
        fault_disk.disk_full,
        (1, 20),
        within=60.0,
        peer=fault_peer.disk_full,
    ),  # fmt: skip
    Row(
        "disk full, later room again", POSTGRESQL, "sms", fault_disk.disk_full_of_server, (0, 20), within=60.0
    ),
)


@dataclass
class Sum:
    """What all tries of a row came to; `missing` and `no_peer`: why ours or the peer's could not be made here."""

    row: Row
    tries: int = 0
    lost: int = 0
    extra: int = 0
    most: int = 0
    strange: int = 0
    resumed: float = 0.0
    missing: str = ""
    theirs: list[Theirs] = field(default_factory=list)
    no_peer: str = ""

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
        if self.missing:
            return self.row.full_name, "none", "-", "-", "-", *self._peer_cells
        ours = str(self.tries), str(self.lost), str(self.extra), f"{self.resumed:.1f} s"
        return self.row.full_name, *ours, *self._peer_cells

    @property
    def _peer_cells(self) -> tuple[str, str, str]:
        if self.row.peer is None:
            beside = any(row.peer for row in ROWS if row.name == self.row.name)
            return f"as with {SQLITE}" if beside else "not applicable", "", ""
        if not self.theirs:
            return "none", "-", "-"
        lost, extra = sum(one.lost for one in self.theirs), sum(one.extra for one in self.theirs)
        return str(len(self.theirs)), str(lost), str(extra)

    @property
    def posted_again(self) -> str:
        """What became of the peer's alerts when all were posted once more; an empty text where they were not."""
        if not self.row.kills or not self.theirs:
            return ""
        lost = sum(one.lost_again for one in self.theirs)
        return f"all posted once more: LOST {lost}, DUPLICATED {sum(one.extra_again for one in self.theirs)}"
