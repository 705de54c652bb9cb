"""What is unusual for a place, as the engine and the place's page say it: a note and a rule, never a part of the score."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from alerts.alert import Alert
from alerts.assessing import Score
from alerts.evidence import RiskState, WeekCount
from committees.places import by_code, local_day, zone_of
from coordination.frame import LANGUAGE_COOKIE
from tests.make import WARD, Town

RULE = "unusual_rise"


def weeks(town: Town, *last: int) -> None:
    """Two years with one to three incidents a week in the ward, ending with these counts; the last is of this week."""
    with town.session(write=True) as session:
        ward = by_code(session, WARD)
        today = local_day(town.clock.now(), zone_of(session, ward))
        monday = today - timedelta(days=today.weekday())
        counts = [*([1, 2, 3] * 35)[len(last) :], *last]
        for back, count in enumerate(reversed(counts)):
            key = (ward.id, monday - timedelta(weeks=back))
            row = session.get(WeekCount, key) or WeekCount(locality_id=key[0], week=key[1], violent=0)
            row.counted = count
            session.add(row)


def page(town: Town) -> str:
    browser = town.browser("secretary.mardan")
    browser.client.set_cookie(LANGUAGE_COOKIE, "en")
    return browser.open(f"/place/{WARD}")


def test_a_loud_week_is_noted_and_the_committee_is_told(town: Town) -> None:
    """Two detectors speak: the page says how much was seen and how much is usual, and the rule opens a Watch."""
    weeks(town, 2, 11)
    town.report()
    town.work()
    with town.session() as session:
        ward = by_code(session, WARD)
        found = session.get_one(RiskState, ward.id).unusual or {}
        assert found["detectors"][:2] == ["c2", "cusum"]
        assert (found["seen"], found["usual"]) == (12, 4)
        assert found["at"] == town.clock.now().isoformat()
        alerts = session.scalars(select(Alert).where(Alert.locality_id == ward.id)).all()
        mine = [alert for alert in alerts if alert.rule == RULE]
        assert [alert.level for alert in mine] == [2]
        score = session.scalars(select(Score).where(Score.locality_id == ward.id)).all()[-1]
        assert "unusual" not in str(score.contributions)
    text = page(town)
    assert "Unusual for this place" in text
    assert "12 incidents in one week. Up to 4 would be usual here." in text
    assert "It adds no points." in text
    assert "Found today 14:00." in text


def test_the_detectors_do_not_move_the_score(town: Town) -> None:
    """The same report gives the same score in a loud week and in a quiet one."""
    town.report()
    town.work()
    with town.session() as session:
        quiet = session.scalars(select(Score.p28).where(Score.locality_id == by_code(session, WARD).id)).all()
    weeks(town, 2, 30)
    town.later(hours=7)
    with town.session() as session:
        assert (session.get_one(RiskState, by_code(session, WARD).id).unusual or {})["detectors"]
        loud = session.scalars(select(Score.p28).where(Score.locality_id == by_code(session, WARD).id)).all()
    assert loud[-1] <= quiet[-1]


def test_a_usual_week_is_not_noted(town: Town) -> None:
    """Nothing on the page, no alert of this rule, and a place that nobody assessed yet can be looked at."""
    assert "Unusual for this place" not in page(town)
    weeks(town, 2, 3)
    town.report()
    town.work()
    assert "Unusual for this place" not in page(town)
    with town.session() as session:
        assert RULE not in session.scalars(select(Alert.rule)).all()
