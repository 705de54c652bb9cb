"""What makes up a score, as data: contributions that sum to the index, and how sure we are of the level.

What lives here: sharing the points of a score among incidents, neighbours, soft signs and the background; the soft signs themselves; the
grade of confidence. Pure: no session, no words (sentences.py), no reader's rights (coordination/score_view.py). Anyone in alerts or
coordination may import it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from alerts.risk import scoring
from alerts.risk.date_terms import date_signs
from alerts.risk.peace_terms import peace_signs
from alerts.risk.scoring import Risk
from committees.checkins import ENOUGH_VOICES, Voices
from committees.windows import DateHere

TOLD = 12  # how many incidents or neighbours a score names one by one; the rest is summed
MANY_VOICES, MOSTLY_SEEN = 5, 0.5
LITTLE, SOME, GOOD = "little", "some", "good"


@dataclass(frozen=True)
class Soft:
    """The soft signs of a place: their sum X and each sign with its size, as data."""

    total: float
    signs: tuple[dict[str, Any], ...]

    @property
    def said(self) -> float:
        """What people said and dates, before the common bound: what stays when the local picture changes what holds peace together."""
        return float(sum(sign["size"] for sign in self.signs if sign["key"] != "peace"))


@dataclass(frozen=True)
class Near:
    """One neighbour of a place: its id, its F, its weight in the mean."""

    id: str
    fast: float
    weight: float


def near_mean(around: Sequence[Near]) -> float:
    """N of a place: the weighted mean of its neighbours' F."""
    return scoring.neighbour_mean([near.fast for near in around], [near.weight for near in around])


@dataclass(frozen=True)
class Confidence:
    """What a level rests on: people who spoke in 14 days, reports of 4 weeks and those seen in person, the newest news.

    `grade`: little (fewer voices than a level needs), some, or good (many voices, and what was reported mostly seen in person).
    """

    voices: int
    reports: int
    seen: int
    last_at: datetime | None

    @property
    def grade(self) -> str:
        """In one word: little, some or good."""
        if self.voices < ENOUGH_VOICES:
            return LITTLE
        seen_enough = self.seen >= MOSTLY_SEEN * self.reports
        return GOOD if self.voices >= MANY_VOICES and seen_enough else SOME

    def as_data(self) -> dict[str, Any]:
        """As it is stored with a score."""
        last = self.last_at.isoformat() if self.last_at else None
        return {
            "grade": self.grade,
            "voices": self.voices,
            "reports": self.reports,
            "seen": self.seen,
            "last_at": last,
        }


def soft_terms(document: Any, said: Voices, windows: Sequence[DateHere], today: date) -> Soft:
    """Check-ins and indicators (counted when two members say so), dates, what holds peace: each in its bound, all together in theirs."""
    soft = document["soft"]
    signs: list[dict[str, Any]] = []
    if said.median is not None and said.sources >= soft["voices"]:
        size = _between(soft["checkin_median"], said.median)
        if size < 0:
            # The button says less than five answers, each time it was pressed.
            size *= 1 - said.by_button * (1 - soft["all_calm_factor"])
        signs.append({"key": "checkin", "size": size, "median": said.median, "n": said.sources})
    for indicator in document["indicators"]:
        seen, stopped = said.indicators.get(indicator["key"], (0, 0))
        if max(seen, stopped) >= soft["voices"] and seen != stopped:
            size = indicator["seen"] if seen > stopped else indicator["stopped"]
            bound = indicator["bound"]
            signs.append(
                {
                    "key": "indicator",
                    "size": max(-bound, min(bound, size)),
                    "indicator": indicator["key"],
                    "seen": seen > stopped,
                }
            )
    signs += date_signs(document["triggers"], windows)
    signs += peace_signs(document.get("holds_peace", ()), soft, today)
    return Soft(bounded(soft, sum(sign["size"] for sign in signs)), tuple(signs))


def bounded(soft: Mapping[str, Any], size: float) -> float:
    """The sum of all soft signs within their common bound."""
    bound = float(soft["bound"])
    return max(-bound, min(bound, size))


def _between(table: dict[Any, float], median: float) -> float:
    low, high = int(median), min(5, int(median) + 1)
    sizes = {int(k): float(v) for k, v in table.items()}
    return sizes[low] + (sizes[high] - sizes[low]) * (median - low)


def lines_of(
    risk: Risk, own: Sequence[scoring.Evidence], soft: Soft, around: Sequence[Near] = ()
) -> list[dict[str, Any]]:
    """Contributions that sum to the index, as data, the largest first."""
    points: dict[tuple[str, str], float] = {}
    for part in scoring.contributions(risk, own):
        name = part.term
        if name in ("fast", "slow"):
            name = "incident" if part.key else "older"
        points[name, part.key] = points.get((name, part.key), 0.0) + part.points
    _by_neighbour(points, around)
    _told(points, "incident", "older")
    _told(points, "neighbour", "neighbours")
    lines = [
        {"key": name, "id": key, "points": value} for (name, key), value in points.items() if name != "soft"
    ]
    whole = points.get(("soft", ""), 0.0)
    weight = math.fsum(sign["size"] for sign in soft.signs)  # the same in whatever order they are kept
    if abs(weight) > 1e-9:
        lines += [{**sign, "points": whole * sign["size"] / weight} for sign in soft.signs]
    elif abs(whole) > 1e-12:
        lines.append({"key": "floor", "points": whole})
    return sorted(lines, key=lambda line: -abs(float(line["points"])))


def _by_neighbour(points: dict[tuple[str, str], float], around: Sequence[Near]) -> None:
    """Share the points of the neighbours' mean among the neighbours, each by its part of it."""
    parts = [(near.id, near.fast * near.weight) for near in around if near.fast * near.weight > 0]
    total = sum(part for _, part in parts)
    if total > 0 and (whole := points.pop(("neighbours", ""), 0.0)):
        points |= {("neighbour", key): whole * part / total for key, part in parts}


def _told(points: dict[tuple[str, str], float], name: str, rest: str) -> None:
    """Name the largest one by one and sum the others."""
    largest = sorted((key for key in points if key[0] == name), key=lambda key: -points[key])
    for key in largest[TOLD:]:
        points[rest, ""] = points.get((rest, ""), 0.0) + points.pop(key)


def signs_of(lines: Iterable[dict[str, Any]], total: float) -> Soft:
    """The soft signs behind the lines of a stored score; one that was made in bulk knows them all together only."""
    signs = tuple({k: v for k, v in line.items() if k != "points"} for line in lines if "size" in line)
    return Soft(total, signs or (({"key": "signs", "id": "", "size": total},) if total else ()))
