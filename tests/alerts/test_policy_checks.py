"""What a policy may say: no ladder is slower than the bounds at levels 4 and 5, and each has an end; anything else is refused by its path."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.ladder import CLOCKS, STEPS
from alerts.policy_checks import SLOWEST, SLOWEST_NUDGE, SLOWEST_STILL, check, ladder_from
from alerts.risk.shapes import Wrong

roles = st.lists(
    st.sampled_from(["chair", "city_officer", "national_contact", "oversight"]),
    min_size=1,
    max_size=3,
    unique=True,
)
minutes = st.integers(-5, 200)
steps = st.lists(
    st.fixed_dictionaries(
        {"kind": st.just("tell"), "ask": roles},
        optional={"after": minutes | st.dictionaries(st.sampled_from("345"), minutes)},
    ),
    max_size=9,
)
documents = st.fixed_dictionaries(
    {"steps": steps},
    optional={
        "clocks": st.dictionaries(st.sampled_from("12345"), minutes),
        "nudges": st.dictionaries(st.sampled_from("45"), minutes),
        "still": st.dictionaries(st.sampled_from("45"), minutes),
        "must_answer": st.lists(st.sampled_from(["local", "national", "police"]), max_size=3),
    },
)
leaves = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
nonsense = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=100)
@given(documents)
def test_what_passes_is_never_slower_than_the_bounds(document: dict[str, Any]) -> None:
    try:
        check(document)
    except Wrong:
        return
    policy = ladder_from(document)
    assert 1 <= len(policy.steps) <= 8
    for level, most in SLOWEST.items():
        assert all(1 <= policy.wait(n, level) <= most for n in range(len(policy.steps)))
        assert policy.nudges[level] <= SLOWEST_NUDGE[level]
        assert policy.still[level] <= SLOWEST_STILL[level]
    assert [policy.clocks[level] for level in range(1, 6)] == sorted(policy.clocks.values(), reverse=True)


@settings(max_examples=40)
@given(
    st.dictionaries(st.sampled_from(["steps", "clocks", "must_answer", "nudges", "other"]), nonsense)
    | nonsense
)
def test_nonsense_is_refused_and_never_breaks(document: Any) -> None:
    with pytest.raises(Wrong):
        check(document)


def test_what_is_built_in_passes_its_own_check() -> None:
    check({"steps": [dict(step) for step in STEPS], "clocks": {str(k): v for k, v in CLOCKS.items()}})
