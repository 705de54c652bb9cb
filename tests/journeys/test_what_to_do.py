"""What to do comes as a second SMS, right behind an alert of level 4 or 5: once for each level, never before it, and to nobody else."""

from __future__ import annotations

import random
from datetime import timedelta

from sqlalchemy import func, select

from alerts import closing, severe, what_to_do
from alerts.alert import Alert
from alerts.told import Delivery
from foundation.outbox import OutboxMessage
from tests.journeys.test_who_is_told_when import CITY, only_office, raised, ward
from tests.rig.town import WiredTown

ADVICE = what_to_do.WHAT_TO_DO


def written(town: WiredTown, state: str | None = None) -> int:
    rows = select(func.count(OutboxMessage.id)).where(OutboxMessage.template == what_to_do.WHAT_TO_DO)
    with town.session() as session:
        return session.scalar(rows if state is None else rows.where(OutboxMessage.state == state)) or 0


def test_it_follows_the_alert_at_once_and_once_for_each_level(wired_town: WiredTown) -> None:
    town = wired_town
    only_office(town)
    (key,) = raised(town, (ward(1), 4))
    assert written(town) == 0, "nothing is written before the alert has left"
    town.work()
    assert town.templates(CITY) == ["alert", ADVICE]
    assert town.last(CITY).endswith("15"), "the emergency number of the country"
    letters = [letter for letter in town.mail.letters if letter.to == town.address(CITY, "email")]
    assert len(letters) == 1, "a letter has room for everything"
    town.later(minutes=1)
    assert town.templates(CITY) == ["alert", ADVICE]
    with town.session("engine", write=True) as session:
        alert = session.get_one(Alert, key)
        alert.proposed = severe.SEVERE
        session.flush()
        severe.confirm(session, town.clock.now(), alert, "chair")
    town.work()
    assert town.templates(CITY) == ["alert", ADVICE] * 2
    with town.session() as session:
        rows = select(Delivery).where(Delivery.template == what_to_do.WHAT_TO_DO)
        assert {(row.reason, row.revision) for row in session.scalars(rows)} == {
            (what_to_do.BEHIND, 1),
            (what_to_do.BEHIND, 2),
        }
    page = town.browser("chair.mardan").open(f"/a/{key}")
    assert "1 person was sent what to do" in page


def test_it_never_goes_without_the_alert_nor_after_its_end(wired_town: WiredTown) -> None:
    town = wired_town
    only_office(town)
    raised(town, (ward(1), 3))
    town.work()
    assert written(town) == 0
    town.twilio.go_down()
    raised(town, (ward(2), 4))
    town.work()
    assert written(town) == 0, "the alert has not left yet"
    town.twilio.come_back()
    town.later(minutes=1)
    assert town.templates(CITY) == ["alert", "alert", ADVICE]
    (key,) = raised(town, (ward(3), 4))
    town.runtime.sender.drain()
    with town.session("engine", write=True) as session:
        assert what_to_do.send_behind(session, town.clock.now(), random.Random(1)) == 1
        row = session.get_one(Alert, key)
        closing.close(session, town.clock.now(), row, outcome="settled", reason="", person_id=None)
    town.work()
    assert written(town, "cancelled") == 1
    assert town.templates(CITY) == ["alert", "alert", ADVICE, "alert", "level_lowered"]


def test_nobody_is_told_of_crowds_in_a_private_matter_or_where_nothing_is_to_be_done(
    wired_town: WiredTown,
) -> None:
    town = wired_town
    only_office(town)
    keys = raised(town, (ward(1), 4), (ward(2), 4))
    with town.session("engine", write=True) as session:
        session.get_one(Alert, keys[0]).private = True
        session.get_one(Alert, keys[1]).action = what_to_do.NOTHING_TO_DO
    town.work()
    assert written(town) == 0


def test_two_workers_at_once_write_it_once(wired_town: WiredTown) -> None:
    town = wired_town
    only_office(town)
    raised(town, (ward(1), 4))
    town.runtime.sender.drain()
    for _ in range(2):
        with town.session("engine", write=True) as session:
            what_to_do.send_behind(session, town.clock.now(), random.Random(1))
    assert written(town) == 1
    with town.session("engine", write=True) as session:
        alert = session.scalars(select(Alert)).one()
        alert.revision += 1
        alert.ends_at += timedelta(hours=1)
        assert what_to_do.waiting(session, town.clock.now()) == [], "of an older level nothing is owed"
