"""A seed file may bring local pictures: checked like any other, in force at once, and twice is once."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from alerts.risk.peace_terms import peace_signs
from committees import profiles
from committees.places import by_code
from coordination.seeding import seed
from coordination.seeding_profiles import demo_rows, enter
from foundation.errors import Problem
from tests.make import WARD, Town

CITY = "PK-KP-MARDAN"


def written(folder: Path, **fields: Any) -> Path:
    row = {
        "locality": CITY,
        "reason": "Agreed before Concord came.",
        "consulted": ["The committee"],
        "document": {"soft": {"checkin_median": {5: 0.05}}, "multipliers": {"rumour": 1.5}},
        **fields,
    }
    path = folder / "pictures.yaml"
    path.write_text(yaml.safe_dump({"profiles": [row]}), encoding="utf-8")
    return path


def test_a_seeded_picture_holds_and_twice_is_once(town: Town, tmp_path: Path) -> None:
    path = written(tmp_path)
    with town.session(write=True) as session:
        assert seed(session, town.clock.now(), path) == {"profiles": 1}
        assert seed(session, town.clock.now(), path) == {}
    with town.session() as session:
        found = profiles.in_force(session, by_code(session, WARD).id).document
        assert found["multipliers"] == {"rumour": 1.5}
        assert found["soft"]["checkin_median"]["5"] == 0.05


def test_a_seeded_picture_may_hold_from_a_day_on(town: Town, tmp_path: Path) -> None:
    day = town.clock.now() + timedelta(days=2)
    with town.session(write=True) as session:
        seed(session, town.clock.now(), written(tmp_path, valid_from=day.isoformat()))
        place = by_code(session, CITY).id
        assert profiles.in_force(session, place, town.clock.now()).document["multipliers"] == {}
        assert profiles.in_force(session, place, day).document["multipliers"] == {"rumour": 1.5}


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"document": {"multipliers": {"gossip": 1}}}, "multipliers.gossip"),
    ({"document": {"boundaries": [1, 2, 3, 4]}}, "boundaries"),
    ({"document": ["rumour"]}, "no document"),
    ({"locality": "PK-NOWHERE"}, "PK-NOWHERE"),
    ({"consulted": ["x" * 200]}, "consulted"),
    ({"valid_from": "2026-12-01T00:00:00"}, "no zone"),
]


def test_a_picture_that_cannot_be_used_is_named(town: Town, tmp_path: Path) -> None:
    for fields, words in WRONG:
        with town.session() as session, pytest.raises(Problem, match=words):
            seed(session, town.clock.now(), written(tmp_path, **fields))


def test_the_demonstration_has_a_town_with_a_picture_in_which_something_holds_peace_today(town: Town) -> None:
    now = town.clock.now()
    with town.session(write=True) as session:
        rows = demo_rows(now)
        assert [enter(session, now, row) for row in rows] == [1]
        assert [enter(session, now, row) for row in demo_rows(now)] == [0]
        document = profiles.in_force(session, by_code(session, WARD).id).document
        signs = peace_signs(document["holds_peace"], document["soft"], now.date())
        assert [sign["holds"] for sign in signs] == ["friday_sitting", "joint_market"]
        assert len(document["holds_peace"]) == 4, "one was seen too long ago, one is words alone"
