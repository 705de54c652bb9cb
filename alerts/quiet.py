"""When an ordinary message may go out: quiet hours, quiet weekdays and holidays of a person, or of their country where they said nothing.

`morning_after` decides purely. Levels 4 and 5 never ask here. What waits stands in the outbox with its time; nothing here is sent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from committees.people import Person
from committees.places import Country, Locality, country_of, zone_of
from committees.public_holidays import holidays_of

FROM, TO = 22, 6
#: The days of rest where a country's settings say nothing, as ISO weekdays.
WEEKEND = {"BD": (5, 6), "MV": (5, 6)}
USUAL_WEEKEND = (6, 7)
LONGEST_WAIT = 8  # days: whoever rests on every day of the week still hears of it after one


@dataclass(frozen=True)
class Quiet:
    """From which hour to which hour, on which weekdays, and whether on holidays, ordinary messages wait."""

    start: int = FROM
    end: int = TO
    days: tuple[int, ...] = ()
    holidays: bool = False


def country_quiet(country: Country) -> Quiet:
    """What a country's settings say under `quiet`: {from, to, days, holidays}."""
    said = country.settings.get("quiet", {})
    return Quiet(
        int(said.get("from", FROM)),
        int(said.get("to", TO)),
        tuple(int(day) for day in said.get("days", ())),
        bool(said.get("holidays", False)),
    )


def weekend_of(country: Country) -> tuple[int, ...]:
    """The days of rest of a country, as ISO weekdays (Monday is 1): what its settings say, else what is usual there."""
    said = country.settings.get("weekend")
    return tuple(int(day) for day in said) if said else WEEKEND.get(country.code, USUAL_WEEKEND)


def quiet_of(person: Person, usual: Quiet) -> Quiet:
    """A person's own quiet time; whatever they did not choose is as their country has it."""
    return Quiet(
        usual.start if person.quiet_from is None else person.quiet_from,
        usual.end if person.quiet_to is None else person.quiet_to,
        usual.days if person.quiet_days is None else tuple(int(day) for day in person.quiet_days),
        usual.holidays if person.quiet_holidays is None else person.quiet_holidays,
    )


def morning_after(
    now: datetime, quiet: Quiet, zone: ZoneInfo, is_holiday: Callable[[date], bool] = lambda day: False
) -> datetime:
    """Now, or the first moment after it that is neither a quiet hour nor a quiet day. Local times, also where the clocks change."""
    at = now
    for _ in range(2 * LONGEST_WAIT):
        local = at.astimezone(zone)
        day = local.date()
        if at - now < timedelta(days=LONGEST_WAIT) and (
            local.isoweekday() in quiet.days or (quiet.holidays and is_holiday(day))
        ):
            at = datetime.combine(day + timedelta(days=1), time(0), zone).astimezone(now.tzinfo)
            continue
        if not _quiet_hour(local.hour, quiet):
            return at
        morning = datetime.combine(day, time(quiet.end), zone)
        if morning <= local:
            morning = datetime.combine(day + timedelta(days=1), time(quiet.end), zone)
        at = max(morning.astimezone(now.tzinfo), at)
        if _quiet_hour(at.astimezone(zone).hour, quiet):  # the clocks went over the hour at which it ends
            return at
    return at


def _quiet_hour(hour: int, quiet: Quiet) -> bool:
    start, end = quiet.start, quiet.end
    if start == end:
        return False
    return start <= hour or hour < end if start > end else start <= hour < end


def after_quiet(session: Session, now: datetime, person: Person | None, place: Locality) -> datetime:
    """When an ordinary message about a place may go to a person: after their pause and outside their quiet hours and days.

    Without a person (a bare number): outside those of the country.
    """
    country = country_of(session, place)

    def is_holiday(day: date) -> bool:
        known = holidays_of(country.code, None, day.year)
        return any(one.starts <= day <= one.ends and not one.about for one in known)

    usual = country_quiet(country)
    quiet = quiet_of(person, usual) if person else usual
    begin = max(now, (person.paused_until if person else None) or now)
    return morning_after(begin, quiet, zone_of(session, place), is_holiday)
