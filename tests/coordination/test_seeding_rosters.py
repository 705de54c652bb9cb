"""A seed file may bring duty rosters: checked like any other, twice is once, and what people changed since stays."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import select

from committees import rosters
from committees.rosters import DutyRoster
from coordination import seeding_rosters
from coordination.seeding import seed
from foundation.errors import Problem
from tests.make import START, Town

LAYER = {"persons": ["city.mardan"], "starts": "2026-11-23", "from": 480, "to": "20:00"}


def written(folder: Path, **fields: Any) -> Path:
    path = folder / "rosters.yaml"
    row = {"office": "MARDAN-CITY", "layers": [LAYER], **fields}
    path.write_text(yaml.safe_dump({"rosters": [row]}), encoding="utf-8")
    return path


def test_a_seeded_roster_holds_and_twice_is_once(town: Town, tmp_path: Path) -> None:
    times = {
        "begins": (START + timedelta(hours=8)).isoformat(),
        "ends": (START + timedelta(hours=20)).isoformat(),
    }
    stand_in = {"key": "night", "person": "city.mardan", "reason": "A night shift", **times}
    path = written(tmp_path, stand_ins=[stand_in])
    with town.session(write=True) as session:
        assert seed(session, START, path) == {"rosters": 1}
        assert seed(session, START, path) == {}
        row = session.scalars(select(DutyRoster)).one()
        roster = rosters.roster_of(session, row)
        who = town.person(session, "city.mardan").id
        assert rosters.on_duty(roster, START).person == who, "08:00, which YAML reads as 480"
        assert rosters.on_duty(roster, START + timedelta(hours=7)).person is None
        assert rosters.on_duty(roster, START + timedelta(hours=9)).reason == "A night shift"
        row.layers = []
    with town.session(write=True) as session:
        assert seed(session, START, path) == {}
        assert session.scalars(select(DutyRoster)).one().layers == []


def test_the_demonstration_has_rosters_that_name_their_gaps(town: Town) -> None:
    rows = seeding_rosters.demo_rows()
    with town.session(write=True) as session:
        assert seeding_rosters.enter_each(session, START, rows) == len(rows)
        assert seeding_rosters.enter_each(session, START, rows) == 0
    page = town.browser("chair.mardan").open("/duty")
    assert "Nobody from" in page
    assert "From when" in page


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"office": "NOWHERE"}, "'NOWHERE' is missing or not known"),
        ({"layers": [{**LAYER, "persons": ["nobody"]}]}, "'nobody' is missing or not known"),
        ({"layers": [{**LAYER, "persons": ["police.mardan"]}]}, "only persons who hold the office"),
        ({"layers": [{**LAYER, "hours": "8-20"}]}, "'hours' is no part of a layer"),
        ({"layers": [{**LAYER, "to": "late"}]}, "Layer 1 cannot be read"),
    ],
)
def test_a_roster_that_cannot_be_used_is_named(
    town: Town, tmp_path: Path, fields: dict[str, Any], error: str
) -> None:
    with town.session(write=True) as session, pytest.raises(Problem, match=error):
        seed(session, START, written(tmp_path, **fields))
