"""The time to decide passes: the deputy of the office that was asked is asked too, once, the chair is told, and the record says so."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from alerts.escalation import WAITING, Escalation
from alerts.routing import Delivery
from committees.people import Office, Term, end_term
from foundation.journal import Entry
from tests.coordination.test_api import Client
from tests.journeys.test_report_to_acknowledged_alert import english, report
from tests.make import Town
from tests.rig.town import WiredTown


def until_asked(town: Town) -> Escalation:
    """A crowd that nobody answers, until the liaison is asked; the question."""
    report(town)
    town.work()
    for _ in range(3):
        town.later(minutes=31)
    with town.session() as session:
        return session.scalars(select(Escalation)).one()


def test_a_missed_review_goes_to_the_deputy_once(wired_town: WiredTown) -> None:
    town = wired_town
    question = until_asked(town)
    assert town.heard("police2.mardan") == []
    chair_heard = len(town.heard("chair.mardan"))
    page = f"/review/{question.id}"
    assert "deputy" not in english(town, "chair.mardan").open(page)
    assert [
        one["deputy"] for one in Client(town, "police.mardan").get("/escalations").get_json()["items"]
    ] == [None]

    town.clock.at = question.decide_by
    town.work()
    assert len(town.heard("police2.mardan")) == 1
    assert town.heard("chair.mardan")[chair_heard:] == [
        text for text in town.heard("chair.mardan") if "deputy" in text or "naib" in text or "نائب" in text
    ]
    assert len(town.heard("chair.mardan")) == chair_heard + 1
    with town.session() as session:
        late = session.scalars(select(Entry).where(Entry.action == "review:late")).all()
        assert [entry.object_id for entry in late] == [question.id]
        now = session.get_one(Escalation, question.id)
        assert (now.state, now.late_at) == (WAITING, question.decide_by)
        deputy = session.get_one(Office, now.deputy_id)
        assert deputy.code == "MARDAN-POLICE-LIAISON-DEPUTY"
    text = english(town, "chair.mardan").open(page)
    assert "It went to the deputy" in text
    assert deputy.name() in text
    assert "Not decided in time. The deputy was asked" in english(town, "chair.mardan").open(
        f"/a/{question.alert_id}"
    )

    (told,) = Client(town, "police.mardan").get("/escalations").get_json()["items"]
    assert datetime.fromisoformat(told["late_at"]) == question.decide_by
    assert told["deputy"] == {"office": deputy.code, "role": "police_liaison", "since": told["late_at"]}

    # Once: an hour later nobody hears of it again. And the deputy may decide.
    town.later(hours=1)
    assert len(town.heard("police2.mardan")) == 1
    stand_in = english(town, "police2.mardan")
    stand_in.open(page)
    stand_in.send(
        page, decision="ask", reason="Which gate is it, and since when today?", reply_by="2026-11-25T20:00"
    )
    assert stand_in.status == 200
    with town.session() as session:
        assert session.get_one(Escalation, question.id).state == "decided"


def test_a_question_that_was_decided_in_time_goes_nowhere(town: Town) -> None:
    question = until_asked(town)
    liaison = english(town, "police.mardan")
    page = f"/review/{question.id}"
    liaison.open(page)
    liaison.send(
        page, decision="ask", reason="Which gate is it, and since when today?", reply_by="2026-11-25T20:00"
    )
    town.clock.at = question.decide_by
    town.work()
    with town.session() as session:
        assert session.get_one(Escalation, question.id).late_at is None
        assert not session.scalars(
            select(Delivery).where(Delivery.reason.in_(("deputy", "review_late")))
        ).all()


def test_without_a_deputy_the_chair_is_told_so(town: Town) -> None:
    with town.session(write=True) as session:
        desk = session.scalars(select(Office).where(Office.code == "MARDAN-POLICE-LIAISON-DEPUTY")).one()
        for term in session.scalars(select(Term).where(Term.office_id == desk.id)):
            end_term(session, term, town.clock.now())
    question = until_asked(town)
    town.clock.at = question.decide_by
    town.work()
    with town.session() as session:
        rows = session.scalars(select(Delivery).where(Delivery.reason.in_(("deputy", "review_late")))).all()
        assert {(row.role, row.reason) for row in rows} == {("chair", "review_late")}
        assert session.get_one(Escalation, question.id).deputy_id is None
    assert "This office has no deputy" in english(town, "chair.mardan").open(f"/review/{question.id}")
