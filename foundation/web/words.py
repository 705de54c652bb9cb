"""Words in many languages: gettext catalogues read once from translations/*.po, the language of the moment, direction, dates and digits.

`_` marks and translates at once, `N_` only marks. The catalogue of the current language stands in a context variable, so that workers
can write a message in the receiver's language. Source: gettext and Babel.
"""

from __future__ import annotations

import gettext as _gettext
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from markupsafe import Markup, escape

from foundation.web.calendars import time_of_day, written

FOLDER = Path(__file__).parent / "translations"
NAMES = {
    "en": "English",
    "ur": "اردو",
    "bn": "বাংলা",
    "si": "සිංහල",
    "ta": "தமிழ்",
    "hi": "हिन्दी",
    "dv": "ދިވެހި",
    "pseudo": "[Ƥşḗŭḓǿ]",
}
RTL = frozenset({"ur", "dv"})
_NUMBER = re.compile(r"\+\d[\d ]*\d")
_GAP = re.compile(r"%\(\w+\)[ds]|\{\w+\}")


@dataclass(frozen=True)
class Language:
    """A language as templates know it."""

    language: str
    nastaliq: bool = False

    @property
    def dir(self) -> str:
        """Which way its script runs."""
        return "rtl" if self.language in RTL else "ltr"


_current: ContextVar[str] = ContextVar("language", default="en")


class _Pseudo(_gettext.NullTranslations):
    """Wraps each string in marks, so that a test can see what was not translated."""

    def gettext(self, message: str) -> str:
        return f"⟦{message}⟧"

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return f"⟦{msgid1 if n == 1 else msgid2}⟧"


@cache
def _catalogue(language: str) -> _gettext.NullTranslations:
    if language == "pseudo":
        return _Pseudo()
    path = FOLDER / f"{language}.po"
    if not path.exists():
        return _gettext.NullTranslations()
    with path.open("rb") as file:
        catalogue = read_po(file, locale=language)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return _gettext.GNUTranslations(compiled)


@dataclass(frozen=True)
class Entry:
    """One string with its translation and where it stands; a plural has both forms, parted by a slash."""

    where: tuple[str, ...]
    english: str
    own: str


@cache
def entries(language: str) -> tuple[Entry, ...]:
    """Every string of a language's catalogue, for a reader; none for a language without one."""
    path = FOLDER / f"{language}.po"
    if not path.exists():
        return ()
    with path.open("rb") as file:
        catalogue = read_po(file, locale=language)
    return tuple(
        Entry(tuple(place for place, _line in one.locations), _forms(one.id), _forms(one.string))
        for one in catalogue
        if one.id
    )


def _forms(text: object) -> str:
    return text if isinstance(text, str) else " / ".join(text)  # type: ignore[arg-type]


def current() -> Language:
    """The language of the moment."""
    return Language(_current.get())


def use(language: str) -> None:
    """Speak `language` for the rest of this request."""
    _current.set(language)


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Speak `language` inside the block."""
    token = _current.set(language)
    try:
        yield
    finally:
        _current.reset(token)


def gettext(message: str, **values: Any) -> str:
    """Translate a sentence and fill in its values (%(name)s)."""
    text = _catalogue(_current.get()).gettext(message) if message else ""
    return text % values if values else text


def ngettext(one: str, many: str, n: int, **values: Any) -> str:
    """Translate a sentence with a number, in the plural form of the language."""
    return _catalogue(_current.get()).ngettext(one, many, n) % {"num": n, "n": n, **values}


_ = gettext


def numbers_apart(text: str) -> Markup:
    """A sentence in which phone numbers keep their order, also between words that run from the right."""
    return Markup(_NUMBER.sub(r'<bdi dir="ltr">\g<0></bdi>', str(escape(text))))  # noqa: S704 # nosec B704 -- escaped first


def gaps_apart(text: str) -> Markup:
    """Words to be read with their gaps, each gap a mark of its own that words from the right do not pull to pieces."""
    return Markup(_GAP.sub(r'<bdi class="code number" dir="ltr">\g<0></bdi>', str(escape(text))))  # noqa: S704 # nosec B704 -- escaped first


def listed(parts: Iterable[str]) -> str:
    """Names in a row, with the comma of the language."""
    return gettext(", ").join(parts)


def N_(message: str) -> str:
    """Mark a string for translation where it is written; translate it where it is shown."""
    return message


def clock(moment: datetime, zone: ZoneInfo) -> str:
    """The time of day at a place, as its people write it."""
    return time_of_day(moment, zone, current().language)


def day_by(moment: date | datetime, pattern: str, zone: ZoneInfo | None = None) -> str:
    """A date by a pattern of CLDR's letters (E weekday, M or L month, d day, y year)."""
    local = moment.astimezone(zone) if isinstance(moment, datetime) and zone else moment
    return written(local, pattern, current().language)


def day(moment: date | datetime, zone: ZoneInfo | None = None) -> str:
    """A date with its weekday."""
    return day_by(moment, "EEE d MMM", zone)


def day_and_year(moment: date | datetime, zone: ZoneInfo | None = None) -> str:
    """A date that may lie in another year."""
    return day_by(moment, "d MMM y", zone)


def month(day_of_it: date) -> str:
    """A month in short, as a chart names it."""
    return day_by(day_of_it, "LLL")


def weekday(number: int, *, short: bool = False) -> str:
    """The name of an ISO weekday: 1 is Monday."""
    return day_by(date(2024, 1, number), "EEE" if short else "EEEE")


def when(moment: datetime, zone: ZoneInfo, now: datetime) -> str:
    """A moment in plain words: today 18:04, yesterday 09:10, else the day and the time."""
    local, today = moment.astimezone(zone).date(), now.astimezone(zone).date()
    if local == today:
        return gettext("today %(time)s", time=clock(moment, zone))
    if local == today - timedelta(days=1):
        return gettext("yesterday %(time)s", time=clock(moment, zone))
    return gettext("%(day)s, %(time)s", day=day(moment, zone), time=clock(moment, zone))


def ago(moment: datetime, now: datetime) -> str:
    """How long ago, in whole minutes, hours or days."""
    seconds = max(0, int((now - moment).total_seconds()))
    if seconds < 3600:
        return ngettext("%(num)d minute ago", "%(num)d minutes ago", max(1, seconds // 60))
    if seconds < 172_800:
        return ngettext("%(num)d hour ago", "%(num)d hours ago", seconds // 3600)
    return ngettext("%(num)d day ago", "%(num)d days ago", seconds // 86_400)
