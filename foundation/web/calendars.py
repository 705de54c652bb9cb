"""Dates and times of day as the people of each language write them: Babel's words, and our own for Dhivehi.

Babel knows no month and no weekday in Dhivehi, and asking it for them once makes it forget those of Urdu in the same process (its copy
of what all languages share is overwritten). So it is never asked: `written` fills the pattern from the lists below. Used by words.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_skeleton, format_time

DHIVEHI_MONTHS = (
    "ޖަނަވަރީ",
    "ފެބުރުއަރީ",
    "މާރިޗު",
    "އޭޕްރީލު",
    "މޭ",
    "ޖޫން",
    "ޖުލައި",
    "އޮގަސްޓު",
    "ސެޕްޓެމްބަރު",
    "އޮކްޓޯބަރު",
    "ނޮވެމްބަރު",
    "ޑިސެމްބަރު",
)
DHIVEHI_WEEKDAYS = ("ހޯމަ", "އަންގާރަ", "ބުދަ", "ބުރާސްފަތި", "ހުކުރު", "ހޮނިހިރު", "އާދީއްތަ")  # Monday first

PART_OF_DAY = frozenset({"ur", "bn", "hi", "ta"})
"""Who names the part of the day. Latin AM and PM would also pull the numbers beside them into the wrong order in Urdu."""

_FIELDS: dict[str, Callable[[date], str]] = {
    "E": lambda day: DHIVEHI_WEEKDAYS[day.weekday()],
    "M": lambda day: DHIVEHI_MONTHS[day.month - 1],
    "L": lambda day: DHIVEHI_MONTHS[day.month - 1],
    "d": lambda day: str(day.day),
    "y": lambda day: str(day.year),
}


def babel_locale(language: str) -> Locale:
    """Babel's locale; the pseudo language and Dhivehi count like English, dates of the latter come from here."""
    return Locale.parse("en_GB" if language in ("en", "pseudo", "dv") else language)


def written(day: date, pattern: str, language: str) -> str:
    """A day by a pattern of CLDR's letters: E weekday, M or L month, d day, y year."""
    if language == "dv":
        return re.sub(r"([EMLdy])\1*", lambda field: _FIELDS[field[1]](day), pattern)
    return str(format_date(day, pattern, locale=babel_locale(language)))


def time_of_day(moment: datetime, zone: ZoneInfo, language: str) -> str:
    """The time of day at a place."""
    locale, local = babel_locale(language), moment.astimezone(zone)
    if language in PART_OF_DAY:
        return str(format_skeleton("Bhm", local, tzinfo=zone, locale=locale))
    return str(format_time(local, "short", tzinfo=zone, locale=locale))
