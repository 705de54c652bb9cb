"""What holds peace together, as soft signs: pure, one sign for each thing that people said holds, all together within their own bound.

A thing counts only if a meeting said how well it holds and when that was last seen, and for so many days from then: after that it is
words again, until somebody has looked. So no old agreement keeps a place looking calm. A thing only ever lowers a score, and never below
what is usual anywhere (scoring.hazard). Sizes are a judgement: there is no data to fit them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any

#: How well something holds, in the order in which a form asks. What has no strength is words alone.
STRENGTHS = ("some", "strong")


def seen_on(row: Mapping[str, Any]) -> date:
    """When a thing was last seen or said to hold."""
    return date.fromisoformat(str(row["last_seen"]))


def counts(row: Mapping[str, Any], days: int, today: date) -> bool:
    """Whether a thing counts today: what has no strength is words alone, and a day that is still to come was not seen yet."""
    if not row.get("strength") or not row.get("last_seen"):
        return False
    return 0 <= (today - seen_on(row)).days <= days


def until_of(row: Mapping[str, Any], days: int) -> date:
    """The last day on which a thing counts that counts now."""
    return seen_on(row) + timedelta(days=days)


def peace_signs(
    rows: Iterable[Mapping[str, Any]], soft: Mapping[str, Any], today: date
) -> list[dict[str, Any]]:
    """The signs of what holds today: `key` "peace", `size`, `holds` (its key), `label`, `strength`, `last_seen`.

    Where they are more than their bound together, each counts by its part of it.
    """
    sizes, bound = soft["holds_peace"], float(soft["holds_peace_bound"])
    found = [row for row in rows if counts(row, soft["holds_peace_days"], today)]
    whole = -sum(float(sizes[row["strength"]]) for row in found)
    share = bound / whole if whole > bound else 1.0
    return [
        {
            "key": "peace",
            "size": share * float(sizes[row["strength"]]),
            "holds": row["key"],
            "label": row["label"],
            "strength": row["strength"],
            "last_seen": row["last_seen"],
        }
        for row in found
        if sizes[row["strength"]]
    ]
