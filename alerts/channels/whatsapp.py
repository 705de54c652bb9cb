"""WhatsApp through Twilio: the Messages API with `whatsapp:` addresses.

WhatsApp takes free words only within a day after the person wrote to us. Outside it, only words that WhatsApp approved
beforehand go out: a Content template of Twilio's for each message and language, named in the settings. Where there is none,
nothing is tried and the failure says so, so that the next channel is used at once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import ClassVar

from twilio.rest.api.v2010.account.message import MessageInstance

from alerts.channels.base import DeliveryFailed, Message
from alerts.channels.sms import Sms
from alerts.channels.twilio_http import READ_SECONDS
from alerts.channels.twilio_request import WHATSAPP_PREFIX as PREFIX
from foundation.config import Config

#: Our own code, beside Twilio's numbers: no approved words for this message in this language.
NO_TEMPLATE = "no_template"
_NO_TEMPLATE = (
    "WhatsApp takes only approved words from us now, and none are set up for this message in this language."
)


class WhatsApp(Sms):
    """Twilio's Messages API, to and from WhatsApp accounts."""

    key: ClassVar[str] = "whatsapp"
    label: ClassVar[str] = "WhatsApp"

    def __init__(
        self,
        account_sid: str,
        token: str,
        senders: tuple[str, ...],
        public_url: str,
        api_base: str | None = None,
        read_seconds: float = READ_SECONDS,
        *,
        contents: Mapping[tuple[str, str], str] | None = None,
    ) -> None:
        named = tuple(s if s.startswith("MG") else PREFIX + s for s in senders)
        super().__init__(account_sid, token, named, public_url, api_base, read_seconds)
        self._contents = contents or {}

    @classmethod
    def from_config(cls, config: Config) -> WhatsApp | None:
        """Return the channel, or None where it is not set up."""
        if not config.twilio_account_sid or not config.whatsapp_from:
            return None
        return cls(
            config.twilio_account_sid,
            config.twilio_auth_tokens[0],
            config.whatsapp_from,
            config.public_url,
            config.twilio_api_base,
            contents=config.whatsapp_templates,
        )

    def _words(self, message: Message) -> dict[str, str]:
        if message.answering:
            return {"body": message.text}
        content = self._contents.get((message.template, message.language))
        if content is None:
            raise DeliveryFailed(_NO_TEMPLATE, permanent=True, code=NO_TEMPLATE)
        numbered = {str(place): value for place, value in enumerate(message.values.values(), start=1)}
        return {"content_sid": content, "content_variables": json.dumps(numbered, ensure_ascii=False)}

    def _address(self, address: str) -> str:
        return PREFIX + address

    def _is_copy(self, copy: MessageInstance, message: Message) -> bool:
        """Free words are the same words; approved ones are put together by Twilio, around our values."""
        if copy.body == message.text:
            return True
        given = [value for value in message.values.values() if value]
        return bool(copy.body and given) and all(value in copy.body for value in given)
