"""Asking Twilio what was really sent to us: the fetch-back of one SMS or WhatsApp message, all messages and calls since a time, and deletion.

A webhook is a claim; the provider's own copy is the confirmation. After we were down, the list brings what
was missed. The inbound page of `coordination` and its jobs call this; nothing is stored here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from twilio.rest.api.v2010.account.message import MessageInstance

from alerts.channels.base import DeliveryFailed, OutcomeUnknown
from alerts.channels.twilio_http import PooledClient, asking, make_client, told_apart
from alerts.channels.twilio_request import WHATSAPP_PREFIX, caller_of
from foundation.config import Config


@dataclass(frozen=True)
class Received:
    """One SMS or WhatsApp message as the provider holds it."""

    sid: str
    sender: str = field(repr=False)
    to: str
    body: str = field(repr=False)
    at: datetime | None
    channel: str = "sms"
    media: int = 0


@dataclass(frozen=True)
class Rung:
    """One call to a number of ours as the provider holds it."""

    sid: str
    caller: str = field(repr=False)
    to: str
    at: datetime | None


class TwilioInbox:
    """Reads inbound SMS from Twilio's own list."""

    def __init__(
        self,
        account_sid: str,
        token: str,
        numbers: tuple[str, ...],
        api_base: str | None = None,
        rung_at: tuple[str, ...] = (),
    ) -> None:
        self.account = account_sid
        self._http = PooledClient(api_base)
        self._client = make_client(account_sid, token, self._http)
        self._numbers, self._rung_at = numbers, rung_at

    @classmethod
    def all_from_config(cls, config: Config) -> list[TwilioInbox]:
        """One inbox for each account that is set up, the first line's first; none where Twilio is not set up."""
        found = []
        numbers = tuple(a for a in config.twilio_addresses if not a.startswith("MG"))
        if numbers and config.twilio_account_sid is not None:
            token, base = config.twilio_auth_tokens[0], config.twilio_api_base
            found.append(cls(config.twilio_account_sid, token, numbers, base, config.voice_from))
        line = config.second_line
        senders = tuple(a for a in line.senders if not a.startswith("MG")) if line else ()
        if line and senders:
            found.append(cls(line.account_sid, line.tokens[0], senders, line.api_base))
        return found

    def fetch(self, sid: str) -> Received | None:
        """Return the SMS with this id, or None if Twilio has none; raise OutcomeUnknown."""
        try:
            with told_apart():
                copy = self._client.messages(sid).fetch()
        except DeliveryFailed as error:
            if error.code in ("404", "20404"):
                return None
            raise OutcomeUnknown(error.message) from None
        return _received(copy)

    def since(self, when: datetime) -> Iterator[Received]:
        """Yield every SMS to our numbers from `when` (aware) on, newest first; raise OutcomeUnknown."""
        for number in dict.fromkeys(self._numbers):
            with asking():
                copies = self._client.messages.list(to=number, date_sent_after=when, page_size=200)
            for copy in copies:
                received = _received(copy)
                if received and (received.at is None or received.at >= when):
                    yield received

    def calls_since(self, when: datetime) -> Iterator[Rung]:
        """Yield every call to our numbers from `when` (aware) on, newest first; raise OutcomeUnknown."""
        for number in dict.fromkeys((*self._rung_at, *self._numbers)):
            if number.startswith(WHATSAPP_PREFIX):
                continue
            with asking():
                calls = self._client.calls.list(to=number, start_time_after=when, page_size=200)
            for call in calls:
                at = call.start_time or call.date_created
                inbound = call.direction == "inbound" and call.sid and call._from
                if inbound and (at is None or at >= when):
                    yield Rung(call.sid, caller_of(call._from), number, at)

    def delete(self, sid: str) -> None:
        """Delete Twilio's copy. Only after reconciliation: a deleted message can no longer be looked up."""
        with asking():
            self._client.messages(sid).delete()

    def close(self) -> None:
        """Close the kept connections."""
        self._http.close()


def _received(copy: MessageInstance) -> Received | None:
    if copy.direction != "inbound" or not (copy.sid and copy.from_ and copy.to):
        return None
    sender, to = (address.removeprefix(WHATSAPP_PREFIX) for address in (copy.from_, copy.to))
    channel = "whatsapp" if copy.from_.startswith(WHATSAPP_PREFIX) else "sms"
    at = copy.date_sent or copy.date_created
    return Received(copy.sid, sender, to, copy.body or "", at, channel, int(copy.num_media or 0))
