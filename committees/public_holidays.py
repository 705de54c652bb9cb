"""Public holidays from the kept library `holidays` (holiday_lists.py), entered as dates of a country and its states.

What the library calls estimated is "about" until a local person confirms it. The big festivals of all communities stand in the calendar of
each of four countries, whether or not the day is a holiday there: no date is for one community only. Religious and national days alike are
of the kind `festival`.
"""

from __future__ import annotations

import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from committees import holiday_lists
from committees.flashpoints import LIBRARY, Flashpoint, Remark
from committees.holiday_lists import TONGUES, Holiday
from committees.places import Country, Locality, LocalityCode, zone_of
from foundation.logs import log
from foundation.web.words import N_

ROOT = Path(__file__).parent.parent

FESTIVAL = "festival"
WITHDRAWN = N_("No longer on the list of public holidays")


def holidays_of(country: str, state: str | None, year: int) -> tuple[Holiday, ...]:
    """The public holidays of a country, or those that a state has besides, in one year; () where the library knows none.

    () also where the library could not be asked: an hour is then not quiet for a holiday's sake, and no message is held back.
    """
    try:
        return lists_of(country, year).get(state or "", ())
    except (OSError, subprocess.SubprocessError) as error:
        log().error("holidays_not_read", country=country, year=year, error_type=type(error).__name__)
        return ()


@lru_cache(maxsize=64)
def lists_of(country: str, year: int) -> Mapping[str, tuple[Holiday, ...]]:
    """The lists of a country and a year: its own under "", and those of the states that the library knows apart.

    The library is asked in a process of its own, and what it said is kept. Raises OSError or SubprocessError where that cannot run.
    """
    if country not in TONGUES:
        return {}
    words = (sys.executable, "-m", "committees.holiday_lists", country, str(year))
    told = subprocess.run(
        words, cwd=ROOT, check=True, capture_output=True, text=True, encoding="utf-8", timeout=60
    )
    return holiday_lists.read(told.stdout)


def ask_ahead(session: Session, now: datetime) -> list[tuple[str, int]]:
    """The countries and years that `enter` will want, so that `lists_of` can ask for them with no transaction open."""
    codes = session.scalars(select(Country.code).where(Country.code.in_(TONGUES)).order_by(Country.code))
    return [(code, year) for code in codes for year in (now.year, now.year + 1)]


def enter(session: Session, now: datetime) -> int:
    """Enter the holidays of this year and the next where they are missing or were moved by the library; return how many rows.

    Safe to repeat. What a person said of a date (confirmed, moved, cancelled) stands apart and is never touched.
    """
    done = 0
    for country in session.scalars(select(Country).where(Country.code.in_(TONGUES)).order_by(Country.code)):
        for place, state in _places(session, country.code, lists_of(country.code, now.year)):
            year = now.astimezone(zone_of(session, place)).year
            wanted = [one for y in (year, year + 1) for one in lists_of(country.code, y).get(state or "", ())]
            done += _bring_up(session, now, place.id, wanted, (year, year + 1))
    return done


def _places(session: Session, country: str, states: Iterable[str]) -> list[tuple[Locality, str | None]]:
    """The top place of a country, and those of its states whose lists the library knows apart."""
    top = select(Locality).where(
        Locality.country_code == country, Locality.code == country, Locality.tree == "administrative"
    )
    found: list[tuple[Locality, str | None]] = [(place, None) for place in session.scalars(top)]
    codes = {f"{country}-{state}": state for state in states if state}
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
