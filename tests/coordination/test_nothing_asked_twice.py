"""Within one errand nobody types twice what was typed once: it is on the page again, or the page does not ask for it.

The errands that take more than one page, or go wrong once: signing in, telling, checking in, a new number, a question without an
account. Passwords and one-time codes are asked for again where they were wrong; that is their purpose.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pyotp
import pytest
import time_machine
from lxml import html as reader
from sqlalchemy import select

from committees import unnamed
from committees.people import Scope
from tests.make import PASSWORD, WARD, Browser, Town
from tests.rig.databases import Databases
from tests.rig.town import WiredTown, seeded, wired

SECRET = {"password", "new", "code", "passkey_password"}
WHO_AND_WHERE = {"tel", "name", "username", "email"}
HIDDEN = {"hidden", "submit", "button"}
DOOR = "/tell/PK-KP-MARDAN"
STORY = "Stones are gathered behind the mill"


@pytest.fixture
def town(sqlite_databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WiredTown]:
    """A town with telephones; a database under it is not what is asked about here."""
    with wired(*seeded(sqlite_databases, tmp_path_factory)) as made:
        yield made


class Errand:
    """Somebody on the way through the pages of one errand, who remembers what was typed."""

    def __init__(self, browser: Browser, path: str) -> None:
        self.browser = browser
        self.typed: dict[str, str] = {}
        self.browser.open(path)

    def send(self, action: str, do: str = "", **fields: str) -> str:
        """Fill in what the form asks for and send it; what the answer asks for again is an error."""
        asked = _asked(self.browser.page, action)
        assert set(fields) <= set(asked), f"{action} asks for {sorted(asked)}"
        kept = {name: value for name, value in asked.items() if value}
        self.browser.send(action, **{**kept, **fields, **({"do": do} if do else {})})
        self.typed |= {name: value for name, value in fields.items() if name not in SECRET}
        assert _again(self.browser.page, self.typed) == []
        return self.browser.page


def _asked(page: str, action: str = "") -> dict[str, str]:
    """The fields that the page shows, in one of its forms or in all, with what already stands in them."""
    found: dict[str, str] = {}
    for form in reader.fromstring(page).forms:
        if action and (form.action or "").split("?")[0] != action:
            continue
        for field in form.xpath(".//input|.//select|.//textarea"):
            if field.name and field.get("type") not in HIDDEN and field.get("hidden") is None:
                found[field.name] = found.get(field.name) or _value(field)
    return found


def _value(field: Any) -> str:
    if field.get("type") in ("radio", "checkbox"):
        return str(field.get("value")) if field.get("checked") is not None else ""
    return str(field.value or "").strip()


def _again(page: str, typed: dict[str, str]) -> list[str]:
    """What the page asks for although it was typed, or although it knows who is there."""
    told = [
        f"{name} is asked for again"
        for name, value in _asked(page).items()
        if name in typed and value != typed[name]
    ]
    named = {
        field.name
        for form in reader.fromstring(page).forms
        for field in form.xpath(".//input[@autocomplete]")
        if field.get("autocomplete") in WHO_AND_WHERE and field.get("hidden") is None
    }
    return told + [f"{name} asks who is there" for name in named if not _asked(page)[name]]


def test_a_page_that_asks_again_is_found() -> None:
    """The measure itself: an empty box of the same name is a fault, a filled or a hidden one is not."""
    box = '<form action="/x"><input name="ward" value="{}" type="{}"></form>'
    typed = {"ward": "W7"}
    assert _again(box.format("", "text"), typed)
    assert _again(box.format("W8", "text"), typed)
    assert not _again(box.format("W7", "text"), typed)
    assert not _again(box.format("W7", "hidden"), typed)
    assert _again('<form><input name="phone" autocomplete="tel"></form>', {})


def test_signing_in_asks_for_the_number_and_the_name_once(town: WiredTown) -> None:
    number = town.address("member1.mardan")
    errand = Errand(town.browser(), "/start")
    errand.send("/sign-in/code", phone="12")
    errand.send("/sign-in/code", phone=number)
    errand.send("/sign-in/enter", code="000000")
    town.work()
    code = re.search(r"\d{6}", town.last("member1.mardan"))
    assert code
    assert "Signed in as" in errand.send("/sign-in/enter", code=code.group())

    officer = town.browser("city.mardan")
    secret = Errand(officer, "/me/second-step").send("/me/second-step", "begin", password=PASSWORD)
    words = "".join(re.findall(r'<bdi class="code" dir="ltr">([A-Z2-7]{4})</bdi>', secret))
    officer.send("/me/second-step", do="confirm", code=pyotp.TOTP(words).now())
    errand = Errand(town.browser(), "/sign-in")
    errand.send("/sign-in", sign_in="city.mardan", password="not mine at all")
    errand.send("/sign-in", password=PASSWORD)
    assert "One more step" in errand.browser.page
    assert "There is a problem" in errand.send("/sign-in/second", code="000000")


def test_telling_and_checking_in_ask_for_the_ward_once(town: WiredTown) -> None:
    member = town.browser("member1.mardan")
    errand = Errand(member, "/report")
    errand.send("/report", what="crowd", ward=WARD, spot="Old mill", day="today", text=STORY, people="6-20")
    assert "There is a problem" in errand.browser.page
    errand.send("/report", how="saw", part="afternoon", ongoing="no")
    assert errand.browser.path.endswith("/sent")
    errand = Errand(member, "/check-in")
    errand.send("/check-in", q1="2", prepare="The fair on Friday")
    assert "There is a problem" in errand.browser.page
    errand.send("/check-in", q2="1", q3="1", q4="1", q5="1")
    assert errand.browser.path.endswith("/sent")


def test_a_new_number_is_typed_once(town: WiredTown) -> None:
    errand = Errand(town.browser("secretary.mardan"), "/me/contacts")
    errand.send("/me/contacts", "add", channel="sms", address="12")
    assert errand.browser.status == 422
    errand.browser.send("/me/contacts", do="add", channel="sms", address="+923009990001")
    confirming = next(
        form
        for form in reader.fromstring(errand.browser.page).forms
        if form.fields.get("do") == "confirm"  # beside it stands the box for one more number
    )
    assert {name for name in confirming.fields if confirming.inputs[name].get("type") != "hidden"} == {"code"}


def test_who_gives_no_name_types_place_and_receipt_once(town: WiredTown) -> None:
    open_door(town)
    errand = Errand(Browser(town.app.test_client(use_cookies=False)), f"{DOOR}?language=en")
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=30)):
        errand.send(DOOR, what="threat", ward=WARD, day="today", text=STORY)
        assert "There is a problem" in errand.browser.page
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=60)):
        told = errand.send(DOOR, how="saw")
    receipt = re.search(r"\d{4} \d{4} \d{4} \d{4}", told)
    assert receipt
    errand = Errand(errand.browser, f"{DOOR}/follow?language=en")
    errand.send(f"{DOOR}/follow", receipt=receipt[0])
    assert "Your report" in errand.browser.page
    errand.browser.send(f"{DOOR}/follow", do="say", text="They have gone home")
    assert "They have gone home" in errand.browser.page
    assert "receipt" not in _asked(errand.browser.page)


def open_door(town: Town) -> None:
    """The town takes reports from people who give no name."""
    with town.session("seed", write=True) as session:
        chair = town.person(session, "chair.mardan")
        scope = session.scalars(select(Scope).where(Scope.person_id == chair.id, Scope.role == "chair")).one()
        unnamed.set_door(
            session, town.clock.now(), scope, wanted=True, reason="The traders asked for it in November"
        )
