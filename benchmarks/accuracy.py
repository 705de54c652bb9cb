"""How well the score forecasts, beside every plain method: ``python -m benchmarks.accuracy DATA``.

DATA is a folder with events_NAME.csv.gz, truth_NAME.csv.gz and adjacency_COUNTRY.csv, NAME beginning with
COUNTRY. The files that the targets were set on are drawn from the UCDP Georeferenced Event Dataset (Uppsala
Conflict Data Program, CC BY 4.0; https://ucdp.uu.se/downloads/), and are not part of this project. A row is
a locality and a week; the outcome T1 is at least one fatal event that starts in the following 28 days.

Baselines give no probabilities. Theirs come from a logistic curve fitted to the very rows judging it, which
flatters them; the score's coefficients were fixed before. It ends with 1 if a target is missed.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import sys
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from alerts.risk.evaluation import Outcomes, Quality, quality
from alerts.risk.replay import ReplayResult, read_incidents, read_neighbours, replay
from alerts.risk.replay_sums import monday, week_number
from benchmarks.baselines import METHODS, Floats, Table
from benchmarks.measures import fitted

TARGETED = "PAK_dev"
MEAN_TOLERANCE = 0.015


class Truth(NamedTuple):
    """The rows to be forecast: locality names, week numbers, and whether T1 came true."""

    localities: list[str]
    weeks: NDArray[np.int64]
    happened: Outcomes


def read_truth(path: Path) -> Truth:
    """Read locality, week and T1 of a truth file."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as text:
        rows = [
            (r["locality"], week_number(date.fromisoformat(r["week"])), r["T1"] == "1")
            for r in csv.DictReader(text)
        ]
    places, weeks, happened = zip(*rows, strict=True)
    return Truth(list(places), np.array(weeks), np.array(happened))


def measured(data: Path, name: str) -> tuple[dict[str, Quality], float]:
    """Return the quality of the score and of every baseline on one set, and the base rate."""
    incidents = read_incidents([data / f"events_{name}.csv.gz"]).incidents
    neighbours = read_neighbours(data / f"adjacency_{name.partition('_')[0]}.csv")
    truth = read_truth(data / f"truth_{name}.csv.gz")
    first, last = monday(int(truth.weeks.min())), monday(int(truth.weeks.max()))
    plain = replay(incidents, neighbours, first, last)
    index = {place: i for i, place in enumerate(plain.localities)}
    rows = np.array([index[place] for place in truth.localities])

    def picked(values: Floats, start: int) -> Floats:
        picked_rows: Floats = values[rows, truth.weeks - start]
        return picked_rows

    def judged(result: ReplayResult) -> Quality:
        score = picked(result.scores, int(truth.weeks.min()))
        return quality(truth.happened, score, score)

    found = {
        "score": judged(plain),
        "score with kappa": judged(replay(incidents, neighbours, first, last, calibrate=True)),
    }
    table = Table(incidents, neighbours, plain.localities, last)
    for method, look in METHODS.items():
        features = [picked(values, table.first) for values in look(table)]
        chance = fitted(features, truth.happened)
        found[method] = quality(truth.happened, features[0] if len(features) == 1 else chance, chance)
    return found, float(truth.happened.mean())


def verdicts(found: dict[str, Quality], base_rate: float) -> Iterator[tuple[bool, str]]:
    """Yield whether each target is met, with the numbers."""
    score, kappa = found["score"], found["score with kappa"]
    yield score.auroc >= 0.914, f"AUROC {score.auroc:.4f}, at least .914"
    yield score.ap >= 0.659, f"average precision {score.ap:.4f}, at least .659"
    yield score.brier <= 0.0497, f"Brier score {score.brier:.5f}, at most .0497"
    yield score.log_loss <= 0.1758, f"log loss {score.log_loss:.5f}, at most .1758"
    away = abs(kappa.mean - base_rate)
    yield (
        away <= MEAN_TOLERANCE,
        f"mean with kappa {kappa.mean:.4f}, base rate {base_rate:.4f}, at most .015 apart",
    )
    yield kappa.brier <= score.brier, f"Brier score with kappa {kappa.brier:.5f}, at most {score.brier:.5f}"


def report(data: Path) -> bool:
    """Print one table per set in the folder, and whether the targets are met; False if one is missed."""
    good = True
    names = sorted(
        path.name.removeprefix("truth_").removesuffix(".csv.gz") for path in data.glob("truth_*.csv.gz")
    )
    for name in names:
        found, base_rate = measured(data, name)
        print(f"\nFatal event in the next 28 days, {name}: base rate {base_rate:.4f}")
        print(f"{'':22}{'AUROC':>8}{'AP':>8}{'Brier':>9}{'log loss':>10}{'mean':>8}")
        for method, q in found.items():
            print(f"{method:22}{q.auroc:8.4f}{q.ap:8.4f}{q.brier:9.5f}{q.log_loss:10.5f}{q.mean:8.4f}")
        if name == TARGETED:
            for met, text in verdicts(found, base_rate):
                print(f"{'met   ' if met else 'MISSED'}  {text}")
                good &= met
    if TARGETED not in names:
        print(f"There is no truth_{TARGETED}.csv.gz in {data}: the targets were not checked.")
    return good


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure the sets in the folder that is named; 0 if every target is met, 1 if not, 2 for wrong use."""
    parser = argparse.ArgumentParser(description="Compare the score with plain methods.")
    parser.add_argument("data", type=Path, help="the folder with events_*, truth_* and adjacency_* files")
    options = parser.parse_args(arguments)
    if not options.data.is_dir():
        parser.error(f"{options.data} is not a folder.")
    return 0 if report(options.data) else 1


if __name__ == "__main__":
    sys.exit(main())
