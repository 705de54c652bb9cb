"""The worker's side of what-if: does one slice of the run whose turn it is, and keeps it. Called by jobs.py only.

Reading and counting happen in a session that only reads, so that nobody waits for it; keeping what came of it is one short write.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.exc import OperationalError

from alerts import replay_runs
from coordination.runtime import Runtime
from foundation.logs import log
from foundation.policy import service


def work(runtime: Runtime) -> int:
    """Do one slice of the open run whose turn it is; return 1, or 0 where none is open."""
    with runtime.worker.open(service("engine")) as session:
        run = replay_runs.next_open(session)
        if run is None:
            return 0
        key, done = run.id, run.done
        try:
            part = replay_runs.slice_of(session, run)
        except Exception as error:  # noqa: BLE001 -- a run that cannot be done must not hold up the others, and its asker must hear of it
            return _give_up(runtime, key, error)
    try:
        with runtime.worker.open(service("engine"), write=True) as session:
            replay_runs.keep(session, runtime.clock.now(), key, done, part)
            session.commit()
    except OperationalError:
        raise  # the database is busy or away: the slice comes again
    except Exception as error:  # noqa: BLE001 -- what cannot be counted or stored today cannot be tomorrow
        return _give_up(runtime, key, error)
    return 1


def _give_up(runtime: Runtime, key: UUID, error: Exception) -> int:
    problem = type(error).__name__
    log().error("replay_failed", run=str(key), error_type=problem)
    with runtime.worker.open(service("engine"), write=True) as session:
        replay_runs.fail(session, runtime.clock.now(), key, problem)
        session.commit()
    return 1
