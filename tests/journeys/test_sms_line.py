"""The SMS line as people with a plain phone meet it: report, check in, answer, stop; and what a forged or unread message cannot do."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from alerts import quiet
from alerts.alert import Acknowledgement, Alert, AlertUpdate
from committees import reply_codes
from committees.call_backs import CallBack
from committees.checkins import CheckIn
from committees.inbox import IGNORED, READ, UNREAD, WAITING, Inbound
from committees.incidents import Incident
from committees.people import ContactPoint
from committees.places import Locality, by_code
from committees.reply_codes import ReplyCode
from coordination import inbound
from tests.rig.town import SMS_HOOK, VOICE_HOOK, WiredTown

MEMBER, OFFICER, SECRETARY = "member1.mardan", "city.mardan", "secretary.mardan"
WARD = "PK-KP-MARDAN-W7"
STRANGER = "+923009999999"
NEUTRAL = "A person will read your message"


def read(town: WiredTown, person: str, text: str) -> Inbound:
    """An SMS comes in and is read, without the other jobs; returns its row."""
    assert town.text(person, text) == 200
    inbound.work(town.runtime)
    newest = town.twilio.messages[-1].sid
    return next(row for row in rows(town) if row.provider_id == newest)


def answers(town: WiredTown) -> list[str]:
    """Send what is due and return the text of each SMS sent since the last look."""
    seen = len(town.twilio.sent)
    while town.runtime.sender.drain():
        pass
    return [sms.body for sms in town.twilio.sent[seen:]]


def rows(town: WiredTown) -> list[Inbound]:
    """Every SMS and call that is stored, in the order in which they came."""
    order = {sms.sid: n for n, sms in enumerate(town.twilio.messages)}
    with town.session() as session:
        found = session.scalars(select(Inbound).where(Inbound.kind != "status")).all()
    return sorted(found, key=lambda row: order.get(row.provider_id, 10**6))


def all_of(town: WiredTown, entity: type[Any]) -> list[Any]:
    """Every row of a table."""
    with town.session() as session:
        return list(session.scalars(select(entity)))


def high_alert(town: WiredTown) -> Alert:
    """A clash in ward 7: an alert at level 4, told to everybody concerned."""
    town.report(kind="group_clash", severity=4, people="21-100")
    town.work()
    (alert,) = all_of(town, Alert)
    assert alert.level == 4
    return alert  # type: ignore[no-any-return]


def code_of(town: WiredTown, person: str) -> str:
    """The code in the newest SMS with one on this phone."""
    found = [match for text in town.heard(person) if (match := re.search(r"OK (\d{2,3})", text))]
    return found[-1][1]


def given(town: WiredTown) -> list[tuple[str, str]]:
    """Who (by role) answered what, by SMS or by a call that was not taken."""
    doors = ("sms", "missed_call")
    return [(row.role, row.answer) for row in all_of(town, Acknowledgement) if row.channel in doors]


def calls(town: WiredTown) -> list[CallBack]:
    """The calls that somebody's message made necessary, without those for silent wards."""
    return [call for call in all_of(town, CallBack) if call.why != "no_news"]


# What people with a plain phone can do.


def test_report_by_sms_is_recorded_once_and_said_back(wired_town: WiredTown) -> None:
    town = wired_town
    row = read(town, MEMBER, "R 7 fight near market")
    (incident,) = all_of(town, Incident)
    with town.session() as session:
        ward = session.get_one(Locality, incident.locality_id)
    assert (ward.code, incident.kind, incident.channel, incident.how_known) == (
        WARD,
        "small_fight",
        "sms",
        "told",
    )
    assert incident.credibility >= 3, "a number can be forged, so an SMS is never better than told"
    assert (row.state, row.reading) == (READ, {"command": "REPORT", "ward": "7", "reply": "receipt_report"})
    (receipt,) = answers(town)
    assert receipt.startswith(f"Received, ref {incident.reference}: Fight, Ward 7")
    assert "market" not in receipt
    with town.session() as session:
        assert row.text(session) == "R 7 fight near market"
        assert "market" not in f"{row.text_sealed}{row.reading}{row.details}"
    read(town, MEMBER, "R 7 fight near market")
    assert len(all_of(town, Incident)) == 1, "the gateway said it twice"


@pytest.mark.parametrize(
    ("person", "text", "answer"),
    [
        (MEMBER, "رپورٹ 7 بازار میں جھگڑا", "WRONG"),
        ("member2.mardan", "khabar 7 bazar mein jhagra", "WRONG"),
        (MEMBER, "R", "R 7"),
        (MEMBER, "T 2116", "CALM"),
        (MEMBER, "HELP", "15"),
    ],
)
def test_answer_comes_in_the_letters_of_the_question(
    wired_town: WiredTown, person: str, text: str, answer: str
) -> None:
    read(wired_town, person, text)
    (reply,) = answers(wired_town)
    assert answer in reply
    urdu = bool(re.search(r"[\u0600-\u06ff]", reply))
    assert urdu == (person == MEMBER)


def test_check_in_is_said_back_and_the_second_voice_is_counted(wired_town: WiredTown) -> None:
    town = wired_town
    read(town, MEMBER, "21121")
    assert "2، افواہ 1" in answers(town)[0]
    read(town, "member2.mardan", "calm")
    assert "2 mein se 2" in answers(town)[0]
    found = sorted((row.answers, row.all_calm, row.channel) for row in all_of(town, CheckIn))
    assert found == [([1, 1, 1, 1, 1], True, "sms"), ([2, 1, 1, 2, 1], False, "sms")]


def test_a_check_in_that_comes_late_is_answered_with_what_stands(wired_town: WiredTown) -> None:
    town = wired_town
    read(town, MEMBER, "11121")
    (receipt,) = answers(town)
    town.clock.move(minutes=10)
    assert town.text(MEMBER, "44444") == 200
    with town.session("seed", write=True) as session:
        (waits,) = session.scalars(select(Inbound).where(Inbound.state == WAITING))
        waits.received_at -= timedelta(minutes=20)
        session.commit()
    inbound.work(town.runtime)
    assert answers(town) == [receipt]
    assert [row.answers for row in all_of(town, CheckIn)] == [[1, 1, 1, 2, 1]]


def test_wrong_takes_back_a_report_for_a_quarter_of_an_hour(wired_town: WiredTown) -> None:
    town = wired_town
    read(town, MEMBER, "R 7 fight")
    town.clock.move(minutes=14)
    read(town, MEMBER, "WRONG")
    assert [row.state for row in all_of(town, Incident)] == ["withdrawn"]
    read(town, MEMBER, "R 7 fight again")
    town.clock.move(minutes=16)
    read(town, MEMBER, "L EN")
    answers(town)
    assert read(town, MEMBER, "WRONG").state == UNREAD
    assert "cannot take that back by SMS any more" in answers(town)[-1]
    assert sorted(row.state for row in all_of(town, Incident)) == ["reported", "withdrawn"]


def test_wrong_brings_the_earlier_answers_of_the_week_back(wired_town: WiredTown) -> None:
    town = wired_town
    read(town, MEMBER, "21121")
    town.clock.move(hours=1)
    read(town, MEMBER, "55555")
    read(town, MEMBER, "WRONG")
    assert [row.answers for row in all_of(town, CheckIn)] == [[2, 1, 1, 2, 1]]
    read(town, "member2.mardan", "11111")
    read(town, "member2.mardan", "WRONG")
    assert [row.answers for row in all_of(town, CheckIn)] == [[2, 1, 1, 2, 1]]


def test_stop_ends_all_messages_to_a_phone_and_start_brings_them_back(wired_town: WiredTown) -> None:
    town = wired_town
    row = read(town, SECRETARY, "STOP")
    assert (row.state, len(answers(town))) == (UNREAD, 1)
    read(town, SECRETARY, "STOP")
    read(town, SECRETARY, "HELP")
    high_alert(town)
    assert len(town.heard(SECRETARY)) == 1
    assert town.mail.to(town.address(SECRETARY, "email")), "only this number was stopped"
    read(town, SECRETARY, "START")
    assert len(answers(town)) == 1
    assert all(point.stopped_at is None for point in all_of(town, ContactPoint))


def test_what_the_network_brings_twice_under_two_ids_is_done_once(wired_town: WiredTown) -> None:
    town = wired_town
    read(town, MEMBER, "R 7 fight near market")
    town.clock.move(minutes=3)
    read(town, MEMBER, "R 7 crowd near school")
    for text in ("WRONG", "WRONG", "hello there", "hello there", "CALL", "CALL"):
        town.clock.move(seconds=20)
        read(town, MEMBER, text)
    assert {(one.kind, one.state) for one in all_of(town, Incident)} == {
        ("small_fight", "reported"),
        ("angry_crowd", "withdrawn"),
    }, "a second WRONG would have taken back the report before"
    assert len(calls(town)) == 1
    assert len(answers(town)) == 5
    assert [row.state for row in rows(town)][4:] == [UNREAD, READ, UNREAD, READ]
    # Who changes their mind writes something in between, and is heard.
    for text in ("STOP", "START", "STOP"):
        town.clock.move(seconds=20)
        read(town, MEMBER, text)
    with town.session() as session:
        numbers = session.scalars(select(ContactPoint).where(ContactPoint.stopped_at.is_not(None))).all()
    assert len(numbers) == 1
    assert town.browser(SECRETARY).open("/desk/sms").count("hello there") == 1


def test_status_says_not_known_where_nobody_spoke(wired_town: WiredTown) -> None:
    town = wired_town
    read(town, "district.mardan", "S")
    assert "NOT KNOWN" in answers(town)[0]
    high_alert(town)
    read(town, "member2.mardan", "S 7")
    assert "4/5" in answers(town)[-1]


def test_language_pause_and_over(wired_town: WiredTown) -> None:
    town = wired_town
    read(town, MEMBER, "L EN")
    assert "in English" in answers(town)[0]
    read(town, MEMBER, "PAUSE 3")
    assert "3 days" in answers(town)[0]
    with town.session() as session:
        person, place = town.person(session, MEMBER), by_code(session, WARD)
        now = town.clock.now()
        due = quiet.after_quiet(session, now, person, place)
        assert due == now + timedelta(days=3)
    row = read(town, MEMBER, "OVER 3")
    assert (row.state, "Ward 3" in answers(town)[0]) == (UNREAD, True)


def test_call_back_is_a_task_with_a_clock(wired_town: WiredTown) -> None:
    town = wired_town
    assert read(town, MEMBER, "CALL").state == UNREAD
    read(town, "member2.mardan", "15")
    asked = sorted(calls(town), key=lambda call: call.due_at)
    assert [(c.why, c.due_at - c.asked_at) for c in asked] == [
        ("asked", timedelta(minutes=5)),
        ("asked", timedelta(minutes=30)),
    ]


# Answers to an alert.


def test_officer_answers_seen_by_sms_and_everybody_can_see_it(wired_town: WiredTown) -> None:
    town = wired_town
    alert = high_alert(town)
    code = code_of(town, OFFICER)
    assert len(code) == 3
    read(town, OFFICER, f"OK {code}")
    assert given(town) == [("city_officer", "seen")]
    assert ("answer_seen", "sms") in [(n.key, n.values.get("channel")) for n in all_of(town, AlertUpdate)]
    assert code in answers(town)[-1]
    read(town, "chair.mardan", code_of(town, "chair.mardan"))
    read(town, "district.mardan", "ok")
    answers(town)
    assert "Also: chair, city. Asked next: secretary, chair, 2:30pm" in town.last("district.mardan")
    town.later(minutes=31)
    with town.session() as session:
        assert session.get_one(Alert, alert.id).step > 0, "seen is not acting: the ladder climbs"


def test_go_with_its_code_stops_the_ladder_and_go_alone_does_not(wired_town: WiredTown) -> None:
    town = wired_town
    alert = high_alert(town)
    read(town, OFFICER, "GO")
    assert given(town) == [("city_officer", "seen")]
    assert "GO" in answers(town)[-1]
    with town.session() as session:
        assert session.get_one(Alert, alert.id).acting_at is None
    read(town, OFFICER, f"GO {code_of(town, OFFICER)}")
    assert ("city_officer", "acting") in given(town)
    town.later(minutes=90)
    with town.session() as session:
        found = session.get_one(Alert, alert.id)
        assert (found.step, found.next_step_at) == (0, None)


def test_the_code_in_a_letter_answers_from_the_phone(wired_town: WiredTown) -> None:
    town = wired_town
    high_alert(town)
    (letter,) = town.mail.to(town.address("district.mardan", "email"))
    code = re.search(r"OK (\d{3})", letter.text)
    assert code
    assert code[1] == code_of(town, "district.mardan")


def test_no_asks_the_next_office_at_once(wired_town: WiredTown) -> None:
    town = wired_town
    alert = high_alert(town)
    read(town, OFFICER, f"no {code_of(town, OFFICER)}")
    with town.session() as session:
        assert session.get_one(Alert, alert.id).next_step_at == town.clock.now()


def test_an_answer_that_nothing_waits_for_is_thanked_and_is_no_wrong_code(wired_town: WiredTown) -> None:
    town = wired_town
    waits = "No open alert waits for this answer"
    read(town, OFFICER, "L EN")
    answers(town)
    assert read(town, OFFICER, "OK thanks").state == READ, "people write OK to news: no work for the desk"
    assert waits in answers(town)[-1]
    assert read(town, OFFICER, "GO").state == UNREAD, "who says that they go is read by a person"
    town.clock.move(minutes=2)
    alert = high_alert(town)
    code = code_of(town, OFFICER)
    with town.session("seed", write=True) as session:
        reply_codes.close(session, town.clock.now(), "alert", alert.id)
    for text in (f"OK {code}", code):
        answers(town)
        town.clock.move(minutes=2)
        read(town, OFFICER, text)
        assert waits in answers(town)[-1]
    assert given(town) == []
    with town.session() as session:
        assert {row.wrong for row in session.scalars(select(ReplyCode))} == {0}


def test_an_old_code_is_never_told_that_nothing_waits_while_an_alert_is_open(wired_town: WiredTown) -> None:
    town = wired_town
    read(town, OFFICER, "L EN")
    high_alert(town)
    right = code_of(town, OFFICER)
    old = next(str(n) for n in range(300, 400) if str(n) != right)
    with town.session("seed", write=True) as session:
        (now,) = session.scalars(select(ReplyCode).where(ReplyCode.code == right))
        ended = {"code": old, "kind": "alert", "subject_id": uuid4(), "closed_at": town.clock.now()}
        before = now.given_at - timedelta(days=200)
        session.add(ReplyCode(contact_point_id=now.contact_point_id, given_at=before, **ended))
    answers(town)
    assert read(town, OFFICER, f"GO {old}").state == UNREAD
    assert "fits no open alert here" in answers(town)[-1]
    assert given(town) == []


def test_the_same_answer_to_a_newer_alert_is_no_repetition(wired_town: WiredTown) -> None:
    town = wired_town
    read(town, OFFICER, "OK")
    town.clock.move(seconds=20)
    high_alert(town)
    town.clock.move(seconds=20)
    read(town, OFFICER, "OK")
    assert given(town) == [("city_officer", "seen")]
    town.clock.move(seconds=5)
    assert (read(town, OFFICER, "OK").reading or {}).get("repeated")


def test_several_open_alerts_are_listed(wired_town: WiredTown) -> None:
    town = wired_town
    town.report(kind="group_clash", severity=4, people="21-100")
    town.report(
        kind="group_clash", severity=4, people="21-100", locality="PK-KP-MARDAN-W3", person="member3.mardan"
    )
    town.work()
    assert read(town, "district.mardan", "OK").state == READ
    listed = answers(town)[-1]
    assert re.match(r"2 alerts are open. Send one: OK \d{3} for Ward \d, OK \d{3} for Ward \d", listed)
    assert given(town) == []
    read(town, "district.mardan", "55")
    assert answers(town)[-1] == listed, (
        "a bare number that is no code is not a wrong try, and is answered with the open codes"
    )


def test_missed_call_is_seen_where_an_alert_is_open_and_else_a_call_back(wired_town: WiredTown) -> None:
    town = wired_town
    assert town.ring(MEMBER) == 200
    assert [call.why for call in calls(town)] == ["asked"]
    high_alert(town)
    assert town.ring(OFFICER) == 200
    assert given(town) == [("city_officer", "seen")]
    # With two open alerts on a phone nobody can know which one was meant: somebody rings back.
    town.report(
        kind="group_clash", severity=4, people="21-100", locality="PK-KP-MARDAN-W3", person="member3.mardan"
    )
    town.work()
    assert town.ring(OFFICER) == 200
    assert len(given(town)) == 1
    assert [call.why for call in calls(town)] == ["asked", "asked"]


def test_no_wrong_code_ever_acts_and_five_close_the_line_for_a_while(wired_town: WiredTown) -> None:
    town = wired_town
    alert = high_alert(town)
    right = code_of(town, OFFICER)
    wrong = [str(n) for n in range(300, 400) if str(n) != right][:5]
    for code in wrong:
        assert read(town, OFFICER, f"GO {code}").state == UNREAD
    read(town, OFFICER, f"GO {right}")
    read(town, OFFICER, "OK")
    assert given(town) == []
    with town.session() as session:
        assert session.get_one(Alert, alert.id).acting_at is None
    town.clock.move(minutes=16)
    read(town, OFFICER, f"GO {right}")
    assert given(town) == [("city_officer", "acting")]


@pytest.mark.parametrize(
    "text", ["CLOSE", "GO 999 now", "ok not {code}", "Fwd: GO {code}", "level 1 now", "GO {code} from 1234"]
)
def test_nothing_but_the_whole_answer_changes_an_alert(wired_town: WiredTown, text: str) -> None:
    town = wired_town
    alert = high_alert(town)
    row = read(town, OFFICER, text.format(code=code_of(town, OFFICER)))
    assert (row.state, given(town)) == (UNREAD, [])
    with town.session() as session:
        found = session.get_one(Alert, alert.id)
        assert (found.state, found.level, found.acting_at) == ("open", 4, None)


# What cannot be read, and who is not known.


def test_unread_text_is_kept_for_the_secretary_and_its_sender_is_told(wired_town: WiredTown) -> None:
    town = wired_town
    row = read(town, MEMBER, "stop the fight in ward 7")
    assert (row.state, (row.reading or {})["command"]) == (UNREAD, "UNREAD")
    with town.session() as session:
        assert row.text(session) == "stop the fight in ward 7"
        assert session.get_one(Locality, row.locality_id).code == WARD
    assert "Nothing is lost" in answers(town)[0]
    read(town, MEMBER, "please stop sms")
    assert "STOP" in answers(town)[0]
    assert all(point.stopped_at is None for point in all_of(town, ContactPoint))


def test_machine_on_the_other_side_gets_five_answers_an_hour(wired_town: WiredTown) -> None:
    town = wired_town
    for n in range(8):
        read(town, MEMBER, f"I am away until Monday {n}")
    assert len(answers(town)) == 5
    read(town, MEMBER, "HELP")
    assert answers(town) == []
    town.clock.move(minutes=61)
    read(town, MEMBER, "HELP")
    assert len(answers(town)) == 1
    # What a machine can call up again and again is said five times a day; what a person asks for is answered.
    read(town, MEMBER, "I am away until Tuesday")
    assert answers(town) == []
    town.clock.move(hours=25)
    read(town, MEMBER, "I am away until Wednesday")
    assert len(answers(town)) == 1


def test_unknown_number_is_kept_heard_and_never_scored(wired_town: WiredTown) -> None:
    town = wired_town
    for text in ("R 7 fight in Mardan now", "R 7 they throw stones", "hello", "GO 123", "21121"):
        assert read(town, STRANGER, text).state == UNREAD
    assert [NEUTRAL in text for text in answers(town)] == [True]
    town.work()
    found = all_of(town, Incident)
    assert [incident.known_source for incident in found] == [False, False]
    assert all_of(town, CheckIn) == all_of(town, Alert) == all_of(town, Acknowledgement) == []
    assert {call.why for call in calls(town)} == {"unknown_source"}
    with town.session() as session:
        towns = {session.get_one(Locality, row.locality_id).code for row in rows(town)}
    assert towns <= {"PK-KP-MARDAN", WARD, "PK-BA-QUETTA"}
    town.clock.move(hours=25)
    read(town, STRANGER, "hello again")
    assert answers(town)
    assert len(town.heard(STRANGER)) == 2
    town.clock.move(hours=25)
    assert read(town, STRANGER, "STOP").state == READ, "a stop is done, and nobody has to look at it"
    assert read(town, STRANGER, "hello once more").state == UNREAD
    assert answers(town) == []


def test_replies_to_unknown_numbers_have_a_limit_that_a_restart_keeps(wired_town: WiredTown) -> None:
    town = wired_town
    for _ in range(8):
        read(town, STRANGER, "CALL")
        town.clock.move(minutes=2)
    assert len(answers(town)) == 1, "each answer is said once a day"
    for number in ("+15005550100", "12345"):
        town.twilio.receive(number, "hello", town.hook())
    town.work()
    assert [row.state for row in rows(town)] == [UNREAD] * 10
    assert answers(town) == [], "no answer to a short code or to a country that is not ours"


def test_shared_phone_gets_neutral_words_only(wired_town: WiredTown) -> None:
    town = wired_town
    with town.session(write=True) as session:
        town.person(session, MEMBER).shared_phone = True
    read(town, MEMBER, "R 7 fight near market")
    assert len(all_of(town, Incident)) == 1
    (reply,) = answers(town)
    assert NEUTRAL in reply


def test_borrowed_phone_claims_and_a_person_decides(wired_town: WiredTown) -> None:
    town = wired_town
    row = read(town, MEMBER, "R 7 fight from 1234")
    assert (row.state, (row.reading or {})["claimed"]) == (UNREAD, True)
    assert [incident.known_source for incident in all_of(town, Incident)] == [False]
    read(town, MEMBER, "21121 from 1234")
    assert all_of(town, CheckIn) == []


# What the hook lets in.


def fields_of(town: WiredTown, text: str = "R 7 fight", **changes: str) -> dict[str, str]:
    """The fields of one inbound SMS that the provider holds."""
    sms = town.twilio.miss(town.address(MEMBER), text)
    return town.twilio.inbound_fields(sms) | changes


def test_same_request_many_times_at_once_is_one_message(wired_town: WiredTown) -> None:
    town = wired_town
    fields = fields_of(town)
    signed = {"X-Twilio-Signature": town.twilio.sign(town.hook(), fields)}

    def post(_: int) -> int:
        return town.app.test_client().post(SMS_HOOK, data=fields, headers=signed).status_code

    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(post, range(50))) == {200}
    town.work()
    assert post(0) == 200
    town.work()
    assert (len(rows(town)), len(all_of(town, Incident))) == (1, 1)


def test_hook_answers_in_silence(wired_town: WiredTown) -> None:
    town = wired_town
    fields = fields_of(town)
    signed = {"X-Twilio-Signature": town.twilio.sign(town.hook(), fields)}
    answer = town.app.test_client().post(SMS_HOOK, data=fields, headers=signed | {"Host": "other.example"})
    assert (answer.status_code, answer.text, answer.mimetype) == (200, "<Response/>", "text/xml")


def test_forged_requests_are_refused_and_leave_nothing(wired_town: WiredTown) -> None:
    town = wired_town
    client, url = town.app.test_client(), town.hook()
    good = fields_of(town)
    sign = town.twilio.sign
    cases: list[tuple[dict[str, str], str | None]] = [
        (good, None),
        (good, ""),
        (good, "\u0000junk"),
        (good, "A" * 27 + "="),
        (good | {"Body": "R 7 war"}, sign(url, good)),
        ({}, sign(url, {})),
        ({k: v for k, v in good.items() if k != "NumMedia"}, None),
    ]
    cases += [
        (changed, sign(url, changed))
        for changed in (
            good | {"AccountSid": "AC" + "b" * 32},
            good | {"To": "+15005550009"},
            good | {"SmsSid": "SM" + "c" * 32},
            {k: v for k, v in good.items() if k != "MessageSid"},
            good | {"MessageStatus": "sent"},
        )
    ]
    for fields, signature in cases:
        headers = {} if signature is None else {"X-Twilio-Signature": signature.replace("\0", "%00")}
        assert client.post(urlsplit(url).path, data=fields, headers=headers).status_code == 403, fields
    signed = {"X-Twilio-Signature": sign(url, good)}
    assert client.post(SMS_HOOK, json=good, headers=signed).status_code == 403
    assert client.post(SMS_HOOK, data=b"\xff\xfe%%%", headers=signed).status_code == 403
    for path in (VOICE_HOOK, "/hooks/twilio/status/6b9d9a3e-0000-4000-8000-000000000000"):
        other = town.runtime.config.public_url + path
        assert (
            client.post(path, data=good, headers={"X-Twilio-Signature": sign(other, good)}).status_code == 403
        )
    assert client.get(SMS_HOOK).status_code == 405
    assert rows(town) == []


def test_message_with_something_unknown_is_asked_for_before_it_is_believed(wired_town: WiredTown) -> None:
    town = wired_town
    fields = fields_of(town, "R 7 two boys argue")
    tampered = fields | {"Body": "R 7 fire", "Extra": "1"}
    assert town.twilio.post(town.hook(), tampered) == 200
    invented = fields_of(town) | {"Extra": "1"}
    town.twilio.messages.pop()
    assert town.twilio.post(town.hook(), invented) == 200
    town.twilio.go_down()
    town.work()
    assert [row.state for row in rows(town)] == [WAITING, WAITING]
    assert read(town, "member2.mardan", "R 7 fight near school").state == READ
    town.twilio.come_back()
    town.work()
    states = {row.provider_id: row.state for row in rows(town)}
    assert (states[fields["MessageSid"]], states[invented["MessageSid"]]) == (READ, IGNORED)
    with town.session() as session:
        row = session.scalars(select(Inbound).where(Inbound.provider_id == fields["MessageSid"])).one()
        assert (row.text(session), row.confirmed) == ("R 7 two boys argue", True)
        assert session.scalar(select(func.count(Incident.id))) == 2


def test_row_that_cannot_be_worked_goes_to_a_person_and_holds_up_nobody(wired_town: WiredTown) -> None:
    town = wired_town
    town.text(MEMBER, "R 7 fight")
    with town.session(write=True) as session:
        session.scalars(select(Inbound)).one().text_sealed = "not sealed by us"
    assert read(town, "member2.mardan", "R 7 fight near school").state == READ
    for _ in range(6):
        inbound.work(town.runtime)
    assert sorted(row.state for row in rows(town)) == [READ, UNREAD]


@pytest.mark.parametrize("text", ["\u0000", "R 7 \u0000 fight", "\u202e\u200f", "R " + "م" * 1500])
def test_odd_characters_are_kept_whole(wired_town: WiredTown, text: str) -> None:
    row = read(wired_town, MEMBER, text)
    with wired_town.session() as session:
        assert row.text(session) == text.replace("\0", "\\x00")
