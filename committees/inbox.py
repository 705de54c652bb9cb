"""What came in over the wire, stored before anything is understood: SMS and WhatsApp messages, calls and keys pressed in
them, delivery receipts, one-press stops of e-mail, forms and letters; once per provider id for ever.

The hook writes a row and answers; the reader (coordination/inbound.py) works on rows later. Text and number
stand sealed.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, Session, mapped_column

from foundation.crypto import cipher
from foundation.db import Base, Keyed

SMS, CALL, STATUS, KEY, STOP = "sms", "call", "status", "key", "stop"
# A call that we took, and one key pressed in it.
MENU_CALL, MENU = "menu_call", "menu"
# Something was said after the tone in such a call.
NOTE = "note"
#: What others collected: an answer to our form, a letter.
FORM, MAIL = "form", "mail"
# unread: a person must look at it, and the secretary's desk shows it until somebody has.
WAITING, READ, UNREAD, IGNORED = "waiting", "read", "unread", "ignored"


class Inbound(Keyed, Base):
    """One message, call or receipt from a provider; `reading` says in closed words how it was read.

    `sender` is a slow keyed index of the number, by which replies are limited; `answered` says that one was
    sent. Both are filled in by the reader.
    """

    __tablename__ = "inbound"
    __table_args__ = (
        Index("ix_inbound_sender", "sender", "received_at"),
        Index("ix_inbound_received", "received_at"),
    )

    kind: Mapped[str]
    provider_id: Mapped[str] = mapped_column(unique=True)
    locality_id: Mapped[UUID | None] = mapped_column(index=True)
    from_sealed: Mapped[str | None]
    text_sealed: Mapped[str | None]
    details: Mapped[dict[str, Any]] = mapped_column(default=dict)
    confirmed: Mapped[bool] = mapped_column(default=True)
    received_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(default=WAITING, index=True)
    reading: Mapped[dict[str, Any] | None]
    person_id: Mapped[UUID | None]
    sender: Mapped[str | None]
    answered: Mapped[bool] = mapped_column(default=False)
    handled_by: Mapped[UUID | None]

    @property
    def channel(self) -> str:
        """By which channel a message came."""
        return str(self.details.get("channel", "sms"))

    def text(self, session: Session) -> str:
        """The words as they came."""
        return cipher(session).open("inbound.text", self.id, self.text_sealed) if self.text_sealed else ""

    def number(self, session: Session) -> str:
        """The number they came from."""
        return cipher(session).open("inbound.from", self.id, self.from_sealed) if self.from_sealed else ""


def seal_message(session: Session, row: Inbound, number: str, text: str) -> None:
    """Put number and text into a row, sealed. The text must be storable: no NUL, no half letters."""
    row.from_sealed = cipher(session).seal("inbound.from", row.id, number)
    row.text_sealed = cipher(session).seal("inbound.text", row.id, text)
