"""A version in force moves every weight and sum under it, exactly, in batches, while reports keep coming."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from alerts import assessing, engine, known_then, nearby, past, reconciling, rescoring, reweighing
from alerts.assessing import Score
from alerts.evidence import Evidence, numbers_each, state_of
from alerts.explaining import Soft
from committees import places, profiles
from foundation.db import Database
from foundation.journal import Entry
from foundation.policy import service
from tests.alerts.ground import Ground, act, acts, by_hand, pending, settle, sums
from tests.alerts.test_score_then import PROFILES

NEAR = 1e-9
SHORT = settings(
    max_examples=8,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
)


def put_in_force(ground: Ground, place: places.Locality, document: dict[str, Any], **later: float) -> None:
    made = profiles.draft(ground.session, ground.now, place.id, document, author_id=None, reason="x")
    made.valid_from = ground.now + timedelta(**later) if later else None
    profiles.publish(ground.session, ground.now, made)


def all_are_exact(ground: Ground) -> None:
    for place in (*ground.wards, ground.town):
        assert sums(ground, place) == pytest.approx(by_hand(ground, place)[:2], abs=NEAR)


def finish(ground: Ground) -> int:
    done = 0
    while more := reweighing.take_up(ground.session, ground.now):
        done += more
    return done


@SHORT
@given(acts, st.randoms(use_true_random=False))
def test_sums_equal_a_fresh_count_under_the_new_version_while_reports_come(
    database: Database, history: list[tuple[Any, ...]], dice: random.Random
) -> None:
    with database.open(service("seed"), write=True) as session, pytest.MonkeyPatch.context() as patch:
        patch.setattr(reweighing, "BATCH", 1)
        ground = settle(session)
        for step in history:
            act(ground, step)
            if dice.random() < 0.3:
                put_in_force(ground, dice.choice((*ground.wards, ground.town)), dice.choice(PROFILES))
            waiting = pending(ground)
            ground.take_in(*waiting)
            for incident in waiting:
                incident.pending = False
            reweighing.take_up(session, ground.now)
        finish(ground)
        all_are_exact(ground)
        assert reweighing.take_up(session, ground.now) == 0
        states = [state_of(session, place.id) for place in (*ground.wards, ground.town)]
        right = reconciling.from_ledger(session, ground.now, states)
        for state in states:
            for name in reconciling.SUMS:
                assert getattr(state, name) == pytest.approx(right[state.locality_id][name].value, abs=NEAR)


def test_a_version_of_a_later_day_is_taken_up_when_its_day_comes(ground: Ground) -> None:
    ground.take_in(ground.report(0, "threat", 0, 5, 3), ground.report(1, "killing", 1, 50, 4))
    put_in_force(ground, ground.town, PROFILES[0], days=2)
    before = sums(ground, ground.wards[0])
    assert finish(ground) == 0
    assert sums(ground, ground.wards[0]) == before
    ground.now += timedelta(days=3)
    assert finish(ground) > 0
    all_are_exact(ground)
    run = ground.session.scalars(select(reweighing.Reweighing)).one()
    assert (run.stage, run.done, run.total) == ("done", 3, 3)
    assert run.finished_at == ground.now


def test_links_of_a_profile_are_laid_over_the_geography(ground: Ground) -> None:
    session, (one, two) = ground.session, ground.wards
    ground.take_in(ground.report(1, "killing", 0, 5, 4))
    assert assessing.assess(session, ground.now, one).near == 0
    put_in_force(
        ground,
        one,
        {"neighbours": [{"key": two.code, "weight": 2.0}, {"key": ground.town.code, "weight": 1.0}]},
    )
    ground.now += timedelta(minutes=1)
    row = assessing.assess(session, ground.now, one)
    f = [state_of(session, key).read("fast", ground.now) for key in (two.id, ground.town.id)]
    assert row.near == pytest.approx((2 * f[0] + f[1]) / 3, abs=1e-12)
    assert {line["id"] for line in row.contributions if line["key"] == "neighbour"} == {
        str(two.id),
        str(ground.town.id),
    }
    put_in_force(ground, one, {"neighbours": [{"key": two.code, "off": True}]})
    ground.now += timedelta(minutes=1)
    assert assessing.assess(session, ground.now, one).near == 0
    tried = (one.id, {"neighbours": [{"key": two.code, "weight": 3.0}]})
    assert past.read(session, [one.id], ground.now, (), tried).places[one.id].links == ((two.id, 3.0),)
    assert past.read(session, [one.id], ground.now, ()).places[one.id].links == ()


def test_many_places_at_once_get_the_scores_that_one_by_one_would_give(ground: Ground) -> None:
    session = ground.session
    places.link(session, ground.wards[0].id, ground.wards[1].id, 0.7)
    for number in range(6):
        ground.take_in(ground.report(number % 2, "threat", number % 3, 30 * number, 2))
    for place in (*ground.wards, ground.town):
        assessing.assess(session, ground.now, place)
    held = {"key": "a", "label": "Elders sit", "strength": "some", "last_seen": ground.now.date().isoformat()}
    changed = {"coefficients": {"fast": 0.0801, "slow": 0.0371}, "holds_peace": [held]}
    put_in_force(ground, ground.town, changed)
    ground.now += timedelta(hours=1)
    finish(ground)
    session.flush()
    together = {row.locality_id: row for row in session.scalars(select(Score).where(Score.at == ground.now))}
    assert len(together) == 3
    assert {row.soft for row in together.values()} == {-0.01}, "what holds peace counts at once, also in bulk"
    for key, row in together.items():
        assert known_then.again(session, row).risk.p28 == pytest.approx(row.p28, abs=1e-12)
        assert sum(line["points"] for line in row.contributions) == pytest.approx(100 * row.p28, abs=NEAR)
        assert state_of(session, key).due, "few places are assessed in full soon"
    stored = {key: (row.p28, row.level, row.near, row.profile) for key, row in together.items()}
    for place in (*ground.wards, ground.town):
        row = assessing.assess(session, ground.now, place)
        assert (row.p28, row.near) == pytest.approx((stored[place.id][0], stored[place.id][2]), abs=1e-12)
        assert (row.level, row.profile) == (stored[place.id][1], stored[place.id][3])


def test_where_the_level_changes_the_place_becomes_due_and_keeps_its_old_score(ground: Ground) -> None:
    session, ward = ground.session, ground.wards[0]
    ground.take_in(ground.report(0, "killing", 0, 5, 5))
    level = assessing.assess(session, ground.now, ward).level
    put_in_force(ground, ground.town, {"boundaries": [0.001, 0.002, 0.003, 0.004]})
    ground.now += timedelta(hours=1)
    run = rescoring.rescore(session, ground.now, ground.town.id)
    assert run.places == 1
    state = state_of(session, ward.id)
    session.refresh(state)
    assert (state.due, state.level) == (True, level)
    row = assessing.assess(session, ground.now, ward)
    assert (row.level, state.due) == (5, False)
    assert Soft(0.0, ()).signs == ()


def test_the_nightly_count_finds_says_and_mends_what_differs(ground: Ground) -> None:
    session, ward = ground.session, ground.wards[0]
    ground.take_in(ground.report(0, "killing", 0, 5, 5), ground.report(1, "threat", 1, 500, 2))
    session.flush()
    while reconciling.reconcile(session, ground.now):
        pass
    clean = reconciling.last_run(session)
    assert clean is not None
    assert (clean.places, clean.differing) == (3, 0)
    right = sums(ground, ward)
    state_of(session, ward.id).fast += 0.25
    ground.now += timedelta(hours=25)
    while reconciling.reconcile(session, ground.now):
        pass
    found = reconciling.last_run(session)
    assert found is not None
    assert (found.differing, found.locality_id) == (1, ward.id)
    assert found.largest == pytest.approx(0.25)
    ground.now -= timedelta(hours=25)
    assert sums(ground, ward) == pytest.approx(right, abs=NEAR)
    told = session.scalars(select(Entry).where(Entry.action == "sums:corrected")).one()
    assert told.locality_id == ward.id
    assert reconciling.reconcile(session, ground.now) == 0, "once a day"


def test_a_weight_follows_the_profile_of_its_own_place(ground: Ground) -> None:
    put_in_force(ground, ground.wards[0], {"multipliers": {"threat": 2.0}})
    ground.take_in(ground.report(0, "threat", 0, 5, 3), ground.report(1, "threat", 1, 5, 3))
    weights = {row.locality_id: row.weight for row in ground.session.scalars(select(Evidence))}
    assert weights[ground.wards[0].id] == 2 * weights[ground.wards[1].id]
    numbers = numbers_each(ground.session, [ward.id for ward in ground.wards])
    assert numbers[ground.wards[0].id].weighing != numbers[ground.wards[1].id].weighing


def test_trouble_at_a_place_that_a_profile_links_to_counts_here_at_once(ground: Ground) -> None:
    """A link that no map has: in the run that takes the report in, the place that looks there gets its new score."""
    session, (here, there) = ground.session, ground.wards
    assessing.assess(session, ground.now, here)
    put_in_force(ground, here, {"neighbours": [{"key": there.code, "weight": 2.0}]})
    quiet = assessing.assess(session, ground.now + timedelta(minutes=1), here)
    ground.now += timedelta(minutes=2)
    ground.report(1, "killing", 0, 1, 4)
    assert engine.score_pending(session, ground.now, random.Random(1)) == 1
    row = assessing.latest(session, here.id)
    assert row is not None
    assert (row.at, row.near > 0, row.p28 > quiet.p28) == (ground.now, True, True)
    put_in_force(ground, here, {"neighbours": [{"key": there.code, "weight": 0.0}]})
    assert here.id not in nearby.next_to(session, [there.id])


def test_one_place_that_cannot_be_counted_holds_up_none_of_the_others(ground: Ground) -> None:
    session, (bad, good) = ground.session, ground.wards
    ground.take_in(ground.report(0, "killing", 0, 5, 5), ground.report(1, "threat", 1, 500, 2))
    state_of(session, bad.id).half_life_fast = 0.0
    state_of(session, good.id).slow += 0.5
    session.flush()
    while reconciling.reconcile(session, ground.now):
        pass
    found = reconciling.last_run(session)
    assert found is not None
    assert (found.places, found.differing, found.locality_id) == (2, 1, good.id)
