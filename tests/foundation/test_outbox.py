"""The outbox: one row per effect, written with the decision it tells of; addresses and codes stand sealed."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from coordination import schema
from foundation import outbox
from foundation.crypto import Cipher
from foundation.db import Database
from foundation.migrate import upgrade
from foundation.outbox import FINAL, STATES, OutboxMessage
from foundation.policy import service
from tests.rig.databases import Databases

assert schema.ROOMS
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
SENDER = service("sender")


@pytest.fixture
def database(databases: Databases, tmp_path: Path) -> Iterator[Database]:
    opened = Database(databases.template("schema", upgrade), Cipher.from_folder(tmp_path, "secret"))
    yield opened
    opened.close()


def put(database: Database, key: str = "one", **fields: Any) -> OutboxMessage:
    with database.open(SENDER, write=True) as session:
        values = {"channel": "sms", "template": "alert", "slots": {"level": 4}, **fields}
        message = outbox.put(session, NOW, effect_key=key, **values)
        session.commit()
        return message


def test_a_message_is_due_at_once_in_the_ordinary_lane(database: Database) -> None:
    message = put(database)
    assert (message.state, message.due_at, message.lane, message.attempts, message.fence) == (
        "due",
        NOW,
        outbox.ORDINARY,
        0,
        0,
    )


def test_one_effect_is_one_message_and_the_first_stays(database: Database) -> None:
    first = put(database, slots={"level": 4})
    again = put(database, slots={"level": 5}, due_at=NOW + timedelta(days=1))
    assert (again.id, again.slots, again.due_at) == (first.id, {"level": 4}, NOW)
    with database.open(SENDER) as session:
        assert session.scalar(select(func.count()).select_from(OutboxMessage)) == 1


def test_the_database_itself_refuses_a_second_row_for_one_effect(database: Database) -> None:
    put(database)
    with database.open(SENDER, write=True) as session:
        session.add(
            OutboxMessage(
                effect_key="one", channel="sms", template="alert", slots={}, due_at=NOW, created_at=NOW
            )
        )
        with pytest.raises(IntegrityError):
            session.flush()


def test_two_receivers_in_one_transaction_are_two_messages(database: Database) -> None:
    with database.open(SENDER, write=True) as session:
        keys = {
            outbox.put(session, NOW, effect_key=key, channel="sms", template="alert", slots={}).id
            for key in ("a", "b", "a")
        }
        session.commit()
    assert len(keys) == 2


def test_an_address_and_a_code_are_never_stored_in_clear(database: Database) -> None:
    message = put(database, address="+923009990001", secret="493817")
    cipher = database.cipher
    assert cipher.open("outbox.address", message.id, message.address_sealed) == "+923009990001"
    assert cipher.open("outbox.secret", message.id, message.secret_sealed) == "493817"
    with database.open(SENDER) as session:
        row = dict(session.execute(select(*OutboxMessage.__table__.columns)).one()._mapping)
    assert not [name for name, value in row.items() if "9990001" in str(value) or "493817" in str(value)]


def test_who_is_known_needs_no_address(database: Database) -> None:
    message = put(database, contact_point_id=uuid.uuid4())
    assert (message.address_sealed, message.secret_sealed) == (None, None)


def test_a_message_goes_with_the_decision_or_not_at_all(database: Database) -> None:
    with database.open(SENDER, write=True) as session:
        outbox.put(session, NOW, effect_key="lost", channel="sms", template="alert", slots={})
        session.rollback()
    with database.open(SENDER) as session:
        assert session.scalar(select(func.count()).select_from(OutboxMessage)) == 0


def test_final_states_are_states_and_none_waits() -> None:
    assert set(FINAL) < set(STATES)
    assert not set(FINAL) & {"due", "claimed", "sending", "sent", "unknown"}
    assert outbox.URGENT < outbox.ORDINARY < outbox.SLOW
