"""How well the score forecasts, beside every plain method: ``python -m benchmarks.accuracy DATA``.

DATA is a folder of events_NAME.csv.gz, with truth_NAME.csv.gz, fatal_days_NAME.csv.gz and
adjacency_COUNTRY.csv where there are any, NAME beginning with COUNTRY; what is missing is made from the
events (truth.py). The files that the targets were set on are drawn from the UCDP Georeferenced Event Dataset
(Uppsala Conflict Data Program, CC BY 4.0; https://ucdp.uu.se/downloads/), and are not part of this project.

A row is a locality and a week. The score is the probability of T1, at least one fatal event that starts in
the following 28 days, and its coefficients were fixed before. Whatever is no probability of a target becomes
one by a logistic curve fitted to the very rows judging it, which flatters it. It ends with 1 if a target is
missed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import NamedTuple

import numpy as np

from alerts.risk.arrays import Floats
from alerts.risk.evaluation import Outcomes, Quality, by_levels, quality, within_auroc
from alerts.risk.levels import BOUNDARIES
from alerts.risk.replay import read_incidents, read_neighbours, replay
from alerts.risk.replay_sums import Ints, monday, week_number
from alerts.risk.resampling import Draws, Ranking, interval
from benchmarks import tables
from benchmarks.baselines import METHODS, Table
from benchmarks.measures import AlertGrid, Alerts, fitted, top_precision
from benchmarks.truth import TARGETS, Truth, derived, differing, neighbours_of, read_events, read_truth

TARGETED = "PAK_dev"
MEAN_TOLERANCE = 0.015
YEARS = 7
"""Without a truth file, the last so many calendar years of the events are judged."""

SCORE, KAPPA, SURGE = "score", "score with kappa", "surge probability"
OWN = (SCORE, KAPPA, SURGE)
WORDS = {"auroc": "AUROC", "ap": "Average precision", "log_loss": "Log loss"}
COMES = {
    "T1": "Fatal event in the next 28 days",
    "ONSET": "The same, where none was in 12 weeks",
    "T5": "Five deaths or more in the next 28 days",
    "V1": "Violent event in the next 28 days",
    "ESC": "A surge of violent events in the next 28 days",
}


class Line(NamedTuple):
    """One method on one target."""

    quality: Quality
    within: float
    top: float
    alerts: Alerts


class Forecasts(NamedTuple):
    """One set: its truth, and of each method what it looks at; one number is also its ranking."""

    truth: Truth
    features: Mapping[str, list[Floats]]
    same: int | None
    """In how many cells the truth made from the events differs from the one in the file, if there is one."""


def forecasts(data: Path, name: str) -> Forecasts:
    """Read one set and let every method forecast every row of its truth."""
    path = data / f"events_{name}.csv.gz"
    incidents, events = read_incidents([path]).incidents, read_events(path)
    adjacency = data / f"adjacency_{name.partition('_')[0]}.csv"
    neighbours = read_neighbours(adjacency) if adjacency.exists() else neighbours_of(events)
    if (data / f"truth_{name}.csv.gz").exists():
        truth = read_truth(data, name)
        made = derived(events, sorted(set(truth.localities)), int(truth.weeks.min()), int(truth.weeks.max()))
        truth = truth if truth.fatal_days else truth._replace(fatal_days=made.fatal_days)
        same: int | None = differing(truth, made)
    else:
        end = max(event.day for event in events).year
        first, last = week_number(date(end - YEARS + 1, 1, 1)), week_number(date(end, 12, 31)) - 5
        truth, same = derived(events, sorted({event.locality for event in events}), first, last), None
    heard = {*neighbours, *(incident.locality for incident in incidents)}
    neighbours |= {place: [] for place in truth.localities if place not in heard}
    begin, last = int(truth.weeks.min()), int(truth.weeks.max())
    plain = replay(incidents, neighbours, monday(begin), monday(last), with_surge=True)
    learned = replay(incidents, neighbours, monday(begin), monday(last), calibrate=True)
    index = {place: i for i, place in enumerate(plain.localities)}
    rows = np.array([index[place] for place in truth.localities])
    assert plain.surge is not None
    table = Table(incidents, neighbours, plain.localities, begin, last)
    features = {
        name: [values[rows, truth.weeks - start] for values in looked]
        for name, looked, start in (
            (SCORE, [plain.scores], begin),
            (KAPPA, [learned.scores], begin),
            (SURGE, [plain.surge], begin),
            *((method, look(table), table.first) for method, look in METHODS.items()),
        )
    }
    return Forecasts(truth, features, same)


def chances(made: Forecasts, target: str) -> dict[str, Floats]:
    """Return the probability of a target that each method gives each row that is judged."""
    judged, came = rows_of(made.truth, target), made.truth.came[target]
    return {
        method: looked[0][judged]
        if target in ("T1", "ONSET") and method in (SCORE, KAPPA)
        else fitted([values[judged] for values in looked], came[judged])
        for method, looked in made.features.items()
    }


def rows_of(truth: Truth, target: str) -> Ints:
    """Return which rows a target is judged on."""
    return np.flatnonzero(truth.quiet if target == "ONSET" else np.ones(len(truth.quiet)))


def ranks(made: Forecasts, chance: Mapping[str, Floats], target: str) -> dict[str, Floats]:
    """Return what ranks the rows that are judged: the one number of a method, or else its probability."""
    judged = rows_of(made.truth, target)
    return {m: look[0][judged] if len(look) == 1 else chance[m] for m, look in made.features.items()}


def measured(
    made: Forecasts, target: str, raised: Mapping[str, Outcomes], grid: AlertGrid
) -> dict[str, Line]:
    """Return how good every method is on one target."""
    judged, came = rows_of(made.truth, target), made.truth.came[target]
    places = [made.truth.localities[row] for row in judged]
    chance = chances(made, target)
    return {
        method: Line(
            quality(came[judged], rank, chance[method]),
            within_auroc(came[judged], rank, places)[0],
            top_precision(came[judged], rank),
            grid.judged(raised[method], came),
        )
        for method, rank in ranks(made, chance, target).items()
    }


def certainty(made: Forecasts, target: str, found: Mapping[str, Line]) -> Iterator[str]:
    """Yield how sure the measures of the score are, and its lead over the best plain methods, by resampling localities."""
    judged = rows_of(made.truth, target)
    came = made.truth.came[target][judged]
    draws = Draws([made.truth.localities[row] for row in judged])
    chance = chances(made, target)
    rank = ranks(made, chance, target)
    plain = [method for method in found if method not in OWN]
    bare = [method for method in plain if len(made.features[method]) == 1]

    def drawn(method: str, field: str) -> Floats:
        if field == "log_loss":
            return draws.log_loss(came, chance[method])
        return draws.ranked(Ranking(came, rank[method]))[:, ("auroc", "ap").index(field)]

    for field in ("auroc", "ap", *(["log_loss"] * (target == "T1"))):
        value, own = getattr(found[SCORE].quality, field), drawn(SCORE, field)
        low, high = interval(own)
        yield f"{WORDS[field]} of the score: {value:.4f} (95 % {low:.4f} to {high:.4f})"
        for kind, methods in (("fitted to these rows", plain), ("that needs no fit", bare)):
            best = _best(methods, found, field)
            gap = value - getattr(found[best].quality, field)
            low, high = interval(own - drawn(best, field))
            yield f"    beside the best method {kind}, {best}: {gap:+.4f} ({low:+.4f} to {high:+.4f})"


def _best(methods: Sequence[str], found: Mapping[str, Line], field: str) -> str:
    better = min if field == "log_loss" else max
    return better(methods, key=lambda method: getattr(found[method].quality, field))


def verdicts(found: Mapping[str, Line], base_rate: float) -> Iterator[tuple[bool, str]]:
    """Yield whether each target is met, with the numbers."""
    score, kappa = found[SCORE].quality, found[KAPPA].quality
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


def calibrations(made: Forecasts, name: str) -> Iterator[tables.Table]:
    """Yield the calibration of the score, as it is and with kappa, on T1: by level, and by tenths of all forecasts."""
    came = made.truth.came["T1"]
    for method in (SCORE, KAPPA):
        chance = made.features[method][0]
        tenths = sorted({float(edge) for edge in np.quantile(chance, np.arange(1, 10) / 10)})
        for kind, edges in (("level", BOUNDARIES), ("tenth", tenths)):
            rows = [
                (
                    f"{number}",
                    f"{one.low:.4f} to {one.high:.4f}",
                    f"{one.n:,}",
                    _share(one.predicted),
                    _share(one.observed),
                )
                for number, one in enumerate(by_levels(came, chance, edges), 1)
            ]
            yield tables.Table(
                f"Calibration by {kind}: {method}, {name}",
                (kind, "chance", "forecasts", "predicted", "observed"),
                rows,
            )


def _share(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.3f}"


def show(found: Mapping[str, Line]) -> None:
    """Print the table of one target."""
    alerts = "| alerts, 2 a year: true  onsets  days  lead  false/y"
    print(
        f"{'':20}{'AUROC':>7}{'AP':>7}{'within':>8}{'top 5%':>8}{'Brier':>8}{'log loss':>9}{'mean':>7} {alerts}"
    )
    for method, line in found.items():
        q, a = line.quality, line.alerts
        print(
            f"{method:20}{q.auroc:7.4f}{q.ap:7.4f}{line.within:8.3f}{line.top:8.3f}{q.brier:8.4f}{q.log_loss:9.4f}"
            f"{q.mean:7.4f} |{a.precision:24.3f}{a.onsets:8.3f}{a.fatal_days:6.3f}{a.lead:6.1f}{a.false_per_year:9.2f}"
        )


def report(data: Path) -> bool:
    """Print one table per set and target, and whether the targets are met; False if one is missed."""
    good = True
    names = sorted(
        path.name.removeprefix("events_").removesuffix(".csv.gz") for path in data.glob("events_*.csv.gz")
    )
    for name in names:
        made = forecasts(data, name)
        truth = made.truth
        grid = AlertGrid(truth.localities, truth.weeks, truth.fatal_days)
        if made.same is not None:
            print(f"\n{name}: the truth made from the events differs from the file in {made.same} cells.")
            good &= made.same == 0
        whole = ranks(made, chances(made, "T1"), "T1")
        raised = {method: grid.raised(rank) for method, rank in whole.items()}
        for target in TARGETS:
            base_rate = float(truth.came[target][rows_of(truth, target)].mean())
            found = measured(made, target, raised, grid)
            print(f"\n{COMES[target]} ({target}), {name}: base rate {base_rate:.4f}")
            show(found)
            for line in certainty(made, target, found):
                print(line)
            if (name, target) == (TARGETED, "T1"):
                for met, text in verdicts(found, base_rate):
                    print(f"{'met   ' if met else 'MISSED'}  {text}")
                    good &= met
        for table in calibrations(made, name):
            print(tables.show(table))
    if TARGETED not in names:
        print(f"There is no events_{TARGETED}.csv.gz in {data}: the targets were not checked.")
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
