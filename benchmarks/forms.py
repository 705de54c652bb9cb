"""Would another form of the score forecast better? ``python -m benchmarks.forms DATA``: tuning years only, one part to fit, one to judge.

What lives here: the forms that were tried and how they were judged. What was decided is in docs/decisions.
A form is Lambda = b + sum of a_k X_k^p with P = 1 - exp(-Lambda); each is fitted on the first part of the
tuning years (no coefficient below 0) and judged on the second, beside the product's form fitted the same
way. A form is better only if its gain lies above 0 in 95 of 100 resamplings of places, in both countries.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import NamedTuple

import numpy as np

from alerts.risk.arrays import Floats
from alerts.risk.evaluation import Outcomes, log_loss
from alerts.risk.replay import Incident, Profile, read_incidents, read_neighbours
from alerts.risk.replay_sums import DecayingSums, History, Neighbourhood, week_number, weigh
from alerts.risk.resampling import Draws, Ranking, interval
from alerts.risk.scoring import STARTER, Coefficients
from benchmarks.tables import Table, show
from benchmarks.truth import Truth, derived, neighbours_of, read_events


class Form(NamedTuple):
    """Half-lives of a place's own terms and of its neighbours', the exponent, and the ratio of severity weights."""

    own: tuple[int, ...] = (14, 180)
    near: tuple[int, ...] = (14,)
    exponent: float = 0.7
    ratio: float = 1.5


PRODUCT = Form()
AS_SHIPPED = "the same, as it is shipped"
SHIPPED = (STARTER.background, STARTER.fast, STARTER.slow, STARTER.neighbours)
FORMS = {
    "the product's": PRODUCT,
    AS_SHIPPED: PRODUCT,
    **{f"exponent {p}": PRODUCT._replace(exponent=p) for p in (0.5, 0.6, 0.8, 0.9, 1.0)},
    **{f"severity ratio {r}": PRODUCT._replace(ratio=r) for r in (1.0, 1.25, 2.0)},
    **{f"fast {h} days": PRODUCT._replace(own=(h, 180), near=(h,)) for h in (7, 21, 30)},
    **{f"slow {h} days": PRODUCT._replace(own=(14, h)) for h in (90, 365, 730)},
    "+ own 45 days": PRODUCT._replace(own=(14, 45, 180)),
    "+ own 730 days": PRODUCT._replace(own=(14, 180, 730)),
    "+ own 1825 days": PRODUCT._replace(own=(14, 180, 1825)),
    "+ neighbours 180 days": PRODUCT._replace(near=(14, 180)),
    "+ own 730, neighbours 180": PRODUCT._replace(own=(14, 180, 730), near=(14, 180)),
    "+ own 730, neighbours 730": PRODUCT._replace(own=(14, 180, 730), near=(14, 730)),
    "own 30 and 365 days": PRODUCT._replace(own=(30, 365)),
    "+ own 730, exponent 0.5": PRODUCT._replace(own=(14, 180, 730), exponent=0.5),
}


class Country(NamedTuple):
    """The tuning years of one country: which rows to fit on and which to judge on, and its history."""

    name: str
    truth: Truth
    fit: Outcomes
    incidents: Sequence[Incident]
    neighbours: dict[str, list[str]]


SETS = {"PAK_dev": (2005, 2011, 2014), "BGDU_ucdp_1989_2017": (2011, 2015, 2018)}
"""The first year to fit on, the first to judge on, and the year at whose beginning the set ends."""


def country(data: Path, name: str) -> Country:
    """Read one country; weeks whose 28 days reach into the part to be judged are not fitted on."""
    events = read_events(data / f"events_{name}.csv.gz")
    near = data / f"adjacency_{name.partition('_')[0]}.csv"
    neighbours = read_neighbours(near) if near.exists() else neighbours_of(events)
    begin, middle, end = (week_number(date(year, 1, 1)) for year in SETS[name])
    places = sorted({*neighbours, *(event.locality for event in events)})
    truth = derived(events, places, begin, end - 5)
    kept = (truth.weeks < middle - 5) | (truth.weeks >= middle)
    truth = Truth(
        [place for place, keep in zip(truth.localities, kept, strict=True) if keep],
        truth.weeks[kept],
        {"T1": truth.came["T1"][kept]},
        truth.quiet[kept],
        truth.fatal_days,
    )
    incidents = read_incidents([data / f"events_{name}.csv.gz"]).incidents
    return Country(name, truth, truth.weeks < middle, incidents, neighbours)


def terms(of: Country, form: Form) -> Floats:
    """Return one column for each term of a form and one of ones, for every row."""
    weights = (form.ratio**-2, form.ratio**-1, 1.0, form.ratio, form.ratio**2)
    index = {name: i for i, name in enumerate(sorted({*of.truth.localities, *of.neighbours}))}
    history = History(weigh(of.incidents, Profile(Coefficients(severity_weights=weights))), index)
    near = Neighbourhood(index, of.neighbours)
    lives = dict.fromkeys([*form.own, *form.near])
    sums = {life: DecayingSums(history, life, history.weight) for life in lives}
    rows: dict[int, list[Floats]] = {}
    for week in range(int(history.weeks[0]), int(of.truth.weeks.max()) + 1):
        now = {life: one.advance(history.of_week(week)) for life, one in sums.items()}
        rows[week] = [*(now[life] for life in form.own), *(near.mean(now[life]) for life in form.near)]
    place = np.array([index[name] for name in of.truth.localities])
    columns = np.stack([np.stack(rows[week]) for week in sorted(rows)])  # week, term, place
    picked = columns[of.truth.weeks - min(rows), :, place]
    return np.column_stack([np.ones(len(place)), np.maximum(picked, 0) ** form.exponent])


def fitted(X: Floats, came: Outcomes, rounds: int = 400) -> Floats:
    """Return the coefficients, none below 0, that make what came most likely: the likelihood has one summit."""
    weights = np.full(X.shape[1], 0.01)
    for _ in range(rounds):
        moved = 0.0
        for k in range(X.shape[1]):
            Lambda = X @ weights + 1e-12
            odds = 1 / np.expm1(np.minimum(Lambda, 500))
            slope = np.where(came, odds, -1.0)
            bend = np.where(came, odds * (1 + odds), 0.0)
            step = float((slope @ X[:, k]) / max(float(bend @ X[:, k] ** 2), 1e-12))
            new = max(weights[k] + step, weights[k] / 10 if k else 1e-6)
            moved = max(moved, abs(new - weights[k]) / max(new, 1e-4))
            weights[k] = new
        if moved < 1e-4:
            break
    return weights


def judged(of: Country) -> list[tuple[str, ...]]:
    """Return one line for each form: what it reaches on the part to be judged, and its gain over the product's form."""
    came, check = of.truth.came["T1"], ~of.fit
    draws = Draws([place for place, row in zip(of.truth.localities, check, strict=True) if row])
    lines: list[tuple[str, ...]] = []
    base: tuple[Floats, Floats] | None = None
    for name, form in FORMS.items():
        X = terms(of, form)
        weights = np.array(SHIPPED) if name == AS_SHIPPED else fitted(X[of.fit], came[of.fit])
        chance = -np.expm1(-(X[check] @ weights))
        loss, ranked = draws.log_loss(came[check], chance), draws.ranked(Ranking(came[check], chance))
        area, precision = Ranking(came[check], chance).judged(np.ones(int(check.sum())))
        base = base or (loss, ranked)
        gain, gain_ap = interval(base[0] - loss), interval(ranked[:, 1] - base[1][:, 1])
        lines.append(
            (
                name,
                f"{log_loss(came[check], chance):.4f}",
                f"{1e4 * gain.low:+.1f} to {1e4 * gain.high:+.1f}",
                f"{area:.4f}",
                f"{precision:.4f}",
                f"{1e4 * gain_ap.low:+.0f} to {1e4 * gain_ap.high:+.0f}",
                " ".join(f"{w:.4f}" for w in weights),
            )
        )
    return lines


def main(arguments: Sequence[str] | None = None) -> int:
    """Print one table for each country."""
    parser = argparse.ArgumentParser(description="Judge other forms of the score on the tuning years.")
    parser.add_argument("data", type=Path, help="the folder with the event files")
    options = parser.parse_args(arguments)
    columns = ("form", "log loss", "gain, 1/10,000", "AUROC", "AP", "gain in AP, 1/10,000", "coefficients")
    for name in SETS:
        of = country(options.data, name)
        print(
            show(Table(f"{name}: fitted {SETS[name][0]} on, judged {SETS[name][1]} on", columns, judged(of)))
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
