"""Two tellings of one rumour are alike in any language; two different reports are not."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from committees.intake.likeness import ALIKE, likeness


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("they will burn the mosque tonight", "People say they will burn the mosque", True),
        ("afwah hai ke masjid ko aag lagayenge", "masjid ko aag lagayen gay", True),
        ("مسجد کو آگ لگائیں گے", "آج مسجد کو آگ لگائیں گے", True),
        ("they will burn the mosque tonight", "water pipe quarrel between two families", False),
        ("ward 7", "ward 7", False),
        ("", "", False),
    ],
)
def test_says_whether_two_texts_are_alike(one: str, other: str, expected: bool) -> None:
    assert (likeness(one, other) >= ALIKE) is expected


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=40), st.text(max_size=40))
def test_any_two_texts_can_be_compared_either_way_round(one: str, other: str) -> None:
    assert 0.0 <= likeness(one, other) == likeness(other, one) <= 1.0
