"""Numbers and addresses: a code proves them, a change waits a day and can be stopped from the old one, and age is asked about."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from committees import contacts
from committees.confirming import ContactChange
from committees.people import ContactPoint, contacts_of
from tests.make import PASSWORD, START, Browser
from tests.rig.town import WiredTown

NEW = "+923009990001"
WHO = "secretary.mardan"


def at_page(town: WiredTown, who: str = WHO) -> Browser:
    browser = town.browser(who)
    browser.open("/me/contacts")
    return browser


def code_at(town: WiredTown, number: str) -> str:
    town.work()
    found = re.match(r"\d{6}", town.last(number))
    assert found
    return found.group()


def pending(town: WiredTown) -> ContactChange:
    with town.session("intake") as session:
        rows = select(ContactChange).order_by(ContactChange.given_at.desc()).limit(1)
        return session.scalars(rows).one()


def point_of(town: WiredTown, who: str = WHO) -> ContactPoint:
    with town.session("seed") as session:
        return contacts_of(session, town.person(session, who).id)[0]


def add(browser: Browser, **fields: str) -> None:
    browser.send("/me/contacts", **{"do": "add", "channel": "sms", "address": NEW, **fields})


def test_a_number_counts_once_the_code_that_was_sent_there_is_typed(wired_town: WiredTown) -> None:
    town, browser = wired_town, at_page(wired_town)
    add(browser)
    code = code_at(town, NEW)
    wrong = f"{(int(code) + 1) % 1_000_000:06d}"
    browser.send("/me/contacts", do="confirm", pending=pending(town).id, code=wrong)
    assert browser.status == 422
    assert pending(town).tries == 1
    browser.open("/me/contacts")
    browser.send("/me/contacts", do="confirm", pending=pending(town).id, code=code)
    assert "Warnings reach you there from now on" in browser.page
    with town.session("seed") as session:
        points = contacts_of(session, town.person(session, WHO).id)
        assert [point.last_digits for point in points if point.verified_at == town.clock.now()] == ["0001"]


def test_a_number_that_once_sent_stop_gets_its_code_after_start(wired_town: WiredTown) -> None:
    town = wired_town
    town.sms(NEW, "STOP")
    browser = at_page(town)
    add(browser)
    town.work()
    assert town.heard(NEW) == []
    # Whoever types in a stranger's number must not learn that it wrote to us: the same words for every phone.
    hint = "Perhaps that phone once sent us STOP"
    assert hint in browser.open("/me/contacts")
    town.clock.move(minutes=2)
    town.sms(NEW, "START")
    add(browser)
    code = code_at(town, NEW)
    browser.open("/me/contacts")
    browser.send("/me/contacts", do="confirm", pending=pending(town).id, code=code)
    assert "Warnings reach you there from now on" in browser.page
    browser.open("/me/contacts")
    add(browser, channel="email", address="new@example.org")
    assert hint not in browser.page


def test_what_cannot_be_a_number_is_said_and_nothing_typed_is_lost(wired_town: WiredTown) -> None:
    browser = at_page(wired_town)
    add(browser, address="tell me")
    assert browser.status == 422
    assert "This is not a phone number" in browser.page
    assert 'value="tell me"' in browser.page


def test_codes_run_out_by_time_and_by_number(wired_town: WiredTown) -> None:
    town, browser = wired_town, at_page(wired_town)
    for _ in range(3):
        add(browser)
        assert browser.status == 200
        browser.open("/me/contacts")
    add(browser)
    assert browser.status == 429
    code = code_at(town, NEW)
    town.clock.move(minutes=31)
    browser.open("/me/contacts")
    browser.send("/me/contacts", do="confirm", pending=pending(town).id, code=code)
    assert browser.status == 409
    town.later(minutes=40)
    with town.session("intake") as session:
        assert session.scalars(select(ContactChange)).all() == []


def change(town: WiredTown) -> Browser:
    """Ask for a change of the secretary's phone and confirm it at the new number."""
    browser = at_page(town)
    fields = {"do": "change", "point": str(point_of(town).id), "channel": "sms", "address": NEW}
    browser.send("/me/contacts", **fields, password="wrong words here")
    assert browser.status == 422
    assert NEW in browser.page
    browser.send("/me/contacts", **fields, password=PASSWORD)
    assert browser.status == 200
    code = code_at(town, NEW)
    browser.open("/me/contacts")
    browser.send("/me/contacts", do="confirm", pending=pending(town).id, code=code)
    assert "in 24 hours" in browser.page
    town.work()
    return browser


def test_a_changed_number_waits_a_day_while_the_old_one_is_warned_and_receives(wired_town: WiredTown) -> None:
    town = wired_town
    old = town.address(WHO)
    change(town)
    assert "NO " in town.heard(old)[-1]  # the notice, with its code
    assert any("not reached now" in text or "نہیں پہنچتا" in text for text in town.heard("chair.mardan"))
    before_new, before_old = len(town.heard(NEW)), len(town.heard(old))
    town.report()
    town.work()
    assert len(town.heard(NEW)) == before_new
    assert len(town.heard(old)) > before_old
    town.later(hours=25)
    assert town.address(WHO) == NEW
    town.sms(NEW, "S 7")
    assert len(town.heard(NEW)) > before_new
    assert point_of(town).verified_at is not None


def test_the_old_number_stops_a_change_that_its_owner_did_not_ask_for(wired_town: WiredTown) -> None:
    town = wired_town
    old = town.address(WHO)
    change(town)
    code = re.findall(r"NO (\d{3})", town.heard(old)[-1])[0]
    town.sms(WHO, f"NO {code}")
    town.later(hours=30)
    assert town.address(WHO) == old
    assert len(town.heard(NEW)) == 1  # the code, and nothing after it


def test_nobody_changes_what_is_not_theirs(wired_town: WiredTown) -> None:
    town = wired_town
    browser = at_page(town, "chair.mardan")
    fields = {"do": "change", "channel": "sms", "address": NEW, "password": PASSWORD}
    browser.send("/me/contacts", **fields, point=str(point_of(town).id))
    assert browser.status in (403, 404)
    browser = at_page(town, "member1.mardan")
    browser.send("/me/contacts", do="stop", point=str(point_of(town).id))
    assert browser.status == 404
    assert point_of(town).stopped_at is None


def test_after_ninety_days_a_number_is_asked_about_and_one_word_confirms_it(wired_town: WiredTown) -> None:
    town = wired_town
    with town.session("seed", write=True) as session:
        session.execute(update(ContactPoint).values(verified_at=START))
        mine = contacts_of(session, town.person(session, WHO).id)
        session.execute(
            update(ContactPoint)
            .where(ContactPoint.id == mine[0].id)
            .values(verified_at=START - timedelta(days=91))
        )
    town.later(minutes=1)
    asked = town.last(WHO)
    code = re.findall(r"OK (\d{3})", asked)[0]
    town.sms(WHO, f"OK {code}")
    assert point_of(town).verified_at == town.clock.now()


@pytest.mark.parametrize(
    ("days", "level", "goes"),
    [(10, 1, True), (100, 3, True), (105, 3, False), (105, 4, True), (900, 5, True)],
)
def test_an_aged_number_still_gets_the_gravest_warnings(days: int, level: int, goes: bool) -> None:
    point = ContactPoint(verified_at=START - timedelta(days=days), stopped_at=None, failing_since=None)
    assert contacts.takes(point, START, level) is goes


def test_a_number_that_nobody_confirmed_gets_nothing() -> None:
    point = ContactPoint(verified_at=None, stopped_at=None, failing_since=None)
    assert not any(contacts.takes(point, START, level) for level in range(1, 6))
