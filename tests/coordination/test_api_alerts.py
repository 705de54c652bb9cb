"""The API from a report to a decision: risk, alerts, answers, deliveries, escalations, check-ins."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from alerts.escalation import Escalation
from committees.places import Locality
from tests.coordination.test_api import Client, is_problem
from tests.make import START, WARD, Town


def raised(town: Town) -> str:
    """An alert at the ward: two members saw a crowd."""
    for person in ("member1.mardan", "member2.mardan"):
        town.report(person, kind="angry_crowd", severity=4)
    town.work()
    found = Client(town, "secretary.mardan").get("/alerts", state="open").get_json()["items"]
    return str(next(alert["id"] for alert in found if alert["locality"] == WARD))


TOLD = ("id", "alert", "locality", "role", "channel", "step", "reason", "state", "at")


def test_an_alert_is_read_answered_once_and_tells_who_was_told(town: Town) -> None:
    alert, secretary = raised(town), Client(town, "secretary.mardan")
    shown = secretary.get(f"/alerts/{alert}").get_json()
    assert shown["level"] >= 2
    assert shown["answers"] == []
    assert [line["key"] for line in shown["updates"]].count("opened") <= 1
    first = secretary.send(f"/alerts/{alert}/acknowledgements", {"answer": "acting"})
    again = secretary.send(f"/alerts/{alert}/acknowledgements", {"answer": "acting"})
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.get_json() == again.get_json()
    assert first.get_json()["next_step_at"] is None
    answers = secretary.get(f"/alerts/{alert}").get_json()["answers"]
    assert [(row["role"], row["answer"]) for row in answers] == [(first.get_json()["role"], "acting")]
    told = secretary.get("/deliveries", alert=alert).get_json()["items"]
    assert told
    assert all(set(row) == {*TOLD, "why_not", "held_by", "held_until"} for row in told)
    is_problem(secretary.send(f"/alerts/{alert}/acknowledgements", {"answer": "yes"}), 422, "answer")


def test_a_liaison_decides_once_with_a_reason_and_a_date(town: Town) -> None:
    raised(town)
    for _ in range(12):
        town.later(hours=2)
        with town.session() as session:
            asked = session.scalars(select(Escalation)).first()
        if asked:
            break
    assert asked is not None
    police, secretary = Client(town, "police.mardan"), Client(town, "secretary.mardan")
    found = police.get("/escalations", state="waiting").get_json()["items"]
    assert [row["id"] for row in found] == [str(asked.id)]
    path, now = f"/escalations/{asked.id}/review", town.clock.now()
    body = {
        "decision": "take",
        "reason": "A patrol will stand at the market.",
        "reply_by": (now + timedelta(days=1)).isoformat(),
    }
    is_problem(secretary.send(path, body), 403)
    is_problem(Client(town, "police.quetta").send(path, body), 404)
    is_problem(police.send(path, {**body, "reason": "Yes"}), 422, "reason")
    is_problem(police.send(path, {**body, "decision": "pass"}), 422, "pass_to")
    is_problem(police.send(path, {**body, "reply_by": now.isoformat()}), 422, "reply_by")
    is_problem(police.send(path, {**body, "reply_by": "2026-12-01T09:00:00"}), 422, "reply_by")
    done = police.send(path, body)
    assert done.status_code == 201, done.text
    assert done.get_json()["reason"] == body["reason"]
    is_problem(police.send(path, body), 409)


def test_risk_is_shown_with_its_parts_and_the_past_stays_as_it_was_known(town: Town) -> None:
    secretary = Client(town, "secretary.mardan")
    fresh = secretary.get(f"/localities/{WARD}/risk").get_json()
    assert (fresh["level"], fresh["known"]) == (0, False)
    town.clock.move(minutes=1)
    raised(town)
    now = secretary.get(f"/localities/{WARD}/risk").get_json()
    assert now["level"] >= 2
    assert sum(line["points"] for line in now["contributions"]) == pytest.approx(now["index"])
    assert now["index"] == pytest.approx(100 * now["p28"])
    asked = town.clock.now().isoformat()
    then = secretary.get(f"/localities/{WARD}/risk", at=asked).get_json()
    assert then["p28"] == pytest.approx(now["p28"], abs=0.11)  # but for the soft signs
    town.clock.move(days=2)
    town.report("member3.mardan", kind="group_clash", severity=5, occurred_at=START)
    town.work()
    assert secretary.get(f"/localities/{WARD}/risk", at=asked).get_json()["p28"] == then["p28"]
    assert secretary.get(f"/localities/{WARD}/risk").get_json()["p28"] != now["p28"]
    is_problem(secretary.get(f"/localities/{WARD}/risk", at="2027-01-01T00:00:00Z"), 422, "at")
    is_problem(secretary.get(f"/localities/{WARD}/risk", at="2026-11-01T00:00:00"), 422, "at")
    ancient = secretary.get(f"/localities/{WARD}/risk", at="0001-01-01T00:00:00Z")
    assert ancient.status_code == 200


def test_a_check_in_is_stored_once_a_week(town: Town) -> None:
    member = Client(town, "member1.mardan")
    body = {
        "id": str(uuid.uuid4()),
        "locality": WARD,
        "answers": [1, 2, 3, 2, 1],
        "indicators": {"school_as_usual": "seen"},
    }
    first = member.send("/checkins", body)
    assert first.status_code == 201, first.text
    assert first.get_json()["week"] == "2026-11-23"
    second = member.send("/checkins", {**body, "id": str(uuid.uuid4()), "answers": [5, 5, 5, 5, 5]})
    assert second.status_code == 200
    assert second.get_json()["id"] == body["id"]
    is_problem(member.send("/checkins", {**body, "answers": [1, 2, 3]}), 422, "answers")
    is_problem(member.send("/checkins", {**body, "answers": [1, 2, 3, 4, 6]}), 422, "answers.4")
    is_problem(member.send("/checkins", {**body, "indicators": {"weather": "seen"}}), 422, "indicators")
    is_problem(member.send("/checkins", {**body, "locality": "PK-KP"}), 403)
    is_problem(Client(town, "member2.mardan").send("/checkins", body), 409)


def test_places_and_kinds_are_open_to_every_token(town: Town) -> None:
    reader = Client(town, "auditor", "read")
    wards = reader.get("/localities", parent="PK-KP-MARDAN", limit=100).get_json()
    assert WARD in [place["code"] for place in wards["items"]]
    place = reader.get(f"/localities/{WARD}").get_json()
    assert (place["zone"], place["parent"]) == ("Asia/Karachi", "PK-KP-MARDAN")
    assert place["neighbours"]
    seen, cursor = [], None
    while True:
        page = reader.get("/localities", limit=100, **({"cursor": cursor} if cursor else {})).get_json()
        seen += [row["code"] for row in page["items"]]
        if (cursor := page["next"]) is None:
            break
    with town.session() as session:
        assert seen == sorted(seen)
        assert set(seen) == set(session.scalars(select(Locality.code)))
    assert "angry_crowd" in [kind["key"] for kind in reader.get("/incident-types").get_json()["items"]]
    is_problem(reader.get("/localities/PK-NOWHERE"), 404)


def test_times_have_a_zone_in_every_answer(town: Town) -> None:
    raised(town)
    for row in Client(town, "secretary.mardan").get("/incidents").get_json()["items"]:
        assert datetime.fromisoformat(row["received_at"]).tzinfo is not None
