"""What others collect comes in once: forms fetched from ODK Central and KoboToolbox or sent by them, and letters. Nothing of it counts
before a person has checked it, but a member's letter that our own mail server vouches for."""

from __future__ import annotations

import html
import io
import json
import uuid
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import openpyxl
import pytest
from click.testing import CliRunner
from sqlalchemy import select

from alerts.alert import Alert
from committees import people
from committees.inbox import IGNORED, READ, UNREAD, Inbound
from committees.incidents import Incident, IncidentText
from committees.intake import submissions, xlsform
from committees.places import by_code
from coordination import collecting, form_servers, inbound
from coordination.collected import LARGEST_FORM, Collection
from foundation import collecting_settings
from foundation.crypto import cipher
from tests.fake_collectors import FakeForms, FakeImap
from tests.make import Town

PLACE = "PK-KP-MARDAN"
WARD = "PK-KP-MARDAN-W7"
HOOK = "/hooks/forms/ngo-by-itself"
SECRET = "a-secret-that-is-long-enough-for-this"  # noqa: S105 -- of a hook that lives for one test
OURS = "mx.concord.example"


@pytest.fixture
def forms() -> Iterator[FakeForms]:
    with FakeForms() as servers:
        yield servers


@pytest.fixture
def box() -> Iterator[FakeImap]:
    with FakeImap() as server:
        yield server


def set_up(town: Town, **settings: Any) -> None:
    town.runtime.config = replace(town.runtime.config, **settings)


def collect(town: Town) -> int:
    done = collecting.work(town.runtime)
    inbound.work(town.runtime)
    return done


def kobo(number: int, **answers: str) -> dict[str, Any]:
    return {
        "_id": number, "_uuid": str(uuid.uuid5(uuid.NAMESPACE_URL, str(number))), "_submitted_by": "field_7",
        "_submission_time": "2026-11-24T08:00:00",
        **{f"report/{name}": value for name, value in {"what": "fight", "ward": WARD, "how": "saw", "occurred_on": "2026-11-24", **answers}.items()},
    }  # fmt: skip


def incidents(town: Town) -> list[Incident]:
    with town.session() as session:
        return list(session.scalars(select(Incident).order_by(Incident.received_at, Incident.id)))


def rows(town: Town) -> list[Inbound]:
    with town.session() as session:
        return list(session.scalars(select(Inbound).order_by(Inbound.received_at, Inbound.id)))


def text_of(town: Town, incident: Incident) -> str:
    with town.session() as session:
        sealed = session.get_one(IncidentText, incident.id).text_sealed
        return cipher(session).open("incident_text.text", incident.id, sealed)


def stands(town: Town, name: str) -> Collection:
    with town.session("intake") as session:
        return session.get_one(Collection, name)


def test_each_submission_is_a_report_once_and_counts_only_when_checked(town: Town, forms: FakeForms) -> None:
    set_up(town, form_servers=collecting_settings.form_servers(forms.settings(PLACE)))
    forms.kobo = [kobo(n, text=f"Number {n}", people="21-100") for n in range(1, 251)]
    same = {
        "__id": "uuid:0b7d6a54-0d0e-4a7a-8f7e-6f1f2a3b4c5d",
        "__system": {"submissionDate": "2026-11-24T09:00:00.000Z"},
    }
    forms.central = [
        {**same, "what": "rumour", "ward": "Ward 7", "how": "heard", "occurred_on": "2026-11-23"}
    ]
    assert collect(town) == 251
    assert collect(town) == 0
    while inbound.work(town.runtime):
        pass
    found = incidents(town)
    assert len(found) == 251
    assert {row.kind for row in found} == {"group_clash", "rumour"}
    assert not any(row.known_source for row in found)
    town.work()
    with town.session() as session:
        assert session.scalars(select(Alert)).all() == [], "250 reports that nobody checked raise nothing"
    forms.kobo.append(kobo(251))
    assert collect(town) == 1, "from where it ended, not from the beginning"


@pytest.mark.parametrize("fault", [401, 429, 500, "garbled", "half", "hang_up"])
def test_a_server_that_fails_is_named_and_asked_again(town: Town, forms: FakeForms, fault: int | str) -> None:
    set_up(town, form_servers=collecting_settings.form_servers(forms.settings(PLACE)))
    forms.kobo, forms.central = [kobo(1)], []
    forms.faults.append(fault)
    assert collect(town) == 0
    assert stands(town, "ngo").error
    assert stands(town, "ngo").heard_at is None
    assert not stands(town, "town").error, "the other server is asked all the same"
    page = html.unescape(town.browser("admin").open("/admin/sources"))
    assert stands(town, "ngo").error in page
    assert collect(town) == 1
    assert not stands(town, "ngo").error


def test_what_is_too_large_for_one_answer_stops_nothing(town: Town, forms: FakeForms) -> None:
    """Fewer are asked for; of one that alone is too large a person learns that it is there."""
    set_up(town, form_servers=collecting_settings.form_servers(forms.settings(PLACE)))
    huge = "x" * (form_servers.LARGEST + 10)
    forms.kobo = [kobo(n, text=huge if n == 3 else f"Number {n}") for n in range(1, 6)]
    same = {"what": "rumour", "ward": "Ward 7", "how": "heard", "occurred_on": "2026-11-23"}
    forms.central = [
        {
            **same,
            "__id": f"uuid:0b7d6a54-0d0e-4a7a-8f7e-6f1f2a3b4c5{n}",
            "__system": {"submissionDate": f"2026-11-24T09:0{n}:00.000Z"},
            "text": huge if n == 0 else "x",
        }
        for n in range(2)
    ]
    while collect(town):
        pass
    assert len(incidents(town)) == 5
    assert sorted(row.state for row in rows(town)) == [READ] * 5 + [UNREAD] * 2
    assert not stands(town, "ngo").error
    assert not stands(town, "town").error


def test_a_clock_that_was_never_set_moves_no_day(town: Town, forms: FakeForms) -> None:
    set_up(town, form_servers=collecting_settings.form_servers(forms.settings(PLACE)))
    wrong = (
        "1970-01-01T00:00:00",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-12:00",
        "2015-03-01T00:00:00",
    )
    forms.kobo, forms.central = [{**kobo(n), "_submission_time": sent} for n, sent in enumerate(wrong, 1)], []
    forms.kobo.append({**kobo(9, occurred_on="0001-01-01"), "_submission_time": "0001-01-01T00:00:00"})
    collect(town)
    found = incidents(town)
    assert len(found) == 5
    assert {one.occurred_at.date().isoformat() for one in found} == {"2026-11-24"}


def test_a_page_that_breaks_off_loses_and_doubles_nothing(town: Town, forms: FakeForms) -> None:
    set_up(town, form_servers=collecting_settings.form_servers(forms.settings(PLACE)))
    forms.kobo = [kobo(n) for n in range(1, 151)]
    forms.asked.clear()
    assert collecting.work(town.runtime) == 150
    forms.kobo += [kobo(n) for n in range(151, 401)]
    forms.faults.extend(["ok", "half"])
    assert collecting.work(town.runtime) == 100
    assert collecting.work(town.runtime) == 150
    assert len(rows(town)) == 400


def test_a_form_server_sends_by_itself_with_its_secret_only(town: Town) -> None:
    set_up(town, form_hooks=collecting_settings.form_hooks(f"ngo-by-itself:{PLACE}={SECRET}"))
    client = town.app.test_client()
    body, right = json.dumps(kobo(1, ward="7", text="At the bus stand")), {"X-Concord-Secret": SECRET}
    assert client.post(HOOK, data=body).status_code == 403
    assert client.post(HOOK, data=body, headers={"X-Concord-Secret": SECRET[:-1]}).status_code == 403
    assert client.post("/hooks/forms/other", data=body, headers=right).status_code == 403
    for bad in ("", "[]", "no json", "{" * 5000, json.dumps({"text": "x" * LARGEST_FORM})):
        answer = client.post(HOOK, data=bad, headers=right)
        assert answer.status_code == 400
        assert "JSON object" in answer.get_data(as_text=True)
    for _ in range(3):
        assert client.post(HOOK, data=body, headers=right).status_code == 200
    while inbound.work(town.runtime):
        pass
    (incident,) = incidents(town)
    assert (incident.channel, incident.kind, incident.known_source) == ("form", "small_fight", False)
    assert text_of(town, incident) == "At the bus stand"
    with town.session() as session:
        assert incident.locality_id == by_code(session, WARD).id


@pytest.mark.parametrize("key", ["a\0b", "\ud800", "uuid:a\nb"])
def test_an_id_that_no_database_keeps_stops_nothing(town: Town, forms: FakeForms, key: str) -> None:
    set_up(
        town,
        form_servers=collecting_settings.form_servers(forms.settings(PLACE)),
        form_hooks=collecting_settings.form_hooks(f"ngo-by-itself:{PLACE}={SECRET}"),
    )
    forms.kobo = [{**kobo(1), "_uuid": key}, kobo(2)]
    assert collect(town) == 2
    client, right = town.app.test_client(), {"X-Concord-Secret": SECRET}
    body = json.dumps({**kobo(3), "_uuid": key})
    assert client.post(HOOK, data=body, headers=right).status_code == 200
    deep = '{"a":' * 9000 + "1" + "}" * 9000
    assert client.post(HOOK, data=deep, headers=right).status_code == 400
    assert len(rows(town)) == 3


def test_what_is_no_answer_to_our_form_waits_on_the_desk(town: Town) -> None:
    set_up(town, form_hooks=collecting_settings.form_hooks(f"ngo-by-itself:{PLACE}={SECRET}"))
    told = {"_uuid": str(uuid.uuid4()), "their_question": "A fight near the mill"}
    town.app.test_client().post(HOOK, data=json.dumps(told), headers={"X-Concord-Secret": SECRET})
    inbound.work(town.runtime)
    (row,) = rows(town)
    assert row.state == UNREAD
    desk = town.browser("secretary.mardan")
    assert f"/desk/sms/{row.id}" in desk.open("/desk")
    page = desk.open(f"/desk/sms/{row.id}")
    assert "no answer to our form" in page
    assert "A fight near the mill" in page
    desk.send(f"/desk/sms/{row.id}/report", ward=WARD, what="fight")
    (incident,) = incidents(town)
    assert (incident.channel, incident.known_source) == ("form", False)


def letter(sender: str, text: str, *heads: str, key: str = "one@example.org") -> bytes:
    lines = [*heads, f"From: {sender}", f"Message-ID: <{key}>", "Subject: Trouble", "", text, ""]
    return "\r\n".join(lines).encode()


def with_mail(town: Town, box: FakeImap) -> str:
    """A mailbox is set up, and the member has an address that is verified."""
    set_up(town, mailbox=collecting_settings.mailbox(box.settings(PLACE)), mail_trust=OURS)
    with town.session(write=True) as session:
        person = town.person(session, "member1.mardan")
        home = by_code(session, WARD).id
        people.add_contact(
            session, person, "email", "farah@example.org", locality_id=home, verified_at=town.clock.now()
        )
    return f"Authentication-Results: {OURS}; dkim=pass header.d=example.org"


def test_a_members_letter_that_is_proven_is_their_report_and_is_answered(town: Town, box: FakeImap) -> None:
    stamp = with_mail(town, box)
    box.letters.append(letter("Farah@example.org", "A crowd at the market, people shout.", stamp))
    assert collect(town) == 1
    assert collect(town) == 0
    (incident,) = incidents(town)
    assert (incident.known_source, incident.channel, incident.credibility) == (True, "email", 3)
    assert "A crowd at the market" in text_of(town, incident)
    (row,) = rows(town)
    assert (row.state, row.answered) == (READ, True)
    assert not any(word.startswith(("UID STORE", "SELECT", "EXPUNGE")) for word in map(str.upper, box.said))


@pytest.mark.parametrize(
    ("sender", "heads"),
    [("farah@example.org", []), ("stranger@example.org", ["stamp"]), ("farah@example.org", [f"Authentication-Results: {OURS}; dkim=fail"])],
)  # fmt: skip
def test_a_letter_that_anybody_could_have_written_waits_for_a_person(
    town: Town, box: FakeImap, sender: str, heads: list[str]
) -> None:
    stamp = with_mail(town, box)
    box.letters.append(
        letter(sender, "A crowd at the market", *[stamp if one == "stamp" else one for one in heads])
    )
    collect(town)
    assert incidents(town) == []
    (row,) = rows(town)
    assert (row.state, row.answered) == (UNREAD, False)
    page = town.browser("secretary.mardan").open(f"/desk/sms/{row.id}")
    assert "A crowd at the market" in page
    assert "could not check" in page


@pytest.mark.parametrize(
    "strange",
    [
        b"From: a@evil.example\r\nMessage-ID: <a\x00b@evil.example>\r\n\r\nhello",
        b"From: a@evil.example\r\nMessage-ID: <\xff@evil.example>\r\n\r\nhello",
        b"From: \xff@evil.example\r\nMessage-ID: <a@evil.example>\r\n\r\nhello",
    ],
)
def test_no_letter_of_a_stranger_stops_those_after_it(town: Town, box: FakeImap, strange: bytes) -> None:
    stamp = with_mail(town, box)
    box.letters += [strange, letter("farah@example.org", "A crowd at the market", stamp)]
    assert collect(town) == 2
    assert stands(town, collecting.MAIL_NAME).error == ""
    assert len(incidents(town)) == 1


def test_a_short_letter_between_quotes_stops_nothing(town: Town, box: FakeImap) -> None:
    stamp = with_mail(town, box)
    box.letters += [
        b"",
        b'Subject: a "short" one',
        letter("farah@example.org", "A crowd at the market", stamp),
    ]
    assert collect(town) == 3
    assert stands(town, collecting.MAIL_NAME).error == ""
    with town.session() as session:
        assert any('a "short" one' in row.text(session) for row in rows(town))
    assert len(incidents(town)) == 1


def test_a_machines_letter_is_never_answered(town: Town, box: FakeImap) -> None:
    stamp = with_mail(town, box)
    box.letters.append(letter("farah@example.org", "I am away", stamp, "Auto-Submitted: auto-replied"))
    collect(town)
    (row,) = rows(town)
    assert (row.state, row.answered) == (IGNORED, False)


def test_a_mailbox_that_is_made_anew_brings_nothing_twice(town: Town, box: FakeImap) -> None:
    stamp = with_mail(town, box)
    box.letters += [
        letter("farah@example.org", f"Number {n}", stamp, key=f"{n}@example.org") for n in range(3)
    ]
    assert collect(town) == 3
    box.validity = 8
    assert collect(town) == 0
    box.letters.append(letter("farah@example.org", "Number 4", stamp, key="4@example.org"))
    assert collect(town) == 1
    box.password = "another"  # noqa: S105 -- as above
    town.clock.move(minutes=1)
    assert collect(town) == 0
    assert "refuses our name" in stands(town, collecting.MAIL_NAME).error


def test_our_form_carries_the_keys_by_which_it_is_read(town: Town) -> None:
    browser = town.browser("admin")
    assert f"/admin/sources/form?town={PLACE}" in browser.open("/admin/sources")
    answer = browser.client.get(f"/admin/sources/form?town={PLACE}")
    book = openpyxl.load_workbook(io.BytesIO(answer.data))
    survey = [[cell.value for cell in row] for row in book["survey"].iter_rows()]
    names = [row[survey[0].index("name")] for row in survey[1:]]
    assert set(names) == set(submissions.QUESTIONS)
    rules = {row[1]: row[survey[0].index("constraint")] for row in survey[1:]}
    assert {name: rule for name, rule in rules.items() if rule} == {
        "occurred_on": ". <= today()",
        "text": "string-length(.) <= 500",
    }
    choices = [[cell.value for cell in row] for row in book["choices"].iter_rows(min_row=2)]
    assert ["ward", WARD] in [row[:2] for row in choices]
    for name, answers in xlsform.LISTS.items():
        assert {row[1] for row in choices if row[0] == name} == set(answers)
    labels = [column for column in survey[0] if column.startswith("label::")]
    assert len(labels) == len(town.runtime.config.locales)
    assert "کیا ہوا؟" in survey[1]
    assert browser.client.get("/admin/sources/form?town=PK").status_code == 404
    assert town.browser("secretary.mardan").client.get("/admin/sources").status_code == 404


def test_a_letter_from_a_pipe_is_taken_in_once(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from coordination.cli import concord

    monkeypatch.setenv("CONCORD_DATA", str(tmp_path))
    run = CliRunner()
    for said in ("1 letter taken in.", "This letter was there before."):
        answer = run.invoke(concord, ["import", "email", "-"], input=letter("a@b.example", "Hello"))
        assert (answer.exit_code, answer.output.strip().splitlines()[-1]) == (0, said), answer.output
