"""A try on the past is no way to ask after what one may not know: private matters, and what a reporter kept from an office."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from committees.places import by_code
from coordination import trying
from foundation.policy import Principal, Standing
from tests.coordination.test_api import Client
from tests.make import WARD, Town

TOWN, OTHER = "PK-KP-MARDAN", "PK-KP-PESHAWAR"


def probe(question: str) -> dict[str, Any]:
    """A rule that speaks of exactly what somebody wants to know."""
    rule = {"key": "probe", "label": "Probe", "level": 2, "tell": ["secretary"], "expression": question}
    others = ("grave_private", "level_rise", "surge", "unusual_rise", "grave_report", "accusation")
    off = [{"key": key, "off": True} for key in others]
    return {"locality": TOWN, "months": 6, "document": {"rules": [{**rule, "cool_down_hours": 0}, *off]}}


def asked(town: Town, person: str, question: str) -> str:
    found = Client(town, person).send("/replays", probe(question))
    assert found.status_code == 202, found.text
    town.work()
    return str(found.get_json()["id"])


def read(town: Town, person: str, run: str) -> dict[str, Any]:
    found: dict[str, Any] = Client(town, person).get(f"/replays/{run}").get_json()["result"]
    return found


def of_probe(result: dict[str, Any]) -> int:
    return sum(one["rule"] == "probe" for one in result["gained"])


@pytest.mark.parametrize("person", ["city.mardan", "national.pk"])
def test_an_office_learns_nothing_of_a_private_matter_by_a_rule_that_fits_it(town: Town, person: str) -> None:
    town.report(kind="taken_or_missing", ongoing="no")
    town.work()
    town.later(days=2)
    by_office = read(town, person, asked(town, person, "incidents.exists(i, i.kind == 'taken_or_missing')"))
    assert of_probe(by_office) == 0
    assert by_office["after"]["alerts"] == 0  # not even that there was one
    never = read(town, person, asked(town, person, "!incidents.exists(i, i.kind == 'taken_or_missing')"))
    other = read(town, person, asked(town, person, "!incidents.exists(i, i.kind == 'festival')"))
    assert never["after"] == other["after"]  # nor by asking when there was none
    run = asked(town, "secretary.mardan", "incidents.exists(i, i.kind == 'taken_or_missing')")
    assert of_probe(read(town, "chair.mardan", run)) == 1
    told = read(town, person, run)
    assert of_probe(told) == 0
    assert told["hidden"] >= 1


def test_an_office_learns_nothing_of_what_was_kept_from_it(town: Town) -> None:
    town.report(kind="threat", ongoing="no", withheld_from=frozenset({"police"}))
    town.work()
    town.later(days=2)
    question = "incidents.exists(i, i.kind == 'threat')"
    assert read(town, "national.pk", asked(town, "national.pk", question))["after"]["alerts"] == 0
    run = asked(town, "secretary.mardan", question)
    assert of_probe(read(town, "secretary.mardan", run)) == 1
    assert of_probe(read(town, "national.pk", run)) == 0


def test_an_office_is_not_told_of_a_report_marked_for_the_committee_by_a_rule_of_its_own(town: Town) -> None:
    town.report(kind="threat", ongoing="no")
    town.work()
    town.later(days=2)
    run = asked(town, "city.mardan", "incidents.exists(i, i.kind == 'threat')")
    assert of_probe(read(town, "city.mardan", run)) == 0
    assert read(town, "city.mardan", run)["hidden"] == 1
    assert of_probe(read(town, "chair.mardan", run)) == 1


def test_a_seat_in_another_town_opens_nothing_here(town: Town) -> None:
    private = {"place": str(uuid.uuid4()), "private": True, "withheld_from": "", "evidence": [], "real": None}
    result = {"lost": [private], "gained": [], "missed": [], "newly_warned": []}
    with town.session() as session:
        here, there = (by_code(session, code).id for code in (TOWN, OTHER))
    elsewhere = Standing("chair", there, uuid.uuid4(), None)
    for role, seen in (("chair", 1), ("city_officer", 0)):
        principal = Principal(uuid.uuid4(), standings=(Standing(role, here, uuid.uuid4(), None), elsewhere))
        with town.runtime.web.open(principal) as session:
            assert len(trying.seen_by(session, principal, here, result).lost) == seen, role


def test_an_office_from_outside_tries_no_single_ward(town: Town) -> None:
    body = {**probe("level >= 1"), "locality": WARD}
    assert Client(town, "national.pk").send("/replays", body).status_code == 403
    assert Client(town, "secretary.mardan").send("/replays", body).status_code == 202


def test_an_id_of_another_try_is_refused(town: Town) -> None:
    key, client = str(uuid.uuid4()), Client(town, "secretary.mardan")
    assert client.send("/replays", {**probe("level >= 1"), "id": key}).status_code == 202
    assert client.send("/replays", {**probe("level >= 1"), "id": key}).status_code == 202
    assert client.send("/replays", {**probe("level >= 2"), "id": key}).status_code == 409
    assert (
        Client(town, "chair.mardan").send("/replays", {**probe("level >= 1"), "id": key}).status_code == 409
    )
