"""The ladder: it climbs by its clock, each step once, and never for an alert that was answered or has ended."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from alerts import escalation
from alerts.acknowledging import acknowledge
from alerts.alert import ACTING, ANSWERS, CANNOT, CLOSED, OPEN, SEEN, Alert
from alerts.closing import close
from alerts.ladder import CLOCKS, REVIEW, STEPS, TELL, Policy, overdue, stops
from foundation.errors import Conflict, Invalid
from foundation.outbox import OutboxMessage
from tests.make import Town

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
steps = st.integers(0, 6).map(lambda n: [{"kind": TELL, "ask": [f"role{i}"]} for i in range(n)])
moments = st.timedeltas(-timedelta(days=3), timedelta(days=3)).map(lambda by: NOW + by)


@given(st.sampled_from([OPEN, CLOSED]), st.integers(0, 7), st.none() | moments, st.integers(0, 5), steps)
def test_a_step_is_due_only_when_open_waiting_and_late(
    state: str, step: int, due: datetime | None, level: int, ladder: list[dict[str, Any]]
) -> None:
    climb = overdue(NOW, state, step, due, level, Policy(steps=ladder))
    expected = state == OPEN and due is not None and due <= NOW and step < len(ladder)
    assert (climb is not None) == expected
    if climb:
        assert (climb.step, climb.rung) == (step + 1, ladder[step])
        assert (climb.next_at is None) == (climb.step == len(ladder))
        assert climb.next_at is None or climb.next_at == NOW + timedelta(minutes=CLOCKS[max(1, level)])


@given(moments, st.integers(0, 5), steps)
def test_an_ended_alert_never_climbs(due: datetime, level: int, ladder: list[dict[str, Any]]) -> None:
    assert overdue(NOW, CLOSED, 0, due, level, Policy(steps=ladder)) is None


@given(st.integers(0, 5), steps)
def test_a_ladder_is_climbed_to_its_top_once(level: int, ladder: list[dict[str, Any]]) -> None:
    step, due, now, climbed = 0, NOW, NOW, []
    for _ in range(20):
        climb = overdue(now, OPEN, step, due, level, Policy(steps=ladder))
        if climb is None:
            break
        climbed.append(climb.step)
        step, due = climb.step, climb.next_at  # type: ignore[assignment]
        now = due or now
    assert climbed == list(range(1, len(ladder) + 1))


@pytest.mark.parametrize("level", range(6))
def test_only_acting_stops_the_ladder_where_lives_are_near(level: int) -> None:
    assert stops(level, ACTING)
    assert stops(level, SEEN) == (level < 4)
    assert not stops(level, CANNOT)


def test_a_higher_level_waits_less_and_a_review_is_on_the_way() -> None:
    assert [CLOCKS[level] for level in range(1, 6)] == sorted(CLOCKS.values(), reverse=True)
    assert [step["kind"] for step in STEPS].count(REVIEW) == 1
    assert STEPS[2]["ask"] == ["police_liaison"]


def raised(town: Town) -> Any:
    """The id of an alert that a crowd raised and nobody answered."""
    town.report()
    town.report(person="member2.mardan")
    town.work()
    with town.session() as session:
        return session.scalars(select(Alert.id).where(Alert.state == OPEN)).one()


def told(town: Town) -> int:
    with town.session("sender") as session:
        return session.scalar(select(func.count()).select_from(OutboxMessage)) or 0


def answer(town: Town, key: Any, word: str, who: str = "secretary.mardan") -> Alert:
    with town.session(write=True) as session:
        alert = session.get_one(Alert, key)
        acknowledge(session, town.clock.now(), alert, town.person(session, who).id, word, "web")
        return alert


def test_nobody_answers_and_every_step_is_climbed_once(town: Town) -> None:
    key = raised(town)
    seen = []
    for _ in range(12):
        town.later(hours=4, minutes=1)
        with town.session() as session:
            seen.append(session.get_one(Alert, key).step)
    assert seen == sorted(seen)
    assert max(seen) == len(STEPS)
    with town.session() as session:
        reviews = session.scalar(select(func.count()).select_from(escalation.Escalation))
    assert reviews == 1


def test_who_acts_stops_the_ladder(town: Town) -> None:
    key = raised(town)
    assert answer(town, key, ACTING).next_step_at is None
    before = told(town)
    town.later(hours=5)
    with town.session() as session:
        assert session.get_one(Alert, key).step == 0
    assert told(town) == before


def test_who_cannot_lets_the_next_step_come_at_once(town: Town) -> None:
    key = raised(town)
    answer(town, key, CANNOT)
    town.work()
    with town.session() as session:
        assert session.get_one(Alert, key).step == 1


def test_the_same_answer_twice_is_one_answer(town: Town) -> None:
    key = raised(town)
    for _ in range(2):
        answer(town, key, SEEN)
    with town.session() as session:
        from alerts.alert import answers_of

        assert [row.answer for row in answers_of(session, key)] == [SEEN]
    with pytest.raises(Invalid):
        answer(town, key, "perhaps")
    assert set(ANSWERS) == {SEEN, ACTING, CANNOT}


def test_an_ended_alert_tells_nobody_and_takes_no_answer(town: Town) -> None:
    key = raised(town)
    with town.session(write=True) as session:
        close(
            session,
            town.clock.now(),
            session.get_one(Alert, key),
            outcome="settled",
            reason="",
            person_id=None,
        )
    town.work()
    before = told(town)
    town.later(hours=30)
    with town.session("sender") as session:
        later = session.scalars(
            select(OutboxMessage.template).order_by(OutboxMessage.created_at).offset(before)
        ).all()
    assert [template for template in later if template in ("alert", "escalation")] == []
    with pytest.raises(Conflict):
        answer(town, key, ACTING)


def test_two_schedulers_climb_one_step_once(town: Town) -> None:
    key = raised(town)
    town.clock.move(hours=4, minutes=1)
    start, climbed = threading.Barrier(2), []

    def climb() -> None:
        start.wait(30)
        with town.session("engine", write=True) as session:
            climbed.append(escalation.climb_due(session, town.clock.now(), town.runtime.rng))

    threads = [threading.Thread(target=climb) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(climbed) == [0, 1]
    with town.session() as session:
        assert session.get_one(Alert, key).step == 1
