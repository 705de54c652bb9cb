"""One channel by several providers: each is a channel of its own, and whoever sends says which one takes a message.

Which one is chosen, and how its weight shifts, is `alerts.providers`; the row in the outbox remembers it, so that look-ups and callbacks
go to the same one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from alerts.channels.base import Channel, Handed, Message


class Many:
    """Several providers behind one key, the first one first."""

    def __init__(self, providers: Mapping[str, Channel]) -> None:
        if not providers:
            raise ValueError("at least one provider is needed")
        self.providers = dict(providers)
        first = next(iter(self.providers.values()))
        self.key, self.label = first.key, first.label
        self.can_look_up = all(provider.can_look_up for provider in self.providers.values())

    def of(self, provider: str | None) -> Channel:
        """The provider of that name, or the first one where none was chosen or it is gone."""
        return self.providers.get(provider or "", next(iter(self.providers.values())))

    def send(self, message: Message) -> Handed:
        """Hand a message to the first provider."""
        return self.of(None).send(message)

    def look_up(self, message: Message) -> Handed | None:
        """Ask the first provider."""
        return self.of(None).look_up(message)

    def check(self) -> None:
        """Ask each of them; raise what the first that does not answer raises."""
        for provider in self.providers.values():
            provider.check()

    def close(self) -> None:
        """Close them all."""
        for provider in self.providers.values():
            provider.close()


def providers_of(channel: object) -> Mapping[str, Channel]:
    """The providers of a channel by name; none where it has only one, which then needs no name."""
    return channel.providers if isinstance(channel, Many) else {}


def as_one(providers: Mapping[str, Channel]) -> Channel:
    """Several providers as one channel. Its key and label are its providers' and so not its class's: the type cannot say that."""
    return cast(Channel, Many(providers))
