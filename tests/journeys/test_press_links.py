"""A letter with a code or a drill brings one link: opening it does nothing, one press does, once and in its time, without signing in."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy import select, update

from alerts import press_links
from alerts.answer_links import Ticket
from alerts.composing import compose
from alerts.drills import LASTS, DrillCall
from alerts.press_links import DRILL, Press
from committees.confirming import ContactChange
from committees.people import ContactPoint, contacts_of
from foundation.crypto import Cipher, cipher
from tests.make import START, Browser
from tests.rig.town import WiredTown

WHO, ADDRESS = "secretary.mardan", "new.secretary@example.org"


def link_to(town: WiredTown, address: str) -> str:
    """The path of the link in the newest letter to an address."""
    found = re.findall(r"http://localhost(/l/[A-Za-z0-9_-]+)", town.mail.to(address)[-1].text)
    assert found, town.mail.to(address)[-1].text
    return str(found[0])


def verified(town: WiredTown) -> list[str]:
    with town.session("seed") as session:
        points = contacts_of(session, town.person(session, WHO).id)
        return [point.last_digits for point in points if point.verified_at == town.clock.now()]


def begin(town: WiredTown, address: str) -> None:
    browser = town.browser(WHO)
    browser.open("/me/contacts")
    browser.send("/me/contacts", do="add", channel="email", address=address)
    town.work()


def dead(browser: Browser, path: str) -> bool:
    browser.open(path)
    return browser.status == 404 and "This link does not work." in browser.page


def test_an_address_counts_once_its_link_was_pressed_once_and_in_time(wired_town: WiredTown) -> None:
    town = wired_town
    begin(town, ADDRESS)
    path, stranger = link_to(town, ADDRESS), town.browser()
    stranger.open(path)
    stranger.client.head(path)
    assert stranger.status == 200
    assert verified(town) == []
    with town.session() as session:
        assert f"This link is for {town.person(session, WHO).name}" in stranger.page
    assert ADDRESS not in stranger.page
    assert stranger.client.post(path).status_code == 400, "no form token, no answer"
    stranger.send(path)
    assert "Warnings reach you there from now on" in stranger.page
    assert len(verified(town)) == 1
    assert dead(stranger, path), "it works once"
    with town.session("intake") as session:
        assert session.scalars(select(ContactChange)).one().done_at == town.clock.now()

    begin(town, "late@example.org")
    late = link_to(town, "late@example.org")
    stranger.open(late)
    token = stranger.hidden(late)
    town.clock.move(minutes=30)
    assert dead(stranger, late)
    assert stranger.client.post(late, data=token).status_code == 404
    assert dead(stranger, late[:-2] + "AA")
    assert verified(town) == []


def answered(town: WiredTown) -> list[str]:
    with town.session("intake") as session:
        return list(session.scalars(select(DrillCall.answered_by).where(DrillCall.answered_at.is_not(None))))


def test_a_drill_by_letter_is_answered_by_its_link_within_its_day(wired_town: WiredTown) -> None:
    town = wired_town
    with town.session("seed", write=True) as session:
        reader = town.person(session, "district.mardan").id
        phone = update(ContactPoint).where(ContactPoint.person_id == reader, ContactPoint.channel != "email")
        session.execute(phone.values(stopped_at=START))
    browser = town.browser("chair.mardan")
    browser.open("/drills")
    browser.send("/drills", place="PK-KP-MARDAN", when="now")
    town.work()
    path, stranger = link_to(town, town.address("district.mardan", "email")), town.browser()
    stranger.open(path)
    assert "DRILL, not real" in stranger.page
    assert answered(town) == []
    stranger.send(path)
    assert "Nothing else is needed" in stranger.page
    stranger.open(path)
    stranger.send(path)
    assert answered(town) == ["link"]
    town.clock.at += LASTS
    assert dead(stranger, path)
    town.clock.at -= LASTS
    with town.session("intake") as session:
        call = session.scalars(select(DrillCall).where(DrillCall.person_id != reader)).first()
        assert call
        drill = call.drill_id
    with town.session("seed") as session:
        outside = town.person(session, "admin").id
        made = press_links.address(
            cipher(session), "", Press(DRILL, drill, outside, START + timedelta(days=1))
        )
    assert dead(stranger, made), "somebody whom the drill did not ask"


def test_nobody_else_makes_a_link_and_another_kind_is_none() -> None:
    press = Press(DRILL, uuid.UUID(int=1), uuid.UUID(int=2), START)
    keys = Cipher([b"A" * 43 + b"="], b"p")
    token = press_links.address(keys, "", press).rpartition("/")[2]
    assert press_links.read(keys, token) == press
    assert press_links.read(Cipher([b"B" * 43 + b"="], b"p"), token) is None
    assert press_links.read(keys, keys.sign("answer_link", b"x" * 38)) is None


@pytest.mark.parametrize("channel", ["apprise", "sms", "whatsapp", "voice"])
def test_a_link_stands_behind_words_on_the_web_and_never_in_an_sms_or_call(channel: str) -> None:
    keys = Cipher([b"A" * 43 + b"="], b"p")
    slots = {"source": "Mardan", "place": {"ward": 7}, "code": "41"}
    row = SimpleNamespace(
        id=uuid.UUID(int=9), channel=channel, template="drill", slots=slots, language="en", script="own",
        secret_sealed=None, contact_point_id=None,
    )  # fmt: skip
    for ticket, part in (
        (Press(DRILL, uuid.UUID(int=1), uuid.UUID(int=2), START), "/l/"),
        (Ticket(uuid.UUID(int=1), uuid.UUID(int=2), 1), "/k/"),
    ):
        message, _ = compose(keys, "https://here", row, "tg:5", since=START, ticket=ticket)
        assert (f"\n\nhttps://here{part}" in message.text) == (channel == "apprise")
    assert "https" not in compose(keys, "https://here", row, "tg:5", since=START)[0].text
