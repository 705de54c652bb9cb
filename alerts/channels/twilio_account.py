"""An account at Twilio as its channels use it: kept connections, the numbers it sends from, and the address of our hooks.

What lives here: what SMS, WhatsApp and voice share. What is sent and how a copy is found again, each of them says itself. Only sms.py and
voice.py import this module.
"""

from __future__ import annotations

from uuid import UUID
from zlib import crc32

from alerts.channels.twilio_http import READ_SECONDS, PooledClient, ask_for_account, make_client


class TwilioAccount:
    """The base of a channel over Twilio."""

    def __init__(
        self,
        account_sid: str,
        token: str,
        senders: tuple[str, ...],
        public_url: str,
        api_base: str | None = None,
        read_seconds: float = READ_SECONDS,
    ) -> None:
        if not senders:
            raise ValueError("at least one sender is needed")
        self._http = PooledClient(api_base, read=read_seconds)
        self._client = make_client(account_sid, token, self._http)
        self._senders = senders
        self._hooks = f"{public_url.rstrip('/')}/hooks/twilio"

    def check(self) -> None:
        """Ask Twilio for our own account."""
        ask_for_account(self._client)

    def close(self) -> None:
        """Close the kept connections."""
        self._http.close()

    def _sender(self, address: str) -> str:
        """Return the same sender for the same number each time, so that all messages stay in one thread."""
        return self._senders[crc32(address.encode()) % len(self._senders)]

    def _status_hook(self, outbox_id: UUID) -> str:
        """Where Twilio says what became of a message: the address carries our own id."""
        return f"{self._hooks}/status/{outbox_id}"
