"""What a channel is: one message in, one answer out, or one of two failures.

A channel is given its settings when it is made and knows neither the database nor the clock. Who may be
written to, what is written and what happens after a failure is decided elsewhere: `alerts.delivery` alone
turns these answers and failures into rows. Everybody in `alerts` and above may import this module.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Literal, Protocol
from uuid import UUID

from foundation.config import Config

HandedState = Literal["sent", "delivered"]
Why = Literal["", "receiver", "message", "ours"]


@dataclass(frozen=True)
class Message:
    """One message to one address, ready to go.

    `outbox_id` is our own id of the row and goes to the provider wherever it takes one; `reference` is what a
    person may quote. `since` is when sending first began, aware; `look_up` believes no copy that is clearly
    older. `taken_ids` are provider ids that belong to other rows already, so that the same words sent twice
    on purpose are not mistaken for one another. `template` and `values` (its gaps, filled in, in their order)
    are for a provider that holds approved words of ours. `answering`: this person wrote to us on this channel
    within a day. `stop_link` takes this address off our list with one press. `sender` is who it comes from, where
    the receiver's country has one of its own. `registered` are the numbers of the body and of the text in that
    country's registry, for a provider that asks for them.
    """

    outbox_id: UUID
    address: str
    text: str = field(repr=False)
    subject: str | None = field(default=None, repr=False)
    html: str | None = field(default=None, repr=False)
    language: str = "en"
    reference: str = ""
    since: datetime | None = None
    taken_ids: frozenset[str] = frozenset()
    template: str = ""
    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    answering: bool = False
    stop_link: str = field(default="", repr=False)
    sender: str = ""
    registered: tuple[str, str] = ("", "")
    #: Whoever takes the call must press a key before they hear it.
    after_key: bool = False
    #: The lines that were recorded for a language without a voice.
    plays: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Handed:
    """The provider has it: its own id for the message, and whether it is on its way or has arrived."""

    provider_id: str
    state: HandedState = "sent"


class DeliveryFailed(Exception):
    """The provider certainly did not take the message, or says that it cannot arrive.

    `permanent` means that the same message to the same address will never work, so another channel or person
    must be tried. `code` is the provider's own code, where it gave one. `message` is for the secretary and
    holds no address and no text. `why`: what it says something about: the `receiver` (three permanent ones end
    sending there), this one `message`, or what is `ours` to mend (an administrator is told, the message waits).
    """

    def __init__(self, message: str, permanent: bool, code: str | None = None, why: Why = "") -> None:
        super().__init__(message)
        self.message = message
        self.permanent = permanent
        self.code = code
        self.why: Why = why


class OutcomeUnknown(Exception):
    """Nobody can say whether the provider took it: an answer was lost. Look it up before sending again.

    Raised by `look_up` as well, when the provider cannot be asked now.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Channel(Protocol):
    """One way to reach a person. It may keep a connection open, and several threads may use it."""

    key: ClassVar[str]
    #: What this channel is called on a page, in English.
    label: ClassVar[str]
    #: Whether `look_up` can tell a lost answer from a lost message. Where not, a second copy harms less.
    can_look_up: ClassVar[bool]

    @classmethod
    def from_config(cls, config: Config) -> Channel | None:
        """Return the channel as this installation set it up, or None where its settings are missing."""
        ...

    def send(self, message: Message) -> Handed:
        """Hand one message to the provider; raise DeliveryFailed or OutcomeUnknown."""
        ...

    def look_up(self, message: Message) -> Handed | None:
        """Find the copy that the provider took before, or None if there is none.

        Raises DeliveryFailed if the provider took it and could not deliver it, OutcomeUnknown if it cannot be
        asked now.
        """
        ...

    def check(self) -> None:
        """Ask the provider something that sends nothing; raise DeliveryFailed or OutcomeUnknown if it does not answer."""
        ...

    def close(self) -> None:
        """Give the connection back. The channel may be used again afterwards."""
        ...
