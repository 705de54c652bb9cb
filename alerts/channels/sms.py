"""SMS through Twilio. Its status callbacks carry our own outbox id, so that even a lost answer finds its row.

Here a message is handed over and looked for. What Twilio says later comes in at the hooks:
see `twilio_request`.
"""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from twilio.rest.api.v2010.account.message import MessageInstance

from alerts.channels.base import Channel, DeliveryFailed, Handed, Message, OutcomeUnknown
from alerts.channels.many import as_one
from alerts.channels.twilio_account import TwilioAccount
from alerts.channels.twilio_codes import state_of, verdict
from alerts.channels.twilio_http import asking, told_apart
from foundation.config import Config

#: How far Twilio's clock and ours may differ before a copy made before `since` is taken for an older message.
CLOCK_SKEW = timedelta(seconds=60)
#: How many of the newest messages to one number are looked through; a person gets at most 11 an hour.
LOOK_BACK = 200


class Sms(TwilioAccount):
    """Twilio's Messages API, over kept connections."""

    key: ClassVar[str] = "sms"
    label: ClassVar[str] = "SMS"
    can_look_up: ClassVar[bool] = True

    @classmethod
    def from_config(cls, config: Config) -> Channel | None:
        """Return the channel, or None where Twilio is not set up; with a second line, both of them as one channel."""
        if not config.sms_over_twilio or config.twilio_account_sid is None:
            return None
        first = cls(
            config.twilio_account_sid,
            config.twilio_auth_tokens[0],
            config.twilio_from,
            config.public_url,
            config.twilio_api_base,
        )
        line = config.second_line
        if line is None:
            return first
        second = cls(line.account_sid, line.tokens[0], line.senders, config.public_url, line.api_base)
        return as_one({"first": first, "second": second})

    def line_of(self, address: str) -> str:
        """The sender number by which this address is written to: its speed is limited there."""
        return self._sender(address)

    def send(self, message: Message) -> Handed:
        """Hand one SMS to Twilio; raise DeliveryFailed or OutcomeUnknown."""
        words = self._words(message)
        sender = message.sender or self._sender(message.address)
        with told_apart():
            made = self._client.messages.create(
                to=self._address(message.address),
                status_callback=self._status_hook(message.outbox_id),
                **{"messaging_service_sid" if sender.startswith("MG") else "from_": sender},
                **words,
            )
        return _handed(made)

    def look_up(self, message: Message) -> Handed | None:
        """Find the copy Twilio took: same number, exactly the same text, not older than the first attempt."""
        with asking():
            found = self._find(message)
        return _handed(found) if found else None

    def _words(self, message: Message) -> dict[str, str]:
        """What is said, as Twilio is given it; raise DeliveryFailed where nothing can be."""
        return {"body": message.text}

    def _address(self, address: str) -> str:
        return address

    def _is_copy(self, copy: MessageInstance, message: Message) -> bool:
        return bool(copy.body == message.text)

    def _find(self, message: Message) -> MessageInstance | None:
        # Listed by number alone: Twilio's date filter is by the time of sending, which a queued message
        # lacks.
        oldest = message.since - CLOCK_SKEW if message.since else None
        for copy in self._client.messages.stream(
            to=self._address(message.address), limit=LOOK_BACK, page_size=50
        ):
            if oldest and copy.date_created and copy.date_created < oldest:
                return None
            outbound = str(copy.direction).startswith("outbound")
            if outbound and self._is_copy(copy, message) and copy.sid not in message.taken_ids:
                return copy
        return None


def _handed(copy: MessageInstance) -> Handed:
    state = state_of(copy.status)
    if not copy.sid or state is None:
        raise OutcomeUnknown("The SMS service gave an answer that we cannot read.")
    if state in ("sent", "delivered"):
        return Handed(copy.sid, "delivered" if state == "delivered" else "sent")
    meaning = verdict(copy.error_code)
    code = str(copy.error_code) if copy.error_code else None
    raise DeliveryFailed(meaning.words, meaning.permanent, code, meaning.why)
