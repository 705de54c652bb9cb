"""The alert page and what hangs on it: answering, acting, ending by two persons, the police review, the code page, and who sees none of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import select

from alerts.alert import Acknowledgement, Alert, begin_round
from alerts.escalation import Escalation
from committees.actions import Action
from committees.people import address_of, contacts_of
from committees.reply_codes import ReplyCode
from coordination.feedback import Feedback
from coordination.pages import outbox
from coordination.review import Review
from foundation.clock import MovableClock
from foundation.outbox import OutboxMessage
from tests.make import PASSWORD, Browser, Town, build_template, make_town
from tests.rig.databases import Databases

SAW_IT = "member1.mardan"


def raise_alert(town: Town, **fields: object) -> Alert:
    """A crowd that a member sees now: an alert of level 4 in ward 7."""
    town.report(SAW_IT, kind="angry_crowd", **fields)
    town.work()
    return the_alert(town)


def visitor(town: Town, code: str, path: str) -> Browser:
    """A browser of this person that stands on a page."""
    browser = town.browser()
    browser.open(f"/sign-in?next={path}")
    browser.send("/sign-in", sign_in=code, password=PASSWORD)
    return browser


def the_alert(town: Town) -> Alert:
    with town.session() as session:
        return session.scalars(select(Alert)).one()


def count(town: Town, entity: type, *where: object) -> int:
    with town.session() as session:
        return len(session.scalars(select(entity).where(*where)).all())


def test_opening_an_alert_answers_nothing_and_a_button_does(town: Town) -> None:
    alert = raise_alert(town)
    chair = visitor(town, "chair.mardan", f"/a/{alert.id}")
    assert chair.status == 200, chair.page
    chair.open(f"/a/{alert.id}/answer?answer=acting")
    assert count(town, Acknowledgement) == 0
    chair.open(f"/a/{alert.id}")
    chair.send(f"/a/{alert.id}/answer", answer="seen")
    assert "Seen is not acting" in chair.page
    assert the_alert(town).next_step_at is not None
    assert re.search(r'class="button"[^>]*value="acting"', chair.page)
    chair.send(f"/a/{alert.id}/answer", answer="acting")
    assert the_alert(town).next_step_at is None
    before = count(town, OutboxMessage)
    town.later(hours=3)
    assert count(town, OutboxMessage) == before


def test_a_third_button_asks_the_next_person_at_once(town: Town) -> None:
    alert = raise_alert(town)
    before = count(town, OutboxMessage)
    member = visitor(town, SAW_IT, f"/a/{alert.id}")
    member.send(f"/a/{alert.id}/answer", answer="cannot")
    assert the_alert(town).step == 0
    town.later(seconds=1)
    assert the_alert(town).step == 1
    assert count(town, OutboxMessage) > before


def test_after_a_rise_everybody_is_asked_anew(town: Town) -> None:
    alert = raise_alert(town)
    chair = visitor(town, "chair.mardan", f"/a/{alert.id}")
    chair.send(f"/a/{alert.id}/answer", answer="acting")
    with town.session(write=True) as session:
        row = session.get_one(Alert, alert.id)
        begin_round(row)
        row.revision, row.next_step_at = 2, town.clock.now()
    chair.open(f"/a/{alert.id}")
    chair.send(f"/a/{alert.id}/answer", answer="acting")
    assert the_alert(town).next_step_at is None


def test_a_member_of_another_town_gets_the_same_404_as_for_nothing(town: Town) -> None:
    alert = raise_alert(town)
    stranger = visitor(town, "chair.peshawar", "/today")  # which says once what is still to be set up
    stranger.open(f"/a/{alert.id}")
    assert stranger.status == 404
    hidden = stranger.page
    stranger.open(f"/a/{uuid4()}")
    assert stranger.status == 404
    assert main_of(stranger.page) == main_of(hidden)
    stranger.send(f"/a/{alert.id}/answer", answer="acting")
    assert stranger.status == 404
    assert count(town, Acknowledgement) == 0


def test_not_the_police_holds_on_every_page_of_theirs(town: Town) -> None:
    alert = raise_alert(town, withheld_from=frozenset({"police"}))
    town.later(hours=5)
    police = visitor(town, "police.mardan", "/review")
    assert police.status == 200
    assert "Nothing waits" in police.page
    police.open(f"/a/{alert.id}")
    assert police.status == 404
    chair = visitor(town, "chair.mardan", f"/a/{alert.id}")
    assert chair.status == 200
    assert "Ask the police liaison" not in chair.page
    assert "police liaison" not in facts_of(chair.page)["If no answer"]
    chair.send(f"/a/{alert.id}/help", asks_for="presence")
    assert chair.status == 403
    assert count(town, Escalation) == 0


def test_the_ladder_is_told_in_clock_times_of_the_place(town: Town) -> None:
    alert = raise_alert(town)
    chair = visitor(town, "chair.mardan", f"/a/{alert.id}")
    facts = facts_of(chair.page)
    assert list(facts) == ["From", "Please do", "What", "Where", "When", "Sure?", "If no answer"]
    at = alert.next_step_at
    assert at is not None
    local = at.astimezone(ZoneInfo("Asia/Karachi"))
    assert f"{local:%H:%M}" in facts["If no answer"]


def test_two_persons_of_different_organisations_end_a_grave_alert(town: Town) -> None:
    alert = raise_alert(town)
    path = f"/a/{alert.id}"
    secretary = visitor(town, "secretary.mardan", path)
    secretary.send(f"{path}/close", outcome="settled", reason="")
    assert secretary.status == 422
    assert "Write in one sentence how you know" in secretary.page
    secretary.send(f"{path}/close", outcome="settled", reason="Those concerned met at noon.")
    assert "second person" in secretary.page
    assert the_alert(town).state == "open"
    chair = visitor(town, "chair.mardan", path)
    assert "same organisation" in chair.page
    chair.send(f"{path}/close/decide", decision="confirm")
    assert chair.status == 403
    assert the_alert(town).state == "open"
    city = visitor(town, "city.mardan", path)
    city.send(f"{path}/close/decide", decision="confirm")
    assert city.status == 200, main_of(city.page)
    ended = the_alert(town)
    assert (ended.state, ended.outcome) == ("closed", "settled")
    assert ended.outcome_reason == "Those concerned met at noon."
    town.work()
    assert count(town, OutboxMessage, OutboxMessage.template == "level_lowered") > 0
    with town.session() as session:
        assert session.scalars(select(Feedback.outcome)).all() == ["met"]
    before = count(town, OutboxMessage)
    town.later(hours=5)
    assert count(town, OutboxMessage) == before


def test_the_asker_cannot_confirm_and_may_take_it_back(town: Town) -> None:
    alert = raise_alert(town)
    path = f"/a/{alert.id}"
    city = visitor(town, "city.mardan", path)
    city.send(f"{path}/close", outcome="not_true", reason="The road is empty.")
    city.send(f"{path}/close/decide", decision="confirm")
    assert city.status == 403
    city.open(path)
    city.send(f"{path}/close/decide", decision="keep")
    assert "stays open" in city.page
    assert the_alert(town).state == "open"


def test_a_request_to_end_lapses_after_a_day(town: Town) -> None:
    alert = raise_alert(town)
    path = f"/a/{alert.id}"
    secretary = visitor(town, "secretary.mardan", path)
    secretary.send(f"{path}/answer", answer="acting")
    secretary.send(f"{path}/close", outcome="settled", reason="It was settled.")
    with town.session(write=True) as session:
        session.get_one(Alert, alert.id).ends_at += timedelta(days=3)
    town.clock.move(hours=24)
    city = visitor(town, "city.mardan", path)
    assert "Somebody asks to end" not in city.page
    city.send(f"{path}/close/decide", decision="confirm")
    assert city.status == 409
    assert the_alert(town).state == "open"


def test_the_liaison_decides_with_a_reason_and_the_committee_is_told(town: Town) -> None:
    alert = raise_alert(town)
    chair = visitor(town, "chair.mardan", f"/a/{alert.id}")
    chair.send(f"/a/{alert.id}/help", asks_for=["presence", "advice"])
    assert chair.status == 200, main_of(chair.page)
    town.work()
    assert count(town, OutboxMessage, OutboxMessage.template == "escalation") > 0
    police = visitor(town, "police.mardan", "/review")
    path = re.search(r'href="(/review/[0-9a-f-]{36})"', police.page).group(1)  # type: ignore[union-attr]
    police.open(path)
    assert "Presence nearby" in police.page
    assert "seen in person" in police.page
    assert "What you cannot see here" in police.page
    assert "For prevention. Not evidence about any person." in police.page
    police.send(path, decision="take", reason="Too short", reply_by="2026-11-24T20:00")
    assert police.status == 422
    assert "Write the reason in at least 20 letters" in police.page
    assert "Too short" in police.page
    police.send(
        path, decision="take", reason="Two officers in plain view until nine.", reply_by="2026-11-24T20:00"
    )
    assert police.status == 200, main_of(police.page)
    with town.session() as session:
        row = session.scalars(select(Review)).one()
        assert row.reply_by == datetime(2026, 11, 24, 15, 0, tzinfo=UTC)
        assert row.role == "police_liaison"
    assert the_alert(town).acting_at is not None
    town.work()
    assert count(town, OutboxMessage, OutboxMessage.template == "review_decided") > 0
    police.open("/review/log")
    assert "Two officers in plain view" in police.page
    chair.open(path)
    assert "Your decision" not in chair.page
    chair.send(path, decision="not_true", reason="A chair is no liaison at all.", reply_by="2026-11-24T20:00")
    assert chair.status == 403


def test_checked_and_not_true_by_the_liaison_is_one_voice_of_two(town: Town) -> None:
    alert = raise_alert(town)
    chair = visitor(town, "chair.mardan", f"/a/{alert.id}")
    chair.send(f"/a/{alert.id}/help", asks_for="presence")
    police = visitor(town, "police.mardan", "/review")
    path = re.search(r'href="(/review/[0-9a-f-]{36})"', police.page).group(1)  # type: ignore[union-attr]
    police.open(path)
    police.send(
        path, decision="not_true", reason="We walked the whole ward at four.", reply_by="2026-11-24T20:00"
    )
    assert police.status == 200, main_of(police.page)
    assert the_alert(town).state == "open"
    chair.open(f"/a/{alert.id}")
    chair.send(f"/a/{alert.id}/close/decide", decision="confirm")
    assert the_alert(town).outcome == "not_true"
    town.work()
    assert count(town, OutboxMessage, OutboxMessage.template == "correction") > 0


def test_a_person_confirms_severe_and_everybody_hears_it_again(town: Town) -> None:
    alert = raise_alert(town)
    with town.session(write=True) as session:
        session.get_one(Alert, alert.id).proposed = 5
    member = visitor(town, SAW_IT, f"/a/{alert.id}")
    assert "Severe is proposed" in member.page
    assert "Confirm Severe" not in member.page
    member.send(f"/a/{alert.id}/confirm")
    assert member.status == 404
    before = count(town, OutboxMessage, OutboxMessage.template == "alert")
    city = visitor(town, "city.mardan", f"/a/{alert.id}")
    city.send(f"/a/{alert.id}/confirm")
    assert "Severe · 5 of 5" in city.page
    assert the_alert(town).level == 5
    town.work()
    assert count(town, OutboxMessage, OutboxMessage.template == "alert") >= 2 * before


def test_an_action_is_added_once_and_settled(town: Town) -> None:
    alert = raise_alert(town)
    path = f"/a/{alert.id}"
    city = visitor(town, "city.mardan", path)
    form = city.hidden(f"{path}/actions")
    words = {
        "what": "Walk the market together",
        "role": "secretary",
        "due_day": "25",
        "due_month": "11",
        "due_year": "2026",
    }
    city.send(f"{path}/actions", **form, **words)
    assert "Walk the market together" in city.page
    city.send(f"{path}/actions", **form, **words)
    with town.session() as session:
        action = session.scalars(select(Action)).one()
    city.open(path)
    city.send(f"{path}/actions/{action.id}", state="dropped")
    assert "Write in a few words why" in city.page
    city.send(f"{path}/actions/{action.id}", state="done")
    with town.session() as session:
        assert session.get_one(Action, action.id).state == "done"


def test_the_code_page_shows_facts_and_counts_wrong_codes(town: Town) -> None:
    alert = raise_alert(town)
    with town.session() as session:
        chair = town.person(session, "chair.mardan")
        contact = next(c for c in contacts_of(session, chair.id) if c.channel == "sms")
        phone = address_of(session, contact)
        codes = select(ReplyCode.code).where(ReplyCode.contact_point_id == contact.id)
        code = session.scalars(codes.where(ReplyCode.subject_id == alert.id)).one()
    page = town.browser()
    page.open("/c")
    page.send("/c", phone=phone, code=code)
    assert page.status == 200
    assert "Ward 7" in page.page
    assert str(alert.id) not in page.page
    assert count(town, Acknowledgement) == 0
    for _try in range(5):
        page.open("/c")
        page.send("/c", phone=phone, code="000")
        assert "do not belong together" in page.page
    marked = town.browser(language="pseudo")  # what was wrong is said in the reader's language
    marked.open("/c")
    assert "⟦Please wait fifteen minutes" in marked.send("/c", phone=phone, code="000")
    page.open("/c")
    page.send("/c", phone=phone, code=code)
    assert "wait fifteen minutes" in page.page
    page.open("/c")
    page.send("/c", phone="+923009999999", code="12")
    assert "do not belong together" in page.page
    with town.session() as session:
        assert session.scalars(select(ReplyCode.locked_until)).all().count(None) > 0


def test_the_administrator_sees_health_and_no_alert(town: Town) -> None:
    alert = raise_alert(town)
    admin = visitor(town, "admin", "/admin")
    assert admin.status == 200, main_of(admin.page)
    assert "Deliveries by channel" in admin.page
    before = count(town, OutboxMessage, OutboxMessage.template == "drill")
    admin.send("/admin/test")
    town.work()
    assert count(town, OutboxMessage, OutboxMessage.template == "drill") == before + 1
    admin.open(f"/a/{alert.id}")
    assert admin.status == 404


def test_the_nation_reads_towns_and_the_hub_counts(town: Town) -> None:
    raise_alert(town)
    national = visitor(town, "national.pk", "/national")
    assert national.status == 200, main_of(national.page)
    assert "Mardan" in main_of(national.page)
    assert "Ward 7" not in main_of(national.page)
    hub = visitor(town, "hub", "/national")
    assert hub.status == 200, main_of(hub.page)
    assert "under 5" in hub.page
    assert "Mardan" not in main_of(hub.page)


def test_trust_pages_are_open_and_the_demonstration_is_not_there(town: Town) -> None:
    page = town.browser()
    for path in ("/privacy", "/c"):
        page.open(path)
        assert page.status == 200
    page.open("/outbox")
    assert page.status == 404
    page.open("/help")
    page.send("/demo/clock", minutes="60")
    assert page.status == 404


@pytest.fixture
def demo(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """The same town as a demonstration, with the clock that can be moved."""
    keys = tmp_path_factory.getbasetemp() / "town_keys"
    keys.mkdir(exist_ok=True)
    url = databases.template("town", lambda url: build_template(url, keys))
    demo = make_town(url, keys, clock=MovableClock(), demo=True)  # type: ignore[arg-type]
    yield demo
    demo.runtime.close()


def test_the_demonstration_shows_its_messages_and_moves_its_clock(demo: Town) -> None:
    demo.report(SAW_IT, kind="angry_crowd", occurred_at=demo.clock.now())
    demo.work()
    page = demo.browser()
    page.open("/outbox?person=city.mardan")
    assert page.status == 200, main_of(page.page)
    assert "bubble" in page.page
    assert "letter" in page.page
    assert "Asked" not in main_of(page.page)
    before = demo.clock.now()
    page.send("/demo/clock", minutes="30")
    assert page.status == 200
    assert demo.clock.now() - before >= timedelta(minutes=30)
    for wrong in ("0", "1441", "soon"):
        page.open("/outbox")
        page.send("/demo/clock", minutes=wrong)
        assert page.status == 422
    client = demo.app.test_client()
    answer = client.post("/demo/clock", json={"minutes": 60})
    assert datetime.fromisoformat(answer.get_json()["now"]) - before >= timedelta(minutes=90)
    assert (
        client.post("/demo/clock", json={"minutes": 60}, headers={"Origin": "http://localhost"}).status_code
        == 400
    )
    assert (
        client.post(
            "/demo/clock", json={"minutes": 60}, headers={"Origin": "https://elsewhere.example"}
        ).status_code
        == 403
    )
    assert client.post("/demo/clock", data={"minutes": 60}).status_code == 400


@pytest.mark.parametrize("path", ["/\\elsewhere.example", "//elsewhere.example", "/\\/elsewhere.example"])
def test_the_clocks_button_leads_back_to_our_own_pages_only(path: str) -> None:
    came = {"Referer": f"http://localhost{path}"}
    with Flask("here").test_request_context("/demo/clock", base_url="http://localhost", headers=came):
        assert outbox._back() == "/outbox"


def test_a_sign_in_code_is_never_shown_on_a_page(demo: Town) -> None:
    with demo.session() as session:
        contact = contacts_of(session, demo.person(session, SAW_IT).id)[0]
        phone = address_of(session, contact)
    page = demo.browser()
    page.open("/")
    page.send("/sign-in/code", phone=phone)
    page.open(f"/outbox?person={SAW_IT}")
    assert "******" in page.page


def main_of(page: str) -> str:
    """The main part of a page, without its frame."""
    found = re.search(r"<main.*?</main>", page, re.S)
    return found.group(0) if found else page


def facts_of(page: str) -> dict[str, str]:
    """The summary list of a page."""
    return dict(re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", page, re.S))
