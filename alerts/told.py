"""The table of who was told of an alert, or was not, and why. Written by routing.py and releasing.py; how it fared comes from the sender."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from foundation.db import Base, Keyed

HELD, NOT_ASKED = "held", "not_asked"
#: States of a message that left, as far as anybody knows: who has one was told.
GOT = ("sent", "delivered", "unknown", "sending", "claimed")
#: Why a message that was held never went out (`why_not`), or why there is none.
ENDED, ROSE, LOWERED, TOLD = "ended", "rose", "lowered", "told"
EXCLUDED, NO_CONTACT = "excluded", "no_contact"
OFF_DUTY, STOOD_IN, STOPPED = "off_duty", "stood_in", "stopped"
#: Why an ordinary message waits in the outbox for its receiver (`held_by`, beside holding.HOLDS).
QUIET, PAUSED = "quiet", "paused"
#: The message that actions are done: it stays true whatever becomes of the level.
ACTIONS_DONE = "actions_done"


class Delivery(Keyed, Base):
    """Why one message went to one person: alert, step, office, reason; the outbox row says how it fared.

    `held_by`: why it waits or waited (holding.HOLDS), until when, and which silence or alert holds it. Several rows may share one outbox
    row: a digest, or several wards in one message. `why_not`: why nothing was sent in the end; of who was not asked at all
    (`NOT_ASKED`, no message) `held_until` says until when.
    """

    __tablename__ = "delivery"
    __table_args__ = (
        Index("ix_delivery_held", "state", "held_until"),
        Index("ix_delivery_at", "at", "id"),
    )

    alert_id: Mapped[UUID] = mapped_column(ForeignKey("alert.id"), index=True)
    locality_id: Mapped[UUID] = mapped_column(ForeignKey("locality.id"), index=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), index=True)
    office_id: Mapped[UUID | None]
    role: Mapped[str]
    channel: Mapped[str]
    template: Mapped[str] = mapped_column(default="alert")
    revision: Mapped[int] = mapped_column(default=1)
    step: Mapped[int]
    reason: Mapped[str]
    outbox_id: Mapped[UUID | None] = mapped_column(ForeignKey("outbox.id"), index=True)
    state: Mapped[str] = mapped_column(default="due")
    held_by: Mapped[str | None]
    held_until: Mapped[datetime | None]
    held_which: Mapped[UUID | None]
    why_not: Mapped[str] = mapped_column(default="")
    effect_key: Mapped[str] = mapped_column(unique=True)
    at: Mapped[datetime]
    #: When failover.py looked at what became of it and went on to the next way, if there was one.
    passed_on_at: Mapped[datetime | None]
