"""A sender in a child process that can be killed, and what surrounds its death: a clock of its own, strace, a small disk.

What lives here: starting, killing and asking what became of the messages. What does not: which faults there are (fault_rows.py) and
judging (fault_table.py). Only the fault table uses this module. A child is forked, so that a try costs no start of Python.
"""

from __future__ import annotations

import ctypes
import json
import mmap
import os
import re
import shutil
import signal
import stat
import struct
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from alerts.channels import open_channels
from alerts.channels.base import Channel
from alerts.channels.email import Email
from alerts.channels.mail_server import parse_smtp_url
from alerts.channels.sms import Sms
from coordination.jobs import JOBS, run_job
from coordination.runtime import Runtime, build
from foundation.config import Config
from foundation.outbox import OutboxMessage
from foundation.policy import service

#: What the send path asks of the system, with all that a database file or a socket is written by.
CALLS = ("connect", "sendto", "recvfrom", "write", "pwrite64", "fdatasync", "fsync")
#: Longer than anything takes: whoever still runs then is stuck, and the try says so.
STUCK_SECONDS = 120.0
#: How long the SMS channel waits for an answer here; a drain waits longer, so nothing is under way when it has found nothing to do.
READ_SECONDS = 0.5
#: The same of a mail server, of which a busy machine must not make one that hangs: it cannot be asked what it took.
MAIL_SECONDS = 1.5
_DELIVER = next(job for job in JOBS if job.name == "deliver")
_NEWNS, _REC, _PRIVATE, _DETACH = 0x00020000, 0x4000, 0x40000, 2


class Missing(Exception):
    """A tool or a right that a row needs is not there; the words say which, and how to get it."""


class Clock:
    """The machine's clock and an offset that parent and children share: waiting for a lease or for a provider costs no time here."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, 9)

    @property
    def offset(self) -> float:
        """How many seconds were skipped."""
        return float(struct.unpack("d", self._memory[:8])[0])

    def now(self) -> datetime:
        """The time of this installation and of its providers."""
        return datetime.now(UTC) + timedelta(seconds=self.offset)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let nobody skip anything meanwhile: a second in which a server is away stays a second."""
        self._memory[8] = 1
        try:
            yield
        finally:
            self._memory[8] = 0

    def skip_to(self, moment: datetime) -> None:
        """Let it be that moment now, if it is not yet; while the clock is held, only wait a little."""
        if self._memory[8]:
            time.sleep(0.02)
            return
        ahead = (moment - self.now()).total_seconds()
        if ahead >= 0:
            self._memory[:8] = struct.pack("d", self.offset + ahead + 0.001)


@dataclass(frozen=True)
class Told:
    """What a sender that came to its end says: the state of each message, when it was done, how often the job failed on the way."""

    states: dict[str, str]
    ended: datetime
    failures: int


#: What a child does once its gate is open, made ready before; it returns how often something failed on the way.
Work = Callable[[Runtime, Clock], Callable[[], int]]


class Child:
    """One sender in a process of its own. It stands at a gate until `go`, so that only the send path is counted and killed."""

    def __init__(
        self,
        config: Config,
        clock: Clock,
        report: Path,
        before: Callable[[], Config] | None = None,
        work: Work | None = None,
    ) -> None:
        self._report = report
        report.unlink(missing_ok=True)
        ready_read, ready_write = os.pipe()
        go_read, go_write = os.pipe()
        sys.stdout.flush()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(ready_read)
            os.close(go_write)
            _let_go_of_sockets()
            _live(config, clock, report, before, work or sending, ready_write, go_read)
        os.close(ready_write)
        os.close(go_read)
        self._go = go_write
        self._status: int | None = None
        said = os.read(ready_read, 4000).decode()
        os.close(ready_read)
        if said != "ready":
            self.close()
            raise Missing(said) if said else RuntimeError("The sender died before it had begun.")

    def go(self) -> None:
        """Open the gate."""
        os.write(self._go, b"g")

    def kill(self) -> bool:
        """kill -9; False if it had come to its end before."""
        if self.running():
            os.kill(self.pid, signal.SIGKILL)
        return self.ended() == -signal.SIGKILL

    def close(self) -> None:
        """Let nothing of it be left."""
        self.kill()
        os.close(self._go)

    def running(self) -> bool:
        """Whether it has not ended yet."""
        if self._status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self._status = os.waitstatus_to_exitcode(status) if pid else None
        return self._status is None

    def ended(self, meanwhile: Callable[[], None] = lambda: None) -> int:
        """Wait for its end, calling `meanwhile` now and then; return its exit code, or minus the signal."""
        until = time.monotonic() + STUCK_SECONDS
        while self.running():
            meanwhile()
            if time.monotonic() > until:
                os.kill(self.pid, signal.SIGKILL)
                raise TimeoutError(f"The sender did not come to its end in {STUCK_SECONDS:.0f} seconds.")
            time.sleep(0.002)
        assert self._status is not None
        return self._status

    def told(self, meanwhile: Callable[[], None] = lambda: None) -> Told:
        """Wait for its end and return what it says; raise RuntimeError where it died instead."""
        code = self.ended(meanwhile)
        if code:
            raise RuntimeError(f"The sender ended with {code}.")
        said = json.loads(self._report.read_text(encoding="utf-8"))
        return Told(said["states"], datetime.fromisoformat(said["ended"]), said["failures"])


def _let_go_of_sockets() -> None:
    """In the child: have none of its parent's, or a provider that stops listening would go on doing so in here."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for name in os.listdir("/proc/self/fd"):
        with suppress(OSError):  # the listing's own is closed again
            if stat.S_ISSOCK(os.fstat(int(name)).st_mode):
                os.dup2(nothing, int(name))


def _live(
    config: Config,
    clock: Clock,
    report: Path,
    before: Callable[[], Config] | None,
    work: Work,
    ready: int,
    go: int,
) -> None:
    """The child's whole life; never returns."""
    code = 1
    try:
        try:
            config = before() if before else config
        except Missing as missing:
            os.write(ready, str(missing).encode())
            os._exit(0)
        runtime = build(config, clock, _channels(config))
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # its log is not the table
        act = work(runtime, clock)
        os.write(ready, b"ready")
        if not os.read(go, 1):
            os._exit(1)  # whoever would have opened the gate is gone
        failures = act()
        told = {"states": _states(runtime), "ended": clock.now().isoformat(), "failures": failures}
        report.write_text(json.dumps(told), encoding="utf-8")
        code = 0
    except BaseException:  # noqa: BLE001 -- said, and told by the exit code
        traceback.print_exc()
    finally:
        os._exit(code)


def sending(runtime: Runtime, clock: Clock) -> Callable[[], int]:
    """The work of a sender: send until nothing is left."""
    return lambda: _send_all(runtime, clock)


def _channels(config: Config) -> dict[str, Channel]:
    channels = open_channels(config)
    if config.twilio_account_sid:
        channels["sms"] = Sms(
            config.twilio_account_sid, config.twilio_auth_tokens[0], config.twilio_from, config.public_url,
            config.twilio_api_base, READ_SECONDS,
        )  # fmt: skip
    if config.smtp_url:
        channels["email"] = Email(
            parse_smtp_url(config.smtp_url), config.mail_from, config.public_url, MAIL_SECONDS
        )
    return channels


def _send_all(runtime: Runtime, clock: Clock) -> int:
    """Send until nothing is left, skipping the time in which there is nothing to do; like the ticker, go on after a failure."""
    failures = 0
    while True:
        try:
            if run_job(runtime, _DELIVER):
                continue
            with runtime.worker.open(service("sender")) as session:
                moment = _next(session)
            if moment is None:
                return failures
            clock.skip_to(moment)
        except Exception:  # noqa: BLE001 -- as the ticker does: its rows wait for the next round
            failures += 1
            time.sleep(0.05)


def _next(session: Session) -> datetime | None:
    """When there is something to do again; None: all is done."""
    open_rows = OutboxMessage.state.in_(("claimed", "sending", "unknown"))
    moments = (
        session.scalar(select(func.min(OutboxMessage.due_at)).where(OutboxMessage.state == "due")),
        session.scalar(select(func.min(OutboxMessage.lease_until)).where(open_rows)),
    )
    return min((moment for moment in moments if moment), default=None)


def _states(runtime: Runtime) -> dict[str, str]:
    with runtime.worker.open(service("sender")) as session:
        return {
            str(key): state for key, state in session.execute(select(OutboxMessage.id, OutboxMessage.state))
        }


def strace(pid: int, log: Path, *options: str) -> subprocess.Popen[bytes]:
    """Trace a process that waits; raise Missing where that cannot be done here."""
    if shutil.which("strace") is None:
        raise Missing("strace is not installed: apt-get install strace (or dnf install strace)")
    words = ["strace", "-f", "-qq", "-s", "0", "-o", str(log), *options, "-p", str(pid)]
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(words, stdout=said, stderr=said)
        status = Path(f"/proc/{pid}/status")
        while "TracerPid:\t0" in status.read_text(encoding="ascii"):
            if process.poll() is not None:
                said.seek(0)
                why = said.read().decode(errors="replace").strip()
                raise Missing(f"strace may not trace here ({why}): run as root, or with CAP_SYS_PTRACE")
            time.sleep(0.002)
    return process


def calls_made(log: Path) -> dict[str, int]:
    """How often one thread made each call at most, as strace counts them when it is told at which to kill."""
    made: Counter[tuple[str, str]] = Counter()
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
        if found := re.match(r"(\d+) +(\w+)\(", line):
            made[found[1], found[2]] += 1
    return {call: max(n for (_, c), n in made.items() if c == call) for call in sorted({c for _, c in made})}


def small_disk(folder: Path, size: int) -> None:
    """Mount a disk of so many bytes at `folder`, which only this process sees and which goes with it; raise Missing where it may not."""
    libc = ctypes.CDLL(None, use_errno=True)
    flags, size_said = ctypes.c_ulong(_REC | _PRIVATE), f"size={size}".encode()
    if (
        libc.unshare(_NEWNS)
        or libc.mount(None, b"/", None, flags, None)
        or libc.mount(b"tmpfs", os.fsencode(folder), b"tmpfs", ctypes.c_ulong(0), size_said)
    ):
        why = os.strerror(ctypes.get_errno())
        raise Missing(f"no disk of its own may be mounted here ({why}): run as root, or with CAP_SYS_ADMIN")


def put_away(folder: Path) -> None:
    """Take such a disk off again, with all that is on it."""
    ctypes.CDLL(None, use_errno=True).umount2(os.fsencode(folder), _DETACH)
