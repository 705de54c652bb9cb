"""What must not wait on a desk unseen: an SMS that nobody could read and that may be urgent, and a rumour without an answer in time.

Two level-triggered jobs of jobs.py. The secretary is told at once, and of more only after a while, together; a rumour that is late raises an
alarm until it is answered. What may be urgent is decided when a message is read (coordination/sms/talk.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID, uuid5

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from alerts import routing
from committees import committee
from committees.catalogue import COMMITTEE
from committees.contacts import Reached, first_role_reached, write_to
from committees.inbox import UNREAD, Inbound
from committees.incidents import REPORTED, Incident
from committees.places import Locality, town_of
from coordination import feedback
from coordination.sms.talk import MAY_BE_URGENT
from foundation import alarms, outbox
from foundation.alarms import Alarm
from foundation.outbox import OutboxMessage

UNREAD_WAITS = "unread_waits"
#: After one message to a desk, what comes meanwhile is told together.
TOGETHER = timedelta(minutes=30)
#: What is older is seen on the desk anyway.
LONGEST = timedelta(days=1)
MOST = 99
TOLD = "desk_told"
RUMOUR_LATE, EVERY = "rumour_late", 60
#: How urgent a message to a desk is: it goes to every hour of the day, as an alert of level 4 does.
LEVEL = 4


def tell_unread(session: Session, now: datetime) -> int:
    """Tell the secretary of each town of what may be urgent and was not read; return how many messages were written."""
    towns: dict[UUID, list[Inbound]] = {}
    for row in session.scalars(_unread(now)):
        if row.locality_id and not (row.reading or {}).get(TOLD):
            town = town_of(session, session.get_one(Locality, row.locality_id))
            towns.setdefault(town.id, []).append(row)
    return sum(_tell(session, now, session.get_one(Locality, key), rows) for key, rows in towns.items())


def _unread(now: datetime) -> Select[Inbound]:
    urgent = Inbound.reading[MAY_BE_URGENT].as_boolean()
    rows = select(Inbound).where(Inbound.state == UNREAD, Inbound.received_at > now - LONGEST, urgent)
    return rows.order_by(Inbound.received_at).with_for_update(skip_locked=True)


def _tell(session: Session, now: datetime, town: Locality, rows: Sequence[Inbound]) -> int:
    begins = f"{UNREAD_WAITS}:{town.id}:"
    lately = select(OutboxMessage.id).where(
        OutboxMessage.template == UNREAD_WAITS,
        OutboxMessage.effect_key.startswith(begins),
        OutboxMessage.created_at > now - TOGETHER,
    )
    if session.scalars(lately.limit(1)).first():
        return 0
    key = uuid5(town.id, " ".join(sorted(str(row.id) for row in rows)))
    written = 0
    for one in _desk_of(session, now, town, {row.person_id for row in rows}):
        write_to(
            session,
            now,
            one.person,
            one.point,
            effect_key=f"{begins}{key}:{one.point.id}",
            template=UNREAD_WAITS,
            slots={
                "source": routing.sender_of(session, town.id),
                "count": min(MOST, len(rows)),
                "place": {"names": dict(town.names)},
            },
            lane=outbox.URGENT,
        )
        written += 1
    if written:
        for row in rows:
            row.reading = {**(row.reading or {}), TOLD: True}
    return written


def _desk_of(session: Session, now: datetime, town: Locality, senders: set[UUID | None]) -> list[Reached]:
    """The secretary of a town and the number or address used first; the chair where there is none, or who wrote it themselves."""
    body = committee.committee_for(session, town.id)
    if body is None:
        return []
    return first_role_reached(session, now, body.id, ("secretary", "chair"), LEVEL, without=senders)


def watch_rumours(session: Session, now: datetime) -> int:
    """Raise an alarm for each town where a rumour was not answered within the promised time, and end it where all are answered."""
    rows = session.scalars(
        select(Incident).where(
            Incident.kind == "rumour",
            Incident.state == REPORTED,
            Incident.origin == "live",
            Incident.received_at.between(now - feedback.PROMISE, now - feedback.RUMOUR_PROMISE),
            # What is kept from the committee is the oversight office's alone: an alarm would tell that it is there.
            Incident.withheld_from.not_like(f"%{COMMITTEE}%"),
        )
    ).all()
    answered = feedback.rumours_answered(session, [row.id for row in rows])
    late = Counter(row.town_id for row in rows if row.id not in answered)
    for town_id, number in late.items():
        place = session.get_one(Locality, town_id).code
        alarms.sound(session, now, RUMOUR_LATE, str(town_id), {"place": place, "n": number})
    over = select(Alarm.subject).where(Alarm.key == RUMOUR_LATE, Alarm.ended_at.is_(None))
    for subject in session.scalars(over).all():
        if subject not in {str(town_id) for town_id in late}:
            alarms.silence(session, now, RUMOUR_LATE, subject)
    return 0  # it leaves no work behind for the next round
