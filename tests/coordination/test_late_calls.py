"""A call that nobody made in time: the secretary is reminded, then the chair, once each, sooner where it is urgent; a flood is one message."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from committees.call_backs import CallBack
from committees.people import ContactPoint
from committees.places import by_code
from coordination import late_calls
from foundation.db import new_id
from foundation.outbox import OutboxMessage
from tests.make import WARD, Town

ON_SQLITE = pytest.mark.parametrize("databases", ["sqlite"], indirect=True)


def ask(town: Town, within: timedelta, withheld: str = "") -> CallBack:
    with town.session(write=True) as session:
        now = town.clock.now()
        call = CallBack(
            id=new_id(),
            locality_id=by_code(session, WARD).id,
            why="half_told",
            asked_at=now,
            due_at=now + within,
            withheld_from=withheld,
        )
        session.add(call)
        return call


def wait(town: Town, minutes: int) -> list[tuple[str, int]]:
    """Some minutes pass; who was reminded since the test began, of how many calls."""
    town.clock.move(minutes=minutes)
    with town.session("engine", write=True) as session:
        late_calls.remind(session, town.clock.now())
        late_calls.remind(session, town.clock.now())
    with town.session("engine") as session:
        rows = select(OutboxMessage).where(OutboxMessage.template == "call_late")
        names = {
            town.person(session, code).id: code.partition(".")[0]
            for code in ("secretary.mardan", "chair.mardan")
        }
        return [
            (names[session.get_one(ContactPoint, row.contact_point_id).person_id], row.slots["count"])
            for row in session.scalars(rows.order_by(OutboxMessage.created_at))
        ]


SECRETARY, CHAIR = ("secretary", 1), ("chair", 1)


def test_an_urgent_call_reminds_soon_and_each_step_once(town: Town) -> None:
    call = ask(town, timedelta(minutes=5))
    assert wait(town, 9) == []
    assert wait(town, 1) == [SECRETARY]
    desk = town.browser("secretary.mardan")
    assert "was due 5 minutes ago" in desk.open("/desk")
    assert "5 minutes ago" in desk.open(f"/desk/call/{call.id}")
    assert wait(town, 9) == [SECRETARY]
    assert wait(town, 1) == [SECRETARY, CHAIR]
    assert wait(town, 600) == [SECRETARY, CHAIR]


@ON_SQLITE
def test_an_ordinary_call_waits_longer_and_one_that_was_made_is_let_be(town: Town) -> None:
    call = ask(town, timedelta(minutes=30))
    assert wait(town, 59) == []
    assert wait(town, 1) == [SECRETARY]
    desk = town.browser("secretary.mardan")
    desk.open(f"/desk/call/{call.id}")
    desk.send(f"/desk/call/{call.id}", how="reached")
    assert wait(town, 600) == [SECRETARY]


@ON_SQLITE
def test_a_flood_is_one_message_and_what_the_committee_must_not_know_is_none(town: Town) -> None:
    ask(town, timedelta(minutes=5), withheld="committee")
    assert wait(town, 60) == []
    for _ in range(120):
        ask(town, timedelta(minutes=5))
    assert wait(town, 10) == [("secretary", 99)]
    for _ in range(3):
        ask(town, timedelta(minutes=5))
    assert wait(town, 11) == [
        ("secretary", 99),
        ("chair", 99),
    ]  # the three new ones wait until the last word is older
    assert wait(town, 31) == [("secretary", 99), ("chair", 99), ("secretary", 3)]
