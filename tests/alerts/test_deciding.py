"""Rules that rest and rules that keep others quiet: nothing is opened twice, nothing graver is silenced, and every silence has its reason."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from alerts.alert import OPEN, Alert, Finding
from alerts.deciding import NOTHING, OPEN_STEP, RAISE, UPDATE, Before, Decision, asked_here, decisions
from alerts.risk.facts import Facts, IncidentFact
from alerts.risk.rules import Rule
from committees import profiles
from committees.places import by_code
from tests.make import WARD, Town

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
ANY = {"incident": {}}


def rule(key: str, level: int = 3, **parts: Any) -> Rule:
    """A rule that speaks of any incident, on each line of tension by itself."""
    return Rule(
        key, parts.pop("when", ANY), level, {"*": ("secretary",)}, {"*": 60}, per_threat=True, **parts
    )


def incident(key: str, threat: str = "a") -> IncidentFact:
    return IncidentFact(
        key, "rumour", 2, 0.5, "told", False, False, True, False, threat, frozenset({key}), frozenset(),
        NOW - timedelta(hours=1), NOW - timedelta(hours=1),
    )  # fmt: skip


def facts(*incidents: IncidentFact) -> Facts:
    return Facts(now=NOW, incidents=incidents)


def acts(made: list[Decision]) -> list[tuple[str, str, str, str]]:
    return [(one.conclusion.rule.key, one.threat, one.act, one.why) for one in made]


def test_a_rule_that_speaks_keeps_others_quiet_on_every_line_of_tension_of_the_place() -> None:
    rules = [rule("rumour"), rule("crowd", 4, inhibits=("rumour",))]
    made = decisions(rules, facts(incident("i1", "a"), incident("i2", "b")), {}, NOW)
    assert acts(made) == [
        ("rumour", "a", NOTHING, "inhibited"),
        ("rumour", "b", NOTHING, "inhibited"),
        ("crowd", "a", OPEN_STEP, "new"),
        ("crowd", "b", OPEN_STEP, "new"),
    ]
    assert made[0].why_data == {"key": "inhibited", "rule": "crowd"}
    assert made[0].worth_keeping


def test_an_open_alert_keeps_quiet_what_its_rule_names_and_new_evidence_joins() -> None:
    rules = [
        rule("rumour"),
        rule("crowd", 4, when={"incident": {"kinds": ["angry_crowd"]}}, inhibits=("rumour",)),
    ]
    before = {"a": Before(open_level=4, evidence=frozenset({"i0"}), rule="crowd")}
    made = decisions(rules, facts(incident("i1", "a"), incident("i2", "b")), before, NOW)
    assert ("rumour", "b", NOTHING, "inhibited") in acts(made)
    # On its own line of tension it adds what is new to the alert that stands, and tells nobody again.
    assert ("rumour", "a", UPDATE, "more_evidence") in acts(made)
    lower = {"a": Before(open_level=2, rule="x"), "b": Before(open_level=4, rule="crowd")}
    joins = decisions(rules, facts(incident("i1", "a")), lower, NOW)
    assert ("rumour", "a", UPDATE, "inhibited") in acts(joins)


def test_what_is_graver_is_never_kept_quiet() -> None:
    rules = [rule("grave", 4), rule("loud", 3, inhibits=("grave",))]
    assert ("grave", "a", OPEN_STEP, "new") in acts(decisions(rules, facts(incident("i1")), {}, NOW))
    standing = {"b": Before(open_level=3, rule="loud")}
    assert ("grave", "a", OPEN_STEP, "new") in acts(decisions(rules, facts(incident("i1")), standing, NOW))


def test_two_rules_that_name_each_other_never_silence_both() -> None:
    rules = [rule("one", inhibits=("two",)), rule("two", inhibits=("one",))]
    made = decisions(rules, facts(incident("i1")), {}, NOW)
    assert sum(one.act == OPEN_STEP for one in made) == 1
    apart = decisions(rules, facts(incident("i1", "a")), {"b": Before(open_level=3, rule="one")}, NOW)
    assert acts(apart) == [("one", "a", OPEN_STEP, "new"), ("two", "a", NOTHING, "nothing_new")]


def test_a_rule_that_rests_keeps_nobody_quiet() -> None:
    rules = [rule("rumour"), rule("crowd", inhibits=("rumour",), cool_down_hours=12)]
    before = {
        "a": Before(closed_at=NOW - timedelta(hours=11), closed_level=3, closed_evidence=frozenset({"x"}))
    }
    made = decisions([replace(rules[0], cool_down_hours=0), rules[1]], facts(incident("i1")), before, NOW)
    assert made[0].act == OPEN_STEP
    made = decisions(rules[1:], facts(incident("i1")), before, NOW)
    assert acts(made) == [("crowd", "a", NOTHING, "cooling_down")]
    assert made[0].why_data == {"key": "cooling_down", "hours": 12}
    later = {"a": replace(before["a"], closed_at=NOW - timedelta(hours=12))}
    assert decisions(rules[1:], facts(incident("i1")), later, NOW)[0].act == OPEN_STEP


KEYS = ["one", "two", "three"]


@given(
    st.lists(
        st.tuples(st.integers(1, 5), st.lists(st.sampled_from(KEYS), max_size=2), st.sampled_from([0, 24])),
        min_size=1,
        max_size=3,
    ),
    st.lists(st.sampled_from(["a", "b"]), min_size=1, max_size=3),
    st.dictionaries(
        st.sampled_from(["a", "b"]), st.tuples(st.integers(1, 4), st.sampled_from(KEYS)), max_size=2
    ),
)
def test_no_evidence_is_lost_and_the_gravest_always_speaks(
    made: list[tuple[int, list[str], int]], threats: list[str], standing: dict[str, tuple[int, str]]
) -> None:
    rules = [
        rule(key, level, inhibits=tuple(k for k in quiet if k != key), cool_down_hours=hours)
        for key, (level, quiet, hours) in zip(KEYS, made, strict=False)
    ]
    seen = facts(*(incident(f"i{n}", threat) for n, threat in enumerate(threats)))
    before = {threat: Before(open_level=level, rule=key) for threat, (level, key) in standing.items()}
    found = decisions(rules, seen, before, NOW)
    gravest = max(min(one.level, 4) for one in rules)  # type: ignore[type-var]
    for threat in set(threats):
        here = [one for one in found if one.threat == threat]
        loud = [one for one in here if one.act != NOTHING]
        silent = [one for one in here if one.act == NOTHING]
        # Whoever says nothing says why, and a finding keeps its evidence unless an open alert holds it already.
        assert all(one.why in ("inhibited", "nothing_new") for one in silent)
        assert all(one.worth_keeping or loud or threat in before for one in silent)
        assert all(one.conclusion.evidence for one in here)
        if threat in before and before[threat].open_level >= gravest:  # type: ignore[operator]
            assert not any(one.act in (OPEN_STEP, RAISE) for one in here)
    highest = max([gravest, *(level for level, _ in standing.values())])
    levels = [min(one.conclusion.level, 4) for one in found if one.act in (OPEN_STEP, RAISE)]  # type: ignore[type-var]
    assert max([0, *levels, *(level for level, _ in standing.values())]) == highest


@pytest.mark.parametrize(
    ("is_town", "below", "keys"),
    [(False, False, ["spot", "level_rise"]), (True, False, ["spot", "whole", "level_rise"]), (True, True, ["whole", "level_rise"])],
)  # fmt: skip
def test_rules_of_the_whole_town_are_asked_at_the_town_alone(
    is_town: bool, below: bool, keys: list[str]
) -> None:
    rules = [rule("spot"), rule("whole", place="town"), rule("level_rise")]
    assert [one.key for one in asked_here(rules, is_town=is_town, has_watched_below=below)] == keys


def holds(town: Town, *rows: dict[str, Any]) -> None:
    """Put these rules, and no others, in force at the ward."""
    with town.session(write=True) as session:
        own = [{"key": row["key"], "off": True} for row in profiles.starter()["rules"]]
        place = by_code(session, WARD)
        version = profiles.draft(
            session,
            town.clock.now(),
            place.id,
            {"rules": [*own, *rows]},
            author_id=None,
            reason="a test of rules",
        )
        profiles.publish(session, town.clock.now(), version)


def findings(town: Town) -> list[Finding]:
    with town.session() as session:
        place = by_code(session, WARD)
        rows = select(Finding).where(Finding.locality_id == place.id, Finding.at >= town.clock.now())
        return list(session.scalars(rows.order_by(Finding.rule)))


LOUD = {"key": "loud", "when": {"incident": {}}, "level": 3, "tell": ["secretary"], "clock_minutes": 60}
QUIET = {**LOUD, "key": "quiet", "level": 2, "per_threat": True}


def test_why_a_rule_said_nothing_is_kept(town: Town) -> None:
    broken = {**LOUD, "key": "broken", "expression": "1 / (level - level) > 0"}
    holds(town, {**LOUD, "inhibits": ["quiet"]}, QUIET, broken)
    town.clock.move(minutes=1)
    town.report(kind="rumour", how_known="heard", ongoing="no")
    town.work()
    with town.session() as session:
        place = by_code(session, WARD)
        alert = session.scalars(select(Alert).where(Alert.locality_id == place.id, Alert.state == OPEN)).one()
        assert (alert.rule, len(alert.evidence)) == ("loud", 1)
    by_rule = {row.rule: row for row in findings(town)}
    assert by_rule["loud"].raised
    assert {"key": "inhibited", "rule": "loud"} in by_rule["quiet"].reasons
    assert by_rule["quiet"].evidence == alert.evidence
    assert not by_rule["quiet"].raised
    assert {"key": "expression_failed", "why": "divided_by_zero"} in by_rule["broken"].reasons
    assert not by_rule["broken"].raised
