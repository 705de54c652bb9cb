"""The one-tap link of a letter or a web channel: signed, bound to one alert, its revision and one person, good for 48 hours.

Making and reading the address only, without a database; the page behind it is coordination/pages/answer_link.py. No SMS carries one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from alerts.signed_parts import SignedParts, moment
from foundation.crypto import Cipher

LASTS = timedelta(hours=48)
_PARTS = SignedParts("answer_link", "16s16sIQ")


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
    return _PARTS.sign(cipher, ticket.alert_id, ticket.person_id, ticket.revision, now + LASTS)


def address(cipher: Cipher, public_url: str, ticket: Ticket, now: datetime) -> str:
    """The whole link."""
    return f"{public_url}/k/{token(cipher, ticket, now)}"


def read(cipher: Cipher, text: str) -> Read | None:
    """What a token is bound to, whether or not its time is over; None for one that was not signed here."""
    if (found := _PARTS.read(cipher, text)) is None:
        return None
    alert_id, person_id, revision, until = found
    return Read(Ticket(alert_id, person_id, revision), moment(until))
