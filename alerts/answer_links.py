"""The one-tap link of a letter or a web channel: signed, bound to one alert, its revision and one person, good for 48 hours.

Making and reading the address only, without a database; the page behind it is coordination/pages/answer_link.py. No SMS carries one.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from foundation.crypto import Cipher

PURPOSE = "answer_link"
LASTS = timedelta(hours=48)
_FORM = struct.Struct(">B16s16sIQ")
_VERSION = 1


@dataclass(frozen=True)
class Ticket:
    """What a link is bound to."""

    alert_id: UUID
    person_id: UUID
    revision: int


@dataclass(frozen=True)
class Read:
    """A link that was signed here, and until when it may answer."""

    ticket: Ticket
    until: datetime


def token(cipher: Cipher, ticket: Ticket, now: datetime) -> str:
    """The last part of a link's address."""
    until = int((now + LASTS).timestamp())
    payload = _FORM.pack(_VERSION, ticket.alert_id.bytes, ticket.person_id.bytes, ticket.revision, until)
    return cipher.sign(PURPOSE, payload)


def address(cipher: Cipher, public_url: str, ticket: Ticket, now: datetime) -> str:
    """The whole link."""
    return f"{public_url}/k/{token(cipher, ticket, now)}"


def read(cipher: Cipher, text: str) -> Read | None:
    """What a token is bound to, whether or not its time is over; None for one that was not signed here."""
    payload = cipher.signed(PURPOSE, text)
    if payload is None or len(payload) != _FORM.size or payload[0] != _VERSION:
        return None
    _, alert_id, person_id, revision, until = _FORM.unpack(payload)
    ticket = Ticket(UUID(bytes=alert_id), UUID(bytes=person_id), revision)
    return Read(ticket, datetime.fromtimestamp(until, UTC))
