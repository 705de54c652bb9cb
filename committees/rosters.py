"""Who holds an office when: rotations of its holders in layers, days off, and overrides with a reason. Local times, safe where clocks change.

`on_duty` and `shifts` decide purely from a `Roster`; the rest reads and writes rows. A roster gives nobody a right: it only chooses among
those who hold the office. What no layer covers is a gap that is named, and then everybody who holds the office is asked
(alerts/duty.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ForeignKey, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from committees.people import Office, Scope, role_at
from committees.places import Locality, country_of, zone_of
from committees.public_holidays import holidays_of
from foundation import journal
from foundation.db import Base, Keyed
from foundation.errors import Invalid
from foundation.web.words import N_
from foundation.web.words import gettext as _

WEEK = 7
LONGEST_TURN = 28  # days
LONGEST_OVERRIDE = timedelta(days=28)
REASON_LENGTH = 200
CHANGERS = ("chair", "secretary", "administrator")
OVERRIDE, LAYER, GAP = "override", "layer", "gap"


class DutyRoster(Keyed, Base):
    """The layers of an office's roster, the strongest last: [{persons, starts, days, time, from, to, weekdays, not_on_holidays}]."""

    __tablename__ = "duty_roster"

    office_id: Mapped[UUID] = mapped_column(ForeignKey("office.id"), unique=True)
    locality_id: Mapped[UUID] = mapped_column(ForeignKey("locality.id"), index=True)
    layers: Mapped[list[Any]]
    made_at: Mapped[datetime]


class DutyOverride(Keyed, Base):
    """One person takes the duty for a while, whatever the layers say; the newest of several holds."""

    __tablename__ = "duty_override"

    roster_id: Mapped[UUID] = mapped_column(ForeignKey("duty_roster.id"), index=True)
    locality_id: Mapped[UUID] = mapped_column(ForeignKey("locality.id"), index=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    begins_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    reason: Mapped[str]
    made_by: Mapped[UUID | None]
    made_at: Mapped[datetime]


@dataclass(frozen=True)
class Layer:
    """One rotation: who in which order, from which local day and time on, for how many days each, and in which hours and days it holds.

    `begins` to `ends` are local hours of the day (the same hour twice: all day; past midnight allowed); `weekdays` are ISO.
    """

    persons: tuple[UUID, ...]
    starts: date
    days: int = WEEK
    handover: time = time(9)
    begins: time = time(0)
    ends: time = time(0)
    weekdays: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 7)
    not_on_holidays: bool = False


@dataclass(frozen=True)
class Stand:
    """An override as the pure part reads it."""

    person: UUID
    begins: datetime
    ends: datetime
    made: datetime
    reason: str = ""


@dataclass(frozen=True)
class Roster:
    """Everything that decides who is on duty."""

    layers: tuple[Layer, ...]
    overrides: tuple[Stand, ...]
    zone: ZoneInfo
    is_holiday: Callable[[date], bool] = lambda day: False


@dataclass(frozen=True)
class Duty:
    """Who is on duty, by a layer or an override; nobody in a gap."""

    person: UUID | None
    by: str
    layer: int = -1
    reason: str = ""


@dataclass(frozen=True)
class Shift:
    """One stretch of time with one answer."""

    begins: datetime
    ends: datetime
    duty: Duty


def on_duty(roster: Roster, at: datetime) -> Duty:
    """Who is on duty at a moment: exactly one person, or a gap."""
    standing = [one for one in roster.overrides if one.begins <= at < one.ends]
    if standing:
        chosen = max(standing, key=lambda one: (one.made, str(one.person)))
        return Duty(chosen.person, OVERRIDE, reason=chosen.reason)
    for number in range(len(roster.layers) - 1, -1, -1):
        layer = roster.layers[number]
        if (turn := turn_at(layer, roster.zone, at)) is not None and _holds(layer, roster, at):
            return Duty(layer.persons[turn % len(layer.persons)], LAYER, number)
    return Duty(None, GAP)


def turn_at(layer: Layer, zone: ZoneInfo, at: datetime) -> int | None:
    """Which turn of a rotation it is, counted by local days so that no clock change moves a hand-over; None before it starts."""
    if not layer.persons:
        return None
    turn = (at.astimezone(zone).date() - layer.starts).days // layer.days
    if at < handover_of(layer, zone, turn):
        turn -= 1
    return turn if turn >= 0 else None


def handover_of(layer: Layer, zone: ZoneInfo, turn: int) -> datetime:
    """The moment at which a turn begins."""
    return _moment(layer.starts + timedelta(days=turn * layer.days), layer.handover, zone)


def _moment(day: date, clock: time, zone: ZoneInfo) -> datetime:
    """A local time as a moment; one that a clock change leaves out is as long after midnight as it would have been."""
    return datetime.combine(day, clock, zone).astimezone(UTC_ZONE)


UTC_ZONE = ZoneInfo("UTC")


def _holds(layer: Layer, roster: Roster, at: datetime) -> bool:
    """Whether a layer's hours and days cover a moment; what runs past midnight belongs to the day on which it began."""
    today = at.astimezone(roster.zone).date()
    return any(
        _day_counts(layer, roster, day)
        and _window(layer, roster.zone, day)[0] <= at < _window(layer, roster.zone, day)[1]
        for day in (today - timedelta(days=1), today, today + timedelta(days=1))
    )


def _window(layer: Layer, zone: ZoneInfo, day: date) -> tuple[datetime, datetime]:
    last = day if layer.begins < layer.ends else day + timedelta(days=1)
    return _moment(day, layer.begins, zone), _moment(last, layer.ends, zone)


def _day_counts(layer: Layer, roster: Roster, day: date) -> bool:
    return day.isoweekday() in layer.weekdays and not (layer.not_on_holidays and roster.is_holiday(day))


def shifts(roster: Roster, begins: datetime, ends: datetime) -> list[Shift]:
    """Who is on duty from one moment to another, without a hole: each stretch has one person or is a gap."""
    edges = sorted({begins, *(edge for edge in _edges(roster, begins, ends) if begins < edge < ends)})
    found: list[Shift] = []
    for start, end in zip(edges, [*edges[1:], ends], strict=True):
        duty = on_duty(roster, start)
        if found and found[-1].duty == duty:
            found[-1] = Shift(found[-1].begins, end, duty)
        elif start < end:
            found.append(Shift(start, end, duty))
    return found


def gaps(roster: Roster, begins: datetime, ends: datetime) -> list[Shift]:
    """The stretches in which nobody is on duty."""
    return [shift for shift in shifts(roster, begins, ends) if shift.duty.person is None]


def _edges(roster: Roster, begins: datetime, ends: datetime) -> Iterable[datetime]:
    """Every moment at which the answer may change."""
    for one in roster.overrides:
        yield from (one.begins, one.ends)
    first, last = begins.astimezone(roster.zone).date(), ends.astimezone(roster.zone).date()
    for layer in roster.layers:
        day = first - timedelta(days=1)
        while day <= last:
            yield from _window(layer, roster.zone, day)
            if (day - layer.starts).days % layer.days == 0:
                yield _moment(day, layer.handover, roster.zone)
            day += timedelta(days=1)


def read_layers(rows: Iterable[Mapping[str, Any]]) -> tuple[Layer, ...]:
    """Layers as they are stored, checked; raise Invalid that says which one is wrong and how."""
    found = []
    for number, row in enumerate(rows, 1):
        try:
            layer = Layer(
                tuple(UUID(str(person)) for person in row["persons"]),
                date.fromisoformat(str(row["starts"])),
                int(row.get("days", WEEK)),
                time.fromisoformat(str(row.get("time", "09:00"))),
                time.fromisoformat(str(row.get("from", "00:00"))),
                time.fromisoformat(str(row.get("to", "00:00"))),
                tuple(int(day) for day in row.get("weekdays", range(1, 8))),
                bool(row.get("not_on_holidays", False)),
            )
        except (KeyError, TypeError, ValueError) as wrong:
            raise Invalid(
                "layers", f"Layer {number} cannot be read: {wrong}.", "Dates are 2026-11-30, times 18:00."
            ) from wrong
        if not layer.persons:
            raise Invalid(
                "layers", f"Layer {number} names nobody.", "Name at least one holder of the office."
            )
        if not 1 <= layer.days <= LONGEST_TURN or not set(layer.weekdays) <= set(range(1, 8)):
            raise Invalid(
                "layers",
                f"Layer {number} has turns or weekdays that do not exist.",
                f"A turn is 1 to {LONGEST_TURN} days; weekdays are 1 (Monday) to 7.",
            )
        found.append(layer)
    return tuple(found)


def roster_of(session: Session, row: DutyRoster) -> Roster:
    """The roster of an office, ready to be asked."""
    place = session.get_one(Locality, row.locality_id)
    country = country_of(session, place).code
    overrides = session.scalars(select(DutyOverride).where(DutyOverride.roster_id == row.id))

    def is_holiday(day: date) -> bool:
        return any(one.starts <= day <= one.ends for one in holidays_of(country, None, day.year))

    stands = tuple(Stand(o.person_id, o.begins_at, o.ends_at, o.made_at, o.reason) for o in overrides)
    return Roster(read_layers(row.layers), stands, zone_of(session, place), is_holiday)


def rosters_for(session: Session, office_ids: Iterable[UUID]) -> dict[UUID, DutyRoster]:
    """The rosters of these offices, by office."""
    rows = select(DutyRoster).where(DutyRoster.office_id.in_(set(office_ids)))
    return {row.office_id: row for row in session.scalars(rows)}


def holders(session: Session, office_id: UUID) -> set[UUID]:
    """Everybody who holds an office now."""
    rows = select(Scope.person_id).where(Scope.office_id == office_id, Scope.active)
    return set(session.scalars(rows))


def stand_ins(session: Session, now: datetime, row: DutyRoster) -> list[DutyOverride]:
    """Who stands in now and later, the first leading."""
    rows = select(DutyOverride).where(DutyOverride.roster_id == row.id, DutyOverride.ends_at > now)
    return list(session.scalars(rows.order_by(DutyOverride.begins_at, DutyOverride.id)))


def may_change(session: Session, person_id: UUID, office_id: UUID, locality_id: UUID) -> bool:
    """Whether somebody holds the office, or the chair, the desk or the administration of its place."""
    return (
        person_id in holders(session, office_id)
        or role_at(session, locality_id, person_id, CHANGERS) is not None
    )


def write(session: Session, now: datetime, office: Office, layers: list[dict[str, Any]]) -> DutyRoster:
    """Give an office its roster, or change its layers; raise Invalid for anybody who does not hold the office."""
    strangers = {person for layer in read_layers(layers) for person in layer.persons} - holders(
        session, office.id
    )
    if strangers:
        raise Invalid(
            "layers",
            "A roster names only persons who hold the office.",
            "Give them the office first; the roster then says who of them is on duty.",
        )
    row = rosters_for(session, [office.id]).get(office.id)
    if row is None:
        row = DutyRoster(office_id=office.id, locality_id=office.locality_id, layers=layers, made_at=now)
        session.add(row)
    row.layers = layers
    session.flush()
    journal.record(session, now, "roster:write", "office", office.id, locality_id=office.locality_id)
    return row


def stand_in(
    session: Session,
    now: datetime,
    row: DutyRoster,
    *,
    key: UUID,
    person_id: UUID,
    begins_at: datetime,
    ends_at: datetime,
    reason: str,
    made_by: UUID | None,
) -> DutyOverride:
    """Somebody takes the duty for a while, with a reason; once per client-made `key`."""
    if found := session.get(DutyOverride, key):
        return found
    if person_id not in holders(session, row.office_id):
        raise Invalid("person", N_("Choose somebody who holds this office"))
    if ends_at <= max(begins_at, now):
        raise Invalid("ends_at", N_("The end must lie after the beginning, and ahead of now."))
    if ends_at - begins_at > LONGEST_OVERRIDE:
        raise Invalid("ends_at", N_("This is longer than 28 days."), N_("Change the roster itself instead."))
    if not reason.strip():
        raise Invalid("reason", N_("Write in a few words why"))
    if len(reason.strip()) > REASON_LENGTH:
        raise Invalid(
            "reason",
            _(
                "Make it shorter. You have used %(used)d of %(most)d letters",
                used=len(reason),
                most=REASON_LENGTH,
            ),
        )
    found = DutyOverride(
        id=key,
        roster_id=row.id,
        locality_id=row.locality_id,
        person_id=person_id,
        begins_at=begins_at,
        ends_at=ends_at,
        reason=reason.strip(),
        made_by=made_by,
        made_at=now,
    )
    session.add(found)
    session.flush()
    journal.record(session, now, "roster:override", "office", row.office_id, locality_id=row.locality_id)
    return found
