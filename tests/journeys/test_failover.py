"""A message that the carrier does not bring goes on by itself: another provider, the next channel, the deputy; never too often."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import select

from alerts import providers, routing
from alerts.alert import CLOSED, Alert, story_of
from alerts.channels.many import as_one
from alerts.channels.sms import Sms
from alerts.receivers import Receiver
from alerts.recording import REFUSED
from alerts.routing import Delivery
from alerts.sentences import note_sentence
from committees.people import Office, Scope
from committees.places import by_code
from coordination.jobs import run_until_quiet
from foundation import alarms
from foundation.outbox import OutboxMessage
from foundation.sending_settings import SecondLine
from tests.fakes import FakeTwilio, poster_for
from tests.make import WARD
from tests.rig.town import WiredTown

WHO = "police.mardan"


@contextmanager
def second_line(town: WiredTown) -> Iterator[FakeTwilio]:
    """Another account, at which SMS may go out as well."""
    sid, number = "AC" + "b2" * 16, "+15005550009"
    with FakeTwilio(account_sid=sid, token="another token", numbers=(number,), now=town.clock.now) as twilio:
        twilio.poster = poster_for(town.app.test_client())
        runtime = town.runtime
        line = SecondLine(sid, (twilio.token,), twilio.numbers, twilio.url)
        runtime.config = replace(runtime.config, second_line=line)
        second = Sms(sid, twilio.token, twilio.numbers, runtime.config.public_url, twilio.url)
        runtime.channels["sms"] = as_one({"first": runtime.channels["sms"], "second": second})
        yield twilio


def tell(town: WiredTown, level: int = 4, person: str = WHO, **changes: object) -> uuid.UUID:
    """An alert of which one person is told; returns its id."""
    with town.session("seed", write=True) as session:
        now, ward, who = town.clock.now(), by_code(session, WARD), town.person(session, person)
        scope = session.scalars(select(Scope).where(Scope.person_id == who.id, Scope.active)).first()
        assert scope is not None
        given = {"threat": "test", "rule": "crowd_now", "what": "angry_crowd", "sure": "confirmed"} | changes
        alert = Alert(
            number=900, locality_id=ward.id, town_id=ward.parent_id, level=level, opened_at=now,
            ends_at=now + timedelta(days=1), next_step_at=now + timedelta(hours=12), evidence=[], **given,
        )  # fmt: skip
        session.add(alert)
        session.flush()
        receiver = Receiver(who, scope.role, "rule", scope.office_id)
        routing.send(session, now, town.runtime.rng, alert, [receiver], template="alert", step=0)
        return alert.id


def story(town: WiredTown, alert_id: uuid.UUID) -> list[str]:
    """The sentences of the alert's story about messages that went on."""
    with town.session() as session:
        lines = story_of(session, alert_id)
        return [note_sentence(line.key, line.values) for line in lines if line.key.startswith("passed_on")]


def work(town: WiredTown, **later: float) -> None:
    """Move the clock, and let everything that is due happen."""
    if later:
        town.clock.move(**later)
    run_until_quiet(town.runtime)


def first_and_second(town: WiredTown, second: FakeTwilio) -> tuple[FakeTwilio, FakeTwilio]:
    """The line that took the first SMS, and the other one."""
    return (second, town.twilio) if second.sent else (town.twilio, second)


def sent(town: WiredTown, *lines: FakeTwilio) -> list[dict[str, int]]:
    """How many SMS of each message went over each of these lines."""
    return [
        {key: len(found) for key in ("alert", "what_to_do") if (found := town.sent_of(key, line))}
        for line in lines
    ]


#: An alert of level 4 with what to do behind it, and an alert alone.
BOTH, ALONE = {"alert": 1, "what_to_do": 1}, {"alert": 1}


def test_an_sms_that_was_not_delivered_goes_by_the_other_provider(wired_town: WiredTown) -> None:
    town = wired_town
    with second_line(town) as second:
        alert = tell(town)
        work(town)
        first, other = first_and_second(town, second)
        first.fails[town.address(WHO)] = 30008
        first.settle()
        work(town)
        assert {sms.to for sms in other.sent} == {town.address(WHO)}
        other.settle()
        work(town, minutes=5)
        assert sent(town, first, other) == [BOTH, BOTH], "both arrived: nothing more is sent"
        assert story(town, alert) == [
            "SMS to the police liaison was not delivered. It was sent again through another provider."
        ]
        with town.session() as session:
            states = dict(session.execute(select(OutboxMessage.provider, OutboxMessage.state)).all())
            assert set(states.values()) >= {"delivered", "undelivered"}
    assert len(town.mail.letters) == 1


def test_without_a_receipt_in_time_the_next_way_is_taken_once(wired_town: WiredTown) -> None:
    town = wired_town
    with second_line(town) as second:
        alert = tell(town)
        work(town)
        first, other = first_and_second(town, second)
        work(town, minutes=1.9)
        assert other.sent == [], "two minutes are not over"
        work(town, seconds=10)
        work(town, seconds=1)
        assert sent(town, first, other) == [BOTH, ALONE]
        with town.session("seed", write=True) as session:
            session.get_one(Alert, alert).state = CLOSED
        work(town, minutes=10)
        assert sent(town, first, other) == [BOTH, ALONE], "an ended alert never notifies"
        with town.session() as session:
            rows = session.scalars(select(Delivery.reason).where(Delivery.alert_id == alert)).all()
            assert sorted(rows) == ["behind_alert", "other_provider", "rule", "rule"]


def test_a_number_that_is_refused_leads_to_the_next_channel_and_then_to_the_deputy(
    wired_town: WiredTown,
) -> None:
    town = wired_town
    town.twilio.refuses[town.address(WHO)] = 21614
    town.mail.fault("address 550")
    alert = tell(town, level=3)
    work(town)
    told = sorted(line.split(". ")[1] for line in story(town, alert))
    assert told == ["The deputy of the office was told instead.", "The message was sent by e-mail instead."]
    with town.session() as session:
        rows = session.scalars(select(Delivery).where(Delivery.reason == "stands_in")).all()
        deputy = {row.office_id for row in rows}
        assert len(deputy) == 1
        assert session.get_one(Office, deputy.pop()).deputy_id is not None
    assert town.heard(WHO) == []
    assert town.mail.letters == [] or all(m.to != town.address(WHO, "email") for m in town.mail.letters)


def test_nobody_is_told_on_another_way_who_answered_or_may_not_be_told(wired_town: WiredTown) -> None:
    town = wired_town
    with second_line(town) as second:
        alert = tell(town)
        work(town)
        first, other = first_and_second(town, second)
        with town.session("seed", write=True) as session:
            session.get_one(Alert, alert).withheld_from = "police"
        work(town, minutes=3)
        assert sent(town, first, other) == [BOTH, {}]
        answered = tell(town, threat="other")
        work(town)
        warnings = [*town.sent_of("alert", first), *town.sent_of("alert", other)]
        code = warnings[-1].body.rpartition("OK ")[2][:3]
        town.sms(WHO, f"OK {code}")
        before = len(first.sent) + len(other.sent)
        work(town, minutes=3)
        assert len(first.sent) + len(other.sent) == before
        assert story(town, answered) == []


def test_what_is_ours_to_mend_alarms_waits_and_goes_by_the_other_provider(wired_town: WiredTown) -> None:
    town = wired_town
    with second_line(town) as second:
        number = town.address(WHO)
        chosen = providers.choose({"first": 100, "second": 100}, number)
        first, other = (town.twilio, second) if chosen == "first" else (second, town.twilio)
        first.refuses[number] = 21606
        tell(town)
        work(town)
        assert sent(town, first, other) == [{}, BOTH]
        with town.session() as session:
            assert [(one.key, one.subject) for one in alarms.sounding(session)] == [
                (REFUSED, f"sms:{chosen}")
            ]
            weights = providers.weights_of(session, town.clock.now(), "sms", ["first", "second"])
        assert weights[chosen or ""] == 100, "one bad moment right after the start does not shift it yet"
        first.refuses.clear()
        other.settle()
        town.clock.move(minutes=11)
        tell(town, threat="other")
        work(town)
        assert sent(town, first) == [BOTH]
        with town.session() as session:
            assert alarms.sounding(session) == []
