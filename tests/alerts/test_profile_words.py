"""What changes between two versions of a local picture, in words, and who had set what was before."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from alerts.profile_words import sentence, sentences
from committees.changes import changes
from committees.layers import merged
from committees.profiles import starter
from foundation.web import words
from tests.committees.test_layers import documents

SAID: list[tuple[dict[str, Any], str]] = [
    ({"multipliers": {"rumour": 1.2}}, "The weight of “Rumour going round, not checked” goes from 1 to 1.2."),
    (
        {"timescales": {"rumour": "slow"}},
        "“Rumour going round, not checked” counts for months, before for weeks.",
    ),
    ({"boundaries": [0.04, 0.15, 0.35, 0.65]}, "Watch begins at 4 %, before at 5 %."),
    ({"step_down": 0.7}, "A level falls below 70 % of the boundary it rose over, before 80 %."),
    (
        {"coefficients": {"half_life_fast": 10}},
        "Numbers of the formula, days until a recent report counts half: now 10, before 14.",
    ),
    ({"soft": {"voices": 3}}, "Check-ins and other soft signs, people needed: now 3, before 2."),
    (
        {"threats": [{"key": "arrivals_hosts", "off": True}]},
        "No longer in “Lines of tension”: People who have arrived and long-time residents.",
    ),
    (
        {"threats": [{"key": "canal", "label": "Canal", "timescale": "slow"}]},
        "New in “Lines of tension”: Canal (how long it counts for months).",
    ),
    (
        {"triggers": [{"key": "procession", "days": [5, 1]}]},
        "Procession, immersion or march on a public road, days before and after: now 5, 1, before 10, 2.",
    ),
    (
        {"rules": [{"key": "crowd_now", "clock_minutes": 20}]},
        "A crowd or clash that is still going on, minutes to answer: now 20, before 30.",
    ),
    ({"review": {"by": "2027-01-01"}}, "When it was looked at, to be looked at by: now 1 Jan 2027."),
    ({"neighbours": [{"key": "PK-X", "weight": 0.5}]}, "New in “Links to other places”: PK-X (weight 0.5)."),
]


@pytest.mark.parametrize(("own", "said"), SAID, ids=[said[:30] for _, said in SAID])
def test_a_change_is_one_sentence(own: dict[str, Any], said: str) -> None:
    after = merged(starter(), own)
    assert sentences(changes(starter(), after), after) == [said]


def test_it_says_who_had_set_what_was_before() -> None:
    after = merged(starter(), {"multipliers": {"rumour": 1.2}})
    (said,) = sentences(changes(starter(), after), after, lambda change: "starter")
    assert said.endswith("goes from 1 to 1.2. (was: starter)")


@given(documents, documents)
def test_every_change_has_words_in_every_language(a: dict[str, Any], b: dict[str, Any]) -> None:
    for language in ("en", "ur", "pseudo"):
        with words.speaking(language):
            for change in changes(a, b):
                assert sentence(change, b).strip()
