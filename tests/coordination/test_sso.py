"""Signing in at a ministry's provider, over HTTP: state, nonce, PKCE and signature hold; an account is linked by invitation and phone only."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from joserfc.jwk import RSAKey
from sqlalchemy import func, select

from committees import sso
from committees.sso import SsoIdentity
from coordination.frame import real_clock
from foundation.channel_settings import BadSetting
from foundation.config import Config
from foundation.errors import Conflict, NotAllowed
from foundation.sign_in_settings import Oidc
from tests.fake_openid import CLIENT, CLIENT_SECRET, FakeOpenId
from tests.make import Browser
from tests.rig.town import WiredTown

WHO = "city.mardan"


@pytest.fixture
def provider(wired_town: WiredTown) -> Iterator[FakeOpenId]:
    """A provider that this installation knows."""
    with FakeOpenId() as found:
        known = Oidc(found.issuer, CLIENT, CLIENT_SECRET, "Ministry of Interior")
        object.__setattr__(wired_town.runtime.config, "oidc", known)
        yield found


def leave(browser: Browser) -> str:
    """Press the button; return where the browser is sent."""
    browser.open("/sign-in")
    assert "Sign in with Ministry of Interior" in browser.page
    return browser.client.get("/sign-in/sso").headers["Location"]


def go(browser: Browser, provider: FakeOpenId, subject: str = "0815") -> None:
    browser.open(provider.sign_in(leave(browser), subject))


def invite(town: WiredTown, who: str = WHO) -> None:
    with town.session("seed", write=True) as session:
        admin, person = town.person(session, "admin"), town.person(session, who)
        sso.invite(session, town.clock.now(), real_clock.now(), person.id, admin.id)


def link(town: WiredTown, browser: Browser, who: str = WHO) -> None:
    phone = town.address(who)
    browser.send("/sign-in/sso/link", phone=phone)
    town.work()
    found = re.search(r"\d{6}", town.last(who))
    assert found
    browser.send("/sign-in/sso/link", phone=phone, code=found[0])


def is_in(browser: Browser) -> bool:
    return "Signed in as" in browser.open("/me")


def linked(town: WiredTown) -> int:
    with town.session() as session:
        return session.scalar(select(func.count()).select_from(SsoIdentity)) or 0


def test_who_was_invited_links_by_phone_and_comes_in_directly_from_then_on(
    wired_town: WiredTown, provider: FakeOpenId
) -> None:
    invite(wired_town)
    browser = wired_town.browser()
    go(browser, provider)
    assert "Link your account once" in browser.page
    link(wired_town, browser)
    assert is_in(browser)
    again = wired_town.browser()
    go(again, provider)
    assert is_in(again)
    stranger = wired_town.browser()
    go(stranger, provider, "0816")
    assert not is_in(stranger)


def test_without_an_invitation_a_right_code_links_nothing(
    wired_town: WiredTown, provider: FakeOpenId
) -> None:
    browser = wired_town.browser()
    go(browser, provider)
    link(wired_town, browser)
    assert browser.status == 403
    assert "Nobody has invited you" in browser.page
    assert linked(wired_town) == 0


def test_an_invitation_without_the_phone_links_nothing(wired_town: WiredTown, provider: FakeOpenId) -> None:
    """The provider says the right e-mail address: that alone is worth nothing."""
    invite(wired_town)
    browser = wired_town.browser()
    go(browser, provider)
    browser.send("/sign-in/sso/link", phone=wired_town.address(WHO))
    browser.send("/sign-in/sso/link", phone=wired_town.address(WHO), code="000000")
    assert browser.status == 403
    assert linked(wired_town) == 0


def test_an_invitation_links_once(wired_town: WiredTown, provider: FakeOpenId) -> None:
    invite(wired_town)
    for subject, into in (("one", 200), ("two", 403)):
        browser = wired_town.browser()
        go(browser, provider, subject)
        link(wired_town, browser)
        assert browser.status == into


def test_an_account_of_somebody_else_costs_no_invitation(wired_town: WiredTown, provider: FakeOpenId) -> None:
    with wired_town.session("seed", write=True) as session:
        session.add(
            SsoIdentity(
                subject_index=sso.index_of(session, provider.issuer, "0815"),
                person_id=wired_town.person(session, "chair.mardan").id,
                since=real_clock.now(),
            )
        )
    invite(wired_town)
    with wired_town.session("sign_in", write=True) as session:
        now, who = real_clock.now(), wired_town.person(session, WHO).id
        with pytest.raises(Conflict):
            sso.link(session, now, now, who, sso.index_of(session, provider.issuer, "0815"))
    browser = wired_town.browser()
    go(browser, provider, "0816")
    link(wired_town, browser)
    assert is_in(browser)


def test_nobody_invites_themselves(wired_town: WiredTown) -> None:
    with wired_town.session("seed") as session:
        admin, now = wired_town.person(session, "admin").id, real_clock.now()
        with pytest.raises(NotAllowed):
            sso.invite(session, now, now, admin, admin)


def test_another_browser_cannot_end_what_this_one_began(wired_town: WiredTown, provider: FakeOpenId) -> None:
    """Nobody can be made to sign in as somebody else: state belongs to the browser that began."""
    address = provider.sign_in(leave(wired_town.browser()), "0815")
    other = wired_town.browser()
    other.open(address)
    assert other.status == 403
    other.open(provider.sign_in(leave(other), "0815").replace("state=", "state=x"))
    assert other.status == 403


def test_a_way_back_works_once(wired_town: WiredTown, provider: FakeOpenId) -> None:
    browser = wired_town.browser()
    address = provider.sign_in(leave(browser), "0815")
    browser.open(address)
    assert browser.status == 200
    browser.open(address)
    assert browser.status == 403


def test_a_token_that_does_not_fit_opens_nothing(wired_town: WiredTown, provider: FakeOpenId) -> None:
    browser = wired_town.browser()
    for claims in (
        {"nonce": "another"},
        {"aud": "somebody-else"},
        {"iss": "https://elsewhere.example"},
        {"exp": 1_000_000_000},
        {"azp": "somebody-else"},
        {"sub": None},
    ):
        provider.claims = claims  # type: ignore[assignment]
        go(browser, provider)
        assert browser.status == 403, claims
        assert "Signing in there did not work" in browser.page
    provider.claims = {}
    provider.signs_with = RSAKey.generate_key(2048, {"kid": "one"})
    go(browser, provider)
    assert browser.status == 403
    provider.signs_with = provider.key
    go(browser, provider)
    assert browser.status == 200


def test_a_provider_that_is_down_is_said_in_words(wired_town: WiredTown, provider: FakeOpenId) -> None:
    known = Oidc("http://127.0.0.1:9", CLIENT, CLIENT_SECRET, "Ministry of Interior")
    object.__setattr__(wired_town.runtime.config, "oidc", known)
    browser = wired_town.browser()
    browser.open("/sign-in/sso")
    assert browser.status == 403
    assert "Signing in there did not work" in browser.page


def test_where_no_provider_is_set_there_is_no_such_page(wired_town: WiredTown) -> None:
    browser = wired_town.browser()
    assert "/sign-in/sso" not in browser.open("/sign-in")
    browser.open("/sign-in/sso")
    assert browser.status == 404


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"OIDC_ISSUER": "https://login.example"}, "belong together"),
        (
            {
                "OIDC_ISSUER": "http://login.example",
                "OIDC_CLIENT_ID": "a",
                "OIDC_CLIENT_SECRET": "b",
            },
            "cannot be used",
        ),
    ],
)
def test_half_a_provider_or_one_that_anybody_hears_is_refused(settings: dict[str, str], why: str) -> None:
    with pytest.raises(BadSetting, match=why):
        Config.from_env({f"CONCORD_{name}": value for name, value in settings.items()})
