"""Silences, digests, grouping and the alert of the place above, in any order: nobody at levels 4-5 waits, nobody is left or told twice.

Hypothesis drives real rows in one transaction that is never kept, with a clock that moves only when it says so. Each of these was put
into the code and seen red:

- what waits leaves no more: a silence's end, its lifting, the end of the alert above, the hour of the digest or of a group is forgotten;
- it waits for the wrong thing: the alert of a ward beside it, of a lesser level, a silence of another place, a digest for level 3;
- it leaves though it must not: levels 4 and 5 wait, a proposed Severe waits, a warning goes out after the end or twice;
- it is lost: a row of a digest or of a group has no message, or is called told where nothing was;
- the end: nobody hears it, somebody hears it who was never told, or hears it twice; a lowering without word.
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
from alerts.holding import COVERED, DIGEST, GROUP, SILENCE
from alerts.rule_messages import MESSAGES
from alerts.silences import Silence
from alerts.told import GOT, HELD, TOLD, Delivery
from committees.places import Locality, by_code, town_of
from coordination import closing_alerts
from foundation.outbox import OutboxMessage
from foundation.policy import service
from tests.make import START, Town

TOWN = "PK-KP-MARDAN"
W3, W5, W7 = (f"{TOWN}-W{number}" for number in (3, 5, 7))
PLACES = (TOWN, W3, W5, W7)
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
    def it_opens_or_rises(self, code: str, level: int, proposed: bool = False) -> None:
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
        waits = [row for row in self.rows(alert) if row.state == HELD and row.template in MESSAGES]
        assert {row.revision for row in waits} <= {alert.revision}, (
            "what waited at the level before waits no more"
        )

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
    def a_silence_is_made(self, code: str, hours: int, most: int = silences.ORDINARY) -> None:
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
        self.all_that_waits_has_its_cause()

    @rule()
    def messages_leave(self) -> None:
        rows = select(Delivery, OutboxMessage).join(OutboxMessage, OutboxMessage.id == Delivery.outbox_id)
        for delivery, message in self.session.execute(rows.where(Delivery.state == "due")).all():
            message.state = delivery.state = "sent"
        self.session.flush()

    @precondition(lambda self: self.alerts)
    @rule(data=st.data(), to=st.integers(1, 4))
    def it_is_lowered(self, data: st.DataObject, to: int) -> None:
        self.lower(data.draw(st.sampled_from(sorted(self.alerts))), to)

    def lower(self, code: str, to: int) -> None:
        alert = self.alerts[code]
        if to >= alert.level:
            return
        was, told = alert.level, self.told(alert)
        closing_alerts._lower(self.session, self.now, alert, to, "city_officer")
        closing.tell_lowered(self.session, self.now, self.rng, alert, was)
        self.heard(alert, told)

    @precondition(lambda self: self.alerts)
    @rule(data=st.data(), outcome=st.sampled_from(["settled", "not_true"]), late=st.booleans())
    def it_ends(self, data: st.DataObject, outcome: str, late: bool) -> None:
        self.end(data.draw(st.sampled_from(sorted(self.alerts))), outcome, late)

    def end(self, code: str, outcome: str = "settled", late: bool = False) -> None:
        """It ends; `late`: the worker that says so comes after the other jobs."""
        alert = self.alerts.pop(code)
        told = self.told(alert)
        self.now += timedelta(minutes=1)  # what was told of a lowering is not the end
        closing.close(self.session, self.now, alert, outcome=outcome, reason="", person_id=None)
        if late:
            before = sum(row.state in SENT for row in self.rows(alert))
            self.jobs_run()
            after = sum(row.state in SENT for row in self.rows(alert))
            assert after == before, "nobody is warned of what has ended"
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

    def all_that_waits_has_its_cause(self) -> None:
        """Just after the jobs: whatever is held waits for something that is there, and nobody is lost."""
        for code, alert in self.alerts.items():
            rows = [
                row for row in self.rows(alert) if row.template in MESSAGES and row.revision == alert.revision
            ]
            told = {row.person_id for row in rows if row.state in SENT}
            for row in rows:
                if row.state == HELD:
                    assert self.may_wait(code, alert, row), (row.held_by, row.held_until, alert.level)
                elif row.state in SENT:
                    message = self.session.get_one(OutboxMessage, row.outbox_id)
                    assert message.state != "cancelled", "a message stands behind what is told"
                else:
                    assert (row.why_not, row.person_id in told) == (TOLD, True), "nobody is left out"

    def may_wait(self, code: str, alert: Alert, row: Delivery) -> bool:
        """Whether what a row says that it waits for is there, of this place, and good for its level."""
        if row.held_by == DIGEST:
            assert row.held_until
            return alert.level <= 2 and self.now < row.held_until <= self.now + timedelta(days=1)
        if row.held_by == GROUP:
            assert row.held_until
            return alert.level == 3 and self.now < row.held_until <= self.now + timedelta(minutes=10)
        if row.held_by == SILENCE:
            silence = self.session.get_one(Silence, row.held_which)
            where = self.session.get_one(Locality, silence.locality_id).code
            here = f"{code}-".startswith(f"{where}-")
            return here and silence.holds_at(self.now) and alert.level <= silence.max_level
        assert row.held_by == COVERED
        above = self.session.get_one(Alert, row.held_which)
        where = self.session.get_one(Locality, above.locality_id).code
        heard = {one.person_id for one in self.rows(above) if one.state in (*SENT, HELD)}
        stands = above.state == OPEN and above.level >= alert.level
        return code.startswith(f"{where}-") and stands and row.person_id in heard

    def teardown(self) -> None:
        if hasattr(self, "session"):
            try:
                self.nobody_is_left()
            finally:
                self.session.rollback()
                self.opened.__exit__(None, None, None)

    def nobody_is_left(self) -> None:
        """After every silence nothing waits but for the alert above, and everybody who was told of what ended has had the end, once."""
        self.now += timedelta(hours=31)
        self.jobs_run()
        for alert in self.alerts.values():
            waits = {
                row.held_by for row in self.rows(alert) if row.state == HELD and row.template in MESSAGES
            }
            assert waits <= {COVERED}, "each was told"
        for alert, people in self.over:
            rows = [row for row in self.rows(alert) if row.revision == alert.revision]
            assert not [row for row in rows if row.state == HELD]
            ends = [
                row
                for row in rows
                if row.template in AFTER
                and row.state in SENT
                and alert.closed_at
                and row.at >= alert.closed_at
            ]
            assert {row.person_id for row in ends} == people
            assert len({(row.person_id, row.channel) for row in ends}) == len(ends), "the end is said once"


Step = tuple[Any, ...]
silent, opens, lifted, passes = (
    Waiting.a_silence_is_made,
    Waiting.it_opens_or_rises,
    Waiting.a_silence_is_lifted,
    Waiting.time_passes,
)
jobs, leave, lower, ends = Waiting.jobs_run, Waiting.messages_leave, Waiting.lower, Waiting.end


def told(code: str, level: int) -> list[Step]:
    """An alert opens and its messages leave."""
    return [(opens, code, level), (jobs,), (leave,)]


#: Orders in which one thing each has gone wrong, or would: chance alone finds them too seldom.
ORDERS: dict[str, list[Step]] = {
    "a silence ends": [(silent, W7, 1), (opens, W7, 3), (passes, 61), (jobs,), (leave,), (ends, W7)],
    "it ends after the next step": [(silent, W7, 1), (opens, W7, 3), (passes, 125), (jobs,), (leave,)],
    "a silence is lifted": [(silent, W7, 30), (opens, W7, 3), (lifted,), (jobs,), (leave,), (ends, W7)],
    "a silence of elsewhere": [(silent, W3, 30), (opens, W7, 3), (jobs,)],
    "a silence of one person": [(silent, TOWN, 30), (opens, W7, 4), (jobs,)],
    "a silence and Severe": [(silent, TOWN, 30, silences.HIGH), (opens, W7, 4, True), (jobs,)],
    "it rises under a silence": [(silent, W7, 30), (opens, W7, 3), (opens, W7, 4), (jobs,), (leave,)],
    "it ends under a silence": [(silent, W7, 1), (opens, W7, 3), (passes, 61), (ends, W7, "settled", True)],
    "the alert above ends": [*told(TOWN, 3), (opens, W7, 3), (jobs,), (ends, TOWN), (jobs,), (leave,)],
    "the alert above sinks": [*told(TOWN, 3), (opens, W7, 3), (jobs,), (lower, TOWN, 1), (jobs,)],
    "a lesser one above": [(opens, TOWN, 2), (passes, 725), (jobs,), (leave,), (opens, W7, 3), (jobs,)],
    "a graver one below": [*told(TOWN, 3), (opens, W7, 4), (jobs,)],
    "the ward beside it": [*told(W3, 3), (passes, 1), (opens, W7, 3), (jobs,), (passes, 11), (jobs,)],
    "three wards": [*told(W3, 3), (passes, 1), (opens, W5, 3), (opens, W7, 3), (passes, 11), (jobs,), (leave,)],
    "a digest": [(opens, W7, 2), (jobs,), (passes, 725), (jobs,), (leave,), (ends, W7)],
    "a digest that is not sent": [(opens, W7, 2), (ends, W7, "settled", True), (passes, 725), (jobs,)],
    "it is lowered": [*told(W7, 4), (lower, W7, 2), (leave,), (ends, W7)],
    "it was not true": [*told(W7, 4), (ends, W7, "not_true")],
}  # fmt: skip


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_orders_in_which_it_would_go_wrong(town: Town) -> None:
    Waiting.town = town
    for name, steps in ORDERS.items():
        machine = Waiting()
        try:
            machine.begin()
            for act, *how in steps:
                act(machine, *how)
                machine.nobody_waits_from_level_4_on_but_for_a_silence_of_two_persons()
                machine.nothing_that_waited_is_told_twice()
            machine.teardown()
        except Exception as wrong:
            wrong.add_note(f"In the order: {name}")
            raise


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
