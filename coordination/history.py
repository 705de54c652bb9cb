"""Simulates the past of the demo's places: low counts that rise, spill over and calm down; missed check-ins.

Pure: everything random comes from the generator that is passed in, so one seed gives one history. The numbers
are made up to look like the fitted ones (a background, a fast and a slow memory of what happened, a share
from neighbours) and teach nothing about any real place; every page that shows them says so. Imported by
coordination's demo command only; it reads and writes no rows.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo


@dataclass(frozen=True)
class Rates:
    """Expected incidents per place and day: a background, and what each remembered incident adds.

    `unevenness` is the spread of the places' own backgrounds (sigma of a log-normal, mean 1); `escalation`
    makes tense days graver. ValueError where a rate is negative or where incidents would breed without end.
    """

    background: float = 0.006
    fast: float = 0.024
    slow: float = 0.0005
    neighbours: float = 0.006
    fast_half_life: float = 14.0
    slow_half_life: float = 180.0
    unevenness: float = 0.9
    escalation: float = 0.5

    def __post_init__(self) -> None:
        if min(self.background, self.fast, self.slow, self.neighbours, self.unevenness, self.escalation) < 0:
            raise ValueError("Rates are never negative.")
        if self.offspring() >= 1:
            raise ValueError(
                "Each incident would bring at least one more: the simulated place would never calm down."
            )

    def offspring(self) -> float:
        """How many more incidents one incident brings on average, at home and next door."""
        return (
            (self.fast + self.neighbours) * self.fast_half_life + self.slow * self.slow_half_life
        ) / math.log(2)


@dataclass(frozen=True)
class Place:
    """A place whose past is simulated: its code, IANA zone, and how many sources report from it."""

    code: str
    zone: str
    sources: int = 3


@dataclass(frozen=True)
class PastIncident:
    """One incident; `source` counts the place's sources from 0, `occurred_at` is UTC, `threat` a line of
    tension.
    """

    locality: str
    kind: str
    severity: int
    threat: str
    occurred_at: datetime
    how_known: str
    source: int


@dataclass(frozen=True)
class PastCheckin:
    """One weekly check-in: five answers from 1 good to 5 bad, sent at `sent_at` (UTC) for the week before."""

    locality: str
    source: int
    sent_at: datetime
    answers: tuple[int, int, int, int, int]
    all_calm: bool


# kind: (severity of the catalogue, share). No kind that takes a path of its own (private matter, own office),
# nothing above 4.
KINDS: Mapping[str, tuple[int, int]] = {
    "rumour": (1, 170), "hate_message": (2, 75), "call_to_gather": (2, 25), "threat": (2, 85),
    "weapons_seen": (3, 18), "forced_payment": (2, 35), "pressed_to_leave": (3, 10),
    "refused_service": (2, 15), "public_argument": (1, 120), "angry_crowd": (2, 50),
    "route_dispute": (2, 40), "gathering_attacked": (3, 8), "small_fight": (2, 90), "group_clash": (3, 22),
    "targeted_attack": (3, 7), "small_damage": (2, 60), "home_shop_attacked": (3, 14),
    "sacred_place_harmed": (3, 4), "land_water_dispute": (2, 55), "unfair_service": (1, 55),
    "drugs_street": (2, 30), "killing": (4, 4),
}  # fmt: skip
FIXED_THREATS: Mapping[str, str] = {
    "route_dispute": "worship_festivals",
    "sacred_place_harmed": "worship_festivals",
    "land_water_dispute": "land_water_housing",
    "unfair_service": "services_officials",
    "forced_payment": "street_drugs_money",
    "drugs_street": "street_drugs_money",
}
THREATS = (
    "worship_festivals",
    "language_origin",
    "caste_clan_family",
    "land_water_housing",
    "arrivals_hosts",
    "party_election",
    "services_officials",
    "street_drugs_money",
)
HOW_KNOWN: Mapping[str, int] = {"saw": 38, "told": 37, "heard": 18, "media": 7}


def simulate(
    places: Sequence[Place],
    neighbours: Mapping[str, Sequence[str]],
    start: date,
    end: date,
    rng: Random,
    rates: Rates | None = None,
) -> list[PastIncident]:
    """The incidents of every place from `start` to the day before `end` (local dates), in order of time."""
    rates = rates or Rates()
    worries = {place.code: _worries(rates, rng) for place in places}
    near = {p.code: [n for n in neighbours.get(p.code, ()) if n in worries and n != p.code] for p in places}
    fast = dict.fromkeys(worries, 0.0)
    slow = dict.fromkeys(worries, 0.0)
    keep_fast, keep_slow = 2 ** (-1 / rates.fast_half_life), 2 ** (-1 / rates.slow_half_life)
    found: list[PastIncident] = []
    for day in _days(start, end):
        before = dict(fast)
        for place in places:
            code, (background, threats) = place.code, worries[place.code]
            spill = sum(before[n] for n in near[code]) / len(near[code]) if near[code] else 0.0
            expected = (
                background + rates.fast * fast[code] + rates.slow * slow[code] + rates.neighbours * spill
            )
            count = _poisson(expected, rng)
            tension = rates.escalation * min(fast[code], 5.0)
            found.extend(_incident(place, day, threats, tension, rng) for _ in range(count))
            fast[code] = keep_fast * (fast[code] + count)
            slow[code] = keep_slow * (slow[code] + count)
    return sorted(found, key=lambda i: (i.occurred_at, i.locality, i.kind, i.source))


def simulate_checkins(
    places: Sequence[Place],
    incidents: Sequence[PastIncident],
    start: date,
    end: date,
    rng: Random,
) -> list[PastCheckin]:
    """Each source's weekly check-ins, darker after incidents, some missed; one place in eight ends silent."""
    silent = {place.code for place in places if rng.random() < 0.125}
    diligence = {(p.code, s): rng.uniform(0.55, 0.95) for p in places for s in range(p.sources)}
    happened: dict[str, list[PastIncident]] = {}
    for incident in incidents:
        happened.setdefault(incident.locality, []).append(incident)
    found: list[PastCheckin] = []
    for thursday in (day for day in _days(start, end) if day.weekday() == 3):
        for place in places:
            stops = place.code in silent and thursday > end - timedelta(days=28)
            for source in range(place.sources):
                answered = rng.random() < diligence[place.code, source]
                sent = _moment(thursday, place.zone, 17 * 60 + rng.randrange(0, 70 * 60))
                tension = _tension(happened.get(place.code, []), sent)
                row = _checkin(place.code, source, sent, tension, rng)
                if answered and not stops and sent < _moment(end, place.zone, 0):
                    found.append(row)
    return sorted(found, key=lambda c: (c.sent_at, c.locality, c.source))


def _worries(rates: Rates, rng: Random) -> tuple[float, tuple[str, ...]]:
    """A place's own background rate and the few lines of tension that it knows."""
    uneven = rng.lognormvariate(-(rates.unevenness**2) / 2, rates.unevenness)
    return rates.background * uneven, tuple(rng.sample(THREATS, 3))


def _incident(place: Place, day: date, threats: tuple[str, ...], tension: float, rng: Random) -> PastIncident:
    shares = [share * (1 + tension) ** (severity - 1) for severity, share in KINDS.values()]
    kind = rng.choices(list(KINDS), shares)[0]
    threat = FIXED_THREATS.get(kind) or rng.choices(threats, (5, 3, 2))[0]
    how = rng.choices(list(HOW_KNOWN), list(HOW_KNOWN.values()))[0]
    minute = round(min(23 * 60.0, max(6 * 60.0, rng.gauss(14 * 60, 3.5 * 60))))
    source = rng.randrange(max(1, place.sources))
    return PastIncident(
        place.code, kind, KINDS[kind][0], threat, _moment(day, place.zone, minute), how, source
    )


def _tension(incidents: Sequence[PastIncident], now: datetime) -> float:
    """How tense the last weeks were: severity above 1 halves in a week."""
    ages = ((now - i.occurred_at, i.severity) for i in incidents)
    return sum(
        0.5 * severity * 2 ** (-age / timedelta(days=7))
        for age, severity in ages
        if timedelta(0) <= age < timedelta(days=56)
    )


def _checkin(code: str, source: int, sent: datetime, tension: float, rng: Random) -> PastCheckin:
    answers = [min(5, max(1, 1 + math.floor(tension + rng.gauss(0.5, 0.45)))) for _ in range(5)]
    calm = all(answer == 1 for answer in answers) and rng.random() < 0.6
    return PastCheckin(code, source, sent, (answers[0], answers[1], answers[2], answers[3], answers[4]), calm)


def _poisson(mean: float, rng: Random) -> int:
    """A Poisson count by Knuth's product of uniforms; fine for the small means of one place and day."""
    floor, product, count = math.exp(-mean), rng.random(), 0
    while product > floor:
        product *= rng.random()
        count += 1
    return count


def _moment(day: date, zone: str, minute: int) -> datetime:
    local = datetime.combine(day, time(0), ZoneInfo(zone)) + timedelta(minutes=minute)
    return local.astimezone(UTC)


def _days(start: date, end: date) -> list[date]:
    return [start + timedelta(days=n) for n in range((end - start).days)]
