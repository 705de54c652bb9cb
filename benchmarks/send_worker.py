"""One worker that only sends: ``python -m benchmarks.send_worker`` with the settings of an installation in its environment.

Drains the outbox until nothing is left to do (`--until-empty`), or until it is killed; at the end it prints its peak memory in MiB.
"""

from __future__ import annotations

import os
import sys
import time

from sqlalchemy import func, select

from benchmarks.memory import peak
from coordination.runtime import build
from foundation.config import Config
from foundation.outbox import FINAL, OutboxMessage
from foundation.policy import service


def main(arguments: list[str]) -> None:
    """Send."""
    runtime = build(Config.from_env(os.environ))
    left = select(func.count()).where(OutboxMessage.state.not_in((*FINAL, "sent")))
    while True:
        if runtime.sender.drain():
            continue
        if "--until-empty" in arguments:
            with runtime.worker.open(service("sender")) as session:
                if not session.scalar(left):
                    break
        time.sleep(0.02)
    print(peak(os.getpid()))
    runtime.close()


if __name__ == "__main__":
    main(sys.argv[1:])
