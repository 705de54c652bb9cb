"""The web process is killed at random while several clients send it reports, and the worker while it has a lot of them to work off.

What lives here: the server, its clients and the kills. What does not: what is counted afterwards (fault_web.py), what is promised
(fault_table.py). Only benchmarks/fault_table.py imports this module. The server is the one of `concord serve`, over a real socket.
"""

from __future__ import annotations

import http.client
import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from benchmarks.fault_child import Child, Clock
from benchmarks.fault_rows import Bench, Outcome
from benchmarks.fault_web import TAKEN, Posting, Working, worked_off
from benchmarks.installation import Installation, free_port, wait_for
from benchmarks.load import Request
from coordination.app import create_app
from coordination.commands.run import Server, _options
from coordination.runtime import Runtime

CLIENTS = 4


class Serving(Posting):
    """One try of the web process: a server, and clients that each send report after report and note what was answered."""

    def __init__(self, town: Installation, folder: Path, number: int) -> None:
        super().__init__(town, folder, number)
        self.port = free_port()
        self._act = self._serve

    def _serve(self, runtime: Runtime, _clock: Clock) -> Callable[[], int]:
        def serve() -> int:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # its log is not the table's
            Server(
                _options("127.0.0.1", self.port, 1, CLIENTS), lambda: create_app(runtime.config), False
            ).run()
            return 0

        return serve

    def sent(self) -> list[str]:
        """Send all reports until they are all answered or the server dies; return which were answered with 2xx."""
        with ThreadPoolExecutor(CLIENTS) as pool:
            return [
                key
                for part in pool.map(self._sent_by_one, [self.reports[n::CLIENTS] for n in range(CLIENTS)])
                for key in part
            ]

    def _sent_by_one(self, mine: list[Request]) -> list[str]:
        line, answered = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60), list[str]()
        with suppress(OSError, http.client.HTTPException):
            for report in mine:
                line.request("POST", report.path, report.body, dict(report.headers))
                answer = line.getresponse()
                answer.read()
                if answer.status not in TAKEN:
                    raise RuntimeError(f"A report was answered with {answer.status}.")
                answered.append(report.name)
        line.close()
        return answered


def _opened(child: Child, port: int) -> None:
    child.go()
    wait_for(f"http://127.0.0.1:{port}/healthz")


def _kill_all(child: Child) -> None:
    """kill -9 of a server and of the processes that it serves from."""
    children = Path(f"/proc/{child.pid}/task/{child.pid}/children").read_text(encoding="ascii").split()
    child.kill()
    for process in children:
        with suppress(ProcessLookupError):
            os.kill(int(process), signal.SIGKILL)


def web_killed(bench: Bench, tries: int) -> Iterator[Outcome]:
    """Die at any moment while several clients send reports; then another one takes them all again, with the ids that they had."""

    def begin() -> Serving:
        return Serving(bench.make(), bench.folder, bench.load // 4)

    serving = begin()
    with serving.child() as child:
        _opened(child, serving.port)
        began = time.monotonic()
        answered = len(serving.sent())
        span = time.monotonic() - began
        _kill_all(child)
    if answered != len(serving.reports):
        raise AssertionError(
            f"{answered} of {len(serving.reports)} reports were answered by a server that nobody killed."
        )
    while tries:
        serving = begin()
        with serving.child() as child, ThreadPoolExecutor(1) as beside:
            _opened(child, serving.port)
            sending = beside.submit(serving.sent)
            time.sleep(bench.rng.uniform(0, span))
            _kill_all(child)
            since, acknowledged = serving.clock.now(), sending.result()
        if len(acknowledged) == len(serving.reports):
            continue  # all was answered before
        tries -= 1
        before = serving.stored()
        with serving.child() as child:
            _opened(child, serving.port)
            again, ended = serving.sent(), serving.clock.now()
            _kill_all(child)
        if len(again) != len(serving.reports):
            raise AssertionError("The second server did not take all reports.")
        yield serving.compared(before, acknowledged, since, ended)


def worker_killed(bench: Bench, tries: int) -> Iterator[Outcome]:
    """Die at any moment between a lot of stored reports and an outbox with their alerts' messages."""
    wanted, span = worked_off(bench)
    while tries:
        working = Working(bench.make(), bench.folder)
        with working.child() as child:
            child.go()
            time.sleep(bench.rng.uniform(0, span))
            killed = child.kill()
        if killed:
            tries -= 1
            yield working.finished(wanted, working.clock.now())
