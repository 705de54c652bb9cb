"""The lists of public holidays as the kept library `holidays` has them, by country, state and year, in its languages.

What lives here: asking the library and joining its days. What does not: rows and pages (public_holidays.py, which runs this module as a
program: with its calendars the library would hold ten MiB of every process that asked once). Every year's list is read from the library,
never typed in here. What the library calls estimated is "about" until a local person confirms it.
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from foundation.lazily import lazily
from foundation.web.words import N_

if TYPE_CHECKING:
    import holidays
else:
    holidays = lazily("holidays")

# By country: the library's English, and its name for each language of ours that it knows.
TONGUES: dict[str, dict[str, str]] = {
    "PK": {"en": "en_PK", "ur": "ur_PK"},
    "LK": {"en": "en_US", "si": "si_LK", "ta": "ta_LK"},
    "BD": {"en": "en_BD", "bn": "bn"},
    "IN": {"en": "en_IN", "hi": "hi", "bn": "bn", "ta": "ta"},
    "MV": {"en": "en_US", "dv": "dv"},
}
# Festivals that the calendar of each of these countries shows: from which country's list they are read, as it is called
# there, and the words by which a country's own list has it already.
EVERYWHERE = ("PK", "LK", "BD", "IN")
SHARED: tuple[tuple[str, str, str], ...] = (
    ("IN", N_("Holi"), "holi"),
    ("IN", N_("Good Friday"), "good friday"),
    ("IN", N_("Buddha Purnima"), "buddha purnima|vesak full moon poya day"),
    ("IN", N_("Ashura"), "ashura|muharram"),
    ("IN", N_("Janmashtami"), "janmashtami.*"),
    ("IN", N_("Dussehra"), "dussehra|durga puja"),
    ("IN", N_("Diwali"), "(diwali|deepavali).*"),
    ("IN", N_("Guru Nanak's Birthday"), "guru nanak's (birthday|jayanti)"),
    ("IN", N_("Christmas"), "christmas( day)?"),
)


@dataclass(frozen=True)
class Holiday:
    """A holiday of one year: its key (`PK/2026/eid-al-fitr`), its names by language, its days."""

    key: str
    series: str
    names: dict[str, str]
    starts: date
    ends: date
    about: bool


@lru_cache(maxsize=256)
def list_of(country: str, state: str | None, year: int) -> tuple[Holiday, ...]:
    """The public holidays of a country, or those that a state has besides, in one year."""
    days = _days(country, state, year)
    if state:
        days = days - _days(country, None, year)
    where = f"{country}-{state}" if state else country
    found = list(_spans(where, country, state, year, days))
    if state is None and country in EVERYWHERE:
        found += _shared(country, year, found)
    return tuple(sorted(found, key=lambda one: (one.starts, one.key)))


def _states_of(country: str) -> tuple[str, ...]:
    """The codes of the states whose lists the library knows apart."""
    return tuple(holidays.country_holidays(country).subdivisions)


def main(arguments: Sequence[str]) -> None:
    """Print the lists of a country and a year as JSON: by state, "" for the country's own."""
    country, year = arguments[0], int(arguments[1])
    lists = {state: list_of(country, state or None, year) for state in ("", *_states_of(country))}
    json.dump(
        {state: [asdict(one) for one in found] for state, found in lists.items()}, sys.stdout, default=str
    )


def read(told: str) -> dict[str, tuple[Holiday, ...]]:
    """What `main` printed."""
    return {state: tuple(_holiday(**one) for one in found) for state, found in json.loads(told).items()}


def _holiday(key: str, series: str, names: dict[str, str], starts: str, ends: str, about: bool) -> Holiday:
    return Holiday(key, series, names, date.fromisoformat(starts), date.fromisoformat(ends), about)


def _days(country: str, state: str | None, year: int) -> Counter[tuple[date, str]]:
    return Counter(
        (day, name) for day, names in _listed(country, state, year, "en").items() for name in names
    )


def _listed(
    country: str, state: str | None, year: int, language: str, *, marked: bool = False
) -> dict[date, list[str]]:
    """The names of each day, in one language; `marked`: with the library's word for estimated."""
    found = holidays.country_holidays(
        country,
        subdiv=state,
        years=year,
        language=TONGUES[country][language],
        islamic_show_estimated=marked,
    )
    return {day: found.get_list(day) for day in sorted(found)}


def _spans(
    where: str, country: str, state: str | None, year: int, days: Iterable[tuple[date, str]]
) -> Iterator[Holiday]:
    """Days in a row under one name as one holiday. A name that comes twice in a year (Eid in 2033) has a number."""
    marked = _listed(country, state, year, "en", marked=True)
    by_name: dict[str, list[date]] = defaultdict(list)
    for day, name in sorted(days):
        by_name[name].append(day)
    for name, all_days in by_name.items():
        for number, run in enumerate(_runs(all_days), 1):
            slug = _slug(name) + (f"-{number}" if number > 1 else "")
            yield Holiday(
                f"{where}/{year}/{slug}",
                f"{where}/{slug}",
                {"en": name, **_translated(country, state, year, name)},
                run[0],
                run[-1],
                name not in marked[run[0]],
            )


def _runs(days: Sequence[date]) -> Iterator[list[date]]:
    run: list[date] = []
    for day in days:
        if run and day - run[-1] > timedelta(days=1):
            yield run
            run = []
        run.append(day)
    if run:
        yield run


def _slug(name: str) -> str:
    return re.sub("[^a-z0-9]+", "-", name.lower().replace("'", "")).strip("-")


def _translated(country: str, state: str | None, year: int, name: str) -> dict[str, str]:
    """The name in the library's other languages, read off days that have this name alone, in this year or those around it."""
    found: dict[str, str] = {}
    for language in TONGUES[country]:
        if language != "en":
            words = _dictionary(country, state, year, language).get(name)
            found |= {language: words} if words else {}
    return found


@lru_cache(maxsize=256)
def _dictionary(country: str, state: str | None, year: int, language: str) -> dict[str, str]:
    known: dict[str, str] = {}
    for near in (year, year - 1, year + 1, year - 2, year + 2):
        ours, theirs = _listed(country, state, near, "en"), _listed(country, state, near, language)
        for day, names in ours.items():
            if len(names) == 1 and len(theirs.get(day, ())) == 1:
                known.setdefault(names[0], theirs[day][0])
    return known


def _shared(country: str, year: int, own: Sequence[Holiday]) -> list[Holiday]:
    """The festivals of all communities that a country's own list has not."""
    found = []
    for source, name, known_as in SHARED:
        if source == country or any(re.fullmatch(known_as, one.names["en"].lower()) for one in own):
            continue
        for one in list_of(source, None, year):
            if re.fullmatch(known_as, one.names["en"].lower()):
                slug = _slug(name)
                found.append(
                    Holiday(
                        f"{country}/{year}/{slug}",
                        f"{country}/{slug}",
                        {**one.names, "en": name},
                        one.starts,
                        one.ends,
                        one.about,
                    )
                )
    return found


if __name__ == "__main__":
    main(sys.argv[1:])
