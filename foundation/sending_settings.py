"""Reading the settings of sending: how much and how fast, to which countries, and a second line for SMS.

Pure; config.py calls it. What the limits do is alerts/limits.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from foundation.channel_settings import BadSetting, numbers

NAMES = (
    "SMS_PER_DAY",
    "SMS_PER_CITY",
    "SENDER_RATE",
    "SMS_COUNTRIES",
    "TWILIO_BACKUP_ACCOUNT_SID",
    "TWILIO_BACKUP_AUTH_TOKEN",
    "TWILIO_BACKUP_FROM",
    "TWILIO_BACKUP_API_BASE",
)
_PREFIX = re.compile(r"\+[1-9][0-9]{0,5}")


@dataclass(frozen=True)
class Limits:
    """Segments a day for all and for one city, messages a second for each sender number, country prefixes; None or none: no limit."""

    per_day: int | None = None
    per_city: int | None = None
    per_second: float | None = None
    prefixes: tuple[str, ...] = ()


@dataclass(frozen=True)
class SecondLine:
    """A second account at Twilio, or at a service that speaks its language: SMS go there where the first one fails."""

    account_sid: str
    tokens: tuple[str, ...] = field(repr=False)
    senders: tuple[str, ...]
    api_base: str | None = None


def limits(get: Callable[[str], str | None], words: Callable[[str | None], tuple[str, ...]]) -> Limits:
    """The limits of sending; raise BadSetting for one that cannot be used."""
    prefixes = words(get("SMS_COUNTRIES"))
    for prefix in prefixes:
        if not _PREFIX.fullmatch(prefix):
            raise BadSetting(
                "CONCORD_SMS_COUNTRIES has a part that is no country prefix.", "Write them like +92 +880 +94."
            )
    return Limits(
        _whole("SMS_PER_DAY", get("SMS_PER_DAY")),
        _whole("SMS_PER_CITY", get("SMS_PER_CITY")),
        _rate(get("SENDER_RATE")),
        prefixes,
    )


def _whole(name: str, value: str | None) -> int | None:
    if value is None:
        return None
    if not re.fullmatch(r"[1-9][0-9]{0,8}", value):
        raise BadSetting(f"CONCORD_{name} is {value!r}.", "Write how many SMS segments a day, like 2000.")
    return int(value)


def _rate(value: str | None) -> float | None:
    if value is None:
        return None
    if not re.fullmatch(r"[0-9]{1,4}(\.[0-9]{1,2})?", value) or float(value) == 0:
        raise BadSetting(
            f"CONCORD_SENDER_RATE is {value!r}.", "Write messages a second for each number, like 10 or 0.5."
        )
    return float(value)


def second_line(
    get: Callable[[str], str | None],
    words: Callable[[str | None], tuple[str, ...]],
    http_url: Callable[[str, str], str],
) -> SecondLine | None:
    """The second line for SMS, or None; raise BadSetting where a part of it is missing."""
    sid, tokens = get("TWILIO_BACKUP_ACCOUNT_SID"), words(get("TWILIO_BACKUP_AUTH_TOKEN"))
    senders = numbers("CONCORD_TWILIO_BACKUP_FROM", words(get("TWILIO_BACKUP_FROM")))
    base = get("TWILIO_BACKUP_API_BASE")
    if not sid and not tokens and not senders and not base:
        return None
    if not sid or not tokens or not senders:
        raise BadSetting(
            "CONCORD_TWILIO_BACKUP_ACCOUNT_SID, _AUTH_TOKEN and _FROM belong together.",
            "Set all three, or none for one line only.",
        )
    return SecondLine(sid, tokens, senders, http_url("TWILIO_BACKUP_API_BASE", base) if base else None)
