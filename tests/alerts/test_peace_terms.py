"""What holds peace together in the score: only what was seen lately, only downwards, within its bound, and explained."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.explaining import Soft, lines_of, signs_of, soft_terms
from alerts.risk import scoring
from alerts.risk.peace_terms import STRENGTHS, peace_signs
from alerts.sentences import line_sentence
from alerts.whole_points import grouped, shown_total, table
from committees.checkins import Voices
from committees.profiles import starter

SOFT = starter()["soft"]
TODAY = date(2026, 11, 28)
SILENT = Voices(0, None, False, {}, None)


def held(key: str = "elders", strength: str = "strong", ago: int = 0) -> dict[str, Any]:
    seen = (TODAY - timedelta(days=ago)).isoformat()
    return {"key": key, "label": f"What {key} do", "strength": strength, "last_seen": seen}


def total(*rows: dict[str, Any], today: date = TODAY) -> float:
    return float(sum(sign["size"] for sign in peace_signs(rows, SOFT, today)))


def test_it_counts_from_the_day_on_which_it_was_seen_and_for_so_many_days() -> None:
    days, size = SOFT["holds_peace_days"], SOFT["holds_peace"]["strong"]
    assert [total(held(ago=ago)) for ago in (-1, 0, days, days + 1)] == [0, size, size, 0]
    assert total({**held(), "last_seen": "9999-12-31"}) == 0


def test_what_has_no_strength_is_words_alone() -> None:
    assert total({"key": "a", "label": "The tea house", "who": "Traders"}) == 0
    assert total({**held(), "strength": ""}, {**held("b"), "last_seen": ""}) == 0


def test_together_they_stay_within_their_bound_and_each_keeps_its_share() -> None:
    signs = peace_signs([held("a"), held("b"), held("c", "some")], SOFT, TODAY)
    assert sum(sign["size"] for sign in signs) == pytest.approx(-SOFT["holds_peace_bound"], abs=1e-15)
    assert signs[0]["size"] == pytest.approx(2 * signs[2]["size"])
    assert total(held("a"), held("c", "some")) == pytest.approx(-0.03)


@given(
    rows=st.lists(
        st.builds(held, st.text("abc", min_size=1), st.sampled_from(STRENGTHS), st.integers(-400, 400)),
        max_size=8,
    ),
    fast=st.floats(0, 50),
    kappa=st.floats(0.1, 10),
)
def test_it_never_raises_a_score_never_lowers_it_below_what_is_usual_and_its_lines_sum(
    rows: list[dict[str, Any]], fast: float, kappa: float
) -> None:
    document = {**starter(), "holds_peace": rows}
    soft = soft_terms(document, SILENT, [], TODAY)
    assert -SOFT["holds_peace_bound"] - 1e-12 <= soft.total <= 0
    with_it = scoring.score(fast, fast, 0.0, kappa=kappa, soft=soft.total)
    without = scoring.score(fast, fast, 0.0, kappa=kappa)
    assert scoring.score(0.0, 0.0, 0.0, kappa=kappa).p28 <= with_it.p28 <= without.p28
    lines = lines_of(with_it, (), soft)
    assert sum(line["points"] for line in lines) == pytest.approx(with_it.index, abs=1e-9)
    back = signs_of(lines, soft.total)
    assert back.total == soft.total
    assert sorted(map(repr, back.signs)) in (sorted(map(repr, soft.signs)), [])


def test_a_reader_is_told_what_pulls_down() -> None:
    document = {**starter(), "holds_peace": [held(), held("b", "some")]}
    soft = soft_terms(document, SILENT, [], TODAY)
    risk = scoring.score(6.0, 6.0, 0.0, soft=soft.total)
    assert soft.said == 0
    _up, down = table(grouped(lines_of(risk, (), soft), {}), shown_total(risk.p28))
    (first, points), *_rest = down
    assert points < 0
    said = line_sentence({"key": first.key, **{k: v for k, v in first.values.items() if k != "key"}})
    assert said == "It holds peace here: What elders do"


def test_a_score_made_in_bulk_knows_its_signs_all_together() -> None:
    assert signs_of([{"key": "signs", "id": "", "points": -1.0}], -0.02).signs[0]["size"] == -0.02
    assert signs_of([], 0.0) == Soft(0.0, ())
