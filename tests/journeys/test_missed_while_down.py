"""We were down for an hour: what people sent and rang meanwhile is found in the provider's list, once, and acted upon."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from sqlalchemy import func, select

from alerts.alert import Acknowledgement
from committees.call_backs import CallBack
from committees.checkins import CheckIn
from committees.inbox import CALL, READ, UNREAD, WAITING, Inbound
from committees.incidents import Incident
from coordination import catching_up, inbound
from foundation.jobs import Setting
from tests.journeys.test_failover import second_line
from tests.journeys.test_sms_line import MEMBER, OFFICER, STRANGER, code_of, high_alert
from tests.rig.town import WiredTown


def states(town: WiredTown) -> Counter[str]:
    """How many stored messages are in which state."""
    with town.session() as session:
        return Counter(session.scalars(select(Inbound.state).where(Inbound.kind == "sms")))


def test_five_hundred_missed_messages_are_read_once(wired_town: WiredTown) -> None:
    town = wired_town
    town.sms(MEMBER, "R 7 before we went down")
    town.clock.move(hours=1)
    town.twilio.miss(town.address(MEMBER), "R 7 shop burnt at night")
    town.twilio.miss(town.address("member2.mardan"), "21121")
    for number in range(498):
        town.twilio.miss(f"+92300{number:07}", f"hello {number}")
        if number % 8 == 0:
            town.clock.move(seconds=1)
    town.clock.move(minutes=2)
    assert catching_up.work(town.runtime) == 500
    assert states(town) == {WAITING: 500, READ: 1}
    assert inbound.work(town.runtime) == inbound.BATCH
    assert catching_up.work(town.runtime) == 0
    assert states(town) == {WAITING: 500 - inbound.BATCH, UNREAD: inbound.BATCH - 2, READ: 3}
    with town.session() as session:
        assert session.scalar(select(func.count(Incident.id))) == 2
        assert session.scalar(select(func.count(CheckIn.id))) == 1


def test_a_message_that_the_hook_brings_as_well_is_one(wired_town: WiredTown) -> None:
    town = wired_town
    missed = town.twilio.miss(town.address(MEMBER), "R 7 fight")
    before = town.clock.now()
    town.clock.move(minutes=5)
    town.work()
    assert town.twilio.post(town.hook(), town.twilio.inbound_fields(missed)) == 200
    town.later(minutes=5)
    with town.session() as session:
        (row,) = session.scalars(select(Inbound).where(Inbound.kind == "sms"))
        assert (row.received_at, row.state) == (before, READ)
        assert session.scalar(select(func.count(Incident.id))) == 1


def test_what_comes_while_the_provider_is_away_is_found_once_it_is_back(wired_town: WiredTown) -> None:
    town = wired_town
    town.later(minutes=3)
    with town.session() as session:
        looked = session.get_one(Setting, catching_up.LOOKED).value
    town.twilio.go_down()
    town.later(hours=5)
    with town.session() as session:
        assert session.get_one(Setting, catching_up.LOOKED).value == looked, "that look was not whole"
    town.twilio.come_back()
    missed = town.twilio.miss(town.address(MEMBER), "R 7 fight")
    missed.sent = missed.created = town.clock.now() - timedelta(hours=4)
    town.later(minutes=3)
    assert states(town) == {READ: 1}


def test_each_account_is_looked_through_and_one_that_is_away_holds_up_no_other(wired_town: WiredTown) -> None:
    town = wired_town
    with second_line(town) as second:
        town.later(minutes=3)
        town.clock.move(hours=1)
        town.twilio.miss(town.address(MEMBER), "R 7 shop burnt")
        second.miss(town.address("member2.mardan"), "R 7 fight at the bus stand")
        town.clock.move(minutes=5)
        town.twilio.go_down()
        assert catching_up.work(town.runtime) == 1
        assert catching_up.work(town.runtime) == 0
        town.twilio.come_back()
        assert catching_up.work(town.runtime) == 1
        assert catching_up.work(town.runtime) == 0
        while inbound.work(town.runtime):
            pass
        assert states(town) == {READ: 2}
        # A message of the second account that carries something new is asked for there.
        unsure = second.miss(town.address(MEMBER), "R 7 again")
        fields = second.inbound_fields(unsure) | {"SomethingNew": "1"}
        assert second.post(town.hook(), fields) == 200
        while inbound.work(town.runtime):
            pass
        assert states(town) == {READ: 3}


def test_a_missed_call_is_rung_back_and_answers_only_what_was_open_then(wired_town: WiredTown) -> None:
    town = wired_town
    town.twilio.calls.miss(town.address(OFFICER))
    town.twilio.calls.miss(STRANGER)
    town.twilio.miss(town.address("chair.mardan"), "ok")
    town.clock.move(minutes=5)
    high_alert(town)
    with town.session() as session:
        assert session.scalars(select(Acknowledgement)).all() == []
        whys = [call.why for call in session.scalars(select(CallBack)) if call.why != "no_news"]
        assert sorted(whys) == ["asked", "unknown_source"]
    town.twilio.calls.miss(town.address(OFFICER))
    town.clock.move(seconds=1)
    town.twilio.miss(town.address("chair.mardan"), f"GO {code_of(town, 'chair.mardan')}")
    town.later(minutes=5)
    with town.session() as session:
        given = {(row.role, row.answer) for row in session.scalars(select(Acknowledgement))}
        assert given == {("city_officer", "seen"), ("chair", "acting")}
        calls = session.scalars(select(Inbound).where(Inbound.kind == CALL)).all()
        assert len(calls) == 3


def test_whatsapp_is_found_as_whatsapp(wired_town: WiredTown) -> None:
    town = wired_town
    town.twilio.miss("whatsapp:+923001234567", "R 7 fight", to="whatsapp:+15005550006")
    town.later(minutes=3)
    with town.session() as session:
        (row,) = session.scalars(select(Inbound))
        assert (row.channel, row.number(session)) == ("whatsapp", "+923001234567")
