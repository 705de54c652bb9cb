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


def put_in_force(town: Town, threat: str = "*", **changes: Any) -> None:
    """A ladder of Mardan itself, by the API: written, proposed and approved."""
    address, versions = f"/localities/{TOWN}/policy", f"/localities/{TOWN}/policy/versions"
    city, chair = Client(town, "city.mardan"), Client(town, "chair.mardan")
    body = {"document": document(**changes), "reason": WHY, "threat": threat}
    number = city.send(address, body, method="PUT").get_json()["version"]
    city.send(f"{versions}/{number}/proposal", {})
    agreed = chair.send(f"{versions}/{number}/decision", {"approve": True, "answer": "Agreed."})
    assert agreed.get_json()["state"] == "in_force"


def test_a_place_gives_its_own_ladder_back_and_inherits_again(town: Town) -> None:
    city, chair = town.browser("city.mardan"), town.browser("chair.mardan")
    back = "Inherit the ladder of the place above again"
    assert back not in city.open(PATH), "there is nothing to give back"
    put_in_force(town)
    assert back in city.open(PATH)
    page = city.send(f"{PATH}/inherit", reason="Short")
    assert city.status == 422
    assert ">Short</textarea>" in page
    page = city.send(f"{PATH}/inherit", reason="The trial of three months is over.")
    assert (city.path, state_of(town, 2)) == (f"{PATH}/2", "proposed")
    assert "This ladder holds everywhere" in page, "whoever decides reads what would hold"
    assert "This place wrote it itself: version 1." in city.open(PATH), "until a second person agrees"
    chair.open(f"{PATH}/2")
    chair.send(f"{PATH}/2/decide", decision="approve", answer="Agreed in the meeting.")
    assert (state_of(town, 1), state_of(town, 2)) == ("replaced", "in_force")
    page = chair.open(PATH)
    assert "This ladder holds everywhere" in page
    assert "Version 1" in page, "what was written stays readable"
    assert chair.open(f"/place/{WARD}/ladder").count("This ladder holds everywhere") == 1
    put_in_force(town)
    assert (state_of(town, 2), state_of(town, 3)) == ("replaced", "in_force")
    assert "This place wrote it itself: version 3." in chair.open(PATH)


def test_what_is_given_back_by_the_api_is_one_line_of_tension(town: Town) -> None:
    city, chair = Client(town, "city.mardan"), Client(town, "chair.mardan")
    address = f"/localities/{TOWN}/policy"
    put_in_force(town, clocks={"3": 90})
    put_in_force(town, "caste_clan_family", clocks={"3": 60})
    body = {"inherits": True, "reason": WHY, "threat": "caste_clan_family"}
    is_problem(city.send(address, {**body, "document": document()}, method="PUT"), 422, "document")
    is_problem(city.send(address, {**body, "threat": "drugs"}, method="PUT"), 409)
    made = city.send(address, body, method="PUT").get_json()
    assert (made["state"], made["inherits"], made["document"]["steps"]) == ("draft", True, [])
    city.send(f"{address}/versions/3/proposal", {})
    chair.send(f"{address}/versions/3/decision", {"approve": True, "answer": "Agreed."})
    held = city.get(address, threat="caste_clan_family").get_json()
    assert (held["version"], held["document"]["clocks"]["3"]) == (1, 90), (
        "the place's own for everything holds"
    )
    again = city.send(address, body, method="PUT")
    is_problem(again, 409)


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
    put_in_force(town, "caste_clan_family", clocks={"3": 60})
    city, address = Client(town, "city.mardan"), f"/localities/{TOWN}/policy"
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
