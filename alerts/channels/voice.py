"""Telephone calls through Twilio: the message is spoken, and a key answers it.

Only the opening goes to Twilio with the request (`call_script`): whoever picks up hears no more before they press a key, and the hook then
says the message. A code for one's own number is said at once. A key pressed comes in at the voice hook. Twilio's list of calls does
not carry our words: a look-up believes a call to this number that nobody else claims.
"""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from twilio.rest.api.v2010.account.call import CallInstance

from alerts.channels.base import DeliveryFailed, Handed, Message, OutcomeUnknown
from alerts.channels.call_script import TooLong, opening, script
from alerts.channels.call_voice import Speaker
from alerts.channels.twilio_account import TwilioAccount
from alerts.channels.twilio_codes import call_state_of, call_verdict
from alerts.channels.twilio_http import asking, told_apart
from foundation.config import Config

CLOCK_SKEW = timedelta(seconds=60)
LOOK_BACK = 50
RING_SECONDS = 40
#: A call that nobody ends costs money: a message said four times takes two minutes.
LONGEST_SECONDS = 240


class Voice(TwilioAccount):
    """Twilio's Calls API, over kept connections."""

    key: ClassVar[str] = "voice"
    label: ClassVar[str] = "Phone call"
    can_look_up: ClassVar[bool] = True

    @classmethod
    def from_config(cls, config: Config) -> Voice | None:
        """Return the channel, or None where it is not set up."""
        if not config.twilio_account_sid or not config.voice_from:
            return None
        return cls(
            config.twilio_account_sid,
            config.twilio_auth_tokens[0],
            config.voice_from,
            config.public_url,
            config.twilio_api_base,
        )

    def send(self, message: Message) -> Handed:
        """Ask Twilio to ring; raise DeliveryFailed or OutcomeUnknown."""
        speaks, link = Speaker(message.language, message.plays), self._keys_link(message)
        try:
            said = script(message.text, message.template, speaks, link)
        except TooLong:
            raise DeliveryFailed("The message is too long to be spoken.", permanent=True) from None
        if message.after_key:
            said = opening(speaks, f"{link}/open")
        with told_apart():
            made = self._client.calls.create(
                to=message.address,
                from_=self._sender(message.address),
                twiml=said,
                timeout=RING_SECONDS,
                time_limit=LONGEST_SECONDS,
                status_callback=self._status_hook(message.outbox_id),
            )
        return _handed(made)

    def look_up(self, message: Message) -> Handed | None:
        """Find the call Twilio made: to this number, not older than the first attempt, and claimed by no other row."""
        oldest = message.since - CLOCK_SKEW if message.since else None
        with asking():
            for call in self._client.calls.stream(to=message.address, limit=LOOK_BACK, page_size=50):
                if oldest and call.date_created and call.date_created < oldest:
                    return None
                if call.direction == "outbound-api" and call.sid not in message.taken_ids:
                    break
            else:
                return None
        return _handed(call)

    def _keys_link(self, message: Message) -> str:
        return f"{self._hooks}/voice/{message.outbox_id}/{message.language}"


def _handed(call: CallInstance) -> Handed:
    state = call_state_of(call.status)
    if not call.sid or state is None:
        raise OutcomeUnknown("The phone service gave an answer that we cannot read.")
    if state in ("sent", "delivered"):
        return Handed(call.sid, "delivered" if state == "delivered" else "sent")
    meaning = call_verdict(call.status)
    raise DeliveryFailed(meaning.words, meaning.permanent, call.status)
