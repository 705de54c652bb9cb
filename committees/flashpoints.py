"""The calendar of dates that raise watchfulness: processions, elections, anniversaries, shocks elsewhere. No date is for one community only.

Rows are only ever added: a date as it was entered, a newer version of it (the library's), and what a place says of it
(a remark). The newest counts, so what was known at any past time can be read again. How a date stands at a place, and
when its window is open, is windows.py; public holidays are public_holidays.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import ForeignKey, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from committees.places import Locality, LocalityPath, upwards
from committees.windows import DateHere, Spans, stand_at
from foundation import journal
from foundation.db import Base, Keyed
from foundation.errors import Conflict, Invalid
from foundation.web.words import N_

PERSON, LIBRARY, IMPORT = "person", "library", "import"
ELSEWHERE = "shock_elsewhere"
FURTHEST = timedelta(days=60)  # a date that moves further is another date
YEARS = range(2000, 2100)  # the calendar of people: a window at its very ends would be no date at all
LONGEST = timedelta(days=120)
NAME_LENGTH, NOTE_LENGTH, REASON_LENGTH = 80, 600, 200


class Flashpoint(Keyed, Base):
    """A date of one trigger at a place (and below), as it was entered; local days, both inclusive.

    `key` stays the same over versions of one date, `series` over the years; `code` is the library's, once a version.
    """

    __tablename__ = "flashpoint"

    code: Mapped[str | None] = mapped_column(unique=True)
    key: Mapped[str] = mapped_column(index=True)
    series: Mapped[str]
    locality_id: Mapped[UUID] = mapped_column(ForeignKey("locality.id"), index=True)
    trigger: Mapped[str]
    names: Mapped[dict[str, Any]]
    starts: Mapped[date]
    ends: Mapped[date]
    about: Mapped[bool] = mapped_column(default=False)
    difficult: Mapped[bool] = mapped_column(default=False)
    source: Mapped[str] = mapped_column(default=PERSON)
    recorded_by: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(index=True)


class Remark(Keyed, Base):
    """What a place says of a date: confirmed or moved (starts, ends, about), difficult, its own term, cancelled.

    None says nothing of that field. Never changed: the newest of a place is what it says.
    """

    __tablename__ = "flashpoint_remark"

    key: Mapped[str] = mapped_column(index=True)
    locality_id: Mapped[UUID] = mapped_column(ForeignKey("locality.id"), index=True)
    starts: Mapped[date | None]
    ends: Mapped[date | None]
    about: Mapped[bool | None]
    difficult: Mapped[bool | None]
    term: Mapped[float | None]
    cancelled: Mapped[str | None]
    by: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(index=True)


class DateNote(Keyed, Base):
    """What a committee wrote down of a date for the next year; not for outsiders."""

    __tablename__ = "flashpoint_note"

    series: Mapped[str] = mapped_column(index=True)
    locality_id: Mapped[UUID] = mapped_column(ForeignKey("locality.id"), index=True)
    day: Mapped[date]
    text: Mapped[str]
    by: Mapped[UUID | None]
    created_at: Mapped[datetime]


class ToVisit(Keyed, Base):
    """A place where people may be blamed for a shock elsewhere: for the committee's secretary and chair only."""

    __tablename__ = "flashpoint_place"
    __table_args__ = (UniqueConstraint("flashpoint_id", "locality_id"),)

    flashpoint_id: Mapped[UUID] = mapped_column(ForeignKey("flashpoint.id"), index=True)
    locality_id: Mapped[UUID] = mapped_column(ForeignKey("locality.id"), index=True)


@dataclass(frozen=True)
class NewDate:
    """A date to be recorded; the client makes its id."""

    id: UUID
    locality: Locality
    trigger: str
    names: Mapping[str, str]
    starts: date
    ends: date
    about: bool = False
    difficult: bool = False
    source: str = PERSON
    by: UUID | None = None
    series: str = ""


def record(session: Session, now: datetime, new: NewDate) -> Flashpoint:
    """Record a date once; sending it again changes nothing. Raise Conflict where the id belongs to another place."""
    check_days(new.starts, new.ends)
    found = session.get(Flashpoint, new.id)
    if found is not None:
        if found.locality_id != new.locality.id or found.trigger != new.trigger:
            raise Conflict("This id belongs to something else.", "Make a new id and send it once more.")
        return found
    row = Flashpoint(
        id=new.id,
        key=str(new.id),
        series=new.series or str(new.id),
        locality_id=new.locality.id,
        trigger=new.trigger,
        names=dict(new.names),
        starts=new.starts,
        ends=new.ends,
        about=new.about,
        difficult=new.difficult,
        source=new.source,
        recorded_by=new.by,
        created_at=now,
    )
    session.add(row)
    session.flush()
    journal.record(session, now, "date:record", "flashpoint", row.id, locality_id=row.locality_id)
    return row


def check_days(starts: date, ends: date) -> None:
    """Raise Invalid where a date ends before it starts, lasts longer than any date does, or has no window in any calendar."""
    for name, day in (("starts", starts), ("ends", ends)):
        if day.year not in YEARS:
            raise Invalid(name, N_("Enter a real date, like 27 11 2026"))
    if ends < starts:
        raise Invalid("ends", N_("The last day must not lie before the first day"))
    if ends - starts > LONGEST:
        raise Invalid("ends", N_("A date lasts 120 days at most"))


def remark(
    session: Session, now: datetime, place: Locality, here: DateHere, *, by: UUID | None = None, **says: Any
) -> Remark:
    """Let a place say something of a date that holds there; what it said before stays unless said anew."""
    starts, ends = says.get("starts", here.starts), says.get("ends", here.ends)
    check_days(starts, ends)
    # From the day that was entered, not from the last move: dates are looked for no further from it.
    entered = session.get_one(Flashpoint, here.id)
    if max(abs(starts - entered.starts), abs(ends - entered.ends)) > FURTHEST:
        raise Invalid("starts", N_("A date moves by 60 days at most. Cancel this one and add the new one."))
    rows = select(Remark).where(Remark.key == here.key, Remark.locality_id == place.id)
    old = session.scalars(rows.order_by(Remark.created_at.desc()).limit(1)).first()
    names = ("starts", "ends", "about", "difficult", "term", "cancelled")
    kept = {name: getattr(old, name) for name in names} if old else {}
    row = Remark(key=here.key, locality_id=place.id, by=by, created_at=now, **{**kept, **says})
    session.add(row)
    session.flush()
    journal.record(session, now, "date:remark", "flashpoint", here.id, locality_id=place.id)
    return row


def note(
    session: Session, now: datetime, place: Locality, here: DateHere, text: str, by: UUID | None = None
) -> DateNote:
    """Write down what the next year should know of a date."""
    row = DateNote(
        series=here.series, locality_id=place.id, day=here.starts, text=text, by=by, created_at=now
    )
    session.add(row)
    session.flush()
    return row


def notes_of(session: Session, place_ids: Iterable[UUID], series: Iterable[str]) -> list[DateNote]:
    """The notes that this session may see of dates at these places, the newest first."""
    rows = select(DateNote).where(DateNote.locality_id.in_(set(place_ids)), DateNote.series.in_(set(series)))
    return list(session.scalars(rows.order_by(DateNote.day.desc(), DateNote.created_at.desc())))


def record_elsewhere(
    session: Session, now: datetime, new: NewDate, ticked: Sequence[Locality], towns: Mapping[UUID, Locality]
) -> list[Flashpoint]:
    """Record a shock elsewhere: one date a town, and apart from it the ticked places, which only its committee sees.

    Watchfulness rises in the whole town, so that no level and no alert tells which places were ticked.
    """
    made = []
    for town in sorted({towns[place.id].id: towns[place.id] for place in ticked}.values(), key=_code):
        key = uuid5(new.id, town.code)  # the same form sent again makes the same rows
        if session.get(Flashpoint, key) is not None:
            continue
        own = NewDate(key, town, ELSEWHERE, new.names, new.starts, new.ends, by=new.by, series=str(new.id))
        made.append(record(session, now, own))
        session.add_all(
            ToVisit(id=uuid5(key, place.code), flashpoint_id=key, locality_id=place.id)
            for place in ticked
            if towns[place.id].id == town.id
        )
    session.flush()
    return made


def _code(place: Locality) -> str:
    return place.code


def to_visit(session: Session, flashpoint_id: UUID) -> list[Locality]:
    """The places ticked for a shock elsewhere that this session may see, by code."""
    rows = select(Locality).join(ToVisit, ToVisit.locality_id == Locality.id)
    return list(session.scalars(rows.where(ToVisit.flashpoint_id == flashpoint_id).order_by(Locality.code)))


def rows_between(
    session: Session, place_ids: Iterable[UUID], first: date, last: date, at: datetime | None = None
) -> tuple[list[Flashpoint], list[Remark]]:
    """All versions of the dates entered at these places that may touch these days, and what is said of them; as known at `at`."""
    ids = set(place_ids)
    near = select(Flashpoint.key).where(
        Flashpoint.locality_id.in_(ids),
        Flashpoint.ends >= first - FURTHEST,
        Flashpoint.starts <= last + FURTHEST,
    )
    entered = select(Flashpoint).where(Flashpoint.key.in_(near), Flashpoint.locality_id.in_(ids))
    said = select(Remark).where(Remark.key.in_(near), Remark.locality_id.in_(ids))
    if at is not None:
        entered, said = entered.where(Flashpoint.created_at <= at), said.where(Remark.created_at <= at)
    return list(session.scalars(entered)), list(session.scalars(said))


def date_of(session: Session, place_id: UUID, flashpoint_id: UUID, spans: Spans) -> DateHere | None:
    """How a date stands at a place now; None where it does not hold there. An older version's id finds the newest."""
    row = session.get(Flashpoint, flashpoint_id)
    if row is None:
        return None
    chain = [place.id for place in upwards(session, place_id)]
    entered = session.scalars(select(Flashpoint).where(Flashpoint.key == row.key)).all()
    said = session.scalars(select(Remark).where(Remark.key == row.key)).all()
    return next(iter(stand_at(chain, entered, said, spans)), None)


def below(session: Session, place_id: UUID) -> list[UUID]:
    """The ids of a place and all below it."""
    rows = select(LocalityPath.descendant_id).where(LocalityPath.ancestor_id == place_id)
    return list(session.scalars(rows))
