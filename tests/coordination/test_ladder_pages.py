"""A place's ladder: read in clock times, written, proposed, and put in force by a second person; the page and the API are one act."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from alerts.alert import Alert
from alerts.policies import EscalationPolicy, ladder_of
from foundation.errors import Problem
from tests.coordination.test_api import Client, is_problem
from tests.make import WARD, Town

TOWN = "PK-KP-MARDAN"
PATH = f"/place/{TOWN}/ladder"
WHY = "The national desk asked to be heard as well."


def document(**changes: Any) -> dict[str, Any]:
    return {
        "steps": [
            {"kind": "tell", "ask": ["chair"], "after": {"4": 15, "5": 5}},
            {"kind": "review", "ask": ["police_liaison"]},
            {"kind": "tell", "ask": ["national_contact"]},
        ],
        "must_answer": ["local", "national"],
        **changes,
    }


def state_of(town: Town, version: int = 1) -> str:
    with town.session() as session:
        rows = select(EscalationPolicy).where(
            EscalationPolicy.version == version, EscalationPolicy.author_id.is_not(None)
        )
        return session.scalars(rows).one().state


def test_a_ladder_is_read_in_clock_times_and_says_where_it_comes_from(town: Town) -> None:
    member = town.browser("member1.mardan")
    page = member.open(f"/place/{WARD}/ladder")
    assert member.status == 200
    assert "This ladder holds everywhere" in page
    assert "today 14:30, after 30 minutes" in page
    assert "secretary" in page
    assert "Write a ladder" not in page
    assert member.open(f"{PATH}/edit")
    assert member.status == 404


def test_a_ladder_is_written_proposed_and_put_in_force_by_a_second_person(town: Town) -> None:
    city = town.browser("city.mardan")
    city.open(f"{PATH}/edit")
    fields = {
        "threat": "*", "ask_0_0": "chair", "kind_0": "tell", "after_0_4": "15", "clock_5": "10",
        "ask_1_0": "police_liaison", "kind_1": "review", "ask_2_0": "national_contact",
        "must_answer": ["local", "national"], "channels_2": ["sms", "voice"], "reason": WHY,
    }  # fmt: skip
    page = city.send(f"{PATH}/edit", **{**fields, "after_0_4": "90", "reason": "What I typed stays."})
    assert city.status == 422
    assert "This is too slow for level 4" in page
    assert "What I typed stays." in page
    assert 'value="90"' in page
    page = city.send(f"{PATH}/edit", **fields)
    assert city.status == 200, page
    assert "asked to decide" in page
    assert "by SMS, phone call" in page
    city.send(f"{PATH}/1/propose")
    assert state_of(town) == "proposed"
    city.send(f"{PATH}/1/decide", decision="approve", answer="It is mine.")
    assert state_of(town) == "proposed", "nobody approves their own"

    chair = town.browser("chair.mardan")
    chair.open(f"{PATH}/1")
    chair.send(f"{PATH}/1/decide", decision="approve", answer=" ")
    assert chair.status == 422
    chair.send(f"{PATH}/1/decide", decision="approve", answer="Agreed in the meeting.")
    assert state_of(town) == "in_force"
    assert "This place wrote it itself: version 1." in chair.open(PATH)
    assert "inherited from Mardan" in chair.open(f"/place/{WARD}/ladder")
    town.report(kind="angry_crowd")
    town.work()
    with town.session() as session:
        alert = session.scalars(select(Alert)).one()
        policy = ladder_of(session, alert)
        assert policy.wait(0, 4) == 15
        assert policy.must_answer == ("local", "national")
        assert (alert.next_step_at - alert.opened_at).total_seconds() == 15 * 60
    page = chair.open(f"/a/{alert.id}")
    assert "This side must answer." in page


def test_the_api_says_the_path_of_what_is_wrong_and_keeps_what_was_written(town: Town) -> None:
    city, chair = Client(town, "city.mardan"), Client(town, "chair.mardan")
    address = f"/localities/{TOWN}/policy"
    assert city.get(address).get_json()["document"]["clocks"]["5"] == 10

    def put(**changes: Any) -> Any:
        return city.send(address, {"document": document(**changes), "reason": WHY}, method="PUT")

    is_problem(put(steps=[]), 422, "document.steps")
    is_problem(put(clocks={"5": 21}), 422, "document.clocks.5")
    is_problem(put(clocks={"2": 300, "3": 400}), 422, "document.clocks.3")
    is_problem(put(nudges={"5": 90}), 422, "document.nudges.5")
    is_problem(
        put(must_answer=["police"], steps=[{"kind": "tell", "ask": ["chair"]}]),
        422,
        "document.must_answer[0]",
    )
    is_problem(put(steps=[{"kind": "review", "ask": ["chair"]}]), 422, "document.steps[0].ask")
    is_problem(
        put(must_answer=[], steps=[{"kind": "tell", "offices": ["NOWHERE-1"]}]),
        422,
        "document.steps[0].offices",
    )
    is_problem(
        put(must_answer=[], steps=[{"kind": "tell", "ask": ["touch_point"], "after": 30}]),
        422,
        "document.steps[0].after",
    )
    is_problem(
        city.send(address, {"document": document(), "reason": WHY, "threat": "nothing_such"}, method="PUT"),
        422,
        "threat",
    )
    assert (
        Client(town, "member1.mardan")
        .send(address, {"document": document(), "reason": WHY}, method="PUT")
        .status_code
        == 403
    )
    made = put()
    assert made.status_code == 201, made.get_json()
    assert made.get_json()["state"] == "draft"
    versions = f"{address}/versions"
    assert city.send(f"{versions}/1/proposal", {}).get_json()["state"] == "proposed"
    assert city.send(f"{versions}/1/decision", {"approve": True, "answer": "Mine."}).status_code == 403
    refused = chair.send(f"{versions}/1/decision", {"approve": False, "answer": "Too many for one night."})
    assert (refused.status_code, refused.get_json()["state"]) == (200, "refused")
    assert chair.send(f"{versions}/1/decision", {"approve": True, "answer": "Yes."}).status_code == 409
    assert [row["version"] for row in city.get(versions).get_json()["items"]] == [1]
    with town.session() as session:
        row = session.scalars(select(EscalationPolicy).where(EscalationPolicy.author_id.is_not(None))).one()
        assert row.steps == document()["steps"], "what was written never changes"

    body = {"document": document(clocks={"3": 60}), "reason": WHY, "threat": "caste_clan_family"}
    city.send(address, body, method="PUT")


def test_a_ladder_of_a_threat_holds_for_that_threat_alone(town: Town) -> None:
    city, chair = Client(town, "city.mardan"), Client(town, "chair.mardan")
    address = f"/localities/{TOWN}/policy"
    body = {"document": document(clocks={"3": 60}), "reason": WHY, "threat": "caste_clan_family"}
    city.send(address, body, method="PUT")
    city.send(f"{address}/versions/1/proposal", {})
    chair.send(f"{address}/versions/1/decision", {"approve": True, "answer": "Agreed."})
    assert city.get(address, threat="caste_clan_family").get_json()["document"]["clocks"]["3"] == 60
    assert city.get(address).get_json()["document"]["clocks"]["3"] == 240


def test_a_seed_file_with_a_ladder_that_is_too_slow_is_refused_by_name(town: Town) -> None:
    from coordination.seeding import Seeding

    row = {
        "key": "slow",
        "locality": "*",
        "threat": "*",
        "clocks_minutes": {5: 300},
        "steps": document()["steps"],
    }
    with town.session(write=True) as session, pytest.raises(Problem, match=r"The policy slow: clocks\.5"):
        Seeding(session, town.clock.now(), {}, lambda *_: None).policy(row)
