"""Public holidays from the kept library `holidays`, entered as dates of a country and its states.

Every year's list is read from the library, never typed in here. What the library calls estimated is "about" until a local
person confirms it. The big festivals of all communities stand in the calendar of each of four countries, whether or not
the day is a holiday there: no date is for one community only. Religious and national days alike are of the kind `festival`.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from committees.flashpoints import LIBRARY, Flashpoint, Remark
from committees.places import Country, Locality, LocalityCode, zone_of
from foundation.lazily import lazily
from foundation.web.words import N_

if TYPE_CHECKING:
    import holidays
else:
    holidays = lazily("holidays")

FESTIVAL = "festival"
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
WITHDRAWN = N_("No longer on the list of public holidays")


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
def holidays_of(country: str, state: str | None, year: int) -> tuple[Holiday, ...]:
    """The public holidays of a country, or those that a state has besides, in one year; () where the library knows none."""
    if country not in TONGUES:
        return ()
    days = _days(country, state, year)
    if state:
        days = days - _days(country, None, year)
    where = f"{country}-{state}" if state else country
    found = list(_spans(where, country, state, year, days))
    if state is None and country in EVERYWHERE:
        found += _shared(country, year, found)
    return tuple(sorted(found, key=lambda one: (one.starts, one.key)))


def states_of(country: str) -> frozenset[str]:
    """The codes of the states whose lists the library knows apart."""
    known = holidays.country_holidays(country) if country in TONGUES else None
    return frozenset(known.subdivisions) if known is not None else frozenset()


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
        for one in holidays_of(source, None, year):
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


def enter(session: Session, now: datetime) -> int:
    """Enter the holidays of this year and the next where they are missing or were moved by the library; return how many rows.

    Safe to repeat. What a person said of a date (confirmed, moved, cancelled) stands apart and is never touched.
    """
    done = 0
    for country in session.scalars(select(Country).where(Country.code.in_(TONGUES)).order_by(Country.code)):
        for place, state in _places(session, country.code):
            year = now.astimezone(zone_of(session, place)).year
            wanted = [one for y in (year, year + 1) for one in holidays_of(country.code, state, y)]
            done += _bring_up(session, now, place.id, wanted, (year, year + 1))
    # Once a day is seldom: until then the names in all languages would only lie in memory.
    holidays_of.cache_clear()
    _dictionary.cache_clear()
    return done


def _places(session: Session, country: str) -> list[tuple[Locality, str | None]]:
    """The top place of a country, and those of its states whose lists the library knows apart."""
    top = select(Locality).where(
        Locality.country_code == country, Locality.code == country, Locality.tree == "administrative"
    )
    found: list[tuple[Locality, str | None]] = [(place, None) for place in session.scalars(top)]
    codes = {f"{country}-{state}": state for state in states_of(country)}
    rows = select(LocalityCode).where(LocalityCode.scheme == "iso3166_2", LocalityCode.code.in_(codes))
    for row in session.scalars(rows.order_by(LocalityCode.code)):
        found.append((session.get_one(Locality, row.locality_id), codes[row.code]))
    return found


def _bring_up(
    session: Session, now: datetime, place_id: UUID, wanted: Sequence[Holiday], years: tuple[int, ...]
) -> int:
    rows = select(Flashpoint).where(
        Flashpoint.locality_id == place_id,
        Flashpoint.source == LIBRARY,
        Flashpoint.ends >= date(years[0], 1, 1),
        Flashpoint.starts <= date(years[-1], 12, 31),
    )
    versions: dict[str, list[Flashpoint]] = defaultdict(list)
    for row in session.scalars(rows.order_by(Flashpoint.created_at)):
        versions[row.key].append(row)
    new = [one for one in wanted if not _same(one, versions.get(one.key, []))]
    session.add_all(_row(now, place_id, one, len(versions.get(one.key, []))) for one in new)
    gone = sorted(set(versions) - {one.key for one in wanted})
    said = set(session.scalars(select(Remark.key).where(Remark.key.in_(gone), Remark.cancelled == WITHDRAWN)))
    session.add_all(
        Remark(key=key, locality_id=place_id, cancelled=WITHDRAWN, created_at=now)
        for key in gone
        if key not in said
    )
    session.flush()
    return len(new) + len([key for key in gone if key not in said])


def _same(one: Holiday, versions: Sequence[Flashpoint]) -> bool:
    return bool(versions) and (versions[-1].starts, versions[-1].ends, versions[-1].about) == (
        one.starts,
        one.ends,
        one.about,
    )


def _row(now: datetime, place_id: UUID, one: Holiday, number: int) -> Flashpoint:
    """The version `number` of a holiday. Its code is unique, so that two who enter it at once enter it once."""
    return Flashpoint(
        code=f"{one.key}#{number}",
        key=one.key,
        series=one.series,
        locality_id=place_id,
        trigger=FESTIVAL,
        names=one.names,
        starts=one.starts,
        ends=one.ends,
        about=one.about,
        source=LIBRARY,
        created_at=now,
    )
