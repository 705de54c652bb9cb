"""What every detector would have said, week by week: the offline report behind `concord replay --detectors`.

What lives here: weekly counts of a history, and one row per place, week and detector. What does not: the
detectors (detectors.py, farrington.py, surge.py) and the score, into which none of them enters. The command
line and the benchmarks use it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from alerts.risk.detectors import Detection, cusum, ears
from alerts.risk.farrington import farrington
from alerts.risk.replay import ReplayResult
from alerts.risk.replay_files import Incident, Profile, write_rows
from alerts.risk.replay_sums import History, week_number, weigh
from alerts.risk.replay_warnings import SURGE_CHANCE

if TYPE_CHECKING:
    from alerts.risk.arrays import Floats

HEADER = ("locality", "week", "detector", "observed", "bound", "alarm")


def weekly_counts(
    incidents: Iterable[Incident], localities: Sequence[str], last: int, profile: Profile | None = None
) -> tuple[int, Floats]:
    """Return the week of the oldest incident, and the incidents that count by place and week from then to ``last``."""
    weighed = weigh(incidents, profile or Profile())
    history = History(weighed, {name: position for position, name in enumerate(localities)})
    first = min(int(history.weeks[0]), last) if weighed else last
    weeks = (history.per_place(history.of_week(week), history.counted) for week in range(first, last + 1))
    return first, np.stack(list(weeks), axis=1)


def write_detectors(
    result: ReplayResult, incidents: Iterable[Incident], profile: Profile | None, path: str | Path
) -> None:
    """Write ``locality,week,detector,observed,bound,alarm``; ValueError without the surge probability.

    ``bound`` is empty where a detector cannot say, for instance for want of history. Of the surge, which
    is no count, ``observed`` is the probability and ``bound`` what it must reach.
    """
    if result.surge is None:
        raise ValueError("This replay was made without the surge probability.")
    begin, end = week_number(result.weeks[0]), week_number(result.weeks[-1])
    first, counts = weekly_counts(incidents, result.localities, end, profile)
    ahead = max(first - begin, 0)  # weeks before any history: nothing was seen, and nothing can be said

    def shown(values: NDArray[Any], empty: float) -> Any:
        kept = values[:, max(begin - first, 0) :]
        return np.pad(kept, ((0, 0), (ahead, 0)), constant_values=empty)

    observed = shown(counts, 0.0)
    found = {
        name: Detection(shown(said.bound, np.nan), shown(said.alarm, False), shown(said.statistic, np.nan))
        for name, said in _detected(counts, begin - first)
    }
    write_rows(path, HEADER, _rows(result, observed, found))


def _detected(counts: Floats, start: int) -> Iterator[tuple[str, Detection]]:
    for kind in (1, 2, 3):
        yield f"C{kind}", ears(counts, kind)
    yield "CUSUM", cusum(counts)
    yield "Farrington", farrington(counts, start)


def _rows(
    result: ReplayResult, observed: Floats, found: Mapping[str, Detection]
) -> Iterator[tuple[object, ...]]:
    assert result.surge is not None
    for j, week in enumerate(result.weeks):
        for i, name in enumerate(result.localities):
            for detector, said in found.items():
                bound = said.bound[i, j]
                shown = "" if np.isnan(bound) else f"{bound:.12g}"
                yield name, week, detector, int(observed[i, j]), shown, int(said.alarm[i, j])
            chance = result.surge[i, j]
            yield name, week, "surge", f"{chance:.12g}", SURGE_CHANCE, int(chance >= SURGE_CHANCE)
