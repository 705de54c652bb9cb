"""Signing in, in a real browser: a passkey of a virtual device, and the pages for people who give no name, with and without a script."""

from __future__ import annotations

import re
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from committees import unnamed
from committees.people import Scope
from coordination.pages import tell
from foundation.web.words import _catalogue as catalogue_of
from tests.browser.conftest import PATIENCE, PHONE, OpenPage, Served, serving
from tests.browser.eyes import TAGS
from tests.make import PASSWORD, WARD, build_template
from tests.rig.databases import Databases
from tests.rig.town import wired

pytestmark = pytest.mark.browser
WHO = "chair.mardan"
DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


def faults(page: Page) -> list[str]:
    """What axe finds on the open page, and whether it scrolls sideways at 320 pixels."""
    where = page.url.split("/", 3)[3]
    found: list[dict[str, Any]] = (
        Axe().run(page, options={"runOnly": TAGS, "resultTypes": ["violations"]}).response["violations"]
    )
    told = [f"{where}: {one['id']}: {node['html'][:160]}" for one in found for node in one["nodes"][:2]]
    page.set_viewport_size({"width": 320, "height": 640})
    width = page.evaluate("document.documentElement.scrollWidth")
    page.set_viewport_size(PHONE)
    return [*told, *([f"{where}: {width} pixels wide"] if width > 320 else [])]


def with_device(served: Served, open_page: OpenPage) -> tuple[Page, str]:
    """A phone with a virtual authenticator, at a name: passkeys know no bare addresses."""
    url = served.url.replace("127.0.0.1", "localhost")
    object.__setattr__(served.town.runtime.config, "public_url", url)
    page = open_page()
    page.context.add_cookies([{"name": "concord_language", "value": "en", "url": url}])
    device = page.context.new_cdp_session(page)
    device.send("WebAuthn.enable")
    device.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})
    return page, url


def password(page: Page, url: str) -> None:
    page.goto(f"{url}/sign-in")
    page.fill("[name=sign_in]", WHO)
    page.fill("[name=password]", PASSWORD)
    page.click("form[action='/sign-in'] button.button")


def test_a_passkey_is_added_and_signs_in_instead_of_the_password(served: Served, open_page: OpenPage) -> None:
    page, url = with_device(served, open_page)
    password(page, url)
    page.goto(f"{url}/me/second-step")
    page.fill("#f-name", "My phone")
    page.fill("#f-passkey_password", PASSWORD)
    page.click("button[value=begin] >> nth=1")
    page.click("form[data-passkey] button.button")
    expect(page.locator("main")).to_contain_text("Saved. You can sign in with this passkey")
    expect(page.locator("main")).to_contain_text("My phone")
    page.context.clear_cookies()
    alone = served.town.browser()
    alone.open("/sign-in")
    alone.send("/sign-in", sign_in=WHO, password=PASSWORD)
    assert "This account has a passkey" in alone.page
    page.goto(f"{url}/sign-in")
    page.click("form[action='/sign-in/passkey'] button")
    page.click("form[data-passkey] button.button")
    page.wait_for_url(lambda address: "/sign-in" not in address)
    page.goto(f"{url}/me/second-step")
    expect(page.locator("main")).to_contain_text("My phone")


def test_a_volunteer_signs_in_with_a_number_and_a_pasted_code(
    sqlite_databases: Databases, tmp_path_factory: pytest.TempPathFactory, chromium: Browser
) -> None:
    keys = tmp_path_factory.getbasetemp() / "town_keys"
    keys.mkdir(exist_ok=True)
    seeded = sqlite_databases.template("town", lambda url: build_template(url, keys))
    with wired(seeded, keys) as town, serving(town) as served:
        for scripts in (True, False):
            context = chromium.new_context(base_url=served.url, viewport=PHONE, java_script_enabled=scripts)
            context.set_default_timeout(PATIENCE)
            page = context.new_page()
            page.goto("/mine")
            page.click("main a[href^='/start']")
            page.fill("[name=phone]", town.address("member1.mardan").replace("+92", "0"))
            page.click("main form .button")
            box = page.locator("[name=code]")
            assert box.get_attribute("autocomplete") == "one-time-code"
            assert box.get_attribute("inputmode") == "numeric"
            if scripts:
                assert faults(page) == []
            town.work()
            code = re.search(r"\d{6}", town.last("member1.mardan", "sign_in_code"))
            assert code
            box.focus()
            page.keyboard.insert_text(f"{code[0][:3]} {code[0][3:]}")  # as a paste does
            page.keyboard.press("Enter")
            page.wait_for_url("**/mine")
            page.goto("/me/second-step")
            expect(page.locator("main")).to_contain_text(catalogue_of("ur").gettext("This phone or computer"))
            if scripts:
                assert faults(page) == []
            context.close()


@pytest.mark.parametrize("scripts", [True, False])
def test_a_resident_tells_and_follows_up(served: Served, open_page: OpenPage, scripts: bool) -> None:
    with served.town.session("seed", write=True) as session:
        chair = served.town.person(session, WHO)
        scope = session.query(Scope).filter(Scope.person_id == chair.id, Scope.role == "chair").one()
        unnamed.set_door(
            session, served.town.clock.now(), scope, wanted=True, reason="Asked for by the traders"
        )
    page = open_page(scripts=scripts, refusals=True)
    page.context.clear_cookies()
    page.goto("/tell")
    page.click("main .rows a")
    if scripts:
        assert faults(page) == []
    page.check("[name=what][value=threat]")
    page.select_option("[name=ward]", WARD)
    page.check("[name=how][value=saw]")
    page.fill("[name=text]", "Men with sticks near the old mill")
    page.click(".bar .fold summary")
    page.click("button[lang=ur]")
    expect(page.locator("html")).to_have_attribute("lang", "ur")
    expect(page.locator("[name=text]")).to_have_value("Men with sticks near the old mill")
    page.click(".bar .fold summary")
    page.click("button[lang=en]")
    # Enter in a line sends the form, as everywhere: it chooses no language.
    page.click("summary:has-text('the date')")
    page.select_option("[name=ward]", "")
    page.press("[name=date_day]", "Enter")
    expect(page.locator(".error-summary")).to_be_visible()
    page.select_option("[name=ward]", WARD)
    page.wait_for_timeout(tell.FASTEST.total_seconds() * 1000 + 1000)
    page.click("main form button.button")
    receipt = re.search(r"\d{4} \d{4} \d{4} \d{4}", page.inner_text("main"))
    assert receipt
    if scripts:
        assert faults(page) == []
    page.goto(f"{page.url.partition('?')[0]}/follow")
    page.fill("[name=receipt]", receipt[0])
    page.click("main form button.button")
    expect(page.locator("h1")).to_have_text("Your report")
    assert page.context.cookies() == []
    if scripts:
        assert faults(page) == []
    if scripts:
        before = page.evaluate("history.length")
        page.route("https://www.wikipedia.org/**", lambda route: route.fulfill(body="elsewhere"))
        page.click("[data-leave]")
        page.wait_for_url("https://www.wikipedia.org/")
        assert page.evaluate("history.length") == before
