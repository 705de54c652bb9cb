"""What goes past the committee: private matters for the services focal person, complaints for the oversight office; and the record.

Those in need are rung, not scored. An oversight office reads complaints about an official, the police or a committee in full, since
those concerned do not; each reading is recorded.
"""

from __future__ import annotations

from uuid import UUID

from flask import Response
from sqlalchemy import select

from alerts.labels import kind_label
from alerts.sentences import call_reason
from committees import call_backs
from committees.call_backs import CallBack
from committees.catalogue import OVERSIGHT_PATH
from committees.incidents import Incident, IncidentText
from committees.places import Locality, zone_of
from committees.ring_me import NumberToRing
from coordination import desk_view
from coordination.pages import calls
from foundation import journal
from foundation.errors import NotFound, Refused
from foundation.journal import Entry
from foundation.web import words
from foundation.web.page import Visit, page
from foundation.web.words import N_
from foundation.web.words import gettext as _

CARE = ("services_focal_person", "oversight")
SHOWN = 50


@page("/care", roles=CARE, nav=N_("Care"), order=10)
def care(visit: Visit) -> Response:
    """Calls to make, and for an oversight office the complaints."""
    complaints = _complaints(visit) if visit.has("oversight") else []
    waiting = desk_view.calls(visit.session, visit.now, in_care=True)
    return visit.render("care.html", calls=waiting, complaints=complaints)


def _complaints(visit: Visit) -> list[dict[str, str]]:
    rows = (
        select(Incident)
        .where(Incident.path == OVERSIGHT_PATH)
        .order_by(Incident.received_at.desc())
        .limit(SHOWN)
    )
    found = []
    for incident in visit.session.scalars(rows).all():
        place = visit.session.get_one(Locality, incident.locality_id)
        when = words.when(incident.received_at, zone_of(visit.session, place), visit.now)
        name = f"{incident.reference}: {kind_label(incident.kind)}"
        meta = f"{place.name(words.current().language)} · {when}"
        found.append({"id": str(incident.id), "name": name, "meta": meta})
    return found


@page("/care/<uuid:incident_id>", roles=("oversight",))
def complaint(visit: Visit, incident_id: UUID) -> Response:
    """One complaint, as it came; that it was opened is recorded when the button is pressed, not before."""
    incident: Incident = visit.get(Incident, incident_id)
    if incident.path != OVERSIGHT_PATH:
        return visit.go("/care")
    text = ""
    if visit.posted:
        row = visit.session.get(IncidentText, incident.id)
        text = row.text(visit.session) if row else _("Nothing was written.")
        journal.record(
            visit.session, visit.now, "open:text", "incident", incident.id, locality_id=incident.locality_id
        )
    place = visit.session.get_one(Locality, incident.locality_id)
    return visit.render(
        "complaint.html", incident=incident, what=kind_label(incident.kind), place=place, text=text
    )


@page("/care/call/<uuid:call_id>", roles=CARE)
def care_call(visit: Visit, call_id: UUID) -> Response:
    """One call: since when, what help is needed, and the number once the button is pressed; that it was opened is recorded."""
    call = _in_care(visit, call_id)
    if not visit.posted:
        return _show(visit, call, {})
    if visit.form.get("do") == "open":
        return _show(visit, call, {}, opened=True)
    try:
        calls.end(visit, call)
    except Refused as refused:
        return _show(visit, call, refused.fields)
    return visit.go("/care")


def _in_care(visit: Visit, call_id: UUID) -> CallBack:
    call: CallBack = visit.get(CallBack, call_id)
    if not call.in_care:
        raise NotFound()
    return call


def _show(visit: Visit, call: CallBack, errors: dict[str, str], *, opened: bool = False) -> Response:
    place = visit.session.get_one(Locality, call.locality_id)
    left = visit.session.get(NumberToRing, call.id)
    facts = [(_("Why"), call_reason(call.why)), (_("Where"), place.name(words.current().language))]
    if left:
        facts.append((_("Language"), words.NAMES.get(left.language, left.language)))
    facts += calls.clock_of(call, zone_of(visit.session, place), visit.now)
    ring = None
    if left and opened:
        ring = left.opened(visit.session)
        journal.record(
            visit.session, visit.now, "open:number", "call_back", call.id, locality_id=call.locality_id
        )
        facts += [(_("When is it safe to ring?"), ring.safe_time)] if ring.safe_time else []
        facts += [(_("What help is needed?"), ring.need)] if ring.need else []
    return visit.render(
        "care_call.html",
        422 if errors else 200,
        call=call,
        facts=facts,
        left=left is not None,
        number=ring.number if ring else "",
        ends=[(key, _(text)) for key, text in calls.ENDS.items()],
        values=visit.form,
        errors=errors,
    )


@page("/care/call/<uuid:call_id>/done", roles=CARE)
def call_done(visit: Visit, call_id: UUID) -> Response:
    """A call was made."""
    call = _in_care(visit, call_id)
    if visit.posted:
        made = calls.close(visit, call, call_backs.REACHED)
        visit.say(_("Noted: this call was made.") if made else calls.closed_already())
    return visit.go("/care")


@page("/record", roles=("auditor",), nav=N_("Record"), order=10)
def record(visit: Visit) -> Response:
    """The newest entries of the record, and its head: ids and closed words, never content."""
    rows = visit.session.scalars(select(Entry).order_by(Entry.at.desc(), Entry.seq.desc()).limit(100)).all()
    head = next((row.hash for row in rows if row.hash), "")
    lines = [
        [str(r.seq or "–"), r.at.strftime("%Y-%m-%d %H:%M:%S"), r.action, r.object_kind, r.outcome]
        for r in rows
    ]
    return visit.render("record.html", lines=lines, head=head)
