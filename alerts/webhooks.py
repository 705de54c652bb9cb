"""Programs that are told of alerts: who asked for it, for which places, and the messages on their way as outbox rows.

What lives here: the table, asking and confirming, and `feed`, which puts what is new into the outbox. What does not: sending
(channels/webhook.py, delivery.py). A program is told what the person who asked for it may read, at the moment of telling: when their term
ends, it is told nothing more. It says what the alert's CAP messages say, which is what an office from outside may read.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable, Collection, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from alerts import cap
from alerts.alert import OPEN, Alert
from alerts.cap_messages import CapMessage
from alerts.channels.webhook import check_url
from committees import people
from committees.people import Person
from committees.places import Locality, LocalityPath
from foundation import approvals, journal, outbox
from foundation.crypto import cipher
from foundation.db import Base, Keyed, claim
from foundation.errors import Conflict, Invalid
from foundation.outbox import OutboxMessage
from foundation.policy import Principal
from foundation.web.words import N_

ASKED, ON, OFF = "asked", "on", "off"
ADD = "webhook:add"
LASTS = timedelta(days=7)
OVERLAP = timedelta(hours=1)
BATCH = 200
TYPES = {
    cap.ALERT: "alert.opened",
    cap.UPDATE: "alert.updated",
    cap.CANCEL: "alert.cancelled",
    cap.ACK: "alert.answered",
}
TEST = "test"


class WebhookTarget(Keyed, Base):
    """A program that is told of alerts at a place and below. Its address and secret are sealed; `host` may be shown."""

    __tablename__ = "webhook"

    locality_id: Mapped[UUID] = mapped_column(ForeignKey("locality.id"), index=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    host: Mapped[str]
    reason: Mapped[str]
    address_sealed: Mapped[str]
    state: Mapped[str] = mapped_column(default=ASKED)
    asked_at: Mapped[datetime]
    told_until: Mapped[datetime]


@dataclass(frozen=True)
class Asked:
    """A program that was asked for, and its secret, which is shown once."""

    target: WebhookTarget
    secret: str


def ask(
    session: Session,
    now: datetime,
    *,
    key: UUID,
    place: Locality,
    person_id: UUID,
    role: str,
    url: str,
    reason: str,
    hosts: tuple[str, ...],
) -> Asked:
    """Ask that a program be told; a second person of another organisation confirms. Raise Invalid or Conflict in words."""
    check_url(url, hosts)
    if not reason.strip():
        raise Invalid("reason", N_("Write in one sentence what the program is for."))
    if session.get(WebhookTarget, key):
        raise Conflict(N_("Somebody asked for this already."), N_("Open it again to see how it stands."))
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
    target = WebhookTarget(
        id=key,
        locality_id=place.id,
        person_id=person_id,
        host=url.split("/")[2],
        reason=reason.strip(),
        address_sealed=cipher(session).seal("webhook.address", key, f"{url}#{secret}"),
        asked_at=now,
        told_until=now,
    )
    session.add(target)
    session.flush()
    approvals.request(
        session,
        now,
        key=key,
        kind=ADD,
        subject_kind="webhook",
        subject_id=key,
        reason=reason.strip(),
        values={"host": target.host},
        person_id=person_id,
        role=role,
        organisations=people.organisations_of(session, place.id, person_id),
        locality_id=place.id,
        lasts=LASTS,
    )
    return Asked(target, secret)


def confirm(session: Session, now: datetime, target: WebhookTarget, person_id: UUID) -> None:
    """The second person confirms: from now on the program is told. Raise NotAllowed or Conflict in words."""
    asked = approvals.waiting(session, now, target.id, ADD)
    if asked is None:
        raise Conflict(N_("This request has lapsed."), N_("Ask for it again if it is still needed."))
    own = people.organisations_of(session, target.locality_id, person_id)
    approvals.approve(session, now, asked, person_id, own)
    _move(session, now, target, ASKED, {"state": ON, "told_until": now})


def turn_off(session: Session, now: datetime, target: WebhookTarget) -> None:
    """Stop telling a program, at once and alone: less is told, never more."""
    _move(session, now, target, target.state, {"state": OFF})


def _move(session: Session, now: datetime, target: WebhookTarget, was: str, to: dict[str, object]) -> None:
    if was == OFF or not claim(session, WebhookTarget, target.id, {"state": was}, to):
        raise Conflict(N_("This was changed meanwhile."), N_("Open it again to see how it stands."))
    session.refresh(target)
    journal.record(
        session, now, f"webhook:{target.state}", "webhook", target.id, locality_id=target.locality_id
    )


Opening = Callable[[Principal], AbstractContextManager[Session]]


def feed(session: Session, now: datetime, reading: Opening) -> int:
    """Put what is new for each program into the outbox; return how many messages.

    `reading` opens a session of the person who asked for a program: what they may not read now is not told.
    """
    put = 0
    for target in session.scalars(select(WebhookTarget).where(WebhookTarget.state == ON)).all():
        person = session.get_one(Person, target.person_id)
        with reading(people.principal_of(session, person)) as theirs:
            news = _news(theirs, target)
        put += _put_all(session, now, target, news)
        if news:
            target.told_until = max(target.told_until, max(row.sent for row in news))
    return put


def send_test(session: Session, now: datetime, target: WebhookTarget, key: UUID) -> None:
    """Put a test message for a program into the outbox, once per `key`."""
    values = {"type": TEST, "timestamp": now.isoformat(), "data": {"words": "A test message from Concord."}}
    _put(session, now, target, f"webhook:{target.id}:test:{key}", values)


def send_again(session: Session, now: datetime, outbox_id: UUID) -> None:
    """Let a message that failed be tried once more; one that a program took is never sent again."""
    again = {"state": "due", "due_at": now, "attempts": 0, "settled_at": None}
    claim(session, OutboxMessage, outbox_id, {"state": "failed", "channel": "webhook"}, again)


def deliveries(session: Session, target: WebhookTarget, most: int = 20) -> list[OutboxMessage]:
    """The newest messages to a program; the address in them is sealed."""
    rows = select(OutboxMessage).where(OutboxMessage.effect_key.startswith(f"webhook:{target.id}:"))
    return list(session.scalars(rows.order_by(OutboxMessage.created_at.desc(), OutboxMessage.id).limit(most)))


@dataclass(frozen=True)
class News:
    """One thing that a program is told."""

    key: UUID
    sent: datetime
    values: dict[str, Any]


def _news(session: Session, target: WebhookTarget) -> list[News]:
    below = select(LocalityPath.descendant_id).where(LocalityPath.ancestor_id == target.locality_id)
    rows = (
        select(CapMessage, Alert, Locality)
        .join(Alert, Alert.id == CapMessage.alert_id)
        .join(Locality, Locality.id == Alert.town_id)
        .where(CapMessage.locality_id.in_(below), CapMessage.sent >= target.told_until - OVERLAP)
        .where(CapMessage.sent >= target.asked_at)
        .order_by(CapMessage.sent, CapMessage.number)
        .limit(BATCH)
    )
    return [_one(message, alert, town) for message, alert, town in session.execute(rows)]


def _one(message: CapMessage, alert: Alert, town: Locality) -> News:
    data = {
        "alert": str(alert.id),
        "number": alert.number,
        "locality": town.code,
        "level": alert.level,
        "what": alert.what,
        "sure": alert.sure,
        "open": alert.state == OPEN,
        "drill": alert.origin == "drill",
        "message": str(message.id),
        "cap": message.document,
    }
    values = {"type": TYPES[message.kind], "timestamp": message.sent.isoformat(), "data": data}
    return News(message.id, message.sent, values)


def _put_all(session: Session, now: datetime, target: WebhookTarget, news: Iterable[News]) -> int:
    keys = {f"webhook:{target.id}:{one.key}": one for one in news}
    known = _known(session, keys)
    for key, one in keys.items():
        if key not in known:
            _put(session, now, target, key, one.values)
    return len(keys) - len(known)


def _known(session: Session, keys: Collection[str]) -> set[str]:
    return set(session.scalars(select(OutboxMessage.effect_key).where(OutboxMessage.effect_key.in_(keys))))


def _put(
    session: Session, now: datetime, target: WebhookTarget, key: str, values: dict[str, Any]
) -> OutboxMessage:
    address = cipher(session).open("webhook.address", target.id, target.address_sealed)
    return outbox.put(
        session, now, effect_key=key, channel="webhook", template="webhook", slots=values, address=address
    )
