"""The database layer on both databases: aware moments, one writer at a time, claims that one caller wins, nothing kept without a commit."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError, StatementError

from coordination import schema
from foundation import journal
from foundation.db import Database, claim, new_id
from foundation.jobs import Heartbeat, JobRun, Setting, beat
from foundation.journal import Entry
from foundation.migrate import upgrade
from foundation.policy import service
from tests.rig.databases import Databases

assert schema.ROOMS
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
KEEPER = service("keeper")


@pytest.fixture
def database(databases: Databases) -> Iterator[Database]:
    opened = Database(databases.template("schema", upgrade))
    yield opened
    opened.close()


def at_once(works: list[Callable[[], None]]) -> None:
    """Run these in threads of their own, and fail for whatever one of them raises."""
    errors: list[BaseException] = []

    def guarded(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []


def put(database: Database, at: datetime) -> Entry:
    with database.open(KEEPER, write=True) as session:
        entry = Entry(at=at, action="x", object_kind="page")
        session.add(entry)
        session.commit()
        return entry


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
    max_examples=20,
)
@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)),
    st.timedeltas(-timedelta(hours=14), timedelta(hours=14)),
)
def test_a_moment_comes_back_as_it_was_and_in_utc(
    database: Database, naive: datetime, offset: timedelta
) -> None:
    moment = naive.replace(tzinfo=timezone(timedelta(minutes=offset // timedelta(minutes=1))))
    key = put(database, moment).id
    with database.open(KEEPER) as session:
        found = session.get_one(Entry, key).at
        assert found == moment
        assert found.tzinfo is UTC
        assert session.scalars(select(Entry.id).where(Entry.at == moment, Entry.id == key)).all() == [key]


def test_a_naive_moment_is_refused(database: Database) -> None:
    with pytest.raises(StatementError, match="naive"):
        put(database, datetime(2026, 11, 24))  # noqa: DTZ001


def test_nothing_is_kept_without_a_commit(database: Database) -> None:
    with database.open(KEEPER, write=True) as session:
        session.add(Entry(at=NOW, action="x", object_kind="page"))
        session.flush()
    with database.open(KEEPER) as session:
        assert session.scalar(select(func.count()).select_from(Entry)) == 0


def test_one_caller_wins_a_claim(database: Database) -> None:
    key, start, won = put(database, NOW).id, threading.Barrier(8), []

    def grab(name: str) -> None:
        start.wait(10)
        with database.open(KEEPER, write=True) as session:
            if claim(session, Entry, key, {"service": None, "outcome": "done"}, {"service": name}):
                won.append(name)
            session.commit()

    threads = [threading.Thread(target=grab, args=(str(n),)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(won) == 1
    with database.open(KEEPER) as session:
        assert session.get_one(Entry, key).service == won[0]


def test_a_claim_on_what_has_changed_is_lost(database: Database) -> None:
    key = put(database, NOW).id
    with database.open(KEEPER, write=True) as session:
        assert not claim(session, Entry, key, {"outcome": "other"}, {"action": "y"})
        assert not claim(session, Entry, new_id(), {"outcome": "done"}, {"action": "y"})
        assert claim(session, Entry, key, {"outcome": "done", "seq": None}, {"action": "y"})


def test_many_writers_lose_nothing(database: Database) -> None:
    """Each reads, then writes: on SQLite that would fail under load if writes did not say so beforehand."""
    with database.open(KEEPER, write=True) as session:
        session.add(Setting(key="count", value="0"))
        session.commit()

    def add() -> None:
        for _ in range(5):
            with database.open(KEEPER, write=True) as session:
                row = session.scalars(select(Setting).where(Setting.key == "count").with_for_update()).one()
                row.value = str(int(row.value) + 1)
                session.commit()

    at_once([add] * 6)
    with database.open(KEEPER) as session:
        assert session.get_one(Setting, "count").value == "30"


def test_a_reader_does_not_wait_for_a_writer(database: Database) -> None:
    put(database, NOW)
    with database.open(KEEPER, write=True) as writer:
        writer.add(Entry(at=NOW, action="y", object_kind="page"))
        writer.flush()
        with database.open(KEEPER) as reader:
            assert reader.scalars(select(Entry.action)).all() == ["x"]


def test_letters_of_every_script_stay_readable(database: Database) -> None:
    from committees.people import Organisation

    names = {"ur": "مردان", "dv": "މާލެ", "en": "Mardan"}
    with database.open(service("seed"), write=True) as session:
        session.add(Organisation(code="x", names=names))
        session.commit()
        stored = session.connection().exec_driver_sql("select cast(names as text) from organisation").scalar()
    assert "مردان" in str(stored)
    with database.open(service("seed")) as session:
        assert session.scalars(select(Organisation)).one().names == names


def test_a_row_that_points_nowhere_is_refused(database: Database) -> None:
    from committees.people import Term

    with database.open(service("seed"), write=True) as session:
        session.add(Term(office_id=new_id(), person_id=new_id(), since=NOW))
        with pytest.raises(IntegrityError):
            session.flush()


def test_ids_are_random_and_leak_no_time() -> None:
    made = [new_id() for _ in range(100)]
    assert {key.version for key in made} == {4}
    assert made != sorted(made)


def test_a_slot_of_a_job_is_taken_once(database: Database) -> None:
    from foundation.jobs import take_slot

    taken = []
    for moment in (NOW, NOW, NOW + timedelta(seconds=59), NOW + timedelta(seconds=60)):
        with database.open(KEEPER, write=True) as session:
            taken.append(take_slot(session, moment, "tidy", 60))
            session.commit()
    assert taken == [True, False, False, True]
    with database.open(KEEPER) as session:
        assert session.scalar(select(func.count()).select_from(JobRun)) >= 1
    assert journal.START == "0" * 64


def test_processes_that_begin_at_the_same_moment_are_all_heard_from(database: Database) -> None:
    begun = threading.Barrier(4)

    def start(second: int) -> None:
        with database.open(KEEPER, write=True) as session:
            if not database.is_sqlite:  # there a writer waits for the one before
                session.get(Heartbeat, "worker")
                begun.wait(60)
            beat(session, NOW + timedelta(seconds=second), "worker")
            session.commit()

    at_once([partial(start, second) for second in range(4)])
    with database.open(KEEPER) as session:
        assert NOW <= session.get_one(Heartbeat, "worker").at < NOW + timedelta(seconds=4)
