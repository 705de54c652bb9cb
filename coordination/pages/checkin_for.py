"""A check-in that somebody of the desk writes down for a member who has told it, in a call or face to face. It is marked so.

The form and its reading are those of checkin.py. It counts as the member's one voice of the week, never as the secretary's; what the
member has said themselves is not overwritten.
"""

from __future__ import annotations

from uuid import UUID, uuid4

from flask import Response
from werkzeug.datastructures import MultiDict

from committees import call_backs, checkins, committee, profiles, reports
from committees.call_backs import CallBack
from committees.intake import checkin_form
from committees.people import Person
from committees.places import Locality
from coordination.desk_view import DESK
from coordination.pages import calls, checkin
from coordination.pages.whereabouts import REPORTERS, Home, home_of, name_of
from foundation.errors import NotFound, Refused
from foundation.web.page import Visit, page
from foundation.web.words import gettext as _


@page("/desk/check-in", roles=DESK)
def check_in_for(visit: Visit) -> Response:
    """The form for one member, from a call or without one; and what becomes of it."""
    home = home_of(visit)
    call = _call(visit)
    if not visit.posted:
        return _show(visit, home, _start(visit, home, call), uuid4(), {})
    document = profiles.in_force(visit.session, home.place.id).document
    key = visit.uuid("checkin_id")
    persons = {str(one.id): one for one in _persons(visit, home)}
    person = persons.get(visit.form.get("person", ""))
    errors = {} if person else {"person": _("Choose a person of this committee")}
    try:
        answers = checkin_form.read(visit.form, home.codes, checkin.signs_of(document))
    except Refused as refused:
        return _show(visit, home, visit.form, key, errors | refused.fields)
    if person is None:
        return _show(visit, home, visit.form, key, errors)
    source = reports.source_for(visit.session, visit.now, group=home.group, person_id=person.id)
    ward = home.by_code(answers.ward)
    week = checkins.week_spoken_of(visit.session, visit.filled_at() or visit.now, ward, source.id)
    own = checkins.of_week(visit.session, source.id, ward.id, week)
    if own and not own.logged_for_other:
        words = _("This member has checked in for this ward already, and can change it themselves.")
        return _show(visit, home, visit.form, key, {"person": words})
    row = checkin.store(visit, home, source, key, answers, for_other=True)
    if call is not None and _answers(visit, call, person, ward):
        calls.close(visit, call, call_backs.LOGGED)
    spoken, of = checkin.turnout(visit, ward, row.week)
    ward_name = name_of(ward)
    visit.say(
        _("%(spoken)s of %(all)s members of %(ward)s have checked in.", spoken=spoken, all=of, ward=ward_name)
    )
    return visit.go("/desk")


def _call(visit: Visit) -> CallBack | None:
    """The call in which it was told, if the visitor may see one by this id."""
    key = (visit.form if visit.posted else visit.args).get("call", "")
    try:
        return visit.session.get(CallBack, UUID(key))
    except ValueError:
        return None


def _answers(visit: Visit, call: CallBack, person: Person, ward: Locality) -> bool:
    """Whether a check-in is what this call was for: the ward from which nobody spoke, or the member who was to be rung."""
    if call.why == call_backs.NO_NEWS:
        return call.locality_id == ward.id
    asked = calls.whom(visit, call)
    return asked is not None and asked.id == person.id


def _persons(visit: Visit, home: Home) -> list[Person]:
    """For whom it may be: everybody of the own committee but oneself."""
    body = home.standing.committee_id
    if body is None:
        raise NotFound()
    sitting = committee.sitting(visit.session, body, *REPORTERS)
    return [one for one in sitting if one.id != visit.person_id]


def _start(visit: Visit, home: Home, call: CallBack | None) -> MultiDict[str, str]:
    """An empty form; from a call, of whom and of which ward it is."""
    person = calls.whom(visit, call) if call else None
    person_id = person.id if person else None
    ward = committee.ward_of(visit.session, person_id) if person_id else None
    if call and call.why in (call_backs.CHECK_IN, call_backs.NO_NEWS):
        ward = call.locality_id
    code = next((one.code for one in home.wards if one.id == ward), "")
    return MultiDict({"person": str(person_id or ""), "ward": code, "call": str(call.id) if call else ""})


def _show(
    visit: Visit, home: Home, values: MultiDict[str, str], key: UUID, errors: dict[str, str]
) -> Response:
    document = profiles.in_force(visit.session, home.place.id).document
    return checkin.show(
        visit,
        home,
        document,
        values,
        key,
        errors,
        persons=[(str(one.id), one.name) for one in _persons(visit, home)],
    )
