"""The running sums equal a count from the beginning, whatever was reported, checked, joined, taken back or moved, in whatever order."""

from __future__ import annotations

import itertools
import random
import uuid
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from alerts import evidence, ledger
from alerts.evidence import Evidence, EvidenceChange, RiskState, WeekCount
from alerts.risk import scoring
from committees import places, reports, verification
from coordination import schema
from foundation.db import Database
from foundation.policy import service
from tests.alerts.ground import SOURCES, Ground, act, acts, by_hand, pending, settle, sums

assert schema.ROOMS
NEAR = 1e-9


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


def test_five_sources_who_shout_weigh_no_more_than_five_who_speak(ground: Ground) -> None:
    spoken = [ground.report(0, "threat", number % SOURCES, 1, 3) for number in range(SOURCES)]
    ground.take_in(*spoken)
    before = [sums(ground, place) for place in (*ground.wards, ground.town)]
    shouted = [ground.report(0, "threat", number % SOURCES, 1, 3) for number in range(120)]
    for start in range(0, len(shouted), 40):
        ground.take_in(*shouted[start : start + 40])
    unknown = [ground.report(0, "threat", SOURCES + 1 + number % 5, 1, 5) for number in range(50)]
    ground.take_in(*unknown)
    assert [sums(ground, place) for place in (*ground.wards, ground.town)] == before, "exactly nothing"


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
