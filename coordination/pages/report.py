"""Report: one document with six steps, the receipt, and what is stored. Works without scripts.

Reading the form is committees/intake/form.py, storing it committees/reports.py. Private matters have
their own page, private.py.
"""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import time, timedelta
from typing import Any
from uuid import UUID, uuid4

from flask import Response
from werkzeug.datastructures import MultiDict

from committees import call_backs, catalogue, custody, people, profiles, reports, vouching
from committees.call_backs import CallBack
from committees.custody import Identity
from committees.incidents import Incident
from committees.intake import form
from committees.intake.form import Answers, Offer, Vouched
from committees.places import Locality
from committees.reports import NewReport, Recorded
from coordination.pages import calls
from coordination.pages.whereabouts import (
    REPORTERS,
    Home,
    country_of,
    far_options,
    home_of,
    name_of,
    near_options,
    source_of,
)
from foundation.errors import Conflict, NotFound, Refused
from foundation.web.page import Visit, page
from foundation.web.words import N_
from foundation.web.words import gettext as _

EVENING = time(21)
LONGEST_NAME = 50


@page("/report", roles=REPORTERS, nav=N_("Report"), nav_for=("member", "touch_point"), order=20)
def report(visit: Visit) -> Response:
    """The form, and what becomes of it."""
    home = home_of(visit)
    offer = _offer(visit, home)
    if filled := visit.filled_at():
        offer = replace(offer, now=filled)
    if not visit.posted:
        return _show(visit, home, offer, _start(visit, home, offer), uuid4(), {})
    key = visit.uuid("report_id")
    try:
        answers = form.read(visit.form, offer)
    except Refused as refused:
        return _show(visit, home, offer, visit.form, key, refused.fields)
    try:
        done = _store(visit, home, key, answers)
    except Conflict as taken:
        # Somebody else's report has this number: what was typed stays, under a new number.
        again = _("Please send it once more.")
        return _show(
            visit,
            home,
            offer,
            visit.form,
            uuid4(),
            {"what": f"{_(taken.message)} {again}"},
            409,
        )
    if not done.created:
        return receipt(visit, done.incident, repeated=True)
    if answers.for_other:
        # Not the secretary's own report: it stands under the handle of whoever spoke.
        return receipt(visit, done.incident, repeated=False)
    return visit.go(f"/report/{key}/sent")


@page("/report/<uuid:report_id>/sent", roles=REPORTERS)
def sent(visit: Visit, report_id: UUID) -> Response:
    """The receipt of one's own report."""
    return receipt(visit, own_incident(visit, report_id), repeated=False)


def own_incident(visit: Visit, incident_id: UUID) -> Incident:
    """An incident that this visitor reported; raise NotFound for any other."""
    incident: Incident = visit.get(Incident, incident_id)
    if incident.source_id not in visit.principal.handles:
        raise NotFound()
    return incident


def _start(visit: Visit, home: Home, offer: Offer) -> MultiDict[str, str]:
    """An empty form; from a call, what the call has told already."""
    call = _call(visit, visit.args.get("call", "")) if offer.for_other else None
    if call is None:
        return form.defaults(offer, home.ward.code if home.ward else None)
    ward = visit.session.get_one(Locality, call.locality_id).code
    start = form.defaults(offer, ward if ward in offer.wards else None)
    start.update({"for_other": "yes", "call": str(call.id)})
    begun = visit.session.get(Incident, call.incident_id) if call.incident_id else None
    if begun is not None:
        start["what"] = catalogue.kind(begun.kind).form
    return start


def _call(visit: Visit, key: str) -> CallBack | None:
    """The call that a form is filled in from, if the visitor may see one by this id."""
    try:
        return visit.session.get(CallBack, UUID(key))
    except ValueError:
        return None


def _offer(visit: Visit, home: Home) -> Offer:
    threats = profiles.in_force(visit.session, home.place.id).document["threats"]
    return Offer(
        wards=home.codes,
        about=tuple(row["key"] for row in threats if row.get("about")),
        now=visit.now,
        zone=home.zone,
        name=len(_keepers(visit, home)) == custody.KEEPERS,
        for_other=visit.has("secretary", "chair"),
        vouch=_vouching(visit, home) is not None,
    )


def _vouching(visit: Visit, home: Home) -> bool | None:
    """Whether this visitor vouches for others now; None for who never did."""
    return vouching.standing(visit.session, home.standing.committee_id, visit.person_id)


def _keepers(visit: Visit, home: Home) -> list[bytes]:
    if home.standing.committee_id is None:
        return []
    rows = custody.keepers_of(visit.session, home.standing.committee_id)
    return [base64.b64decode(row.public_key) for row in rows]


def _show(
    visit: Visit,
    home: Home,
    offer: Offer,
    values: MultiDict[str, str],
    key: UUID,
    errors: dict[str, str],
    status: int = 422,
) -> Response:
    threats = profiles.in_force(visit.session, home.place.id).document["threats"]
    return visit.render(
        "report.html",
        status if errors else 200,
        errors=errors,
        values=values,
        key=key,
        offer=offer,
        vouching_ended=_vouching(visit, home) is False,
        what=[(name, _(words), _(hint)) for name, (words, hint) in form.WHAT.items()],
        near=[*near_options(home), *([(form.OTHER_WARD, _("Another ward"))] if far_options(home) else [])],
        far=far_options(home),
        landmarks=[_(words) for words in form.LANDMARKS.values()],
        days=options(form.DAYS),
        parts=options(form.PARTS),
        going_on=options(form.GOING_ON),
        how=options(form.HOW),
        crowd=options(form.CROWD),
        about=[
            *((row["key"], _(row["about"])) for row in threats if row.get("about")),
            ("", _("I do not know")),
        ],
        warned=form.looks_like_number(f"{values.get('text', '')}\n{values.get('spot', '')}") and visit.posted,
        emergency=country_of(visit, home).emergency,
    )


def options(words: dict[str, str]) -> list[tuple[str, str]]:
    """A closed list as choices in the reader's language."""
    return [(key, _(text)) for key, text in words.items()]


def _speaker(visit: Visit, home: Home, key: UUID, call: CallBack | None) -> dict[str, Any]:
    """Whoever spoke to the secretary: their own handle and way back where the call says who it was, else a handle for this once."""
    row, person = calls.asked_by(visit, call) if call else (None, None)
    number = row.number(visit.session) if row else ""
    source = reports.source_for(
        visit.session,
        visit.now,
        group=home.group,
        person_id=person.id if person else None,
        number=number or f"walk-in {key}",
    )
    if person is None:
        return {"source": source, "reply_to": number or None}
    return {
        "source": source,
        "reply_to": number or None,
        "language": person.language,
        "script": person.script,
    }


def _for_vouched(visit: Visit, home: Home, vouched: Vouched) -> dict[str, Any]:
    """The handle of somebody vouched for, and the way back that they chose: their own number, else through the focal person."""
    assert home.standing.committee_id is not None
    source = vouching.source_for(
        visit.session,
        visit.now,
        committee_id=home.standing.committee_id,
        person_id=visit.person_id,
        handle=vouched.handle,
        number=vouched.number,
    )
    back = way_back(visit)
    if vouched.number:
        back |= {"contact_point_id": None, "reply_to": vouched.number}
    return {"source": source, **back}


def _told_by(visit: Visit, home: Home, key: UUID, answers: Answers, call: CallBack | None) -> dict[str, Any]:
    """Whose report it is, the door it came by, and the way back."""
    if answers.vouched:
        return {"channel": reports.VOUCHED, **_for_vouched(visit, home, answers.vouched)}
    if answers.for_other:
        return {"channel": reports.WALK_IN, **_speaker(visit, home, key, call)}
    return {"channel": "web", "source": source_of(visit, home), **way_back(visit)}


def _store(visit: Visit, home: Home, key: UUID, answers: Answers) -> Recorded:
    call = _call(visit, visit.form.get("call", "")) if answers.for_other else None
    new = NewReport(
        id=key,
        locality=home.by_code(answers.ward),
        kind=answers.kind,
        occurred_at=answers.occurred_at,
        how_known=answers.how_known,
        ongoing=answers.ongoing,
        people=answers.people,
        part_of_day=answers.part_of_day,
        text=answers.text,
        spot=answers.spot,
        landmark=answers.landmark,
        about=answers.about,
        withheld_from=answers.withheld_from,
        logged_for_other=answers.for_other or answers.vouched is not None,
        **_told_by(visit, home, key, answers, call),
    )
    done = reports.record(visit.session, visit.now, new)
    if call is not None:
        calls.close(visit, call, call_backs.LOGGED)
    if done.created and answers.keep_name:
        _seal_name(visit, home, key)
    return done


def way_back(visit: Visit) -> dict[str, Any]:
    """How the reporter hears what happened: phone, language and letters."""
    points = people.contacts_of(visit.session, visit.person_id)
    phone = next((point.id for point in points if point.channel == "sms"), None)
    return {"contact_point_id": phone, "language": visit.person.language, "script": visit.person.script}


def _seal_name(visit: Visit, home: Home, key: UUID) -> None:
    points = people.contacts_of(visit.session, visit.person_id)
    number = next((people.address_of(visit.session, point) for point in points if point.channel == "sms"), "")
    identity = f"{visit.person.name[:LONGEST_NAME]} {number}".strip()
    visit.session.add(Identity(report_id=key, boxes=custody.seal(identity, _keepers(visit, home))))
    visit.session.flush()


def receipt(visit: Visit, incident: Incident, *, repeated: bool) -> Response:
    """What was stored, its reference, and what happens next; also the answer to a repeat."""
    home = home_of(visit)
    local = visit.now.astimezone(home.zone)
    return visit.render(
        "receipt.html",
        incident=incident,
        repeated=repeated,
        place=name_of(visit.session.get_one(Locality, incident.locality_id)),
        zone=home.zone,
        now=visit.now,
        tomorrow=local.time() >= EVENING,
        hidden="committee" in incident.withheld_from.split(),
        private=incident.path == "private_matter",
        by=incident.received_at + timedelta(hours=1),
    )
