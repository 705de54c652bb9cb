"""The warnings of a replay, each with its reasons as sentences.

What lives here: which weeks of a replay would have warned, and why. What does not: the rules of the
product, which also know about sources, confirmation, dates and open alerts (rules.py). Only replay.py uses
this module.

Three things warn: a level that rises to 3 or more, a credible incident of severity 4 or 5, and a surge
probability that reaches one half while at least three incidents of the last 28 days support it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

from alerts.risk.replay_files import EPOCH, Incident
from alerts.risk.scoring import Contribution, Evidence, Risk, contributions

RISING_LEVEL = 3
GRAVE_SEVERITY = 4
GRAVE_CREDIBILITY = 0.8
SURGE_CHANCE = 0.5
SURGE_SUPPORT = 3
RECENT_DAYS = 28.0
MEMORY_DAYS = 5 * 180.0  # older incidents are summed up in one sentence


class Warned(NamedTuple):
    """One warning: when (ISO, UTC), where, its kind, the level it would carry, P28, and its reasons."""

    at: str
    locality: str
    kind: str
    level: int
    score: float
    reasons: tuple[str, ...]


class Change(NamedTuple):
    """What a week did to one locality; ``risk`` is its score now, ``issued`` in days since 1970."""

    locality: str
    issued: float
    before: float
    level_before: int
    level: int
    risk: Risk


def moment(day: float) -> str:
    """Return days since 1970 as ISO date and time, UTC."""
    return (EPOCH + timedelta(days=day)).strftime("%Y-%m-%dT%H:%MZ")


def _date(day: float) -> date:
    """Return the date that holds a moment."""
    return (EPOCH + timedelta(days=day)).date()


def _percent(probability: float) -> str:
    """Return a probability as people write it."""
    return f"{100 * probability:.0f}%"


def _count(number: int, thing: str) -> str:
    """Return a number with its noun."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


@dataclass(frozen=True)
class Ledger:
    """The weighed incidents of each locality in the order in which they became known, and its neighbours."""

    incidents: Mapping[str, Sequence[tuple[Incident, float]]]
    neighbours: Mapping[str, Sequence[str]]

    @classmethod
    def of(cls, weighed: Sequence[tuple[Incident, float]], neighbours: Mapping[str, Sequence[str]]) -> Ledger:
        """Sort weighed incidents into their localities."""
        by_place = defaultdict(list)
        for incident, weight in weighed:
            by_place[incident.locality].append((incident, weight))
        return cls(by_place, neighbours)

    def between(self, locality: str, after: float, before: float) -> Sequence[tuple[Incident, float]]:
        """Return the incidents of a place that became known from one moment up to just before another."""
        rows = self.incidents.get(locality, ())
        low, high = (bisect_left(rows, edge, key=lambda row: row[0].known) for edge in (after, before))
        return rows[low:high]

    def evidence(self, locality: str, issued: float) -> list[Evidence]:
        """Return what still counts at a moment; the key is the place and the incident in a few words."""
        return [
            Evidence(f"{locality}|{i.category}, severity {i.severity}, {_date(i.known)}", w, issued - i.known)
            for i, w in self.between(locality, issued - MEMORY_DAYS, issued)
            if w > 0
        ]


def _points(parts: Sequence[Contribution]) -> float:
    """Return the sum of the points of some contributions."""
    return sum(part.points for part in parts)


def score_reasons(ledger: Ledger, locality: str, issued: float, risk: Risk) -> list[str]:
    """Return sentences that say where the points of a score come from; their points sum to the score."""
    own = ledger.evidence(locality, issued)
    near = ledger.neighbours.get(locality, ())
    around = {place: (1 / len(near), ledger.evidence(place, issued)) for place in near}
    parts = contributions(risk, own, around)
    recent = {e.key for e in own if e.age_days <= RECENT_DAYS}
    mine = [p for p in parts if p.term in ("fast", "slow")]
    new, old = [p for p in mine if p.key in recent], [p for p in mine if p.key not in recent]
    sentences = []
    if new:
        by_key: dict[str, float] = defaultdict(float)
        for part in new:
            by_key[part.key] += part.points
        strongest = max(by_key, key=lambda key: by_key[key])
        number = sum(e.age_days <= RECENT_DAYS for e in own)
        sentences.append(
            f"{_count(number, 'incident')} of the last 28 days: {_points(new):.1f} of {risk.index:.1f} "
            f"points; most from {strongest.partition('|')[2]} ({by_key[strongest]:.1f})."
        )
    if old:
        sentences.append(f"Earlier incidents here: {_points(old):.1f} points.")
    sentences += _neighbour_reasons([p for p in parts if p.term == "neighbours"])
    background = _points([p for p in parts if p.term in ("background", "soft")])
    sentences.append(f"What remains where nothing is reported: {background:.1f} points.")
    return sentences


def _neighbour_reasons(parts: Sequence[Contribution]) -> Iterator[str]:
    """Yield the sentence about neighbours, if they add anything."""
    by_place: dict[str, float] = defaultdict(float)
    for part in parts:
        by_place[part.key.partition("|")[0]] += part.points
    named = [place for place in by_place if place]
    if named:
        most = max(named, key=lambda place: by_place[place])
        yield f"Neighbouring places: {_points(parts):.1f} points, most from {most} ({by_place[most]:.1f})."


def rising(ledger: Ledger, change: Change) -> Iterator[Warned]:
    """Yield the warning of a level that rose to 3 or more."""
    if change.level > change.level_before and change.level >= RISING_LEVEL:
        chance, was = _percent(change.risk.p28), _percent(change.before)
        reasons = [
            f"The level rose from {max(change.level_before, 1)} to {change.level}: the chance of a fatal "
            f"incident in the next 28 days is {chance}; a week ago it was {was}.",
            *score_reasons(ledger, change.locality, change.issued, change.risk),
        ]
        at = moment(change.issued)
        yield Warned(at, change.locality, "level", change.level, change.risk.p28, tuple(reasons))


def grave(incident: Incident, weight: float, before: float, level_before: int) -> Iterator[Warned]:
    """Yield the warning of one credible grave incident, as level 4: level 5 is for a person to confirm."""
    if incident.severity >= GRAVE_SEVERITY and incident.credibility >= GRAVE_CREDIBILITY and weight > 0:
        reasons = (
            f"An incident of severity {incident.severity} ({incident.category}) became known on "
            f"{_date(incident.known)}. Severity 4 and 5 warn at once.",
            f"The last score before it was {_percent(before)}, level {max(level_before, 1)}.",
        )
        yield Warned(moment(incident.known), incident.locality, "grave", 4, before, reasons)


def surging(
    ledger: Ledger, change: Change, chance: float, chance_before: float, usual: float
) -> Iterator[Warned]:
    """Yield the warning of a surge that became likely; ``usual`` is violent incidents per 28 days."""
    support = len(ledger.between(change.locality, change.issued - RECENT_DAYS, change.issued))
    if chance >= SURGE_CHANCE > chance_before and support >= SURGE_SUPPORT:
        reasons = (
            f"The chance of a surge in the next 28 days is {_percent(chance)}; a week ago it was "
            f"{_percent(chance_before)}.",
            f"{_count(support, 'incident')} became known in the last 28 days; over the last year this "
            f"place had {usual:.1f} violent incidents in 28 days.",
        )
        yield Warned(moment(change.issued), change.locality, "surge", 3, change.risk.p28, reasons)
