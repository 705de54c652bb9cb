"""A volunteer signs in with a phone number and a code by SMS: through the pages and over a telephone network, and all that may go wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import pyotp
import pytest
import time_machine
from sqlalchemy import delete

from committees.accounts import Account
from committees.passkeys import Passkey
from tests.make import PASSWORD, START, Browser
from tests.rig.databases import Databases
from tests.rig.town import WiredTown, seeded, wired

WHO = "member1.mardan"


@pytest.fixture
def town(sqlite_databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WiredTown]:
    """A town with telephones; which database is under it does not matter here."""
    with wired(*seeded(sqlite_databases, tmp_path_factory)) as made:
        yield made


@pytest.fixture
def clock() -> Iterator[time_machine.Coordinates]:
    """The real clock, standing still: codes and sessions know no other."""
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


def ask(town: WiredTown, path: str = "/start") -> Browser:
    """A phone whose owner has typed their number and pressed the button."""
    browser = town.browser()
    browser.open(path)
    browser.send("/sign-in/code", phone=town.address(WHO))
    town.work()
    return browser


def code(town: WiredTown, who: str = WHO) -> str:
    """The digits of the newest code on the phone."""
    found = re.search(r"\b\d{6}\b", town.last(who, "sign_in_code"))
    assert found
    return found.group()


def is_in(browser: Browser) -> bool:
    return "Signed in as" in browser.open("/today")


def test_a_number_and_a_code_lead_back_to_the_page_that_was_asked_for(
    town: WiredTown, clock: time_machine.Coordinates
) -> None:
    browser = town.browser()
    assert "Sign-in name" in browser.open("/mine")  # not signed in: both ways are offered
    browser.open("/start?next=/mine")
    browser.send("/sign-in/code", phone=town.address(WHO).replace("+92", "0"))
    assert 'autocomplete="one-time-code"' in browser.page
    town.work()
    sms = town.last(WHO, "sign_in_code")
    assert "We never ask you for it" in sms
    digits = code(town)
    # Pasted with a gap, and in the digits of an Urdu keyboard.
    browser.send(
        "/sign-in/enter",
        code=f" {digits[:3]} {digits[3:]} ".translate(str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")),
    )
    assert browser.path == "/mine"
    assert is_in(browser)
    browser.send("/sign-out")
    assert not is_in(browser)
    again = town.browser()
    again.open("/start")
    again.send("/sign-in/code", phone=town.address(WHO))
    again.send("/sign-in/enter", code=digits)  # used up
    assert again.status == 403


def test_a_code_works_five_tries_and_fifteen_minutes_and_the_newest_only(
    town: WiredTown, clock: time_machine.Coordinates
) -> None:
    browser = ask(town)
    first = code(town)
    for _ in range(5):
        browser.send("/sign-in/enter", code="000000" if first != "000000" else "111111")
    assert "ask for a new code" in browser.page
    browser.send("/sign-in/enter", code=first)
    assert browser.status == 403
    # The number is not asked for again: the page has a button for a new code.
    browser.send("/sign-in/code")
    town.work()
    second = code(town)
    clock.shift(timedelta(minutes=16))
    browser.send("/sign-in/enter", code=second)
    assert browser.status == 403
    browser.send("/sign-in/code")
    town.work()
    third = code(town)
    browser.send("/sign-in/code")  # a fourth in the hour
    town.work()
    assert len(town.sent_of("sign_in_code")) == 3
    browser.send("/sign-in/enter", code=third)
    assert is_in(browser)


def test_who_wrote_stop_gets_no_code_and_is_told_the_way_back(town: WiredTown) -> None:
    town.sms(WHO, "STOP")
    browser = ask(town)
    assert town.sent_of("sign_in_code") == []
    assert "write START first" in browser.page
    town.sms(WHO, "START")
    browser.send("/sign-in/code")
    town.work()
    browser.send("/sign-in/enter", code=code(town))
    assert is_in(browser)


def test_a_number_that_nobody_has_gets_the_same_pages_and_no_sms(town: WiredTown) -> None:
    def pages(number: str) -> list[str]:
        browser = town.browser()
        browser.open("/start")
        found = [browser.send("/sign-in/code", phone=number), browser.send("/sign-in/enter", code="12")]
        return [re.sub(r'value="[^"]{20,}"', "", page.replace(number, "NUMBER")) for page in found]

    assert pages(town.address(WHO)) == pages("+923339999999")
    town.work()
    assert {sms.to for sms in town.sent_of("sign_in_code")} == {town.address(WHO)}


def test_a_lost_phone_is_signed_out_from_another(town: WiredTown, clock: time_machine.Coordinates) -> None:
    lost = ask(town)
    lost.send("/sign-in/enter", code=code(town))
    assert is_in(lost)
    clock.shift(timedelta(hours=2))
    mine = ask(town)
    mine.send("/sign-in/enter", code=code(town))
    page = mine.open("/me/second-step")
    assert page.count("Another phone or computer") == 1
    assert "2 hours ago" in page
    mine.send("/me/second-step", do="elsewhere")
    assert "You are signed out everywhere else." in mine.page
    assert "Another phone or computer" not in mine.page
    assert (is_in(mine), is_in(lost)) == (True, False)


def test_the_session_of_a_volunteer_ends_after_twelve_hours(
    town: WiredTown, clock: time_machine.Coordinates
) -> None:
    browser = ask(town)
    browser.send("/sign-in/enter", code=code(town))
    clock.shift(timedelta(hours=11, minutes=59))
    assert is_in(browser)
    clock.shift(timedelta(minutes=2))
    assert not is_in(browser)
    assert "Another phone" not in browser.page


def test_a_code_never_stands_for_the_second_step_of_an_officer(
    town: WiredTown, clock: time_machine.Coordinates
) -> None:
    """Whoever takes over a number gets its SMS: that alone opens no officer's pages."""
    officer = "city.mardan"
    mine = town.browser(officer)
    mine.open("/me/second-step")
    mine.send("/me/second-step", do="begin", password=PASSWORD)
    secret = "".join(re.findall(r'<bdi class="code" dir="ltr">([A-Z2-7]{4})</bdi>', mine.page))
    mine.send("/me/second-step", do="confirm", code=pyotp.TOTP(secret).now())

    thief = town.browser()
    thief.open("/start")
    thief.send("/sign-in/code", phone=town.address(officer))
    town.work()
    thief.send("/sign-in/enter", code=code(town, officer))
    assert "One more step" in thief.page
    assert not is_in(thief)

    clock.shift(timedelta(minutes=2))
    again = town.browser()
    again.open("/start?next=/me")
    again.send("/sign-in/code", phone=town.address(officer))
    town.work()
    again.send("/sign-in/enter", code=code(town, officer))
    again.send("/sign-in/second", code=pyotp.TOTP(secret).now())
    assert again.path == "/me"

    # A passkey is a second step too, also of somebody who has no password.
    alone = "city.peshawar"
    with town.session("seed", write=True) as session:
        person_id = town.person(session, alone).id
        session.execute(delete(Account).where(Account.person_id == person_id))
        session.add(Passkey(person_id=person_id, credential=b"c", public_key=b"k", name="phone", since=START))
    third = town.browser()
    third.open("/start")
    third.send("/sign-in/code", phone=town.address(alone))
    town.work()
    third.send("/sign-in/enter", code=code(town, alone))
    assert third.status == 403
    assert "This account has a passkey." in third.page
    assert not is_in(third)

    # One who has not set it up has the days of grace, not more.
    late = "police.mardan"
    with town.session("seed", write=True) as session:
        account = session.query(Account).filter(Account.person_id == town.person(session, late).id).one()
        account.grace_until = START - timedelta(days=1)
    other = town.browser()
    other.open("/start")
    other.send("/sign-in/code", phone=town.address(late))
    town.work()
    other.send("/sign-in/enter", code=code(town, late))
    assert other.status == 403
    assert "The time to set up your second step has passed." in other.page
