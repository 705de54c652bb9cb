"""Everything that runs by itself, as one ordered list of plain, level-triggered functions. ticking.py calls them.

Each job looks at rows and does what is due; running one twice, late, or in two processes at once does no harm. Jobs with a period are the
leader's: it claims a row (job, slot) first and proves with each commit that it still leads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from itertools import chain, repeat
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy.orm import Session

from alerts import (
    alarming,
    asking_again,
    calibrating,
    cap_messages,
    drills,
    engine,
    escalation,
    failover,
    inspecting,
    lateness,
    learning,
    line_checks,
    readiness,
    reconciling,
    releasing,
    reweighing,
    webhooks,
    what_to_do,
)
from committees import accounts, confirming, public_holidays, ring_me, vouching
from coordination import (
    asking_check_ins,
    catching_up,
    collecting,
    contact_errands,
    desk_clock,
    errands,
    feedback,
    fetching_notes,
    heartbeat,
    inbound,
    late_calls,
    lines_view,
    probing,
    replaying,
    unnamed_intake,
)
from coordination.runtime import Runtime
from foundation import journal, leading
from foundation.jobs import slot_of, take_slot
from foundation.leading import Lead
from foundation.logs import log
from foundation.policy import service

Work = Callable[[Runtime], int]
# With whose fence the periodic job that runs now must commit; none for one that every process may run.
_fence: ContextVar[Lead | None] = ContextVar("fence", default=None)


@dataclass(frozen=True)
class Job:
    """One job: its name, what it does, and its period in seconds (0: on every tick and wake-up).

    `alone`: it has a thread of its own, so that nothing urgent waits for it and it waits for nothing.
    """

    name: str
    work: Work
    every: int = 0
    alone: bool = False


def _in_session(name: str, function: Callable[..., int], *, rng: bool = False) -> Work:
    def work(runtime: Runtime) -> int:
        with runtime.worker.open(service(name), write=True) as session:
            done = function(session, runtime.clock.now(), *([runtime.rng] if rng else []))
            commit(session)
            return done

    return work


def commit(session: Session) -> None:
    """Commit what a job did; raise Fenced, and keep nothing, where its process led the periodic jobs and no longer does."""
    if lead := _fence.get():
        leading.prove(session, lead)
    session.commit()


def _together_or_apart(
    name: str, function: Callable[..., int], each: Callable[..., list[UUID]], *, rng: bool = False
) -> Work:
    """Work for all at once; where that fails, for each of `each` in a transaction of its own.

    So one row that is wrong holds up no other for ever. The error is raised again at the end: the ticker logs it.
    """
    together = _in_session(name, function, rng=rng)

    def work(runtime: Runtime) -> int:
        try:
            return together(runtime)
        except Exception:
            with runtime.worker.open(service(name)) as session:
                keys = each(session, runtime.clock.now())
            _apart(
                runtime,
                function.__name__,
                keys,
                lambda key: _in_session(name, partial(function, only=key), rng=rng),
            )
            raise

    return work


def _apart(runtime: Runtime, name: str, keys: Iterable[UUID], work_of: Callable[[UUID], Work]) -> None:
    for key in keys:
        try:
            work_of(key)(runtime)
        except Exception as error:  # noqa: BLE001 -- the next one is somebody else's
            log().error("row_failed", job=name, row=str(key), error_type=type(error).__name__)


def _reassess(runtime: Runtime) -> int:
    """Assess again what is stale, as many places as there are within a bound, in a transaction for each batch.

    A batch that fails is done place by place. The last error is raised again at the end: the ticker logs it.
    """
    failed: Exception | None = None
    with runtime.worker.open(service("engine")) as session:
        keys = engine.stale(session, runtime.clock.now(), engine.MOST_STALE)

    def work_of(*batch: UUID) -> Work:
        return _in_session("engine", partial(engine.reassess, place_ids=batch), rng=True)

    for begin in range(0, len(keys), engine.BATCH):
        batch = keys[begin : begin + engine.BATCH]
        try:
            work_of(*batch)(runtime)
        except Exception as error:  # noqa: BLE001 -- whatever is wrong with one place, the others are looked at
            failed = error
            _apart(runtime, "reassess_stale", batch, work_of)
    if failed:
        raise failed
    return len(keys)


def _public_holidays(runtime: Runtime) -> int:
    if not runtime.config.public_holidays:
        return 0
    with runtime.worker.open(service("keeper")) as session:
        wanted = public_holidays.ask_ahead(session, runtime.clock.now())
    for country, year in wanted:
        public_holidays.lists_of(country, year)
    with runtime.worker.open(service("keeper"), write=True) as session:
        done = public_holidays.enter(session, runtime.clock.now())
        commit(session)
        return done


def _publish_cap(runtime: Runtime) -> int:
    url = runtime.config.public_url
    with runtime.worker.open(service("engine"), write=True) as session:
        done = cap_messages.publish(
            session, runtime.clock.now(), sender=urlsplit(url).hostname or "localhost", public_url=url
        )
        session.commit()
        return done


def _feed_webhooks(runtime: Runtime) -> int:
    with runtime.worker.open(service("engine"), write=True) as session:
        done = webhooks.feed(session, runtime.clock.now(), runtime.web.open)
        session.commit()
        return done


def _probe(runtime: Runtime) -> int:
    if not runtime.config.probe_to:
        return 0
    with runtime.worker.open(service("keeper"), write=True) as session:
        done = probing.go_round(
            session, runtime.clock.now(), runtime.config.probe_to, runtime.config.probe_minutes
        )
        commit(session)
        return done


JOBS: tuple[Job, ...] = (
    Job("catch_up", catching_up.work, every=catching_up.EVERY),
    Job("read_inbound", inbound.work),
    Job("fetch_notes", fetching_notes.work, alone=True),
    Job("tell_unread", _in_session("intake", desk_clock.tell_unread)),
    Job("take_in_unnamed", _together_or_apart("intake", unnamed_intake.work, unnamed_intake.waiting)),
    Job("take_up_profiles", _together_or_apart("engine", reweighing.take_up, reweighing.to_take_up)),
    Job("score_pending", _together_or_apart("engine", engine.score_pending, engine.places_pending, rng=True)),
    Job("release_held", _in_session("engine", releasing.release, rng=True)),
    Job("climb_due", _in_session("engine", escalation.climb_due, rng=True)),
    Job("ask_again", _in_session("engine", asking_again.ask_again, rng=True)),
    Job("pass_on_late", _in_session("engine", lateness.pass_on_late, rng=True)),
    Job("failover", _together_or_apart("engine", failover.pass_on, failover.waiting, rng=True)),
    Job(
        "send_what_to_do", _together_or_apart("engine", what_to_do.send_behind, what_to_do.waiting, rng=True)
    ),
    Job("errands", errands.work),
    Job("feedback", _together_or_apart("feedback", feedback.work, feedback.waiting)),
    Job("keep_promises", _in_session("feedback", feedback.keep_promise), every=1800),
    Job("deliver", lambda runtime: runtime.sender.drain(), alone=True),
    Job("seal_journal", _in_session("keeper", lambda session, _: journal.seal(session))),
    Job("collect", collecting.work, every=60, alone=True),
    Job("check_lines", lines_view.check, every=int(line_checks.EVERY.total_seconds()), alone=True),
    Job("publish_cap", _publish_cap),
    Job("feed_webhooks", _feed_webhooks),
    Job("change_numbers", _in_session("engine", confirming.take_effect), every=60),
    Job("forget_codes", _in_session("engine", confirming.forget), every=600),
    Job("tell_lost_contacts", _in_session("engine", contact_errands.tell_lost), every=300),
    Job("confirm_again", _in_session("engine", contact_errands.ask_again, rng=True), every=86_400),
    Job("drills", _in_session("engine", drills.run_due, rng=True), every=60),
    Job("keep_readiness", _in_session("engine", readiness.keep), every=20),
    Job("probe", _probe, every=60),
    Job("watch_rumours", _in_session("intake", desk_clock.watch_rumours), every=desk_clock.EVERY),
    Job("inspect", _in_session("keeper", inspecting.inspect), every=60),
    Job("tell_alarms", _in_session("keeper", alarming.tell_alarms), every=60),
    Job("heartbeat", heartbeat.work, every=60),
    Job("end_expired", _in_session("engine", escalation.end_expired), every=60),
    Job("reassess_stale", _reassess, every=engine.LOOK_EVERY, alone=True),
    Job("public_holidays", _public_holidays, every=86_400),
    Job("calibrate", _in_session("engine", calibrating.calibrate), every=3600),
    Job("reconcile_sums", _in_session("engine", reconciling.reconcile)),
    Job("forget_ways_back", _in_session("keeper", feedback.forget), every=3600),
    Job("forget_numbers_to_ring", _in_session("keeper", ring_me.forget), every=3600),
    Job("forget_vouched_numbers", _in_session("engine", vouching.forget), every=86_400),
    Job("learn", _together_or_apart("engine", learning.learn, learning.to_learn), every=900),
    Job("replay", replaying.work, alone=True),
    Job("ask_check_ins", _in_session("engine", asking_check_ins.ask), every=300),
    Job("tell_silent", _in_session("engine", asking_check_ins.tell_silent, rng=True), every=3600),
    Job("remind_of_calls", _in_session("engine", late_calls.remind), every=60),
    Job("forget_answers", _in_session("keeper", accounts.forget_answers), every=3600),
)


def run_job(runtime: Runtime, job: Job, lead: Lead | None = None) -> int:
    """Run one job if its slot is free; return how much it did. Raise Fenced where `lead` has gone to another process meanwhile.

    An error comes again: rows wait for it. Without a `lead` (a command, a test, Procrastinate) the slot alone says who runs it.
    """
    if job.every:
        with runtime.worker.open(service("keeper"), write=True) as session:
            mine = take_slot(session, runtime.clock.now(), job.name, job.every, lead)
            session.commit()
        if not mine:
            return 0
    token = _fence.set(lead if job.every else None)
    try:
        done = job.work(runtime)
    finally:
        _fence.reset(token)
    if done:
        log().info("job", job=job.name, rows=done)
    return done


def run_until_quiet(runtime: Runtime, most: int = 50, slots: set[tuple[str, int]] | None = None) -> int:
    """Run every job in order until none has found work since it last ran; return how much was done. For tests, commands and the demonstration.

    Who calls it again and again keeps `slots`: what was asked for once is taken, and stays so.
    """
    total, idle, slots = 0, 0, set() if slots is None else slots
    for job in chain.from_iterable(repeat(JOBS, most)):
        slot = (job.name, slot_of(runtime.clock.now(), job.every)) if job.every else None
        done = 0 if slot in slots else run_job(runtime, job)
        if slot:
            slots.add(slot)
        total += done
        idle = 0 if done else idle + 1
        if idle == len(JOBS):
            break
    return total
