"""A number that a focal person protects says STOP: it is heard at the door, nothing more goes to it, and nobody learns whose it is."""

from __future__ import annotations

import pytest

from committees import contact_stops
from committees.contact_stops import StoppedNumber
from committees.inbox import READ
from committees.incidents import Incident
from coordination import feedback
from coordination.feedback import Feedback
from foundation import outbox
from foundation.outbox import OutboxMessage
from tests.coordination.test_focal_persons import DESK, NUMBER, appoint, tell
from tests.journeys.test_sms_line import all_of, answers, read
from tests.rig.town import WiredTown


def say_what_happened(town: WiredTown, outcome: str) -> list[str]:
    """The reporters of everything are told this; returns what was sent."""
    with town.session("feedback", write=True) as session:
        for incident in all_of(town, Incident):
            feedback.plan_incident(session, town.clock.now(), incident, outcome)
        session.flush()
        feedback.work(session, town.clock.now())
        session.commit()
    return answers(town)


def test_stop_from_a_protected_number_ends_everything_to_it(wired_town: WiredTown) -> None:
    town = wired_town
    appoint(town)
    tell(town, handle="blue gate", their_number=NUMBER)
    assert len(say_what_happened(town, "visited")) == 1
    with town.session("feedback", write=True) as session:
        outbox.put(
            session,
            town.clock.now(),
            effect_key="test:queued",
            channel="sms",
            template="help",
            slots={"emergency": "15"},
            address=NUMBER,
        )
        session.commit()
    row = read(town, NUMBER, "STOP")
    assert (row.state, (row.reading or {})["command"], row.person_id) == (READ, "STOP", None)
    assert answers(town) == [], "also what was due already stays, and STOP itself is not answered"
    assert say_what_happened(town, "met") == []
    assert [one.state for one in all_of(town, Feedback)] == ["sent", "no_way"]
    read(town, NUMBER, "R 7 fight in Mardan")
    assert answers(town) == []
    queued = next(one for one in all_of(town, OutboxMessage) if one.effect_key == "test:queued")
    assert (queued.state, queued.error) == ("failed", "This person asked for no more messages.")
    assert NUMBER not in str([one.number for one in all_of(town, StoppedNumber)])
    desk = town.browser(DESK)
    assert NUMBER[-7:] not in desk.open(f"/desk/sms/{row.id}")
    # Only the number itself comes back.
    read(town, NUMBER, "START")
    assert all_of(town, StoppedNumber) == []
    assert len(say_what_happened(town, "calm_now")) >= 1


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
@pytest.mark.parametrize("text", ["stop the fight in ward 7", "please stop them", "R 7 stop"])
def test_a_stop_is_never_guessed_from_a_protected_number(wired_town: WiredTown, text: str) -> None:
    town = wired_town
    read(town, NUMBER, text)
    assert all_of(town, StoppedNumber) == []
    with town.session() as session:
        assert not contact_stops.is_stopped(session, None)
