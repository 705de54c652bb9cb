"""When a conclusion becomes an alert: one open per place and threat, a higher level raises, and what ended does not come back at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts import raising
from alerts.deciding import NOTHING, OPEN_STEP, RAISE, UPDATE, Before, decide
from alerts.risk.rule_checks import COOL_DOWN_HOURS
from alerts.risk.rules import Conclusion, Rule

COOL_DOWN = timedelta(hours=COOL_DOWN_HOURS)
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
IDS = [f"i{n}" for n in range(5)]
evidence = st.frozensets(st.sampled_from(IDS))


def concluded(level: int, ids: frozenset[str], *, raised: bool = True, alerts: bool = True) -> Conclusion:
    rule = Rule("surge", {"surge": {}}, level, {"*": ("secretary",)}, {"*": 240}, alerts=alerts)
    return Conclusion(rule, raised, level, ("secretary",), tuple(sorted(ids)), ())


@st.composite
def standings(draw: st.DrawFn) -> Before:
    """What may stand for a place and threat: an open alert, one that ended, or nothing."""
    kind = draw(st.sampled_from(["open", "closed", "none"]))
    if kind == "open":
        return Before(open_level=draw(st.integers(1, 5)), evidence=draw(evidence))
    if kind == "closed":
        ago = draw(st.timedeltas(timedelta(0), timedelta(days=3)))
        return Before(
            closed_at=NOW - ago, closed_level=draw(st.integers(1, 5)), closed_evidence=draw(evidence)
        )
    return Before()


@given(st.integers(0, 5), evidence, st.booleans(), st.booleans(), standings())
def test_every_conclusion_has_one_answer_and_a_reason(
    level: int, ids: frozenset[str], raised: bool, alerts: bool, before: Before
) -> None:
    act, why = decide(concluded(level, ids, raised=raised, alerts=alerts), before, NOW)
    assert act in (OPEN_STEP, UPDATE, RAISE, NOTHING)
    assert why
    if not raised or not alerts:
        assert act == NOTHING
    if before.open_level is not None:
        assert act != OPEN_STEP  # one open alert: whatever comes, it joins the one that stands
        assert (act == RAISE) == (raised and alerts and min(level, 4) > before.open_level)
    else:
        assert act in (OPEN_STEP, NOTHING)


@given(st.integers(0, 5), evidence, standings())
def test_what_is_already_known_changes_nothing(level: int, ids: frozenset[str], before: Before) -> None:
    act, _ = decide(concluded(level, ids), before, NOW)
    if act == UPDATE:
        assert ids - before.evidence
    if before.open_level is not None and ids <= before.evidence and min(level, 4) <= before.open_level:
        assert act == NOTHING


@given(
    st.integers(1, 5), evidence, st.integers(1, 5), evidence, st.timedeltas(timedelta(0), timedelta(days=30))
)
def test_an_ended_alert_rests(
    level: int, ids: frozenset[str], closed_level: int, closed_ids: frozenset[str], ago: timedelta
) -> None:
    act, _ = decide(
        concluded(level, ids),
        Before(closed_at=NOW - ago, closed_level=closed_level, closed_evidence=closed_ids),
        NOW,
    )
    handled = bool(ids) and ids <= closed_ids
    cooling = ago < COOL_DOWN and level <= closed_level
    assert (act == NOTHING) == (handled or cooling)


@given(st.lists(st.tuples(st.integers(1, 5), evidence), max_size=12))
def test_one_alert_is_open_and_its_level_never_falls(sequence: list[tuple[int, frozenset[str]]]) -> None:
    before, opened = Before(), 0
    for level, ids in sequence:
        act, _ = decide(concluded(level, ids), before, NOW)
        was = before.open_level or 0
        opened += act == OPEN_STEP
        if act != NOTHING:
            now_level = min(level, 4) if act in (OPEN_STEP, RAISE) else was
            assert now_level >= was
            before = Before(open_level=now_level, evidence=before.evidence | ids)
    assert opened == (1 if sequence else 0)


@pytest.mark.parametrize(
    ("level", "open_level", "act"), [(5, 4, UPDATE), (5, 3, RAISE), (4, 4, UPDATE), (3, 4, UPDATE)]
)
def test_a_proposed_five_goes_out_as_four(level: int, open_level: int, act: str) -> None:
    before = Before(open_level=open_level, evidence=frozenset({"i0"}))
    assert decide(concluded(level, frozenset({"i1"})), before, NOW)[0] == act


def test_the_last_day_of_rest_is_the_last() -> None:
    before = Before(closed_at=NOW - COOL_DOWN, closed_level=4, closed_evidence=frozenset())
    assert decide(concluded(4, frozenset({"i0"})), before, NOW)[0] == OPEN_STEP
    assert decide(concluded(4, frozenset({"i0"})), before, NOW - timedelta(seconds=1))[0] == NOTHING


def test_every_level_lasts_some_hours() -> None:
    assert set(raising.LASTS) == {1, 2, 3, 4, 5}
    assert min(raising.LASTS.values()) > 0
