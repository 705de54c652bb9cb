"""Silences, digests, grouping and the alert of the place above, in any order: nobody at levels 4-5 waits, nobody is left or told twice.

Hypothesis drives real rows in one transaction that is never kept, with a clock that moves only when it says so.
"""

from __future__ import annotations

import random
import uuid
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select

from alerts import closing, escalation, releasing, routing, silences
from alerts.alert import OPEN, WHOLE, Alert, begin_round
from alerts.rule_messages import MESSAGES
from alerts.silences import Silence
from alerts.told import GOT, HELD, Delivery
from committees.places import by_code, town_of
from coordination import closing_alerts
from foundation.outbox import OutboxMessage
from foundation.policy import service
from tests.make import START, Town

TOWN = "PK-KP-MARDAN"
PLACES = (TOWN, f"{TOWN}-W3", f"{TOWN}-W7")
ROLES = ("secretary", "city_officer")
SENT = (*GOT, "due")
AFTER = (closing.LEVEL_LOWERED, closing.CORRECTION)
place = st.sampled_from(PLACES)


class Waiting(RuleBasedStateMachine):
    """One open alert a place at most, whoever is told of them, and what must hold after each thing that can happen."""

    town: Town

    @initialize()
    def begin(self) -> None:
        self.now, self.rng, self.made = START, random.Random(1), 0
        self.opened = self.town.runtime.worker.open(service("engine"), write=True)
        self.session = self.opened.__enter__()
        self.alerts: dict[str, Alert] = {}
        self.silences: list[Silence] = []
        self.over: list[tuple[Alert, set[uuid.UUID]]] = []
        for row in self.session.scalars(select(Alert).where(Alert.state == OPEN)):
            row.state = "closed"  # what the seed has is not looked at
        self.two = [self.town.person(self.session, who).id for who in ("city.mardan", "chair.mardan")]

    @rule(code=place, level=st.integers(1, 4), proposed=st.booleans())
    def it_opens_or_rises(self, code: str, level: int, proposed: bool) -> None:
        alert = self.alerts.get(code)
        if alert is None:
            alert = self.alerts[code] = self.new(code, level)
        elif alert.level < 5:
            alert.level, alert.revision, alert.step = alert.level + 1, alert.revision + 1, 0
            begin_round(alert)
        else:
            return
        alert.proposed = 5 if proposed and alert.level == 4 else None
        self.session.flush()
        routing.tell(self.session, self.now, self.rng, alert, ROLES, clock=30)

    def new(self, code: str, level: int) -> Alert:
        where = by_code(self.session, code)
        self.made += 1
        alert = Alert(
            number=900 + self.made, locality_id=where.id, town_id=town_of(self.session, where).id, threat=WHOLE,
            rule="crowd_now", what="angry_crowd", sure="several", level=level, opened_at=self.now,
            ends_at=self.now + timedelta(days=9), evidence=[],
        )  # fmt: skip
        self.session.add(alert)
        self.session.flush()
        return alert

    @rule(
        hours=st.sampled_from([1, 30]), most=st.sampled_from([silences.ORDINARY, silences.HIGH]), code=place
    )
    def a_silence_is_made(self, hours: int, most: int, code: str) -> None:
        row, _asked = silences.make(
            self.session, self.now, key=uuid.UUID(int=self.rng.getrandbits(128)), threat=WHOLE, reason="A talk",
            locality_id=by_code(self.session, code).id, ends_at=self.now + timedelta(hours=hours),
            person_id=self.two[0], role="city_officer",
        )  # fmt: skip
        row.max_level = most  # the second person agreed
        self.session.flush()
        self.silences.append(row)

    @precondition(lambda self: any(row.holds_at(self.now) for row in self.silences))
    @rule()
    def a_silence_is_lifted(self) -> None:
        row = next(row for row in self.silences if row.holds_at(self.now))
        silences.lift(self.session, self.now, row, self.two[0])

    @rule(minutes=st.sampled_from([1, 11, 35, 125, 725]))
    def time_passes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @rule()
    def jobs_run(self) -> None:
        escalation.climb_due(self.session, self.now, self.rng)
        releasing.release(self.session, self.now, self.rng)

    @rule()
    def messages_leave(self) -> None:
        rows = select(Delivery, OutboxMessage).join(OutboxMessage, OutboxMessage.id == Delivery.outbox_id)
        for delivery, message in self.session.execute(rows.where(Delivery.state == "due")).all():
            message.state = delivery.state = "sent"
        self.session.flush()

    @precondition(lambda self: self.alerts)
    @rule(data=st.data(), to=st.integers(1, 4))
    def it_is_lowered(self, data: st.DataObject, to: int) -> None:
        alert = self.alerts[data.draw(st.sampled_from(sorted(self.alerts)))]
        if to >= alert.level:
            return
        was, told = alert.level, self.told(alert)
        closing_alerts._lower(self.session, self.now, alert, to, "city_officer")
        closing.tell_lowered(self.session, self.now, self.rng, alert, was)
        self.heard(alert, told)

    @precondition(lambda self: self.alerts)
    @rule(data=st.data(), outcome=st.sampled_from(["settled", "not_true"]))
    def it_ends(self, data: st.DataObject, outcome: str) -> None:
        alert = self.alerts.pop(data.draw(st.sampled_from(sorted(self.alerts))))
        told = self.told(alert)
        closing.close(self.session, self.now, alert, outcome=outcome, reason="", person_id=None)
        closing.tell_ended(self.session, self.now, self.rng, alert)
        self.heard(alert, told)
        self.over.append((alert, told[0]))
        waits = [row for row in self.rows(alert) if row.state == HELD and row.template in MESSAGES]
        assert not waits, "no warning waits after the end"

    def rows(self, alert: Alert) -> list[Delivery]:
        return list(self.session.scalars(select(Delivery).where(Delivery.alert_id == alert.id)))

    def told(self, alert: Alert) -> tuple[set[uuid.UUID], set[uuid.UUID]]:
        """Who was told of an alert so far, and the rows that there are."""
        rows = self.rows(alert)
        return {row.person_id for row in rows if row.state in GOT}, {row.id for row in rows}

    def heard(self, alert: Alert, before: tuple[set[uuid.UUID], set[uuid.UUID]]) -> None:
        people, known = before
        new = Counter(
            row.person_id for row in self.rows(alert) if row.template in AFTER and row.id not in known
        )
        assert set(new) == people, "exactly those who were told hear how it went on"

    @invariant()
    def nobody_waits_from_level_4_on_but_for_a_silence_of_two_persons(self) -> None:
        for alert in getattr(self, "alerts", {}).values():
            for row in self.rows(alert):
                if alert.level < 4 or row.state != HELD or row.revision != alert.revision:
                    continue
                if row.template not in MESSAGES:
                    continue
                assert row.held_by == "silence", "only a silence"
                assert (alert.level, alert.proposed) == (4, None), "never what is or may be Severe"
                assert self.session.get_one(Silence, row.held_which).max_level == 4, "that two persons made"

    @invariant()
    def nothing_that_waited_is_told_twice(self) -> None:
        for alert in getattr(self, "alerts", {}).values():
            said: dict[tuple[uuid.UUID, int], list[Delivery]] = {}
            for row in self.rows(alert):
                if row.template in MESSAGES and row.state in SENT:
                    said.setdefault((row.person_id, row.revision), []).append(row)
            for rows in said.values():
                for waited in [row for row in rows if row.held_by]:
                    before = [row for row in rows if row.id != waited.id and row.at <= waited.at]
                    assert not [row for row in before if row.step != waited.step], (
                        "asked meanwhile: not again"
                    )

    def teardown(self) -> None:
        if hasattr(self, "session"):
            try:
                self.nobody_is_left()
            finally:
                self.session.rollback()
                self.opened.__exit__(None, None, None)

    def nobody_is_left(self) -> None:
        """A day later nothing of what ended waits, and everybody who was told has had the end, once."""
        self.now += timedelta(hours=25)
        releasing.release(self.session, self.now, self.rng)
        for alert, people in self.over:
            rows = [row for row in self.rows(alert) if row.revision == alert.revision]
            assert not [row for row in rows if row.state == HELD]
            ends = [
                row
                for row in rows
                if row.template in AFTER and row.state in SENT and row.at >= alert.closed_at
            ]
            assert {row.person_id for row in ends} == people
            assert len({(row.person_id, row.channel) for row in ends}) == len(ends), "the end is said once"


def drive(town: Town, examples: int, **more: Any) -> None:
    Waiting.town = town
    kept = settings(max_examples=examples, stateful_step_count=12, deadline=None, **more)
    run_state_machine_as_test(Waiting, settings=kept)


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_whatever_waits_keeps_its_promises_in_any_order(town: Town) -> None:
    # The same orders each time, and none of them made smaller: that takes minutes. The long form looks for new ones.
    drive(town, 6, derandomize=True, phases=[Phase.generate], report_multiple_bugs=False)


@pytest.mark.long
def test_many_more_orders(town: Town) -> None:
    drive(town, 300)
