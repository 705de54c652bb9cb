"""Processes that tick, each with the real Ticker over a database of its own connections, moved on by the test and killed or frozen by it.

A child does one round when told what time it is, and answers whether it leads. `freeze_in` stops the child (SIGSTOP by itself) between
its claim of a slot and the work. Only the tests use this.
"""

import json
import os
import signal
from collections.abc import Callable
from datetime import datetime
from typing import Any

from coordination import jobs, ticking
from coordination.runtime import build
from coordination.ticking import Ticker
from foundation.config import Config
from tests.make import FakeClock

Made = Callable[[], None]


class Scheduler:
    """One child process."""

    def __init__(self, config: Config, at: datetime, freeze_in: str = "") -> None:
        down, self._send = os.pipe()
        self._receive, up = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                os.close(self._send)
                os.close(self._receive)
                _serve(config, at, freeze_in, os.fdopen(down), os.fdopen(up, "w", buffering=1))
            finally:
                os._exit(0)
        os.close(down)
        os.close(up)
        self._out, self._in = os.fdopen(self._send, "w", buffering=1), os.fdopen(self._receive)

    def tell(self, at: datetime) -> None:
        """Let it do a round at this moment."""
        self._out.write(json.dumps(at.isoformat()) + "\n")

    def answer(self) -> bool:
        """Wait for the end of its round; whether it leads."""
        line = self._in.readline()
        assert line, "the child is gone"
        return bool(json.loads(line))

    def round(self, at: datetime) -> bool:
        """Tell and wait."""
        self.tell(at)
        return self.answer()

    def wait_until_frozen(self) -> None:
        """Until it has stopped itself."""
        _, status = os.waitpid(self.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)

    def wake(self) -> None:
        """Let it run on."""
        os.kill(self.pid, signal.SIGCONT)

    @property
    def closed(self) -> bool:
        """Whether it has ended."""
        return self._in.closed

    def kill(self) -> None:
        """kill -9, if it is still there."""
        if not self.closed:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            self.close()

    def end(self) -> None:
        """Let it end by itself. It is told so: its brothers hold copies of the pipe, so closing it says nothing."""
        self._out.write("null\n")
        os.waitpid(self.pid, 0)
        self.close()

    def close(self) -> None:
        """Give the pipes back."""
        self._out.close()
        self._in.close()


def _serve(config: Config, at: datetime, freeze_in: str, told: Any, answers: Any) -> None:
    clock = FakeClock(at)
    runtime = build(config, clock)
    listed = tuple(_freezing(job) if job.name == freeze_in else job for job in jobs.JOBS)
    vars(ticking)["JOBS"] = listed
    ticker = Ticker(runtime, clock)
    while moment := json.loads(told.readline() or "null"):
        clock.at = datetime.fromisoformat(moment)
        ticker.keep_lead()
        ticker.round()
        for job in listed:
            if job.alone:
                ticker._try(job)
        answers.write(json.dumps(bool(ticker.lead)) + "\n")
    runtime.close()


def _freezing(job: jobs.Job) -> jobs.Job:
    def work(runtime: Any) -> int:
        os.kill(os.getpid(), signal.SIGSTOP)
        return job.work(runtime)

    return jobs.Job(job.name, work, job.every, job.alone)
