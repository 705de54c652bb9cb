"""Forms that NGOs already have: matched to ours by a person, tried on what came in, then switched on; edited, refused, doubled and strange
submissions are never lost, never twice, and no point on a map or person's name comes in with them."""

from __future__ import annotations

import html
import io
import json
import threading
import uuid
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from click.testing import CliRunner

from committees.inbox import READ, UNREAD, Inbound
from coordination import collecting, form_servers, inbound
from coordination.collected import form_item, put_in
from foundation import collecting_settings
from foundation.channel_settings import BadSetting
from foundation.policy import service
from tests.fake_collectors import FakeForms, FakeImap
from tests.journeys.test_reports_from_elsewhere import (
    HOOK,
    PLACE,
    SECRET,
    WARD,
    collect,
    incidents,
    kobo,
    rows,
    set_up,
    stands,
    text_of,
)
from tests.make import Town

AT = "/admin/sources/at/ngo-by-itself"
RIGHT = {"X-Concord-Secret": SECRET}


@pytest.fixture
def hooked(town: Town) -> Town:
    set_up(town, form_hooks=collecting_settings.form_hooks(f"ngo-by-itself:{PLACE}={SECRET}"))
    return town


def sent(town: Town, body: str | bytes | dict[str, Any], **headers: str) -> int:
    told = json.dumps(body) if isinstance(body, dict) else body
    answer = town.app.test_client().post(HOOK, data=told, headers=headers or RIGHT)
    inbound.work(town.runtime)
    return answer.status_code


def theirs(**answers: Any) -> dict[str, Any]:
    return {
        "_uuid": str(uuid.uuid4()),
        "_submission_time": "2026-11-24T08:00:00",
        "g/incident_type": "riot",
        **answers,
    }


def xlsform(*, survey: str = "survey") -> io.BytesIO:
    book = openpyxl.Workbook()
    first, second = book.worksheets[0], book.create_sheet("choices")
    first.title = survey
    for row in (
        ("type", "name", "label::English (en)", "label::Urdu (ur)", "relevant"),
        ("begin_group", "g", "", "", ""),
        ("select_one Types", "incident_type", "Type of incident", "واقعہ", ""),
        ("select_one area", "area", "Area", "علاقہ", "${incident_type} != ''"),
        ("end_group", "", "", "", ""),
        ("date", "day", "Day", "دن", ""),
        ("text", "respondent_name", "Name of respondent", "نام", ""),
        ("geopoint", "pin", "Where exactly", "جگہ", ""),
        ("text", "story", "What did you see?", "کیا دیکھا", ""),
    ):
        first.append(row)
    for answer in (
        ("list_name", "name", "label::English (en)", "label::Urdu (ur)"),
        ("Types", "riot", "Riot", "ہنگامہ"),
        ("Types", "talk", "Rumour spreading", "افواہ"),
        ("area", 7, "Seventh", "ساتواں"),
    ):
        second.append(answer)
    out = io.BytesIO()
    book.save(out)
    out.seek(0)
    return out


def test_their_form_is_matched_tried_and_then_read(hooked: Town) -> None:
    sent(hooked, theirs(**{"g/area": "7", "day": "2026-11-23", "story": "Stones", "your_name": "Ahmed Khan", "pin": "34.2 72.04 0 5"}))  # fmt: skip
    (row,) = rows(hooked)
    assert row.state == UNREAD
    with hooked.session() as session:
        kept = row.text(session)
    assert "Ahmed" not in kept
    assert "72.04" not in kept
    admin = hooked.browser("admin")
    assert "1 came in · reads our form" in admin.open("/admin/sources")
    assert "Our own form" in admin.open(AT)
    answer = admin.client.post(
        AT, data={**admin.hidden(AT), "form": (xlsform(), "form.xlsx")}, follow_redirects=True
    )
    page = html.unescape(answer.get_data(as_text=True))
    assert "Type of incident" in page
    assert "Name of respondent" not in page
    assert "Where exactly" not in page
    chosen = {"q-what": "incident_type", "q-ward": "area", "q-occurred_on": "day", "q-text": "story"}
    page = html.unescape(admin.send(f"{AT}/match", **chosen))
    assert "1 answer was tried" in page
    assert "Rumour spreading" in page
    assert "What happened is not known" in page
    assert not stands(hooked, "ngo-by-itself").matching, "a try is not a switch"
    more = {
        "of-what": "incident_type",
        "a-what-0": "crowd",
        "a-what-1": "rumour",
        "of-ward": "area",
        "a-ward-0": WARD,
    }
    page = html.unescape(admin.send(f"{AT}/match", **chosen, **more))
    assert "What happened is not known" not in page
    assert "Stones" not in page
    assert "Switched on" in html.unescape(admin.send(f"{AT}/match", **chosen, **more, use="1"))
    collecting.work(hooked.runtime)
    inbound.work(hooked.runtime)
    (incident,) = incidents(hooked)
    assert (incident.kind, incident.known_source, incident.channel) == ("angry_crowd", False, "form")
    assert text_of(hooked, incident) == "Stones"
    sent(hooked, theirs(**{"g/incident_type": "feud talk", "g/area": "nowhere", "story": "Later"}))
    second = next(one for one in incidents(hooked) if one.id != incident.id)
    assert second.kind == "rumour", "of several that were ticked the first that means one of ours"
    assert "ward: nowhere" in text_of(hooked, second)
    page = html.unescape(admin.open(AT))
    assert "Their own form" in page
    assert "form of another server" in hooked.browser("secretary.mardan").open(f"/desk/r/{incident.id}")
    admin.send(f"{AT}/ours")
    assert not stands(hooked, "ngo-by-itself").matching


@pytest.mark.parametrize("body", [b"", b"no workbook", b"PK\x03\x04 broken", "survey"])
def test_a_file_that_is_no_xlsform_is_refused_in_words(hooked: Town, body: bytes | str) -> None:
    admin = hooked.browser("admin")
    assert "not heard from yet" in admin.open("/admin/sources")
    admin.open(AT)
    file = io.BytesIO(body) if isinstance(body, bytes) else xlsform(survey="Sheet1")
    answer = admin.client.post(AT, data={**admin.hidden(AT), "form": (file, "form.xlsx")})
    assert answer.status_code == 422
    assert "This is not an XLSForm" in answer.get_data(as_text=True)
    assert hooked.browser("admin").client.get("/admin/sources/at/nobody").status_code == 404


def test_one_submission_by_every_way_and_edited_is_one_report(town: Town) -> None:
    """It is pulled and sent under another name, then edited twice: one report, and each change goes to a person once."""
    with FakeForms() as forms:
        set_up(
            town,
            form_servers=collecting_settings.form_servers(forms.settings(PLACE)),
            form_hooks=collecting_settings.form_hooks(f"ngo-by-itself:{PLACE}={SECRET}"),
        )
        first = {**kobo(1, text="First words"), "_uuid": str(uuid.uuid4())}
        root = f"uuid:{first['_uuid']}"
        forms.kobo, forms.central = [{**first, "meta/rootUuid": root}], []
        assert collect(town) == 1
        assert sent(town, {**first, "meta/instanceID": root}) == 200
        assert collect(town) == 0
        second = {
            **first,
            "_uuid": str(uuid.uuid4()),
            "meta/deprecatedID": root,
            "meta/rootUuid": root,
            "report/text": "Better words",
        }
        forms.kobo = [second]
        assert collect(town) == 1
        forms.kobo = [{**second, "_uuid": str(uuid.uuid4()), "meta/deprecatedID": f"uuid:{second['_uuid']}"}]
        assert collect(town) == 1
        assert collect(town) == 0
    (incident,) = incidents(town)
    assert text_of(town, incident) == "First words"
    assert sorted(row.state for row in rows(town)) == [READ, UNREAD, UNREAD]
    changed = next(row for row in rows(town) if row.state == UNREAD)
    page = html.unescape(town.browser("secretary.mardan").open(f"/desk/sms/{changed.id}"))
    assert "Was changed on its form server" in page
    assert "Better words" in page
    assert f"/desk/r/{incident.id}" in page


def test_what_is_seen_first_in_its_second_version_comes_once(hooked: Town) -> None:
    """ODK Central names a submission by __id through every version."""
    root, later = str(uuid.uuid4()), str(uuid.uuid4())
    edited = {
        "__id": f"uuid:{root}",
        "what": "rumour",
        "meta": {"instanceID": f"uuid:{later}"},
        "__system": {"edits": 1},
    }
    for _ in range(2):
        assert sent(hooked, edited) == 200
    assert sent(hooked, {**edited, "meta": {"instanceID": f"uuid:{root}"}}) == 200, "the first version, late"
    (incident,) = incidents(hooked)
    assert str(incident.id) == root
    sent(hooked, {**edited, "meta": {"instanceID": str(uuid.uuid4())}, "what": "fight"})
    assert sorted(row.state for row in rows(hooked)) == [READ, READ, UNREAD], (
        "a change of it is seen by a person"
    )


def test_an_answer_that_its_own_team_refused_waits_for_a_person(hooked: Town) -> None:
    sent(
        hooked,
        {**kobo(1), "_validation_status": {"uid": "validation_status_not_approved", "label": "Not approved"}},
    )
    sent(hooked, {"__id": str(uuid.uuid4()), "what": "fight", "__system": {"reviewState": "rejected"}})
    assert incidents(hooked) == []
    assert [row.state for row in rows(hooked)] == [UNREAD] * 2


XML = (
    '<?xml version="1.0"?><data xmlns:orx="http://openrosa.org/xforms" id="concord_report"><report><what>fight</what>'
    f"<ward>{WARD}</ward><text>At the mill</text></report>"
    "<orx:meta><orx:instanceID>uuid:0b7d6a54-0d0e-4a7a-8f7e-6f1f2a3b4c5d</orx:instanceID></orx:meta></data>"
)


def test_xml_is_read_as_it_is_and_in_the_envelope_of_a_hook(hooked: Town) -> None:
    assert sent(hooked, XML.encode()) == 200
    event = {
        "type": "submission.create",
        "id": "uuid:0b7d6a54-0d0e-4a7a-8f7e-6f1f2a3b4c5d",
        "data": {"xml": XML},
    }
    assert sent(hooked, event, **{"X-API-Key": SECRET}) == 200
    (incident,) = incidents(hooked)
    assert text_of(hooked, incident) == "At the mill"
    bomb = XML.replace("<data", '<!DOCTYPE d [<!ENTITY a "b">]><data').replace("At the mill", "&a;")
    for bad in (
        bomb,
        bomb.replace('1.0"', '1.0" encoding="UTF-16"').encode("utf-16"),
        XML[:80],
        "<",
        {"type": "entity.update.version", "id": "x", "data": {"name": "y"}},
    ):
        assert sent(hooked, bad) == 400
    assert len(rows(hooked)) == 1


def test_the_page_of_a_strange_answer_names_questions_not_braces(hooked: Town) -> None:
    sent(
        hooked,
        theirs(**{"story": "A crowd near the mill", "formhub/uuid": "abc", "_geolocation": [34.2, 72.0]}),
    )
    row: Inbound = rows(hooked)[0]
    page = html.unescape(hooked.browser("secretary.mardan").open(f"/desk/sms/{row.id}"))
    assert "A crowd near the mill" in page
    assert "formhub" not in page
    assert '{"' not in page


def test_what_is_older_than_the_setting_says_is_never_fetched(town: Town) -> None:
    with FakeForms() as forms:
        since = forms.settings(PLACE).replace(f"?place={PLACE}", f"?place={PLACE}&since=2026-11-20")
        set_up(town, form_servers=collecting_settings.form_servers(since))
        old, new = "2026-11-19T23:59:00", "2026-11-20T08:00:00"
        forms.kobo = [{**kobo(1), "_submission_time": old}, {**kobo(2), "_submission_time": new}]
        forms.central = [
            {"__id": str(uuid.uuid4()), "what": "rumour", "__system": {"submissionDate": f"{day}.000Z"}}
            for day in (old, new)
        ]
        assert collect(town) == 2
        forms.central[0]["__system"]["updatedAt"] = f"{new}.000Z"
        assert collect(town) == 0, "also where it was changed since"
    with pytest.raises(BadSetting, match="since is not a day"):
        collecting_settings.form_servers(f"a=kobo+https://t@kf.example.org/A?place={PLACE}&since=soon")


def test_a_submission_that_is_shown_after_a_younger_one_is_not_lost(town: Town) -> None:
    """Two are sent at once, and the server shows the second one first: the cursor waits some minutes before it leaves them behind."""
    with FakeForms() as forms:
        set_up(town, form_servers=collecting_settings.form_servers(forms.settings(PLACE)))
        moment = f"{town.clock.now():%Y-%m-%dT%H:%M:%S}"
        young = [{**kobo(n), "_submission_time": moment} for n in (1, 2, 3)]
        central = [
            {"__id": str(uuid.uuid4()), "what": "rumour", "__system": {"submissionDate": f"{moment}.{n}00Z"}}
            for n in (1, 2)
        ]
        forms.kobo, forms.central = [young[0], young[2]], central[1:]
        assert collect(town) == 3
        forms.kobo, forms.central = young, central
        assert collect(town) == 2
        town.clock.move(minutes=11)
        assert collect(town) == 0
        assert stands(town, "ngo").cursor == "3"


def test_many_that_were_changed_hold_up_no_new_one(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """A team that approves all its old submissions in one day changes more of them than one asking takes."""
    monkeypatch.setattr(form_servers, "MOST_PAGES", 1)
    monkeypatch.setattr(form_servers, "PAGE", 2)
    with FakeForms() as forms:
        set_up(town, form_servers=collecting_settings.form_servers(forms.settings(PLACE)))
        forms.central = [
            {"__id": str(uuid.uuid4()), "what": "rumour", "__system": {"submissionDate": f"2026-11-0{n}T08:00:00.000Z"}}
            for n in (1, 2, 3)
        ]  # fmt: skip
        assert [collect(town) for _ in range(2)] == [2, 1]
        for row in forms.central:
            row["__system"]["updatedAt"] = "2026-11-09T08:00:00.000Z"
        new = {"__id": str(uuid.uuid4()), "what": "crowd", "__system": {"submissionDate": "2026-11-08T08:00:00.000Z"}}  # fmt: skip
        forms.central.append(new)
        for _ in range(2):
            collect(town)
        assert stands(town, "town").cursor == "2026-11-08T08:00:00.000Z"


def test_a_folder_with_spaces_and_letters_of_any_language_is_asked_for(town: Town) -> None:
    with FakeImap() as box:
        box.letters = [b"From: a@b.example\r\nMessage-ID: <1@b>\r\n\r\nA crowd"]
        address = box.settings(PLACE).replace("/INBOX?", "/INBOX.Our%20%22rep%C3%B6rts%22?")
        set_up(town, mailbox=collecting_settings.mailbox(address))
        assert collect(town) == 1
        assert any('EXAMINE "INBOX.Our \\"rep&APY-rts\\""' in one for one in box.said)


def test_a_source_that_stays_silent_is_told_once_and_goes_on_by_itself(town: Town) -> None:
    """A token that was taken back stops nothing else, is an alarm after an hour, and is forgotten when it works again."""
    with FakeForms() as forms:
        set_up(town, form_servers=collecting_settings.form_servers(forms.settings(PLACE)))
        forms.kobo, forms.central = [kobo(1)], []
        collect(town)
        forms.kobo.append(kobo(2))
        for minutes in (10, 60, 10):
            town.clock.move(minutes=minutes)
            forms.faults.append(401)
            assert collect(town) == 0
        page = html.unescape(town.browser("admin").open("/admin"))
        assert page.count("ngo: nothing could be fetched from there for an hour.") == 1
        assert collect(town) == 1
        assert "nothing could be fetched" not in html.unescape(town.browser("admin").open("/admin"))


def test_the_alarm_of_a_source_that_was_given_up_ends(town: Town) -> None:
    with FakeForms() as forms:
        set_up(town, form_servers=collecting_settings.form_servers(forms.settings(PLACE)))
        forms.faults += [401] * 4
        collect(town)
        assert "nothing could be fetched" not in html.unescape(town.browser("admin").open("/admin"))
        town.clock.move(minutes=61)
        collect(town)
        assert "nothing could be fetched" in html.unescape(town.browser("admin").open("/admin"))
        set_up(town, form_servers={})
        collect(town)
        assert "nothing could be fetched" not in html.unescape(town.browser("admin").open("/admin"))


def test_what_comes_by_two_ways_at_one_moment_is_kept_once_and_stops_nothing_else(town: Town) -> None:
    both, alone = kobo(1), kobo(2)
    stored: list[int] = []
    begun = threading.Event()

    def pull() -> None:
        with town.runtime.worker.open(service("intake"), write=True) as session:
            begun.set()
            items = [form_item("ngo", PLACE, one) for one in (both, alone)]
            stored.append(put_in(session, town.clock.now(), items))
            session.commit()

    with town.runtime.worker.open(service("intake"), write=True) as session:
        stored.append(put_in(session, town.clock.now(), [form_item("ngo", PLACE, both)]))
        other = threading.Thread(target=pull)
        other.start()
        begun.wait(1)
        other.join(0.3)
        session.commit()
    other.join(30)
    assert stored == [1, 1]


def test_the_command_asks_now_and_says_how_each_source_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from coordination.cli import concord

    monkeypatch.setenv("CONCORD_DATA", str(tmp_path))
    run = CliRunner()
    answer = run.invoke(concord, ["import", "forms"])
    assert "No form server and no mailbox is set up." in str(answer.exception)
    with FakeForms() as forms:
        monkeypatch.setenv("CONCORD_FORM_SERVERS", forms.settings(PLACE))
        monkeypatch.setenv("CONCORD_FORM_HOOKS", f"by-itself:{PLACE}={SECRET}")
        forms.kobo, forms.central = [kobo(1)], []
        forms.faults.extend(["ok", "ok", 401])
        answer = run.invoke(concord, ["import", "forms"])
        assert "Could not be asked: town." in str(answer.exception)
        for words in ("ngo (kobo): 1 came in so far.", "refuses our name or token", "nothing has come yet"):
            assert words in answer.output
        found = run.invoke(concord, ["doctor"]).output
        assert f"Source ngo: there is no place with the code {PLACE}." in found
