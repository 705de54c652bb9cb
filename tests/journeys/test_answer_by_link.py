"""A letter brings one link: opening it answers nothing, a button does, for one person, one level and 48 hours, without signing in."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from sqlalchemy import select

from alerts import answer_links
from alerts.alert import Acknowledgement, Alert, begin_round
from alerts.answer_links import Ticket
from committees.people import Scope
from foundation.crypto import Cipher
from foundation.journal import Entry
from tests.make import Browser, Town
from tests.rig.town import WiredTown

READER = "district.mardan"


def letter_link(town: WiredTown) -> str:
    """A crowd is seen; the path of the link in the letter to the district office."""
    town.report(kind="angry_crowd")
    town.work()
    (letter,) = town.mail.to(town.address(READER, "email"))
    found = re.search(r"http://localhost(/k/[A-Za-z0-9_-]+)", letter.text)
    assert found, letter.text
    assert len(found[1]) < 120
    return found[1]


def given(town: Town) -> list[tuple[str, str, str]]:
    """Every answer, by role and word: the clock stands, so that the moment does not tell them apart."""
    with town.session() as session:
        rows = session.scalars(select(Acknowledgement))
        return sorted((row.role, row.answer, row.channel) for row in rows)


def stranger(town: Town) -> Browser:
    return town.browser()


def test_the_link_of_a_letter_shows_first_and_answers_by_a_button(wired_town: WiredTown) -> None:
    town = wired_town
    path = letter_link(town)
    browser = stranger(town)
    for _ in range(3):  # a scanner opens it, also with HEAD and with words behind it
        browser.open(path + "?answer=acting")
        browser.client.head(path)
    assert browser.status == 200
    assert given(town) == []
    with town.session() as session:
        person = town.person(session, READER)
    assert f"This link is for {person.name}, district" in browser.page
    assert "+92" not in browser.page
    assert "Ward 7" in browser.page
    assert "Asked next: " in browser.page

    assert browser.client.post(path, data={"answer": "acting"}).status_code == 400, "no form token, no answer"
    browser.send(path, answer="seen")
    browser.send(path, answer="acting")
    browser.open(path)
    assert "You are acting on it" in browser.page
    browser.send(path, answer="acting")
    assert given(town) == [
        ("district_administration", "acting", "link"),
        ("district_administration", "seen", "link"),
    ]
    with town.session() as session:
        assert session.scalars(select(Alert)).one().next_step_at is None
        used = session.scalars(select(Entry).where(Entry.action == "answer_link:used")).all()
        assert [entry.actor_id for entry in used] == [person.id] * 3, "each use is on the record"


def test_a_link_of_another_level_or_day_or_of_somebody_who_left_answers_nothing(
    wired_town: WiredTown,
) -> None:
    town = wired_town
    path = letter_link(town)
    browser = stranger(town)
    with town.session(write=True) as session:
        alert = session.scalars(select(Alert)).one()
        alert.revision += 1
        begin_round(alert)
    assert "The level has changed since this letter" in browser.open(path)
    assert 'value="acting"' not in browser.page
    with town.session(write=True) as session:
        alert = session.scalars(select(Alert)).one()
        alert.lowered_from = alert.level
    assert 'value="acting"' in browser.open(path), "persons lowered it: nobody was asked anew"
    with town.session(write=True) as session:
        alert = session.scalars(select(Alert)).one()
        alert.revision, alert.lowered_from = alert.revision - 1, None
        alert.ends_at = town.clock.now() + answer_links.LASTS * 2
    browser.open(path)
    town.clock.at += answer_links.LASTS
    browser.send(path, answer="acting")
    assert (browser.status, given(town)) == (409, [])
    assert "older than 48 hours" in browser.page
    town.clock.at -= answer_links.LASTS
    with town.session(write=True) as session:
        for scope in session.scalars(select(Scope).where(Scope.person_id == town.person(session, READER).id)):
            scope.active = False
    browser.open(path)
    assert browser.status == 404
    assert given(town) == []


def test_nobody_makes_a_link_themselves_and_a_rotated_key_still_opens_old_ones(wired_town: WiredTown) -> None:
    town = wired_town
    path = letter_link(town)
    browser = stranger(town)
    token = urlsplit(path).path.rsplit("/", 1)[1]
    for wrong in (token[:-1], token[:-2] + "AA", token[::-1], "x", "A" * 75, "%00", "é"):
        assert (browser.open(f"/k/{wrong}"), browser.status)[1] == 404
    old, new = Cipher([b"A" * 43 + b"="], b"p"), Cipher([b"B" * 43 + b"=", b"A" * 43 + b"="], b"p")
    with town.session() as session:
        alert, person = session.scalars(select(Alert)).one(), town.person(session, READER)
    ticket = Ticket(alert.id, person.id, 1)
    made = answer_links.token(old, ticket, town.clock.now())
    found = answer_links.read(new, made)
    assert found
    assert found.ticket == ticket
    assert answer_links.read(Cipher([b"B" * 43 + b"="], b"p"), made) is None
