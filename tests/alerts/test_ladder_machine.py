"""The ladder under any order of answers, rises, time and ends: each step once a level, nobody after the end, nobody who was left out.

Hypothesis drives real rows in one transaction that is never kept, with a clock that moves only when it says so. It begins
at level 3: what waits for the evening's digest climbs no ladder.
"""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import func, select

from alerts import asking_again, closing, escalation, routing
from alerts.acknowledging import acknowledge, must_answer, said_of
from alerts.alert import ACTING, ANSWERS, OPEN, Alert, begin_round
from alerts.ladder import LOCAL, NATIONAL, SIDE_OF, is_wanted, stops
from alerts.outlook import outlook_of
from alerts.policies import EscalationPolicy, ladder_of
from alerts.routing import Delivery
from alerts.rungs import asked_on, sides_of
from committees.places import by_code, town_of
from foundation.outbox import OutboxMessage
from foundation.policy import kept_from, service
from tests.make import START, WARD, Town

PEOPLE = (
    "secretary.mardan",
    "chair.mardan",
    "city.mardan",
    "district.mardan",
    "police.mardan",
    "national.pk",
)
STEPS: list[dict[str, Any]] = [
    {"kind": "tell", "ask": ["chair", "city_officer"], "after": {"5": 5}},
    {"kind": "tell", "ask": ["district_administration"]},
    {"kind": "tell", "offices": ["NO-SUCH-OFFICE"], "ask": []},
    {"kind": "review", "ask": ["police_liaison"]},
    {"kind": "tell", "ask": ["oversight", "national_contact"]},
]


class Ladder(RuleBasedStateMachine):
    """One alert, its people, and what must hold after each thing that can happen."""

    town: Town

    @initialize(
        must=st.sampled_from([[], [LOCAL, NATIONAL]]),
        withheld=st.sampled_from(["", "police"]),
        level=st.integers(3, 4),
    )
    def begin(self, must: list[str], withheld: str, level: int) -> None:
        self.now, self.rng, self.climbed, self.before = START, random.Random(1), set[tuple[int, int]](), 0
        self.opened = self.town.runtime.worker.open(service("engine"), write=True)
        self.session = self.opened.__enter__()
        ward = by_code(self.session, WARD)
        self.session.add(
            EscalationPolicy(
                code="machine", locality_id=ward.id, threat="*", clocks={}, steps=STEPS, must_answer=must
            )
        )
        self.alert = Alert(
            number=999, locality_id=ward.id, town_id=town_of(self.session, ward).id, threat="*", rule="crowd_now",
            what="angry_crowd", sure="confirmed", level=level, withheld_from=withheld, opened_at=self.now,
            ends_at=self.now + timedelta(days=9), evidence=[],
        )  # fmt: skip
        self.session.add(self.alert)
        self.session.flush()
        self.tell()

    def tell(self) -> None:
        routing.tell(self.session, self.now, self.rng, self.alert, ("secretary",), clock=240)
        told = {SIDE_OF.get(row.role) for row in self.told() if row.step == 0}
        policy = ladder_of(self.session, self.alert)
        assert set(must_answer(self.session, self.alert, policy)) <= told, (
            "each side that must answer is asked"
        )

    def told(self) -> list[Delivery]:
        rows = select(Delivery).where(
            Delivery.alert_id == self.alert.id, Delivery.revision == self.alert.revision
        )
        return list(self.session.scalars(rows))

    def messages(self) -> int:
        return self.session.scalar(select(func.count()).select_from(OutboxMessage)) or 0

    @property
    def is_open(self) -> bool:
        return self.alert.state == OPEN

    @precondition(lambda self: self.is_open)
    @rule(who=st.sampled_from(PEOPLE), word=st.sampled_from(ANSWERS))
    def answer(self, who: str, word: str) -> None:
        person = self.town.person(self.session, who)
        acknowledge(self.session, self.now, self.alert, person.id, word, "page")

    @rule(minutes=st.sampled_from([0, 4, 10, 31, 125, 725, 1441]))
    def time_passes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @rule()
    def jobs_run(self) -> None:
        was, step = self.messages(), self.alert.step
        said, level = said_of(self.alert), self.alert.level
        escalation.climb_due(self.session, self.now, self.rng)
        if self.alert.step != step:
            self.one_step(step, said, level)
        asking_again.ask_again(self.session, self.now, self.rng)
        if not self.is_open:
            assert self.messages() == was, "an ended alert never notifies"

    def one_step(self, step: int, said: Any, level: int) -> None:
        assert self.alert.step == step + 1, "no step is skipped"
        key = (self.alert.revision, self.alert.step)
        assert key not in self.climbed, "each step at most once per level"
        self.climbed.add(key)
        policy = ladder_of(self.session, self.alert)
        to = asked_on(self.session, self.alert, policy.steps[step])
        if to and is_wanted(sides_of(to), level, said, must_answer(self.session, self.alert, policy)):
            reached = {row.person_id for row in self.told() if row.step == self.alert.step}
            assert {receiver.person.id for receiver in to} <= reached, "whoever is on a step is asked"

    @precondition(lambda self: self.is_open and self.alert.level < 5)
    @rule()
    def the_level_rises(self) -> None:
        self.alert.level, self.alert.revision, self.alert.step = (
            self.alert.level + 1,
            self.alert.revision + 1,
            0,
        )
        begin_round(self.alert)
        self.session.flush()
        self.tell()

    @precondition(lambda self: self.is_open and self.now > START + timedelta(hours=1))
    @rule()
    def it_ends(self) -> None:
        closing.close(self.session, self.now, self.alert, outcome="settled", reason="", person_id=None)

    @invariant()
    def only_what_is_enough_stops_the_ladder(self) -> None:
        if not hasattr(self, "alert") or not self.is_open or self.alert.next_step_at:
            return
        policy, said = ladder_of(self.session, self.alert), said_of(self.alert)
        if self.alert.step >= len(policy.steps):
            return
        enough = [one for one in said if stops(self.alert.level, one.answer)]
        assert enough, "nothing stops a ladder by itself"
        assert self.alert.level < 4 or all(one.answer == ACTING for one in enough)
        must = set(must_answer(self.session, self.alert, policy))
        assert must <= {one.side for one in enough}, "each side that must answer has"

    @invariant()
    def nobody_who_was_left_out_is_ever_told_or_named(self) -> None:
        if not hasattr(self, "alert"):
            return
        withheld = self.alert.withheld_from
        assert not [row.role for row in self.told() if kept_from(row.role, withheld)]
        found = outlook_of(self.session, self.now, self.alert)
        assert all(one.at >= self.now for one in found.next), "no time in the past"
        assert not [role for one in found.next for role in one.roles if kept_from(role, withheld)]
        assert [one.step for one in found.next] == sorted({one.step for one in found.next})
        if self.alert.step >= len(STEPS) or not self.is_open:
            assert found.next == (), "after the last step nobody is next"

    def teardown(self) -> None:
        if hasattr(self, "session"):
            self.session.rollback()
            self.opened.__exit__(None, None, None)


def drive(town: Town, examples: int) -> None:
    Ladder.town = town
    run_state_machine_as_test(
        Ladder, settings=settings(max_examples=examples, stateful_step_count=20, deadline=None)
    )


def test_any_order_of_things_keeps_the_promises_of_the_ladder(town: Town) -> None:
    drive(town, 6)


@pytest.mark.long
def test_many_more_orders_of_things(town: Town) -> None:
    drive(town, 300)
