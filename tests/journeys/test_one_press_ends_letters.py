"""The link in a letter ends letters: opening it changes nothing, one press or one post of a mail program does, a forged link nothing."""

from __future__ import annotations

import re
import uuid

from sqlalchemy import select

from committees.people import ContactPoint
from tests.rig.town import WiredTown

WHO = "district.mardan"


def stopped(town: WiredTown) -> set[str]:
    """The channels on which this person is not written to any more."""
    with town.session() as session:
        rows = select(ContactPoint).where(ContactPoint.person_id == town.person(session, WHO).id)
        return {point.channel for point in session.scalars(rows) if point.stopped_at}


def test_one_press_ends_letters_and_nothing_else(wired_town: WiredTown) -> None:
    town = wired_town
    letter = town.letter_to(WHO)
    assert letter["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    found = re.search(r"<https?://[^/]+(/stop/[^>]+)>", re.sub(r"\s", "", str(letter["List-Unsubscribe"])))
    assert found
    link, browser = found[1], town.app.test_client()

    page = browser.get(link)
    assert page.status_code == 200
    assert "no more letters" in page.get_data(as_text=True)
    point, signature = link.split("/")[-2:]
    one_click = {"List-Unsubscribe": "One-Click"}
    assert browser.post(f"/stop/{point}/{uuid.uuid4()}", data=one_click).status_code == 404
    assert browser.post(f"/stop/{uuid.uuid4()}/{signature}", data=one_click).status_code == 404
    assert browser.post(link, data={}).status_code == 400
    assert (
        browser.post(link, data=one_click, headers={"Origin": "https://evil.example.org"}).status_code == 403
    )
    town.work()
    assert stopped(town) == set()

    assert browser.post(link, data=one_click).status_code == 200
    assert browser.post(link, data=one_click).status_code == 200
    town.work()
    assert stopped(town) == {"email"}
