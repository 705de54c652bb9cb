"""Three schedulers at once do each thing once; a leader that dies is replaced within 30 s; a frozen one that wakes up writes nothing."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest
from sqlalchemy import create_engine, select

from alerts.alert import Alert
from alerts.routing import Delivery
from coordination.runtime import build
from foundation.config import Config
from foundation.db import Base, Database
from foundation.jobs import JobRun
from foundation.leading import LEASE, Leader
from foundation.outbox import OutboxMessage
from foundation.policy import service
from tests.make import BY_THE_CALENDAR, START, FakeClock, build_template, config_for, make_town
from tests.rig.databases import Databases
from tests.rig.schedulers import Scheduler

TICK = timedelta(seconds=5)  # how often a process looks whether it may lead


@pytest.fixture
def config(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Config:
    keys = tmp_path_factory.getbasetemp() / "town_keys"
    keys.mkdir(exist_ok=True)
    return config_for(databases.template("town", lambda url: build_template(url, keys)), keys)


@contextmanager
def schedulers(config: Config, number: int, at: datetime = START, **first: str) -> Iterator[list[Scheduler]]:
    made = [Scheduler(config, at, **(first if n == 0 else {})) for n in range(number)]
    try:
        yield made
        for one in made:
            if not one.closed:
                one.end()
    finally:
        for one in made:
            one.kill()


def raise_alert(config: Config) -> None:
    """One alert of level 4 that nobody answers."""
    town = make_town(config.database_url, config.data)
    town.report()
    town.runtime.close()


def content(config: Config) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table."""
    engine = create_engine(config.database_url)
    with engine.connect() as connection:
        found = {
            name: sorted(map(tuple, connection.execute(select(table)).all()), key=repr)
            for name, table in Base.metadata.tables.items()
        }
    engine.dispose()
    return found


@contextmanager
def reading(config: Config) -> Iterator[Database]:
    runtime = build(config, FakeClock(), {})
    yield runtime.worker
    runtime.close()


def test_three_schedulers_at_once_do_each_thing_once(config: Config) -> None:
    raise_alert(config)
    with schedulers(config, 3) as three:
        for number in range(10):
            at = START + timedelta(minutes=4) * number
            for one in three:
                one.tell(at)
            leading = [one.answer() for one in three]
            assert sum(leading) == 1
    with reading(config) as database, database.open(service("seed")) as session:
        alert = session.scalars(select(Alert)).one()
        assert alert.step == 1  # half an hour without an answer: the ladder has climbed once
        told = Counter(
            (row.alert_id, row.person_id, row.channel, row.step, row.template)
            for row in session.scalars(select(Delivery))
        )
        assert told
        assert set(told.values()) == {1}
        due = OutboxMessage.template.not_in(BY_THE_CALENDAR)  # that waits for its hour of the day
        assert set(session.scalars(select(OutboxMessage.attempts).where(due))) == {1}
        slots = session.scalars(select(JobRun).where(JobRun.job == "end_expired")).all()
        assert len(slots) == 10  # one minute a round, whoever led


def test_a_leader_that_is_killed_is_replaced_within_thirty_seconds(config: Config) -> None:
    with schedulers(config, 2) as (first, second):
        assert first.round(START)
        assert not second.round(START)
        first.kill()
        assert not second.round(START + LEASE - TICK)
        assert second.round(START + LEASE + TICK)
        assert timedelta(seconds=30) >= LEASE + TICK
    with reading(config) as database, database.open(service("seed")) as session:
        assert session.scalars(select(Leader.fence)).one() == 2
        slots = session.scalars(select(JobRun).where(JobRun.job == "end_expired").order_by(JobRun.at)).all()
        assert [row.fence for row in slots] == [1]  # the minute that the first one had done is not done again


def test_a_frozen_leader_that_wakes_up_writes_nothing(config: Config) -> None:
    raise_alert(config)
    later = START + timedelta(hours=30)
    with schedulers(config, 2, later, freeze_in="end_expired") as (frozen, other):
        frozen.tell(later)  # it claims the minute and freezes before it ends what has expired
        frozen.wait_until_frozen()
        for _ in range(4):  # until nothing is left to do at this moment
            assert other.round(later + timedelta(minutes=1))
        before = content(config)
        frozen.wake()
        assert not frozen.answer()
        after = content(config)
    changed = [name for name in after if after[name] != before[name]]
    assert changed in ([], ["heartbeat"])  # that it is awake is all that it may say
