"""A test message goes out and its automatic answer comes back in: measured; one that is lost alarms the administrator by another channel."""

from __future__ import annotations

import re
from dataclasses import replace

from sqlalchemy import select

from foundation.outbox import OutboxMessage
from tests.rig.town import WiredTown

OURS = "+923001110000"


def watched(town: WiredTown) -> WiredTown:
    town.runtime.config = replace(town.runtime.config, probe_to=(OURS,), probe_minutes=15)
    return town


def test_the_round_trip_is_measured_and_a_lost_one_is_told_by_another_channel(wired_town: WiredTown) -> None:
    town = watched(wired_town)
    town.work()
    code = re.findall(r"\d{6}", town.last(OURS))[0]
    town.clock.move(seconds=7)
    town.text(OURS, f"Auto: {code}")
    town.work()
    page = town.browser("admin").open("/admin")
    assert "came back in 7 seconds" in page
    town.later(minutes=16)
    assert len(town.heard(OURS)) == 2  # the next test, and no answer to an answer
    town.later(minutes=6)
    town.later(minutes=3)
    with town.session("sender") as session:
        told = session.scalars(select(OutboxMessage).where(OutboxMessage.template == "alarm")).all()
        assert {row.slots["alarm"] for row in told} == {"probe_lost"}
        assert {row.channel for row in told} == {"email"}
    assert "did not come back" in town.browser("admin").open("/admin")
    code = re.findall(r"\d{6}", town.last(OURS))[0]
    town.text(OURS, f"Auto: {code}")
    town.work()
    assert "did not come back" not in town.browser("admin").open("/admin")
