"""Rosters, silences and the readiness board over the API: the rights and rules of their pages, and nothing twice."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from alerts.silences import Silence
from committees.rosters import DutyOverride, DutyRoster
from tests.coordination.test_api import Client, is_problem
from tests.make import START, WARD, Town

Clients = Callable[..., Client]
TOWN = "PK-KP-MARDAN"
SILENCES = f"/localities/{TOWN}/silences"
OFFICE = "MARDAN-CITY"
ROSTER = f"/offices/{OFFICE}/roster"


@pytest.fixture
def client(town: Town) -> Clients:
    return lambda person=None, *scopes: Client(town, person, *scopes)


def silence(**changes: Any) -> dict[str, Any]:
    new = {
        "id": str(uuid.uuid4()),
        "ends_at": (START + timedelta(hours=6)).isoformat(),
        "reason": "The water office digs up the main road",
    }
    return {**new, **changes}


def test_a_silence_is_made_once_seen_by_both_sides_and_ends_early(town: Town, client: Clients) -> None:
    secretary, new = client("secretary.mardan"), silence()
    first = secretary.send(SILENCES, new, key="one")
    assert first.status_code == 201, first.text
    made = first.get_json()
    assert made == {
        "id": new["id"], "locality": TOWN, "alert": None, "threat": "*", "max_level": 3, "asks_for_4": False,
        "reason": new["reason"], "role": "secretary", "begins_at": "2026-11-24T09:00:00Z",
        "ends_at": "2026-11-24T15:00:00Z", "lifted_at": None,
    }  # fmt: skip
    assert secretary.send(SILENCES, new, key="one").get_json() == made
    assert secretary.send(SILENCES, new).status_code == 200
    is_problem(secretary.send(f"/localities/{WARD}/silences", new), 409)
    for reader in ("member1.mardan", "police.mardan"):
        assert client(reader).get(SILENCES).get_json() == {"items": [made], "next": None}
    is_problem(client("police.mardan").send(f"/silences/{new['id']}/decision", {"decision": "lift"}), 403)
    ended = secretary.send(f"/silences/{new['id']}/decision", {"decision": "lift"})
    assert ended.get_json()["lifted_at"] == "2026-11-24T09:00:00Z"
    is_problem(secretary.send(f"/silences/{new['id']}/decision", {"decision": "lift"}), 409)
    assert secretary.get(SILENCES).get_json()["items"] == []
    with town.session() as session:
        assert session.scalar(select(func.count()).select_from(Silence)) == 1


def test_level_4_is_silenced_by_two_of_different_bodies(client: Clients) -> None:
    secretary, new = client("secretary.mardan"), silence(max_level=4)
    made = secretary.send(SILENCES, new).get_json()
    assert (made["max_level"], made["asks_for_4"]) == (3, True)
    decide = f"/silences/{new['id']}/decision"
    is_problem(secretary.send(decide, {"decision": "agree"}), 403)
    is_problem(client("chair.mardan").send(decide, {"decision": "agree"}), 403)
    is_problem(client("city.mardan").send(decide, {"decision": "refuse"}), 422, "reason")
    agreed = client("city.mardan").send(decide, {"decision": "agree"}).get_json()
    assert (agreed["max_level"], agreed["asks_for_4"]) == (4, False)


def test_a_silence_that_cannot_be_is_refused_on_its_field(client: Clients) -> None:
    secretary = client("secretary.mardan")
    is_problem(secretary.send(SILENCES, silence(reason=" ")), 422, "reason")
    is_problem(secretary.send(SILENCES, silence(ends_at=START.isoformat())), 422, "ends_at")
    late = (START + timedelta(days=8)).isoformat()
    is_problem(secretary.send(SILENCES, silence(ends_at=late)), 422, "ends_at")
    is_problem(secretary.send(SILENCES, silence(max_level=5)), 422, "max_level")
    is_problem(secretary.send(SILENCES, silence(alert=str(uuid.uuid4()))), 422, "alert")
    is_problem(client("member1.mardan").send(SILENCES, silence()), 403)
    is_problem(client("secretary.mardan", "read").send(SILENCES, silence()), 403)
    is_problem(client("national.lk").get(SILENCES), 404)


def test_a_roster_is_written_read_and_stood_in_for(town: Town, client: Clients) -> None:
    city = client("city.mardan")
    is_problem(city.send(f"{ROSTER}/stand-ins", stand_in(str(uuid.uuid4()))), 409)
    before = city.get(ROSTER).get_json()
    assert (before["layers"], before["shifts"]) == ([], [])
    (holder,) = before["holders"]
    layer = {"persons": [holder["person"]], "starts": "2026-11-23", "begins": "08:00", "ends": "20:00"}
    written = city.send(ROSTER, {"layers": [layer]}, method="PUT", key="once")
    assert written.status_code == 200, written.text
    (stored,) = written.get_json()["layers"]
    assert stored == {
        **layer,
        "days": 7,
        "handover": "09:00",
        "weekdays": [1, 2, 3, 4, 5, 6, 7],
        "not_on_holidays": False,
    }
    shifts = city.get(ROSTER).get_json()["shifts"]
    assert shifts[0] == {
        "begins_at": "2026-11-24T09:00:00Z", "ends_at": "2026-11-24T15:00:00Z", "person": holder["person"],
    }  # fmt: skip
    assert shifts[1]["person"] is None
    new = stand_in(holder["person"])
    assert city.send(f"{ROSTER}/stand-ins", new).status_code == 201
    assert city.send(f"{ROSTER}/stand-ins", new).status_code == 200
    assert [one["reason"] for one in city.get(ROSTER).get_json()["stand_ins"]] == ["On leave"]
    assert [one["office"] for one in client("chair.mardan").get("/rosters").get_json()["items"]] == [OFFICE]
    with town.session() as session:
        assert session.scalar(select(func.count()).select_from(DutyRoster)) == 1
        assert session.scalar(select(func.count()).select_from(DutyOverride)) == 1


def stand_in(person: str, **changes: Any) -> dict[str, Any]:
    ends = (START + timedelta(hours=20)).isoformat()
    new = {"id": str(uuid.uuid4()), "person": person, "begins_at": START.isoformat(), "ends_at": ends}
    return {**new, "reason": "On leave", **changes}


def test_a_roster_names_holders_only_and_is_changed_by_those_it_belongs_to(client: Clients) -> None:
    city = client("city.mardan")
    layer = {"persons": [str(uuid.uuid4())], "starts": "2026-11-23"}
    is_problem(city.send(ROSTER, {"layers": [layer]}, method="PUT"), 422, "layers")
    is_problem(
        city.send(ROSTER, {"layers": [{**layer, "begins": "25:00"}]}, method="PUT"), 422, "layers.0.begins"
    )
    is_problem(client("police.mardan").send(ROSTER, {"layers": []}, method="PUT"), 403)
    is_problem(client("member1.mardan").get(ROSTER), 404)
    is_problem(client("national.lk").get(ROSTER), 404)
    is_problem(city.get("/offices/nowhere/roster"), 404)


def test_the_readiness_board_names_what_is_missing_page_by_page(client: Clients) -> None:
    chair = client("chair.mardan")
    first = chair.get("/readiness", limit=3).get_json()
    assert len(first["items"]) == 3
    second = chair.get("/readiness", limit=3, cursor=first["next"]).get_json()
    codes = [one["locality"] for one in first["items"] + second["items"]]
    assert codes == sorted(set(codes))
    assert {one["town"] for one in first["items"]} == {TOWN}
    gaps = [gap for one in chair.get("/readiness", ready="no").get_json()["items"] for gap in one["gaps"]]
    assert all(gap["key"] and gap["sentence"].endswith(".") for gap in gaps)
    assert all(one["ready"] for one in chair.get("/readiness", ready="yes").get_json()["items"])
    assert client("member1.mardan").get("/readiness").get_json()["items"] == []
