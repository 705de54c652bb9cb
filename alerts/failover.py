"""A message that did not arrive goes on by itself: another provider, then the person's next channel, then the deputy of the office.

The carrier's word decides: refused, not delivered, or no receipt for so long. `is_due` and `next_way` decide purely; `pass_on` claims each
delivery by compare-and-set and writes through routing.py, so that whom a reporter excluded is never told, and an ended alert never
notifies. Answers by clock are escalation.py: this here is about reaching somebody at all.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from alerts import routing
from alerts.alert import OPEN, Acknowledgement, Alert, note
from alerts.channels.twilio_codes import verdict
from alerts.claiming import OF_OPEN_ALERTS
from alerts.providers import Provider
from alerts.receivers import Receiver, deputies
from alerts.routing import Delivery
from alerts.what_to_do import WHAT_TO_DO
from committees.people import ContactPoint, Person, contacts_of
from foundation.db import claim
from foundation.outbox import OutboxMessage

#: How long a message may be without a receipt, by level. At level 5 only as long as a receipt usually takes; below 3 nobody waits for one.
NO_RECEIPT = {5: timedelta(seconds=20), 4: timedelta(minutes=2), 3: timedelta(minutes=10)}
#: The channels whose carriers say what became of a message.
WITH_RECEIPT = frozenset({"sms", "whatsapp", "voice"})
FAILED = ("failed", "undelivered")
UNDER_WAY = ("due", "sending", "sent", "unknown")
PROVIDER, CHANNEL, DEPUTY, NOBODY, REACHED = "provider", "channel", "deputy", "nobody", "reached"
WAYS = (PROVIDER, CHANNEL, DEPUTY, NOBODY)

TOGETHER = "alert_group"


@dataclass(frozen=True)
class Fate:
    """What stands of one message of an alert: its delivery, and its row in the outbox."""

    delivery_id: UUID
    alert_id: UUID
    person_id: UUID
    office_id: UUID | None
    role: str
    step: int
    revision: int
    channel: str
    contact_point_id: UUID | None
    provider: str | None
    state: str
    attempts: int
    sent_at: datetime | None
    error_code: str | None
    passed_on_at: datetime | None
    outbox_id: UUID
    level: int


def is_due(fate: Fate, now: datetime) -> bool:
    """Whether this message did not arrive, as far as its carrier says or keeps silent."""
    if fate.state in FAILED:
        return True
    wait = NO_RECEIPT.get(fate.level)
    if wait is None or fate.sent_at is None or fate.channel not in WITH_RECEIPT:
        return False
    return fate.state in UNDER_WAY and now - fate.sent_at > wait


def next_way(
    fate: Fate, others: Sequence[Fate], providers: Sequence[str], contacts: Sequence[UUID]
) -> tuple[str, Any]:
    """The next way to this person, or past them; `others` are all messages of the same telling to them.

    `providers` could take it instead; `contacts` are the person's working numbers and addresses, first choice first.
    """
    if any(other.state == "delivered" for other in others):
        return REACHED, None
    here = [other for other in others if other.contact_point_id == fate.contact_point_id]
    tried = {other.provider or "" for other in here}
    left = [key for key in providers if key not in tried]
    wrong_number = fate.state in FAILED and verdict(fate.error_code).why == "receiver"
    if left and fate.contact_point_id in contacts and not wrong_number:
        return PROVIDER, left[0]
    used = {other.contact_point_id for other in others}
    unused = [key for key in contacts if key not in used]
    if unused:
        return CHANNEL, unused[0]
    if any(other.passed_on_at is None and other.delivery_id != fate.delivery_id for other in others):
        return REACHED, None  # another message to this person may still arrive; it is looked at by itself
    return (DEPUTY, None) if fate.office_id else (NOBODY, None)


def waiting(session: Session, now: datetime, batch: int = 200) -> list[UUID]:
    """The deliveries of open alerts that did not arrive and were not passed on, the gravest first."""
    # What was sent a moment ago is no case for `is_due` yet, and would stand before what is.
    early = now - min(NO_RECEIPT.values())
    found = session.execute(_waiting_rows(), {"early": early}).all()
    return [fate.delivery_id for fate in (Fate(*row) for row in found) if is_due(fate, now)][:batch]


def pass_on(session: Session, now: datetime, rng: random.Random, only: UUID | None = None) -> int:
    """Pass on each message that did not arrive (or only this one); return how many were looked at."""
    done = 0
    for key in [only] if only else waiting(session, now):
        if claim(session, Delivery, key, {"passed_on_at": None}, {"passed_on_at": now}):
            _pass_on(session, now, rng, key)
            done += 1
    return done


@cache
def _waiting_rows() -> Any:
    """The statement of `waiting`, which is asked in every round of the jobs: built once."""
    rows = _fates().where(Delivery.passed_on_at.is_(None), Delivery.revision == Alert.revision)
    rows = rows.where(Alert.state == OPEN, OutboxMessage.template.in_((*OF_OPEN_ALERTS, TOGETHER)))
    rows = rows.where(
        OutboxMessage.state.in_(FAILED)
        | (OutboxMessage.state.in_(UNDER_WAY) & (OutboxMessage.sent_at < bindparam("early")))
    )
    return rows.order_by(Alert.level.desc(), Delivery.at).limit(2_000)


@cache
def _fates() -> Any:
    return (
        select(
            Delivery.id,
            Delivery.alert_id,
            Delivery.person_id,
            Delivery.office_id,
            Delivery.role,
            Delivery.step,
            Delivery.revision,
            Delivery.channel,
            OutboxMessage.contact_point_id,
            OutboxMessage.provider,
            OutboxMessage.state,
            OutboxMessage.attempts,
            OutboxMessage.sent_at,
            OutboxMessage.error_code,
            Delivery.passed_on_at,
            OutboxMessage.id,
            Alert.level,
        )
        .join(Alert, Alert.id == Delivery.alert_id)
        .join(OutboxMessage, OutboxMessage.id == Delivery.outbox_id)
    )


def _pass_on(session: Session, now: datetime, rng: random.Random, key: UUID) -> None:
    fate = Fate(*session.execute(_fates().where(Delivery.id == key)).one())
    alert = session.get_one(Alert, fate.alert_id)
    if alert.state != OPEN or _has_answered(session, fate):
        return
    behind = session.get_one(OutboxMessage, fate.outbox_id).template == WHAT_TO_DO
    telling = _fates().where(
        Delivery.alert_id == fate.alert_id,
        Delivery.person_id == fate.person_id,
        Delivery.step == fate.step,
        Delivery.revision == fate.revision,
        (Delivery.template == WHAT_TO_DO) if behind else (Delivery.template != WHAT_TO_DO),
    )
    others = [Fate(*row) for row in session.execute(telling)]
    contacts = [
        point
        for point in contacts_of(session, fate.person_id)
        if point.verified_at and not point.failing_since
    ]
    way, to = next_way(fate, others, _providers(session, fate.channel), [point.id for point in contacts])
    if behind:  # the alert before it finds its own way; this only follows to the other provider
        if way == PROVIDER and fate.state in FAILED:
            routing.again(session, now, alert, fate.delivery_id, provider=to)
        return
    _go(session, now, rng, alert, fate, way, to, {point.id: point for point in contacts})


def _has_answered(session: Session, fate: Fate) -> bool:
    rows = select(Acknowledgement.id).where(
        Acknowledgement.alert_id == fate.alert_id, Acknowledgement.person_id == fate.person_id
    )
    return session.scalars(rows.limit(1)).first() is not None


def _providers(session: Session, channel: str) -> list[str]:
    """The providers of a channel, the best first; none where there is only one, which has no name."""
    rows = select(Provider.key).where(Provider.channel == channel, Provider.key != "")
    return list(session.scalars(rows.order_by(Provider.weight.desc(), Provider.key)))


def _template(session: Session, alert: Alert, fate: Fate) -> str:
    """The message that goes on by the next way: each ward by itself, where several had shared one."""
    template = session.get_one(OutboxMessage, fate.outbox_id).template
    return routing.own_message(alert) if template == TOGETHER else template


def _go(
    session: Session,
    now: datetime,
    rng: random.Random,
    alert: Alert,
    fate: Fate,
    way: str,
    to: Any,
    contacts: Mapping[UUID, ContactPoint],
) -> None:
    """Write the next message, and a line of the alert's story that says why."""
    because = "refused" if fate.state == "failed" else fate.state if fate.state in FAILED else "no_receipt"
    told: Collection[Delivery] = ()
    values: dict[str, Any] = {"role": fate.role, "channel": fate.channel, "because": because}
    if way == REACHED:
        return
    if way == PROVIDER:
        told = routing.again(session, now, alert, fate.delivery_id, provider=to)
    elif way == CHANNEL:
        person = session.get_one(Person, fate.person_id)
        receiver = Receiver(person, fate.role, "next_channel", fate.office_id)
        template = _template(session, alert, fate)
        told = routing.send(
            session, now, rng, alert, [receiver], template=template, step=fate.step, only=frozenset({to})
        )
        values["to"] = contacts[to].channel
    elif way == DEPUTY:
        template = _template(session, alert, fate)
        standing_in = [
            Receiver(one.person, one.role, "stands_in", one.office_id)
            for one in deputies(session, alert, fate.role)
            if one.person.id != fate.person_id
        ]
        if standing_in:
            told = routing.send(session, now, rng, alert, standing_in, template=template, step=fate.step)
    note(session, now, alert, f"passed_on_{way if told else NOBODY}", **values)
