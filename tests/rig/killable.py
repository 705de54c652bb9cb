"""One whole journey in a child process that can be killed at any commit: report, score, warn, climb, review, feed back.

The child does what a person and the jobs would do, from the beginning, each time it is started: the same client-made id, the same clicks.
`kill` says at which commit of which phase of committing it dies (kill -9 of itself; nothing is cleaned up). Only the tests use this.
"""

import os
import random
import signal
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from sqlalchemy import event, select
from sqlalchemy.orm import Session

from committees import people, reports
from committees.people import Person
from committees.places import by_code
from coordination import review
from coordination.jobs import run_until_quiet
from coordination.runtime import Runtime, build
from foundation.config import Config
from foundation.policy import service
from tests.make import START, WARD, FakeClock

REPORT = uuid.UUID("5f0d7a52-5a4f-4a1e-9d35-5a4c1a1d0f11")


@dataclass(frozen=True)
class Kill:
    """Die at the nth commit (from 1), just before it or just after it."""

    number: int
    before: bool

    def __str__(self) -> str:
        return f"{'before' if self.before else 'after'}-commit-{self.number}"


def run_in_child(config: Config, kill: Kill | None, minutes: int) -> int:
    """Run the journey in a forked child and return how it ended: 0, or minus the signal. `minutes` start the clock later."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            _journey(config, kill, minutes)
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def count_commits(config: Config) -> int:
    """How many commits the whole journey makes, by running it once in this process: its children then know every statement."""
    counted = _Counter(None)
    _journey(config, None, 0, counted)
    return counted.number


class _Counter:
    def __init__(self, kill: Kill | None) -> None:
        self.kill, self.number = kill, 0

    def before(self, _session: Session) -> None:
        self.number += 1
        if self.kill and self.kill.before and self.number == self.kill.number:
            os.kill(os.getpid(), signal.SIGKILL)

    def after(self, _session: Session) -> None:
        if self.kill and not self.kill.before and self.number == self.kill.number:
            os.kill(os.getpid(), signal.SIGKILL)


def _journey(config: Config, kill: Kill | None, minutes: int, counter: _Counter | None = None) -> None:
    clock = FakeClock(START + timedelta(minutes=minutes))
    runtime = build(config, clock)
    runtime.rng = random.Random(7)
    counter = counter or _Counter(kill)
    event.listen(Session, "before_commit", counter.before)
    event.listen(Session, "after_commit", counter.after)
    try:
        _once(runtime, _report)
        run_until_quiet(runtime)
        for _ in range(3):
            clock.move(minutes=31)
            run_until_quiet(runtime)
        _once(runtime, _review)
        run_until_quiet(runtime)
    finally:
        event.remove(Session, "before_commit", counter.before)
        event.remove(Session, "after_commit", counter.after)
        runtime.close()


def _once(runtime: Runtime, act: Callable[[Runtime, Session], None]) -> None:
    with runtime.worker.open(service("seed"), write=True) as session:
        act(runtime, session)
        session.commit()


def _report(runtime: Runtime, session: Session) -> None:
    now = runtime.clock.now()
    place = by_code(session, WARD)
    who = session.scalars(select(Person).where(Person.code == "member1.mardan")).one()
    standing = people.standings_of(session, who.id)[0]
    source = reports.source_for(session, now, group=standing.committee_id, person_id=who.id)
    contact = people.contacts_of(session, who.id)[0]
    new = reports.NewReport(
        REPORT,
        place,
        "angry_crowd",
        START,
        "saw",
        "web",
        source,
        ongoing="yes",
        contact_point_id=contact.id,
        language="ur",
    )
    reports.record(session, now, new)


def _review(runtime: Runtime, session: Session) -> None:
    now = runtime.clock.now()
    officer = session.scalars(select(Person).where(Person.code == "police.mardan")).one()
    for escalation in review.waiting(session):
        decision = review.Decision(
            "take", "Two officers will speak with the elders tonight.", now + timedelta(hours=4)
        )
        review.decide(session, now, escalation, decision, person_id=officer.id)


def settings(url: str, keys: Path, twilio: object, mail: object) -> Config:
    """A test installation that speaks to these fakes."""
    from tests.make import config_for

    return config_for(
        url,
        keys,
        smtp_url=mail.url,  # type: ignore[attr-defined]
        twilio_account_sid=twilio.account_sid,  # type: ignore[attr-defined]
        twilio_auth_tokens=(twilio.token,),  # type: ignore[attr-defined]
        twilio_from=twilio.numbers,  # type: ignore[attr-defined]
        twilio_api_base=twilio.url,  # type: ignore[attr-defined]
    )
