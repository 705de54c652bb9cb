"""By telephone and WhatsApp one can be told and can answer; whoever forges, replays or re-cuts a hook answers nothing."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from sqlalchemy import select

from alerts import closing
from alerts.alert import Acknowledgement, Alert
from committees import people
from committees.inbox import Inbound
from committees.people import ContactPoint
from coordination import closing_alerts
from foundation import outbox
from foundation.outbox import OutboxMessage
from tests.coordination.test_api import Client
from tests.fake_twilio_calls import Call
from tests.rig.town import ADVICE_CONTENT, CONTENT, WiredTown

WHO = "city.mardan"
NUMBER = "+923009990001"


def gets(town: WiredTown, channel: str, code: str = WHO, number: str = NUMBER, language: str = "en") -> None:
    """Give a seed person a way to be reached by this channel, before their others."""
    with town.session(write=True) as session:
        person = town.person(session, code)
        person.language, person.quiet_from, person.quiet_to = language, 0, 0
        place = people.standings_of(session, person.id)[0].locality_id
        people.add_contact(
            session,
            person,
            channel,
            number,
            locality_id=place,
            position=-1,
            verified_at=town.clock.now(),
        )


def alarm(town: WiredTown) -> uuid.UUID:
    """A grave report, and the alert that comes of it."""
    town.report(kind="group_clash", severity=4, people="21-100")
    town.work()
    with town.session() as session:
        return session.scalars(select(Alert.id).order_by(Alert.opened_at.desc())).first() or uuid.uuid4()


def answers(town: WiredTown) -> list[tuple[str, str]]:
    with town.session() as session:
        rows = session.scalars(select(Acknowledgement).order_by(Acknowledgement.at))
        return [(row.answer, row.channel) for row in rows]


def key_link(call: Call) -> str:
    """Where a key that answers this call is posted to."""
    return open_link(call).removesuffix("/open")


def open_link(call: Call) -> str:
    """Where the key is posted to by which its message is heard."""
    return call.script.partition('action="')[2].partition('"')[0]


def rows(town: WiredTown, channel: str) -> list[OutboxMessage]:
    with town.session() as session:
        return list(session.scalars(select(OutboxMessage).where(OutboxMessage.channel == channel)))


def test_a_key_in_a_call_answers_the_alert_that_the_call_said(wired_town: WiredTown) -> None:
    town = wired_town
    gets(town, "voice")
    alarm(town)
    (call,) = town.twilio.calls.made
    assert call.to == NUMBER
    # Whoever picks up hears of no place and no matter before a key; a wrong one asks again.
    assert town.twilio.calls.take(call, keys="7") == [200]
    assert set(call.said) == {
        "This call is for the person whose phone this is. To hear the message, press 1."
    }
    assert "Mardan" not in call.script
    # 9 says it again; 7 is none of the keys, and the call says which there are.
    assert town.twilio.calls.take(call, keys="1971") == [200, 200, 200]
    said = "\n".join(call.said)
    assert said.count("Attention") >= 2
    assert "4 of 5" in said
    assert "Reply OK" not in said
    assert "Your answer is stored" in call.said[-1]
    assert town.twilio.calls.press(call, "1", key_link(call))[0] == 200
    town.work()
    assert answers(town) == [("acting", "voice")]
    assert [row.state for row in rows(town, "voice")] == ["delivered"]


def test_a_key_in_a_call_about_an_older_level_leaves_the_newer_level_waiting(wired_town: WiredTown) -> None:
    town = wired_town
    gets(town, "voice")
    alert_id = alarm(town)
    (older,) = town.twilio.calls.made
    with town.session(write=True) as session:
        session.get_one(Alert, alert_id).proposed = 5
    confirmed = Client(town, WHO).send(f"/alerts/{alert_id}/severe", {"confirm": True})
    assert confirmed.get_json()["level"] == 5
    town.work()
    newer = town.twilio.calls.made[-1]
    town.twilio.calls.take(newer, "1")
    assert "5 of 5" in newer.said[1]
    town.twilio.calls.take(older)
    status, said = town.twilio.calls.press(older, "1", key_link(older))
    assert (status, "The level has changed since this call" in said) == (200, True)
    assert "stored" not in said
    town.work()
    assert answers(town) == []
    with town.session() as session:
        (key,) = session.scalars(select(Inbound).where(Inbound.kind == "key"))
        assert key.reading == {"command": "KEY", "answer": "acting", "older": True}
    town.twilio.calls.take(newer)
    assert town.twilio.calls.press(newer, "1", key_link(newer))[0] == 200
    town.work()
    assert answers(town) == [("acting", "voice")]


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_a_key_counts_after_persons_lowered_the_level_and_not_after_the_end(wired_town: WiredTown) -> None:
    town = wired_town
    gets(town, "voice", language="ur")
    alert_id = alarm(town)
    (call,) = town.twilio.calls.made
    town.twilio.calls.take(call)
    with town.session(write=True) as session:
        alert = session.get_one(Alert, alert_id)
        closing_alerts._lower(session, town.clock.now(), alert, 3, "chair")
    assert "محفوظ" in town.twilio.calls.press(call, "1", key_link(call))[1]
    town.work()
    assert answers(town) == [("acting", "voice")], "nobody is asked anew when a level falls"
    with town.session(write=True) as session:
        alert = session.get_one(Alert, alert_id)
        closing.close(session, town.clock.now(), alert, outcome="settled", reason="", person_id=None)
    said = town.twilio.calls.press(call, "2", key_link(call))[1]
    assert "یہ انتباہ ختم ہو چکا ہے" in said
    town.work()
    assert answers(town) == [("acting", "voice")]
    with town.session() as session:
        keys = session.scalars(select(Inbound).where(Inbound.kind == "key").order_by(Inbound.received_at))
        assert ["over" in (row.reading or {}) for row in keys] == [False, True]


def test_a_call_speaks_the_language_of_whom_it_rings_and_says_if_nobody_took_it(
    wired_town: WiredTown,
) -> None:
    town = wired_town
    gets(town, "voice", language="ur")
    alarm(town)
    (call,) = town.twilio.calls.made
    town.twilio.calls.leave(call, "no-answer")
    town.work()
    row = rows(town, "voice")[0]
    assert (row.state, row.error_code, row.error) == ("undelivered", "no-answer", "Nobody took the call.")
    assert answers(town) == []
    assert town.twilio.calls.take(call, "1") == [200]
    assert "ur-IN" in call.script
    assert "دبائیں" in call.said[0]
    assert "پانچ میں سے 4" in call.said[1]


def test_a_key_that_is_not_certainly_of_our_call_answers_nothing(wired_town: WiredTown) -> None:
    town = wired_town
    gets(town, "voice")
    alarm(town)
    twilio, (call,) = town.twilio, town.twilio.calls.made
    twilio.calls.take(call)
    link = key_link(call)
    fields = twilio.calls.fields(call) | {"Digits": "1"}
    assert twilio.post(link, fields, signature="A" * 27 + "=") == 403
    captured = twilio.sign(link, fields)
    assert twilio.post(link, fields | {"Digits": "2"}, signature=captured) == 403
    assert twilio.post(link, fields | {"From": "+15005550999"}) == 403
    assert twilio.post(link.replace("/voice/", "/status/").rpartition("/")[0], fields) == 403
    assert twilio.post(link, fields | {"SomethingNew": "1"}) == 200
    # Nobody hears a message in another call than its own, or without a signature.
    assert twilio.post(open_link(call), fields, signature="A" * 27 + "=") == 403
    other = twilio.calls.fields(call) | {"Digits": "1", "CallSid": "CA" + "d" * 32}
    assert twilio.post_for_answer(open_link(call), other) == (200, "<Response/>")
    strange = twilio.calls.fields(call) | {"Digits": "1", "CallSid": "CA" + "f" * 32}
    assert twilio.post(link, strange) == 200
    row = str(rows(town, "voice")[0].id)
    assert twilio.post(link.replace(row, str(uuid.uuid4())), fields | {"CallSid": "CA" + "e" * 32}) == 200
    town.work()
    assert answers(town) == []
    for key, answer in (("2", "seen"), ("3", "cannot")):
        assert twilio.calls.press(call, key, link)[0] == 200
        town.work()
        assert answers(town)[-1] == (answer, "voice")


def test_whatsapp_says_approved_words_first_and_free_ones_for_a_day_after_an_answer(
    wired_town: WiredTown,
) -> None:
    town = wired_town
    gets(town, "whatsapp")
    alarm(town)
    first, behind = (sms for sms in town.twilio.sent if sms.to == "whatsapp:" + NUMBER)
    assert (first.content, behind.content) == (CONTENT, ADVICE_CONTENT)
    code = first.body.rpartition(" ")[2]
    sender = "whatsapp:" + NUMBER
    more = {"ProfileName": "Chair of ward 7", "WaId": NUMBER[1:], "MessageType": "text"}
    answered = town.twilio.receive(sender, f"GO {code}", town.hook(), to="whatsapp:+15005550006", **more)
    assert answered == 200
    town.work()
    assert answers(town) == [("acting", "whatsapp")]
    receipt = [sms for sms in town.twilio.sent if sms.to == sender][-1]
    assert receipt.content is None
    assert "you are acting" in receipt.body
    town.twilio.settle()
    town.work()
    assert {row.state for row in rows(town, "whatsapp")} == {"delivered"}
    for hours, state in ((20, "sent"), (5, "failed")):
        town.clock.move(hours=hours)
        with town.session(write=True) as session:
            point = session.scalars(select(ContactPoint).where(ContactPoint.channel == "whatsapp")).one()
            key = outbox.put(
                session,
                town.clock.now(),
                effect_key=f"test:{hours}",
                channel="whatsapp",
                template="help",
                slots={"emergency": "15"},
                contact_point_id=point.id,
            ).id
        town.runtime.sender.drain()
        assert next(row.state for row in rows(town, "whatsapp") if row.id == key) == state


def test_without_approved_words_whatsapp_says_so_and_sends_nothing(wired_town: WiredTown) -> None:
    town = wired_town
    gets(town, "whatsapp", language="ur")
    alarm(town)
    assert not [sms for sms in town.twilio.sent if sms.to.startswith("whatsapp:")]
    row = rows(town, "whatsapp")[0]
    assert (row.state, row.error_code) == ("failed", "no_template")
    assert "approved words" in (row.error or "")


def test_a_whatsapp_message_is_believed_only_as_twilio_holds_it(wired_town: WiredTown) -> None:
    town = wired_town
    gets(town, "whatsapp")
    alarm(town)
    twilio, sender = town.twilio, "whatsapp:" + NUMBER
    code = next(sms for sms in twilio.sent if sms.to == sender).body.rpartition(" ")[2]
    real = twilio.miss(sender, "HELP", to="whatsapp:+15005550006")
    fields: dict[str, Any] = twilio.inbound_fields(real) | {"ProfileName": "x"}
    # The same id with other words, and words for which there is no message at all.
    assert twilio.post(town.hook(), fields | {"Body": f"GO {code}"}) == 200
    forged = {"MessageSid": "SM" + "e" * 32, "SmsSid": "SM" + "e" * 32, "SmsMessageSid": "SM" + "e" * 32}
    assert twilio.post(town.hook(), fields | forged | {"Body": f"GO {code}"}) == 200
    assert twilio.post(town.hook(), fields, signature="A" * 27 + "=") == 403
    town.work()
    assert answers(town) == []
    with town.session() as session:
        readings = {row.provider_id: row.reading for row in session.scalars(select(Inbound))}
    assert (readings[real.sid] or {}).get("command") == "HELP"
