"""The secretary sees what was read as what, puts it right with one press, and teaches the line a word that can be taken back."""

from __future__ import annotations

import uuid

from sqlalchemy import select

from alerts.evidence import Evidence
from committees import people, reports
from committees.call_backs import CallBack
from committees.checkins import CheckIn
from committees.inbox import READ, UNREAD, Inbound
from committees.incidents import Incident
from committees.people import ContactPoint
from committees.taught_words import TaughtWord
from coordination import errands
from coordination.frame import LANGUAGE_COOKIE
from tests.journeys.test_sms_line import MEMBER, STRANGER, all_of, answers, read
from tests.make import WARD, Browser
from tests.rig.town import WiredTown


def desk(town: WiredTown, code: str = "secretary.mardan") -> Browser:
    """The browser of a secretary who reads English."""
    browser = town.browser(code)
    browser.client.set_cookie(LANGUAGE_COOKIE, "en")
    return browser


def row_of(town: WiredTown, key: uuid.UUID) -> Inbound:
    with town.session() as session:
        return session.get_one(Inbound, key)


def test_an_unread_message_does_what_was_meant_and_its_sender_is_told(wired_town: WiredTown) -> None:
    town = wired_town
    one = read(town, MEMBER, "khairiyat hai yahan")
    answers(town)
    secretary = desk(town)
    page = secretary.open("/desk/sms")
    assert "khairiyat hai yahan" in page
    assert "Not understood" in page
    page = secretary.open(f"/desk/sms/{one.id}")
    assert "messages that say only “khairiyat hai yahan”" in page
    assert "Choose what was meant" in secretary.send(f"/desk/sms/{one.id}/as", teach_as="whole")
    assert 'value="whole" id="f-teach_as-2" checked' in secretary.page, "what was ticked is not lost"
    secretary.send(f"/desk/sms/{one.id}/as", meant="CALM", teach_as="whole")
    assert "the sender is told" in secretary.page
    errands.work(town.runtime)
    (reply,) = answers(town)
    assert "shukriya" in reply.casefold() or "WRONG" in reply
    with town.session() as session:
        assert [row.answers for row in session.scalars(select(CheckIn))] == [[1, 1, 1, 1, 1]]
    assert row_of(town, one.id).state == READ
    assert "All is calm this week" in secretary.open("/desk/sms")
    # The line has learnt it, for this committee.
    again = read(town, "member2.mardan", "Khairiyat hai yahan.")
    assert (again.state, (again.reading or {})["command"]) == (READ, "CHECKIN")
    other = read(town, "member1.quetta", "Khairiyat hai yahan.")
    assert other.state == UNREAD


def test_a_taught_word_is_listed_and_taken_back(wired_town: WiredTown) -> None:
    town = wired_town
    one = read(town, MEMBER, "soochna bazar mein bheed")
    secretary = desk(town)
    secretary.open(f"/desk/sms/{one.id}")
    secretary.send(f"/desk/sms/{one.id}/report", ward=WARD, what="crowd", teach="first")
    assert secretary.path.startswith("/desk/r/")
    errands.work(town.runtime)
    with town.session() as session:
        reference = session.scalars(select(Incident)).one().reference
    assert [text for text in answers(town) if reference in text and "WRONG" in text]
    assert read(town, "member2.mardan", "soochna 7 log jama hain").state == READ
    page = secretary.open("/desk/words")
    assert "soochna" in page
    with town.session() as session:
        word = session.scalars(select(TaughtWord)).one()
    secretary.send(f"/desk/words/{word.id}/undo")
    assert "No word was taught yet" in secretary.page
    assert read(town, "member2.mardan", "soochna 3 log jama hain").state == UNREAD


def test_a_message_that_was_read_wrongly_is_put_right(wired_town: WiredTown) -> None:
    town = wired_town
    one = read(town, MEMBER, "report kaise bhejein")
    secretary = desk(town)
    assert "A report" in secretary.open(f"/desk/sms/{one.id}")
    secretary.send(f"/desk/sms/{one.id}/as", meant="HELP")
    errands.work(town.runtime)
    with town.session() as session:
        assert [row.state for row in session.scalars(select(Incident))] == ["withdrawn"]
    assert len([text for text in answers(town) if "CALL" in text]) >= 1
    assert (row_of(town, one.id).reading or {})["command"] == "HELP"


def test_stop_is_done_for_a_person_but_never_taught(wired_town: WiredTown) -> None:
    town = wired_town
    one = read(town, MEMBER, "mujhe yeh sms nahi chahiye")
    secretary = desk(town)
    secretary.open(f"/desk/sms/{one.id}")
    page = secretary.send(f"/desk/sms/{one.id}/as", meant="STOP", teach_as="whole")
    assert "must never be guessed" in page
    with town.session() as session:
        assert session.scalars(select(TaughtWord)).all() == []
    secretary.send(f"/desk/sms/{one.id}/as", meant="STOP")
    errands.work(town.runtime)
    with town.session() as session:
        stopped = [p for p in session.scalars(select(ContactPoint)) if p.stopped_at]
        assert [p.person_id for p in stopped] == [town.person(session, MEMBER).id]
    assert "What this message did cannot be changed here" not in secretary.open(f"/desk/sms/{one.id}")
    assert "It meant something else" not in secretary.page


def test_a_call_asked_for_in_other_words_is_on_the_desk_once(wired_town: WiredTown) -> None:
    town = wired_town
    one = read(town, MEMBER, "mujh se baat karein")
    secretary = desk(town)
    for _ in range(2):
        secretary.open(f"/desk/sms/{one.id}")
        secretary.send(f"/desk/sms/{one.id}/as", meant="CALL")
        errands.work(town.runtime)
    with town.session() as session:
        assert [c.why for c in session.scalars(select(CallBack)) if c.why != "no_news"] == ["asked"]


def test_nobody_else_sees_the_list_and_a_stranger_is_answered_for_nobody(wired_town: WiredTown) -> None:
    town = wired_town
    one = read(town, "+923009999999", "hello Mardan")
    city = desk(town, "city.mardan")
    city.open("/desk/sms")
    assert city.status in (403, 404)
    other = desk(town, "secretary.quetta")
    assert "hello Mardan" not in other.open("/desk/sms")
    secretary = desk(town)
    page = secretary.open(f"/desk/sms/{one.id}")
    assert ("They get it now" in page, "A call comes on your desk" in page) == (False, True)
    answers(town)
    secretary.send(f"/desk/sms/{one.id}/as", meant="STATUS")
    errands.work(town.runtime)
    assert answers(town) == []
    assert row_of(town, one.id).state == READ
    assert "Asks for the level" in secretary.open("/desk/sms")


def test_what_an_unknown_number_meant_is_filed_taught_by_a_press_and_never_scored(
    wired_town: WiredTown,
) -> None:
    town = wired_town
    one = read(town, STRANGER, "Mardan soochna bazar mein larai")
    assert all_of(town, TaughtWord) == [], "nobody is taught by who writes, only by who presses"
    answers(town)
    secretary = desk(town)
    secretary.open(f"/desk/sms/{one.id}")
    secretary.send(f"/desk/sms/{one.id}/report", ward=WARD, what="fight", teach="first")
    errands.work(town.runtime)
    (incident,) = all_of(town, Incident)
    assert (incident.known_source, incident.reliability) == (False, "F")
    town.work()
    assert sum(one.counted for one in all_of(town, Evidence)) == 0, (
        "kept, and not scored till a person verified it"
    )
    assert not [text for text in answers(town) if incident.reference in text]
    with town.session() as session:
        (word,) = session.scalars(select(TaughtWord))
        assert (word.words, word.how, word.command) == ("mardan", "first", "REPORT")


def test_a_report_of_an_unknown_number_that_was_none_is_taken_back_and_a_call_is_made(
    wired_town: WiredTown,
) -> None:
    town = wired_town
    one = read(town, STRANGER, "report Mardan please phone me")
    answers(town)
    secretary = desk(town)
    page = secretary.open(f"/desk/sms/{one.id}")
    (incident,) = all_of(town, Incident)
    assert f"/desk/r/{incident.id}" in page, "it is a report already, and is not made twice"
    secretary.send(f"/desk/sms/{one.id}/report", ward=WARD, what="fight")
    assert secretary.path == f"/desk/r/{incident.id}"
    secretary.open(f"/desk/sms/{one.id}")
    secretary.send(f"/desk/sms/{one.id}/as", meant="CALL")
    errands.work(town.runtime)
    assert [row.state for row in all_of(town, Incident)] == ["withdrawn"]
    errands.work(town.runtime)
    calls = all_of(town, CallBack)
    assert {(c.inbound_id, c.incident_id, c.outcome) for c in calls if c.inbound_id} == {
        (one.id, incident.id, "not_needed"),
        (one.id, None, ""),
    }, "one call waits, not two"
    assert answers(town) == []


def test_what_came_from_a_borrowed_phone_counts_for_the_member_whom_it_names(wired_town: WiredTown) -> None:
    town = wired_town
    digits = town.address("member2.mardan")[-4:]
    one = read(town, MEMBER, f"21121 from {digits}")
    answers(town)
    secretary = desk(town)
    page = secretary.open(f"/desk/sms/{one.id}")
    with town.session() as session:
        name = town.person(session, "member2.mardan").name
        assert session.scalars(select(CheckIn)).all() == []
    assert f"came from {name}" in page
    secretary.send(f"/desk/sms/{one.id}/from")
    errands.work(town.runtime)
    before = len(town.heard("member2.mardan"))
    answers(town)
    assert len(town.heard("member2.mardan")) == before + 1, "the answer goes to the member's own phone"
    with town.session() as session:
        (row,) = session.scalars(select(CheckIn))
        who = town.person(session, "member2.mardan")
        group = people.standings_of(session, who.id)[0].committee_id
        own = reports.source_for(session, town.clock.now(), group=group, person_id=who.id)
        assert row.source_id == own.id
        assert list(row.answers) == [2, 1, 1, 2, 1]
    assert row_of(town, one.id).state == READ
    secretary.open(f"/desk/sms/{one.id}")
    assert "borrowed phone" not in secretary.page
    nobody = read(town, MEMBER, "11111 from 0000")
    assert "borrowed phone" not in secretary.open(f"/desk/sms/{nobody.id}")
