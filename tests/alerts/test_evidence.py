"""The running sums equal a count from the beginning, whatever was reported, checked, joined, taken back or moved, in whatever order."""

from __future__ import annotations

import itertools
import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts import evidence, ledger
from alerts import sums as running
from alerts.evidence import Evidence, EvidenceChange, RiskState, WeekCount
from alerts.risk import scoring
from committees import places, reports, verification
from committees.incidents import COUNTED, Incident, touch
from committees.places import Country, Locality
from committees.reports import Report
from coordination import schema
from foundation.crypto import Cipher
from foundation.db import Database
from foundation.migrate import upgrade
from foundation.policy import service
from tests.rig.databases import Databases

assert schema.ROOMS
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
NEAR = 1e-9


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


@pytest.fixture(scope="module")
def cipher(tmp_path_factory: pytest.TempPathFactory) -> Cipher:
    folder: Path = tmp_path_factory.mktemp("keys")
    return Cipher.from_folder(folder, "a secret of the tests")


@pytest.fixture
def database(databases: Databases, cipher: Cipher) -> Iterator[Database]:
    opened = Database(databases.template("schema", upgrade), cipher)
    yield opened
    opened.close()


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


@pytest.fixture
def ground(database: Database) -> Iterator[Ground]:
    with database.open(service("seed"), write=True) as session:
        yield settle(session)


def by_hand(ground: Ground, place: Locality) -> tuple[float, float, int]:
    """F, S and the number of counted incidents of a place and below, from nothing but incidents and reports."""
    inside = {ground.town.id: [ward.id for ward in ground.wards]}.get(place.id, []) + [place.id]
    cells: dict[tuple[Any, ...], list[Incident]] = {}
    for incident in ground.made:
        form = evidence.catalogue.kind(incident.kind).form
        day = incident.occurred_at.astimezone(places._zone("Asia/Karachi")).date()
        if incident.locality_id in inside and incident.state in COUNTED and evidence.weight_of(incident) > 0:
            cells.setdefault((incident.locality_id, form, day), []).append(incident)
    fast = slow = 0.0
    counted = 0
    for incidents in cells.values():
        said = select(Report.source_id).where(Report.incident_id.in_([i.id for i in incidents]))
        sources = len(set(ground.session.scalars(said)))
        ranked = sorted(incidents, key=lambda i: (-evidence.weight_of(i), i.id.bytes))
        for incident in ranked[:sources]:
            kind = evidence.catalogue.kind(incident.kind)
            age = (ground.now - incident.occurred_at) / timedelta(days=1)
            fast += evidence.weight_of(incident) * 2 ** (-age / 14) * kind.fast
            slow += evidence.weight_of(incident) * 2 ** (-age / 180) * kind.slow
            counted += 1
    return fast, slow, counted


def sums(ground: Ground, place: Locality) -> tuple[float, float]:
    state = evidence.state_of(ground.session, place.id)
    return state.read("fast", ground.now), state.read("slow", ground.now)


def check(ground: Ground) -> None:
    """The sums, the record of changes and the counted rows all say what a count by hand says."""
    ground.session.flush()
    for place in (*ground.wards, ground.town):
        fast, slow, counted = by_hand(ground, place)
        assert sums(ground, place) == pytest.approx((fast, slow), abs=NEAR)
        known = ledger.sums_then(ledger.changes_of(ground.session, place.id, ground.now), ground.now)
        assert known == pytest.approx((fast, slow), abs=NEAR)
        inside = [ward.id for ward in ground.wards] if place is ground.town else [place.id]
        steps = ground.session.scalars(
            select(EvidenceChange.count).where(EvidenceChange.locality_id.in_(inside))
        ).all()
        assert sum(steps) == counted
    check_weeks(ground)


def check_weeks(ground: Ground) -> None:
    """The memory of the surge counts each violent incident that counts, in the week of its local day, once."""
    by_id = {incident.id: incident for incident in ground.made}
    wards = [ward.id for ward in ground.wards]
    rows = ground.session.scalars(
        select(Evidence).where(Evidence.counted > 0, Evidence.locality_id.in_(wards))
    )
    expected: dict[date, int] = {}
    everything: dict[date, int] = {}
    for row in rows:
        incident = by_id[row.incident_id]
        form = evidence.catalogue.kind(incident.kind).form
        day = incident.occurred_at.astimezone(places._zone("Asia/Karachi")).date()
        monday = day - timedelta(days=day.weekday())
        everything[monday] = everything.get(monday, 0) + 1
        if form in ("fight", "damage") or (incident.kind == "imported" and incident.severity >= 3):
            expected[monday] = expected.get(monday, 0) + 1
    found = ground.session.scalars(select(WeekCount).where(WeekCount.locality_id == ground.town.id)).all()
    assert {row.week: row.violent for row in found if row.violent} == expected
    assert {row.week: row.counted for row in found if row.counted} == everything


# ------------------------------------------------------------------------------------------- any history of acts

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


SHORT = settings(
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
)


@SHORT
@given(acts)
def test_the_sums_equal_a_count_by_hand_after_every_act(
    database: Database, history: list[tuple[Any, ...]]
) -> None:
    with database.open(service("seed"), write=True) as session:
        ground = settle(session)
        for step in history:
            act(ground, step)
            waiting = pending(ground)
            ground.take_in(*waiting)
            for incident in waiting:
                incident.pending = False
            check(ground)


@SHORT
@given(acts, st.randoms(use_true_random=False), st.integers(1, 3))
def test_order_and_batches_do_not_matter(
    database: Database, history: list[tuple[Any, ...]], dice: random.Random, size: int
) -> None:
    with database.open(service("seed"), write=True) as session:
        ground = settle(session)
        for step in history:
            act(ground, step)
        waiting = pending(ground)
        dice.shuffle(waiting)
        for start in range(0, len(waiting), size):
            ground.take_in(*waiting[start : start + size])
        check(ground)


# ------------------------------------------------------------------------------------------------- one at a time


def test_one_source_counts_once_however_often_it_speaks(ground: Ground) -> None:
    first = ground.report(0, "threat", 0, 1, 3)
    ground.take_in(first)
    before = sums(ground, ground.wards[0])
    for _ in range(20):
        ground.take_in(ground.report(0, "threat", 0, 1, 3))
    assert sums(ground, ground.wards[0]) == pytest.approx(before, abs=NEAR)
    ground.take_in(ground.report(0, "threat", 1, 1, 3))
    assert sums(ground, ground.wards[0])[0] == pytest.approx(2 * before[0])


def test_a_heavier_word_of_the_same_source_takes_the_place_of_the_lighter(ground: Ground) -> None:
    ground.take_in(ground.report(0, "threat", 0, 1, 1))
    ground.take_in(ground.report(0, "threat", 0, 1, 5))
    check(ground)
    weight = scoring.STARTER.severity_weights[4] * 0.8
    assert sums(ground, ground.wards[0])[0] == pytest.approx(weight * 2 ** (-(1 / 24) / 14))


def test_what_is_taken_back_leaves_nothing(ground: Ground) -> None:
    ground.take_in(ground.report(0, "killing", 0, 300, 4))
    before = {place.id: sums(ground, place) for place in (*ground.wards, ground.town)}
    for kind, hours in itertools.product(("threat", "killing", "rumour"), (0, 50, 5000)):
        incident = ground.report(0, kind, 1, hours, 5)
        ground.take_in(incident)
        reports.withdraw(ground.session, ground.now, incident)
        ground.take_in(incident)
    for place in (*ground.wards, ground.town):
        assert sums(ground, place) == pytest.approx(before[place.id], abs=NEAR)


def test_a_town_holds_what_its_wards_hold_and_a_province_nothing(ground: Ground) -> None:
    touched = ground.take_in(ground.report(0, "killing", 0, 5, 4), ground.report(1, "killing", 1, 50, 4))
    parts = [sums(ground, ward) for ward in ground.wards]
    assert sums(ground, ground.town) == pytest.approx(tuple(map(sum, zip(*parts, strict=True))), abs=NEAR)
    assert {ground.town.id, *(ward.id for ward in ground.wards)} == set(touched)
    assert ground.session.get(RiskState, ground.town.parent_id) is None


def test_an_unknown_source_weighs_nothing_until_it_is_checked(ground: Ground) -> None:
    incident = ground.report(0, "killing", SOURCES, 1, 4)
    ground.take_in(incident)
    assert sums(ground, ground.wards[0]) == (0.0, 0.0)
    verification.verify(
        ground.session, ground.now, uuid.UUID(int=9), incident, verification.Verdict("verified")
    )
    ground.take_in(incident)
    assert sums(ground, ground.wards[0])[0] > 1


def test_a_private_matter_never_enters_a_score(ground: Ground) -> None:
    ground.take_in(ground.report(0, "harm_at_home", 0, 1, 5))
    check(ground)
    assert sums(ground, ground.wards[0]) == (0.0, 0.0)


def test_who_moves_is_told_of_at_both_places(ground: Ground) -> None:
    incident = ground.report(0, "killing", 0, 1, 4)
    ground.take_in(incident)
    incident.locality_id = ground.wards[1].id
    touched = ground.take_in(incident)
    assert {ward.id for ward in ground.wards} <= set(touched)
    check(ground)
    assert sums(ground, ground.wards[0]) == pytest.approx((0.0, 0.0), abs=NEAR)


def test_a_late_report_is_known_from_the_day_it_came(ground: Ground) -> None:
    ground.take_in(ground.report(0, "killing", 0, 1, 4))
    then = ground.now
    before = sums(ground, ground.wards[0])
    ground.now += timedelta(days=3)
    ground.take_in(ground.report(0, "killing", 1, 24 * 3 + 2, 5))
    changes = ledger.changes_of(ground.session, ground.wards[0].id, ground.now)
    assert ledger.sums_then(changes, then) == pytest.approx(before, abs=NEAR)
    check(ground)


def test_an_imported_event_that_turns_out_graver_is_counted_as_violent_and_not_twice(ground: Ground) -> None:
    incident = ground.report(0, "imported", 0, 1, 2)
    ground.take_in(incident)
    check(ground)
    for severity in (4, 2, 5):
        incident.severity = severity
        ground.take_in(incident)
        check(ground)
    reports.withdraw(ground.session, ground.now, incident)
    ground.take_in(incident)
    check(ground)
