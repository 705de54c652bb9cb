"""Kappa follows what came, slowly, near its country's and within bounds; and each past moment keeps the kappa it had."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from alerts import assessing, past
from alerts.calibrating import Kappa, Prediction, calibrate, kappa_at, kappa_row
from alerts.evidence import state_of
from alerts.rerun_sums import Sums
from alerts.rerun_view import View
from alerts.risk.calibration import HALF_LIFE_DAYS, OVERLAP, PRIOR
from alerts.score_sentences import kappa_sentence
from committees import profiles
from committees.layers import merged
from foundation.web.words import speaking
from tests.alerts.ground import Ground

WEEK, WEEKS = timedelta(weeks=1), 14


def weeks(ground: Ground, fatal_in: set[int], how: str = "saw", severity: int = 5) -> list[datetime]:
    """Let weeks pass: a score and a calibration each, and in some of them a killing in the first ward."""
    moments = []
    for ward in ground.wards:
        ward.watched = True
    for number in range(WEEKS):
        if number in fatal_in:
            ground.take_in(ground.report(0, "killing", 0, 1, severity, how))
        for ward in ground.wards:
            assessing.assess(ground.session, ground.now, ward)
        ground.session.flush()
        assert calibrate(ground.session, ground.now) == 2
        assert calibrate(ground.session, ground.now) == 0, "once a week"
        moments.append(ground.now)
        ground.now += WEEK
    return moments


def test_kappa_is_what_came_over_what_was_predicted(ground: Ground) -> None:
    fatal = {2, 3, 9}
    moments = weeks(ground, fatal)
    session, (one, two) = ground.session, ground.wards
    predicted = {(p.locality_id, p.at): p for p in session.scalars(select(Prediction))}
    assert len(predicted) == 2 * WEEKS
    began = {moments[n] - timedelta(hours=1) for n in fatal}
    last, outcomes, expected = moments[-1], {one.id: 0.0, two.id: 0.0}, {one.id: 0.0, two.id: 0.0}
    for (key, at), row in predicted.items():
        end = at + 4 * WEEK
        if end > last:
            assert row.came is None
            continue
        assert row.came == (key == one.id and any(at <= b < end for b in began))
        weight = 2.0 ** (-((last - end) / timedelta(days=1)) / HALF_LIFE_DAYS)
        outcomes[key] += row.came * weight
        expected[key] += row.p28 * weight
    country = (PRIOR + sum(outcomes.values()) / OVERLAP) / (PRIOR + sum(expected.values()) / OVERLAP)
    for ward in (one, two):
        row = kappa_row(session, ward.id, last)
        assert row is not None
        place = (PRIOR * country + outcomes[ward.id] / OVERLAP) / (PRIOR + expected[ward.id] / OVERLAP)
        assert row.unheld == pytest.approx(place, abs=1e-9)
        session.refresh(state_of(session, ward.id))
        assert state_of(session, ward.id).kappa == row.held
    quiet, busy = (kappa_at(session, key.id, last) for key in (two, one))
    assert quiet < busy
    assert quiet == pytest.approx(country, rel=0.1), "drawn towards the country's"


def written(ground: Ground) -> set[Any]:
    """The places whose kappa was written at this moment."""
    rows = select(Kappa.locality_id).where(Kappa.at == ground.now, Kappa.locality_id.is_not(None))
    return set(ground.session.scalars(rows))


def test_one_bad_place_holds_up_nobody_and_is_done_when_it_can_be(ground: Ground) -> None:
    """A picture that cannot be read at one ward: the other has its kappa on the day, this one once it is mended."""
    weeks(ground, {1})
    session, (bad, good) = ground.session, ground.wards
    broken = profiles.draft(session, ground.now, bad.id, {"kappa": {"low": "x"}}, author_id=None, reason="x")
    profiles.publish(session, ground.now, broken)
    session.flush()
    assert calibrate(session, ground.now) == 1
    assert written(ground) == {good.id}
    ground.now += timedelta(hours=1)
    assert calibrate(session, ground.now) == 0
    mended = profiles.draft(session, ground.now, bad.id, {}, author_id=None, reason="x")
    profiles.publish(session, ground.now, mended)
    assert calibrate(session, ground.now) == 1
    assert written(ground) == {bad.id}
    ground.now += WEEK
    assert calibrate(session, ground.now) == 2
    assert written(ground) == {good.id, bad.id}


def test_a_past_moment_keeps_the_kappa_it_had(ground: Ground) -> None:
    moments = weeks(ground, {1, 5})
    key = ground.wards[0].id
    then = [kappa_at(ground.session, key, at) for at in moments]
    assert then[:4] == [1.0] * 4, "no window has passed"
    assert len(set(then[4:])) == WEEKS - 4
    assert kappa_at(ground.session, key, moments[6] + timedelta(days=3)) == then[6]


def test_what_was_only_heard_of_or_not_grave_is_no_outcome(ground: Ground) -> None:
    weeks(ground, {2, 3}, how="heard")
    weeks_after = ground.now
    assert not any(ground.session.scalars(select(Prediction.came).where(Prediction.came.is_not(None))))
    ground.now = weeks_after
    weeks(ground, {2, 3}, severity=3)
    assert not any(ground.session.scalars(select(Prediction.came).where(Prediction.came.is_not(None))))


def test_kappa_is_held_in_its_bounds_and_analysts_read_both(ground: Ground) -> None:
    session, ward = ground.session, ground.wards[0]
    for ward in ground.wards:
        ward.watched = True
        assessing.assess(session, ground.now, ward)
    calibrate(session, ground.now)
    session.add(
        Kappa(at=ground.now, country_code=ward.country_code, locality_id=None, outcomes=400.0, predicted=1.0,
              unheld=9.0, held=2.0)
    )  # fmt: skip
    ground.now += 5 * WEEK
    assert calibrate(session, ground.now) == 2
    row = kappa_row(session, ward.id, ground.now)
    assert row is not None
    assert (row.held, row.unheld > 2) == (2.0, True)
    with speaking("en"):
        assert "It is held within the bounds that the local picture sets, so 2.00 is used." in kappa_sentence(
            row.held, row.unheld
        )
        assert "Nothing has been calibrated" in kappa_sentence(1.0, 1.0)
        assert "held" not in kappa_sentence(1.3, 1.3)


def test_a_local_picture_may_hold_kappa_in_other_bounds(ground: Ground) -> None:
    session, (one, two) = ground.session, ground.wards
    for ward in (one, two):
        ward.watched = True
        assessing.assess(session, ground.now, ward)
    own = profiles.draft(
        session, ground.now, one.id, {"kappa": {"low": 0.5, "high": 3}}, author_id=None, reason="x"
    )
    profiles.publish(session, ground.now, own)
    calibrate(session, ground.now)
    session.add(
        Kappa(at=ground.now, country_code=one.country_code, locality_id=None, outcomes=400.0, predicted=1.0,
              unheld=9.0, held=2.0)
    )  # fmt: skip
    ground.now += 5 * WEEK
    calibrate(session, ground.now)
    assert [kappa_at(session, ward.id, ground.now) for ward in (one, two)] == [3.0, 2.0]


def test_a_run_of_the_past_holds_kappa_as_each_week_had_it_within_the_bounds_it_tries(ground: Ground) -> None:
    session, ward = ground.session, ground.wards[0]
    ground.take_in(ground.report(0, "killing", 0, 5, 5))
    for week, unheld in enumerate((3.0, 1.5, 3.0)):
        row = Kappa(
            at=ground.now + week * WEEK, country_code=ward.country_code, locality_id=ward.id, outcomes=1.0,
            predicted=1.0, unheld=unheld, held=min(unheld, 2.0),
        )  # fmt: skip
        session.add(row)
    session.flush()
    last = ground.now + 2 * WEEK
    was = past.read(session, [ward.id], last, ())
    starter = profiles.in_force(session, ward.id).document

    def level(high: float) -> int:
        # A boundary that only a kappa above 2 passes.
        document = merged(
            starter, {"kappa": {"low": 0.5, "high": high}, "boundaries": [0.1, 0.2, 0.2999, 0.99]}
        )
        documents = dict.fromkeys(was.places, document)
        sums = Sums(was, documents)
        sums.take_in(was.known)
        return View(was, documents, sums).level(ward.id, last, 0)

    assert [unheld for _at, unheld in was.kappas[ward.id]] == [3.0, 1.5, 3.0]
    assert level(3.0) > level(2.0) > level(1.0)
