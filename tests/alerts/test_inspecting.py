"""The inspector sees what was forgotten, whoever forgot it; administrators hear of what stays; the heartbeat goes out only while nothing is."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, select, update

from alerts import inspecting
from alerts.alarm_sentences import sentence, what_to_do
from alerts.alert import Alert
from alerts.inspecting import KEYS, NO_NEXT_STEP, NOT_TOLD, STEP_LATE, Watched, faults_of
from alerts.routing import Delivery
from coordination import heartbeat
from foundation import alarms
from foundation.outbox import OutboxMessage
from tests.make import START, Town

WELL = Watched(
    "a", 7, "PK-W7", 4, 1, START + timedelta(minutes=9), False, False, True, START - timedelta(hours=1)
)


def keys(watched: Watched) -> list[str]:
    return [fault.key for fault in faults_of(watched, START)]


def test_an_alert_that_waits_for_its_next_step_is_well() -> None:
    assert keys(WELL) == []


@pytest.mark.parametrize(
    ("level", "answered", "acting", "wrong"),
    [
        (3, False, False, True),
        (3, True, False, False),
        (4, True, False, True),
        (4, True, True, False),
        (5, False, False, True),
    ],
)
def test_without_a_next_step_somebody_must_have_answered_enough(
    level: int, answered: bool, acting: bool, wrong: bool
) -> None:
    resting = replace(WELL, level=level, next_step_at=None, answered=answered, acting=acting)
    assert keys(resting) == ([NO_NEXT_STEP] if wrong else [])


@given(st.integers(-60, 600))
def test_a_step_is_late_once_its_time_is_over_by_more_than_the_grace(minutes: int) -> None:
    late = keys(replace(WELL, next_step_at=START - timedelta(minutes=minutes)))
    assert late == ([STEP_LATE] if minutes > 3 else [])


def test_whom_nobody_told_is_seen_after_the_grace() -> None:
    silent = replace(WELL, told_or_said_why=False)
    assert keys(silent) == [NOT_TOLD]
    assert keys(replace(silent, since=START - timedelta(minutes=1))) == []


def found(town: Town) -> set[str]:
    """What the inspector says now, with every other job standing still."""
    with town.session("keeper", write=True) as session:
        inspecting.inspect(session, town.clock.now())
    with town.session("keeper") as session:
        said = alarms.sounding(session)
        assert all(sentence(alarm, town.clock.now()) and what_to_do(alarm) for alarm in said)
        return {alarm.key for alarm in said if alarm.key in KEYS}


def break_alert(town: Town, **values: Any) -> None:
    with town.session("seed", write=True) as session:
        session.execute(update(Alert).values(**values))


def test_each_way_of_forgetting_an_alert_is_found_and_ends_with_it(town: Town) -> None:
    town.report()
    town.work()
    town.clock.move(minutes=5)
    assert found(town) == set()
    due = town.clock.now() + timedelta(minutes=5)
    break_alert(town, next_step_at=None)
    assert found(town) == {NO_NEXT_STEP}
    break_alert(town, next_step_at=town.clock.now() - timedelta(minutes=4))
    assert found(town) == {STEP_LATE}
    break_alert(town, next_step_at=due)
    with town.session("seed", write=True) as session:
        session.execute(delete(Delivery))
    assert found(town) == {NOT_TOLD}


def test_messages_that_stand_still_are_found_by_channel(town: Town) -> None:
    town.report()
    town.work()
    town.clock.move(minutes=20)
    long_ago = town.clock.now() - timedelta(minutes=16)
    for state, values, key in (
        ("due", {"due_at": long_ago}, "message_waits"),
        ("unknown", {"sent_at": long_ago, "lease_until": long_ago}, "outcome_unknown"),
        ("sending", {"lease_until": long_ago}, "claim_unsettled"),
    ):
        with town.session("sender", write=True) as session:
            session.execute(
                update(OutboxMessage).where(OutboxMessage.channel == "sms").values(state=state, **values)
            )
        assert key in found(town)
        assert {alarm for alarm in found(town) if alarm in inspecting.KEYS[4:7]} == {key}


def test_administrators_are_told_once_of_what_stays(town: Town) -> None:
    with town.session("keeper", write=True) as session:
        alarms.sound(
            session, town.clock.now(), "probe_lost", "sms", {"channel": "sms", "sent": START.isoformat()}
        )
    town.later(minutes=1)
    assert told(town) == []
    town.later(minutes=2)
    first = told(town)
    assert first
    assert {row.slots["alarm"] for row in first} == {"probe_lost"}
    # The line that the alarm is about does not have to announce itself, where there is another.
    assert {row.channel for row in first} == {"email"}
    town.later(minutes=30)
    assert len(told(town)) == len(first)


def told(town: Town) -> list[OutboxMessage]:
    with town.session("sender") as session:
        return list(session.scalars(select(OutboxMessage).where(OutboxMessage.template == "alarm")))


class Watcher(HTTPServer):
    """Somebody outside who waits for heartbeats."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.answer = 200
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.heard.append(self.path)
                self.send_response(outer.answer)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Keep quiet."""

        super().__init__(("127.0.0.1", 0), Handler)


@pytest.fixture
def watcher() -> Iterator[Watcher]:
    server = Watcher()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_heartbeat_goes_out_only_while_nothing_is_forgotten(town: Town, watcher: Watcher) -> None:
    url = f"http://127.0.0.1:{watcher.server_port}/ping?id=1"
    town.runtime.config = replace(town.runtime.config, heartbeat_url=url)
    heartbeat.work(town.runtime)
    assert watcher.heard == []  # nobody has looked yet
    town.report()
    town.work()
    heartbeat.work(town.runtime)
    assert watcher.heard[-1:] == ["/ping?id=1"]
    number = len(watcher.heard)
    break_alert(town, next_step_at=None)
    found(town)
    heartbeat.work(town.runtime)
    assert len(watcher.heard) == number
    break_alert(town, next_step_at=town.clock.now() + timedelta(minutes=5))
    found(town)
    watcher.answer = 500
    heartbeat.work(town.runtime)
    with town.session("keeper") as session:
        row = inspecting.last(session)
        assert row is not None
        assert row.heartbeat_error == "500"
    town.clock.move(minutes=4)
    number = len(watcher.heard)
    heartbeat.work(town.runtime)  # the inspector itself has fallen silent
    assert len(watcher.heard) == number
