"""The page behind a one-tap link, /l/<token>: that an address is one's own, or that a drill or a test arrived.

Opening it does nothing, only a button does. No sign-in. A link that is over, was used, or is not ours says in the same words that it does not work.
"""

from __future__ import annotations

from flask import Response
from sqlalchemy import select

from alerts import drills, press_links
from alerts.drills import DrillCall
from alerts.press_links import CONTACT, DRILL, TEST, Press
from committees import confirming
from committees.confirming import ContactChange
from committees.contact_addresses import with_gap
from committees.people import ContactPoint, Person
from coordination.pages.answer_link import DEAD, read_as
from foundation.crypto import cipher
from foundation.errors import Conflict, NotFound
from foundation.web.page import PUBLIC, Visit, page
from foundation.web.words import N_
from foundation.web.words import gettext as _

OVER = N_("It was used before, or its time is over. Please sign in.")


@page("/l/<token>", roles=PUBLIC)
def press_link(visit: Visit, token: str) -> Response:
    """Show what one press would say, and take the press."""
    found = press_links.read(cipher(visit.session), token)
    if found is None or visit.now >= found.until:
        raise _dead()
    read_as(visit, found.person_id)
    person = visit.session.get(Person, found.person_id)
    if person is None:
        raise _dead()
    return SHOWN[found.kind](visit, f"/l/{token}", found, person)


def _dead() -> NotFound:
    return NotFound(_(DEAD), _(OVER))


def _drill(visit: Visit, path: str, found: Press, person: Person) -> Response:
    rows = select(DrillCall).where(
        DrillCall.drill_id == found.subject_id, DrillCall.person_id == found.person_id
    )
    call = visit.session.scalars(rows).first()
    if call is None:
        raise _dead()
    if visit.posted:
        drills.answer(visit.session, visit.now, found.subject_id, found.person_id, "link")
    return visit.render(
        "drill.html", path=path, whom=person.name, answered=visit.posted or call.answered_at is not None
    )


def _test(visit: Visit, path: str, found: Press, person: Person) -> Response:
    """A test that this person sent to themselves: the address was heard from."""
    point = visit.session.get(ContactPoint, found.subject_id)
    if point is None or point.person_id != found.person_id:
        raise _dead()
    if visit.posted:
        point.heard_at = visit.now
    began = found.until - drills.LASTS
    answered = point.heard_at is not None and point.heard_at >= began
    return visit.render("drill.html", path=path, whom=person.name, answered=answered)


def _contact(visit: Visit, path: str, found: Press, person: Person) -> Response:
    change = visit.session.get(ContactChange, found.subject_id)
    if change is None or change.confirmed_at or change.person_id != found.person_id:
        raise _dead()
    said = ""
    if visit.posted:
        try:
            point = confirming.confirm_by_link(visit.session, visit.now, change)
        except Conflict:
            raise _dead() from None
        said = _(confirming.NOW_OURS if point else confirming.IN_A_DAY)
    return visit.render(
        "contact_link.html",
        path=path,
        whom=person.name,
        address=with_gap(change.channel, change.last_digits),
        said=said,
    )


SHOWN = {CONTACT: _contact, DRILL: _drill, TEST: _test}
