"""Recordings for calls: checked by content, signed off by a second person, played at signed addresses, English where one is missing."""

from __future__ import annotations

import io
import re
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select

from alerts.recorded import VoiceLine
from alerts.spoken import RECORDED, SPOKEN, lines
from committees.people import Person
from coordination.commands import doctoring
from foundation.config import Config
from tests.fake_twilio_recordings import mp3, wav
from tests.journeys.test_call_menu import Caller
from tests.journeys.test_calls_and_whatsapp import alarm, answers, gets
from tests.make import Browser, Town
from tests.rig.town import WiredTown

ON_SQLITE = pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
LISTENER = "secretary.mardan"


def record(town: Town, line: str, sound: bytes, *, sign_off: bool = True, language: str = "si") -> Browser:
    """The administrator records a line, and a secretary whose language it is signs it off."""
    admin = town.browser("admin")
    page = f"/admin/voice/{language}/{line}"
    admin.open(page)
    admin.send(page, sound=(io.BytesIO(sound), "words.txt"))
    if sign_off:
        with town.session(write=True) as session:
            town.person(session, LISTENER).language = language
        listener = town.browser(LISTENER)
        listener.open(page)
        (action,) = re.findall(r'action="(/admin/voice/right/[^"]+)"', listener.page)
        listener.send(action)
        assert "signed off" in listener.page
    return admin


def test_a_recording_is_kept_heard_and_replaced(town: Town) -> None:
    admin = record(town, "menu.ask", b"<html>", sign_off=False)
    assert (admin.status, "Choose a WAV or MP3 file" in admin.page) == (422, True)
    admin = record(town, "menu.ask", wav(61, rate=2000), sign_off=False)
    assert (admin.status, "at most one minute" in admin.page) == (422, True)
    admin = record(town, "menu.ask", mp3(300), sign_off=False)
    assert (admin.status, "<audio" in admin.page) == (200, True)
    with town.session("command") as session:
        first = session.scalars(select(VoiceLine)).one()
        assert session.scalars(select(Person.code).where(Person.id == first.made_by)).one() == "admin"
    assert admin.client.get(f"/admin/voice/sound/{first.id}").data == mp3(300)
    assert "/voice/right" not in admin.page  # nobody signs off what they recorded
    admin.client.post(f"/admin/voice/right/{first.id}", data=admin.hidden("/admin/voice/si/menu.ask"))
    record(town, "menu.ask", mp3(200))
    with town.session("command") as session:
        second = session.scalars(select(VoiceLine)).one()
    assert (first.id != second.id, first.heard_at, bool(second.heard_at)) == (True, None, True)
    assert f"1 of {len(lines('si'))} lines are recorded, 1 are signed off" in admin.open("/admin/voice")
    assert town.browser(LISTENER).client.post("/admin/voice/si/menu.ask").status_code in (400, 403)
    assert town.browser("member1.mardan").client.get("/admin/voice").status_code == 404
    assert admin.client.get("/admin/voice/en/menu.ask").status_code == 404


@ON_SQLITE
def test_the_menu_plays_what_is_recorded_and_says_the_rest_in_english(wired_town: WiredTown) -> None:
    town = wired_town
    key = str(SPOKEN.index("si") + 1)
    bare = Caller(town, "member1.mardan")
    assert "For Sinhala, press 6." in bare.heard
    assert bare.press(key).heard.count("What follows is in English") == 1
    record(town, "menu.choose", mp3(100))
    record(town, "menu.ask", mp3(200))
    record(town, "menu.note", mp3(50), sign_off=False)
    caller = Caller(town, "member1.mardan")
    assert "For Sinhala" not in caller.heard
    caller.press(key)
    (address,) = set(re.findall(r"<Play>([^<]+)</Play>", caller.heard))
    sound = town.app.test_client().get(urlsplit(address).path)
    assert (sound.data, sound.mimetype) == (mp3(200), "audio/mpeg")
    caller.press("4")
    assert "<Play>" not in caller.heard  # not signed off yet
    assert "What follows is in English" in caller.heard
    assert town.app.test_client().get(urlsplit(address).path[:-3] + "AAA").status_code == 404
    record(town, "menu.ask", mp3(210))
    assert town.app.test_client().get(urlsplit(address).path).status_code == 404


@ON_SQLITE
def test_an_alert_plays_recordings_and_its_keys_answer(wired_town: WiredTown) -> None:
    town = wired_town
    for line in ("open", "messages.alert", "keys"):
        record(town, line, mp3(60))
    gets(town, "voice", language="si")
    alarm(town)
    (call,) = town.twilio.calls.made
    assert town.twilio.calls.take(call, "11") == [200, 200]
    played = [said for said in call.said if said.startswith("http")]
    assert call.said[0] == played[0]
    assert len(set(played)) == 3
    (details,) = {said for said in call.said if "4 of 5" in said}
    assert details.startswith("What follows is in English")
    town.work()
    assert answers(town) == [("acting", "voice")]


@ON_SQLITE
def test_doctor_names_what_is_missing(wired_town: WiredTown) -> None:
    record(wired_town, "menu.ask", mp3(60))
    config: Config = wired_town.runtime.config
    said = {one.what for one in doctoring._recordings(config)}
    for name in RECORDED.values():
        assert any(name in one and "menu.note" in one for one in said)
    assert [("menu.ask" in one) for one in sorted(said)] == [True, False]
