"""What may go now: the day's budgets with a part kept for High, the pace of a receiver, the speed of a line, the countries."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from alerts import limits
from alerts.budgets import SendBudget
from alerts.delivery import Sender
from alerts.limits import PACE, Limits, until_when
from committees.people import ContactPoint
from foundation import outbox
from foundation.alarms import Alarm
from foundation.outbox import ORDINARY, URGENT, OutboxMessage
from tests.rig.town import WiredTown

MARDAN = ("district.mardan", "city.mardan", "chair.mardan", "secretary.mardan", "member1.mardan")
QUETTA = ("city.quetta", "chair.quetta", "secretary.quetta")


def put(town: WiredTown, person: str, *, lane: int = ORDINARY, key: str = "") -> uuid.UUID:
    with town.session(write=True) as session:
        who = town.person(session, person)
        rows = select(ContactPoint).where(ContactPoint.person_id == who.id, ContactPoint.channel == "sms")
        return outbox.put(
            session,
            town.clock.now(),
            effect_key=key or f"test:{uuid.uuid4()}",
            channel="sms",
            template="help",
            slots={"emergency": "15"},
            contact_point_id=session.scalars(rows).one().id,
            lane=lane,
        ).id


def send(town: WiredTown, most: Limits) -> int:
    """A sender as a fresh process would have it sends what may go; how many SMS the line took in all."""
    runtime = town.runtime
    sender = Sender(runtime.worker, runtime.clock, runtime.channels, runtime.config.public_url, most)
    while sender.drain():
        pass
    sender.close()
    return len(town.twilio.sent)


def row(town: WiredTown, key: uuid.UUID) -> OutboxMessage:
    with town.session() as session:
        return session.get_one(OutboxMessage, key)


def used(town: WiredTown, scope: str = "") -> int:
    with town.session("sender") as session:
        rows = select(SendBudget.used).where(SendBudget.scope == scope)
        return sum(session.scalars(rows))


def test_the_last_part_of_a_day_is_kept_for_high_and_a_restart_resets_nothing(wired_town: WiredTown) -> None:
    town, most = wired_town, Limits(per_day=10)
    keys = [put(town, person) for person in MARDAN[:3] for _ in range(3)]
    assert send(town, most) == 7
    waiting = [one for key in keys if (one := row(town, key)).state == "due"]
    assert len(waiting) == 2
    assert {one.error for one in waiting} == {limits.NO_BUDGET}
    assert send(town, most) == 7, "another process knows what was used"
    high = [put(town, person, lane=URGENT) for person in MARDAN[:4]]
    assert send(town, most) == 11, "High goes at all of the budget, and past it"
    assert {row(town, key).state for key in high} <= {"sent", "delivered"}
    with town.session() as session:
        assert session.scalars(select(Alarm).where(Alarm.key == limits.BUDGET_USED)).all()
    town.clock.move(days=1)
    assert send(town, most) == 13, "what waited goes on the next day"


def test_one_city_cannot_use_up_what_another_needs(wired_town: WiredTown) -> None:
    town, most = wired_town, Limits(per_city=10)
    for person in MARDAN[2:]:
        for _ in range(3):
            put(town, person)
    mine = [put(town, person) for person in QUETTA]
    assert send(town, most) == 7 + 3
    assert {row(town, key).state for key in mine} <= {"sent", "delivered"}


def test_what_was_not_taken_costs_nothing(wired_town: WiredTown) -> None:
    town, most = wired_town, Limits(per_day=100)
    town.twilio.refuses[town.address(MARDAN[0])] = 21614
    failed, sent = put(town, MARDAN[0]), put(town, MARDAN[1])
    send(town, most)
    assert (row(town, failed).state, row(town, failed).charged) == ("failed", 0)
    assert used(town) == row(town, sent).charged == 1


def test_one_person_gets_five_in_a_quarter_and_eleven_in_an_hour_but_every_warning_and_answer(
    wired_town: WiredTown,
) -> None:
    town, most, who = wired_town, Limits(), MARDAN[0]
    keys = [put(town, who) for _ in range(13)]
    assert send(town, most) == 5
    assert {row(town, key).error for key in keys if row(town, key).state == "due"} == {limits.TOO_MANY}
    put(town, who, lane=URGENT)
    put(town, who, key=f"inbound:{uuid.uuid4()}:answer")
    assert send(town, most) == 7, "a warning of level 4 and an answer do not wait"
    town.clock.move(minutes=16)
    assert send(town, most) == 12
    town.clock.move(minutes=16)
    assert send(town, most) == 13, "the eleventh of this hour"
    town.clock.move(minutes=61)
    assert send(town, most) == 15


def test_a_line_is_no_faster_than_it_may_be_and_high_passes_first(wired_town: WiredTown) -> None:
    town, most = wired_town, Limits(per_second=2)
    keys = [put(town, person) for person in MARDAN]
    assert send(town, most) == 2
    assert {row(town, key).error for key in keys if row(town, key).state == "due"} == {limits.LINE_BUSY}
    assert send(town, most) == 2, "another process finds the bucket as empty"
    put(town, QUETTA[0], lane=URGENT)
    assert send(town, most) == 3
    for _ in range(4):
        town.clock.move(seconds=1)
        send(town, most)
    assert len(town.twilio.sent) == 6


def test_no_number_of_another_country_is_written_to_even_in_the_first_lane(wired_town: WiredTown) -> None:
    town = wired_town
    key = put(town, MARDAN[0], lane=URGENT)
    assert send(town, Limits(prefixes=("+94",))) == 0
    assert (row(town, key).state, row(town, key).error) == ("failed", limits.OTHER_COUNTRY)


NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
TIMES = st.lists(st.integers(0, 7200).map(lambda ago: NOW - timedelta(seconds=ago)), max_size=40)


@given(TIMES)
def test_one_more_fits_when_it_is_said_to_and_not_before(times: list[datetime]) -> None:
    def fits(at: datetime) -> bool:
        return all(sum(at - span < one <= at for one in times) < most for span, most in PACE)

    until = until_when(times, NOW)
    if until is None:
        assert fits(NOW)
    else:
        assert until > NOW
        assert fits(until)
        assert not fits(until - timedelta(seconds=1))
