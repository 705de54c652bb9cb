"""The local picture over the API: a draft, a proposal, a second person of another organisation, what it was at a time, what changes."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from foundation.web import words
from tests.coordination.test_api import Client, is_problem
from tests.make import WARD, Town

CITY = "PK-KP-MARDAN"
PATH = f"/localities/{CITY}/profile"


def body(**fields: Any) -> dict[str, Any]:
    return {
        "document": {"boundaries": [0.04, 0.15, 0.35, 0.65], "multipliers": {"rumour": 1.2}},
        "reason": "The wedding season is calmer here.",
        "consulted": ["Traders of the old market", "Women of ward 7"],
        **fields,
    }


def test_a_picture_goes_from_a_draft_to_force_and_the_next_score_says_so(town: Town) -> None:
    secretary, chair = Client(town, "secretary.mardan"), Client(town, "chair.mardan")
    city, member = Client(town, "city.mardan"), Client(town, "member1.mardan")
    before, early = secretary.get(PATH).get_json(), town.clock.now()
    town.clock.move(minutes=1)
    key = str(uuid.uuid4())
    first = secretary.send(PATH, body(id=key), method="PUT")
    assert first.status_code == 201, first.text
    assert (first.get_json()["version"], first.get_json()["state"]) == (1, "draft")
    assert secretary.send(PATH, body(id=key), method="PUT").get_json() == first.get_json()
    assert secretary.send(PATH, body(), method="PUT").get_json()["version"] == 2
    assert secretary.get(PATH).get_json() == before
    proposal, decision = f"{PATH}/versions/1/proposal", f"{PATH}/versions/1/decision"
    yes = {"approve": True, "answer": "It fits what we see."}
    is_problem(city.send(decision, yes), 409)
    is_problem(member.send(proposal, {}), 403)
    assert secretary.send(proposal, {}).get_json()["state"] == "proposed"
    is_problem(secretary.send(decision, yes), 403)
    is_problem(chair.send(decision, yes), 403)
    is_problem(city.send(decision, {**yes, "answer": " "}), 422, "answer")
    assert secretary.get(PATH).get_json() == before
    done = city.send(decision, yes).get_json()
    assert (done["state"], done["approved_role"], done["answer"]) == (
        "in_force",
        "city_officer",
        yes["answer"],
    )
    is_problem(city.send(decision, yes), 409)
    after = secretary.get(PATH).get_json()
    assert after["versions"][0].endswith("/1")
    assert after["document"]["multipliers"] == {"rumour": 1.2}
    assert secretary.get(PATH, at=early.isoformat()).get_json() == before
    assert secretary.get(f"/localities/{WARD}/profile").get_json()["document"] == after["document"]
    town.report(severity=4)
    town.work()
    assert secretary.get(f"/localities/{WARD}/risk").get_json()["profile"].startswith(after["versions"][0])


def test_a_picture_holds_from_its_day_on(town: Town) -> None:
    secretary, city = Client(town, "secretary.mardan"), Client(town, "city.mardan")
    day = town.clock.now() + timedelta(days=3)
    secretary.send(PATH, body(valid_from=day.isoformat()), method="PUT")
    secretary.send(f"{PATH}/versions/1/proposal", {})
    done = city.send(f"{PATH}/versions/1/decision", {"approve": True, "answer": "Good."}).get_json()
    assert done["state"] == "approved"
    assert secretary.get(PATH).get_json()["document"]["multipliers"] == {}
    later = secretary.get(PATH, at=day.isoformat()).get_json()
    assert later["document"]["multipliers"] == {"rumour": 1.2}
    town.later(days=3)
    assert secretary.get(PATH).get_json() == later
    assert secretary.get(f"{PATH}/versions/1").get_json()["state"] == "in_force"
    town.later(minutes=1)
    # Assessed anew without any report, because what the score is made of has changed.
    assert secretary.get(f"/localities/{WARD}/risk").get_json()["profile"].startswith(later["versions"][0])


def test_versions_are_listed_and_compared_in_words(town: Town) -> None:
    secretary, city = Client(town, "secretary.mardan"), Client(town, "city.mardan")
    secretary.send(PATH, body(), method="PUT")
    town.clock.move(minutes=1)
    secretary.send(PATH, body(document={"multipliers": {"rumour": 1.5}}), method="PUT")
    secretary.send(f"{PATH}/versions/2/proposal", {})
    no = {"approve": False, "answer": "Nobody asked the traders."}
    assert city.send(f"{PATH}/versions/2/decision", no).get_json()["state"] == "refused"
    assert (
        secretary.send(f"{PATH}/versions/1/proposal", {"proposed": False}).get_json()["state"] == "withdrawn"
    )
    listed = secretary.get(f"{PATH}/versions", limit=1).get_json()
    assert [(row["version"], row["answer"]) for row in listed["items"]] == [(2, no["answer"])]
    rest = secretary.get(f"{PATH}/versions", limit=1, cursor=listed["next"]).get_json()
    assert [(row["version"], row["author_role"], row["consulted"]) for row in rest["items"]] == [
        (1, "secretary", body()["consulted"])
    ]
    assert rest["next"] is None
    found = secretary.get(f"{PATH}/changes", before=1, after=2).get_json()["items"]
    assert [row["path"] for row in found] == [["boundaries"], ["multipliers", "rumour"]]
    assert (found[1]["was"], found[1]["now"]) == (1.2, 1.5)
    assert found[1]["sentence"] == "The weight of “Rumour going round, not checked” goes from 1.2 to 1.5."
    with words.speaking("ur"):  # as a page that this thread served before may have left it
        assert secretary.get(f"{PATH}/changes", before=1, after=2).get_json()["items"] == found
    is_problem(secretary.get(f"{PATH}/changes", before=1, after=9), 404)
    is_problem(secretary.get(f"{PATH}/versions/x"), 404)


def test_what_cannot_be_used_is_refused_by_its_path(town: Town) -> None:
    secretary = Client(town, "secretary.mardan")
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"document": {"weather": 1}}, "document.weather"),
        ({"document": {"boundaries": [0.9, 0.1, 0.2, 0.3]}}, "document.boundaries"),
        ({"document": {"coefficients": {"colour": 2}}}, "document.coefficients.colour"),
        ({"document": {"rules": "none"}}, "document.rules"),
        (
            {"document": {"rules": [{"key": "surge", "expression": "level >= 3 && sruge > 0.5"}]}},
            "document.rules.surge.expression:1:15",
        ),
        (
            {"document": {"neighbours": [{"key": "PK-NOWHERE", "weight": 1}]}},
            "document.neighbours.PK-NOWHERE",
        ),
        ({"document": {}}, "document"),
        ({"reason": "short"}, "reason"),
        ({"consulted": ["x" * 121]}, "consulted"),
        ({"valid_from": (town.clock.now() + timedelta(days=900)).isoformat()}, "valid_from"),
        ({"valid_from": "2026-12-01T00:00:00"}, "valid_from"),
        ({"id": "not-a-uuid"}, "id"),
    ]
    for fields, name in wrong:
        is_problem(secretary.send(PATH, body(**fields), method="PUT"), 422, name)
    key = str(uuid.uuid4())
    assert secretary.send(PATH, body(id=key), method="PUT").status_code == 201
    is_problem(secretary.send(PATH, body(id=key, document={"step_down": 0.7}), method="PUT"), 409)
    is_problem(Client(town, "member1.mardan").send(PATH, body(), method="PUT"), 403)
    is_problem(secretary.send("/localities/PK-BA-QUETTA/profile", body(), method="PUT"), 404)
    is_problem(Client(town, "secretary.quetta").get(f"{PATH}/versions"), 404)
