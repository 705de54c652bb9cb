"""Reply codes: short, random, one a phone and subject, never an emergency number, rested for thirty days, closed after five wrong tries."""

from __future__ import annotations

import random
import uuid
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from committees import reply_codes
from committees.people import ContactPoint
from committees.reply_codes import EMERGENCY, LOCK, REST, TRIES, ReplyCode
from tests.make import Town

RNG = random.Random(1)


def phone(session: Session) -> uuid.UUID:
    return session.scalars(select(ContactPoint.id).order_by(ContactPoint.id)).first() or uuid.uuid4()


def give(
    town: Town,
    session: Session,
    *,
    digits: int = 2,
    never: frozenset[str] = frozenset(),
    subject: uuid.UUID | None = None,
) -> str:
    key = subject or uuid.uuid4()
    return reply_codes.give(
        session, town.clock.now(), RNG, phone(session), "alert", key, digits=digits, never=never
    )


@pytest.mark.parametrize("digits", [2, 3])
def test_a_code_has_its_digits_and_never_begins_with_nought(town: Town, digits: int) -> None:
    with town.session() as session:
        for _ in range(40):
            code = give(town, session, digits=digits)
            assert len(code) == digits
            assert code[0] != "0"
            assert code not in EMERGENCY


def test_a_subject_keeps_its_code(town: Town) -> None:
    key = uuid.uuid4()
    with town.session() as session:
        assert give(town, session, subject=key) == give(town, session, subject=key)


def test_every_free_code_is_given_once_and_then_a_longer_one(town: Town) -> None:
    never = frozenset({"20", "21"})
    with town.session() as session:
        free = {str(n) for n in range(10, 100)} - EMERGENCY - never
        given = [give(town, session, never=never) for _ in free]
        assert set(given) == free
        for _ in range(30):
            code = give(town, session, never=never)
            assert len(code) == 3
            assert code not in EMERGENCY
            assert code not in given
            given.append(code)


def test_a_code_rests_for_thirty_days_and_longer_while_it_is_open(town: Town) -> None:
    with town.session() as session:
        kept = uuid.uuid4()
        first = give(town, session, subject=kept)
        never = frozenset(str(n) for n in range(10, 100)) - {first}
        assert len(give(town, session, never=never)) == 3
        town.clock.move(days=REST.days + 1)
        assert (
            len(give(town, session, never=never)) == 3
        )  # the alert is still open: the code would answer two things
        reply_codes.close(session, town.clock.now(), "alert", kept)
        session.flush()
        assert give(town, session, never=never) == first


def test_open_codes_are_the_newest_first_and_without_the_closed(town: Town) -> None:
    with town.session() as session:
        keys = [uuid.uuid4() for _ in range(3)]
        for key in keys:
            give(town, session, subject=key)
            town.clock.move(minutes=1)
        reply_codes.close(session, town.clock.now(), "alert", keys[1])
        session.flush()
        assert [code.subject_id for code in reply_codes.open_on(session, phone(session))] == [
            keys[2],
            keys[0],
        ]


def test_five_wrong_codes_close_the_door_for_a_quarter_of_an_hour(town: Town) -> None:
    now = town.clock.now()
    code = ReplyCode(code="42", kind="alert", subject_id=uuid.uuid4(), given_at=now, wrong=0)
    assert [reply_codes.wrong_try(now, [code]) for _ in range(TRIES)] == [False] * (TRIES - 1) + [True]
    assert code.locked_until == now + LOCK == now + timedelta(minutes=15)
    assert reply_codes.wrong_try(now + LOCK - timedelta(seconds=1), [code])
    assert not reply_codes.wrong_try(now + LOCK, [code])


def test_a_wrong_code_where_none_is_open_closes_nothing(town: Town) -> None:
    assert not reply_codes.wrong_try(town.clock.now(), [])
