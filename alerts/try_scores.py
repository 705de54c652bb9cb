"""How good the scores of two runs of the past were: the chance each week began with, against whether something fatal came in 28 days.

What lives here: what came, the forecasts of one run as plain data, and the measures of two runs side by side with how far chance could
have moved them, or why there are none. What does not: the loop over time (rerun.py) and words. Nothing is written. Both rest on
what the asker of the run may know, so that no weight is a way to ask after an incident that is kept from them.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from alerts.calibrating import FATAL, PRIVATE, WINDOW
from alerts.past import Known, Past
from alerts.rerun_sums import kept_back
from alerts.risk.calibration import OUTCOME_CREDIBILITY
from alerts.risk.scoring import grade_weight
from committees.incidents import COUNTED
from foundation.lazily import lazily

if TYPE_CHECKING:
    import numpy as np

    from alerts.risk import evaluation, resampling
else:
    np = lazily("numpy")
    evaluation, resampling = lazily("alerts.risk.evaluation"), lazily("alerts.risk.resampling")

Data = dict[str, Any]
Forecasts = Mapping[UUID, Sequence[tuple[datetime, float]]]
#: So many weeks must have had something fatal after them, and so many not: four weeks overlap, so five incidents make twenty.
ENOUGH = 20
FEW_CAME, FEW_WEEKS = "few_came", "few_weeks"


def fatal(past: Past, standing: Iterable[Known], asker: str) -> dict[UUID, list[datetime]]:
    """When credible fatal incidents began at each place and below, as they stand at the end of a run; none that is kept from a role."""
    found: dict[UUID, list[datetime]] = defaultdict(list)
    for known in standing:
        facts = known.facts
        grade = f"{facts['reliability']}{facts['credibility']}" if facts["graded"] else None
        counts = facts["state"] in COUNTED and facts["known_source"] and facts["path"] != PRIVATE
        if not counts or kept_back(known, asker):
            continue
        if _severity(facts) >= FATAL and grade_weight(grade) >= OUTCOME_CREDIBILITY:
            for key in past.places[known.place].above:
                found[key].append(known.occurred_at)
    return found


def _severity(facts: Mapping[str, Any]) -> int:
    return int(facts["severity"] or 0)


def judged(forecasts: Forecasts, began: Mapping[UUID, Sequence[datetime]], until: datetime) -> Data:
    """The forecasts of one run whose window has passed, by place: the chance, and whether something fatal began in it."""
    return {
        str(key): [
            [round(p28, 6), any(at <= one < at + WINDOW for one in began.get(key, ()))]
            for at, p28 in rows
            if at + WINDOW <= until
        ]
        for key, rows in forecasts.items()
    }


def beside(before: Iterable[Data], after: Iterable[Data]) -> Data:
    """The measures of the scores of two runs; where too little came to judge them, only why."""
    columns = [_columns(rows) for rows in (before, after)]
    came = columns[0][1]
    counts = {"n": len(came), "came": int(came.sum())}
    if counts["came"] < ENOUGH or len(came) - counts["came"] < ENOUGH:
        return {**counts, "why": FEW_CAME if counts["came"] < ENOUGH else FEW_WEEKS}
    names = ("before", "after")
    return counts | {name: _measures(*one) for name, one in zip(names, columns, strict=True)}


def _columns(parts: Iterable[Data]) -> tuple[list[str], Any, Any]:
    rows = [(key, came, p28) for part in parts for key, found in part.items() for p28, came in found]
    came = np.array([came for _key, came, _p28 in rows], dtype=np.bool_)
    return [key for key, _came, _p28 in rows], came, np.array([p28 for _key, _came, p28 in rows])


def _measures(places: list[str], came: Any, p28: Any) -> Data:
    return {
        **evaluation.quality(came, p28, p28)._asdict(),
        "intervals": {
            name: [None if math.isnan(edge) else edge for edge in one]
            for name, one in resampling.intervals(came, p28, places).items()
        },
        "levels": [
            {"n": one.n, "predicted": one.predicted, "observed": one.observed} if one.n else {"n": 0}
            for one in evaluation.by_levels(came, p28)
        ],
    }
