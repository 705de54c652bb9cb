"""Guesses that arrive in the same moment get no more tries than guesses one after the other: of every code, password and second step."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pyotp
import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from committees import accounts, code_tries, confirming, people, reply_codes, second_factor
from committees.accounts import CODE_TRIES, CODES_PER_HOUR, SignInCode
from committees.confirming import ContactChange
from committees.places import Country
from committees.reply_codes import ReplyCode
from foundation import outbox
from foundation.crypto import cipher
from foundation.errors import Problem
from foundation.policy import Principal, service
from tests.make import START, Town

WHO = "secretary.mardan"
AT_ONCE = 12
PHONE = "+923009990001"


def at_once(town: Town, principal: Principal, work: Callable[[Session], object]) -> list[object]:
    """What each of twelve got that do the same at one moment: what came back, or the refusal. Each commits, as pages do."""
    got: list[object] = []
    together = threading.Barrier(AT_ONCE)

    def one() -> None:
        together.wait(30)
        with town.runtime.worker.open(principal, write=True) as session:
            try:
                found = work(session)
            except Problem as refused:
                found = refused.message
            session.commit()
        got.append(found)

    threads = [threading.Thread(target=one) for _ in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(got) == AT_ONCE
    return got


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A code is hashed slowly so that guessing costs; here its digits are enough."""
    monkeypatch.setattr(accounts, "matches", lambda stored, typed: stored == typed)
    monkeypatch.setattr(accounts, "hash_code", lambda code: code)
    monkeypatch.setattr(confirming, "hash_code", lambda code: code)


def who(session: Session, town: Town) -> UUID:
    return town.person(session, WHO).id


def code_was_sent(town: Town) -> UUID:
    """A person with a confirmed phone to whom the code 123456 went; their id."""
    with town.session("seed", write=True) as session:
        person = town.person(session, WHO)
        people.add_contact(
            session, person, "sms", PHONE, locality_id=home(session, person.id), verified_at=START
        )
        session.add(
            SignInCode(
                person_id=person.id, code_hash="123456", given_at=START, until=START + timedelta(hours=1)
            )
        )
        return person.id


def _sign_in_code_has_five_tries(town: Town) -> None:
    code_was_sent(town)
    guess = lambda session: accounts.check_code(session, START, PHONE, "000000")  # noqa: E731
    at_once(town, service("sign_in"), guess)
    with town.session("sign_in") as session, pytest.raises(Problem):
        accounts.check_code(session, START, PHONE, "123456")
    with town.session("sign_in") as session:
        assert session.scalars(select(SignInCode.tries)).one() >= CODE_TRIES


def home(session: Session, person_id: UUID) -> UUID:
    return people.contacts_of(session, person_id)[0].locality_id


def test_a_right_sign_in_code_lets_one_in(town: Town) -> None:
    key = code_was_sent(town)
    got = at_once(
        town, service("sign_in"), lambda session: accounts.check_code(session, START, PHONE, "123456")
    )
    assert got.count(key) == 1


def test_codes_that_are_asked_for_at_once_are_one(town: Town) -> None:
    with town.session("seed", write=True) as session:
        person = town.person(session, WHO)
        people.add_contact(
            session, person, "sms", PHONE, locality_id=home(session, person.id), verified_at=START
        )
        key, place = person.id, home(session, person.id)
    for _ in range(CODES_PER_HOUR + 1):
        at_once(town, service("sign_in"), lambda session: accounts.send_code(session, START, START, PHONE))
    with town.session("sign_in") as session:
        assert (session.scalar(select(func.count()).select_from(SignInCode)) or 0) <= CODES_PER_HOUR

    def begin(session: Session) -> object:
        return confirming.begin(
            session, START, town.person(session, WHO), "sms", "+923009990002", locality_id=place
        ).id

    for _ in range(CODES_PER_HOUR + 1):
        at_once(town, Principal(person_id=key), begin)
    with town.session("sender") as session:
        codes = select(func.count()).where(outbox.OutboxMessage.template == "contact_code")
        assert (session.scalar(codes) or 0) <= CODES_PER_HOUR


def _code_of_a_contact_has_five_tries(town: Town) -> None:
    with town.session("seed", write=True) as session:
        person = town.person(session, WHO)
        row = confirming.begin(session, START, person, "sms", PHONE, locality_id=home(session, person.id))
        row.code_hash = "123456"
        key, owner = row.id, person.id

    def guess(session: Session) -> object:
        return confirming.confirm(session, START, session.get_one(ContactChange, key), "000000")

    got = at_once(town, Principal(person_id=owner), guess)
    assert got.count("This code is not right.") == CODE_TRIES


def _password_waits_after_five_tries(town: Town) -> None:
    got = at_once(
        town, service("sign_in"), lambda session: accounts.check_password(session, START, WHO, "wrong guess")
    )
    assert got.count("The name or the password is not right.") == 5


def _six_digits_wait_after_five_tries(town: Town) -> None:
    with town.session("seed", write=True) as session:
        secret, person = second_factor.new_secret(), who(session, town)
        second_factor.set_up(session, START, START, person, secret, pyotp.TOTP(secret).at(START))
    got = at_once(
        town,
        Principal(person_id=person),
        lambda session: second_factor.check(session, START, person, "000000"),
    )
    assert got.count("Please wait a little before you try again.") == AT_ONCE - 5


def _code_page_judges_five_for_a_number(town: Town) -> None:
    got = at_once(town, service("sign_in"), lambda session: code_tries.find(session, START, PHONE, "123"))
    assert got.count("This number and code do not belong together.") == code_tries.TRIES


def _sms_code_is_closed_after_five_tries(town: Town) -> None:
    with town.session("seed", write=True) as session:
        point = people.contacts_of(session, who(session, town))[0].id
        session.add(
            ReplyCode(
                contact_point_id=point,
                code="555",
                kind="alert",
                subject_id=cipher(session).handle("a"),
                given_at=START,
            )
        )

    def guess(session: Session) -> object:
        codes = reply_codes.open_on(session, point)
        reply_codes.hold_all(session, codes)
        if any(code.locked_until for code in codes):
            return "closed"
        return reply_codes.wrong_try(START, codes)

    got = at_once(town, service("intake"), guess)
    assert got.count(False) == reply_codes.TRIES - 1
    assert got.count("closed") == AT_ONCE - reply_codes.TRIES


def test_guesses_at_once_get_no_more_tries_than_one_by_one(town: Town) -> None:
    _password_waits_after_five_tries(town)
    _six_digits_wait_after_five_tries(town)
    _code_page_judges_five_for_a_number(town)
    _sms_code_is_closed_after_five_tries(town)
    _code_of_a_contact_has_five_tries(town)
    _sign_in_code_has_five_tries(town)


def test_a_number_written_as_at_home_is_looked_for_in_each_country(town: Town) -> None:
    home_number, whole = "0301 2345678", "+923012345678"
    with town.session("seed", write=True) as session:
        if session.get(Country, "IN") is None:  # where the same digits are a number as well
            session.add(
                Country(
                    code="IN",
                    names={"en": "India"},
                    level_names={},
                    languages=["en"],
                    zone="Asia/Kolkata",
                    emergency="112",
                    scored_levels=[],
                )
            )
        person = town.person(session, WHO)
        point = people.add_contact(
            session, person, "sms", whole, locality_id=home(session, person.id), verified_at=START
        )
        alert = cipher(session).handle("an alert")
        session.add(
            ReplyCode(contact_point_id=point.id, code="555", kind="alert", subject_id=alert, given_at=START)
        )
        owner = person.id

    def judged(phone: str, code: str) -> object:
        with town.runtime.worker.open(service("sign_in"), write=True) as session:
            try:
                return code_tries.find(session, START, phone, code)
            except Problem as refused:
                return refused.message
            finally:
                session.commit()

    assert judged(home_number, "555") == (owner, alert)
    wrong = [judged(number, "123") for number in (home_number, whole) * 3]
    assert len(set(wrong[:5])) == 1
    assert wrong[5] != wrong[0], "both ways to write it have five tries together"
