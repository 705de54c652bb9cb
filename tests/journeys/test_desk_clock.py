"""What must not wait on a desk unseen: an SMS that may be urgent and that nobody could read, and a rumour without an answer in time."""

from __future__ import annotations

from sqlalchemy import select

from alerts import alarm_sentences
from committees.inbox import READ, Inbound
from committees.incidents import Incident
from coordination import feedback
from coordination.desk_clock import RUMOUR_LATE, UNREAD_WAITS
from foundation import alarms
from foundation.outbox import OutboxMessage
from tests.make import Town
from tests.rig.town import WiredTown

SECRETARY, CHAIR, MEMBER, STRANGER = "secretary.mardan", "chair.mardan", "member1.mardan", "+923009999999"


def counts(town: WiredTown, code: str) -> list[int]:
    """How many messages each word to this desk spoke of."""
    told = town.templates(code).count(UNREAD_WAITS)
    with town.session() as session:
        rows = select(OutboxMessage).where(OutboxMessage.template == UNREAD_WAITS)
        found = [row.slots["count"] for row in session.scalars(rows.order_by(OutboxMessage.created_at))]
    assert len(found) >= told
    return found if told == len(found) else []


def test_the_secretary_is_told_at_once_and_then_of_several_together(wired_town: WiredTown) -> None:
    town = wired_town
    town.clock.move(hours=9)  # eleven at night: it does not wait for the morning
    town.sms(MEMBER, "khairiyat hai yahan")
    assert counts(town, SECRETARY) == []
    town.sms(MEMBER, "stop the fight in ward 7")
    assert counts(town, SECRETARY) == [1]
    town.sms("member2.mardan", "ok there is a fight at the bus stand")
    town.sms(STRANGER, "R 7 they threaten to burn the shop")
    town.sms("member3.mardan", "please stop them, a crowd is fighting")
    with town.session("seed", write=True) as session:
        rows = select(Inbound).where(Inbound.person_id == town.person(session, "member3.mardan").id)
        session.scalars(rows).one().state = READ  # somebody dealt with it meanwhile
    town.later(minutes=29)
    assert counts(town, SECRETARY) == [1], "what comes meanwhile is told together"
    town.later(minutes=2)
    assert counts(town, SECRETARY) == [1, 2]
    town.later(hours=2)
    assert counts(town, SECRETARY) == [1, 2]
    assert "burn" not in " ".join(town.heard(SECRETARY)), "never a word of what was written"
    assert UNREAD_WAITS not in town.templates(CHAIR)
    town.sms(SECRETARY, "stop the fight in ward 7")
    assert town.templates(CHAIR).count(UNREAD_WAITS) == 1, "who wrote it is not told of it"


def test_a_rumour_without_an_answer_in_time_is_an_alarm_until_it_is_answered(town: Town) -> None:
    def late() -> list[str]:
        with town.session() as session:
            found = [one for one in alarms.sounding(session) if one.key == RUMOUR_LATE]
            return [alarm_sentences.sentence(one, town.clock.now()) for one in found]

    first = town.report(kind="rumour")
    town.report("member2.mardan", kind="rumour", withheld_from=frozenset({"committee"}))
    town.later(minutes=119)
    assert late() == []
    town.later(minutes=3)
    assert late() == ["PK-KP-MARDAN: 1 rumour was reported over two hours ago and has no answer."]
    with town.session("seed", write=True) as session:
        feedback.answer_rumour(session, town.clock.now(), session.get_one(Incident, first), "being_checked")
    town.later(minutes=2)
    assert late() == []
