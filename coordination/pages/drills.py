"""Drills: begin or plan one, see how the last ones went, and answer one that reached me. Roles and numbers only, never a name."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from flask import Response
from sqlalchemy import select

from alerts import drills
from alerts.drills import Drill, DrillCall
from alerts.labels import role_name
from committees.places import Locality, zone_of
from foundation.db import new_id
from foundation.errors import Invalid, NotAllowed
from foundation.web import words
from foundation.web.page import SIGNED_IN, Visit, page
from foundation.web.words import N_, ngettext
from foundation.web.words import gettext as _

ROLES = ("chair", "secretary", "city_officer", "national_contact", "administrator")
LATER = {
    "now": timedelta(0),
    "tomorrow": timedelta(days=1),
    "week": timedelta(days=7),
    "month": timedelta(days=30),
}
WHEN = (
    ("now", N_("Now")),
    ("tomorrow", N_("Tomorrow at this time")),
    ("week", N_("In a week")),
    ("month", N_("In a month")),
)
STATES = {drills.PLANNED: N_("planned"), drills.RUNNING: N_("running"), drills.ENDED: N_("over")}
MOST = 30


@page("/drills", roles=ROLES)
def overview(visit: Visit) -> Response:
    """What is planned, what runs, how the last ones went; and the form for the next."""
    if not visit.posted:
        return _show(visit, {})
    try:
        _plan(visit)
    except Invalid as wrong:
        return _show(visit, {wrong.field: _(wrong.message)}, 422)
    visit.say(_("Written down. It begins when its time has come, and ends a day later."))
    return visit.go("/drills")


@page("/drills/<uuid:drill_id>", roles=SIGNED_IN)
def mine(visit: Visit, drill_id: UUID) -> Response:
    """A drill that reached me: one press says so. Opening the page says nothing."""
    rows = select(DrillCall).where(DrillCall.drill_id == drill_id, DrillCall.person_id == visit.person_id)
    call = visit.session.scalars(rows).first()
    if call is None:
        raise NotAllowed(_("This drill did not ask you."), _("You need do nothing."))
    if visit.posted:
        drills.answer(visit.session, visit.now, drill_id, visit.person_id, "web")
        visit.say(_("Thank you. Nothing else is needed."))
        return visit.go(f"/drills/{drill_id}")
    return visit.render("drill.html", path=f"/drills/{drill_id}", answered=call.answered_at is not None)


def _plan(visit: Visit) -> None:
    place = next((p for p in _places(visit) if p.code == visit.form.get("place")), None)
    if place is None:
        raise Invalid("place", N_("Choose a place of your own."))
    when = visit.form.get("when", "")
    if when not in LATER:
        raise Invalid("when", N_("Choose when it begins."))
    drills.plan(
        visit.session,
        visit.now,
        key=visit.uuid("key"),
        place=place,
        person_id=visit.person_id,
        due_at=visit.now + LATER[when],
        quarterly=visit.form.get("quarterly") == "yes",
    )


def _places(visit: Visit) -> list[Locality]:
    rows = select(Locality).where(Locality.id.in_(visit.principal.at(*ROLES))).order_by(Locality.code)
    return list(visit.session.scalars(rows))


def _show(visit: Visit, errors: dict[str, str], status: int = 200) -> Response:
    language = words.current().language
    return visit.render(
        "drills.html",
        status,
        errors=errors,
        values=visit.form,
        key=new_id(),
        places=[(place.code, place.name(language)) for place in _places(visit)],
        when=[(key, _(label)) for key, label in WHEN],
        rows=_history(visit),
    )


def _history(visit: Visit) -> list[dict[str, Any]]:
    session = visit.session
    found = session.scalars(select(Drill).order_by(Drill.due_at.desc()).limit(MOST)).all()
    places = {
        place.id: place
        for place in session.scalars(
            select(Locality).where(Locality.id.in_({row.locality_id for row in found}))
        )
    }
    calls: dict[UUID, list[DrillCall]] = {}
    for call in session.scalars(select(DrillCall).where(DrillCall.drill_id.in_([row.id for row in found]))):
        calls.setdefault(call.drill_id, []).append(call)
    return [
        _row(visit, row, places[row.locality_id], calls.get(row.id, []))
        for row in found
        if row.locality_id in places
    ]


def _row(visit: Visit, row: Drill, place: Locality, calls: list[DrillCall]) -> dict[str, Any]:
    result = drills.result_of(calls)
    missing = words.listed(f"{role_name(role)} ({number})" for role, number in result.missing)
    said = ngettext(
        "%(reached)d of %(num)d reachable",
        "%(reached)d of %(num)d reachable",
        result.asked,
        reached=result.reached,
    )
    return {
        "name": place.name(words.current().language),
        "when": words.when(row.began_at or row.due_at, zone_of(visit.session, place), visit.now),
        "state": _(STATES[row.state]),
        "over": row.state == drills.ENDED,
        "result": said if calls else "",
        "missing": missing,
        "quarterly": row.quarterly,
    }
