"""The ways to reach a person. A new channel is one file here and one name in CHANNELS; nothing else changes.

Nothing here decides who is told or what; `alerts.delivery` is the caller.
"""

from __future__ import annotations

from alerts.channels.base import Channel, DeliveryFailed, Handed, Message, OutcomeUnknown
from alerts.channels.console import Console
from alerts.channels.email import Email
from alerts.channels.sms import Sms
from alerts.channels.voice import Voice
from alerts.channels.whatsapp import WhatsApp
from foundation.config import Config

CHANNELS: tuple[type[Channel], ...] = (Sms, WhatsApp, Voice, Email, Console)


def open_channels(config: Config) -> dict[str, Channel]:
    """Return every channel by its key; one whose settings are missing is stood in for by the console."""
    return {kind.key: kind.from_config(config) or Console() for kind in CHANNELS}


__all__ = [
    "CHANNELS",
    "Channel",
    "Console",
    "DeliveryFailed",
    "Email",
    "Handed",
    "Message",
    "OutcomeUnknown",
    "Sms",
    "Voice",
    "WhatsApp",
    "open_channels",
]
