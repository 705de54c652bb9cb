"""kill -9 of the whole process at any commit, before it or after it, loses nothing; no SMS goes out twice."""

import random
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from alerts.alert import Acknowledgement, Alert
from alerts.escalation import Escalation
from alerts.routing import Delivery
from committees.incidents import Incident
from coordination.feedback import Feedback
from coordination.review import Review
from coordination.runtime import build
from foundation import journal
from foundation.outbox import OutboxMessage
from foundation.policy import service
from tests.fakes import FakeMailbox, FakeTwilio
from tests.make import BY_THE_CALENDAR, START, FakeClock, build_template
from tests.rig import killable
from tests.rig.databases import Databases
from tests.rig.killable import Kill

SHORT = 5


def kill_points(commits: int, most: int | None) -> list[Kill]:
    """Every commit of the journey, before and after; a seeded sample of them in the short form."""
    points = [Kill(number, before) for number in range(1, commits + 1) for before in (True, False)]
    return (
        points
        if most is None
        else sorted(random.Random(commits).sample(points, min(most, len(points))), key=str)
    )


@pytest.fixture
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.getbasetemp() / "town_keys"
    folder.mkdir(exist_ok=True)
    return folder


def fresh(databases: Databases, keys: Path) -> str:
    return databases.template("town", lambda url: build_template(url, keys))


def check(url: str, keys: Path, twilio: FakeTwilio, mail: FakeMailbox) -> None:
    """One of everything, everything delivered, nothing twice by SMS, no letter more than twice for the one crash.

    Outcomes are written down by batches, and nobody can ask a mail server what became of a letter: those of one batch may go again.
    """
    runtime = build(killable.settings(url, keys, twilio, mail), FakeClock(START), {})
    with runtime.worker.open(service("seed"), write=True) as session:
        counts = {
            entity.__name__: session.scalar(select(func.count()).select_from(entity))
            for entity in (Incident, Alert, Escalation, Review, Feedback, Acknowledgement)
        }
        assert counts == {
            "Incident": 1,
            "Alert": 1,
            "Escalation": 1,
            "Review": 1,
            "Feedback": 1,
            "Acknowledgement": 1,
        }
        # What the calendar brings may wait for its hour of the day; what follows from the report may not.
        rows = [
            row
            for row in session.scalars(select(OutboxMessage))
            if not (row.state == "due" and row.template in BY_THE_CALENDAR)
        ]
        assert {row.state for row in rows} <= {"sent", "delivered"}, Counter(
            (r.channel, r.state, r.error) for r in rows
        )
        assert {d.state for d in session.scalars(select(Delivery))} <= {"sent", "delivered"}
        by_channel = Counter(row.channel for row in rows)
        journal.seal(session, limit=10_000)
        assert journal.verify(session).first_bad is None
        session.rollback()
    runtime.close()
    copies = twilio.copies()
    assert sum(copies.values()) == by_channel["sms"]
    letters = Counter(str(one.letter["Message-ID"]) for one in mail.letters)
    assert len(letters) == by_channel["email"]
    assert max(letters.values()) <= 2


def run(databases: Databases, keys: Path, most: int | None) -> None:
    with FakeTwilio(now=lambda: START + timedelta(minutes=1)) as twilio, FakeMailbox() as mail:
        commits = killable.count_commits(killable.settings(fresh(databases, keys), keys, twilio, mail))
    assert commits > 20
    for kill in kill_points(commits, most):
        url = fresh(databases, keys)
        with FakeTwilio(now=lambda: START + timedelta(minutes=1)) as twilio, FakeMailbox() as mail:
            config = killable.settings(url, keys, twilio, mail)
            assert killable.run_in_child(config, kill, 0) == -9, kill
            # Its last requests may still be on their way. In life half a minute passes before anybody looks them up; here none does.
            twilio.finish()
            # Whoever starts it again has no list of what was done: the same clicks, five minutes later.
            assert killable.run_in_child(config, None, 5) == 0, kill
            check(url, keys, twilio, mail)


def test_a_sample_of_kills(databases: Databases, keys: Path) -> None:
    run(databases, keys, SHORT)


@pytest.mark.long
def test_every_kill(databases: Databases, keys: Path) -> None:
    run(databases, keys, None)
