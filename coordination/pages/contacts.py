"""My numbers and addresses: add one, confirm it with the code that was sent there, change one with a day's wait, stop a change.

Whoever changes a number proves again who they are: the password, or a sign-in of the last ten minutes. The rules are committees/confirming.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from flask import Response
from sqlalchemy import select
from werkzeug.datastructures import MultiDict

from alerts.sentences import channel_label
from committees import confirming, contacts
from committees.confirming import ContactChange
from committees.contact_addresses import EMAIL, SMS, VOICE, WHATSAPP, with_gap
from committees.people import ContactPoint, Person
from coordination.proving import account_of, prove
from foundation import errands
from foundation.errors import Invalid, NotAllowed, Problem
from foundation.web import words
from foundation.web.page import SIGNED_IN, Visit, page
from foundation.web.words import N_
from foundation.web.words import gettext as _

OFFERED = (SMS, WHATSAPP, VOICE, EMAIL)
STATES = {
    contacts.GOOD: N_("confirmed"),
    contacts.AGED: N_("not confirmed for 90 days"),
    contacts.UNVERIFIED: N_("never confirmed"),
    contacts.STOPPED: N_("stopped"),
    contacts.FAILING: N_("messages no longer arrive"),
}


@page("/me/contacts", roles=SIGNED_IN)
def mine(visit: Visit) -> Response:
    """All numbers and addresses of a person, and everything that can be done with them."""
    if not visit.posted:
        return _show(visit, {})
    act = ACTS.get(visit.form.get("do", ""))
    if act is None:
        raise Problem(_("This form is not complete."), _("Open the page again."))
    try:
        visit.say(act(visit))
    except Invalid as wrong:
        return _show(
            visit, {"address" if wrong.field in ("phone", "email") else wrong.field: _said(wrong)}, 422
        )
    return visit.go("/me/contacts")


def _said(problem: Problem) -> str:
    return f"{_(problem.message)} {_(problem.hint) if problem.hint else ''}".strip()


def _add(visit: Visit) -> str:
    person = visit.get(Person, visit.person_id)
    channel, address = _typed(visit)
    confirming.begin(visit.session, visit.now, person, channel, address, locality_id=_home(visit))
    return _("A code is on its way there. Type it here within 30 minutes.")


def _change(visit: Visit) -> str:
    prove(visit)
    person, point = visit.get(Person, visit.person_id), _point(visit)
    channel, address = _typed(visit)
    confirming.begin(
        visit.session, visit.now, person, channel, address, locality_id=point.locality_id, point=point
    )
    return _("A code is on its way to the new number or address. Type it here within 30 minutes.")


def _again(visit: Visit) -> str:
    person, point = visit.get(Person, visit.person_id), _point(visit)
    confirming.begin_again(visit.session, visit.now, person, point)
    return _("A code is on its way there. Type it here within 30 minutes.")


def _confirm(visit: Visit) -> str:
    row = _pending(visit)
    try:
        point = confirming.confirm(visit.session, visit.now, row, visit.form.get("code", ""))
    except Invalid:
        visit.session.commit()  # a wrong try counts
        raise
    return _(confirming.NOW_OURS if point else confirming.IN_A_DAY)


def _cancel(visit: Visit) -> str:
    confirming.cancel(visit.session, visit.now, _pending(visit))
    return _("Stopped. Nothing was changed.")


def _stop(visit: Visit) -> str:
    point = _point(visit)
    point.stopped_at = point.stopped_at or visit.now
    errands.ask(visit.session, visit.now, confirming.CONTACTS_CHANGED, visit.person_id)
    return _("Nothing more is sent there.")


def _start(visit: Visit) -> str:
    _point(visit).stopped_at = None
    errands.ask(visit.session, visit.now, confirming.CONTACTS_CHANGED, visit.person_id)
    return _("Messages are sent there again.")


ACTS: dict[str, Callable[[Visit], str]] = {
    "add": _add,
    "change": _change,
    "again": _again,
    "confirm": _confirm,
    "cancel": _cancel,
    "stop": _stop,
    "start": _start,
}


def _typed(visit: Visit) -> tuple[str, str]:
    channel = visit.form.get("channel", "")
    if channel not in OFFERED:
        raise Invalid("channel", _("Choose how we reach you there."))
    return channel, visit.form.get("address", "").strip()[:200]


def _home(visit: Visit) -> UUID:
    if not visit.principal.standings:
        raise NotAllowed(_("You hold no seat or office."), _("Ask the secretary to give you one first."))
    return visit.principal.standings[0].locality_id


def _point(visit: Visit) -> ContactPoint:
    found: ContactPoint = visit.get(ContactPoint, visit.uuid("point"))
    if found.person_id != visit.person_id:
        raise NotAllowed(_("This number is not yours."), _("Each person changes their own."))
    return found


def _pending(visit: Visit) -> ContactChange:
    found: ContactChange = visit.get(ContactChange, visit.uuid("pending"))
    return found


def _show(visit: Visit, errors: dict[str, str], status: int = 200) -> Response:
    rows = select(ContactPoint).where(ContactPoint.person_id == visit.person_id)
    points = [
        _point_shown(visit, point)
        for point in visit.session.scalars(
            rows.order_by(ContactPoint.position, ContactPoint.channel.desc())
        ).all()
    ]
    wanted = visit.form.get("point") if visit.form.get("do") == "change" else visit.args.get("change")
    return visit.render(
        "contacts.html",
        status,
        errors=errors,
        values=visit.form if errors else MultiDict(),
        points=points,
        changing=next((point for point in points if str(point["id"]) == wanted), None),
        pending=_pending_shown(visit),
        channels=[(key, channel_label(key)) for key in OFFERED],
        has_password=account_of(visit) is not None,
    )


def _point_shown(visit: Visit, point: ContactPoint) -> dict[str, Any]:
    state = contacts.state_of(point, visit.now)
    return {
        "id": point.id,
        "channel": channel_label(point.channel),
        "digits": with_gap(point.channel, point.last_digits),
        "state": _(STATES[state]),
        "good": state == contacts.GOOD,
        "stopped": bool(point.stopped_at),
        "when": words.ago(point.verified_at, visit.now) if point.verified_at else "",
    }


def _pending_shown(visit: Visit) -> list[dict[str, Any]]:
    """What was begun; only the newest code has its box.

    Whether a number sent STOP is not looked up: whoever typed in somebody else's would learn that they wrote to us.
    """
    found = confirming.pending(visit.session, visit.now, visit.person_id)
    waiting = next((row.id for row in found if not row.confirmed_at), None)
    return [
        {
            "id": row.id,
            "channel": channel_label(row.channel),
            "digits": with_gap(row.channel, row.last_digits),
            "confirmed": bool(row.confirmed_at),
            "first": row.id == waiting,
            "phone": row.channel in (SMS, WHATSAPP),
        }
        for row in found
    ]
