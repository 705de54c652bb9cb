"""What somebody says after the tone is kept, fetched, heard by few, and gone from the provider and in time from here."""

from __future__ import annotations

from xml.etree import ElementTree as XML

import pytest
from sqlalchemy import select

from committees.call_backs import CallBack
from committees.inbox import NOTE, Inbound
from committees.incidents import Incident
from committees.spoken_notes import SpokenNote
from coordination import fetching_notes
from coordination.fetching_notes import TELL_FROM
from foundation.alarms import Alarm
from foundation.journal import Entry
from tests.fake_twilio_recordings import Recording, mp3, wav
from tests.journeys.test_call_menu import STRANGER, Caller, phone_calls, rows
from tests.rig.town import WiredTown

ON_SQLITE = pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
SAID, READY = "/hooks/twilio/menu/en/said", "/hooks/twilio/recording"


def speaking(town: WiredTown, who: str = "member1.mardan", key: str = "4") -> Caller:
    """Somebody who has pressed what it is about, and hears the tone."""
    return Caller(town, who).press("1").press(key)


def spoken(town: WiredTown, caller: Caller, sound: bytes | None = None) -> Recording:
    """They say something and hang up; the provider tells us twice, and the jobs run."""
    one = town.twilio.recordings.speak(caller.fields["CallSid"], sound)
    assert town.twilio.recordings.said(town.hook(SAID), caller.fields, one)[0] == 200
    assert town.twilio.recordings.ready(town.hook(READY), one) == 200
    town.work()
    return one


def notes(town: WiredTown) -> list[SpokenNote]:
    return rows(town, SpokenNote)


def test_a_member_says_a_few_words_and_the_secretary_hears_them(wired_town: WiredTown) -> None:
    town = wired_town
    caller = speaking(town)
    record = XML.fromstring(caller.heard).find("Record")
    assert record is not None
    assert (record.get("maxLength"), record.get("action")) == ("60", town.hook(SAID))
    assert record.get("recordingStatusCallback") == town.hook(READY)
    one = spoken(town, caller, mp3(300))
    (note,) = notes(town)
    (incident,) = rows(town, Incident)
    assert (note.state, note.kind, note.seconds, note.incident_id) == ("kept", "audio/mpeg", 11, incident.id)
    assert town.twilio.recordings.deleted == [one.sid]
    assert one.sound not in (note.sound_sealed or "").encode()
    desk = town.browser("secretary.mardan")
    assert desk.open("/desk").count("a spoken note waits") == 2  # the call, and the report
    (call,) = phone_calls(town)
    for path in (f"/desk/call/{call.id}", f"/desk/r/{incident.id}"):
        assert f'src="/desk/note/{note.id}"' in desk.open(path)
    heard = desk.client.get(f"/desk/note/{note.id}", headers={"Range": "bytes=0-99"})
    assert (heard.status_code, heard.data, heard.mimetype) == (200, one.sound, "audio/mpeg")
    assert heard.headers["Cache-Control"] == "no-store"
    town.work()
    opened = [row for row in rows_of_the_record(town) if row.action == "open:sound"]
    assert [row.object_id for row in opened] == [note.id]
    for who in ("member1.mardan", "city.mardan", "secretary.addu"):
        assert town.browser(who).client.get(f"/desk/note/{note.id}").status_code == 404
    town.clock.move(days=31)
    assert fetching_notes.work(town.runtime) == 1
    (note,) = notes(town)
    assert (note.state, note.sound_sealed) == ("erased", None)
    assert desk.client.get(f"/desk/note/{note.id}").status_code == 404
    assert "It was deleted after 30 days" in desk.open(f"/desk/r/{incident.id}")


def rows_of_the_record(town: WiredTown) -> list[Entry]:
    with town.session("keeper") as session:
        return list(session.scalars(select(Entry)))


@ON_SQLITE
def test_a_strangers_note_is_kept_and_scores_nothing(wired_town: WiredTown) -> None:
    town = wired_town
    spoken(town, speaking(town, STRANGER, "3"))
    (incident,) = rows(town, Incident)
    assert (incident.known_source, incident.credibility) == (False, 4)
    assert [note.state for note in notes(town)] == ["kept"]
    assert [(call.why, call.incident_id) for call in rows(town, CallBack) if call.inbound_id] == [
        ("unknown_source", incident.id)
    ]


@ON_SQLITE
def test_who_says_nothing_has_still_reported(wired_town: WiredTown) -> None:
    town = wired_town
    caller = speaking(town)
    silence = town.twilio.recordings.speak(caller.fields["CallSid"], b"", "absent")
    assert town.twilio.recordings.ready(town.hook(READY), silence) == 200
    town.work()
    assert (len(rows(town, Incident)), notes(town)) == (1, [])


@ON_SQLITE
def test_hooks_in_any_order_twice_forged_and_for_nobody(wired_town: WiredTown) -> None:
    town, told = wired_town, wired_town.twilio.recordings
    caller = speaking(town)
    one = told.speak(caller.fields["CallSid"])
    ready = town.hook(READY)
    assert told.ready(ready, one, RecordingSid="RE" + "e" * 31) == 403
    assert told.ready(ready, one, AccountSid="AC" + "f" * 32) == 403
    assert town.twilio.post(ready, told.fields(one), signature="A" * 27 + "=") == 403
    captured = town.twilio.sign(ready, told.fields(one))
    other = told.fields(one) | {"RecordingDuration": "9"}
    assert town.twilio.post(ready, other, signature=captured) == 403
    assert town.twilio.post(town.hook(SAID), caller.fields) == 403
    assert [row for row in rows(town, Inbound) if row.kind == NOTE] == []
    nobody = told.speak("CA" + "e" * 32)
    assert told.ready(ready, nobody) == 200
    # The later one first, and each twice; something that we do not know costs nothing, because the provider is asked.
    assert told.ready(ready, one, SomethingNew="1") == told.ready(ready, one) == 200
    for _ in range(2):
        status, heard = told.said(town.hook(SAID), caller.fields, one)
        assert (status, "A person rings you back" in heard) == (200, True)
    town.work()
    assert [(note.recording, note.state) for note in notes(town)] == [(one.sid, "kept")]
    assert told.deleted == [one.sid]
    # A recording that the provider has from another call was never said in this one.
    elsewhere = told.speak("CA" + "d" * 32)
    assert told.ready(ready, elsewhere, CallSid=caller.fields["CallSid"]) == 200
    town.work()
    assert [note.state for note in notes(town) if note.recording == elsewhere.sid] == ["lost"]
    assert elsewhere in told.made


@ON_SQLITE
def test_a_fetch_that_fails_comes_again_and_an_administrator_is_told(wired_town: WiredTown) -> None:
    town = wired_town
    town.twilio.recordings.faults.extend(["500", "drop", "404", "redirect"])
    one = spoken(town, speaking(town))
    assert [(note.state, note.tries) for note in notes(town)] == [("waiting", 1)]
    assert one in town.twilio.recordings.made
    for minutes in (1, 2, 6):
        assert alarms(town) == []
        town.later(minutes=minutes)
        if notes(town)[0].tries >= TELL_FROM:
            break
    assert alarms(town) == ["note_stays"]
    assert "spoken note lies at the phone service" in town.browser("admin").open("/admin")
    town.later(hours=1)
    town.later(hours=1)
    assert [note.state for note in notes(town)] == ["kept"]
    assert (town.twilio.recordings.made, alarms(town)) == ([], [])
    assert not [path for _, path in town.twilio.requests if "elsewhere" in path]


def alarms(town: WiredTown) -> list[str]:
    with town.session("keeper") as session:
        open_ones = select(Alarm).where(Alarm.ended_at.is_(None), Alarm.key == "note_stays")
        return [row.key for row in session.scalars(open_ones)]


@ON_SQLITE
def test_what_is_no_sound_or_too_large_is_never_kept(wired_town: WiredTown) -> None:
    town = wired_town
    for fault in ("garbled", "huge"):
        town.twilio.recordings.faults.append(fault)
        spoken(town, speaking(town))
    assert [(note.state, note.sound_sealed) for note in notes(town)] == [("lost", None)] * 2
    incident = notes(town)[0].incident_id
    assert "could not be fetched" in town.browser("secretary.mardan").open(f"/desk/r/{incident}")


@ON_SQLITE
def test_a_note_is_never_deleted_before_our_copy_is_safe_and_goes_when_it_is(wired_town: WiredTown) -> None:
    town = wired_town
    caller = speaking(town)
    one = town.twilio.recordings.speak(caller.fields["CallSid"], wav(3), "processing")
    town.twilio.recordings.said(town.hook(SAID), caller.fields, one)
    town.work()
    assert ([note.state for note in notes(town)], one in town.twilio.recordings.made) == (["waiting"], True)
    one.status = "completed"
    town.twilio.go_down()
    town.later(minutes=2)
    assert [note.state for note in notes(town)] == ["waiting"]
    town.twilio.come_back()
    town.later(minutes=6)
    assert [(note.state, note.kind, note.seconds) for note in notes(town)] == [("kept", "audio/wav", 3)]
    assert town.twilio.recordings.deleted == [one.sid]


@ON_SQLITE
def test_what_was_said_while_our_hook_was_down_is_found_in_the_list(wired_town: WiredTown) -> None:
    town = wired_town
    caller = speaking(town)
    town.work()
    town.twilio.recordings.speak(caller.fields["CallSid"])
    town.twilio.recordings.speak("CA" + "e" * 32)  # somebody else's, in the same account
    town.later(minutes=3)
    assert [note.state for note in notes(town)] == ["kept"]
    assert len(town.twilio.recordings.made) == 1
