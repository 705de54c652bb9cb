"""What an address is on each channel: the closed list of channels, how an address is written, and how much of it a page may show.

Pure. Contact points (people.py), forms and channels use it; sending is the business of alerts/channels, which has one class for each key here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

import phonenumbers

from foundation.errors import Invalid
from foundation.web.words import N_

SMS, WHATSAPP, VOICE, EMAIL, APPRISE, CONSOLE = "sms", "whatsapp", "voice", "email", "apprise", "console"
CHANNELS = (SMS, WHATSAPP, VOICE, EMAIL, APPRISE, CONSOLE)
#: The channels whose address is a telephone number.
BY_NUMBER = frozenset({SMS, WHATSAPP, VOICE})
_EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*")
#: A route that the operator has set up, and the person's name or number there: signal:+923001234567.
ROUTED = re.compile(r"([a-z][a-z0-9-]{0,19}):([+@A-Za-z0-9][A-Za-z0-9._@-]{0,63})")
_LIKE_A_NUMBER = N_("Write it with the country code, like +92 300 1234567.")


def normal_number(raw: str, country: str | None = None) -> str:
    """A telephone number as E.164 (+923001234567); raise Invalid in words for anything else."""
    try:
        number = phonenumbers.parse(raw, country)
    except phonenumbers.NumberParseException:
        raise Invalid("phone", N_("This is not a phone number."), _LIKE_A_NUMBER) from None
    if not phonenumbers.is_possible_number(number):
        raise Invalid("phone", N_("This phone number is too short or too long."), _LIKE_A_NUMBER)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def numbers_meant(raw: str, countries: Iterable[str]) -> list[str]:
    """The numbers that somebody may mean who writes as at home, 0300 1234567, in one of these countries; raise Invalid for none."""
    found = []
    for country in countries:
        try:
            number = phonenumbers.parse(raw, country)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number(number):
            found.append(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
    return list(dict.fromkeys(found)) or [normal_number(raw)]


def check_address(channel: str, raw: str, country: str | None = None) -> str:
    """The address as it is stored, from what somebody typed; raise Invalid in words for one that cannot be used."""
    if channel not in CHANNELS:
        raise Invalid("channel", N_("Concord has no such way to reach a person."), ", ".join(CHANNELS))
    return _CHECKS[channel](raw.strip(), country)


def mask(channel: str, address: str) -> str:
    """As much of an address as a page or a log may show: enough for its owner to know it, for nobody to use it."""
    if channel in BY_NUMBER:
        return address[-4:]
    if channel == APPRISE:
        return address.partition(":")[0]
    return address[:2]


def with_gap(channel: str, masked: str) -> str:
    """A masked address as a page shows it: with dots where the rest of it stands."""
    if channel in BY_NUMBER:
        return f"…{masked}"
    return masked if channel == APPRISE else f"{masked}…"


def _email(raw: str, _country: str | None) -> str:
    if not _EMAIL.fullmatch(raw):
        raise Invalid("email", N_("This is not an e-mail address."), N_("Write it like name@example.org."))
    return raw


def _routed(raw: str, _country: str | None) -> str:
    if not ROUTED.fullmatch(raw):
        raise Invalid(
            "address",
            N_("This is not an address that we can use."),
            N_(
                "Write the name of the route, a colon, and your name or number there, like signal:+923001234567."
            ),
        )
    return raw


def _page(raw: str, _country: str | None) -> str:
    return raw or "page"


_CHECKS: Mapping[str, Callable[[str, str | None], str]] = {
    SMS: normal_number,
    WHATSAPP: normal_number,
    VOICE: normal_number,
    EMAIL: _email,
    APPRISE: _routed,
    CONSOLE: _page,
}
