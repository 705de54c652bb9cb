"""The channels page and the banner of a silent line: what is set up, what is alive, and a test that goes the whole way."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from alerts.providers import Provider
from committees import people
from committees.people import contacts_of
from coordination import lines_view
from foundation import outbox
from tests.make import Town
from tests.rig.town import WiredTown

ADMIN, SECRETARY, CHAIR = "admin", "secretary.mardan", "chair.mardan"


def test_a_line_is_checked_shown_and_missed_when_it_falls_silent(wired_town: WiredTown) -> None:
    town = wired_town
    town.work()
    admin = town.browser(ADMIN)
    page = admin.open("/admin/channels")
    assert page.count("alive") == 4  # SMS, WhatsApp, calls, letters
    assert page.count("not set up") == 1
    assert "not heard from" not in page
    for path in ("/admin", "/admin/channels"):
        assert 'role="alert"' not in admin.open(path)

    town.twilio.go_down()
    town.later(minutes=6)
    assert "The SMS service could not be reached" in admin.open("/admin/channels")
    assert "not heard from" not in town.browser(SECRETARY).open("/desk")
    for _ in range(3):
        town.later(minutes=5)
    for who, path in ((ADMIN, "/admin"), (ADMIN, "/admin/channels"), (SECRETARY, "/desk")):
        shown = town.browser(who).open(path)
        assert re.search(r"SMS: not heard from since today \d+:\d\d", shown), path
        assert "E-mail: not heard from" not in shown

    town.twilio.come_back()
    town.later(minutes=5)
    assert "not heard from" not in town.browser(SECRETARY).open("/desk")


def test_an_account_that_is_closed_is_a_silent_line(wired_town: WiredTown) -> None:
    town = wired_town
    town.twilio.account_status = "suspended"
    assert lines_view.check(town.runtime) == 4
    shown = town.browser(ADMIN).open("/admin/channels")
    assert shown.count("The account at Twilio is not active.") == 3


def test_a_test_goes_to_ones_own_phone_only_and_its_result_is_shown(wired_town: WiredTown) -> None:
    town = wired_town
    admin = town.browser(ADMIN)
    page = admin.open("/admin/channels")
    phone = town.address(ADMIN)
    assert phone[-4:] not in page
    values = admin.hidden("/admin/channels/test")
    for _ in range(2):
        admin.client.post("/admin/channels/test", data=values)
    with town.session() as session:
        theirs = contacts_of(session, town.person(session, CHAIR).id)[0].id
    answer = admin.client.post("/admin/channels/test", data=values | {"contact": str(theirs)})
    assert answer.status_code in (400, 404)
    town.work()
    town.twilio.settle()
    town.work()
    town.twilio.assert_nothing_unexpected([(phone, "DRILL")])
    shown = admin.open("/admin/channels")
    assert "Last test: Received" in shown
    assert "100%" in shown


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_a_test_by_letter_is_answered_by_its_link_for_a_day(wired_town: WiredTown) -> None:
    town, address = wired_town, "admin@example.org"
    with town.session(write=True) as session:
        person = town.person(session, ADMIN)
        place = people.standings_of(session, person.id)[0].locality_id
        point = people.add_contact(
            session, person, "email", address, locality_id=place, verified_at=town.clock.now()
        ).id
    admin = town.browser(ADMIN)
    admin.open("/admin/channels")
    admin.send("/admin/channels/test", contact=str(point))
    town.later(minutes=1)
    letter = town.mail.to(address)[-1].text
    assert "DRILL" in letter
    (path,) = re.findall(r"http://localhost(/l/[A-Za-z0-9_-]+)", letter)
    stranger = town.browser()
    assert "I have seen this" in stranger.open(path)
    assert "answered" not in admin.open("/admin/channels"), "opening it answers nothing"
    assert "Nothing else is needed" in stranger.send(path)
    assert "Last test: answered" in admin.open("/admin/channels")
    town.clock.move(days=1)
    stranger.open(path)
    assert stranger.status == 404


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_what_each_provider_did_is_counted_over_the_last_days_only(town: Town) -> None:
    now = town.clock.now()

    def wrote(key: str, provider: str | None, state: str, sent: timedelta, settled: timedelta | None) -> None:
        row = outbox.put(session, now - sent, effect_key=key, channel="sms", template="help", slots={})
        row.provider, row.state, row.sent_at, row.provider_id = provider, state, now - sent, key
        row.settled_at = now - settled if settled is not None else None

    minute, day = timedelta(minutes=1), timedelta(days=1)
    with town.session(write=True) as session:
        for provider in ("first", "second"):
            session.add(Provider(channel="sms", key=provider, shifted_at=now, handed=7))
        wrote("a", "first", "delivered", 20 * minute, 18 * minute)
        wrote("b", "first", "undelivered", 40 * minute, 30 * minute)
        wrote("c", "first", "failed", 3 * 60 * minute, 2 * 60 * minute)
        wrote("d", None, "delivered", 50 * minute, 49 * minute)
        wrote("e", "second", "delivered", 2 * day, 2 * day)
        wrote("f", "second", "failed", 8 * day, timedelta())
    with town.session("keeper") as session:
        line = next(one for one in lines_view.lines(session, now, {}) if one.key == "sms")
    assert (line.errors, line.share, line.sent, line.receipt) == (1, "50%", "20 minutes ago", "90 s")
    assert line.providers == [
        ("first", 100, 7, "20 minutes ago", "18 minutes ago", 1),
        ("second", 100, 7, "2 days ago", "2 days ago", 0),
    ]
