"""The list of calls: who and since when, tried or reached, and what was said becomes that person's report, not the secretary's."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from committees import checkins, reports
from committees.call_backs import CallBack
from committees.checkins import NewCheckIn
from committees.committee import Committee
from committees.incidents import Incident
from committees.places import by_code
from committees.reports import ReplyHandle, Report, Source
from coordination import exporting
from foundation.db import new_id
from foundation.policy import service
from tests.make import WARD, Browser, Town
from tests.rig.town import WiredTown

STRANGER = "+923009990000"
DESK = "secretary.mardan"
ON_SQLITE = pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
SAID = {"what": "threat", "ward": WARD, "day": "today", "how": "told", "text": "They say shops must close."}


def asked(town: WiredTown, who: str) -> UUID:
    town.ring(who)
    with town.session("intake") as session:
        rows = select(CallBack.id).where(CallBack.inbound_id.is_not(None), CallBack.done_at.is_(None))
        return session.scalars(rows).one()


def call(town: WiredTown, key: UUID) -> CallBack:
    with town.session("intake") as session:
        return session.get_one(CallBack, key)


def desk(town: WiredTown) -> Browser:
    browser = town.browser(DESK)
    browser.open("/desk")
    return browser


def test_a_call_is_tried_and_stays_until_somebody_was_reached(wired_town: WiredTown) -> None:
    town = wired_town
    key = asked(town, "member1.mardan")
    browser = desk(town)
    assert f"/desk/call/{key}" in browser.page
    browser.open(f"/desk/call/{key}")
    assert "Language" in browser.page
    assert "اردو" in browser.page
    assert f"tel:{town.address('member1.mardan')}" in browser.page
    browser.send(f"/desk/call/{key}")
    assert (browser.status, "Choose how it went" in browser.page) == (422, True)
    browser.send(f"/desk/call/{key}", how="tried")
    assert "tried 1 times" in browser.page
    assert (call(town, key).due_at, call(town, key).done_at) == (
        town.clock.now() + timedelta(minutes=30),
        None,
    )
    browser.open(f"/desk/call/{key}")
    browser.send(f"/desk/call/{key}", how="reached")
    assert f"/desk/call/{key}" not in browser.page
    assert call(town, key).outcome == "reached"


def test_an_unknown_number_that_reports_by_sms_is_rung_from_the_page_of_its_call(
    wired_town: WiredTown,
) -> None:
    town = wired_town
    assert town.text(STRANGER, "R 7 they throw stones at shops") == 200
    town.work()
    with town.session("intake") as session:
        key = session.scalars(select(CallBack.id).where(CallBack.why == "unknown_source")).one()
    page = desk(town).open(f"/desk/call/{key}")
    assert f"tel:{STRANGER}" in page
    assert "A number that we do not know" in page
    assert "Please ring" not in page, "nobody else is rung in their place"


@ON_SQLITE
def test_two_who_work_on_one_list_do_not_undo_each_other(wired_town: WiredTown) -> None:
    town = wired_town
    key = asked(town, STRANGER)
    one, other = desk(town), town.browser("chair.mardan")
    one.open(f"/desk/call/{key}")
    other.open("/desk")
    one.send(f"/desk/call/{key}", how="given_up")
    other.send(f"/desk/call/{key}/done")
    assert "This call was dealt with already" in other.page
    other.open(f"/desk/call/{key}")
    one.open("/desk")
    assert "None." in one.page, "the message that asked for the call has left the desk with it"
    other.send(f"/desk/call/{key}", how="tried")
    assert "This call was dealt with already" in other.page
    assert (call(town, key).outcome, call(town, key).tries) == ("given_up", 0)


def test_members_and_strangers_do_not_find_a_call(wired_town: WiredTown) -> None:
    key = asked(wired_town, STRANGER)
    assert wired_town.browser("member1.mardan").client.get(f"/desk/call/{key}").status_code == 404
    assert wired_town.browser("secretary.addu").client.get(f"/desk/call/{key}").status_code == 404


def test_what_a_known_caller_says_is_that_persons_report(wired_town: WiredTown) -> None:
    town = wired_town
    key = asked(town, "member1.mardan")
    browser = desk(town)
    browser.open(f"/report?call={key}")
    assert f'name="call" value="{key}"' in browser.page
    browser.send("/report", **{**SAID, "how": "saw"}, for_other="yes")
    assert (browser.status, "Thank you" in browser.page) == (200, True)
    assert call(town, key).outcome == "logged"
    with town.session("intake") as session:
        report = session.scalars(select(Report)).one()
        person = town.person(session, "member1.mardan")
        group = session.get_one(Source, report.source_id).committee_id
        own = reports.source_for(session, town.clock.now(), group=group, person_id=person.id)
        assert (report.source_id, report.channel, report.logged_for_other) == (own.id, "walk_in", True)
        incident = session.get_one(Incident, report.incident_id)
        assert (incident.known_source, incident.credibility) == (True, 3), (
            "the secretary was told, and saw nothing"
        )
        (row,) = exporting.incidents(session, service("intake"))
        assert row["logged_for_other"] is True
    assert report.source_id not in _handles(town)
    assert "written down for somebody else" in browser.open("/desk")
    assert "written down for somebody else" in browser.open(f"/desk/r/{incident.id}")


def _handles(town: WiredTown) -> set[UUID]:
    from committees.people import principal_of

    with town.session() as session:
        return set(principal_of(session, town.person(session, DESK)).handles)


def test_a_stranger_stays_unknown_and_hears_back_at_the_number_that_rang(wired_town: WiredTown) -> None:
    town = wired_town
    key = asked(town, STRANGER)
    browser = desk(town)
    browser.open(f"/report?call={key}")
    browser.send("/report", **SAID, for_other="yes")
    with town.session("feedback") as session:
        incident = session.scalars(select(Incident)).one()
        assert (incident.known_source, incident.credibility) == (False, 4)
        assert session.scalars(select(ReplyHandle)).one().address_sealed
    with town.session("intake") as session:
        assert session.scalars(select(CallBack).where(CallBack.incident_id == incident.id)).all() == []


def test_answers_that_lie_far_apart_are_flagged_to_the_secretary_once(wired_town: WiredTown) -> None:
    town = wired_town

    def says(code: str, *answers: int) -> None:
        with town.session("intake", write=True) as session:
            person, ward = town.person(session, code), by_code(session, WARD)
            source = reports.source_for(session, town.clock.now(), group=None, person_id=person.id)
            checkins.record(session, town.clock.now(), NewCheckIn(new_id(), ward, source, answers))

    says("member1.mardan", 1, 1, 1, 1, 1)
    says("member2.mardan", 3, 3, 3, 3, 3)
    town.work()
    assert "Check-in answers from here differ much" not in desk(town).page
    says("secretary.mardan", 4, 1, 1, 1, 1)
    town.later(minutes=10)
    town.later(minutes=10)
    assert desk(town).page.count("Check-in answers from here differ much") == 2  # the row, and its button
    with town.session("intake") as session:
        flag = session.scalars(select(CallBack).where(CallBack.why == "answers_differ")).one()
    page = desk(town).open(f"/desk/call/{flag.id}")
    assert "1. Friendly – 4. Very tense" in page
    assert page.count("How is the mood between people?") == 1
    assert "Rumours or hate messages?" not in page, "only what lies far apart is shown"
    says("secretary.mardan", 3, 1, 1, 1, 1)
    town.later(minutes=10)
    assert call(town, flag.id).outcome == "not_needed", "they thought again"


def test_a_secretary_sets_the_rhythm_of_the_own_committee_alone(town: Town) -> None:
    browser = town.browser(DESK)
    browser.open("/desk/rhythm")
    times = {"prompt_day": 2, "prompt_hour": 18, "reminder_day": 4, "reminder_hour": 9, "closes_day": 5}
    browser.send("/desk/rhythm", asks="yes", **times, closes_hour=19)
    assert "Members are asked at these times" in browser.page
    browser.send("/desk/rhythm", asks="yes", **{**times, "reminder_day": 0}, closes_hour=19)
    assert (browser.status, "must come after the question" in browser.page) == (422, True)
    with town.session() as session:
        own = {body.code: body.rhythm for body in session.scalars(select(Committee)) if body.rhythm}
    assert list(own.values()) == [{"asks": True, "prompt": 66, "reminder": 105, "closes": 139}]
    assert town.browser("member1.mardan").client.get("/desk/rhythm").status_code == 404
