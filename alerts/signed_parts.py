"""What the signed part of an address carries: a version and some fixed parts, packed; readable by anybody, made by nobody else.

Which parts, for how long and what they allow is the matter of each kind of link: answer_links.py and press_links.py, its only users.
"""

from __future__ import annotations

import struct
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from foundation.crypto import Cipher

VERSION = 1


class SignedParts:
    """One kind of signed address: a purpose, and its parts as `struct` lays them out. 16 bytes are an id."""

    def __init__(self, purpose: str, layout: str) -> None:
        self.purpose, self._layout = purpose, struct.Struct(">B" + layout)

    def sign(self, cipher: Cipher, *parts: UUID | datetime | int) -> str:
        """The text that stands in the address."""
        return cipher.sign(self.purpose, self._layout.pack(VERSION, *map(_packed, parts)))

    def read(self, cipher: Cipher, text: str) -> tuple[Any, ...] | None:
        """The parts, a moment as its number; None for what was not signed here for this purpose."""
        payload = cipher.signed(self.purpose, text)
        if payload is None or len(payload) != self._layout.size or payload[0] != VERSION:
            return None
        found = self._layout.unpack(payload)[1:]
        return tuple(UUID(bytes=part) if isinstance(part, bytes) else part for part in found)


def moment(seconds: int) -> datetime:
    """A moment out of its number."""
    return datetime.fromtimestamp(seconds, UTC)


def _packed(part: UUID | datetime | int) -> bytes | int:
    if isinstance(part, UUID):
        return part.bytes
    return int(part.timestamp()) if isinstance(part, datetime) else part
