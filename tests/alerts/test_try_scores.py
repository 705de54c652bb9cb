"""The scores of two runs beside each other: judged by what came, only where enough came, and never by what is kept from the asker."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from alerts import past, seen, try_scores, what_if
from alerts.rerun import Rerun
from alerts.risk import evaluation
from tests.alerts.ground import START, Ground

WEEK = timedelta(weeks=1)
PLACE = uuid.UUID(int=7)


def parts(chances: list[float], came: list[bool]) -> list[Any]:
    return [{str(PLACE): [[p, c] for p, c in zip(chances, came, strict=True)]}]


def test_a_window_counts_once_it_has_passed_and_what_began_in_it_came() -> None:
    rows = [(START + n * WEEK, 0.1 * n) for n in range(8)]
    began = {PLACE: [START + 5 * WEEK]}
    found = try_scores.judged({PLACE: rows}, began, START + 8 * WEEK)[str(PLACE)]
    assert [came for _p28, came in found] == [False, False, True, True, True]
    assert [p28 for p28, _came in found] == pytest.approx([0.0, 0.1, 0.2, 0.3, 0.4])


def test_too_little_is_said_and_not_measured() -> None:
    few = parts([0.1] * 60, [True] * 19 + [False] * 41)
    assert try_scores.beside(few, few) == {"n": 60, "came": 19, "why": "few_came"}
    bad = parts([0.1] * 60, [True] * 41 + [False] * 19)
    assert try_scores.beside(bad, bad)["why"] == "few_weeks"
    assert try_scores.beside([], [])["why"] == "few_came"


def test_both_runs_are_measured_on_the_same_weeks() -> None:
    came = [n % 3 == 0 for n in range(90)]
    before = parts([0.3 if c else 0.2 for c in came], came)
    after = parts([0.1] * 90, came)
    found = try_scores.beside(before, after)
    assert (found["n"], found["came"]) == (90, 30)
    assert (found["before"]["auroc"], found["after"]["auroc"]) == (1.0, 0.5)
    assert found["before"]["brier"] < found["after"]["brier"]
    assert [line["n"] for line in found["after"]["levels"]] == [0, 90, 0, 0, 0]
    assert found["before"]["intervals"].keys() == {"auroc", "ap", "brier", "log_loss"}
    right = evaluation.log_loss(np.array(came), np.array([0.3 if c else 0.2 for c in came]))
    assert found["before"]["log_loss"] == pytest.approx(right)


def test_the_scores_of_a_try_leave_out_what_is_kept_from_its_asker(ground: Ground) -> None:
    session, (ward, _other) = ground.session, ground.wards
    ward.watched = True
    killing = ground.report(0, "killing", 0, 1, 5)
    killing.withheld_from = "police"
    ground.take_in(killing)
    seen.keep(session, ground.now, ground.made)
    session.flush()
    until = ground.now + 6 * WEEK
    documents = what_if.documents(session, [place.id for place in (*ground.wards, ground.town)], until)
    was = past.read(session, [ward.id], until, ())

    def run(asker: str) -> tuple[list[float], list[Any]]:
        made = Rerun(was, documents, asker)
        made.run(ground.now - WEEK, until)
        began = try_scores.fatal(was, made.sums.standing.values(), asker)
        return [p28 for _at, p28 in made.forecasts[ward.id]], began.get(ward.id, [])

    everything, told = run("secretary"), run("national_contact")
    assert len(everything[0]) == len(told[0]) == 8
    assert everything[0][0] == told[0][0]
    assert everything[0][3] > 3 * told[0][3]
    assert (everything[1], told[1]) == ([killing.occurred_at], [])
