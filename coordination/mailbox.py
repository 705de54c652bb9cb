"""Fetching letters from the operator's mailbox by IMAP: those after the last one that we have, without changing anything there.

Only the settings say which mailbox. Nothing is stored here; collecting.py is the caller. Source: the standard library's imaplib, RFC 3501.
"""

from __future__ import annotations

import base64
import imaplib
import re
import ssl
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date

from committees.intake.letters import LARGEST
from coordination.form_servers import NotCollected
from foundation.collecting_settings import Mailbox
from foundation.web.words import N_

_QUOTED = re.compile(rb'BODY\[\](?:<0>)? "((?:[^"\\]|\\.)*)"', re.IGNORECASE)
SECONDS = 20.0
MOST = 200
REFUSED = N_("The mail server refuses our name or password. Check them in the settings.")
NOT_THERE = N_("The mailbox has no such folder. Check its name in the settings.")
AWAY = N_("The mail server cannot be reached. We ask again in a minute.")
UNREADABLE = N_("The mail server's answer cannot be read. We ask again in a minute.")


@dataclass(frozen=True)
class Fetched:
    """One letter as it lies there, and the cursor after it."""

    raw: bytes
    cursor: str


def letters(box: Mailbox, cursor: str) -> Iterator[Fetched]:
    """The letters after the cursor, oldest first; raise NotCollected. Each is read at most to LARGEST bytes and stays unread there."""
    try:
        server = _open(box)
    except (OSError, imaplib.IMAP4.abort):
        raise NotCollected(AWAY) from None
    try:
        yield from _new(server, box, cursor)
    except (OSError, imaplib.IMAP4.abort):
        raise NotCollected(AWAY) from None
    except imaplib.IMAP4.error:
        raise NotCollected(UNREADABLE) from None
    finally:
        with suppress(OSError, imaplib.IMAP4.error):
            server.logout()


def _open(box: Mailbox) -> imaplib.IMAP4:
    if box.tls:
        return imaplib.IMAP4_SSL(
            box.host, box.port, ssl_context=ssl.create_default_context(), timeout=SECONDS
        )
    return imaplib.IMAP4(box.host, box.port, timeout=SECONDS)


def _new(server: imaplib.IMAP4, box: Mailbox, cursor: str) -> Iterator[Fetched]:
    try:
        server.login(box.user, box.password)
    except imaplib.IMAP4.abort:
        raise
    except imaplib.IMAP4.error:
        raise NotCollected(REFUSED) from None
    state, _count = server.select(_folder(box.folder), readonly=True)
    if state != "OK":
        raise NotCollected(NOT_THERE)
    _name, validity = server.response("UIDVALIDITY")
    valid = _number(validity[-1] if validity else b"0")
    # Numbers of letters hold only as long as this one: where it changed, all are looked at again, each once by its Message-ID.
    known, _colon, last = cursor.partition(":")
    after = int(last or 0) if known == str(valid) else 0
    asked = [f"UID {after + 1}:*", *([f"SINCE {_day(box.since)}"] if box.since else [])]
    state, found = server.uid("search", *asked)
    if state != "OK":
        raise NotCollected(UNREADABLE)
    numbers = sorted(int(one) for one in (found[0] or b"").split())
    for number in [one for one in numbers if one > after][:MOST]:
        state, parts = server.uid("fetch", str(number), f"(BODY.PEEK[]<0.{LARGEST}>)")
        if state != "OK":
            raise NotCollected(UNREADABLE)
        yield Fetched(_raw(parts), f"{valid}:{number}")


def _day(day: date) -> str:
    """A day in the English letters of RFC 3501, whatever the machine speaks."""
    return f"{day.day}-{'JanFebMarAprMayJunJulAugSepOctNovDec'[day.month * 3 - 3 : day.month * 3]}-{day.year}"


def _folder(name: str) -> str:
    """A folder's name as the server wants it: between quotes, other letters than ASCII in the UTF-7 of RFC 3501."""

    def packed(match: re.Match[str]) -> str:
        text = match[0].encode("utf-16-be")
        return f"&{base64.b64encode(text).decode().rstrip('=').replace('/', ',')}-"

    known = re.sub(r"[^\x20-\x7e]+", packed, name.replace("&", "&-"))
    return '"' + known.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _raw(parts: Iterable[object] | None) -> bytes:
    """The letter in an answer: a counted literal, or between quotes; nothing where it is empty, or was deleted in between."""
    for part in parts or ():
        if isinstance(part, tuple):
            return bytes(part[1])
        if isinstance(part, bytes) and (quoted := _QUOTED.search(part)):
            return re.sub(rb"\\(.)", rb"\1", quoted[1])
    return b""


def _number(text: bytes | None) -> int:
    match = re.search(rb"\d+", text or b"")
    return int(match[0]) if match else 0
