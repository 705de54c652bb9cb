"""A place whose picture has lost its ground, or whose scoring fails, stops no other place; a run that cannot be kept stops no other run."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from alerts import assessing, engine, replay_runs, reweighing
from alerts.evidence import RiskState
from alerts.replay_runs import ReplayRun
from committees import profiles
from committees.incidents import Incident
from committees.places import by_code
from committees.profiles import Profile
from coordination import local_picture
from coordination.jobs import JOBS
from coordination.ticking import Ticker
from tests.make import WARD, Town

TOWN, OTHER_WARD = "PK-KP-MARDAN", "PK-KP-PESHAWAR-W3"


def in_force(town: Town, code: str, document: dict[str, Any]) -> None:
    with town.session("seed", write=True) as session:
        made = profiles.draft(
            session, town.clock.now(), by_code(session, code).id, document, author_id=None, reason="x"
        )
        profiles.publish(session, town.clock.now(), made)


def waiting(town: Town) -> int:
    with town.session("engine") as session:
        return len(session.scalars(select(Incident.id).where(Incident.pending)).all())


def test_a_change_of_what_is_switched_off_above_leaves_the_place_with_what_still_stands(town: Town) -> None:
    """Each picture was right when it was approved; the town took away later what its ward had only changed."""
    gone = {"triggers": "procession", "indicators": "shared_markets", "threats": "street_drugs_money"}
    bent = {"triggers": {"term": 0.01}, "indicators": {"seen": 0.0}, "threats": {"note": "Since the fair"}}
    own = {part: [{"key": key, **bent[part]}] for part, key in gone.items()}
    with town.session() as session:
        local_picture.check_for(session, by_code(session, WARD), own)
    in_force(town, WARD, own)
    in_force(town, TOWN, {part: [{"key": key, "off": True}] for part, key in gone.items()})
    town.report()
    town.work()
    assert waiting(town) == 0
    with town.session("engine") as session:
        ward = by_code(session, WARD)
        document = profiles.in_force(session, ward.id, town.clock.now()).document
        for part, key in gone.items():
            assert key not in {row["key"] for row in document[part]}
        assert session.get_one(RiskState, ward.id).assessed_at == town.clock.now()
    page = town.browser("secretary.mardan").open(f"/place/{WARD}")
    assert "Ward 7" in page


def fails_at(ward: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The scoring of one place fails, as any fault of ours would make it."""
    right = assessing.assess

    def assess(session: Any, now: Any, place: Any, survey: Any) -> Any:
        if place.code == ward:
            raise ZeroDivisionError
        return right(session, now, place, survey)

    monkeypatch.setattr(assessing, "assess", assess)


def one_round(town: Town, *names: str) -> None:
    """What the ticker does: a job that fails is logged and holds up no other job."""
    ticker = Ticker(town.runtime)
    ticker.holder = "the one process of this test"
    ticker.keep_lead()
    for job in JOBS:
        if job.name in names:
            ticker._try(job)


def test_a_place_that_cannot_be_scored_holds_up_no_other(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        fails_at(WARD, patch)
        town.report()
        town.clock.move(seconds=1)
        town.report("member2.peshawar", OTHER_WARD)
        one_round(town, "score_pending")
        with town.session("engine") as session:
            bad, good = (session.get_one(RiskState, by_code(session, code).id) for code in (WARD, OTHER_WARD))
            assert (good.assessed_at, good.due) == (town.clock.now(), False)
            assert bad.due  # its sums hold what was reported; only its level waits
            assert bad.fast > 0
        assert waiting(town) == 0
        town.clock.move(hours=7)
        one_round(town, "reassess_stale")
        with town.session("engine") as session:
            good = session.get_one(RiskState, by_code(session, OTHER_WARD).id)
            assert good.assessed_at == town.clock.now()
    town.later(minutes=2)
    with town.session("engine") as session:
        bad = session.get_one(RiskState, by_code(session, WARD).id)
        assert (bad.assessed_at, bad.due) == (town.clock.now(), False)


def test_a_version_that_cannot_be_taken_up_holds_up_no_other(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_force(town, WARD, {"multipliers": {"rumour": 1.2}})
    in_force(town, OTHER_WARD, {"multipliers": {"rumour": 1.3}})
    with town.session() as session:
        bad = by_code(session, WARD).id
    right = reweighing.reweigh

    def reweigh(session: Any, now: Any, place_ids: Any) -> None:
        if bad in place_ids:
            raise ZeroDivisionError
        right(session, now, place_ids)

    monkeypatch.setattr(reweighing, "reweigh", reweigh)
    one_round(town, "take_up_profiles")
    with town.session("engine") as session:
        rows = session.scalars(select(Profile).where(Profile.state == profiles.IN_FORCE))
        taken = {row.locality_id: row.taken_up_at is not None for row in rows}
        assert taken == {bad: False, by_code(session, OTHER_WARD).id: True}


def test_a_run_whose_result_cannot_be_kept_is_given_up_and_the_next_one_done(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    with town.session("seed", write=True) as session:
        place, person = by_code(session, TOWN), town.person(session, "secretary.mardan")
        for number in range(2):
            replay_runs.ask(
                session,
                town.clock.now() + timedelta(minutes=number),
                key=UUID(int=number),
                locality_id=place.id,
                person_id=person.id,
                role="secretary",
                change={"kind": "document"},
                document={},
                months=6,
            )
    right = replay_runs.outcome

    def outcome(parts: Any, period: Any) -> Any:
        if calls.pop():
            raise ZeroDivisionError
        return right(parts, period)

    calls = [False, True]
    monkeypatch.setattr(replay_runs, "outcome", outcome)
    for _ in range(6):
        one_round(town, "replay")
    with town.session("engine") as session:
        states = {row.id.int: row.state for row in session.scalars(select(ReplayRun))}
        assert states == {0: "failed", 1: "done"}


def test_stale_places_are_looked_at_in_batches_within_their_time(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = next(job for job in JOBS if job.name == "reassess_stale")
    in_six_hours = engine.MOST_STALE * engine.STALE.total_seconds() / job.every
    assert in_six_hours >= 300_000, (
        "a country that became stale at once is looked at before it is stale again"
    )
    monkeypatch.setattr(engine, "BATCH", 3)
    town.clock.move(hours=7)
    with town.session("engine") as session:
        watched = len(engine.stale(session, town.clock.now(), 1_000))
    monkeypatch.setattr(engine, "MOST_STALE", 7)
    assert watched > 7
    assert job.work(town.runtime) == 7
    with town.session("engine", write=True) as session:
        assert len(engine.stale(session, town.clock.now(), 1_000)) == watched - 7
        due = session.scalars(select(RiskState).where(RiskState.assessed_at < town.clock.now())).first()
        assert due
        due.due, key = True, due.locality_id
    with town.session("engine") as session:
        found = engine.stale(session, town.clock.now(), 1)
        assert (found[0], len(found)) == (key, 2), "what is due comes first, and the others all the same"
