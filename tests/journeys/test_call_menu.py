"""Whoever rings is asked in a language of their choice what it is about; half a call is kept, and forged keys are not."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree as XML

import pytest
from sqlalchemy import select

from alerts.alert import Acknowledgement
from committees.call_backs import CallBack
from committees.inbox import MENU, Inbound
from committees.incidents import Incident
from tests.rig.town import WiredTown

MENU_HOOK, STRANGER = "/hooks/twilio/menu", "+923009990000"
ON_SQLITE = pytest.mark.parametrize("databases", ["sqlite"], indirect=True)


class Caller:
    """Somebody on the phone: what they hear, and the keys that they press."""

    def __init__(self, town: WiredTown, who: str, **more: str) -> None:
        self.town = town
        number = town.address(who) if "." in who else who
        ours = town.twilio.numbers[0]
        self.fields = {
            "AccountSid": town.twilio.account_sid,
            "ApiVersion": "2010-04-01",
            "CallSid": town.twilio.new_sid("CA"),
            "CallStatus": "in-progress",
            "Called": ours,
            "Caller": number,
            "Direction": "inbound",
            "From": number,
            "To": ours,
            **more,
        }
        self.status, self.heard = town.twilio.post_for_answer(town.hook(MENU_HOOK), self.fields)

    def press(self, key: str, **changes: str) -> Caller:
        action = XML.fromstring(self.heard).find("Gather")
        assert action is not None
        link = action.get("action", "")
        fields = self.fields | {"Digits": key, "FinishedOnKey": "", "msg": "Gather End"} | changes
        self.status, self.heard = self.town.twilio.post_for_answer(link, fields)
        return self


def rows(town: WiredTown, kind: Any) -> list[Any]:
    with town.session("intake") as session:
        return list(session.scalars(select(kind)))


def phone_calls(town: WiredTown) -> list[CallBack]:
    return [call for call in rows(town, CallBack) if call.inbound_id]


def test_a_member_presses_a_kind_and_hangs_up(wired_town: WiredTown) -> None:
    town = wired_town
    caller = Caller(town, "member1.mardan")
    assert "For English, press 1" in caller.heard
    caller.press("8")
    assert "For English, press 1" in caller.heard
    caller.press("2")
    assert "ur-IN" in caller.heard
    assert "دھمکی" in caller.heard
    caller.press("9")
    assert "0 سے 7" in caller.heard
    caller.press("4")
    assert "شکریہ" in caller.heard
    town.work()
    (incident,) = rows(town, Incident)
    assert (incident.kind, incident.channel, incident.known_source, incident.credibility) == (
        "small_fight",
        "voice",
        True,
        3,
    )
    (call,) = phone_calls(town)
    assert (call.why, (call.due_at - call.asked_at).seconds) == ("half_told", 300)
    town.later(minutes=5)
    assert len(phone_calls(town)) == 1  # the end of a call in which a key was pressed asks for nothing more
    desk = town.browser("secretary.mardan")
    desk.open(f"/report?call={call.id}")
    assert re.search(r'value="fight"[^>]* checked', desk.page)


def test_nothing_pressed_is_a_missed_call_once_the_call_is_over(wired_town: WiredTown) -> None:
    town = wired_town
    Caller(town, "member1.mardan").press("1")
    town.later(minutes=2)
    assert phone_calls(town) == []
    town.later(minutes=3)
    assert [call.why for call in phone_calls(town)] == ["asked"]


def test_a_stranger_hears_the_same_is_kept_and_never_scored(wired_town: WiredTown) -> None:
    town = wired_town
    known, caller = Caller(town, "member1.mardan"), Caller(town, STRANGER)
    assert caller.heard == known.heard
    caller.press("1").press("3")
    town.work()
    (incident,) = rows(town, Incident)
    assert (incident.known_source, incident.credibility) == (False, 4)
    assert [(call.why, call.incident_id) for call in phone_calls(town)] == [("unknown_source", incident.id)]


def test_seven_is_seen_and_never_acting(wired_town: WiredTown) -> None:
    town = wired_town
    town.report(kind="group_clash", severity=4, people="21-100")
    town.work()
    Caller(town, "city.mardan").press("1").press("7")
    town.work()
    assert [(row.answer, row.channel) for row in rows(town, Acknowledgement)] == [("seen", "voice")]


def test_a_key_that_is_not_certainly_of_this_call_is_kept_nowhere(wired_town: WiredTown) -> None:
    town = wired_town
    caller = Caller(town, "member1.mardan").press("1")
    link = f"{town.hook(MENU_HOOK)}/en"
    pressed = caller.fields | {"Digits": "4"}
    assert town.twilio.post(link, pressed, signature="A" * 27 + "=") == 403
    captured = town.twilio.sign(link, pressed)
    assert town.twilio.post(link, pressed | {"Digits": "5"}, signature=captured) == 403
    assert town.twilio.post(link, pressed | {"To": "+15005550999"}) == 403
    assert town.twilio.post(link, pressed | {"Direction": "outbound-api"}) == 403
    assert town.twilio.post(link, pressed | {"SomethingNew": "1"}) == 200
    assert [row for row in rows(town, Inbound) if row.kind == MENU] == []
    assert town.twilio.post(link, pressed) == town.twilio.post(link, pressed) == 200
    town.work()
    assert len(rows(town, Incident)) == 1


@ON_SQLITE
def test_who_hides_their_number_is_heard_kept_apart_and_never_to_be_rung(wired_town: WiredTown) -> None:
    town = wired_town
    for hidden in ("ANONYMOUS", "+266696687"):
        caller = Caller(town, hidden).press("1")
        assert caller.status == 200
        assert "Your number is hidden" in caller.heard
        assert "rings you back" not in caller.press("4").heard
    assert "Your number is hidden" in Caller(town, "Restricted").press("1").press("0").heard
    assert town.ring("anonymous") == 200
    town.later(minutes=5)
    incidents = rows(town, Incident)
    assert [(one.kind, one.known_source, one.credibility) for one in incidents] == [
        ("small_fight", False, 4)
    ] * 2
    assert len({one.source_id for one in incidents}) == 2, "nobody knows whether it was one person"
    assert {call.why for call in rows(town, CallBack)} <= {"no_news"}
    assert town.twilio.sent == [sms for sms in town.twilio.sent if sms.to.startswith("+92")]


@ON_SQLITE
def test_a_call_that_was_passed_on_by_another_phone_can_press_its_keys(wired_town: WiredTown) -> None:
    town = wired_town
    Caller(town, "member1.mardan", ForwardedFrom=STRANGER, CalledVia=STRANGER).press("1").press("4")
    town.work()
    assert [one.known_source for one in rows(town, Incident)] == [True]
