"""The ways to reach a person. A new channel is one file here and one name in CHANNELS; nothing else changes.

Nothing here decides who is told or what; `alerts.delivery` is the caller.
"""

from __future__ import annotations

from alerts.channels.apprise import Apprise
from alerts.channels.base import Channel, DeliveryFailed, Handed, Message, OutcomeUnknown
from alerts.channels.console import Console
from alerts.channels.email import Email
from alerts.channels.sms import Sms
from alerts.channels.voice import Voice
from alerts.channels.webhook import Webhook
from alerts.channels.whatsapp import WhatsApp
from foundation.config import Config

CHANNELS: tuple[type[Channel], ...] = (Sms, WhatsApp, Voice, Email, Apprise, Webhook, Console)


def open_channels(config: Config) -> dict[str, Channel]:
    """Return the channels that are set up, by key.

    Where none is (and in the demonstration for each that is not), the console stands in: nothing is sent, and the outbox page
    shows it. As soon as one is real, a message by another that is not set up fails and says so, rather than seem to arrive.
    """
    found = {kind.key: kind.from_config(config) for kind in CHANNELS}
    real = {key: channel for key, channel in found.items() if channel is not None}
    if config.demo or set(real) <= {Console.key, Webhook.key}:
        return {key: channel or Console() for key, channel in found.items()}
    return real


__all__ = [
    "CHANNELS",
    "Apprise",
    "Channel",
    "Console",
    "DeliveryFailed",
    "Email",
    "Handed",
    "Message",
    "OutcomeUnknown",
    "Sms",
    "Voice",
    "Webhook",
    "WhatsApp",
    "open_channels",
]
