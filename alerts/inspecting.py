"""The inspector: asks the rows themselves whether any open alert, message or report has been forgotten, and raises an alarm for each.

It shares no code with the ladder, the sender or the engine, so that a fault there is seen here. `faults_of` decides purely. What it finds is
an open alarm with values for a sentence (alerts/alarm_sentences.py); only where it finds nothing does the heartbeat go out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, exists, func, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from alerts.alert import OPEN, Alert, AlertUpdate
from alerts.escalation import WAITING, Escalation
from alerts.told import NOT_ASKED, Delivery
from committees.catalogue import COMMITTEE
from committees.inbox import WAITING as UNREAD_YET
from committees.inbox import Inbound
from committees.incidents import Incident
from committees.places import Locality
from foundation import alarms
from foundation.alarms import Alarm
from foundation.db import Base
from foundation.errands import MOST_TRIES, Errand
from foundation.outbox import OutboxMessage

FROM = 3  # alerts below this level may rest
ONLY_ACTING = 4
GRACE = timedelta(minutes=3)  # a step, a first message or a late question may take so long to be worked off
LATE_MESSAGE = timedelta(minutes=10)
UNKNOWN_FOR = timedelta(minutes=15)
UNSETTLED_FOR = timedelta(minutes=5)
UNREAD_FOR = timedelta(minutes=10)
UNSCORED_FOR = timedelta(minutes=10)
NO_NEXT_STEP, STEP_LATE, NOT_TOLD, REVIEW_FORGOTTEN = "no_next_step", "step_late", "not_told", "review_late"
MESSAGE_WAITS, OUTCOME_UNKNOWN, UNSETTLED = "message_waits", "outcome_unknown", "claim_unsettled"
UNREAD, UNSCORED, ERRAND_FAILED = "inbound_waits", "scoring_waits", "errand_failed"
KEYS = (
    NO_NEXT_STEP,
    STEP_LATE,
    NOT_TOLD,
    REVIEW_FORGOTTEN,
    MESSAGE_WAITS,
    OUTCOME_UNKNOWN,
    UNSETTLED,
    UNREAD,
    UNSCORED,
    ERRAND_FAILED,
)
#: Lines of an alert's story that say why nobody was told at a step.
SAID_WHY = ("step_empty", "unreached", "silenced", "inhibited", "grouped", "held", "step_passed")


class Inspection(Base):
    """The last look at everything: when, at how many alerts, with how many faults, and when the last one without any was."""

    __tablename__ = "inspection"

    name: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    alerts: Mapped[int]
    faults: Mapped[int]
    passed_at: Mapped[datetime | None]
    heartbeat_at: Mapped[datetime | None]
    heartbeat_error: Mapped[str] = mapped_column(default="")


#: What is kept from the committee is the oversight office's alone: an alarm would tell the administrator that it is there.
MAY_BE_NAMED = Alert.withheld_from.not_like(f"%{COMMITTEE}%")


@dataclass(frozen=True)
class Fault:
    """Something forgotten: the key of its sentence, which thing, and values for the sentence."""

    key: str
    subject: str
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Watched:
    """What the inspector reads of one open alert."""

    id: str
    number: int
    place: str
    level: int
    step: int
    next_step_at: datetime | None
    answered: bool
    acting: bool
    told_or_said_why: bool
    since: datetime


def faults_of(alert: Watched, now: datetime) -> Iterator[Fault]:
    """What is wrong with one open alert: nobody waits for it, its step is late, or nobody was told of its step."""
    values = {"number": alert.number, "place": alert.place, "level": alert.level, "step": alert.step}
    enough = alert.acting or (alert.answered and alert.level < ONLY_ACTING)
    if alert.next_step_at is None:
        if not enough:
            yield Fault(NO_NEXT_STEP, alert.id, values)
    elif alert.next_step_at < now - GRACE:
        yield Fault(STEP_LATE, alert.id, {**values, "due": alert.next_step_at.isoformat()})
    if not alert.told_or_said_why and alert.since < now - GRACE:
        yield Fault(NOT_TOLD, alert.id, values)


def inspect(session: Session, now: datetime) -> int:
    """Look at everything; open and end alarms so that they say what is wrong now. Returns how many faults there are."""
    watched = list(_alerts(session))
    faults = [fault for alert in watched for fault in faults_of(alert, now)]
    faults += [*_questions(session, now), *_messages(session, now), *_work(session, now)]
    for fault in faults:
        alarms.sound(session, now, fault.key, fault.subject, fault.values)
    there = {(fault.key, fault.subject) for fault in faults}
    rows = select(Alarm.key, Alarm.subject).where(Alarm.key.in_(KEYS), Alarm.ended_at.is_(None))
    for key, subject in session.execute(rows).all():
        if (key, subject) not in there:
            alarms.silence(session, now, key, subject)
    _remember(session, now, len(watched), len(faults))
    return 0  # it leaves no work behind for the next round


def last(session: Session) -> Inspection | None:
    """The last inspection, or None before the first."""
    return session.get(Inspection, "all")


def _remember(session: Session, now: datetime, alerts: int, faults: int) -> None:
    row = last(session)
    if row is None:
        row = Inspection(name="all", at=now, alerts=alerts, faults=faults)
        session.add(row)
    row.at, row.alerts, row.faults = now, alerts, faults
    row.passed_at = row.passed_at if faults else now


def _alerts(session: Session) -> Iterator[Watched]:
    told = exists().where(
        Delivery.alert_id == Alert.id, Delivery.step == Alert.step, Delivery.state != NOT_ASKED
    )
    why = exists().where(AlertUpdate.alert_id == Alert.id, AlertUpdate.key.in_(SAID_WHY))
    began = (
        select(func.max(AlertUpdate.at))
        .where(AlertUpdate.alert_id == Alert.id, AlertUpdate.key.in_(("opened", "raised")))
        .scalar_subquery()
    )
    rows = (
        select(Alert, Locality.code, or_(told, why), began)
        .join(Locality, Locality.id == Alert.locality_id)
        .where(Alert.state == OPEN, Alert.level >= FROM, Alert.origin == "live", MAY_BE_NAMED)
        .order_by(Alert.opened_at)
    )
    for alert, code, said, since in session.execute(rows).all():
        yield Watched(
            str(alert.id),
            alert.number,
            code,
            alert.level,
            alert.step,
            alert.next_step_at,
            alert.answered_at is not None,
            alert.acting_at is not None,
            bool(said),
            max(alert.opened_at, since or alert.opened_at),
        )


def _questions(session: Session, now: datetime) -> Iterator[Fault]:
    """Questions to an office whose time is over and that nobody passed on."""
    rows = (
        select(Escalation.id, Alert.number, Locality.code)
        .join(Alert, Alert.id == Escalation.alert_id)
        .join(Locality, Locality.id == Escalation.locality_id)
        .where(Escalation.state == WAITING, Escalation.late_at.is_(None), Escalation.decide_by < now - GRACE)
        .where(MAY_BE_NAMED)
    )
    for key, number, code in session.execute(rows).all():
        yield Fault(REVIEW_FORGOTTEN, str(key), {"number": number, "place": code})


def _messages(session: Session, now: datetime) -> Iterator[Fault]:
    """Messages that stand still, by channel: one alarm for each, however many there are."""
    row = OutboxMessage
    kinds = {
        MESSAGE_WAITS: (and_(row.state == "due", row.due_at < now - LATE_MESSAGE), row.due_at),
        OUTCOME_UNKNOWN: (
            and_(row.state == "unknown", row.sent_at < now - UNKNOWN_FOR, row.lease_until < now),
            row.sent_at,
        ),
        UNSETTLED: (
            and_(row.state.in_(("claimed", "sending")), row.lease_until < now - UNSETTLED_FOR),
            row.lease_until,
        ),
    }
    for key, (wrong, since) in kinds.items():
        found = select(row.channel, func.count(), func.min(since)).where(wrong).group_by(row.channel)
        for channel, number, oldest in session.execute(found).all():
            yield Fault(key, channel, {"channel": channel, "n": number, "since": (oldest or now).isoformat()})


def _work(session: Session, now: datetime) -> Iterator[Fault]:
    """Messages that came in and were not read, reports that were not scored, decisions that could not be carried out."""
    unread = and_(Inbound.state == UNREAD_YET, Inbound.received_at < now - UNREAD_FOR)
    unscored = and_(Incident.pending, Incident.received_at < now - UNSCORED_FOR)
    failed = and_(Errand.done_at.is_(None), Errand.tries >= MOST_TRIES)
    for key, entity, wrong in (
        (UNREAD, Inbound, unread),
        (UNSCORED, Incident, unscored),
        (ERRAND_FAILED, Errand, failed),
    ):
        number = session.scalar(select(func.count()).select_from(entity).where(wrong)) or 0
        if number:
            yield Fault(key, "", {"n": number})
