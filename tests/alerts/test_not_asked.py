"""Why somebody was not asked of an alert, or later, stands as data: off duty until when, quiet hours, a pause, no messages wanted."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

from sqlalchemy import select

from alerts import routing
from alerts.not_asked import why_off
from alerts.receivers import Receiver
from alerts.told import OFF_DUTY, PAUSED, QUIET, STOOD_IN, STOPPED, Delivery
from committees.people import ContactPoint
from committees.rosters import Layer, Roster, Stand
from foundation.outbox import OutboxMessage
from tests.journeys.test_who_is_told_when import CITY, opened, ward
from tests.make import Town

ZONE = ZoneInfo("Asia/Karachi")
ANNA, BILAL = uuid4(), uuid4()
NIGHTS = Layer((BILAL,), date(2026, 11, 2), begins=time(18), ends=time(9))
DAYS = Layer((ANNA,), date(2026, 11, 2))


def at(hour: int, day: int = 24) -> datetime:
    return datetime(2026, 11, day, hour, tzinfo=ZONE).astimezone(UTC)


def test_who_is_off_duty_is_named_with_the_next_turn() -> None:
    roster = Roster((DAYS, NIGHTS), (), ZONE)
    assert why_off(roster, BILAL, at(14)) == (OFF_DUTY, at(18))
    assert why_off(roster, ANNA, at(20)) == (OFF_DUTY, at(9, 25))
    assert why_off(roster, uuid4(), at(14)) == (OFF_DUTY, None)


def test_who_is_stood_in_for_is_told_apart_from_who_is_off_duty() -> None:
    leave = Stand(BILAL, at(8), at(8, 26), at(7), "Leave")
    roster = Roster((DAYS, NIGHTS), (leave,), ZONE)
    assert why_off(roster, ANNA, at(14)) == (STOOD_IN, at(9, 26))
    other = Stand(uuid4(), at(8), at(16), at(7), "Training")
    assert why_off(Roster((DAYS, NIGHTS), (other,), ZONE), BILAL, at(14)) == (OFF_DUTY, at(18))


def test_quiet_hours_a_pause_and_a_stop_are_kept_with_the_message(town: Town) -> None:
    town.clock.at = at(23)
    now = town.clock.now()
    with town.session("seed", write=True) as session:
        chair, city = town.person(session, "chair.mardan"), town.person(session, CITY)
        district = town.person(session, "district.mardan")
        chair.paused_until = now + timedelta(days=2)
        for point in session.scalars(select(ContactPoint).where(ContactPoint.person_id == district.id)):
            point.stopped_at = now
        told = [Receiver(one, "chair", "no_answer") for one in (chair, city, district)]
        for number, level in ((1, 3), (2, 4)):
            alert = opened(session, town, ward(number), level)
            routing.send(session, now, town.runtime.rng, alert, told, template="alert", step=1)
    with town.session() as session:
        rows = {
            (row.person_id, row.alert_id == alert.id): row for row in session.scalars(select(Delivery)).all()
        }
        paused, quiet, stopped = (rows[one.id, False] for one in (chair, city, district))
        assert (paused.held_by, quiet.held_by, stopped.held_by) == (PAUSED, QUIET, None)
        assert (quiet.held_until, stopped.why_not) == (at(6, 25), STOPPED)
        waits = session.get_one(OutboxMessage, paused.outbox_id).due_at
        assert paused.held_until == waits > now + timedelta(days=2)
        at_once = (rows[one.id, True].held_by for one in (chair, city))
        assert set(at_once) == {None}, "at level 4 nothing waits for anybody"
