"""Duty rosters in a seed file: one row an office, its layers naming sign-ins; and those of the demonstration (seeds/demo_rosters.yaml).

Running a file twice changes nothing: an office that has a roster keeps it, also where people have changed it since. Only seeding.py and
demo.py import it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import yaml
from sqlalchemy import select
from sqlalchemy.orm import Session

from committees import rosters
from committees.people import Office, Person
from foundation.errors import Invalid, Problem

Row = dict[str, Any]
DEMO_ROSTERS = Path(__file__).parent / "seeds" / "demo_rosters.yaml"
CLOCKS = ("time", "from", "to")
LAYER = frozenset({"persons", "starts", "days", "weekdays", "not_on_holidays", *CLOCKS})


def demo_rows() -> list[Row]:
    """The invented rosters of the demonstration."""
    found: list[Row] = yaml.safe_load(DEMO_ROSTERS.read_text(encoding="utf-8"))["rosters"]
    return found


def enter_each(session: Session, now: datetime, rows: Iterable[Row]) -> int:
    """Enter these rosters where there is none yet; return how many were new."""
    return sum(enter(session, now, row) for row in rows)


def enter(session: Session, now: datetime, row: Row) -> bool:
    """Give an office its roster unless it has one. Raise KeyError for a missing word, Problem for one that cannot be used."""
    office = session.scalars(select(Office).where(Office.code == row["office"])).first()
    if office is None:
        raise KeyError(row["office"])
    if rosters.rosters_for(session, [office.id]):
        return False
    try:
        made = rosters.write(session, now, office, [_layer(session, layer) for layer in row["layers"]])
        for one in row.get("stand_ins", ()):
            _stand_in(session, now, made, one)
    except Invalid as wrong:
        raise Problem(f"The roster of {office.code}: {wrong.field}: {wrong.message}", wrong.hint) from None
    return True


def _layer(session: Session, row: Row) -> Row:
    """A layer as it is stored; a word that we do not know is an error, not a wish that is silently left out."""
    if strange := sorted(set(row) - LAYER):
        raise Invalid("layers", f"{strange[0]!r} is no part of a layer.", f"Use {', '.join(sorted(LAYER))}.")
    clocks = {name: _clock(row[name]) for name in CLOCKS if name in row}
    persons = [str(_person(session, name)) for name in row["persons"]]
    return {**row, **clocks, "starts": str(row["starts"]), "persons": persons}


def _clock(value: Any) -> str:
    """A local time; YAML reads 18:00 without quotes as 1080, the minutes since midnight."""
    return f"{value // 60:02d}:{value % 60:02d}" if isinstance(value, int) else str(value)


def _person(session: Session, sign_in: str) -> Any:
    found = session.scalars(select(Person.id).where(Person.code == sign_in)).first()
    if found is None:
        raise KeyError(sign_in)
    return found


def _stand_in(session: Session, now: datetime, made: rosters.DutyRoster, row: Row) -> None:
    begins, ends = (datetime.fromisoformat(str(row[name])) for name in ("begins", "ends"))
    if begins.tzinfo is None or ends.tzinfo is None:
        raise Invalid("stand_ins", "A time has no zone.", "Write it like 2026-11-24T14:00:00+05:00.")
    if ends <= now:
        return  # it is over: nothing to enter
    rosters.stand_in(
        session,
        now,
        made,
        key=uuid5(NAMESPACE_URL, f"stand-in/{made.office_id}/{row['key']}"),
        person_id=_person(session, row["person"]),
        begins_at=begins,
        ends_at=ends,
        reason=row["reason"],
        made_by=None,
    )
