"""Who may not see a report reads what it gives and nothing else: on the page, through the API, on the terminal; the points still sum up."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from alerts.assessing import Score
from committees import places, profiles
from coordination import score_view
from foundation.policy import service
from tests.coordination.test_api import Client
from tests.make import WARD, Town

READS = {
    "chair.mardan": True,
    "secretary.mardan": True,
    "member1.mardan": False,
    "city.mardan": False,
    "police.mardan": False,
}


def sensitive(town: Town) -> uuid.UUID:
    """A report of a kind that only secretary and chair may see, scored."""
    key = town.report("member2.mardan", kind="sacred_place_harmed", ongoing="no")
    town.work()
    return key


def test_each_role_reads_as_much_as_it_may_through_page_and_api(town: Town) -> None:
    key = sensitive(town)
    index: set[float] = set()
    for person, may in READS.items():
        client = Client(town, person)
        found = client.get(f"/localities/{WARD}/risk").get_json()
        index.add(found["index"])
        assert sum(line["points"] for line in found["contributions"]) == pytest.approx(
            found["index"], abs=1e-9
        )
        assert all(line["sentence"] for line in found["contributions"])
        named = [line["incident"] for line in found["contributions"] if line["incident"]]
        hidden = [line for line in found["contributions"] if line["key"] == "hidden"]
        assert (named, len(hidden)) == (([str(key)], 0) if may else ([], 1)), person
        assert may or hidden[0]["points"] > 1
        assert (str(key) in json.dumps(found)) == may
        page = town.browser(person).open(f"/place/{WARD}")
        why = page.split("<h2>Why this level</h2>")[1].split("<h2>What would lower it")[0]
        assert ("Place of worship" in why) == may, person
        assert ("Another matter: 1 report that you cannot open" in why) == (not may), person
        past = client.get(f"/localities/{WARD}/risk", at=found["at"]).get_json()
        assert (past["p28"], past["contributions"]) == (found["p28"], found["contributions"]), person
        assert found["kappa"] is None, "for analysts"
    assert len(index) == 1, "the number itself is the same for everybody"


def test_analysts_read_how_the_score_is_calibrated(town: Town) -> None:
    sensitive(town)
    found = Client(town, "national.pk").get("/localities/PK-KP-MARDAN/risk").get_json()
    assert found["kappa"]["held"] == 1
    assert "Nothing has been calibrated" in found["kappa"]["sentence"]
    assert "Nothing has been calibrated" in town.browser("national.pk").open("/place/PK-KP-MARDAN")
    assert "calibrated" not in town.browser("city.mardan").open("/place/PK-KP-MARDAN")


def test_a_neighbour_is_named_to_those_who_may_read_it(town: Town) -> None:
    with town.session("seed") as session:
        here = places.by_code(session, WARD)
        near = places.neighbours(session, here.id)[0]
    town.report("member2.mardan", locality=near.code, kind="killing", ongoing="no")
    town.work()
    lines = Client(town, "secretary.mardan").get(f"/localities/{WARD}/risk").get_json()["contributions"]
    line = next(line for line in lines if line["key"] == "neighbour")
    assert line["neighbour"] == near.code
    assert near.name() in line["sentence"]
    with town.session("command") as session:
        row = session.scalars(
            select(Score).where(Score.locality_id == here.id).order_by(Score.at.desc())
        ).first()
        assert row is not None
        everything = score_view.seen(
            session, service("command"), row.contributions, places.zone_of(session, here)
        )
        hidden = score_view.at_rights(row.contributions, {})
    assert str(near.id) in everything
    assert [line["sentence"] for line in hidden if line["key"] == "neighbours"] == ["Reports from next door"]
    assert not any("code" in line for line in hidden)


def test_the_page_says_how_sure_and_the_api_gives_it_as_data(town: Town) -> None:
    sensitive(town)
    found: dict[str, Any] = Client(town, "member1.mardan").get(f"/localities/{WARD}/risk").get_json()
    sure = found["confidence"]
    assert (sure["grade"], sure["voices"], sure["seen_share"]) == ("little", 1, 1.0)
    assert sure["last_news"].startswith("2026-11-24T09:00:00")
    page = town.browser("member1.mardan").open(f"/place/{WARD}")
    assert "We know too little to be sure. 1 person sent news in 14 days." in page


def test_the_next_score_is_by_the_version_that_came_in_force(town: Town) -> None:
    sensitive(town)
    with town.session("seed", write=True) as session:
        here = places.by_code(session, WARD)
        made = profiles.draft(
            session, town.clock.now(), here.id, {"multipliers": {"sacred_place_harmed": 2.0}},
            author_id=None, reason="x",
        )  # fmt: skip
        profiles.publish(session, town.clock.now(), made)
    client = Client(town, "secretary.mardan")
    before = client.get(f"/localities/{WARD}/risk").get_json()
    town.later(minutes=2)
    after = client.get(f"/localities/{WARD}/risk").get_json()
    assert after["profile"].startswith(f"{here.id}/1")
    assert after["terms"]["slow"] > before["terms"]["slow"] * 1.5
    assert client.get(f"/localities/{WARD}/risk", at=before["at"]).get_json()["p28"] == before["p28"]
    town.clock.move(hours=25)
    town.work()
    page = town.browser("admin").open("/admin")
    assert "None of them differed." in page
    assert town.clock.now() - timedelta(days=2) < town.clock.now()
