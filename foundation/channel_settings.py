"""Reading the settings of channels: which approved WhatsApp words stand for which message, and which routes Apprise has.

Pure; config.py calls it. What a route may lead to is checked where it is used (alerts/channels/apprise.py).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from foundation.errors import Problem

_CONTENT = re.compile(r"([a-z_]{2,40})\.([a-z]{2})=(HX[0-9a-f]{32})")
_ROUTE = re.compile(r"([a-z][a-z0-9-]{0,19})=([a-z]+://\S+)")
_PHONE = re.compile(r"\+[1-9][0-9]{6,14}|MG[0-9a-f]{32}")


#: This machine itself: nobody listens in between.
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class BadSetting(Problem):
    """A setting that cannot be used, with what to do about it."""


def nobody_listens(scheme: str, host: str | None) -> bool:
    """Whether an address is https, or plain http that does not leave this machine."""
    return (scheme == "https" and bool(host)) or (scheme == "http" and host in LOOPBACK)


def numbers(name: str, words: tuple[str, ...]) -> tuple[str, ...]:
    """The numbers (or messaging services) of one setting, each in its international form."""
    for word in words:
        if not _PHONE.fullmatch(word):
            raise BadSetting(f"{name} has a number that cannot be used.", "Write each like +14155238886.")
    return words


def contents(name: str, value: str | None) -> Mapping[tuple[str, str], str]:
    """Which content template of Twilio's stands for a message in a language: `alert.en=HX...`, parted by spaces or lines."""
    found: dict[tuple[str, str], str] = {}
    for word in (value or "").replace(",", " ").split():
        match = _CONTENT.fullmatch(word)
        if not match:
            raise BadSetting(
                f"{name} has a part that cannot be read.",
                "Write the message, a dot, the language, = and Twilio's id: alert.en=HX0123...",
            )
        found[match[1], match[2]] = match[3]
    return MappingProxyType(found)


def routes(name: str, value: str | None) -> Mapping[str, str]:
    """The routes of Apprise by name: `signal=signals://gateway.example.org/+9251000000/{to}`, parted by spaces or lines."""
    found: dict[str, str] = {}
    for word in (value or "").split():
        match = _ROUTE.fullmatch(word)
        if not match or match[1] in found or "{to}" not in match[2]:
            # The address may hold a password, so it is not repeated here.
            raise BadSetting(
                f"{name} has a route that cannot be read.",
                "Write name=address with {to} where the person's number or name belongs; each name once.",
            )
        found[match[1]] = match[2]
    return MappingProxyType(found)
