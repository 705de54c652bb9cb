"""A lost second step: opened again by two persons of different bodies, never by its owner, never by one alone."""

from __future__ import annotations

import pytest
from click.testing import CliRunner
from sqlalchemy import select, update

from committees import second_factor
from committees.accounts import Account, WebSession
from committees.second_factor import Authenticator
from coordination import cli, sign_in_resets
from coordination.commands import signing_in
from foundation.errors import NotAllowed
from tests.make import PASSWORD, START, Browser, Town

WHO = "city.mardan"
REASON = "Lost the phone in the bus, I rang the office"


def set_up(town: Town) -> None:
    """This person has a second step, and is signed in somewhere."""
    town.browser(WHO)
    with town.session("command", write=True) as session:
        person = town.person(session, WHO)
        session.add(Authenticator(person_id=person.id, secret_sealed="x", since=START))
        second_factor.renew_codes(session, person.id)


def ask(town: Town, who: str = WHO, **changes: str) -> Browser:
    browser = town.browser("admin")
    browser.open("/admin/sign-in")
    browser.send(
        "/admin/sign-in", do="reset", sign_in=who, **{"reason": REASON, "password": PASSWORD, **changes}
    )
    return browser


def has_second_step(town: Town) -> bool:
    with town.session("command") as session:
        return second_factor.of(session, town.person(session, WHO).id) is not None


def decide(town: Town, who: str, do: str = "confirm", password: str = PASSWORD) -> Browser:
    browser = town.browser(who)
    browser.open("/me/confirm")
    browser.send("/me/confirm", do=do, password=password)
    return browser


def test_two_persons_open_it_again_and_every_session_ends(town: Town) -> None:
    set_up(town)
    assert "A second person of another body" in ask(town).page
    town.work()
    assert has_second_step(town)
    browser = decide(town, "chair.mardan")
    assert "Confirmed" in browser.page
    town.work()
    assert not has_second_step(town)
    with town.session("command") as session:
        person = town.person(session, WHO).id
        living = select(WebSession).where(WebSession.person_id == person, WebSession.ended_at.is_(None))
        assert session.scalars(living).all() == []
        assert session.scalars(select(Account.grace_until).where(Account.person_id == person)).one()


def test_the_owner_confirms_nothing(town: Town) -> None:
    set_up(town)
    ask(town)
    with town.session("command", write=True) as session:
        session.execute(update(Authenticator).values(person_id=town.person(session, "auditor").id))
    browser = decide(town, WHO)
    assert browser.status == 422
    assert "cannot confirm this for yourself" in browser.page
    assert "Waits for a second person" in town.browser("admin").open("/admin/sign-in")


def test_a_wrong_password_confirms_nothing_and_a_refusal_ends_it(town: Town) -> None:
    set_up(town)
    ask(town)
    assert decide(town, "chair.mardan", password="not this one").status == 422
    assert "Turned down" in decide(town, "chair.mardan", do="refuse").page
    town.work()
    assert has_second_step(town)


def test_what_is_missing_is_said_and_nothing_typed_is_lost(town: Town) -> None:
    browser = ask(town, reason="lost")
    assert browser.status == 422
    assert "Please say why" in browser.page
    assert f'value="{WHO}"' in browser.page
    assert "Nobody signs in with this name" in ask(town, "nobody").page
    assert "cannot ask this for yourself" in ask(town, "admin").page


def test_at_the_server_two_must_be_two(town: Town) -> None:
    with town.session("command") as session:
        chair, secretary, officer, admin = (
            town.person(session, code).id for code in ("chair.mardan", "secretary.mardan", WHO, "admin")
        )
        sign_in_resets.check_pair(session, officer, chair, admin)
        for owner, first, second in (
            (officer, chair, secretary),  # one committee
            (officer, chair, chair),
            (chair, chair, admin),
            (admin, chair, admin),
        ):
            with pytest.raises(NotAllowed):
                sign_in_resets.check_pair(session, owner, first, second)


def test_the_commands_take_passwords_and_nothing_on_the_line(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    from contextlib import nullcontext

    set_up(town)
    monkeypatch.setattr(signing_in, "opened", lambda: nullcontext(town.runtime))
    run = CliRunner()
    pair = ["account", "reset", WHO, "--by", "chair.mardan", "--with", "admin"]
    wrong = run.invoke(cli.concord, pair, input=f"{PASSWORD}\nnot this one\n")
    assert wrong.exit_code == 1
    assert has_second_step(town)
    right = run.invoke(cli.concord, pair, input=f"{PASSWORD}\n{PASSWORD}\n")
    assert right.exit_code == 0, right.output
    assert PASSWORD not in right.output
    assert not has_second_step(town)
    new = "copper window march"
    given = run.invoke(cli.concord, ["account", "password", WHO], input=f"{new}\n{new}\n")
    assert given.exit_code == 0, given.output
    browser = town.browser()
    browser.open("/sign-in")
    browser.send("/sign-in", sign_in=WHO, password=new)
    assert "Signed in as" in browser.page
