"""Every score that was ever given out can be made again to the last digit, whatever was corrected, said or recalibrated since."""

from __future__ import annotations

import random
import uuid
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from alerts import assessing, known_then, ledger
from alerts.assessing import Score
from alerts.calibrating import Kappa
from alerts.evidence import state_of
from committees import checkins, places, profiles
from committees.flashpoints import Flashpoint
from foundation.db import Database
from foundation.policy import service
from tests.alerts.ground import Ground, act, acts, pending, settle

PROFILES: tuple[dict[str, Any], ...] = (
    {"multipliers": {"killing": 2.0, "threat": 0.5}},
    {"coefficients": {"exponent": 0.8, "fast": 0.1}, "boundaries": [0.04, 0.1, 0.3, 0.6], "step_down": 0.9},
    {"timescales": {"threat": "both"}, "coefficients": {"half_life_fast": 21.0}},
    {"holds_peace": [{"key": "a", "label": "Elders sit", "strength": "strong", "last_seen": "2026-11-20"}]},
)
SHORT = settings(
    max_examples=8,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
    phases=[
        Phase.explicit,
        Phase.reuse,
        Phase.generate,
    ],  # each example is a whole history: shrinking one takes minutes
)


def meddle(ground: Ground, dice: random.Random) -> None:
    """Something else that moves a score: a check-in, a date, a profile, a calibration."""
    session, now, ward = ground.session, ground.now, ground.wards[dice.randrange(2)]
    what = dice.randrange(4)
    if what == 0:
        for number in range(2):
            new = checkins.NewCheckIn(
                uuid.uuid4(), ward, ground.source(number), tuple(dice.choices(range(1, 6), k=5))
            )
            checkins.record(session, now, new)
    elif what == 1:
        day, key = now.date(), str(uuid.uuid4())
        date = Flashpoint(
            key=key, series=key, locality_id=ward.id, trigger="procession", names={"en": "x"}, starts=day, ends=day,
            created_at=now,
        )  # fmt: skip
        session.add(date)
    elif what == 2:
        place = dice.choice((ward, ground.town))
        made = profiles.draft(session, now, place.id, dice.choice(PROFILES), author_id=None, reason="x")
        profiles.publish(session, now, made)
    else:
        kappa = dice.choice((0.5, 0.8, 1.7))
        row = Kappa(
            at=now, country_code=ward.country_code, locality_id=ward.id, outcomes=1.0, predicted=1.0,
            unheld=kappa, held=kappa,
        )  # fmt: skip
        session.add(row)
        state_of(session, ward.id).kappa = kappa
    session.flush()


def given_out(row: Score) -> tuple[Any, ...]:
    return row.p28, row.level, row.known, row.contributions, row.falls_at, row.profile


@SHORT
@given(acts, st.randoms(use_true_random=False))
def test_a_stored_score_is_made_again_to_the_last_digit(
    database: Database, history: list[tuple[Any, ...]], dice: random.Random
) -> None:
    with database.open(service("seed"), write=True) as session:
        ground = settle(session)
        places.link(session, ground.wards[0].id, ground.wards[1].id, 0.7)
        told: dict[uuid.UUID, tuple[Any, ...]] = {}
        for step in history:
            act(ground, step)
            if dice.random() < 0.5:
                meddle(ground, dice)
            waiting = pending(ground)
            ground.take_in(*waiting)
            for incident in waiting:
                incident.pending = False
            for place in (*ground.wards, ground.town):
                row = assessing.assess(session, ground.now, place)
                session.flush()
                told[row.id] = given_out(row)
            ground.now += timedelta(minutes=dice.randrange(1, 90))
        session.flush()
        session.expire_all()
        for row in session.scalars(select(Score)).all():
            anew = known_then.again(session, row)
            assert (
                anew.risk.p28,
                anew.level,
                anew.known,
                anew.contributions,
                anew.falls_at,
                anew.profile,
            ) == told[row.id]
            asked = known_then.as_known(session, session.get_one(places.Locality, row.locality_id), row.at)
            assert (asked.risk.p28, asked.level, asked.contributions) == given_out(row)[:2] + (
                row.contributions,
            )
            c = assessing.numbers_then(row).coefficients
            sums = ledger.sums_then(ledger.changes_of(session, row.locality_id, row.at), row.at, c)
            assert (row.fast, row.slow) == pytest.approx(sums, abs=1e-9)
            assert sum(line["points"] for line in row.contributions) == pytest.approx(100 * row.p28, abs=1e-9)


def test_a_time_between_two_scores_uses_what_was_known_then(ground: Ground) -> None:
    session, ward = ground.session, ground.wards[0]
    ground.take_in(ground.report(0, "killing", 0, 5, 4))
    first = assessing.assess(session, ground.now, ward)
    session.flush()
    between = ground.now + timedelta(hours=5)
    then = known_then.as_known(session, ward, between)
    assert then.risk.p28 < first.p28, "it has decayed"
    ground.now += timedelta(hours=9)
    ground.take_in(ground.report(0, "killing", 1, 8, 5))
    row = Kappa(
        at=ground.now, country_code=ward.country_code, locality_id=ward.id, outcomes=9.0, predicted=1.0,
        unheld=2.5, held=2.0,
    )  # fmt: skip
    session.add(row)
    made = profiles.draft(session, ground.now, ward.id, PROFILES[1], author_id=None, reason="x")
    profiles.publish(session, ground.now, made)
    state_of(session, ward.id).kappa = 2.0
    assessing.assess(session, ground.now, ward)
    session.flush()
    assert known_then.as_known(session, ward, between) == then, "what came later changes no past"
    later = known_then.as_known(session, ward, ground.now + timedelta(seconds=1))
    assert later.risk.kappa == 2.0
    assert later.risk.coefficients.exponent == 0.8
    assert sum(line["points"] for line in then.contributions) == pytest.approx(100 * then.risk.p28, abs=1e-9)
