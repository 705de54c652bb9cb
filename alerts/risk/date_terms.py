"""What the dates near a place add to its soft signs: pure, one sign for each kind of date, each within its bound.

Open windows of one kind count once, with the largest of them: three festivals in a week are not three times as tense. A
place's own size for a date counts before the profile's. Where two dates of a kind fall on the same day, and the place set
no size of its own for either, the kind counts with its bound: two crowds on one day are what goes wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from committees.windows import DateHere, together


def date_signs(triggers: Sequence[Mapping[str, Any]], open_now: Sequence[DateHere]) -> list[dict[str, Any]]:
    """The signs of the dates whose windows are open: `key` "date", `size`, `trigger`, `names`, `together`."""
    rows = {row["key"]: row for row in triggers}
    signs = []
    for kind in sorted({date.trigger for date in open_now} & rows.keys()):
        row, dates = rows[kind], [date for date in open_now if date.trigger == kind]
        met = together([date for date in dates if date.term is None])
        sizes = {date.key: size_of(row, date, date.key in met) for date in dates}
        # The largest speaks for its kind; of equal ones the nearest.
        first = max(dates, key=lambda date: (sizes[date.key], -date.starts.toordinal(), date.key))
        if sizes[first.key] > 0:
            sign = {"key": "date", "size": sizes[first.key], "trigger": kind, "names": dict(first.names)}
            signs.append({**sign, "together": True} if first.key in met else sign)
    return signs


def size_of(row: Mapping[str, Any], date: DateHere, falls_together: bool) -> float:
    """The size of one date: the place's own, else the bound where two fall together, else the profile's; from 0 to the bound."""
    bound = float(row["bound"])
    size = date.term if date.term is not None else bound if falls_together else float(row["term"])
    return max(0.0, min(bound, size))
