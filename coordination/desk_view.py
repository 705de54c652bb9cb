"""What the secretary's desk shows, put together from rows that the visitor may see: what waits, for how long, whom to ring.

Reads only, except that opening a text is put on record. pages/desk.py and pages/sort.py show it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from alerts.alert import Alert
from alerts.labels import channel_label
from alerts.routing import Delivery
from alerts.sentences import (
    call_reason,
    delivery_reason,
    delivery_state_label,
    how_known_label,
    kind_label,
    role_name,
    why_unread,
)
from alerts.standing import standings
from alerts.what_to_do import WHAT_TO_DO
from committees import call_backs, spoken_notes
from committees.committee import Membership, Seat
from committees.inbox import UNREAD, Inbound
from committees.incidents import Incident
from committees.people import Person
from committees.places import Locality, town_of, zone_of
from committees.reports import VOUCHED, WALK_IN
from committees.spoken_notes import SpokenNote
from coordination import feedback, reach, sorting
from coordination.here import here
from foundation import journal
from foundation.jobs import Heartbeat
from foundation.policy import Principal
from foundation.web import words
from foundation.web.words import gettext as _

UNREACHED_SINCE = timedelta(days=14)
MOST = 20
DESK = ("secretary", "chair")


@dataclass(frozen=True)
class Waiting:
    """One thing on the desk: what, where and since when in words, the page to open, and whether it is late."""

    id: UUID
    name: str
    meta: str
    href: str = ""
    late: bool = False


def reports(session: Session, now: datetime) -> list[Waiting]:
    """The reports that nobody has checked, the gravest first; a rumour says until when its reporters are promised word."""
    rows = sorting.waiting(session, now)
    places = _places(session, (row.locality_id for row in rows))
    zones = _zones(session, places)
    told = spoken_notes.told_by_voice(session, (row.id for row in rows))
    answered = feedback.rumours_answered(session, [row.id for row in rows if row.kind == "rumour"])
    found = []
    for row in rows[:MOST]:
        place, zone = places[row.locality_id], zones[row.locality_id]
        meta = [how_known_label(row.how_known), words.when(row.received_at, zone, now)]
        late = False
        if row.kind == "rumour" and row.id not in answered and row.origin == "live":
            due = row.received_at + feedback.RUMOUR_PROMISE
            late = now > due
            meta.append(_("answer promised by %(time)s", time=words.clock(due, zone)))
        if row.channel in (VOUCHED, WALK_IN):
            meta.append(channel_label(row.channel))
        if not row.known_source:
            meta.append(_("from somebody we do not know"))
        if row.id in told:
            meta.append(_("a spoken note waits"))
        name = _("%(what)s, %(place)s", what=kind_label(row.kind), place=_name(place))
        found.append(Waiting(row.id, name, " · ".join(meta), f"/desk/r/{row.id}", late))
    return found


def messages(session: Session, now: datetime, *, known: bool) -> list[Waiting]:
    """The SMS and calls that a person must look at: from members, or from numbers that we do not know."""
    rows = select(Inbound).where(Inbound.state == UNREAD)
    rows = rows.where(Inbound.person_id.is_not(None) if known else Inbound.person_id.is_(None))
    found = list(session.scalars(rows.order_by(Inbound.received_at).limit(MOST)))
    places = _places(session, (row.locality_id for row in found if row.locality_id))
    zones = _zones(session, places)
    names = _persons(session, (row.person_id for row in found if row.person_id))
    result = []
    for row in found:
        place = places[row.locality_id] if row.locality_id else None
        when = words.when(row.received_at, zones[place.id], now) if place else words.ago(row.received_at, now)
        who = names.get(row.person_id) if row.person_id else None
        where = [_name(place)] if place else []
        result.append(
            Waiting(
                row.id,
                who or _("A number that we do not know"),
                " · ".join([*where, when, why_unread(row.reading, known=True)]),
                f"/desk/sms/{row.id}",
            )
        )
    return result


def calls(session: Session, now: datetime, *, in_care: bool = False) -> list[Waiting]:
    """The calls that nobody has made, the most urgent first, with their clock.

    In care: only of people with a private matter or a complaint, anywhere; what else is rung is the committee's own work.
    """
    rows = [row for row in call_backs.waiting(session) if not in_care or row.in_care][:MOST]
    places = _places(session, (row.locality_id for row in rows))
    zones = _zones(session, places)
    told = spoken_notes.told_by_voice(session, (row.incident_id for row in rows if row.incident_id))
    found = []
    for row in rows:
        place = places[row.locality_id]
        late = row.due_at < now
        meta = (
            _("was due %(when)s", when=words.ago(row.due_at, now))
            if late
            else _("by %(when)s", when=words.when(row.due_at, zones[place.id], now))
        )
        where = _name_and_town(session, place) if in_care else _name(place)
        parts = [where, meta, *([_("tried %(times)s times", times=row.tries)] if row.tries else [])]
        parts += [_("a spoken note waits")] if row.incident_id in told else []
        found.append(Waiting(row.id, call_reason(row.why), " · ".join(parts), f"/desk/call/{row.id}", late))
    return found


def silent_wards(session: Session, now: datetime, principal: Principal) -> list[Waiting]:
    """The wards whose level is Not known, each with the members who could be rung."""
    wards = reach.wards_below(session, principal.at(*DESK))
    stands = standings(session, wards, now)
    silent = [ward for ward in wards if stands[ward.id].level == 0]
    sits = _members_of(session, [ward.id for ward in silent])
    return [
        Waiting(
            ward.id,
            _name(ward),
            _("Please ring: %(people)s", people=words.listed(sits[ward.id]))
            if ward.id in sits
            else _("Nobody sits for this ward: please ask at the next meeting who could."),
            f"/place/{ward.code}",
        )
        for ward in silent
    ]


def unreached(session: Session, now: datetime) -> list[Waiting]:
    """Who could not be reached about an alert in the last two weeks, once per person and alert."""
    rows = (
        select(Delivery, Alert.number, Person.name)
        .join(Alert, Alert.id == Delivery.alert_id)
        .join(Person, Person.id == Delivery.person_id)
        .where(Delivery.state.in_(("failed", "undelivered")), Delivery.at > now - UNREACHED_SINCE)
        .where(Delivery.template != WHAT_TO_DO)  # the alert before it says whether they were reached
        .order_by(Delivery.at.desc())
    )
    found: dict[tuple[UUID, UUID], Waiting] = {}
    for row, number, name in session.execute(rows.limit(100)).all():
        why = delivery_reason(row.reason) if row.reason == "no_contact" else delivery_state_label(row.state)
        who = _("%(name)s, %(role)s", name=name, role=role_name(row.role))
        meta = _("Alert %(number)d: %(why)s", number=number, why=why)
        found.setdefault((row.alert_id, row.person_id), Waiting(row.id, who, meta, f"/a/{row.alert_id}"))
    return list(found.values())[:MOST]


def line_state(session: Session, now: datetime, real_now: datetime) -> list[str]:
    """When the process that sends and reads messages was last heard from, and when the last message came."""
    beat = session.get(Heartbeat, "worker")
    last = session.scalar(select(func.max(Inbound.received_at)))
    return [
        _("Messages are sent and read: last sign of life %(ago)s.", ago=words.ago(beat.at, real_now))
        if beat
        else _(
            "The part that sends and reads messages has not been heard from. Please tell the administrator."
        ),
        _("The last SMS or call from here came %(ago)s.", ago=words.ago(last, now))
        if last
        else _("No SMS has come from here yet."),
    ]


def note_reading(
    principal: Principal,
    now: datetime,
    kind: str,
    *rows: Incident | Inbound | SpokenNote,
    how: str = "open:text",
) -> None:
    """Put on record that somebody opened these texts, at once and whatever becomes of the page."""
    with here().web.open(principal, write=True) as session:
        for row in rows:
            journal.record(session, now, how, kind, row.id, locality_id=row.locality_id)
        session.commit()


def _name(place: Locality) -> str:
    return place.name(words.current().language)


def _name_and_town(session: Session, place: Locality) -> str:
    town = town_of(session, place)
    return _name(place) if town is place else _("%(ward)s, %(town)s", ward=_name(place), town=_name(town))


def _places(session: Session, ids: Iterable[UUID]) -> dict[UUID, Locality]:
    rows = session.scalars(select(Locality).where(Locality.id.in_(set(ids))))
    return {place.id: place for place in rows}


def _zones(session: Session, places: dict[UUID, Locality]) -> dict[UUID, ZoneInfo]:
    """The zone of each place; wards of one town that have none of their own share one question to the database."""
    asked: dict[object, ZoneInfo] = {}
    for place in places.values():
        key = place.zone or place.parent_id
        if key not in asked:
            asked[key] = zone_of(session, place)
    return {place.id: asked[place.zone or place.parent_id] for place in places.values()}


def _persons(session: Session, ids: Iterable[UUID]) -> dict[Any, str]:
    rows = session.execute(select(Person.id, Person.name).where(Person.id.in_(set(ids))))
    return {row.id: row.name for row in rows}


def _members_of(session: Session, wards: list[UUID]) -> dict[UUID, list[str]]:
    """The names of those who sit for each of these wards."""
    rows = (
        select(Seat.ward_id, Person.name)
        .join(Membership, Membership.seat_id == Seat.id)
        .join(Person, Person.id == Membership.person_id)
        .where(Seat.ward_id.in_(wards), Membership.until.is_(None))
        .order_by(Person.name)
    )
    found: dict[UUID, list[str]] = {}
    for ward, name in session.execute(rows).all():
        if ward is not None:
            found.setdefault(ward, []).append(name)
    return found


def name_who_sits(session: Session, ward: Locality) -> str:
    """Who could be rung about one ward, in one line; empty where nobody sits for it."""
    return words.listed(_members_of(session, [ward.id]).get(ward.id, []))
