"""What two keepers do on their own machine to open a sealed name: the server never can, so the product has no such function."""

from __future__ import annotations

import base64

from nacl.public import PrivateKey, SealedBox


def open_with(boxes: dict[str, str], one: tuple[int, bytes], other: tuple[int, bytes]) -> str:
    """Open an identity with two keepers' (position, private key); any two of the three will do."""
    (low, low_key), (high, high_key) = sorted([one, other])
    outer = SealedBox(PrivateKey(low_key)).decrypt(base64.b64decode(boxes[f"{low}{high}"]))
    return SealedBox(PrivateKey(high_key)).decrypt(outer).rstrip(b"\0").decode()
