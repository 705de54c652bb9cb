"""Stores the events of a file as reports and incidents of the past: nobody is told, and a repeat changes nothing.

Every row ends in reports.record_many(), so that an imported incident looks like one that was reported. Weighing and scoring are alerts'.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from committees import reports
from committees.incidents import Incident
from committees.intake.csv_files import Event
from committees.intake.foreign_places import ForeignPlaces
from committees.places import Locality, zone_of
from committees.reports import NewReport, Report, Source
from foundation.crypto import cipher

ORIGIN, SOURCE_KIND = "history", "import"


@dataclass
class Stored:
    """What became of some events: new incidents, how many were there before, and (position, reason) of those refused."""

    new: list[Incident] = field(default_factory=list)
    repeated: int = 0
    refused: list[tuple[int, str]] = field(default_factory=list)


def store(session: Session, now: datetime, events: Sequence[Event], found: ForeignPlaces) -> Stored:
    """Store events that are not stored yet, with their places and sources; each source is a known one, and no row is graded by us."""
    result = Stored()
    there = set(session.scalars(select(Report.id).where(Report.id.in_({event.id for event in events}))))
    usable: dict[UUID, tuple[Event, Locality, datetime, datetime]] = {}
    for position, event in enumerate(events):
        if event.id in there or event.id in usable:
            result.repeated += 1
            continue
        try:
            place = found.find(event.where)
            usable[event.id] = (event, place, *_moments(session, now, event, place))
        except ValueError as error:
            result.refused.append((position, str(error)))
    sources = _sources(session, now, [row[0] for row in usable.values()])
    news = [_report(*row, sources[row[0].source]) for row in usable.values()]
    result.new = reports.record_many(session, now, news)
    return result


def _moments(session: Session, now: datetime, event: Event, place: Locality) -> tuple[datetime, datetime]:
    """When it happened and when it was known, aware; ValueError for what lies ahead."""
    zone = zone_of(session, place)
    occurred, known = (
        at if at.tzinfo else at.replace(tzinfo=zone) for at in (event.occurred_at, event.known_at)
    )
    if occurred.date() > now.astimezone(occurred.tzinfo).date():
        raise ValueError(
            f"The date {occurred.date()} lies ahead: an incident is something that has happened."
        )
    return occurred, max(occurred, known)


def _sources(session: Session, now: datetime, events: Sequence[Event]) -> dict[str, Source]:
    """The source behind each name in the file; made on its first row."""
    handle = cipher(session).handle
    keys = {name: handle("import", name) for name in {event.source for event in events}}
    stored = {
        source.id: source for source in session.scalars(select(Source).where(Source.id.in_(keys.values())))
    }
    new = {
        key: Source(id=key, committee_id=None, known=True, kind=SOURCE_KIND, first_at=now)
        for key in keys.values()
        if key not in stored
    }
    session.add_all(new.values())
    session.flush()
    return {name: stored.get(key) or new[key] for name, key in keys.items()}


def _report(event: Event, place: Locality, occurred: datetime, known: datetime, source: Source) -> NewReport:
    return NewReport(
        id=event.id,
        locality=place,
        kind=event.kind,
        occurred_at=occurred,
        known_at=known,
        how_known=event.how_known,
        channel=event.channel,
        source=source,
        severity=event.severity,
        ongoing=event.ongoing,
        people=event.people,
        text=event.text,
        graded=bool(event.grade),
        grade=event.grade,
        origin=ORIGIN,
    )
