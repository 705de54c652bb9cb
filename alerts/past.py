"""The past of some places as plain values, read once: what became known when, who said it, check-ins, dates, who is told.

What lives here: the values and their reading. What does not: running rules over them (rerun.py) and comparing two
runs (what_if.py). A worker reads it as the engine, because no person may read all of it; nothing here is written.

What was imported is taken as if it had been reported when it could first be known: the live engine never warns of
history, and this is where a place sees what its rules would have made of it. Two things are not kept by the database
and are taken as they stand today: who sits where and has which number, and a check-in that its sender replaced
within the same week.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts.alert import Alert
from alerts.calibrating import Kappa
from alerts.evidence import known_when
from alerts.nearby import links_each
from alerts.receivers import LinkedContact, receivers
from alerts.seen import FIELDS, SeenIncident
from alerts.sums import scored_above
from committees import flashpoints, profiles
from committees.checkins import CheckIn
from committees.flashpoints import Flashpoint, Remark
from committees.incidents import CREDIBILITY, REPORTED, Incident
from committees.people import Office, Scope, contacts_each
from committees.places import (
    Locality,
    LocalityPath,
    below_each,
    load_above,
    town_of,
    upwards,
    zone_of,
)
from committees.reports import NEVER_SEEN, Report, Source
from committees.vouching import VOICE

DATES = timedelta(days=500)
MEMORY = timedelta(days=1800)
"""Older incidents weigh less than a thousandth of what they did, and are left out."""


@dataclass(frozen=True)
class Place:
    """A place with all that a rule may ask of where it lies. `above` and `scored` begin with the place itself."""

    key: UUID
    code: str
    depth: int
    watched: bool
    is_town: bool
    town: UUID
    zone: ZoneInfo
    above: tuple[UUID, ...]
    scored: tuple[UUID, ...]
    below: tuple[UUID, ...]
    links: tuple[tuple[UUID, float], ...]


class Known(NamedTuple):
    """An incident as it became known at a moment; `facts` are FIELDS of seen.py."""

    at: datetime
    incident: UUID
    place: UUID
    occurred_at: datetime
    known_at: datetime
    merged_into: UUID | None
    facts: Mapping[str, object]


class Said(NamedTuple):
    """One report: the incident it first stood under, where, whose, and how they know."""

    incident: UUID
    place: UUID
    source: str
    known: bool
    saw: bool
    at: datetime


class Ended(NamedTuple):
    """A real alert that was closed: by a person or by its time, and with which outcome."""

    id: UUID
    place: UUID
    threat: str
    rule: str
    opened_at: datetime
    closed_at: datetime | None
    by_person: bool
    outcome: str | None


class Told(NamedTuple):
    """A person who may be told: how many numbers and addresses they have."""

    person: UUID
    contacts: int


@dataclass(frozen=True)
class Past:
    """Everything that happened around `group`, the places whose rules are run; other places lend only their sums."""

    group: tuple[UUID, ...]
    places: Mapping[UUID, Place]
    known: tuple[Known, ...]
    said: Mapping[UUID, tuple[Said, ...]]
    checkins: Mapping[UUID, tuple[CheckIn, ...]]
    dates: tuple[list[Flashpoint], list[Remark]]
    real: tuple[Ended, ...]
    kappas: Mapping[UUID, tuple[tuple[datetime, float], ...]]
    seats: Mapping[tuple[UUID, str], tuple[Told, ...]]
    linked: Mapping[UUID, tuple[tuple[Told, str, int, str], ...]]
    watched_below: frozenset[UUID] = field(default_factory=frozenset)
    reporters: Mapping[UUID, tuple[tuple[UUID, datetime], ...]] = field(default_factory=dict)


def read(
    session: Session,
    group: Iterable[UUID],
    until: datetime,
    roles: Iterable[str],
    instead: tuple[UUID, Mapping[str, Any]] | None = None,
) -> Past:
    """Read the past of these places up to `until`, and who would be told in `roles`.

    `instead` gives one place another document of its own; only its links to neighbours matter here.
    """
    group = tuple(group)
    places = _places(session, group, until, instead)
    since = until - MEMORY
    incidents = list(
        session.scalars(
            select(Incident).where(
                Incident.locality_id.in_(_everywhere(places)),
                Incident.known_at <= until,
                Incident.occurred_at > since,
            )
        )
    )
    return Past(
        group=group,
        places=places,
        known=_known(session, incidents, until),
        said=_said(session, places, incidents),
        checkins=_checkins(session, places, until),
        dates=_dates(session, places, until),
        real=ended(session, group),
        kappas=_kappas(session, group),
        seats={(key, role): _seated(session, key, role) for key in group for role in sorted(set(roles))},
        linked={key: _linked(session, key) for key in group},
        watched_below=_watched_below(session, group),
        reporters=_reporters(session, places, until),
    )


def _everywhere(places: Mapping[UUID, Place]) -> set[UUID]:
    return {key for place in places.values() for key in place.below}


def _places(
    session: Session,
    group: tuple[UUID, ...],
    until: datetime,
    instead: tuple[UUID, Mapping[str, Any]] | None,
) -> dict[UUID, Place]:
    """The group, everything below it, and the neighbours with everything below them."""
    load_above(session, group)
    above = {key: [place.id for place in upwards(session, key)] for key in group}
    links = links_each(session, group, profiles.in_force_each(session, above, until), instead)
    wanted = list(dict.fromkeys([*group, *(near for found in links.values() for near, _ in found)]))
    below = {key: [key] for key in wanted} | below_each(session, wanted)
    inside = {key for keys in below.values() for key in keys}
    load_above(session, inside)
    return {
        key: _place(session, session.get_one(Locality, key), below.get(key, [key]), links.get(key, []))
        for key in sorted(inside, key=str)
    }


def _place(
    session: Session, row: Locality, below: Iterable[UUID], links: Iterable[tuple[UUID, float]]
) -> Place:
    return Place(
        key=row.id,
        code=row.code,
        depth=row.depth,
        watched=row.watched,
        is_town=row.level == "town",
        town=town_of(session, row).id,
        zone=zone_of(session, row),
        above=tuple(place.id for place in upwards(session, row.id)),
        scored=tuple(scored_above(session, row.id)),
        below=tuple(below),
        links=tuple(links),
    )


def _known(session: Session, incidents: list[Incident], until: datetime) -> tuple[Known, ...]:
    """Each incident as it was seen, change by change; where nobody kept that, as it came and as it was checked."""
    kept: dict[UUID, list[SeenIncident]] = defaultdict(list)
    keys = [incident.id for incident in incidents]
    for row in session.scalars(
        select(SeenIncident).where(SeenIncident.incident_id.in_(keys), SeenIncident.at <= until)
    ):
        kept[row.incident_id].append(row)
    found = []
    for incident in incidents:
        rows = sorted(kept.get(incident.id, ()), key=lambda row: row.at)
        found += [_seen(incident, row) for row in rows] if rows else _guessed(incident, until)
    return tuple(sorted(found, key=lambda one: (one.at, str(one.incident))))


def _seen(incident: Incident, row: SeenIncident) -> Known:
    return Known(
        row.at,
        row.incident_id,
        row.locality_id,
        row.occurred_at,
        incident.known_at,
        row.merged_into_id,
        row.facts,
    )


def _guessed(incident: Incident, until: datetime) -> list[Known]:
    now = {name: getattr(incident, name) for name in FIELDS}
    history = incident.origin == "history"
    first_at = known_when(incident, incident.received_at)

    def at(moment: datetime, facts: Mapping[str, object], into: UUID | None = None) -> Known:
        place, happened = incident.locality_id, incident.occurred_at
        return Known(moment, incident.id, place, happened, incident.known_at, into, facts)

    checked = incident.verified_at
    if history or checked is None or checked <= first_at:
        return [at(first_at, now, incident.merged_into_id)] if first_at <= until else []
    credibility = CREDIBILITY.get(incident.how_known, 6)
    found = [at(first_at, {**now, "state": REPORTED, "credibility": credibility})]
    return [*found, at(checked, now, incident.merged_into_id)] if checked <= until else found


def _said(
    session: Session, places: Mapping[UUID, Place], incidents: list[Incident]
) -> dict[UUID, tuple[Said, ...]]:
    """The reports by the incident under which each came; a report that was joined to another keeps its own id."""
    known = {incident.id for incident in incidents}
    rows = (
        select(Report, VOICE, Source.known)
        .join(Source, Source.id == Report.source_id)
        .where(Report.locality_id.in_(_everywhere(places)))
    )
    found: dict[UUID, list[Said]] = defaultdict(list)
    for row, voice, is_known in session.execute(rows.order_by(Report.received_at, Report.id)).all():
        first = row.id if row.id in known else row.incident_id
        saw = row.how_known == "saw" and row.channel not in NEVER_SEEN
        found[first].append(Said(first, row.locality_id, str(voice), is_known, saw, row.received_at))
    return {key: tuple(said) for key, said in found.items()}


def _checkins(
    session: Session, places: Mapping[UUID, Place], until: datetime
) -> dict[UUID, tuple[CheckIn, ...]]:
    rows = select(CheckIn).where(CheckIn.locality_id.in_(_everywhere(places)), CheckIn.received_at <= until)
    found: dict[UUID, list[CheckIn]] = defaultdict(list)
    for row in session.scalars(rows.order_by(CheckIn.received_at, CheckIn.id)):
        found[row.locality_id].append(row)
    return {key: tuple(answers) for key, answers in found.items()}


def _dates(
    session: Session, places: Mapping[UUID, Place], until: datetime
) -> tuple[list[Flashpoint], list[Remark]]:
    """What was entered and said of dates, here and above, whose window may have been open in the last two years."""
    everywhere = _everywhere(places) | {key for place in places.values() for key in place.above}
    first, last = until - DATES, until + timedelta(days=60)
    return flashpoints.rows_between(session, everywhere, first.date(), last.date(), until)


def _reporters(
    session: Session, places: Mapping[UUID, Place], until: datetime
) -> dict[UUID, tuple[tuple[UUID, datetime], ...]]:
    """Who of the known sources reported at each place, and when: they count as voices."""
    rows = (
        select(Report.locality_id, VOICE, Report.received_at)
        .join(Source, Source.id == Report.source_id)
        .where(Report.locality_id.in_(_everywhere(places)), Report.received_at <= until, Source.known)
    )
    found: dict[UUID, list[tuple[UUID, datetime]]] = defaultdict(list)
    for place, source, at in session.execute(rows.order_by(Report.received_at)).all():
        found[place].append((source, at))
    return {key: tuple(pairs) for key, pairs in found.items()}


def ended(session: Session, group: tuple[UUID, ...]) -> tuple[Ended, ...]:
    """The live alerts that these places really had, oldest first."""
    rows = select(Alert).where(Alert.locality_id.in_(group), Alert.origin == "live")
    return tuple(
        Ended(
            row.id,
            row.locality_id,
            row.threat,
            row.rule,
            row.opened_at,
            row.closed_at,
            row.closed_by is not None,
            row.outcome,
        )
        for row in session.scalars(rows.order_by(Alert.opened_at, Alert.number))
    )


def _kappas(session: Session, group: tuple[UUID, ...]) -> dict[UUID, tuple[tuple[datetime, float], ...]]:
    """Since when each place had which calibration, before its bounds: those are the document's."""
    rows = select(Kappa.locality_id, Kappa.at, Kappa.unheld).where(Kappa.locality_id.in_(group))
    found: dict[UUID, list[tuple[datetime, float]]] = defaultdict(list)
    for key, at, unheld in session.execute(rows.order_by(Kappa.at)).all():
        if key:
            found[key].append((at, unheld))
    return {key: tuple(pairs) for key, pairs in found.items()}


def _seated(session: Session, place_id: UUID, role: str) -> tuple[Told, ...]:
    stand_in = Alert(
        locality_id=place_id, withheld_from=""
    )  # never stored: routing asks an alert where it is
    return _told(session, [r.person.id for r in receivers(session, stand_in, (role,), "rule")])


def _linked(session: Session, place_id: UUID) -> tuple[tuple[Told, str, int, str], ...]:
    """Who is linked to a place: the person, their role, from which level on, and for which threat."""
    above = select(LocalityPath.ancestor_id).where(LocalityPath.descendant_id == place_id)
    rows = (
        select(Scope.person_id, Office.role, LinkedContact.min_level, LinkedContact.threat)
        .join(Office, Office.id == LinkedContact.office_id)
        .join(Scope, Scope.office_id == Office.id)
        .where(LinkedContact.locality_id.in_(above), Scope.active)
        .order_by(Office.code, Scope.person_id)
    )
    found = session.execute(rows).all()
    told = {one.person: one for one in _told(session, [person for person, *_ in found])}
    return tuple((told[p], role, least, threat) for p, role, least, threat in found if p in told)


def _told(session: Session, people: list[UUID]) -> tuple[Told, ...]:
    contacts = contacts_each(session, people)
    return tuple(
        Told(person, n)
        for person in dict.fromkeys(people)
        if (n := sum(contact.verified_at is not None for contact in contacts.get(person, ())))
    )


def _watched_below(session: Session, group: tuple[UUID, ...]) -> frozenset[UUID]:
    rows = select(Locality.parent_id).where(Locality.parent_id.in_(group), Locality.watched).distinct()
    return frozenset(key for key in session.scalars(rows) if key)
