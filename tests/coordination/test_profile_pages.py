"""The local picture on pages: read and print it, type in what a meeting said, propose, a second organisation decides, scores follow."""

from __future__ import annotations

import re
from typing import Any

from committees.places import by_code
from committees.profiles import find
from tests.make import WARD, Browser, Town

CITY = "PK-KP-MARDAN"
PATH = f"/place/{CITY}/profile"
REASON = "The meeting of November asked for it."


def typed(browser: Browser, **fields: Any) -> dict[str, Any]:
    """What the open form would send: every box as it stands, then these."""
    page = browser.page
    found: dict[str, Any] = {}
    for name, value in re.findall(r'<input id="[^"]+" name="([^"]+)" type="[^"]*" value="([^"]*)"', page):
        found[name] = value
    for name, value in re.findall(r'<input id="[^"]+" name="([^"]+)"[^>]*value="([^"]*)"', page):
        found.setdefault(name, value)
    for name, body in re.findall(r'<select id="[^"]+" name="([^"]+)".*?>(.*?)</select>', page, re.S):
        chosen = re.search(r'<option value="([^"]*)" selected>', body)
        found[name] = chosen[1] if chosen else re.findall(r'<option value="([^"]*)"', body)[0]
    for name, body in re.findall(r'<textarea id="[^"]+" name="([^"]+)".*?>(.*?)</textarea>', page, re.S):
        found[name] = body
    for name, value in re.findall(
        r'<input type="checkbox" name="([^"]+)" value="([^"]+)"[^>]* checked', page
    ):
        found.setdefault(name, []).append(value)
    return {**found, "consulted": "Traders of the market\nSchool heads", "reason": REASON, **fields}


def draft(secretary: Browser, **fields: Any) -> str:
    secretary.open(f"{PATH}/edit")
    return secretary.send(f"{PATH}/edit", **typed(secretary, **fields))


def test_everybody_at_the_place_reads_it_and_where_it_comes_from(town: Town) -> None:
    member = town.browser("member1.mardan")
    page = member.open(PATH)
    assert member.status == 200
    for words in (
        "Land, water, grazing and housing",
        "A line without a source comes from the starter",
        "What holds peace together",
        "of its own",
    ):
        assert words in page
    assert "profile/edit" not in page
    assert town.browser("secretary.mardan").open(f"/place/{WARD}").count(f"/place/{WARD}/profile") == 1
    stranger = town.browser("member1.quetta")
    stranger.open(PATH)
    assert stranger.status == 404


def test_an_untouched_form_says_nothing_of_its_own(town: Town) -> None:
    secretary = town.browser("secretary.mardan")
    page = draft(secretary)
    assert secretary.path == f"{PATH}/1", re.findall(r'class="error"[^>]*>([^<]+)', page)
    with town.session() as session:
        row = find(session, by_code(session, CITY).id, 1)
        assert set(row.document) == {"review"}
        assert row.consulted == ["Traders of the market", "School heads"]


def test_what_a_meeting_said_goes_from_paper_to_force(town: Town) -> None:
    secretary, chair, city = (town.browser(f"{who}.mardan") for who in ("secretary", "chair", "city"))
    paper = secretary.open(f"{PATH}/paper")
    assert paper.count('class="ruled paper"') > 8
    assert 'class="sign"' in paper
    secretary.open(f"{PATH}/edit")
    sent = typed(
        secretary,
        threat_0_label="Water of the canal",
        threat_0_timescale="slow",
        watch_0_kind="market",
        watch_0_ward=WARD,
        watch_0_why="Two queues meet there.",
        holds_0_label="Elders sit every Friday",
        holds_0_strength="strong",
        holds_0_again="yes",
        holds_1_label="The tea house",
        past_0_when="2022",
        past_0_what="Relief was shared out unfairly.",
        past_0_helped="A list on the wall.",
        link_0_code="pk-ba-quetta",
        link_0_weight="0.5",
        weight_rumour="1.5",
        level_2="4",
        trigger_procession_before="5",
        by_day="1",
        by_month="6",
        by_year="2027",
    )
    sent["threats_on"].remove("arrivals_hosts")
    page = secretary.send(f"{PATH}/edit", **sent)
    assert secretary.path == f"{PATH}/1", re.findall(r'class="error"[^>]*>([^<]+)', page)
    for words in (
        "The weight of “Rumour going round, not checked” goes from 1 to 1.5.",
        "Watch begins at 4 %, before at 5 %. (was: the starter)",
        "Traders of the market, School heads",
        "New in “Links to other places”: Quetta (weight 0.5).",
        "ward “Ward 7”",
        "Elders sit every Friday (said on 24 Nov 2026; meeting says it holds well)",
        "No longer in “Lines of tension”: People who have arrived and long-time residents.",
    ):
        assert words in page
    secretary.send(f"{PATH}/1/propose")
    assert "Your decision" not in secretary.open(f"{PATH}/1")
    assert "same organisation" in chair.open(f"{PATH}/1")
    city.open(f"{PATH}/1")
    page = city.send(f"{PATH}/1/decide", decision="approve", answer="")
    assert city.status == 422
    assert 'value="approve" id="f-decision" checked' in page
    page = city.send(f"{PATH}/1/decide", decision="approve", answer="It fits what we see.")
    assert "In force" in page
    member = town.browser("member1.mardan")
    page = member.open(PATH)
    for words in (
        "Water of the canal",
        "market, Ward 7",
        "Two queues meet there.",
        "Elders sit every Friday",
        "Said on 24 Nov 2026: it holds well. It lowers the score until 24 Feb 2027.",
        "2022: Relief was shared out unfairly.",
        "From Mardan, version 1.",
        "From Mardan, version 1. It stands over the starter.",
        "Left out here",
        "To be looked at by",
    ):
        assert words in page, words
    assert "Quetta" in page
    town.report(severity=4)
    town.work()
    page = member.open(f"/place/{WARD}")
    assert "by rules 1." in page
    assert "It holds peace here: Elders sit every Friday" in page
    assert "The tea house" not in page


def test_what_lowers_the_score_was_said_by_a_meeting(town: Town) -> None:
    """A strength without a day is asked for, a day to come is refused, and a later meeting that is silent keeps the old day."""
    secretary = town.browser("secretary.mardan")
    held = {"holds_0_label": "Elders sit", "holds_0_strength": "some"}
    page = draft(secretary, **held)
    assert (secretary.status, "Tick this if the meeting said so" in page) == (422, True)
    draft(secretary, **held, holds_0_last_seen="2027-01-01")
    assert secretary.status == 422
    draft(secretary, **held, holds_0_again="yes")
    assert secretary.path == f"{PATH}/1"
    town.clock.move(days=3)
    page = secretary.open(f"{PATH}/edit?base=1")
    assert "Last said on 24 Nov 2026." in page
    secretary.send(f"{PATH}/edit", **typed(secretary))
    with town.session() as session:
        row = find(session, by_code(session, CITY).id, 2)
        assert row.document["holds_peace"][0]["last_seen"] == "2026-11-24"


def test_nothing_typed_is_lost_where_something_is_wrong(town: Town) -> None:
    secretary = town.browser("secretary.mardan")
    page = draft(
        secretary,
        reason="short",
        watch_0_why="Two queues meet there.",
        link_0_code="PK-NOWHERE",
        level_3="3",
        trigger_festival_before="many",
        from_day="1",
        from_month="1",
        from_year="2020",
        note="x",
    )
    assert secretary.status == 422
    for words in (
        "Two queues meet there.",
        "PK-NOWHERE",
        "Choose what kind of place it is",
        "Enter a number of days from 0 to 365",
        "The date must be today or later",
        "School heads",
        "short",
    ):
        assert words in page, words
    page = draft(secretary, link_0_code="PK-NOWHERE")
    assert (secretary.status, "There is no place with the code PK-NOWHERE." in page) == (422, True)
    page = draft(secretary, level_3="3")
    assert "Each level must begin higher than the one before" in page
    page = draft(secretary, holds_1_label="Elders sit", more="holds")
    assert (secretary.status, "Elders sit" in page, 'name="holds_5_label"' in page) == (200, True, True)


def test_a_refused_version_says_why_and_versions_are_compared(town: Town) -> None:
    secretary, city = town.browser("secretary.mardan"), town.browser("city.mardan")
    draft(secretary, weight_rumour="2")
    draft(secretary, weight_rumour="0.5")
    secretary.send(f"{PATH}/2/propose")
    city.open(f"{PATH}/2")
    page = city.send(f"{PATH}/2/decide", decision="refuse", answer="Nobody asked the traders.")
    assert "Refused" in page
    assert "Nobody asked the traders." in page
    secretary.open(f"{PATH}/1")
    assert "Taken back" in secretary.send(f"{PATH}/1/withdraw")
    page = secretary.open(f"{PATH}/compare?before=1&after=2")
    assert "goes from 2 to 0.5." in page
    assert "Nothing changes" in secretary.open(f"{PATH}/compare?before=1&after=1")
    page = secretary.open(f"{PATH}/compare")
    assert "to 0.5." in page, "it begins with the newest version beside what is inherited"
    assert "Version 2: Refused" in page
    secretary.open(f"{PATH}/compare?before=1&after=77")
    assert secretary.status == 404


def test_a_template_gives_headings_for_the_first_own_version(town: Town) -> None:
    secretary = town.browser("secretary.mardan")
    page = secretary.open(PATH)
    assert page.count("template=district_profile") == 2
    assert "Routes of processions" in secretary.open(f"{PATH}/paper?template=district_profile")
    secretary.open(f"{PATH}/edit?template=district_profile")
    sent = typed(secretary, note_procession_routes="From the bus stand to the ground, by noon.")
    secretary.send(f"{PATH}/edit", **sent)
    with town.session() as session:
        document = find(session, by_code(session, CITY).id, 1).document
        assert document["review"]["template"] == "district_profile"
        assert [note["key"] for note in document["notes"]] == ["procession_routes"]
    again = secretary.open(f"{PATH}/edit?base=1")
    assert "Disputes over land" in again
    assert "From the bus stand to the ground, by noon." in again


def test_changing_a_draft_takes_its_place(town: Town) -> None:
    secretary = town.browser("secretary.mardan")
    draft(secretary, weight_rumour="2")
    secretary.open(f"{PATH}/edit?base=1")
    secretary.send(f"{PATH}/edit", **typed(secretary, weight_threat="2"))
    assert secretary.path == f"{PATH}/2"
    with town.session() as session:
        place = by_code(session, CITY).id
        assert find(session, place, 1).state == "withdrawn"
        assert find(session, place, 2).document["multipliers"] == {"rumour": 2.0, "threat": 2.0}


def test_it_reads_in_urdu_from_right_to_left(town: Town) -> None:
    page = town.browser("secretary.mardan", language="ur").open(PATH)
    assert 'dir="rtl"' in page
