"""The channels page and the banner of a silent line: what is set up, what is alive, and a test that goes the whole way."""

from __future__ import annotations

import re

from committees.people import contacts_of
from coordination import lines_view
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
