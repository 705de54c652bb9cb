"""The channel that sends nothing, for development and the demonstration. The outbox page shows the rows.

A safe default: an installation without SMS or mail settings can never write to anybody by accident.
"""

from __future__ import annotations

from typing import ClassVar

from alerts.channels.base import Handed, Message
from foundation.config import Config


class Console:
    """Says *delivered* to everything and keeps nothing: the outbox row is the message."""

    key: ClassVar[str] = "console"
    label: ClassVar[str] = "Outbox page"
    can_look_up: ClassVar[bool] = True

    @classmethod
    def from_config(cls, config: Config) -> Console:
        """Return a console: it needs no settings."""
        return cls()

    def send(self, message: Message) -> Handed:
        """Answer that the message has arrived; the row on the outbox page is where it did."""
        return Handed(f"console-{message.outbox_id}", "delivered")

    def look_up(self, message: Message) -> Handed | None:
        """Answer as `send` does: the row was never anywhere else."""
        return self.send(message)

    def check(self) -> None:
        """Do nothing: there is nobody to ask."""

    def close(self) -> None:
        """Do nothing: there is no connection."""
