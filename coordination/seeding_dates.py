"""Dates from a seed file: `dates` of `concord seed FILE`, and the demonstration's own calendar (seeds/demo_dates.yaml).

A row has key, locality, trigger, names (or name), starts and ends (ISO dates; ends may be left out) or in_days and lasts
(days from today), and optionally about, difficult, note and note_day. Known by its key: twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import yaml
from sqlalchemy.orm import Session

from committees import flashpoints
from committees.flashpoints import DateNote, Flashpoint, NewDate
from committees.places import Locality, by_code, local_day, zone_of
from committees.profiles import starter
from foundation.errors import Problem

Row = dict[str, Any]
DEMO_DATES = Path(__file__).parent / "seeds" / "demo_dates.yaml"


def demo_rows() -> list[Row]:
    """The invented local dates of the demonstration, counted from the day on which it is built."""
    found: list[Row] = yaml.safe_load(DEMO_DATES.read_text(encoding="utf-8"))["dates"]
    return found


def enter_each(session: Session, now: datetime, rows: Iterable[Row]) -> int:
    """Enter these dates where they are missing; return how many were new."""
    return sum(enter(session, now, row) for row in rows)


def enter(session: Session, now: datetime, row: Row) -> bool:
    """Enter one date if it is not there yet. Raise KeyError for a missing word, ValueError for one that cannot be used."""
    place = by_code(session, row["locality"])
    key = uuid5(NAMESPACE_URL, f"date/{place.code}/{row['key']}")
    if session.get(Flashpoint, key) is not None:
        return False
    known = [trigger["key"] for trigger in starter()["triggers"] if trigger["key"] != flashpoints.ELSEWHERE]
    if row["trigger"] not in known:
        raise ValueError(f"{row['trigger']!r} is not a kind of date; use one of {', '.join(known)}")
    starts, ends = _days(session, now, place, row)
    names = row.get("names") or {"en": row["name"]}
    series = f"{place.code}/{row['key']}"
    new = NewDate(
        id=key,
        locality=place,
        trigger=row["trigger"],
        names=names,
        starts=starts,
        ends=ends,
        about=bool(row.get("about")),
        difficult=bool(row.get("difficult")),
        source=flashpoints.IMPORT,
        series=series,
    )
    try:
        flashpoints.record(session, now, new)
    except Problem as problem:
        raise ValueError(str(problem)) from None
    if row.get("note"):
        day = _day(row["note_day"]) if row.get("note_day") else starts - timedelta(days=365)
        note = DateNote(series=series, locality_id=place.id, day=day, text=row["note"], created_at=now)
        session.add(note)
    session.flush()
    return True


def _days(session: Session, now: datetime, place: Locality, row: Row) -> tuple[date, date]:
    if "in_days" in row:
        starts = local_day(now, zone_of(session, place)) + timedelta(days=int(row["in_days"]))
        return starts, starts + timedelta(days=int(row.get("lasts", 1)) - 1)
    starts = _day(row["starts"])
    return starts, _day(row["ends"]) if row.get("ends") else starts


def _day(value: Any) -> date:
    return value if isinstance(value, date) else date.fromisoformat(str(value))
