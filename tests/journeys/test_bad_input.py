"""Bad input at every door: the answer says in words what to do, what was typed is kept, and nothing crashes.

One table for each door, a few rows each; the depth is in the tests of the doors themselves.
"""

from __future__ import annotations

import html
import re
import uuid
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from alerts.alert import Alert
from committees.checkins import CheckIn
from committees.incidents import Incident
from coordination import seeding
from foundation.config import BadSetting, Config
from foundation.errors import Problem
from tests.coordination.test_api import Client, incident, is_problem
from tests.coordination.test_commands import Terminal
from tests.journeys.test_report_to_acknowledged_alert import CROWD, alert_path, english
from tests.journeys.test_sms_line import MEMBER, answers, read
from tests.make import SECRET, START, WARD, Browser, Town
from tests.rig.town import WiredTown

TYPED = "The gate of the old market, about forty people"
HUGE = "long words " * 900


def count(town: Town, entity: Any) -> int:
    with town.session() as session:
        return session.scalar(select(func.count()).select_from(entity)) or 0


def said(browser: Browser) -> str:
    """The open page as a person reads it."""
    return html.unescape(browser.page)


# --------------------------------------------------------------------------------------------- the pages

NUMBER = "This looks like a phone number. Please take it out, or choose Keep it"
REPORT: list[tuple[dict[str, str], str]] = [
    ({"what": ""}, "Choose what happened"),
    ({"what": "a riot"}, "Choose what happened"),
    ({"ward": ""}, "Choose the ward"),
    ({"ward": "PK-BA-QUETTA-W1"}, "Choose the ward"),
    (
        {"day": "earlier", "date_day": "1", "date_month": "1", "date_year": "2031"},
        "The date must be today or earlier",
    ),
    (
        {"day": "earlier", "date_day": "31", "date_month": "2", "date_year": "2026"},
        "Enter a real date, like 27 11 2024",
    ),
    ({"day": "earlier"}, "Enter a real date, like 27 11 2024"),
    (
        {"day": "earlier", "date_day": "9" * 30, "date_month": "x", "date_year": "\u0663"},
        "Enter a real date, like 27 11 2024",
    ),
    ({"ongoing": ""}, "Choose if it is still going on"),
    ({"what": "fight", "ongoing": ""}, "Choose if it is still going on"),
    ({"how": ""}, "Choose how you know"),
    ({"text": TYPED + "x" * (530 - len(TYPED))}, "Make it shorter. You have used 530 of 500 letters"),
    ({"text": f"{TYPED}, ring 0300 1234567"}, NUMBER),
    ({"spot": "0300 1234567"}, NUMBER),
]


def test_report_form_says_every_error_in_its_words_and_keeps_the_text(town: Town) -> None:
    browser = english(town, MEMBER)
    for changes, words in REPORT:
        browser.open("/report")
        browser.send("/report", **{**CROWD, "text": TYPED, **changes})
        assert browser.status == 422, (changes, browser.page)
        assert "There is a problem" in browser.page, changes
        assert f">{words}</a>" in said(browser), changes
        assert f">{words}</p>" in said(browser), changes
        assert TYPED in said(browser), changes
        assert re.search(r'name="day" value="\w+" id="[^"]+" checked', browser.page), changes
    assert count(town, Incident) == 0


def test_report_that_is_there_already_gets_its_reference_again(town: Town) -> None:
    browser = english(town, MEMBER)
    key = str(uuid.uuid4())
    browser.open("/report")
    reference = re.search(r"[A-Z]\d{4}", browser.send("/report", **{**CROWD, "report_id": key}))
    assert reference
    browser.open("/report")
    browser.send("/report", **{**CROWD, "report_id": key, "text": TYPED})
    assert "We already have this report. Reference" in browser.page
    assert reference.group(0) in browser.page
    assert count(town, Incident) == 1


@pytest.mark.parametrize("lost", ["session", "token", "id"])
def test_what_was_typed_stays_readable_when_a_form_cannot_be_taken(town: Town, lost: str) -> None:
    browser = english(town, MEMBER)
    browser.open("/report")
    fields = {**CROWD, "text": TYPED}
    if lost == "session":
        browser.client.delete_cookie("concord_session")
        browser.send("/report", **fields)
    else:
        browser.send("/report", **fields, **{{"token": "csrf_token", "id": "report_id"}[lost]: "old"})
    assert browser.status == (401 if lost == "session" else 400)
    words = {"session": "Please sign in", "token": "too old or not ours", "id": "not complete"}[lost]
    assert words in browser.page
    assert f"{TYPED}</textarea>" in said(browser)
    assert count(town, Incident) == 0


SIGN_IN = [
    ("", ""),
    (MEMBER, "wrong"),
    ("nobody here", "wrong"),
    ("a\0b", "\0"),
    ("x" * 10_000, "y" * 10_000),
    ("<b>", "'; --"),
]


def test_sign_in_is_answered_alike_and_keeps_the_name(town: Town) -> None:
    for name, password in SIGN_IN:
        browser = town.browser()
        browser.client.set_cookie("concord_language", "en")
        browser.open("/sign-in")
        browser.send("/sign-in", sign_in=name, password=password)
        assert browser.status == 403, name[:40]
        assert "The name or the password is not right. Check both and try again." in said(browser)
        assert name.replace("\0", "") in said(browser)
        assert len(password) < 3 or f'"{password}"' not in said(browser)


@pytest.mark.parametrize("phone", ["", "12", "a number", "+92\0", "9" * 5_000])
def test_phone_number_that_is_none_gets_words(town: Town, phone: str) -> None:
    browser = town.browser()
    browser.client.set_cookie("concord_language", "en")
    browser.open("/start")
    browser.send("/sign-in/code", phone=phone)
    assert browser.status in (200, 422)
    assert phone.replace("\0", "") in said(browser)
    browser.send("/sign-in/enter", phone=phone, code="\u0663x\0")
    assert browser.status == 403
    assert "There is a problem" in browser.page


CALM = {"ward": WARD, "q1": "1", "q2": "2", "q3": "1", "q4": "1", "q5": "1", "prepare": "The fair on Friday"}
CHECK_IN = [
    ({"q3": ""}, "Choose an answer for question 3"),
    ({"q5": "6"}, "Choose an answer for question 5"),
    ({"q1": "one"}, "Choose an answer for question 1"),
    ({"ward": "PK-NOWHERE"}, "Choose the ward"),
    (
        {"prepare": "The fair on Friday" + "x" * 120},
        "Make it shorter. You have used 138 of 120 letters",
    ),
]


def test_check_in_says_which_question_and_keeps_the_rest(town: Town) -> None:
    browser = english(town, MEMBER)
    for changes, words in CHECK_IN:
        browser.open("/check-in")
        browser.send("/check-in", **{**CALM, **changes})
        assert browser.status == 422, changes
        assert words in said(browser), changes
        assert "The fair on Friday" in said(browser), changes
        assert 'name="q2" value="2" id="f-q2-1" checked' in browser.page, changes
    assert count(town, CheckIn) == 0


SORTED = {
    "kind": "public_argument",
    "ward": WARD,
    "occurred_at": "2026-11-24T13:00",
    "severity": "2",
    "threat": "unsorted",
    "knows_source": "well",
    "first_hand": "yes",
    "second_source": "no",
    "outcome": "verified",
    "summary": "An argument at the bus stand",
    "marking": "",
}
SORT = [
    ({"outcome": ""}, "Choose how sure you are"),
    ({"kind": "quarrel"}, "Choose what happened"),
    ({"occurred_at": "yesterday"}, "Enter a real date and time"),
    ({"occurred_at": "2031-01-01T10:00"}, "The time must be now or earlier"),
    ({"occurred_at": "0001-01-01T00:00"}, "Enter a real date and time"),
    ({"occurred_at": "9999-12-31T23:59-12:00"}, "Enter a real date and time"),
    ({"severity": "12"}, "Choose how grave it is"),
    ({"marking": "RED"}, "Choose who may see this"),
    ({"summary": "An argument at the bus stand" + "x" * 900}, "Make it shorter. You have used 928 of"),
    ({"summary": "An argument at the bus stand, 0300 1234567"}, "This looks like a phone or ID number"),
    ({"version": "\u0663x"}, "Somebody else changed this report."),
]


def test_desk_form_comes_back_with_what_was_typed(town: Town) -> None:
    key = town.report(kind="public_argument", ongoing="no")
    browser = english(town, "secretary.mardan")
    for changes, words in SORT:
        browser.open(f"/desk/r/{key}")
        browser.send(f"/desk/r/{key}", **{**SORTED, **changes})
        assert browser.status == (409 if "version" in changes else 422), changes
        assert words in said(browser), changes
        assert "An argument at the bus stand" in said(browser), changes
    with town.session() as session:
        assert session.get_one(Incident, key).state == "reported"


REASON = "Two officers in plain view until nine."
DECIDED = {"decision": "take", "reason": REASON, "reply_by": "2026-11-24T20:00"}
REVIEW = [
    ({"decision": ""}, "Choose"),
    ({"decision": "arrest"}, "Choose"),
    ({"reason": "Two officers"}, "Write the reason in at least 20 letters"),
    ({"reason": "Two officers " + "x" * 500}, "Make it shorter"),
    ({"decision": "pass", "pass_to": "nobody"}, "Choose"),
    ({"reply_by": "soon"}, "Choose when you will reply"),
    ({"reply_by": "0001-01-01T00:00"}, "Choose when you will reply"),
    ({"reply_by": "9999-12-31T23:59-12:00"}, "Choose when you will reply"),
]


def test_review_form_comes_back_with_what_was_typed(town: Town) -> None:
    town.report()
    town.work()
    chair = english(town, "chair.mardan")
    path = alert_path(chair, "/today")
    chair.open(path)
    chair.send(f"{path}/help", asks_for="presence")
    assert chair.status == 200, chair.page
    police = english(town, "police.mardan")
    found = re.search(r'href="(/review/[0-9a-f-]{36})"', police.open("/review"))
    assert found
    for changes, words in REVIEW:
        police.open(found.group(1))
        police.send(found.group(1), **{**DECIDED, **changes})
        assert police.status == 422, changes
        assert "There is a problem" in police.page, changes
        assert words in said(police), changes
        assert "Two officers" in said(police), changes


CLOSE = [
    ({"outcome": ""}, "Choose how it ended"),
    ({"outcome": "won"}, "Choose how it ended"),
    ({"reason": "Those concerned met at noon" + "x" * 400}, "Make it shorter. You have used"),
    ({"close_id": "1"}, "This form is not complete."),
]


def test_end_of_an_alert_comes_back_with_what_was_typed(town: Town) -> None:
    town.report()
    town.work()
    browser = english(town, "secretary.mardan")
    path = alert_path(browser, "/today")
    for changes, words in CLOSE:
        browser.open(path)
        typed = {"outcome": "settled", "reason": "Those concerned met at noon", **changes}
        browser.send(f"{path}/close", **typed)
        assert browser.status == (400 if "close_id" in changes else 422), changes
        assert words in said(browser), changes
        assert "Those concerned met at noon" in said(browser), changes
    with town.session() as session:
        assert [alert.state for alert in session.scalars(select(Alert))] == ["open"]
    # A character that PostgreSQL cannot keep does not cost the person their sentence.
    browser.open(path)
    browser.send(f"{path}/close", outcome="settled", reason="They met\0 at noon")
    assert browser.status == 200
    assert "They met at noon" in said(browser)


@pytest.mark.parametrize(
    "path", ["/place/nowhere", "/place/%00", "/a/1", f"/a/{uuid.UUID(int=0)}", "/review/x", "/desk/r/%FF"]
)
def test_address_of_nothing_is_answered_in_words(town: Town, path: str) -> None:
    browser = english(town, "secretary.mardan")
    browser.open(path)
    assert browser.status == 404
    assert "We could not find that page or record" in said(browser)


# ------------------------------------------------------------------------------------------------ the API

API: list[tuple[dict[str, Any], str, str]] = [
    ({"kind": None}, "kind", ""),
    ({"severity": "grave"}, "severity", "whole number"),
    ({"occurred_at": "2026-11-24T09:00:00"}, "occurred_at", "zone"),
    ({"occurred_at": "0001-01-01T00:00:00+05:00"}, "occurred_at", ""),
    ({"locality": "PK-NOWHERE"}, "locality", "localities"),
    ({"kind": "quarrel"}, "kind", "incident-types"),
    ({"colour": "red"}, "colour", "not known here"),
    ({"text": HUGE}, "text", "shorter"),
]


def test_api_names_the_field_and_what_would_fit(town: Town) -> None:
    member = Client(town, MEMBER)
    for changes, field, words in API:
        found = is_problem(member.send("/incidents", incident(**changes)), 422, field)
        assert words in found["errors"][0]["message"]
    without = {key: value for key, value in incident().items() if key != "how_known"}
    is_problem(member.send("/incidents", without), 422, "how_known")
    for raw in (b"{", b"", b"\xff", b"null,"):
        headers = {**member.headers, "Content-Type": "application/json"}
        answer = town.app.test_client().post("/api/v1/incidents", data=raw, headers=headers)
        assert is_problem(answer, 400)["detail"]
    assert count(town, Incident) == 0


def test_other_doors_of_the_api_refuse_alike(town: Town) -> None:
    key = town.report()
    town.work()
    secretary = Client(town, "secretary.mardan")
    alert = secretary.get("/alerts").get_json()["items"][0]["id"]
    is_problem(secretary.send(f"/incidents/{key}/verification", {"outcome": "sure"}), 422, "outcome")
    is_problem(secretary.send(f"/alerts/{alert}/acknowledgements", {"answer": "maybe"}), 422, "answer")
    is_problem(secretary.send("/alerts/1/acknowledgements", {"answer": "seen"}), 404)


# -------------------------------------------------------------------------------------------------- files

HEADER = "locality,kind,occurred_at\n"
GOOD_TIME = "2026-01-02T10:00:00+05:00"


@pytest.fixture
def concord(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Terminal:
    """A terminal in an empty folder, with the settings of `town`."""
    monkeypatch.chdir(tmp_path)
    for name, value in (
        ("DATA", str(town.runtime.config.data)),
        ("DATABASE_URL", town.runtime.config.database_url),
        ("SECRET_KEY", SECRET),
    ):
        monkeypatch.setenv(f"CONCORD_{name}", value)
    return Terminal(capsys)


def test_rows_of_a_table_that_do_not_fit_come_back_with_reasons(concord: Terminal, town: Town) -> None:
    rows = [
        f"{WARD},rumour,{GOOD_TIME}",
        f"{WARD},quarrel,{GOOD_TIME}",
        f"{WARD},rumour,31 February",
        f"PK-NOWHERE,rumour,{GOOD_TIME}",
        f",rumour,{GOOD_TIME}",
        f"{WARD},rumour",
    ]
    Path("past.csv").write_text(HEADER + "\n".join(rows) + "\n")
    assert concord("import", "incidents", "past.csv") == 0, concord.err
    assert "6 rows read, 1 new, 0 there before, 5 rejected (see past.csv.rejected.csv)" in concord.out
    kept = Path("past.csv.rejected.csv").read_text()
    for words in ("kind 'quarrel' is not on the list", "must be a date", "PK-NOWHERE", "locality", "fields"):
        assert words in kept
    assert "31 February" in kept  # the row itself, to be mended
    assert count(town, Incident) == 1


@pytest.mark.parametrize("content", [b"locality,kind\nx,y\n", b"\xff\xfe\x00", b"", b"\0\n\0"])
def test_file_that_is_no_table_is_refused_whole(concord: Terminal, town: Town, content: bytes) -> None:
    Path("past.csv").write_bytes(content)
    assert concord("import", "incidents", "past.csv") == 1
    assert "past.csv" in concord.err
    assert count(town, Incident) == 0


SEED = """
countries:
  - {code: QA1, name: Land, languages: [en], zone: UTC, emergency: 15, scored_levels: [town], levels: [{key: country, names: {en: C}}]}
localities:
  - {code: QA1, parent: null, level: country, name: Land}
"""
OFFICE = "offices:\n  - {code: o, role: %s, locality: %s, organisation: g, names: {en: Desk}}\n"
SEEDS = [
    ("a: [", "cannot be read"),
    ("[1, 2]", "not a seed file"),
    ("countries: 5", "countries"),
    ("localities: [Mardan]", "localities, row 1"),
    ("localities:\n  - {parent: null, name: X}", "localities, row 1"),
    (SEED + "  - {code: QA1-T, level: town, name: Town}", "localities, row 2"),
    (SEED + "  - {code: QA1-T, parent: NOWHERE, level: town, name: Town}", "localities, row 2"),
    (SEED + OFFICE % ("wizard", "QA1"), "offices, row 1: 'wizard' is not a role; use one of"),
    (SEED + OFFICE % ("chair", "NOWHERE"), "offices, row 1: 'NOWHERE' is missing or not known"),
]


def test_seed_file_is_refused_with_the_row_that_is_wrong(town: Town, tmp_path: Path) -> None:
    path = tmp_path / "seed.yaml"
    for text, words in SEEDS:
        path.write_text(text, encoding="utf-8")
        with town.session("seed", write=True) as session:
            with pytest.raises(Problem) as caught:
                seeding.seed(session, START, path)
            session.rollback()
        assert words in caught.value.message, text
        assert caught.value.hint, text


# ---------------------------------------------------------------------------------------------------- SMS


@pytest.mark.parametrize("text", ["qwzx plmk", "", " ", "?!", "x " * 800, "\0", "R", "R 999 fight", "OK 999"])
def test_sms_that_cannot_be_read_is_kept_and_answered(wired_town: WiredTown, text: str) -> None:
    row = read(wired_town, MEMBER, text)
    assert row.state in ("read", "unread")
    with wired_town.session() as session:
        assert row.text(session) == text.replace("\0", "\\x00")
    (reply,) = answers(wired_town)
    assert len(reply) > 10
    assert "Traceback" not in reply


def test_sms_longer_than_any_is_refused_and_holds_up_nobody(wired_town: WiredTown) -> None:
    assert wired_town.text(MEMBER, HUGE) == 403  # ten segments are the most that the provider delivers
    assert read(wired_town, MEMBER, "R 7 fight near market").state == "read"


# ------------------------------------------------------------------------------------ settings, commands

SETTINGS = [
    ("DATABASE_URL", "mysql://host/db"),
    ("SECRET_KEY", "short"),
    ("PUBLIC_URL", "concord.example.org"),
    ("PUBLIC_URL", "http://[half"),
    ("SMTP_URL", "http://mail.example.org"),
    ("SMTP_URL", "smtp://[half"),
    ("SMTP_URL", "smtp://mail.example.org:post"),
    ("TWILIO_FROM", "+923001234567"),
    ("LOCALES", "en, tlh"),
    ("SECRET_KEY_FILE", "/nowhere/secret"),
    ("DATABSE_URL", "sqlite:////tmp/x.db"),
]


@pytest.mark.parametrize(("name", "value"), SETTINGS)
def test_setting_that_cannot_be_used_is_named(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(BadSetting) as caught:
        Config.from_env({"CONCORD_DATA": str(tmp_path), f"CONCORD_{name}": value})
    assert f"CONCORD_{name}" in caught.value.message
    assert caught.value.hint


def test_secret_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"\xff\xfe" * 30)
    with pytest.raises(BadSetting, match="CONCORD_SECRET_KEY_FILE"):
        Config.from_env({"CONCORD_DATA": str(tmp_path), "CONCORD_SECRET_KEY_FILE": str(tmp_path / "key")})


COMMANDS: list[tuple[tuple[str, ...], int, str]] = [
    (("token", "nobody"), 1, "There is nobody with the sign-in name nobody"),
    (("token", MEMBER, "--days", "0"), 2, "0 is not in the range"),
    (("token", MEMBER, "--scope", "everything"), 2, "is not one of"),
    (("score", "nowhere"), 1, "There is no place with the code nowhere"),
    (("score", WARD, "--loud"), 2, "No such option"),
    (("seed", "nothing.yaml"), 2, "does not exist"),
    (("dance",), 2, "No such command"),
]


def test_command_used_wrongly_says_so_and_leaves_a_status(concord: Terminal) -> None:
    for line, status, words in COMMANDS:
        assert concord(*line) == status, (line, concord.err)
        assert words in concord.err, line
