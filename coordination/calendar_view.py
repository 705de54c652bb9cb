"""What the calendar of a place shows: the dates of a month with their windows, as a list and as weeks. Reads only.

The words of one date are here too, because the place page, Today and the city page show the same ones. pages/calendar.py and
pages/dates.py show it.
"""

from __future__ import annotations

import calendar
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import Any
from uuid import UUID

from babel import Locale as BabelLocale
from babel.core import get_global
from sqlalchemy.orm import Session

from alerts.sentences import date_name
from committees import flashpoints, profiles
from committees.flashpoints import YEARS
from committees.places import Locality, upwards
from committees.windows import DAY, DateHere, spans_of, stand_at
from coordination import reach
from foundation.policy import Principal
from foundation.web import words
from foundation.web.words import gettext as _

WRITERS = ("secretary", "chair", "city_officer", "national_contact")


@dataclass(frozen=True)
class Month:
    """One month of a calendar."""

    year: int
    number: int

    @property
    def first(self) -> date:
        """Its first day."""
        return date(self.year, self.number, 1)

    @property
    def last(self) -> date:
        """Its last day."""
        return date(self.year, self.number, calendar.monthrange(self.year, self.number)[1])

    @property
    def code(self) -> str:
        """As an address writes it: 2026-11."""
        return f"{self.year}-{self.number:02d}"

    @property
    def words(self) -> str:
        """As people write it."""
        return words.day_by(self.first, "LLLL y")

    def beside(self, step: int) -> Month | None:
        """The month before (-1) or after (1); None at the ends of the calendar."""
        at = self.year * 12 + self.number - 1 + step
        return Month(at // 12, at % 12 + 1) if at // 12 in YEARS else None


def month_of(text: str, today: date) -> Month:
    """The month that an address asks for; this month where it asks for none that exists."""
    year, _dash, number = text.partition("-")
    plain = text.isascii() and len(text) < 8 and year.isdecimal() and number.isdecimal()
    if plain and int(year) in YEARS and int(number) in range(1, 13):
        return Month(int(year), int(number))
    return Month(today.year, today.month)


@cache
def first_weekday(country: str) -> int:
    """The weekday (0 Monday) with which weeks begin in a country; Monday where Babel does not know it."""
    likely = get_global("likely_subtags").get(f"und_{country}")
    return int(BabelLocale.parse(likely).first_week_day) if likely else 0


def may_write(session: Session, principal: Principal, place: Locality) -> bool:
    """Whether a person may add dates at a place and say how they stand there; a national contact above the towns only."""
    roles = WRITERS[:-1] if place.level in ("town", "ward") else WRITERS
    return reach.holds(session, principal, place.id, roles)


def dates_near(
    session: Session,
    principal: Principal,
    place: Locality,
    first: date,
    last: date,
    document: Mapping[str, Any] | None = None,
) -> list[DateHere]:
    """The dates of a place whose window touches these days; a town's with those of its wards that the visitor may read.

    `document` is the profile in force there, where the caller has read it already.
    """
    spans = spans_of(document or profiles.in_force(session, place.id).document)
    before, after = (max((span[side] for span in spans.values()), default=0) for side in (0, 1))
    chain = [above.id for above in upwards(session, place.id)]
    wards = _wards(session, principal, place) if place.level == "town" else set()
    near = first - after * DAY, last + before * DAY
    entered, said = flashpoints.rows_between(session, [*wards, *chain], *near)
    found = stand_at(chain, entered, said, spans)
    for ward in sorted({row.locality_id for row in entered} & wards, key=str):
        found += [one for one in stand_at([ward, *chain], entered, said, spans) if one.locality_id == ward]
    found = [one for one in found if one.opens <= last and one.closes >= first]
    return sorted(found, key=lambda one: (one.starts, one.ends, one.key))


def _wards(session: Session, principal: Principal, town: Locality) -> set[UUID]:
    return reach.covered(session, principal, flashpoints.below(session, town.id)) - {town.id}


def rows(session: Session, place: Locality, dates: Sequence[DateHere]) -> list[dict[str, Any]]:
    """The dates as rows to press: name, day, kind, window, how sure."""
    return [
        {
            "href": f"/calendar/{place.code}/date/{one.id}",
            "name": date_name(one.names, one.trigger),
            "meta": " · ".join(_parts(session, place, one)),
        }
        for one in dates
    ]


def _parts(session: Session, place: Locality, one: DateHere) -> list[str]:
    found = [days_words(one.starts, one.ends)]
    if (
        one.locality_id != place.id
        and (ward := session.get(Locality, one.locality_id))
        and ward.level == "ward"
    ):
        found.append(ward.name(words.current().language))
    if one.cancelled:
        return [*found, _("Cancelled: %(reason)s", reason=_(one.cancelled))]
    found.append(watch_words(one))
    if one.about:
        found.append(_("About this day, not confirmed yet"))
    if one.difficult:
        found.append(_("Difficult last time"))
    return found


def days_words(starts: date, ends: date) -> str:
    """A day, or from when to when."""
    if starts == ends:
        return words.day(starts)
    return _("%(first)s to %(last)s", first=words.day(starts), last=words.day(ends))


def watch_words(one: DateHere) -> str:
    """From when to when people watch."""
    return _("Watch from %(first)s to %(last)s", first=words.day(one.opens), last=words.day(one.closes))


def soon(
    session: Session,
    principal: Principal,
    place: Locality,
    today: date,
    days: int,
    document: Mapping[str, Any] | None = None,
) -> list[tuple[str, str, str]]:
    """The dates to prepare for in the coming days: when, what, from when to when people watch."""
    last = today + timedelta(days=days)
    return [
        (
            days_words(one.starts, one.ends),
            date_name(one.names, one.trigger),
            days_words(one.opens, one.closes),
        )
        for one in dates_near(session, principal, place, today, last, document)
        if not one.cancelled and one.starts <= last and one.ends >= today
    ]


@dataclass(frozen=True)
class Cell:
    """One day of the month's table; `day` is empty before the first and after the last."""

    day: str = ""
    today: bool = False
    watched: bool = False
    dates: tuple[tuple[str, str], ...] = ()


def weekday_names(country: str) -> list[tuple[str, str]]:
    """The seven weekdays from the country's first on, short and whole."""
    first = first_weekday(country)
    return [(words.weekday(n % 7 + 1, short=True), words.weekday(n % 7 + 1)) for n in range(first, first + 7)]


def weeks(place: Locality, month: Month, dates: Sequence[DateHere], today: date) -> list[list[Cell]]:
    """The weeks of a month, each with seven cells."""
    begin = month.first - timedelta(days=(month.first.weekday() - first_weekday(place.country_code)) % 7)
    count = -(-((month.last - begin).days + 1) // 7)
    days = [begin + timedelta(days=n) for n in range(7 * count)]
    cells = [_cell(place, day, dates, today) if day.month == month.number else Cell() for day in days]
    return [cells[n : n + 7] for n in range(0, len(cells), 7)]


def _cell(place: Locality, day: date, dates: Sequence[DateHere], today: date) -> Cell:
    held = [one for one in dates if one.starts <= day <= one.ends and not one.cancelled]
    links = tuple(
        (f"/calendar/{place.code}/date/{one.id}", date_name(one.names, one.trigger)) for one in held
    )
    return Cell(str(day.day), day == today, any(one.is_open(day) for one in dates), links)


def places_to_tick(session: Session, principal: Principal, place: Locality) -> list[Locality]:
    """Where people may be blamed for something elsewhere: the wards of a town; from outside the towns below a place."""
    below = [session.get_one(Locality, key) for key in flashpoints.below(session, place.id)]
    own: set[UUID] = reach.covered(session, principal, [one.id for one in below])
    wards = [one for one in below if one.id in own and one.level == "ward" and one.watched]
    towns = [one for one in below if one.id in own and one.level == "town" and one.scored]
    return sorted(wards or towns, key=reach.by_number)
