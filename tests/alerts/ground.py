"""A town of two wards in an open session, and random histories of it: for tests of the sums and of the score."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts import evidence
from alerts import sums as running
from committees import places, reports, verification
from committees.incidents import COUNTED, Incident, touch
from committees.places import Country, Locality
from committees.reports import Report

START = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
KINDS = (
    "threat",
    "angry_crowd",
    "small_fight",
    "killing",
    "rumour",
    "land_water_dispute",
    "harm_at_home",
    "imported",
)
REFINED = tuple(kind for kind in KINDS if kind != "imported")
SOURCES, WARDS = 3, 2


@dataclass
class Ground:
    """A town of two wards in an open session, a clock, and every incident so far in the order in which it came."""

    session: Session
    town: Locality
    wards: list[Locality]
    now: datetime = START
    made: list[Incident] = field(default_factory=list)

    def source(self, number: int) -> reports.Source:
        """One of a few known sources, or an unknown one beyond them."""
        if number < SOURCES:
            return reports.source_for(
                self.session, START, group=uuid.UUID(int=1), person_id=uuid.UUID(int=100 + number)
            )
        return reports.source_for(self.session, START, group=uuid.UUID(int=1), number=f"+92300000000{number}")

    def report(
        self, ward: int, kind: str, source: int, hours_ago: float, severity: int, how: str = "saw"
    ) -> Incident:
        """A report of something that happened `hours_ago`, not yet taken in."""
        new = reports.NewReport(
            id=uuid.uuid4(),
            locality=self.wards[ward],
            kind=kind,
            occurred_at=self.now - timedelta(hours=hours_ago),
            how_known=how,
            channel="web",
            source=self.source(source),
            severity=severity,
        )
        incident = reports.record(self.session, self.now, new).incident
        self.made.append(incident)
        return incident

    def take_in(self, *incidents: Incident) -> list[uuid.UUID]:
        """Bring the sums up to date with these incidents."""
        return running.take_in(self.session, self.now, incidents)


def settle(session: Session) -> Ground:
    """Two wards in a town in a province; the country scores wards and towns."""
    names: dict[str, Any] = {"en": "x"}
    key = str(uuid.uuid4())
    country = Country(
        code=key,
        names=names,
        level_names={},
        languages=[],
        zone="Asia/Karachi",
        emergency="1",
        scored_levels=["town", "ward"],
    )
    session.add(country)
    session.flush()

    def add(level: str, parent: Locality | None) -> Locality:
        row = Locality(
            code=str(uuid.uuid4()),
            country_code=key,
            level=level,
            names=names,
            parent_id=parent.id if parent else None,
        )
        return places.add(session, row)

    town = add("town", add("province", None))
    return Ground(session, town, [add("ward", town) for _ in range(WARDS)])


def by_hand(ground: Ground, place: Locality) -> tuple[float, float, int]:
    """F, S and the number of counted incidents of a place and below, from nothing but incidents and reports."""
    inside = {ground.town.id: [ward.id for ward in ground.wards]}.get(place.id, []) + [place.id]
    numbers = evidence.numbers_each(ground.session, [place.id, *inside])

    def weight(incident: Incident) -> float:
        return evidence.weight_of(incident, numbers[incident.locality_id])

    cells: dict[tuple[Any, ...], list[Incident]] = {}
    for incident in ground.made:
        form = evidence.catalogue.kind(incident.kind).form
        day = incident.occurred_at.astimezone(places._zone("Asia/Karachi")).date()
        if incident.locality_id in inside and incident.state in COUNTED and weight(incident) > 0:
            cells.setdefault((incident.locality_id, form, day), []).append(incident)
    fast = slow = 0.0
    counted = 0
    for incidents in cells.values():
        said = select(Report.source_id).where(Report.incident_id.in_([i.id for i in incidents]))
        sources = len(set(ground.session.scalars(said)))
        ranked = sorted(incidents, key=lambda i: (-weight(i), i.id.bytes))
        for incident in ranked[:sources]:
            kind, c = evidence.catalogue.kind(incident.kind), numbers[place.id].coefficients
            in_fast, in_slow = numbers[incident.locality_id].enters(kind.key, kind.timescale)
            age = (ground.now - incident.occurred_at) / timedelta(days=1)
            fast += weight(incident) * 2 ** (-age / c.half_life_fast) * in_fast
            slow += weight(incident) * 2 ** (-age / c.half_life_slow) * in_slow
            counted += 1
    return fast, slow, counted


def sums(ground: Ground, place: Locality) -> tuple[float, float]:
    state = evidence.state_of(ground.session, place.id)
    return state.read("fast", ground.now), state.read("slow", ground.now)


acts = st.lists(
    st.one_of(
        st.tuples(
            st.just("report"),
            st.integers(0, WARDS - 1),
            st.sampled_from(KINDS),
            st.integers(0, SOURCES),
            st.sampled_from([0.0, 1.0, 20.0, 200.0, 4000.0]),
            st.integers(1, 5),
        ),
        st.tuples(
            st.just("verify"),
            st.integers(0, 20),
            st.sampled_from(verification.OUTCOMES),
            st.sampled_from([None, *REFINED]),
            st.none() | st.integers(1, 5),
        ),
        st.tuples(st.just("merge"), st.integers(0, 20), st.integers(0, 20)),
        st.tuples(st.just("withdraw"), st.integers(0, 20)),
        st.tuples(
            st.just("move"), st.integers(0, 20), st.integers(0, WARDS - 1), st.sampled_from([1.0, 30.0])
        ),
        st.tuples(st.just("wait"), st.sampled_from([1.0, 72.0, 2000.0])),
    ),
    max_size=14,
)


def act(ground: Ground, step: tuple[Any, ...]) -> None:
    """Do one thing; what cannot be done to an incident in its state is left."""
    name, *values = step
    if name == "wait":
        ground.now += timedelta(hours=values[0])
    elif name == "report":
        ground.report(*values)
    elif ground.made:
        chosen = ground.made[values[0] % len(ground.made)]
        DO[name](ground, chosen, *values[1:])


def _verify(ground: Ground, incident: Incident, outcome: str, kind: str | None, severity: int | None) -> None:
    if incident.state in COUNTED or incident.state == "not_true":
        verification.verify(
            ground.session,
            ground.now,
            uuid.UUID(int=9),
            incident,
            verification.Verdict(outcome, kind=kind, severity=severity),
        )


def _merge(ground: Ground, incident: Incident, other: int) -> None:
    into = ground.made[other % len(ground.made)]
    if into is not incident and "merged" not in (into.state, incident.state) and into.state != "withdrawn":
        verification.merge(ground.session, ground.now, incident, into)


def _withdraw(ground: Ground, incident: Incident) -> None:
    if incident.state == "reported":
        reports.withdraw(ground.session, ground.now, incident)


def _move(ground: Ground, incident: Incident, ward: int, hours: float) -> None:
    incident.locality_id = ground.wards[ward].id
    incident.occurred_at -= timedelta(hours=hours)
    touch(incident)


DO = {"verify": _verify, "merge": _merge, "withdraw": _withdraw, "move": _move}


def pending(ground: Ground) -> list[Incident]:
    ground.session.flush()
    return [incident for incident in ground.made if incident.pending]
