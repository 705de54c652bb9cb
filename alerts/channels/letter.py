"""A letter as the bytes that go to a mail server: plain text with a simple HTML copy, and headers that nobody can forge.

Written by hand, because the standard library's way takes two milliseconds a letter; a test reads every letter back with that library.
Words and layout are `alerts.messages`' business. Only `email` imports this module.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Sequence
from email.header import Header
from email.utils import formataddr
from functools import lru_cache

from alerts.channels.base import DeliveryFailed

_LINE = 76
_LONGEST = 900
_BOUNDARY = "concord=_=part"


def compose(
    headers: Sequence[tuple[str, str]], subject: str, language: str, text: str, html: str | None
) -> bytes:
    """Return the letter with CRLF ends; raise DeliveryFailed if its subject could forge a header.

    `headers` are names and values that are safe already. The parts are 7bit where they can be, else base64, so that the boundary, which
    base64 never holds, cannot stand in them.
    """
    if re.search(r"[\r\n\0]", subject):
        raise DeliveryFailed("The subject of this message cannot be used.", permanent=True, why="message")
    lines = [f"{name}: {value}" for name, value in headers]
    lines += [f"Subject: {_words(subject)}", f"Content-Language: {language}", "MIME-Version: 1.0"]
    if html is None:
        return _joined(lines + _part("plain", text))
    return _joined(
        [
            *lines,
            f'Content-Type: multipart/alternative; boundary="{_BOUNDARY}"',
            "",
            f"--{_BOUNDARY}",
            *_part("plain", text),
            f"--{_BOUNDARY}",
            *_part("html", html),
            f"--{_BOUNDARY}--",
            "",
        ]
    )


@lru_cache(maxsize=64)
def sender_header(name: str, address: str) -> str:
    """The value of From."""
    return formataddr((name, address)) if name else address


def _joined(lines: list[str]) -> bytes:
    return "\r\n".join(lines).encode("ascii")


@lru_cache(maxsize=256)
def _words(value: str) -> str:
    if value.isascii():
        return value
    return Header(value, "utf-8", header_name="Subject").encode(linesep="\r\n")


def _part(kind: str, content: str) -> list[str]:
    body = content.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n")
    lines = body.split("\n")
    plain = body.isascii() and "\0" not in body and _BOUNDARY not in body
    if plain and all(len(line) <= _LONGEST for line in lines):
        return [f'Content-Type: text/{kind}; charset="utf-8"', "Content-Transfer-Encoding: 7bit", "", *lines]
    sealed = b64encode((body + "\n").encode("utf-8", "replace")).decode("ascii")
    return [
        f'Content-Type: text/{kind}; charset="utf-8"',
        "Content-Transfer-Encoding: base64",
        "",
        *(sealed[start : start + _LINE] for start in range(0, len(sealed), _LINE)),
    ]
