"""The page behind a one-tap link, /k/<token>: whom it is for, the alert's line, three buttons. Opening it answers nothing, only a button does.

No sign-in: it shows no more than the SMS shows. A link that is for an older level, over, or not ours says so in words and answers nothing.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response
from sqlalchemy import select

from alerts import answer_links
from alerts.acknowledging import acknowledge, role_at, takes_answer
from alerts.alert import ANSWERS, OPEN, Alert
from alerts.answer_links import Read
from alerts.sentences import role_name
from committees.people import Person, principal_of
from coordination import alert_view, outlook_view
from coordination.pages.alert import THANKS
from foundation import journal
from foundation.crypto import cipher
from foundation.errors import NotFound, Problem
from foundation.policy import Principal
from foundation.web.page import PUBLIC, Visit, page
from foundation.web.words import N_
from foundation.web.words import gettext as _

USED = "answer_link:used"
DEAD = N_("This link does not work.")
DEAD_HINT = N_("Please open the newest letter about this alert, or sign in.")


@page("/k/<token>", roles=PUBLIC)
def answer_link(visit: Visit, token: str) -> Response:
    """Show one alert to the person whom the link is for; take their answer from a button."""
    found = answer_links.read(cipher(visit.session), token)
    if found is None:
        raise NotFound(_(DEAD), _(DEAD_HINT))
    person, alert, principal = _as_receiver(visit, found)
    why_not = _why_not(visit, found, alert)
    if visit.posted and not why_not:
        said = visit.form.get("answer", "")
        try:
            acknowledge(visit.session, visit.now, alert, person.id, said if said in ANSWERS else "", "link")
        except Problem as problem:
            wrong = {"answer": _(problem.message)}
            return _show(visit, token, person, alert, principal, "", wrong, problem.status)
        journal.record(visit.session, visit.now, USED, "alert", alert.id, locality_id=alert.locality_id)
        visit.say(_(THANKS[said]))
        return visit.go(f"/k/{token}")
    return _show(visit, token, person, alert, principal, why_not, {}, 409 if visit.posted else 200)


def _as_receiver(visit: Visit, found: Read) -> tuple[Person, Alert, Principal]:
    """Read from here on as the person whom the link is for; NotFound where they hold no seat or office, or may not know of it any more."""
    session = visit.session
    read_as(visit, found.ticket.person_id)
    person = session.get(Person, found.ticket.person_id)
    principal = principal_of(session, person) if person else None
    alert = session.scalars(select(Alert).where(Alert.id == found.ticket.alert_id)).first()
    if person is None or principal is None or not principal.standings or alert is None:
        raise NotFound(_(DEAD), _(DEAD_HINT))
    return person, alert, principal


def read_as(visit: Visit, person_id: UUID) -> None:
    """Read with the eyes of a person whose code or link was proved; the database learns it at the next statement."""
    visit.session.commit()
    visit.session.info["principal"] = Principal(person_id=person_id)
    visit.session.info.pop("criteria", None)


def _why_not(visit: Visit, found: Read, alert: Alert) -> str:
    """Why this link takes no answer, in words, or nothing."""
    if alert.state != OPEN:
        return _("This alert has ended. Nobody waits for an answer any more.")
    if visit.now >= found.until:
        return _("This link is older than 48 hours. Please use a newer letter, or sign in.")
    if not takes_answer(alert, found.ticket.revision):
        return _("The level has changed since this letter. Please use the newest letter, or sign in.")
    return ""


def _show(
    visit: Visit,
    token: str,
    person: Person,
    alert: Alert,
    principal: Principal,
    why_not: str,
    errors: dict[str, str],
    status: int,
) -> Response:
    session, now = visit.session, visit.now
    mine: dict[str, Any] = {} if why_not else alert_view.my_answers(session, alert, principal)
    return visit.render(
        "answer_link.html",
        status,
        token=token,
        alert=alert,
        open=not why_not,
        why_not=why_not,
        errors=errors,
        whom=_(
            "%(name)s, %(role)s",
            name=person.name,
            role=role_name(role_at(session, alert, person.id)),
        ),
        title=alert_view.title(session, alert, principal),
        facts=alert_view.facts(session, now, alert, principal),
        next=outlook_view.next_now(session, now, alert),
        buttons=[] if why_not else alert_view.buttons(mine),
        mine=mine,
    )
