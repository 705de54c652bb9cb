"""The record: whatever is changed, removed, swapped or cut off is found, and two sealers at once leave one whole chain."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from coordination import schema
from foundation import journal
from foundation.db import Database
from foundation.journal import START, Entry
from foundation.migrate import upgrade
from foundation.policy import Principal, service
from tests.rig.databases import Databases

assert schema.ROOMS
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
ENTRIES = 12


@pytest.fixture
def database(databases: Databases) -> Iterator[Database]:
    opened = Database(databases.template("schema", upgrade))
    yield opened
    opened.close()


def write(database: Database, count: int, start: int = 0) -> None:
    with database.open(service("keeper"), write=True) as session:
        for n in range(start, start + count):
            at = NOW + timedelta(seconds=n)
            journal.record(
                session, at, f"act:{n}", "incident", uuid.uuid4(), locality_id=uuid.uuid4() if n % 2 else None
            )
        session.commit()


def seal(database: Database, limit: int = 1000) -> int:
    with database.open(service("keeper"), write=True) as session:
        done = journal.seal(session, limit)
        session.commit()
        return done


def verdict(database: Database, head: str | None = None) -> journal.Verdict:
    with database.open(service("keeper")) as session:
        return journal.verify(session, head)


def tamper(database: Database, *statements: Any) -> None:
    with database.open(service("keeper"), write=True) as session:
        for statement in statements:
            session.execute(statement.execution_options(synchronize_session=False))
        session.commit()


def test_an_entry_names_who_acted_and_never_what_was_said(database: Database) -> None:
    person = uuid.uuid4()
    with database.open(Principal(person_id=person), write=True) as session:
        journal.record(session, NOW, "look", "incident", uuid.uuid4())
        session.commit()
        entry = session.scalars(select(Entry)).one()
        assert (entry.actor_id, entry.service, entry.outcome, entry.seq) == (person, None, "done", None)


def test_a_whole_record_is_found_whole(database: Database) -> None:
    write(database, ENTRIES)
    with database.open(service("keeper")) as session:
        assert journal.unsealed(session) == ENTRIES
    assert seal(database, limit=5) == 5
    assert [seal(database), seal(database)] == [ENTRIES - 5, 0]
    found = verdict(database)
    assert (found.entries, found.first_bad) == (ENTRIES, None)
    assert found.head != START
    assert verdict(database, found.head).first_bad is None


def test_an_empty_record_is_whole(database: Database) -> None:
    assert verdict(database) == journal.Verdict(0, START)


CHANGES: dict[str, Any] = {
    "at": NOW + timedelta(days=1),
    "actor_id": uuid.uuid4(),
    "service": "somebody",
    "action": "nothing",
    "object_kind": "alert",
    "object_id": uuid.uuid4(),
    "locality_id": uuid.uuid4(),
    "outcome": "refused",
    "policy_version": "0",
    "prev": "f" * 64,
    "hash": "e" * 64,
    "id": uuid.uuid4(),
    "seq": 99,
}


def test_every_column_is_under_the_seal() -> None:
    assert set(CHANGES) == {column.name for column in Entry.__table__.columns}


@pytest.mark.parametrize("seq", [1, 6, ENTRIES])
def test_any_edit_is_found(database: Database, seq: int) -> None:
    write(database, ENTRIES)
    seal(database)
    for column, value in CHANGES.items():
        with database.open(service("keeper"), write=True) as session:
            session.execute(
                update(Entry)
                .where(Entry.seq == seq)
                .values({column: value})
                .execution_options(synchronize_session=False)
            )
            found = journal.verify(session)
            assert found.first_bad == seq, (column, found)


@pytest.mark.parametrize("seq", [1, 6, ENTRIES - 1])
def test_a_missing_entry_is_found(database: Database, seq: int) -> None:
    write(database, ENTRIES)
    seal(database)
    tamper(database, delete(Entry).where(Entry.seq == seq))
    assert verdict(database).first_bad == seq
    # Closing the gap by counting anew does not help.
    for n in range(seq + 1, ENTRIES + 1):
        tamper(database, update(Entry).where(Entry.seq == n).values(seq=n - 1))
    assert verdict(database).first_bad == seq


def test_two_entries_that_change_places_are_found(database: Database) -> None:
    write(database, ENTRIES)
    seal(database)
    moves = [(4, 1000), (7, 4), (1000, 7)]
    tamper(database, *(update(Entry).where(Entry.seq == a).values(seq=b) for a, b in moves))
    assert verdict(database).first_bad == 4


def test_a_cut_tail_is_found_by_whoever_kept_the_head(database: Database) -> None:
    write(database, ENTRIES)
    seal(database)
    head = verdict(database).head
    tamper(database, delete(Entry).where(Entry.seq > ENTRIES - 3))
    assert (
        verdict(database).first_bad is None
    )  # the honest limit: without a witness a shorter chain looks whole
    assert verdict(database, head).first_bad == ENTRIES - 2


def test_a_rewritten_record_does_not_reach_the_head_that_was_kept(database: Database) -> None:
    write(database, ENTRIES)
    seal(database)
    head = verdict(database).head
    tamper(
        database,
        update(Entry).where(Entry.seq == 3).values(action="nothing"),
        update(Entry).values(seq=None, prev=None, hash=None),
    )
    seal(database)
    assert verdict(database).first_bad is None
    assert verdict(database, head).first_bad is not None


def test_a_kept_head_stays_good_while_the_record_grows(database: Database) -> None:
    write(database, 3)
    seal(database)
    head = verdict(database).head
    write(database, 3, start=3)
    seal(database)
    assert verdict(database, head).first_bad is None


def test_the_hash_is_of_the_moment_and_not_of_the_zone_it_was_told_in(database: Database) -> None:
    with database.open(service("keeper"), write=True) as session:
        journal.record(session, NOW.astimezone(timezone(timedelta(hours=5))), "act", "incident", None)
        journal.seal(session)
        session.commit()
    assert verdict(database) == journal.Verdict(1, verdict(database).head)


def test_two_sealers_at_once_leave_one_whole_chain(database: Database) -> None:
    """The second begins before the first has committed, and another entry comes in between."""
    write(database, ENTRIES)
    reading, commit = threading.Event(), threading.Event()
    failures: list[BaseException] = []

    def first() -> None:
        with database.open(service("keeper"), write=True) as session:
            journal.seal(session)
            reading.set()
            commit.wait(0.5)
            session.commit()

    def second() -> None:
        reading.wait(10)
        if not database.is_sqlite:
            write_early(database)
        try:
            seal(database)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=first), threading.Thread(target=second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert failures == []
    write(database, 1, start=100)
    seal(database)
    found = verdict(database)
    assert found.first_bad is None, found
    assert found.entries == ENTRIES + (1 if database.is_sqlite else 2)


def write_early(database: Database) -> None:
    """One more entry, older than all others, as a slow transaction leaves it behind."""
    with database.open(service("keeper"), write=True) as session:
        journal.record(session, NOW - timedelta(hours=1), "late", "incident", uuid.uuid4())
        session.commit()


def test_what_was_sealed_is_never_sealed_again(database: Database) -> None:
    write(database, 5)
    seal(database)
    with database.open(service("keeper")) as session:
        before = sealed(session)
    write_early(database)
    seal(database)
    with database.open(service("keeper")) as session:
        assert sealed(session)[:5] == before


def sealed(session: Session) -> list[tuple[int | None, str | None]]:
    return [
        (e.seq, e.hash)
        for e in session.scalars(select(Entry).where(Entry.seq.is_not(None)).order_by(Entry.seq))
    ]
