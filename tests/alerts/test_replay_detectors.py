"""The detectors' report of a replay: every place, week and detector once, causal, and none of it in the score."""

from __future__ import annotations

import csv
from collections import Counter
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from alerts.risk.detectors import cusum, ears
from alerts.risk.farrington import FIRST, farrington
from alerts.risk.replay import Incident, ReplayResult, replay
from alerts.risk.replay_detectors import HEADER, weekly_counts, write_detectors
from alerts.risk.replay_sums import week_number
from tests.alerts.test_replay import MONDAY, NEAR, made

WEEKS = 180


def busy() -> list[Incident]:
    """Three and a half years in one place: one to three incidents a week, then twelve in a week; one elsewhere."""
    usual = [made(7 * w + n, source=f"w{w}.{n}") for w in range(WEEKS) for n in range(1 + w * w % 3)]
    return [*usual, *(made(7 * 175 + n // 2, source=f"x{n}") for n in range(12)), made(900, "X:b")]


def report(history: list[Incident], path: Path, start: int, end: int = WEEKS - 1) -> list[dict[str, str]]:
    """The report of some weeks, as rows."""
    first, last = MONDAY + timedelta(weeks=start), MONDAY + timedelta(weeks=end)
    write_detectors(replay(history, NEAR, first, last, with_surge=True), history, None, path)
    with path.open(encoding="utf-8") as text:
        return list(csv.DictReader(text))


def test_every_cell_says_what_its_detector_says(tmp_path: Path) -> None:
    """Counts are those of the week in which an incident became known; bounds and alarms are the detectors'."""
    rows = report(busy(), tmp_path / "d.csv", 168)
    assert tuple(rows[0]) == HEADER
    cells = Counter((row["locality"], row["week"]) for row in rows)
    assert set(cells.values()) == {6}
    assert len(cells) == 4 * 12
    counts = np.array([[1.0 + w * w % 3 + 12 * (w == 175) for w in range(WEEKS)]])
    said = {
        "C1": ears(counts, 1),
        "C2": ears(counts, 2),
        "C3": ears(counts, 3),
        "CUSUM": cusum(counts),
        "Farrington": farrington(counts),
    }
    for row in rows:
        if row["locality"] == "X:a" and row["detector"] != "surge":
            week = (week_number(MONDAY.fromisoformat(row["week"]))) - week_number(MONDAY)
            found = said[row["detector"]]
            assert float(row["observed"]) == counts[0, week]
            assert float(row["bound"] or "nan") == pytest.approx(found.bound[0, week], rel=1e-11, nan_ok=True)
            assert row["alarm"] == str(int(found.alarm[0, week]))
    loud = (MONDAY + timedelta(weeks=175)).isoformat()
    alarms = {
        r["detector"] for r in rows if r["alarm"] == "1" and (r["locality"], r["week"]) == ("X:a", loud)
    }
    assert alarms >= {"C1", "C2", "CUSUM", "Farrington"}


def test_nothing_later_and_no_range_changes_a_row(tmp_path: Path) -> None:
    """Rows of a week are the same when the data ends there, and when the range begins elsewhere."""
    whole = report(busy(), tmp_path / "a.csv", 160)
    known = [i for i in busy() if i.known < min(j.known for j in busy()) + 7 * 170]
    part = report(known, tmp_path / "b.csv", 168, 168)
    week = part[0]["week"]
    assert part == [row for row in whole if row["week"] == week]


def test_before_any_history_nothing_is_said(tmp_path: Path) -> None:
    """Weeks before the first incident have a count of 0, no bound and no alarm."""
    rows = report([made(7 * 3)], tmp_path / "d.csv", 0, 5)
    for row in rows:
        if row["detector"] != "surge":
            happened = row["locality"] == "X:a" and row["week"] == (MONDAY + timedelta(weeks=3)).isoformat()
            assert (row["observed"], row["bound"], row["alarm"]) == ("1" if happened else "0", "", "0")
    assert len(rows) == 6 * 4 * 6
    assert weekly_counts([], ["X:a"], 7)[1].tolist() == [[0.0]]


def test_the_report_needs_the_surge(tmp_path: Path) -> None:
    """A replay without the surge probability has no full report."""
    plain: ReplayResult = replay([], NEAR, MONDAY, MONDAY)
    with pytest.raises(ValueError, match="without the surge"):
        write_detectors(plain, [], None, tmp_path / "d.csv")


def test_farrington_starts_where_it_is_asked_to() -> None:
    """Leaving out earlier weeks changes nothing in the later ones."""
    counts = np.random.default_rng(4).poisson(3, (3, FIRST + 20)).astype(float)
    whole, late = farrington(counts), farrington(counts, FIRST + 9)
    assert np.isnan(late.bound[:, : FIRST + 9]).all()
    assert np.array_equal(whole.bound[:, FIRST + 9 :], late.bound[:, FIRST + 9 :])
