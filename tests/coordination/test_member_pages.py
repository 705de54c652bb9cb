"""The pages of members: what they send ends in the database as they said it, once, and only they see it as theirs."""

from __future__ import annotations

import base64
import uuid
from typing import Any

from nacl.public import PrivateKey
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from committees import people, verification
from committees.call_backs import CallBack
from committees.checkins import CheckIn
from committees.committee import Committee
from committees.custody import Identity, Keeper
from committees.incidents import Incident, IncidentGroup, IncidentPlace, IncidentText
from committees.people import ContactPoint, Person
from committees.places import by_code
from committees.reports import ReplyHandle, Report, Source
from tests.keepers import open_with
from tests.make import WARD, Browser, Town

CROWD = {
    "what": "crowd",
    "ward": WARD,
    "spot": "market",
    "day": "today",
    "part": "morning",
    "ongoing": "yes",
    "how": "saw",
    "text": "People stand at the gate and shout",
    "people": "6-20",
    "about": "worship_festivals",
}
CALM_BUT_FOR_RUMOURS = {"q1": "1", "q2": "2", "q3": "1", "q4": "1", "q5": "3"}


def visitor(town: Town, code: str = "member1.mardan") -> Browser:
    """A signed-in browser that reads English, whatever its person reads."""
    browser = town.browser()
    browser.client.set_cookie("concord_language", "en")
    browser.sign_in(code)
    return browser


def send_report(browser: Browser, **changes: Any) -> str:
    """Open the report form and send it; returns the page that follows."""
    browser.open("/report")
    return browser.send("/report", **{**CROWD, **changes})


def count(town: Town, entity: Any) -> int:
    with town.session() as session:
        return session.scalar(select(func.count()).select_from(entity)) or 0


def only(town: Town, entity: Any) -> Any:
    """The one row of a table."""
    with town.session() as session:
        return session.scalars(select(entity)).one()


def test_a_report_ends_in_the_database_as_it_was_said(town: Town) -> None:
    browser = visitor(town)
    page = send_report(browser)
    incident = only(town, Incident)
    assert (browser.status, browser.path) == (200, f"/report/{incident.id}/sent")
    assert incident.reference in page
    assert "The secretary looks at reports by 9pm. We will tell you what happened within 3 days." in page
    assert (incident.kind, incident.ongoing, incident.people, incident.how_known) == (
        "angry_crowd",
        "yes",
        "6-20",
        "saw",
    )
    assert (incident.part_of_day, incident.threat, incident.channel) == (
        "morning",
        "worship_festivals",
        "web",
    )
    assert (incident.known_source, incident.reliability, incident.credibility) == (True, "C", 2)
    with town.session() as session:
        assert session.get_one(Source, incident.source_id).kind == "member"
        assert incident.locality_id == by_code(session, WARD).id
        assert session.scalars(select(IncidentPlace)).one().landmark == "market"
        assert session.scalars(select(IncidentText)).one().text(session) == CROWD["text"]
        assert session.scalars(select(IncidentGroup)).one().about == "worship_festivals"
        way_back = session.scalars(select(ReplyHandle)).one()
        assert (
            session.get_one(ContactPoint, way_back.contact_point_id).person_id
            == town.person(session, "member1.mardan").id
        )


def test_what_must_not_be_told_goes_to_the_oversight_office(town: Town) -> None:
    page = send_report(visitor(town), withheld=["police", "committee"])
    incident = only(town, Incident)
    assert (incident.withheld_from, incident.path) == ("committee police", "own_office")
    assert "The oversight office looks at this report. This committee is not told." in page
    # The secretary's session does not even find its words.
    desk = visitor(town, "secretary.mardan")
    desk.open(f"/report/{incident.id}/sent")
    assert desk.status == 404


def test_errors_stand_beside_what_was_typed_and_nothing_is_stored(town: Town) -> None:
    browser = visitor(town)
    page = send_report(browser, what="", ongoing="", how="", text="Shouting near the well")
    assert browser.status == 422
    assert "There is a problem" in page
    for words in ("Choose what happened", "Choose how you know"):
        assert f">{words}</a>" in page  # in the summary
        assert f">{words}</p>" in page  # beside the field
    assert "Shouting near the well</textarea>" in page
    assert 'value="morning" id="f-part" checked' in page
    assert count(town, Incident) == 0
    browser.send("/report", **{**CROWD, "text": "Shouting near the well"})
    assert (browser.status, count(town, Incident)) == (200, 1)


def test_a_phone_number_is_asked_about_and_may_be_kept(town: Town) -> None:
    browser = visitor(town)
    page = send_report(browser, text="Bill 123456789 was torn")
    assert browser.status == 422
    assert "This looks like a phone number. Please take it out, or choose Keep it" in page
    assert 'name="keep"' in page
    browser.send("/report", **{**CROWD, "text": "Bill 123456789 was torn", "keep": "yes"})
    assert (browser.status, count(town, Incident)) == (200, 1)


def test_the_same_form_sent_twice_is_one_report(town: Town) -> None:
    browser = visitor(town)
    browser.open("/report")
    sent = {**browser.hidden("/report"), **CROWD}
    browser.client.post("/report", data=sent)
    again = browser.client.post("/report", data=sent)
    incident = only(town, Incident)
    assert again.status_code == 200
    assert "We already have this report." in again.text
    assert incident.reference in again.text
    assert count(town, Report) == 1


def test_another_town_neither_sees_it_nor_reports_here(town: Town) -> None:
    send_report(visitor(town))
    incident = only(town, Incident)
    other = visitor(town, "member1.peshawar")
    other.open(f"/report/{incident.id}/sent")
    assert other.status == 404
    assert incident.reference not in other.open("/mine")
    page = send_report(other)
    assert (other.status, count(town, Incident)) == (422, 1)
    assert "Choose the ward" in page
    # A neighbour on the same committee may know of it, but not as their own.
    colleague = visitor(town, "member2.mardan")
    colleague.open(f"/report/{incident.id}/sent")
    assert colleague.status == 404


def test_the_database_itself_keeps_a_member_to_their_places(town: Town) -> None:
    with town.session() as session:
        person = town.person(session, "member1.mardan")
        principal = people.principal_of(session, person)
        far = by_code(session, "PK-KP-PESHAWAR-W1").id
    refused = False
    with town.runtime.web.open(principal, write=True) as session:
        session.add(
            CallBack(locality_id=far, why="asked", asked_at=town.clock.now(), due_at=town.clock.now())
        )
        try:
            session.flush()
        except DBAPIError:
            refused = True
    # Row-level security is PostgreSQL's; on SQLite the pages stand alone.
    assert refused is not town.runtime.web.is_sqlite


def test_help_comes_before_any_question_about_a_private_matter(town: Town) -> None:
    browser = visitor(town)
    assert 'href="/report/private"' in browser.open("/report")
    page = browser.open("/report/private")
    assert page.index("1121") < page.index('<form method="post" action="/report/private"')
    matter = {"kind": "child_at_risk", "ward": WARD, "number": "0300 7654321", "help": "a safe place"}
    browser.send("/report/private", **matter, woman="yes")
    incident = only(town, Incident)
    assert browser.path == f"/report/{incident.id}/sent"
    assert (incident.path, incident.sensitive) == ("private_matter", True)
    with town.session() as session:
        call = session.scalars(select(CallBack).where(CallBack.incident_id == incident.id)).one()
    assert (call.why, call.sensitive) == ("private_matter", True)
    mine = browser.open("/mine")
    assert "A private matter" in mine
    assert "child" not in mine.casefold().split("<main")[1]
    colleague = visitor(town, "member2.mardan")
    colleague.open(f"/report/{incident.id}/sent")
    assert colleague.status == 404


def test_a_school_without_a_committee_reports_as_an_office(town: Town) -> None:
    browser = visitor(town, "school.mardan")
    send_report(browser)
    assert browser.status == 200
    incident = only(town, Incident)
    with town.session() as session:
        source = session.get_one(Source, incident.source_id)
        assert (source.kind, source.known) == ("office", True)
    assert incident.reference in browser.open("/mine")


def test_a_secretary_logs_for_a_person_at_the_desk(town: Town) -> None:
    assert "I log this for somebody else" not in visitor(town).open("/report")
    browser = visitor(town, "secretary.mardan")
    send_report(browser, for_other="yes")
    report = only(town, Report)
    assert (report.channel, report.logged_for_other) == ("walk_in", True)
    # What happens next must not be sent to the secretary's phone as if it were that person's.
    assert count(town, ReplyHandle) == 0


def test_a_name_is_asked_for_only_where_three_keepers_are(town: Town) -> None:
    browser = visitor(town)
    assert "Keep my name sealed" not in browser.open("/report")
    keys = [PrivateKey.generate() for _each in range(3)]
    with town.session(write=True) as session:
        committee = session.scalars(select(Committee).where(Committee.code == "MARDAN-COMMITTEE")).one()
        for position, key in enumerate(keys):
            public = base64.b64encode(bytes(key.public_key)).decode()
            person = town.person(session, f"member{position + 1}.mardan")
            session.add(
                Keeper(committee_id=committee.id, person_id=person.id, public_key=public, position=position)
            )
    assert "Keep my name sealed" in browser.open("/report")
    send_report(browser, name="none")
    assert count(town, Identity) == 0
    send_report(browser, name="sealed")
    boxes = only(town, Identity).boxes
    assert open_with(boxes, (0, bytes(keys[0])), (2, bytes(keys[2]))) == "Velnoor +923640000019"


def test_my_reports_say_how_far_each_has_come_and_can_be_taken_back(town: Town) -> None:
    browser = visitor(town)
    send_report(browser)
    incident = only(town, Incident)
    page = browser.open("/mine")
    assert "Reported, not checked yet" in page
    assert "We tell you what happened by" in page
    browser.send("/mine/withdraw")
    assert (browser.path, only(town, Incident).state) == ("/mine", "withdrawn")
    assert f"Report {incident.reference} is taken back." in browser.page
    assert "/mine/withdraw" not in browser.page


def test_a_checked_report_is_not_taken_back_and_is_no_other_persons_to_take(town: Town) -> None:
    browser = visitor(town)
    send_report(browser)
    incident = only(town, Incident)
    browser.open("/mine")
    token = browser.hidden("/mine/withdraw")
    colleague = visitor(town, "member2.mardan")
    colleague.open("/today")
    theirs = {"csrf_token": colleague.hidden("/sign-out")["csrf_token"], "report_id": str(incident.id)}
    assert colleague.client.post("/mine/withdraw", data=theirs).status_code == 404
    with town.session(write=True) as session:
        secretary = town.person(session, "secretary.mardan").id
        row = session.get_one(Incident, incident.id)
        verification.verify(session, town.clock.now(), secretary, row, verification.Verdict("verified"))
    assert browser.client.post("/mine/withdraw", data=token).status_code == 409
    assert only(town, Incident).state == "verified"


def test_a_check_in_is_counted_shown_next_week_and_replaced_within_its_week(town: Town) -> None:
    browser = visitor(town)
    assert "0 of 2 members have checked in." in browser.open("/today")
    browser.open("/check-in")
    browser.send("/check-in", **CALM_BUT_FOR_RUMOURS, i_school_as_usual="seen", talked_to=["women", "elders"])
    assert "1 of 2 members of Ward 7 have checked in." in browser.page
    row = only(town, CheckIn)
    assert (row.answers, row.all_calm, row.indicators) == (
        [1, 2, 1, 1, 3],
        False,
        {"school_as_usual": "seen"},
    )
    assert row.talked_to == ["women", "elders"]
    assert "Done. Thank you." in browser.open("/today")
    browser.open("/check-in")
    browser.send("/check-in", **{**CALM_BUT_FOR_RUMOURS, "q5": "5"})
    assert only(town, CheckIn).answers == [1, 2, 1, 1, 5]
    assert "1 of 2 members of Ward 7 have checked in." in browser.page
    colleague = visitor(town, "member2.mardan")
    colleague.open("/check-in")
    colleague.send("/check-in", **CALM_BUT_FOR_RUMOURS)
    assert "2 of 2 members of Ward 7 have checked in." in colleague.page
    town.clock.move(days=7)
    again = visitor(town)
    page = again.open("/check-in")
    assert "last week: 5" in page
    assert "0 of 2 members have checked in." in again.open("/today")


def test_all_calm_shows_its_answers_before_they_are_sent(town: Town) -> None:
    browser = visitor(town)
    assert 'href="/check-in?calm=1' in browser.open("/check-in")
    page = browser.open("/check-in?calm=1")
    assert page.count(" checked>") == 5
    assert count(town, CheckIn) == 0
    browser.send("/check-in", q1="1", q2="1", q3="1", q4="1", q5="1")
    assert only(town, CheckIn).all_calm


def test_a_check_in_names_the_question_without_an_answer_and_keeps_the_rest(town: Town) -> None:
    browser = visitor(town)
    browser.open("/check-in")
    page = browser.send("/check-in", q1="4", q2="2", q4="1", q5="1", prepare="The fair on Friday")
    assert browser.status == 422
    assert "Choose an answer for question 3" in page
    assert 'name="q1" value="4" id="f-q1-3" checked' in page
    assert "The fair on Friday" in page
    assert count(town, CheckIn) == 0


def test_today_shows_an_open_alert_of_my_ward_and_one_filled_button(town: Town) -> None:
    browser = visitor(town)
    assert "Open the alert" not in browser.page
    town.report("member2.mardan", kind="killing", how_known="saw")
    town.work()
    page = browser.open("/today")
    assert "Open the alert" in page
    assert "Nobody has answered yet." in page
    assert page.count('class="button"') == 1
    elsewhere = visitor(town, "member3.mardan")
    assert "Open the alert" not in elsewhere.page


def test_settings_hold_for_pages_and_messages(town: Town) -> None:
    browser = visitor(town)
    browser.open("/me")
    browser.send("/me", language="en", script="Latn", quiet_from="21", quiet_to="5", shared_phone="yes")
    assert "Saved." in browser.page
    with town.session() as session:
        person: Person = town.person(session, "member1.mardan")
        assert (person.language, person.script, person.shared_phone) == ("en", "Latn", True)
        assert (person.quiet_from, person.quiet_to) == (21, 5)
    browser.send("/me", language="en", script="Latn", quiet_from="21", quiet_to="29")
    assert browser.status == 422
    assert "Choose an hour" in browser.page


def test_nobody_is_written_to_after_saying_stop(town: Town) -> None:
    browser = visitor(town)
    browser.open("/me")
    browser.send("/me/sms")
    assert "You get no SMS." in browser.page
    with town.session() as session:
        assert not people.contacts_of(session, town.person(session, "member1.mardan").id)
    browser.send("/me/sms")
    with town.session() as session:
        assert people.contacts_of(session, town.person(session, "member1.mardan").id)


def test_every_page_of_a_member_asks_who_is_there(town: Town) -> None:
    nobody = town.browser()
    for path in (
        "/today",
        "/report",
        "/report/private",
        "/check-in",
        "/mine",
        "/me",
        f"/report/{uuid.uuid4()}/sent",
    ):
        nobody.open(path)
        assert nobody.path == "/sign-in"


def test_the_name_above_a_page_is_in_the_language_of_its_reader(town: Town) -> None:
    """Nobody chose a language here: it is the person's own, whoever was served before."""
    english, urdu = town.browser("national.pk"), town.browser("secretary.mardan")
    urdu.client.delete_cookie("concord_language")
    english.open("/national")
    assert "کمیٹی برائے بچاؤ، مردان" in urdu.open("/today")
    assert "Mardan prevention committee" not in urdu.page
