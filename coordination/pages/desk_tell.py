"""The desk's side of reports without a name: who waits for a word, the talk about one, and the chair's decision about the door.

Whose cases are shown is policy's business: a reporter who shut the committee out is answered by the oversight office.
"""

from __future__ import annotations

from uuid import UUID

from flask import Response
from sqlalchemy import select

from committees import unnamed
from committees.incidents import Incident
from committees.people import Scope
from committees.places import Locality, zone_of
from committees.unnamed import DOOR_ROLES, UnnamedCase
from coordination.desk_view import DESK
from coordination.frame import UNNAMED
from coordination.here import here
from coordination.proving import account_of, prove
from foundation import journal
from foundation.db import new_id
from foundation.errors import Invalid
from foundation.policy import Principal
from foundation.web import words
from foundation.web.page import Visit, page
from foundation.web.words import gettext as _
from foundation.web.words import ngettext

ANSWERS = (*DESK, "oversight")


@page("/desk/tell", roles=ANSWERS)
def all_cases(visit: Visit) -> Response:
    """Every case, those that wait first; below, whether the door is open."""
    if not visit.posted:
        return _show(visit, {})
    try:
        _decide(visit)
    except Invalid as wrong:
        return _show(
            visit, {wrong.field: f"{_(wrong.message)} {_(wrong.hint) if wrong.hint else ''}".strip()}
        )
    return visit.go("/desk/tell")


def _decide(visit: Visit) -> None:
    prove(visit)
    wanted = visit.form.get("want") == "open"
    chair = _chair(visit)
    row = unnamed.set_door(
        visit.session, visit.now, chair, wanted=wanted, reason=visit.form.get("reason", "")
    )
    visit.say(
        _("The door is open. The address is %(address)s", address=_address(visit, row.locality_id))
        if wanted
        else _("The door is shut. Cases that are there stay.")
    )


def _chair(visit: Visit) -> Scope | None:
    rows = select(Scope).where(Scope.person_id == visit.person_id, Scope.active, Scope.role.in_(DOOR_ROLES))
    return visit.session.scalars(rows.where(Scope.committee_id.is_not(None))).first()


def _address(visit: Visit, locality_id: UUID) -> str:
    return f"{visit.config.public_url}{UNNAMED}/{visit.session.get_one(Locality, locality_id).code}"


def _show(visit: Visit, errors: dict[str, str]) -> Response:
    session, chair = visit.session, _chair(visit)
    door = unnamed.door_of(session, chair.locality_id) if chair else None
    found = []
    for case in unnamed.cases(session):
        town = session.get_one(Locality, case.locality_id)
        number = unnamed.alike(session, case)
        found.append(
            {
                "href": f"/desk/tell/{case.id}",
                "name": _title(visit, case) or _("Being taken in"),
                "waits": case.waits_since is not None,
                "meta": words.when(case.last_at, zone_of(session, town), visit.now),
                "alike": ngettext(
                    "%(num)d other says nearly the same", "%(num)d others say nearly the same", number
                )
                if number
                else "",
            }
        )
    return visit.render(
        "desk_tell.html",
        422 if errors else 200,
        errors=errors,
        cases=found,
        chair=chair is not None,
        open=bool(door and door.open),
        since=words.ago(door.changed_at, visit.now) if door else "",
        reason=door.reason if door else "",
        address=_address(visit, door.locality_id) if door and door.open else "",
        typed=visit.form.get("reason", "") if errors else "",
        has_password=account_of(visit) is not None,
    )


def _title(visit: Visit, case: UnnamedCase) -> str:
    incident = visit.session.scalars(select(Incident).where(Incident.id == case.id)).first()
    return incident.reference if incident else ""


@page("/desk/tell/<uuid:case_id>", roles=ANSWERS)
def one(visit: Visit, case_id: UUID) -> Response:
    """The talk about one case; that it was opened is on record."""
    case: UnnamedCase = visit.get(UnnamedCase, case_id)
    if not visit.posted:
        _note(visit.principal, visit, case)
        return _one(visit, case, {})
    if visit.form.get("do") == "settle":
        unnamed.settle(visit.session, visit.now, case)
        visit.say(_("Noted: no answer is needed."))
        return visit.go("/desk/tell")
    try:
        unnamed.say(
            visit.session,
            visit.now,
            case,
            visit.form.get("text", ""),
            from_reporter=False,
            key=visit.uuid("key"),
        )
    except Invalid as wrong:
        return _one(visit, case, {"text": _(wrong.message)})
    visit.say(_("Kept. They read it when they come with their receipt."))
    return visit.go(f"/desk/tell/{case.id}")


def _note(principal: Principal, visit: Visit, case: UnnamedCase) -> None:
    with here().web.open(principal, write=True) as session:
        journal.record(session, visit.now, "open:text", "unnamed_case", case.id, locality_id=case.locality_id)
        session.commit()


def _one(visit: Visit, case: UnnamedCase, errors: dict[str, str]) -> Response:
    zone = zone_of(visit.session, visit.session.get_one(Locality, case.locality_id))
    return visit.render(
        "desk_tell_one.html",
        422 if errors else 200,
        errors=errors,
        case=case,
        key=new_id(),
        title=_title(visit, case),
        report=f"/desk/r/{case.id}" if case.taken_at and visit.has(*DESK) else "",
        came=words.when(case.received_at, zone, visit.now),
        text=visit.form.get("text", "") if errors else "",
        talk=[
            (row.from_reporter, row.words(visit.session), words.when(row.at, zone, visit.now))
            for row in unnamed.talk(visit.session, case)
        ],
    )
