"""One row per message: the only state of sending. Whoever wants somebody told writes a row here in its own transaction.

States: due -> claimed (lease, fencing number) -> sending -> sent -> delivered | undelivered | failed; unknown waits for a callback or a
look-up before anything is sent again; cancelled was never sent. alerts/delivery.py is the only sender. Slots hold typed values, never a
story; a secret (a sign-in code) stands sealed and is wiped after sending.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from foundation.crypto import cipher
from foundation.db import Base, Keyed, new_id

STATES = ("due", "claimed", "sending", "sent", "delivered", "undelivered", "failed", "unknown", "cancelled")
FINAL = ("delivered", "undelivered", "failed", "cancelled")
URGENT, ORDINARY, SLOW = 0, 1, 2  # lanes: a warning passes a receipt, a receipt passes a digest


class OutboxMessage(Keyed, Base):
    """A message to one address on one channel."""

    __tablename__ = "outbox"
    __table_args__ = (
        Index(
            "ix_outbox_drain",
            "lane",
            "due_at",
            "id",
            sqlite_where=text("state = 'due'"),
            postgresql_where=text("state = 'due'"),
        ),
        Index("ix_outbox_open", "state", "lease_until"),
        Index("ix_outbox_receiver", "contact_point_id", "sent_at"),
        # What was written lately, for a page; on PostgreSQL it costs a sender nothing.
        Index("ix_outbox_created", "created_at", postgresql_using="brin"),
    )

    effect_key: Mapped[str] = mapped_column(unique=True)
    channel: Mapped[str]
    #: Which provider of the channel has it, where there are several: look-ups and callbacks go to the same one.
    provider: Mapped[str | None]
    contact_point_id: Mapped[UUID | None]
    address_sealed: Mapped[str | None]
    template: Mapped[str]
    slots: Mapped[dict[str, Any]]
    secret_sealed: Mapped[str | None]
    language: Mapped[str] = mapped_column(default="en")
    script: Mapped[str] = mapped_column(default="own")
    lane: Mapped[int] = mapped_column(default=ORDINARY)
    state: Mapped[str] = mapped_column(default="due")
    attempts: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime]
    created_at: Mapped[datetime]
    lease_until: Mapped[datetime | None]
    fence: Mapped[int] = mapped_column(default=0)
    provider_id: Mapped[str | None] = mapped_column(index=True)
    #: What it was charged to the day's budget, in segments.
    charged: Mapped[int] = mapped_column(default=0)
    error_code: Mapped[str | None]
    error: Mapped[str | None]
    sent_at: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]


def put(
    session: Session,
    now: datetime,
    *,
    effect_key: str,
    channel: str,
    template: str,
    slots: dict[str, Any],
    language: str = "en",
    script: str = "own",
    contact_point_id: UUID | None = None,
    address: str | None = None,
    secret: str | None = None,
    lane: int = ORDINARY,
    due_at: datetime | None = None,
    provider: str | None = None,
) -> OutboxMessage:
    """Write a message that is due now (or at `due_at`), once per `effect_key`: a repeat returns the first row unchanged.

    `provider`: who takes it where the channel has several; None leaves it to the sender.

    The receiver is a contact point, or a bare address (an answer to an unknown number), which is sealed.
    """
    found = session.scalars(select(OutboxMessage).where(OutboxMessage.effect_key == effect_key)).first()
    if found:
        return found
    key = new_id()
    message = OutboxMessage(
        id=key,
        effect_key=effect_key,
        channel=channel,
        provider=provider,
        contact_point_id=contact_point_id,
        address_sealed=cipher(session).seal("outbox.address", key, address) if address else None,
        template=template,
        slots=slots,
        secret_sealed=cipher(session).seal("outbox.secret", key, secret) if secret else None,
        language=language,
        script=script,
        lane=lane,
        due_at=due_at or now,
        created_at=now,
    )
    session.add(message)
    return message
