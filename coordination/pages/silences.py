"""Silences: which hold, why, until when and what they hold back; make one, agree to one, end one early. For both sides."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from flask import Response
from sqlalchemy import func, select

from alerts import silences
from alerts.alert import OPEN, WHOLE, Alert
from alerts.sentences import role_name, threat_label
from alerts.silences import HIGH, ORDINARY, WIDEN, Silence
from alerts.told import HELD, Delivery
from committees import people
from committees.places import Locality, descendants, upwards, zone_of
from coordination import closing_alerts, reach
from foundation import approvals
from foundation.db import new_id
from foundation.errors import Invalid, NotAllowed, Refused
from foundation.web import words
from foundation.web.forms import Form
from foundation.web.page import Visit, page
from foundation.web.words import N_
from foundation.web.words import gettext as _

MAKERS = closing_alerts.MAY_END
READERS = (*MAKERS, "police_liaison", "national_contact", "services_focal_person", "oversight", "member")
LASTS = (6, 24, 72, 168)  # hours


@page("/place/<code>/silences", roles=READERS)
def place_silences(visit: Visit, code: str) -> Response:
    """What is silenced at a place and below, and the form to silence something."""
    place = reach.place_with(visit.session, visit.principal, code)
    return show(visit, place)


@page("/place/<code>/silences/add", roles=MAKERS)
def add(visit: Visit, code: str) -> Response:
    """Silence alerts of a place, or one alert, for a while."""
    place = reach.place_with(visit.session, visit.principal, code)
    if not visit.posted:
        return visit.go(f"/place/{code}/silences")
    role = maker(visit, place)
    form = Form(visit.form)
    hours = form.choice("hours", [str(one) for one in LASTS], _("Choose how long"))
    most = form.choice("max_level", [str(ORDINARY), str(HIGH)], _("Choose up to which level"))
    reason = form.text(
        "reason", silences.REASON_LENGTH, _("Make it shorter"), needed=_("Write in one sentence why")
    )
    alert = _alert(visit, place)
    try:
        form.check()
    except Refused as refused:
        return show(visit, place, refused.fields)
    _row, asked = silences.make(
        visit.session,
        visit.now,
        key=visit.uuid("silence_id"),
        locality_id=alert.locality_id if alert else place.id,
        threat=alert.threat if alert else WHOLE,
        ends_at=visit.now + timedelta(hours=int(hours)),
        reason=reason,
        person_id=visit.person_id,
        role=role,
        max_level=int(most),
        alert=alert,
    )
    if asked:
        visit.say(_("Silenced up to Raised. A second person, of another organisation, must agree to High."))
    else:
        visit.say(_("Silenced. Everybody who is told of alerts here can see it, and why."))
    return visit.go(f"/a/{alert.id}" if alert else f"/place/{code}/silences")


@page("/silences/<uuid:silence_id>/decide", roles=MAKERS)
def decide(visit: Visit, silence_id: UUID) -> Response:
    """End a silence, or agree that it holds level 4 too, or not."""
    row: Silence = visit.get(Silence, silence_id)
    place = visit.session.get_one(Locality, row.locality_id)
    if visit.posted:
        maker(visit, place)
        decision = visit.form.get("decision", "")
        if decision == "lift":
            silences.lift(visit.session, visit.now, row, visit.person_id)
            visit.say(_("The silence has ended. What it held back is sent now."))
        elif decision == "agree":
            silences.confirm(visit.session, visit.now, row, visit.person_id)
            visit.say(_("Agreed. It holds up to High now, until its end."))
        elif decision == "refuse":
            why = visit.form.get("why", "").strip()
            asked = approvals.waiting(visit.session, visit.now, row.id, WIDEN)
            if not why and asked and asked.requested_by != visit.person_id:
                return show(visit, place, {"why": _("Write in one sentence why")})
            silences.turn_down(visit.session, visit.now, row, visit.person_id, why[: silences.REASON_LENGTH])
            visit.say(_("Not agreed. It goes on to hold up to Raised only."))
    return visit.go(f"/place/{place.code}/silences")


def maker(visit: Visit, place: Locality) -> str:
    """The role in which this visitor may silence alerts of a place; raise NotAllowed for one who may only read."""
    role = people.role_at(visit.session, place.id, visit.person_id, MAKERS)
    if role is None:
        raise NotAllowed(_("This belongs to another place."), _("You can see what is silenced here."))
    return role


def _alert(visit: Visit, place: Locality) -> Alert | None:
    if not visit.form.get("alert"):
        return None
    alert: Alert = visit.get(Alert, visit.uuid("alert"))
    if alert.locality_id != place.id or alert.state != OPEN:
        raise Invalid("alert", N_("This alert has ended, or belongs to another place."))
    return alert


def show(visit: Visit, place: Locality, errors: dict[str, str] | None = None) -> Response:
    """Draw the page, also with a form that was sent back."""
    session, now = visit.session, visit.now
    role = people.role_at(session, place.id, visit.person_id, MAKERS)
    around = [*upwards(session, place.id), *descendants(session, place.id)]
    rows = silences.in_force(session, now, {one.id for one in around})
    return visit.render(
        "silences.html",
        422 if errors else 200,
        place=place,
        name=place.name(words.current().language),
        silences=[_shown(visit, row) for row in rows],
        role=role,
        lasts=[(str(hours), words_for(hours)) for hours in LASTS],
        levels=[
            (str(ORDINARY), _("Up to Raised"), _("It holds at once.")),
            (str(HIGH), _("Up to High"), _("A second person, of another organisation, must agree.")),
        ],
        values=visit.form,
        errors=errors or {},
        key=new_id(),
    )


def words_for(hours: int) -> str:
    """How long a silence lasts, in words."""
    return _("%(n)d hours", n=hours) if hours <= 24 else _("%(n)d days", n=hours // 24)


def _shown(visit: Visit, row: Silence) -> dict[str, Any]:
    session, now = visit.session, visit.now
    place = session.get_one(Locality, row.locality_id)
    at = zone_of(session, place)
    asked = approvals.waiting(session, now, row.id, WIDEN)
    held = select(func.count(Delivery.person_id.distinct()), func.count(Delivery.alert_id.distinct()))
    people_held, alerts_held = session.execute(
        held.where(Delivery.held_which == row.id, Delivery.state == HELD)
    ).one()
    orgs = people.organisations_of(session, row.locality_id, visit.person_id)
    return {
        "id": row.id,
        "place": place.name(words.current().language),
        "what": _("One alert") if row.alert_id else threat_label(row.threat),
        "level": row.max_level,
        "reason": row.reason,
        "role": role_name(row.role),
        "since": words.when(row.begins_at, at, now),
        "until": words.when(row.ends_at, at, now),
        "people": people_held,
        "alerts": alerts_held,
        "asked": asked is not None,
        "asked_mine": bool(asked and asked.requested_by == visit.person_id),
        "may_agree": bool(asked and approvals.why_not(asked, now, visit.person_id, orgs) is None),
    }
