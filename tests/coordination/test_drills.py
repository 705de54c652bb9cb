"""Drills: everybody in the chain is tried and counted apart, the police never; nothing that counts for real is touched."""

from __future__ import annotations

import re
from datetime import timedelta

from sqlalchemy import func, select, update

from alerts import drills
from alerts.alert import Alert, Finding
from alerts.assessing import Score
from alerts.cap_messages import CapMessage
from alerts.drills import Drill, DrillCall
from alerts.escalation import Escalation
from committees.people import ContactPoint, Scope
from foundation.outbox import OutboxMessage
from tests.make import BY_THE_CALENDAR, Browser, Town
from tests.rig.town import WiredTown

TOWN = "PK-KP-MARDAN"


def begin(town: Town, who: str = "chair.mardan", **fields: str) -> Browser:
    browser = town.browser(who)
    browser.open("/drills")
    browser.send("/drills", **{"place": TOWN, "when": "now", **fields})
    town.work()
    return browser


def calls(town: Town) -> list[DrillCall]:
    with town.session("intake") as session:
        return list(session.scalars(select(DrillCall).order_by(DrillCall.role)))


def test_the_chain_is_tried_and_counted_by_role(wired_town: WiredTown) -> None:
    town = wired_town
    browser = begin(town)
    asked = calls(town)
    assert len(asked) >= 4
    text = town.last("secretary.mardan")
    assert any(word in text for word in ("DRILL", "مشق", "MASHQ"))
    code = re.findall(r"OK (\d+)", text)[0]
    town.sms("secretary.mardan", f"OK {code}")
    browser.open("/drills")
    assert f"1 of {len(asked)} reachable" in browser.page
    assert "Not reached:" in browser.page
    town.sms("secretary.mardan", f"OK {code}")  # again: it is counted once
    assert sum(call.answered_at is not None for call in calls(town)) == 1


def test_neither_the_police_nor_anything_real_is_touched(town: Town) -> None:
    def real() -> list[int | None]:
        with town.session("command") as session:
            kinds = (Alert, Finding, Score, CapMessage, Escalation)
            return [session.scalar(select(func.count()).select_from(kind)) for kind in kinds[:3]]

    before = real()
    begin(town)
    with town.session("engine") as session:
        police = set(session.scalars(select(Scope.person_id).where(Scope.role == "police_liaison")))
        assert not police & {call.person_id for call in session.scalars(select(DrillCall))}
        assert session.scalars(select(Escalation)).all() == []
        assert session.scalars(select(CapMessage)).all() == []
        rows = select(OutboxMessage.template).where(OutboxMessage.template.not_in(BY_THE_CALENDAR))
        assert set(session.scalars(rows)) == {"drill"}
    assert real() == before


def test_whom_no_message_can_reach_is_counted_as_not_reached(town: Town) -> None:
    with town.session("seed", write=True) as session:
        person = town.person(session, "city.mardan")
        session.execute(
            update(ContactPoint)
            .where(ContactPoint.person_id == person.id)
            .values(stopped_at=town.clock.now())
        )
    begin(town)
    silent = [call.role for call in calls(town) if call.outbox_id is None]
    assert silent == ["city_officer"]


def test_a_drill_waits_for_its_day_and_comes_again_every_quarter(town: Town) -> None:
    begin(town, when="tomorrow", quarterly="yes")
    assert calls(town) == []
    town.later(hours=25)
    assert calls(town)
    town.later(hours=25)
    with town.session("engine") as session:
        rows = session.scalars(select(Drill).order_by(Drill.due_at)).all()
        assert [row.state for row in rows] == ["ended", "planned"]
        assert rows[1].due_at - rows[0].due_at == drills.QUARTER


def test_one_press_on_the_page_answers_and_opening_it_does_not(town: Town) -> None:
    begin(town)
    with town.session("engine") as session:
        path = f"/drills/{session.scalars(select(Drill.id)).one()}"
    browser = town.browser("city.mardan")
    browser.open(path)
    assert all(call.answered_at is None for call in calls(town))
    browser.send(path)
    assert [call.role for call in calls(town) if call.answered_at] == ["city_officer"]
    stranger = town.browser("chair.peshawar")
    stranger.open(path)
    assert stranger.status == 403


def test_only_ones_own_places_can_be_tried(town: Town) -> None:
    browser = begin(town, "chair.peshawar")
    assert browser.status == 422
    assert calls(town) == []
    browser = town.browser("member1.mardan")
    browser.open("/drills")
    assert browser.status == 404


def test_the_board_reminds_of_towns_without_a_drill(town: Town) -> None:
    page = town.browser("chair.mardan").open("/admin/readiness")
    assert "No drill in the last 100 days" in page
    begin(town)
    assert "No drill in the last 100 days" not in town.browser("chair.mardan").open("/admin/readiness")
    with town.session("engine", write=True) as session:
        session.execute(update(Drill).values(began_at=town.clock.now() - timedelta(days=101)))
    assert "No drill in the last 100 days" in town.browser("chair.mardan").open("/admin/readiness")
