"""Reading the settings of what is collected from elsewhere: form servers, form servers that send by themselves, and a mailbox.

Pure; config.py calls it. What is done with them is coordination/collecting.py. An address may hold a password, so no complaint repeats one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import Any
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from foundation.channel_settings import LOOPBACK, BadSetting, nobody_listens

NAMES = ("FORM_SERVERS", "FORM_HOOKS", "MAIL_IN", "MAIL_TRUST")
SHORTEST_SECRET = 24
_SERVER = re.compile(r"([a-z][a-z0-9-]{0,19})=(kobo|odk)\+(https?://\S+)")
_HOOK = re.compile(r"([a-z][a-z0-9-]{0,19}):([A-Z0-9-]{2,40})=(\S+)")
_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}")


@dataclass(frozen=True)
class FormServer:
    """A form on ODK Central or KoboToolbox whose answers are fetched; `place` is the code of the town that they are for."""

    name: str
    kind: str
    url: str
    place: str
    user: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)
    since: date | None = None
    """What was sent before this day is not fetched."""


@dataclass(frozen=True)
class FormHook:
    """A form server that sends each answer by itself, and the secret that it sends along."""

    name: str
    place: str
    secret: str = field(repr=False)


@dataclass(frozen=True)
class Mailbox:
    """A mailbox whose letters are reports."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    folder: str = "INBOX"
    place: str = ""
    tls: bool = True
    since: date | None = None


def all_of(get: Callable[[str], str | None]) -> dict[str, Any]:
    """These settings by the names that they have in Config; raise BadSetting for one that cannot be used."""
    return {
        "form_servers": form_servers(get("FORM_SERVERS")),
        "form_hooks": form_hooks(get("FORM_HOOKS")),
        "mailbox": mailbox(get("MAIL_IN")),
        "mail_trust": mail_trust(get("MAIL_TRUST")),
    }


def form_servers(value: str | None) -> Mapping[str, FormServer]:
    """`name=kobo+https://TOKEN@host/ASSET?place=CODE` or `name=odk+https://user:password@host/v1/projects/1/forms/report?place=CODE`."""
    found: dict[str, FormServer] = {}
    for word in (value or "").split():
        match = _SERVER.fullmatch(word)
        parts = _parts(match[3]) if match else None
        if (
            not match
            or parts is None
            or match[1] in found
            or not nobody_listens(parts.scheme, parts.hostname)
        ):
            raise BadSetting(
                "CONCORD_FORM_SERVERS has a part that cannot be read.",
                "Write name=kobo+https://TOKEN@host/ASSET?place=CODE or name=odk+https://user:password@host/v1/projects/1/forms/report?place=CODE.",
            )
        host = parts.netloc.rpartition("@")[2]
        found[match[1]] = FormServer(
            match[1],
            match[2],
            f"{parts.scheme}://{host}{parts.path.rstrip('/')}",
            _place("CONCORD_FORM_SERVERS", parts.query),
            unquote(parts.username or ""),
            unquote(parts.password or ""),
            _since("CONCORD_FORM_SERVERS", parts.query),
        )
    return MappingProxyType(found)


def form_hooks(value: str | None) -> Mapping[str, FormHook]:
    """`name:PLACE=SECRET`, parted by spaces or lines."""
    found: dict[str, FormHook] = {}
    for word in (value or "").split():
        match = _HOOK.fullmatch(word)
        if not match or match[1] in found:
            raise BadSetting(
                "CONCORD_FORM_HOOKS has a part that cannot be read.",
                "Write name:PLACE=SECRET, like ngo:PK-KP-MARDAN=...",
            )
        if len(match[3]) < SHORTEST_SECRET:
            raise BadSetting(
                f"CONCORD_FORM_HOOKS: the secret of {match[1]} is too short.",
                f"Use at least {SHORTEST_SECRET} letters and digits, made at random.",
            )
        found[match[1]] = FormHook(match[1], match[2], match[3])
    return MappingProxyType(found)


def mailbox(value: str | None) -> Mailbox | None:
    """`imaps://user:password@host/INBOX?place=CODE`; plain imap only on this machine."""
    if not value:
        return None
    parts = _parts(value)
    if (
        parts is None
        or parts.scheme not in ("imap", "imaps")
        or not parts.username
        or not (parts.scheme == "imaps" or parts.hostname in LOOPBACK)
        or not _HOST.fullmatch(parts.hostname or "")
    ):
        raise BadSetting(
            "CONCORD_MAIL_IN cannot be used.",
            "Write it like imaps://user:password@mail.example.org/INBOX?place=CODE.",
        )
    tls = parts.scheme == "imaps"
    return Mailbox(
        parts.hostname or "",
        parts.port or (993 if tls else 143),
        unquote(parts.username),
        unquote(parts.password or ""),
        unquote(parts.path.strip("/")) or "INBOX",
        _place("CONCORD_MAIL_IN", parts.query),
        tls,
        _since("CONCORD_MAIL_IN", parts.query),
    )


def mail_trust(value: str | None) -> str | None:
    """The name under which the operator's own mail server stamps what it has checked (its authserv-id)."""
    if value and not _HOST.fullmatch(value):
        raise BadSetting(
            "CONCORD_MAIL_TRUST cannot be used.",
            "Write the name that your mail server puts first in Authentication-Results.",
        )
    return value


def _parts(address: str) -> SplitResult | None:
    try:
        parts = urlsplit(address)
        _port = parts.port
    except ValueError:
        return None
    return parts


def _place(setting: str, query: str) -> str:
    places = parse_qs(query).get("place", [])
    if len(places) != 1 or not re.fullmatch(r"[A-Z0-9-]{2,40}", places[0]):
        raise BadSetting(
            f"{setting} does not say for which town it is.",
            "End the address with ?place= and the code of the town.",
        )
    return places[0]


def _since(setting: str, query: str) -> date | None:
    given = parse_qs(query).get("since", [])
    try:
        return date.fromisoformat(given[0]) if given else None
    except ValueError:
        raise BadSetting(
            f"{setting}: since is not a day.", "Write it like &since=2026-11-01, or leave it out."
        ) from None
