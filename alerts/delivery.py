"""The only sender, and the one place that commits inside a job: claim with a lease, commit, send with no transaction open, record.

A message is handed over once. Where an answer was lost the row becomes `unknown`: the provider's callback settles it, or a look-up does,
and only when the provider says that it has no such message is it sent again. A row that was claimed by a process that died is unknown
too. States are those of foundation/outbox.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from alerts import messages
from alerts.channels.base import Channel, DeliveryFailed, Handed, Message, OutcomeUnknown
from alerts.routing import Delivery
from committees.people import ContactPoint, address_of
from foundation.clock import Clock
from foundation.crypto import cipher
from foundation.db import Database, claim
from foundation.errors import Problem
from foundation.outbox import FINAL, OutboxMessage
from foundation.policy import service

LEASE = timedelta(seconds=60)
WAIT_FOR_NEWS = timedelta(seconds=20)  # longer than a provider's list lags behind its own acceptance
BACK_OFF = (5, 15, 60, 300, 900, 1800)  # seconds, by attempt
MOST_TRIES = 8
BATCH = 50


@dataclass(frozen=True)
class Claimed:
    """One claimed row, read out of the database before the connection is given back."""

    id: UUID
    channel: str
    fence: int
    attempts: int
    look_up_first: bool
    message: Message | None
    why_not: str = ""


class Sender:
    """Drains the outbox through the channels of this installation. Safe to run in several threads and processes."""

    def __init__(self, database: Database, clock: Clock, channels: Mapping[str, Channel], public_url: str) -> None:
        self.database, self.clock, self.channels, self.public_url = database, clock, channels, public_url

    def drain(self, batch: int = BATCH) -> int:
        """Send what is due and look up what is unknown; return how many rows were worked on."""
        with self.database.open(service("sender"), write=True) as session:
            claimed = [*self._claim_lost(session, batch), *self._claim_due(session, batch)]
            session.commit()
        for row in claimed:
            self._work(row)
        return len(claimed)

    def _claim_due(self, session: Session, batch: int) -> list[Claimed]:
        now = self.clock.now()
        rows = select(OutboxMessage).where(OutboxMessage.state == "due", OutboxMessage.due_at <= now)
        rows = rows.order_by(OutboxMessage.lane, OutboxMessage.due_at, OutboxMessage.id).limit(batch).with_for_update(skip_locked=True)
        return [self._claimed(session, row, now, look_up=False) for row in session.scalars(rows).all() if self._take(session, row, now)]

    def _claim_lost(self, session: Session, batch: int) -> list[Claimed]:
        """Rows whose sender died, and rows whose answer was lost and of which no news came in time."""
        now = self.clock.now()
        rows = select(OutboxMessage).where(OutboxMessage.state.in_(("claimed", "sending", "unknown")), OutboxMessage.lease_until < now)
        rows = rows.order_by(OutboxMessage.lease_until).limit(batch).with_for_update(skip_locked=True)
        return [self._claimed(session, row, now, look_up=True) for row in session.scalars(rows).all() if self._take(session, row, now)]

    def _take(self, session: Session, row: OutboxMessage, now: datetime) -> bool:
        taken = claim(
            session,
            OutboxMessage,
            row.id,
            {"state": row.state, "fence": row.fence},
            {"state": "sending", "lease_until": now + LEASE, "fence": row.fence + 1, "attempts": row.attempts + 1, "sent_at": row.sent_at or now},
        )
        if taken:
            session.refresh(row)
        return taken

    def _claimed(self, session: Session, row: OutboxMessage, now: datetime, *, look_up: bool) -> Claimed:
        try:
            message, why_not = self._message(session, row), ""
        except Problem as problem:
            message, why_not = None, str(problem)
        return Claimed(row.id, row.channel, row.fence, row.attempts, look_up, message, why_not)

    def _message(self, session: Session, row: OutboxMessage) -> Message:
        if row.address_sealed:
            address = cipher(session).open("outbox.address", row.id, row.address_sealed)
        else:
            point = session.get(ContactPoint, row.contact_point_id)
            if point is None or point.stopped_at:
                raise Problem("This person asked for no more messages.")
            address = address_of(session, point)
        secret = cipher(session).open("outbox.secret", row.id, row.secret_sealed) if row.secret_sealed else None
        if row.channel == "email":
            alert_id = session.scalars(select(Delivery.alert_id).where(Delivery.outbox_id == row.id)).first()
            link = f"{self.public_url}/a/{alert_id}" if alert_id else ""
            letter = messages.render_mail(row.template, row.slots, row.language, row.script, secret, link)
            return Message(row.id, address, letter.text, letter.subject, letter.html, letter.language, since=row.sent_at)
        text = messages.render(row.template, row.slots, row.language, row.script, secret)
        return Message(row.id, address, text.text, language=text.language, since=row.sent_at, taken_ids=self._taken(session, row))

    def _taken(self, session: Session, row: OutboxMessage) -> frozenset[str]:
        same = select(OutboxMessage.provider_id).where(OutboxMessage.contact_point_id == row.contact_point_id, OutboxMessage.provider_id.is_not(None))
        return frozenset(str(key) for key in session.scalars(same.where(OutboxMessage.id != row.id).order_by(OutboxMessage.created_at.desc()).limit(50)))

    def _work(self, row: Claimed) -> None:
        channel = self.channels.get(row.channel)
        if row.message is None or channel is None:
            self._record(row, state="failed", error=row.why_not or "This channel is not set up.", settled=True)
            return
        try:
            handed = self._hand_over(channel, row)
        except DeliveryFailed as failure:
            self._failed(row, failure)
        except OutcomeUnknown as lost:
            self._record(row, state="unknown", error=lost.message, lease=WAIT_FOR_NEWS)
        else:
            self._record(row, state=handed.state, provider_id=handed.provider_id, settled=handed.state == "delivered")

    def _hand_over(self, channel: Channel, row: Claimed) -> Handed:
        assert row.message is not None
        if row.look_up_first and channel.can_look_up:
            found = channel.look_up(row.message)
            if found is not None:
                return found
        return channel.send(row.message)

    def _failed(self, row: Claimed, failure: DeliveryFailed) -> None:
        if failure.permanent or row.attempts >= MOST_TRIES:
            self._record(row, state="failed", error=failure.message, code=failure.code, settled=True)
        else:
            wait = BACK_OFF[min(row.attempts, len(BACK_OFF)) - 1]
            self._record(row, state="due", error=failure.message, code=failure.code, due_in=timedelta(seconds=wait))

    def _record(
        self,
        row: Claimed,
        *,
        state: str,
        provider_id: str | None = None,
        error: str | None = None,
        code: str | None = None,
        lease: timedelta | None = None,
        due_in: timedelta | None = None,
        settled: bool = False,
    ) -> None:
        """Write the outcome if this process still holds the row: a callback may have settled it, another may have taken it over."""
        now = self.clock.now()
        values: dict[str, object] = {"state": state, "error": error, "error_code": code, "lease_until": now + lease if lease else None}
        if provider_id:
            values["provider_id"] = provider_id
        if due_in:
            values["due_at"] = now + due_in
        if settled:
            values["settled_at"] = now
        if state in ("sent", "delivered"):
            values["secret_sealed"] = None
        with self.database.open(service("sender"), write=True) as session:
            if claim(session, OutboxMessage, row.id, {"state": "sending", "fence": row.fence}, values):
                session.execute(update(Delivery).where(Delivery.outbox_id == row.id).values(state=state))
            elif provider_id:
                session.execute(update(OutboxMessage).where(OutboxMessage.id == row.id, OutboxMessage.provider_id.is_(None)).values(provider_id=provider_id))
            session.commit()


ORDER = {"due": 0, "claimed": 0, "sending": 0, "unknown": 0, "sent": 1, "undelivered": 2, "failed": 2, "delivered": 3, "cancelled": 3}


def settle(session: Session, now: datetime, outbox_id: UUID, state: str, provider_id: str, code: str | None, words: str) -> bool:
    """Apply a provider's callback to our row, in whatever order callbacks come: a state never goes back. False for an unknown id."""
    row = session.get(OutboxMessage, outbox_id)
    if row is None or row.provider_id not in (None, provider_id):
        return False
    if ORDER[state] > ORDER[row.state]:
        row.state, row.provider_id = state, provider_id
        row.error_code, row.error = code, words or None
        row.settled_at = now if state in FINAL else None
        row.secret_sealed = None if state in ("sent", "delivered") else row.secret_sealed
        session.execute(update(Delivery).where(Delivery.outbox_id == outbox_id).values(state=state))
    row.provider_id = row.provider_id or provider_id
    return True
