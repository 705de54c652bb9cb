"""The only sender, and the one place that commits inside a job: claim with a lease, commit, send with no
transaction open, record.

A message is handed over once. Where an answer was lost the row becomes `unknown`: the provider's callback
settles it, or a look-up does, and only when the provider says that it has no such message is it sent again.
A row that was claimed by a process that died is unknown too. A message that cannot be written, or that
breaks the sender, fails with words and never holds up the others. States are those of foundation/outbox.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Select, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from alerts import messages
from alerts.channels.base import Channel, DeliveryFailed, Handed, Message, OutcomeUnknown
from alerts.routing import Delivery
from committees.people import ContactPoint, address_of
from foundation.clock import Clock
from foundation.crypto import cipher
from foundation.db import Database, claim
from foundation.errors import Problem
from foundation.logs import log
from foundation.outbox import FINAL, OutboxMessage
from foundation.policy import service

LEASE = timedelta(seconds=60)
WAIT_FOR_NEWS = timedelta(seconds=20)  # longer than a provider's list lags behind its own acceptance
# Seconds, by attempt. Never longer than five minutes: a line that comes back is used at once.
BACK_OFF = (5, 15, 60, 120, 300)
GIVE_UP_AFTER = timedelta(hours=6)
#: How often a message may break the sender itself before it is put aside.
MOST_BREAKS = 5
NOT_WRITTEN = "This message could not be written. An administrator should look at it."
BROKEN = "Something is broken in or around this message. An administrator should look at it."
BATCH = 50
HANDS = 4  # messages under way at once; a provider's answer takes longer than our own work


@dataclass(frozen=True)
class Claimed:
    """One claimed row, read out of the database before the connection is given back."""

    id: UUID
    channel: str
    fence: int
    attempts: int
    look_up_first: bool
    message: Message | None
    claimed_at: datetime
    first_tried_at: datetime
    why_not: str = ""


class Sender:
    """Drains the outbox through this installation's channels. Safe in several threads and processes."""

    def __init__(
        self, database: Database, clock: Clock, channels: Mapping[str, Channel], public_url: str
    ) -> None:
        self.database, self.clock, self.channels, self.public_url = database, clock, channels, public_url

    def drain(self, batch: int = BATCH) -> int:
        """Send what is due and look up what is unknown; return how many rows were worked on."""
        with self.database.open(service("sender"), write=True) as session:
            claimed = [*self._claim_lost(session, batch), *self._claim_due(session, batch)]
            session.commit()
        self._work_all(claimed)
        return len(claimed)

    def _work_all(self, claimed: list[Claimed]) -> None:
        """Hand over to several receivers at once; what goes to one receiver goes in its order."""
        lines: dict[tuple[str, str], list[Claimed]] = {}
        for row in claimed:
            lines.setdefault((row.channel, row.message.address if row.message else ""), []).append(row)

        def work(line: list[Claimed]) -> None:
            for row in line:
                self._work(row)

        if len(lines) < HANDS:
            for line in lines.values():
                work(line)
            return
        with ThreadPoolExecutor(HANDS, thread_name_prefix="sender") as pool:
            # Reading every result brings an error of the database out of its thread.
            list(pool.map(work, lines.values()))

    def _claim_due(self, session: Session, batch: int) -> list[Claimed]:
        now = self.clock.now()
        rows = select(OutboxMessage).where(OutboxMessage.state == "due", OutboxMessage.due_at <= now)
        rows = rows.order_by(OutboxMessage.lane, OutboxMessage.due_at, OutboxMessage.id)
        return self._take(session, rows.limit(batch), now, look_up=False)

    def _claim_lost(self, session: Session, batch: int) -> list[Claimed]:
        """Rows whose sender died, and rows whose answer was lost and of which no news came in time."""
        now = self.clock.now()
        rows = select(OutboxMessage).where(
            OutboxMessage.state.in_(("claimed", "sending", "unknown")), OutboxMessage.lease_until < now
        )
        return self._take(session, rows.order_by(OutboxMessage.lease_until).limit(batch), now, look_up=True)

    def _take(
        self, session: Session, rows: Select[OutboxMessage], now: datetime, *, look_up: bool
    ) -> list[Claimed]:
        """Claim these rows with a lease and a new fence.

        They are locked until the commit (SQLite: everything is), so nobody else can have claimed one meanwhile.
        """
        taken = list(session.scalars(rows.with_for_update(skip_locked=True)))
        for row in taken:
            row.state, row.lease_until = "sending", now + LEASE
            row.fence, row.attempts, row.sent_at = row.fence + 1, row.attempts + 1, row.sent_at or now
        session.flush()
        return [self._claimed(session, row, now, look_up=look_up) for row in taken]

    def _claimed(self, session: Session, row: OutboxMessage, now: datetime, *, look_up: bool) -> Claimed:
        try:
            message, why_not = self._message(session, row, look_up=look_up), ""
        except Problem as problem:
            message, why_not = None, str(problem)
        except SQLAlchemyError:
            raise
        except Exception as error:
            # A template that is not there, a value that no gap takes: it will be so the next time as well.
            log().error("message_not_written", outbox_id=str(row.id), error_type=type(error).__name__)
            message, why_not = None, NOT_WRITTEN
        tried = row.sent_at or now
        return Claimed(row.id, row.channel, row.fence, row.attempts, look_up, message, now, tried, why_not)

    def _message(self, session: Session, row: OutboxMessage, *, look_up: bool) -> Message:
        if row.address_sealed:
            address = cipher(session).open("outbox.address", row.id, row.address_sealed)
        else:
            point = session.get(ContactPoint, row.contact_point_id)
            if point is None or point.stopped_at:
                raise Problem("This person asked for no more messages.")
            address = address_of(session, point)
        secret = (
            cipher(session).open("outbox.secret", row.id, row.secret_sealed) if row.secret_sealed else None
        )
        if row.channel == "email":
            alert_id = session.scalars(select(Delivery.alert_id).where(Delivery.outbox_id == row.id)).first()
            link = f"{self.public_url}/a/{alert_id}" if alert_id else ""
            letter = messages.render_mail(row.template, row.slots, row.language, row.script, secret, link)
            return Message(
                row.id, address, letter.text, letter.subject, letter.html, letter.language, since=row.sent_at
            )
        text = messages.render(row.template, row.slots, row.language, row.script, secret)
        return Message(
            row.id,
            address,
            text.text,
            language=text.language,
            since=row.sent_at,
            taken_ids=self._taken(session, row) if look_up else frozenset(),
        )

    def _taken(self, session: Session, row: OutboxMessage) -> frozenset[str]:
        same = select(OutboxMessage.provider_id).where(
            OutboxMessage.contact_point_id == row.contact_point_id, OutboxMessage.provider_id.is_not(None)
        )
        return frozenset(
            str(key)
            for key in session.scalars(
                same.where(OutboxMessage.id != row.id).order_by(OutboxMessage.created_at.desc()).limit(50)
            )
        )

    def _work(self, row: Claimed) -> None:
        channel = self.channels.get(row.channel)
        if row.message is None or channel is None:
            self._record(
                row, state="failed", error=row.why_not or "This channel is not set up.", settled=True
            )
            return
        if not self._still_mine(row):
            return
        try:
            handed = self._hand_over(channel, row)
        except DeliveryFailed as failure:
            self._failed(row, failure)
        except OutcomeUnknown as lost:
            self._record(row, state="unknown", error=lost.message, lease=WAIT_FOR_NEWS)
        except Exception as error:
            self._broken(row, error)
        else:
            self._record(
                row, state=handed.state, provider_id=handed.provider_id, settled=handed.state == "delivered"
            )

    def _still_mine(self, row: Claimed) -> bool:
        """Renew the lease of a row that waited behind slow ones; False if another sender took it over."""
        now = self.clock.now()
        if now < row.claimed_at + LEASE / 2:
            return True
        with self.database.open(service("sender"), write=True) as session:
            was = {"state": "sending", "fence": row.fence}
            mine = claim(session, OutboxMessage, row.id, was, {"lease_until": now + LEASE})
            session.commit()
        return mine

    def _broken(self, row: Claimed, error: Exception) -> None:
        """The sender itself failed, and nobody knows whether the message left: look it up, a few times."""
        log().error(
            "message_broken", outbox_id=str(row.id), error_type=type(error).__name__, attempts=row.attempts
        )
        if row.attempts >= MOST_BREAKS:
            self._record(row, state="failed", error=BROKEN, settled=True)
        else:
            self._record(row, state="unknown", error=BROKEN, lease=WAIT_FOR_NEWS)

    def _hand_over(self, channel: Channel, row: Claimed) -> Handed:
        assert row.message is not None
        if row.look_up_first and channel.can_look_up:
            found = channel.look_up(row.message)
            if found is not None:
                return found
        return channel.send(row.message)

    def _failed(self, row: Claimed, failure: DeliveryFailed) -> None:
        if failure.permanent or self.clock.now() - row.first_tried_at >= GIVE_UP_AFTER:
            self._record(row, state="failed", error=failure.message, code=failure.code, settled=True)
        else:
            wait = BACK_OFF[min(row.attempts, len(BACK_OFF)) - 1]
            self._record(
                row, state="due", error=failure.message, code=failure.code, due_in=timedelta(seconds=wait)
            )

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
        """Write the outcome if this process still holds the row: a callback or another sender may have it."""
        now = self.clock.now()
        values: dict[str, object] = {
            "state": state,
            "error": error,
            "error_code": code,
            "lease_until": now + lease if lease else None,
        }
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
                session.execute(
                    update(OutboxMessage)
                    .where(OutboxMessage.id == row.id, OutboxMessage.provider_id.is_(None))
                    .values(provider_id=provider_id)
                )
            session.commit()


ORDER = {
    "due": 0,
    "claimed": 0,
    "sending": 0,
    "unknown": 0,
    "sent": 1,
    "undelivered": 2,
    "failed": 2,
    "delivered": 3,
    "cancelled": 3,
}


def settle(
    session: Session,
    now: datetime,
    outbox_id: UUID,
    state: str,
    provider_id: str,
    code: str | None,
    words: str,
) -> bool:
    """Apply a provider's callback, in whatever order: no state goes back. False for an unknown id."""
    # Locked: two callbacks at once are applied one after the other, and the lower state never comes last.
    row = session.get(OutboxMessage, outbox_id, with_for_update=True)
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
