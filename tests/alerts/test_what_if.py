"""What-if: run again under today's document, the past gives the alerts that were raised; under another, it says what changes."""

from __future__ import annotations

import random
import uuid
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from alerts import assessing, known_then, ledger
from alerts.assessing import Score
from committees import flashpoints
from committees.places import by_code
from tests.alerts.life import (
    TICK,
    TOWN,
    levels,
    levels_live,
    live,
    only_watch,
    openings,
    put_in_force,
    raised_live,
    rerun,
    rows_of_everything,
)
from tests.make import START, Town

FIRST: dict[str, Any] = {
    "multipliers": {"rumour": 1.5, "killing": 0.7},
    "coefficients": {"half_life_fast": 3.0, "exponent": 0.8, "fast": 0.1},
    "boundaries": [0.05, 0.1, 0.2, 0.4],
    "holds_peace": [
        {"key": "elders", "label": "Elders sit", "strength": "strong", "last_seen": "2026-11-20"}
    ],
    "rules": [{"key": "level_rise", "when": {"level_rise": {"to": 2, "sources": 1}}}],
}
SECOND = FIRST | {
    "multipliers": {"small_fight": 2.0},
    "coefficients": {"half_life_fast": 10.0},
    "step_down": 0.9,
}
LINKS = {"neighbours": [{"key": f"{TOWN}-W5", "weight": 0.4}, {"key": f"{TOWN}-W3", "weight": 2.0}]}


def stored(town: Town) -> dict[Any, tuple[Any, ...]]:
    """Each score as it was given out."""
    with town.session("engine") as session:
        rows = session.scalars(select(Score).where(Score.at >= START))
        return {
            row.id: (row.p28, row.level, row.known, row.contributions, row.falls_at, row.profile)
            for row in rows
        }


def made_again(town: Town) -> dict[Any, tuple[Any, ...]]:
    """Each of them computed anew, its sums held against the ledger of that time."""
    found = {}
    with town.session("engine") as session:
        for row in session.scalars(select(Score).where(Score.at >= START)):
            one = known_then.again(session, row)
            found[row.id] = (one.risk.p28, one.level, one.known, one.contributions, one.falls_at, one.profile)
            changes = ledger.changes_of(session, row.locality_id, row.at)
            sums = ledger.sums_then(changes, row.at, assessing.numbers_then(row).coefficients)
            assert (row.fast, row.slow) == pytest.approx(sums, abs=1e-9)
    return found


def test_the_past_is_run_again_and_made_again_also_after_a_change(town: Town) -> None:
    """Reports, verdicts, joined reports, check-ins, alerts that people and time end: the same openings, within the worker's own tick.

    And every score of that time to its last digit, before and after another picture came in force.
    """
    rng = random.Random(1)
    only_watch(town)
    put_in_force(town, TOWN, FIRST)
    put_in_force(town, f"{TOWN}-W7", LINKS)
    live(town, rng, 4, hours=4)
    before, change = rows_of_everything(town), town.clock.now()
    again, was = rerun(town), raised_live(town)
    assert len(was) >= 7
    assert [one[:2] for one in openings(again)] == [one[:2] for one in was]
    assert all(abs(a[2] - b[2]) <= TICK for a, b in zip(openings(again), was, strict=True))
    assert levels(again) == levels_live(town)
    # Another document gives another past; the same document again gives the same.
    spoke = sorted({a["rule"] for a in again})[:2]
    assert spoke
    stricter = rerun(town, FIRST | {"rules": [{"key": rule, "off": True} for rule in spoke]})
    assert not set(spoke) & {a["rule"] for a in stricter}
    assert rerun(town, FIRST) == again
    assert rows_of_everything(town) == before  # nobody was told, nothing was written
    given_out = stored(town)
    put_in_force(town, TOWN, SECOND)
    live(town, rng, 1, hours=4)
    assert openings(rerun(town, FIRST, until=change)) == openings(again)
    now = stored(town)
    assert now == made_again(town)
    assert {key: now[key] for key in given_out} == given_out
    assert len({version for *_, version in now.values()}) >= 3  # both of the town, and the ward's over each


def test_a_date_is_seen_as_it_is_entered(town: Town) -> None:
    """A procession of which nobody knew: its alert opens at the moment in which it was entered, not at the next look."""
    only_watch(town)
    town.clock.move(hours=1, minutes=20)
    entered = town.clock.now()
    with town.session("seed", write=True) as session:
        day = entered.date() + timedelta(days=5)
        place = by_code(session, TOWN)
        new = flashpoints.NewDate(uuid.uuid4(), place, "procession", {"en": "March"}, day, day)
        flashpoints.record(session, entered, new)
    town.clock.move(hours=1)
    assert entered in {moment for _place, _threat, moment in openings(rerun(town))}
