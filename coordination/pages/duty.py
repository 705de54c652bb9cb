"""Who is on duty: this week and the next, for each office that has a roster, with its gaps named; and somebody standing in, with a reason."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Response
from sqlalchemy import select

from alerts.sentences import role_name
from committees import rosters
from committees.people import Office, Person
from committees.places import Locality, zone_of
from committees.rosters import DutyRoster, Shift
from foundation.db import new_id
from foundation.errors import Invalid, NotAllowed, Refused
from foundation.web import words
from foundation.web.forms import Form
from foundation.web.page import Visit, page
from foundation.web.words import gettext as _

READERS = (
    "secretary",
    "chair",
    "city_officer",
    "district_administration",
    "police_liaison",
    "services_focal_person",
    "oversight",
    "national_contact",
    "administrator",
)
SHOWN = timedelta(days=14)


@page("/duty", roles=READERS)
def duty(visit: Visit) -> Response:
    """Every roster that this visitor may see."""
    return show(visit)


@page("/duty/<uuid:roster_id>/stand-in", roles=READERS)
def stand_in(visit: Visit, roster_id: UUID) -> Response:
    """One of the holders of an office takes its duty for a while."""
    row: DutyRoster = visit.get(DutyRoster, roster_id)
    if not visit.posted:
        return visit.go("/duty")
    if not may_change(visit, row):
        raise NotAllowed(_("This roster belongs to another office."), _("You can see who is on duty."))
    zone = zone_of(visit.session, visit.session.get_one(Locality, row.locality_id))
    form = Form(visit.form)
    person = form.id("person", _("Choose who takes the duty"))
    moments = [form.moment(name, _("Enter a day and a time")) for name in ("begins", "ends")]
    reason = form.text(
        "reason", rosters.REASON_LENGTH, _("Make it shorter"), needed=_("Write in a few words why")
    )
    try:
        form.check()
        begins, ends = (one.replace(tzinfo=zone).astimezone(UTC) for one in moments if one)
        assert person is not None
        rosters.stand_in(
            visit.session,
            visit.now,
            row,
            key=visit.uuid("stand_in_id"),
            person_id=person,
            begins_at=begins,
            ends_at=ends,
            reason=reason,
            made_by=visit.person_id,
        )
    except Refused as refused:
        return show(visit, refused.fields, row.id)
    except Invalid as wrong:
        field = {"ends_at": "ends"}.get(wrong.field, wrong.field)
        return show(visit, {field: _(wrong.message)}, row.id)
    visit.say(_("Noted. Messages to this office go to them in that time."))
    return visit.go("/duty")


def may_change(visit: Visit, row: DutyRoster) -> bool:
    """Whether a visitor holds the office, or the chair or the administration above its place."""
    return rosters.may_change(visit.session, visit.person_id, row.office_id, row.locality_id)


def show(visit: Visit, errors: dict[str, str] | None = None, open_form: UUID | None = None) -> Response:
    """Draw the page, also with a form that was sent back."""
    rows = visit.session.execute(
        select(DutyRoster, Office).join(Office, Office.id == DutyRoster.office_id).order_by(Office.code)
    ).all()
    return visit.render(
        "duty.html",
        422 if errors else 200,
        rosters=[_shown(visit, row, office) for row, office in rows],
        errors=errors or {},
        open_form=open_form,
        values=visit.form,
        key=new_id(),
    )


def _shown(visit: Visit, row: DutyRoster, office: Office) -> dict[str, Any]:
    session, now = visit.session, visit.now
    place = session.get_one(Locality, row.locality_id)
    zone, roster = zone_of(session, place), rosters.roster_of(session, row)
    begins = week_of(now, zone)
    found = rosters.shifts(roster, begins, begins + SHOWN)
    keys = rosters.holders(session, office.id)
    names = {one.id: one.name for one in session.scalars(select(Person).where(Person.id.in_(keys)))}
    now_on = rosters.on_duty(roster, now)
    language = words.current().language
    return {
        "id": row.id,
        "office": office.name(language),
        "place": place.name(language),
        "role": role_name(office.role),
        "now": names.get(now_on.person, "") if now_on.person else "",
        "shifts": [_line(shift, names, zone) for shift in found if shift.ends > now],
        "gaps": [_gap(shift, zone) for shift in found if shift.duty.person is None and shift.ends > now],
        "people": [(str(key), name) for key, name in sorted(names.items(), key=lambda pair: pair[1])],
        "may_change": may_change(visit, row),
    }


def week_of(now: datetime, zone: ZoneInfo) -> datetime:
    """The Monday midnight that began the week of a moment, in its zone."""
    local = now.astimezone(zone).date()
    return datetime.combine(local - timedelta(days=local.weekday()), time(0), zone).astimezone(UTC)


def _line(shift: Shift, names: dict[UUID, str], zone: ZoneInfo) -> tuple[Any, ...]:
    person = shift.duty.person
    who = names.get(person, _("Somebody who left the office")) if person else _("Nobody")
    if shift.duty.reason:
        who = _("%(who)s (stands in: %(reason)s)", who=who, reason=shift.duty.reason)
    return (who, _moment(shift.begins, zone), _moment(shift.ends, zone))


def _gap(shift: Shift, zone: ZoneInfo) -> str:
    return _(
        "Nobody from %(begins)s to %(ends)s.",
        begins=_moment(shift.begins, zone),
        ends=_moment(shift.ends, zone),
    )


def _moment(at: datetime, zone: ZoneInfo) -> str:
    return _("%(day)s, %(time)s", day=words.day(at, zone), time=words.clock(at, zone))
