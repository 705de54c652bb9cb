"""What a threat profile may say: a table of what is refused and where, and no document that passes makes anything but finite scores."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from alerts.risk import levels, scoring
from alerts.risk.documents import check, check_own
from alerts.risk.numbers import coefficients_of
from alerts.risk.shapes import Wrong
from committees.layers import merged
from committees.profiles import starter

NAN = float("nan")
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"weather": 1}, "weather"),
    ({"coefficients": {"colour": 2}}, "coefficients.colour"),
    ({"coefficients": 3}, "coefficients"),
    ({"coefficients": {"half_life_fast": 0}}, "coefficients.half_life_fast"),
    ({"coefficients": {"half_life_slow": True}}, "coefficients.half_life_slow"),
    ({"coefficients": {"exponent": 1.5}}, "coefficients.exponent"),
    ({"coefficients": {"background": 0}}, "coefficients.background"),
    ({"coefficients": {"fast": NAN}}, "coefficients.fast"),
    ({"coefficients": {"slow": math.inf}}, "coefficients.slow"),
    ({"coefficients": {"neighbours": "0.1"}}, "coefficients.neighbours"),
    ({"coefficients": {"severity_weights": [1, 2, 3, 4]}}, "coefficients.severity_weights"),
    ({"coefficients": {"severity_weights": [1, 2, 3, 4, -5]}}, "coefficients.severity_weights[4]"),
    ({"coefficients": {"soft_bound": 0.2}}, "coefficients.soft_bound"),
    ({"boundaries": [0.9, 0.1, 0.2, 0.3]}, "boundaries"),
    ({"boundaries": [0.1, 0.2, 0.3]}, "boundaries"),
    ({"boundaries": {}}, "boundaries"),
    ({"boundaries": [0.1, 0.2, 0.3, 1.2]}, "boundaries[3]"),
    ({"step_down": 0.2}, "step_down"),
    ({"kappa": {"low": 0.5}}, "kappa.high"),
    ({"kappa": {"low": 0, "high": 2}}, "kappa.low"),
    ({"multipliers": {"rumour": 3}}, "multipliers.rumour"),
    ({"multipliers": {"gossip": 1}}, "multipliers.gossip"),
    ({"timescales": {"rumour": "slowly"}}, "timescales.rumour"),
    ({"soft": {"bound": 0.3}}, "soft.bound"),
    ({"soft": {"bound": 0.05}}, "soft.checkin_median.5"),
    ({"soft": {"checkin_median": {"6": 0}}}, "soft.checkin_median.6"),
    ({"soft": {"voices": 1.5}}, "soft.voices"),
    ({"threats": "land"}, "threats"),
    ({"threats": [{"key": "sea"}]}, "threats.sea.label"),
    ({"threats": [{"label": "no key"}]}, "threats[0]"),
    ({"threats": [{"key": "unsorted", "off": True}]}, "threats.unsorted"),
    ({"threats": [{"key": "land_water_housing", "off": "yes"}]}, "threats.land_water_housing"),
    ({"threats": [{"key": "land_water_housing", "scored": 1}]}, "threats.land_water_housing.scored"),
    ({"triggers": [{"key": "festival", "term": 0.09}]}, "triggers.festival.term"),
    ({"triggers": [{"key": "festival", "days": [3]}]}, "triggers.festival.days"),
    ({"triggers": [{"key": "festival", "days": [3, 4000]}]}, "triggers.festival.days[1]"),
    ({"indicators": [{"key": "help_across", "seen": -0.05}]}, "indicators.help_across.seen"),
    ({"indicators": [{"key": "help_across", "bound": 0.2}]}, "indicators.help_across.bound"),
    ({"neighbours": [{"key": "PK-KP-SWABI"}]}, "neighbours.PK-KP-SWABI.weight"),
    ({"neighbours": [{"key": "PK-KP-SWABI", "weight": -1}]}, "neighbours.PK-KP-SWABI.weight"),
    ({"places_to_watch": [{"key": "a", "kind": "shrine", "ward": "PK-1", "why": "x"}]}, "places_to_watch.a.kind"),
    ({"places_to_watch": [{"key": "a", "kind": "road", "ward": "?", "why": "x"}]}, "places_to_watch.a.ward"),
    ({"past_events": [{"key": "a", "when": "", "what": "x"}]}, "past_events.a.when"),
    ({"holds_peace": [{"key": "a", "label": "x" * 301}]}, "holds_peace.a.label"),
    ({"holds_peace": [{"key": "a", "label": "x", "strength": "huge"}]}, "holds_peace.a.strength"),
    ({"holds_peace": [{"key": "a", "label": "x", "strength": "some"}]}, "holds_peace.a.last_seen"),
    (
        {"holds_peace": [{"key": "a", "label": "x", "strength": "some", "last_seen": "lately"}]},
        "holds_peace.a.last_seen",
    ),
    ({"soft": {"holds_peace": {"strong": 0.01}}}, "soft.holds_peace.strong"),
    ({"soft": {"holds_peace": {"strong": -0.05}}}, "soft.holds_peace.strong"),
    ({"soft": {"holds_peace_bound": 0.2}}, "soft.holds_peace_bound"),
    ({"notes": [{"key": f"n{n}", "heading": "x"} for n in range(61)]}, "notes"),
    ({"review": {"by": "tomorrow"}}, "review.by"),
    ({"audiences": {"town": ["mayor"]}}, "audiences.town[0]"),
    ({"rules": "none"}, "rules"),
]  # fmt: skip


def read(own: dict[str, Any]) -> dict[str, Any]:
    check_own(own)
    whole = merged(starter(), own)
    check(whole)
    return whole


@pytest.mark.parametrize(("own", "path"), REFUSED, ids=[path for _, path in REFUSED])
def test_what_is_wrong_is_named_by_its_path(own: dict[str, Any], path: str) -> None:
    with pytest.raises(Wrong) as found:
        read(own)
    assert found.value.field == path
    assert found.value.message
    assert "%(" not in str(found.value)


@pytest.mark.parametrize(
    "row",
    [
        {"key": "crowd_now", "when": {"moon": {}}},
        {"key": "crowd_now", "when": {"surge": {"sources": "three"}}},
        {"key": "crowd_now", "level": 9},
        {"key": "mine", "when": {"surge": {}}},
        {"key": "mine", "when": 3, "level": 2},
    ],
)
def test_a_rule_that_cannot_be_read_is_refused(row: dict[str, Any]) -> None:
    with pytest.raises(Wrong) as found:
        read({"rules": [row]})
    assert found.value.field.startswith("rules")


def test_the_starter_and_a_full_local_picture_pass() -> None:
    check(starter())
    whole = read(
        {
            "coefficients": {"half_life_fast": 10},
            "multipliers": {"rumour": 1.5},
            "timescales": {"rumour": "both"},
            "step_down": 0.7,
            "kappa": {"low": 0.5, "high": 2},
            "threats": [{"key": "arrivals_hosts", "off": True}, {"key": "canal", "label": "Canal", "timescale": "slow"}],
            "neighbours": [{"key": "PK-KP-SWABI", "weight": 0.5, "why": "One market."}],
            "places_to_watch": [{"key": "gate", "kind": "market", "ward": "PK-KP-MARDAN-W7", "why": "Two queues."}],
            "holds_peace": [{"key": "jirga", "label": "Elders sit every Friday.", "who": "Elders"}],
            "past_events": [{"key": "flood", "when": "2022", "what": "Relief was unfair.", "helped": "A list in public."}],
            "notes": [{"key": "about", "heading": "About the town", "text": "Two rivers."}],
            "review": {"last": "2026-11-01", "by": "2027-05-01"},
        }
    )  # fmt: skip
    assert [row["key"] for row in whole["threats"]][-1] == "canal"
    assert "arrivals_hosts" not in {row["key"] for row in whole["threats"]}


def near(low: float, high: float) -> st.SearchStrategy[Any]:
    """Mostly what is allowed and its edges, now and then anything."""
    return st.one_of(st.floats(low, high), st.sampled_from([low, high]), st.floats(), st.integers())


@st.composite
def profiles(draw: st.DrawFn) -> dict[str, Any]:
    """A document that sets some of the numbers of scoring."""
    names = {
        "half_life_fast": near(3, 90),
        "half_life_slow": near(30, 1500),
        "exponent": near(0.3, 1),
        "severity_weights": st.lists(st.floats(0, 10), min_size=5, max_size=5),
        "background": near(0.0001, 0.2),
        "fast": near(0, 1),
        "slow": near(0, 1),
        "neighbours": near(0, 1),
    }
    chosen = draw(st.lists(st.sampled_from(sorted(names)), unique=True, max_size=3))
    own: dict[str, Any] = {"coefficients": {name: draw(names[name]) for name in chosen}}
    if draw(st.booleans()):
        own["boundaries"] = sorted(draw(st.lists(st.floats(0.001, 0.999), min_size=4, max_size=4)))
    own["step_down"] = draw(near(0.5, 1))
    return own


sums = st.one_of(st.floats(0, 1e6), st.sampled_from([0.0, 5e-324, 1e-9, 1e18, 1e100]))


@given(profiles(), sums, sums, sums, st.floats(0.1, 10), st.floats(-1e9, 1e9))
def test_no_profile_makes_anything_but_a_finite_score(
    own: dict[str, Any], fast: float, slow: float, around: float, kappa: float, soft: float
) -> None:
    try:
        whole = read(own)
    except Wrong:
        assume(False)
    risk = scoring.score(fast, slow, around, kappa=kappa, soft=soft, coefficients=coefficients_of(whole))
    assert 0 < risk.p28 <= 1
    assert all(map(math.isfinite, (risk.Lambda, risk.exponent, risk.soft, risk.index, *risk.terms)))
    points = [part.points for part in scoring.contributions(risk, [])]
    assert all(map(math.isfinite, points))
    assert math.isclose(math.fsum(points), risk.index, rel_tol=1e-9, abs_tol=1e-9)
    level = levels.next_level(risk.p28, 3, tuple(whole["boundaries"]))
    assert level in range(1, 6)
    days = scoring.days_until_below(risk, whole["step_down"] * whole["boundaries"][0])
    assert days is None or (days >= 0 and math.isfinite(days))


leaves = st.none() | st.booleans() | st.floats() | st.text(max_size=5)
trees = st.recursive(
    leaves,
    lambda t: (
        st.lists(t, max_size=3)
        | st.dictionaries(st.sampled_from(["key", "label", "off", "x"]), t, max_size=3)
    ),
    max_leaves=6,
)


@given(trees, st.sampled_from(sorted(starter())))
def test_anything_at_all_is_refused_in_words_or_taken(value: Any, part: str) -> None:
    found = None
    try:
        read({part: value})
    except Wrong as wrong:
        found = wrong
    assert found is None or (
        found.message and found.field.replace("[", ".").split(".")[0] in (part, "threats", "soft")
    )
