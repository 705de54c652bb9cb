"""What is learned from how alerts ended: counts by hand, proposals only on enough evidence, one report a month."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from alerts import closing, evaluating, learning
from alerts.alert import Alert
from alerts.learning import LearningReport
from committees import profiles
from committees.places import by_code
from tests.make import START, Town

TOWN = "PK-KP-MARDAN"
RULES = profiles.starter()["rules"]


def judged(rule: str, true: int, false: int) -> dict[str, Any]:
    low, high = evaluating.wilson(true, true + false)
    return {"rule": rule, "true": true, "false": false, "low": low, "high": high}


@given(st.integers(0, 60), st.integers(1, 60))
def test_an_interval_holds_its_share_and_narrows(hits: int, more: int) -> None:
    n = hits + more
    low, high = evaluating.wilson(hits, n)
    assert low is not None
    assert high is not None
    assert 0 <= low <= hits / n <= high <= 1
    wider = evaluating.wilson(hits * 4, n * 4)
    assert wider[1] - wider[0] < high - low  # type: ignore[operator]
    assert evaluating.wilson(0, 0) == (None, None)


def test_a_rule_is_made_stricter_or_quicker_by_one_step_on_enough_evidence_only() -> None:
    (stricter,) = learning.of_rules([judged("rumour_check", 2, 20)], RULES)
    assert stricter["knob"] == "rules.rumour_check.when.sources.at_least"
    assert (stricter["was"], stricter["now"], stricter["why"]) == (2, 3, "often_false")
    (quicker,) = learning.of_rules([judged("rumour_check", 40, 1)], RULES)
    assert (quicker["now"], quicker["why"]) == (1, "nearly_always_true")
    (surge,) = learning.of_rules([judged("surge", 1, 20)], RULES)
    assert surge["knob"] in ("rules.surge.when.surge.probability", "rules.surge.when.surge.sources")
    assert learning.of_rules([judged("rumour_check", 0, 7)], RULES) == []  # too few
    assert learning.of_rules([judged("rumour_check", 10, 10)], RULES) == []  # not clear
    assert learning.of_rules([judged("date_ahead", 0, 30)], RULES) == []  # nothing to count
    assert learning.of_rules([judged("gone", 0, 30)], RULES) == []


def test_a_kind_is_weighed_by_how_often_it_was_true_within_bounds() -> None:
    checked = {"rumour": (4, 60), "group_clash": (58, 60), "threat": (3, 4)}
    found = {one["kind"]: one for one in learning.of_kinds(checked, {})}
    assert set(found) == {"rumour", "group_clash"}
    assert found["rumour"]["now"] == 0.5  # never below the bound
    assert 1 < found["group_clash"]["now"] <= 2
    assert learning.of_kinds({}, {}) == []
    assert learning.of_kinds({"harm_at_home": (1, 50), "rumour": (50, 50)}, {}) == []  # never scored at all


@pytest.mark.parametrize(
    ("day", "month"), [(START, date(2026, 10, 1)), (START + timedelta(days=40), date(2026, 12, 1))]
)
def test_a_month_ends_before_it_is_learned_from(day: Any, month: date) -> None:
    assert learning.last_month(day) == month
    assert learning.first_of_next(month) <= day


def test_a_month_is_learned_from_once(town: Town) -> None:
    """Two alerts of November: one prevented after somebody acted, one not true; the report of December is made once, and changes nothing."""
    for days, outcome in ((0, "prevented"), (3, "not_true")):
        town.clock.move(days=days)
        town.report(kind="angry_crowd")
        town.work()
        with town.session("engine", write=True) as session:
            alert = session.scalars(select(Alert).where(Alert.state == "open")).one()
            now = town.clock.now()
            alert.acting_at = now + timedelta(minutes=12) if outcome == "prevented" else None
            closing.close(session, now, alert, outcome=outcome, reason="So it was", person_id=None)
    town.clock.move(days=10)
    town.work()
    with town.session("engine") as session:
        rows = {row.locality_id: row for row in session.scalars(select(LearningReport))}
        assert set(rows) >= {by_code(session, TOWN).id, by_code(session, "PK").id}
        row = rows[by_code(session, TOWN).id]
        assert row.month == date(2026, 11, 1)
        (rule,) = row.measures["rules"]
        assert (rule["rule"], rule["alerts"], rule["true"], rule["false"]) == ("crowd_now", 2, 1, 1)
        assert (rule["acted"], rule["prevented"], rule["precision"]) == (1, 1, 0.5)
        assert 11 < rule["minutes_to_acting"] < 13
        assert rule["reach"] > 0
        november = next(one for one in row.measures["months"] if one["month"] == "2026-11")
        assert (november["true"], november["false"]) == (1, 1)
        assert row.measures["measures"]["false_alarms"] == 1
        assert row.proposals == []
        assert learning.learn(session, town.clock.now()) == 0
    town.later(days=1)
    with town.session("engine") as session:
        assert len(session.scalars(select(LearningReport)).all()) == len(rows)
        assert profiles.versions_of(session, by_code(session, TOWN).id) == []
