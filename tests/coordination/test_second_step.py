"""The second step: digits once, recovery codes once, days of grace that end, delays, passwords, and sessions that die with a change."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from types import SimpleNamespace

import pyotp
import pytest
import time_machine
from sqlalchemy import func, select, update

from committees import accounts, passkeys, passwords, second_factor, sign_in_steps
from committees.accounts import Account, WebSession
from committees.second_factor import Authenticator, RecoveryCode
from foundation.errors import Invalid, NotAllowed
from foundation.policy import Principal
from tests.make import PASSWORD, START, Browser, Town

WHO = "city.mardan"
HERE = "/me/second-step"


@pytest.fixture
def clock() -> Iterator[time_machine.Coordinates]:
    """The real clock, standing still: sessions and second steps know no other."""
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


def begin(browser: Browser) -> str:
    """Ask for a new secret, and read it from the page as a person types it into an app."""
    browser.open(HERE)
    browser.send(HERE, do="begin", password=PASSWORD)
    found = re.findall(r'<bdi class="code" dir="ltr">([A-Z2-7]{4})</bdi>', browser.page)
    assert len(found) == 8, browser.page
    return "".join(found)


def set_up(town: Town, who: str = WHO) -> tuple[Browser, str, list[str]]:
    """A browser that has set up a second step: with the app's secret and the recovery codes."""
    browser = town.browser(who)
    secret = begin(browser)
    browser.send(HERE, do="confirm", code=pyotp.TOTP(secret).now())
    codes = re.findall(r"<bdi[^>]*>([a-z0-9]{5}-[a-z0-9]{5})</bdi>", browser.page)
    assert len(codes) == 10, browser.page
    return browser, secret, codes


def at_second_step(town: Town, who: str = WHO) -> Browser:
    browser = town.browser()
    browser.open("/sign-in")
    browser.send("/sign-in", sign_in=who, password=PASSWORD)
    assert "One more step" in browser.page
    return browser


def is_in(browser: Browser) -> bool:
    return "Signed in as" in browser.open("/me")


@pytest.mark.parametrize(
    "elsewhere", ["//evil.example", "/\\evil.example", "/\t/evil.example", "/\n/evil.example"]
)
def test_nobody_is_led_to_another_site_after_signing_in(town: Town, elsewhere: str) -> None:
    browser = town.browser()
    browser.open("/sign-in")
    token = browser.hidden("/sign-in")
    answer = browser.client.post(
        "/language", data={**token, "language": "en", "next": elsewhere}, follow_redirects=False
    )
    assert answer.headers["Location"] == "/"


def test_a_passkey_that_is_known_already_is_refused_in_words(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever a device answers: its signature is the library's matter, here only that a key is stored once."""
    answered = SimpleNamespace(credential_id=b"the same", credential_public_key=b"key", sign_count=0)
    monkeypatch.setattr(passkeys, "_verified", lambda check_it: answered)
    with town.session() as session:
        person = town.person(session, WHO).id
    with town.runtime.web.open(Principal(person_id=person), write=True) as session:

        def add() -> None:
            token = sign_in_steps.begin(session, START, "add_passkey", person, "00")
            passkeys.add(session, START, START, "http://localhost", person, token, "{}", "phone")

        add()
        with pytest.raises(NotAllowed, match="known here already"):
            add()
        assert len(passkeys.of(session, person)) == 1


def test_an_answer_that_is_no_passkey_is_refused_in_words(town: Town) -> None:
    browser = town.browser()
    browser.open("/sign-in")
    token = browser.hidden("/sign-in")
    answer = browser.client.post("/sign-in/passkey", data={**token, "answer": "[" * 50_000})
    assert answer.status_code == 403


def test_without_the_digits_a_right_password_opens_nothing(
    town: Town, clock: time_machine.Coordinates
) -> None:
    set_up(town)
    browser = at_second_step(town)
    assert not is_in(browser)


def test_digits_let_in_once_and_never_again(town: Town, clock: time_machine.Coordinates) -> None:
    _, secret, _ = set_up(town)
    clock.shift(60)
    digits = pyotp.TOTP(secret).now()
    first, second = at_second_step(town), at_second_step(town)
    first.send("/sign-in/second", code=f" {digits[:3]} {digits[3:]}")
    assert is_in(first)
    second.send("/sign-in/second", code=digits)
    assert second.status == 403
    assert "used before" in second.page
    assert not is_in(second)


def test_the_digits_of_setting_up_are_used_up(town: Town, clock: time_machine.Coordinates) -> None:
    _, secret, _ = set_up(town)
    browser = at_second_step(town)
    browser.send("/sign-in/second", code=pyotp.TOTP(secret).now())
    assert browser.status == 403


def test_a_recovery_code_lets_in_once(town: Town, clock: time_machine.Coordinates) -> None:
    _, _, codes = set_up(town)
    browser = at_second_step(town)
    browser.send("/sign-in/second", code=codes[3].upper())
    assert "9 recovery codes left" in browser.page
    again = at_second_step(town)
    again.send("/sign-in/second", code=codes[3])
    assert again.status == 403


def test_wrong_codes_are_slowed_down_and_never_shut_the_account(
    town: Town, clock: time_machine.Coordinates
) -> None:
    _, secret, _ = set_up(town)
    clock.shift(60)
    browser = at_second_step(town)
    for _ in range(second_factor.FREE_TRIES):
        browser.send("/sign-in/second", code="000000")
        assert "not right" in browser.page
    right = pyotp.TOTP(secret)
    browser.send("/sign-in/second", code=right.now())
    assert "wait a little" in browser.page
    clock.shift(60)
    browser.send("/sign-in/second", code=right.now())
    assert is_in(browser)


def test_a_step_cannot_be_finished_late(town: Town, clock: time_machine.Coordinates) -> None:
    _, secret, _ = set_up(town)
    browser = at_second_step(town)
    clock.shift(601)
    browser.send("/sign-in/second", code=pyotp.TOTP(secret).now())
    assert browser.status == 403
    assert "run out" in browser.page


def test_grace_is_said_at_each_sign_in_and_ends(town: Town, clock: time_machine.Coordinates) -> None:
    browser = town.browser(WHO)
    assert "You have 7 days left" in browser.page
    clock.shift(second_factor.GRACE + timedelta(seconds=1))
    browser = town.browser()
    browser.open("/sign-in")
    browser.send("/sign-in", sign_in=WHO, password=PASSWORD)
    assert browser.status == 403
    assert "has passed" in browser.page


def test_the_secret_is_not_in_the_database_and_codes_are_hashed(
    town: Town, clock: time_machine.Coordinates
) -> None:
    _, secret, codes = set_up(town)
    with town.session("command") as session:
        kept = [session.scalars(select(Authenticator.secret_sealed)).one()]
        kept += session.scalars(select(RecoveryCode.code_hash)).all()
    whole = " ".join(kept)
    assert secret not in whole
    assert all(code.replace("-", "") not in whole for code in codes)


def test_nobody_reads_the_second_step_of_another(town: Town, clock: time_machine.Coordinates) -> None:
    set_up(town)
    with town.session() as session:
        own, other = town.person(session, WHO).id, town.person(session, "admin").id
    for who, seen in ((own, 1), (other, 0)):
        with town.runtime.web.open(Principal(person_id=who)) as session:
            assert session.scalar(select(func.count()).select_from(Authenticator)) == seen


def test_setting_up_asks_for_the_password_and_gives_nothing_for_a_wrong_one(town: Town) -> None:
    browser = town.browser(WHO)
    browser.open(HERE)
    browser.send(HERE, do="begin", password="not this one")
    assert browser.status == 422
    assert "The password is not right" in browser.page
    assert "<svg" not in browser.page.partition("<main")[2]


def test_a_new_password_ends_every_other_session(town: Town) -> None:
    here, elsewhere = town.browser(WHO), town.browser(WHO)
    here.open("/me/password")
    here.send("/me/password", password=PASSWORD, new="copper window march")
    assert is_in(here)
    assert not is_in(elsewhere)
    with town.session() as session:
        person = town.person(session, WHO).id
        rows = select(func.count()).select_from(WebSession)
        left = session.scalar(rows.where(WebSession.person_id == person, WebSession.ended_at.is_(None)))
    assert left == 1


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("short", "too short"),
        ("aaaaaaaaaaaa", "guessed first"),
        ("password2024", "guessed first"),
        ("1234567890", "guessed first"),
        ("Sunshine-1!", "guessed first"),
        ("city.mardan99", "sign-in name"),
        ("x" * 201, "too long"),
    ],
)
def test_what_is_guessed_first_is_no_password(password: str, why: str) -> None:
    with pytest.raises(Invalid, match=why):
        passwords.check(WHO, password)


def test_the_list_has_three_thousand_and_leaves_good_ones_alone() -> None:
    assert len(passwords.commonest()) > 2_900
    passwords.check(WHO, PASSWORD)


def test_known_and_unknown_names_do_the_same_work(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not by the clock: by what is done. A slow hash is verified once for each, whoever it is."""
    asked: list[str] = []
    real = accounts.matches
    monkeypatch.setattr(accounts, "matches", lambda stored, typed: asked.append(typed) or real(stored, typed))
    for name in (WHO, "nobody.at.all"):
        browser = town.browser()
        browser.open("/sign-in")
        browser.send("/sign-in", sign_in=name, password="wrong wrong wrong")
        assert "The name or the password is not right" in browser.page
    assert asked == ["wrong wrong wrong"] * 2


def test_unknown_and_known_numbers_get_the_same_page_and_the_same_hash(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[str] = []
    real = accounts.hash_code
    monkeypatch.setattr(accounts, "hash_code", lambda code: hashed.append(code) or real(code))
    pages = []
    for number in ("+923330000001", "+923339999999"):
        browser = town.browser()
        browser.open("/start")
        pages.append(browser.send("/sign-in/code", phone=number).replace(number, "NUMBER"))
    assert len(hashed) == 2
    plain = [re.sub(r'value="[^"]{20,}"', "", page) for page in pages]
    assert plain[0] == plain[1]


def test_the_demonstration_asks_for_no_second_step_and_says_so(town: Town) -> None:
    with town.session("seed", write=True) as session:
        session.execute(update(Account).values(grace_until=START - timedelta(days=1)))
    object.__setattr__(town.runtime.config, "demo", True)
    browser = town.browser()
    assert "asks for no second step" in browser.open("/sign-in")
    browser.send("/sign-in", sign_in=WHO, password=PASSWORD)
    assert is_in(browser)
