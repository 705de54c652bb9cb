"""Every message arrives once or says why not: retries, lost answers, crashes, any order, poison."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from itertools import permutations
from threading import Event
from typing import ClassVar

import pytest
from sqlalchemy import select

from alerts import delivery
from alerts.channels.base import Channel, Handed, Message
from alerts.delivery import Sender
from alerts.recording import POISON
from alerts.routing import Delivery
from committees.inbox import IGNORED, Inbound
from committees.people import ContactPoint
from coordination import inbound
from foundation import alarms, outbox
from foundation.config import Config
from foundation.outbox import OutboxMessage
from tests.rig.town import WiredTown

WHO, OTHER = "district.mardan", "national.pk"
TEXT = "R 7 what happened = report"


def put(
    town: WiredTown, person: str = WHO, *, channel: str = "sms", template: str = "help", slots: object = None
) -> uuid.UUID:
    """A message to a seed person, due now; returns its outbox id."""
    with town.session(write=True) as session:
        who = town.person(session, person)
        rows = select(ContactPoint).where(ContactPoint.person_id == who.id, ContactPoint.channel == channel)
        row = outbox.put(
            session,
            town.clock.now(),
            effect_key=f"test:{uuid.uuid4()}",
            channel=channel,
            template=template,
            slots=dict(slots) if isinstance(slots, dict) else {"emergency": "15"},
            contact_point_id=session.scalars(rows).one().id,
        )
        return row.id


def row(town: WiredTown, key: uuid.UUID) -> OutboxMessage:
    """The outbox row as it stands."""
    with town.session() as session:
        return session.get_one(OutboxMessage, key)


def expect(town: WiredTown, *people: str) -> None:
    """Exactly one copy of the test message to each of these people, and nothing else."""
    town.twilio.assert_nothing_unexpected([(town.address(person), TEXT) for person in people])


def work(town: WiredTown) -> None:
    """Let what came in be read and what is due be sent, until neither finds more."""
    while inbound.work(town.runtime) + town.runtime.sender.drain():
        pass


def later(town: WiredTown, **by: float) -> None:
    """Move the clock and work."""
    town.clock.move(**by)
    work(town)


class Unlucky:
    """A real channel to which something happens as it sends: the process dies, or time passes."""

    key: ClassVar[str] = "sms"
    label: ClassVar[str] = "SMS"
    can_look_up: ClassVar[bool] = True

    def __init__(
        self, real: Channel, before: Callable[[], None] | None = None, after: Callable[[], None] | None = None
    ) -> None:
        self.real, self.before, self.after = real, before, after

    @classmethod
    def from_config(cls, config: Config) -> Unlucky | None:
        """Never chosen by settings."""
        return None

    def send(self, message: Message) -> Handed:
        before, self.before = self.before, None
        if before:
            before()
        handed = self.real.send(message)
        after, self.after = self.after, None
        if after:
            after()
        return handed

    def look_up(self, message: Message) -> Handed | None:
        return self.real.look_up(message)

    def close(self) -> None:
        self.real.close()


def die() -> None:
    raise KeyboardInterrupt


def break_down() -> None:
    raise RuntimeError("a fault of a library")


def sender_with(town: WiredTown, channel: Channel) -> Sender:
    """A sender of this town whose SMS go through another channel."""
    runtime = town.runtime
    return Sender(runtime.worker, town.clock, runtime.channels | {"sms": channel}, runtime.config.public_url)


def test_alert_is_sent_and_its_callbacks_say_that_it_arrived(wired_town: WiredTown) -> None:
    town = wired_town
    town.report(kind="group_clash", severity=4, people="21-100")
    town.work()
    first = next(sms for sms in town.twilio.sent if sms.to == town.address("city.mardan"))
    with town.session() as session:
        mine = session.scalars(
            select(Delivery).where(Delivery.outbox_id == uuid.UUID((first.callback or "")[-36:]))
        ).one()
        assert (mine.channel, mine.state) == ("sms", "sent")
    town.twilio.settle()
    work(town)
    with town.session() as session:
        states = set(session.scalars(select(Delivery.state).where(Delivery.channel == "sms")))
        assert states == {"delivered"}
    assert {answer for _, _, answer in town.twilio.hooks} == {200}
    assert all(count == 1 for count in town.twilio.copies().values())


def test_network_that_cannot_deliver_is_told_in_words(wired_town: WiredTown) -> None:
    town = wired_town
    town.twilio.fails[town.address(WHO)] = 30003
    key = put(town)
    work(town)
    town.twilio.settle()
    work(town)
    found = row(town, key)
    assert (found.state, found.error_code) == ("undelivered", "30003")
    assert "could not be reached" in (found.error or "")
    assert found.settled_at is not None
    expect(town, WHO)


def test_refused_number_fails_at_once_and_for_good(wired_town: WiredTown) -> None:
    town = wired_town
    town.twilio.refuses[town.address(WHO)] = 21614
    key, other = put(town), put(town, OTHER)
    work(town)
    later(town, hours=1)
    assert (row(town, key).state, row(town, key).error_code) == ("failed", "21614")
    assert row(town, other).state == "sent"
    expect(town, OTHER)


def test_busy_line_is_tried_again_and_sends_one_copy(wired_town: WiredTown) -> None:
    town = wired_town
    town.twilio.fault("429", times=2)
    key = put(town)
    work(town)
    assert row(town, key).state == "due"
    later(town, seconds=5)
    assert row(town, key).state == "due"
    later(town, seconds=15)
    assert row(town, key).state == "sent"
    expect(town, WHO)


@pytest.mark.parametrize("fault", ["drop_after", "500_after", "garbled", "drop_before", "500_before"])
def test_lost_answer_is_looked_up_and_leaves_exactly_one_copy(wired_town: WiredTown, fault: str) -> None:
    town = wired_town
    town.twilio.fault(fault)
    key = put(town)
    work(town)
    assert row(town, key).state == "unknown"
    later(town, seconds=10)
    assert row(town, key).state == "unknown", "the provider's list may lag: nothing is sent again yet"
    later(town, seconds=11)
    assert row(town, key).state == "sent"
    expect(town, WHO)


def test_callback_finds_the_row_whose_answer_was_lost(wired_town: WiredTown) -> None:
    town = wired_town
    town.twilio.fault("drop_after")
    key = put(town)
    work(town)
    town.twilio.settle()
    work(town)
    found = row(town, key)
    assert (found.state, found.provider_id) == ("delivered", town.twilio.sent[0].sid)
    later(town, minutes=5)
    expect(town, WHO)


@pytest.mark.parametrize("moment", ["before", "after"])
def test_sender_that_dies_is_taken_over_without_a_second_copy(wired_town: WiredTown, moment: str) -> None:
    town = wired_town
    key = put(town)
    unlucky = Unlucky(town.runtime.channels["sms"], **{moment: die})
    with pytest.raises(KeyboardInterrupt):
        sender_with(town, unlucky).drain()
    assert row(town, key).state == "sending"
    later(town, seconds=20)
    assert row(town, key).state == "sending", "the lease has not run out"
    later(town, seconds=10)
    assert row(town, key).state == "sent"
    expect(town, WHO)


def test_what_a_living_sender_has_under_way_is_nobody_elses(
    wired_town: WiredTown, monkeypatch: pytest.MonkeyPatch
) -> None:
    town = wired_town
    monkeypatch.setattr(delivery, "PATIENCE", 0.05)
    slow, go_on = Event(), Event()

    def take_long() -> None:
        slow.set()
        assert go_on.wait(60)

    key = put(town)
    sender = sender_with(town, Unlucky(town.runtime.channels["sms"], before=take_long))
    sender.drain()
    assert slow.wait(60)
    for _ in range(6):
        town.clock.move(seconds=15)
        sender.drain()  # as the ticker does, again and again
        town.runtime.sender.drain()
        assert row(town, key).state == "sending"
        assert town.twilio.sent == []
    go_on.set()
    while row(town, key).state == "sending":
        sender.drain()
    assert row(town, key).state == "sent"
    expect(town, WHO)


def test_sender_that_woke_up_late_leaves_rows_to_the_one_who_took_them_over(wired_town: WiredTown) -> None:
    town = wired_town
    keys = [put(town), put(town)]  # one line of one receiver: what one hand does one after the other

    def sleep_while_another_works() -> None:
        town.clock.move(seconds=26)
        town.runtime.sender.drain()

    sender_with(town, Unlucky(town.runtime.channels["sms"], after=sleep_while_another_works)).drain()
    assert [row(town, key).state for key in keys] == ["sent", "sent"]
    expect(town, WHO, WHO)


def test_line_that_comes_back_is_used_within_minutes(wired_town: WiredTown) -> None:
    town = wired_town
    town.twilio.go_down()
    key = put(town)
    for _ in range(8):
        later(town, minutes=8)
    assert (row(town, key).state, row(town, key).settled_at) == ("due", None)
    assert "could not be reached" in (row(town, key).error or "")
    town.twilio.come_back()
    later(town, minutes=5)
    assert row(town, key).state == "sent"
    expect(town, WHO)


def test_message_that_never_leaves_is_given_up_after_hours_with_words(wired_town: WiredTown) -> None:
    town = wired_town
    town.twilio.fault("429", times=100)
    key = put(town)
    work(town)
    later(town, hours=7)
    assert (row(town, key).state, row(town, key).error_code) == ("failed", "20429")
    expect(town)


def test_bad_messages_fail_with_words_and_hold_up_nobody(wired_town: WiredTown) -> None:
    town = wired_town
    bad = [
        put(town, template="no_such_template"),
        put(town, slots={"emergency": "not a number"}),
        put(town, slots={}),
    ]
    good = put(town, OTHER)
    work(town)
    assert [row(town, key).state for key in bad] == ["failed"] * 3
    assert all(row(town, key).error for key in bad)
    assert row(town, good).state == "sent"
    expect(town, OTHER)


def test_fault_of_a_library_is_put_aside_after_a_few_tries(wired_town: WiredTown) -> None:
    town = wired_town
    key, other = put(town), put(town, OTHER)

    class Broken(Unlucky):
        def send(self, message: Message) -> Handed:
            if message.outbox_id == key:
                break_down()
            return self.real.send(message)

    sender = sender_with(town, Broken(town.runtime.channels["sms"]))
    for _ in range(8):
        sender.drain()
        town.clock.move(seconds=61)
    assert (row(town, key).state, row(town, key).attempts) == ("failed", delivery.MOST_BREAKS)
    assert row(town, other).state == "sent"
    with town.session("keeper") as session:
        (alarm,) = alarms.sounding(session)
    assert (alarm.key, alarm.subject, alarm.values["tries"]) == (POISON, str(key), delivery.MOST_BREAKS)
    expect(town, OTHER)


def test_person_who_stopped_gets_nothing(wired_town: WiredTown) -> None:
    town = wired_town
    key = put(town)
    with town.session(write=True) as session:
        person = town.person(session, WHO)
        for point in session.scalars(select(ContactPoint).where(ContactPoint.person_id == person.id)):
            point.stopped_at = town.clock.now()
    work(town)
    assert row(town, key).state == "failed"
    assert "no more messages" in (row(town, key).error or "")
    expect(town)


def test_letter_is_tried_again_after_451_and_given_up_after_550(wired_town: WiredTown) -> None:
    town = wired_town
    town.mail.fault("letter 451")
    key = put(town, channel="email")
    work(town)
    assert row(town, key).state == "due"
    later(town, seconds=5)
    assert row(town, key).state == "sent"
    town.mail.assert_nothing_unexpected([(town.address(WHO, "email"), TEXT)])
    town.mail.fault("address 550")
    refused = put(town, OTHER, channel="email")
    work(town)
    later(town, hours=1)
    assert row(town, refused).state == "failed"
    assert row(town, refused).error
    town.mail.assert_nothing_unexpected([(town.address(WHO, "email"), TEXT)])


def test_second_copy_of_a_letter_has_the_same_id(wired_town: WiredTown) -> None:
    town = wired_town
    town.mail.fault("drop_after")
    key = put(town, channel="email")
    work(town)
    assert row(town, key).state == "unknown"
    later(town, seconds=21)
    assert row(town, key).state == "sent"
    assert {str(mail.letter["Message-ID"]) for mail in town.mail.letters} == {f"<{key}@example.org>"}
    assert len(town.mail.letters) == 2


def test_states_end_in_delivered_in_whatever_order_they_come(wired_town: WiredTown) -> None:
    town = wired_town
    orders = list(permutations(("queued", "sending", "sent", "undelivered", "delivered")))
    words = {"queued": "sent", "sending": "sent"}
    keys = [put(town) for _ in orders]
    with town.session("sender", write=True) as session:
        for key, order in zip(keys, orders, strict=True):
            for state in order:
                assert delivery.settle(
                    session, town.clock.now(), key, words.get(state, state), f"SM{key}", None, ""
                )
        states = session.scalars(select(OutboxMessage.state).where(OutboxMessage.id.in_(keys)))
        assert list(states) == ["delivered"] * 120


def test_callbacks_may_come_twice_for_nobody_and_with_another_id(wired_town: WiredTown) -> None:
    town = wired_town
    key = put(town)
    work(town)
    sms = town.twilio.sent[0]
    assert [town.twilio.call_back(sms, "delivered") for _ in range(3)] == [200] * 3
    assert town.twilio.call_back(sms, "failed", 30008, sid="SM" + "f" * 32) == 200
    nobody = str(uuid.uuid4())
    sms.callback = (sms.callback or "").replace(str(key), nobody)
    assert town.twilio.call_back(sms, "undelivered", 30003) == 200
    work(town)
    assert row(town, key).state == "delivered"
    with town.session() as session:
        states = sorted(session.scalars(select(Inbound.state).where(Inbound.kind == "status")))
        assert states == [IGNORED, IGNORED, "read"]
    expect(town, WHO)


def test_two_lost_messages_with_the_same_words_to_one_phone_never_share_a_copy(wired_town: WiredTown) -> None:
    town = wired_town
    town.twilio.fault("drop_after")
    town.twilio.fault("drop_before")
    keys = [put(town), put(town)]  # the same template and gaps to the same phone: their texts are equal
    work(town)
    assert [row(town, key).state for key in keys] == ["unknown", "unknown"]
    assert len(town.twilio.sent) == 1, "one was taken, the other never came"
    for _ in range(4):
        later(town, seconds=21)
    found = [row(town, key) for key in keys]
    assert [one.state for one in found] == ["sent", "sent"]
    assert len({one.provider_id for one in found}) == 2
    expect(town, WHO, WHO)
