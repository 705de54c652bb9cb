"""The code page /c: somebody with an SMS and no login reads the alert, without anything sensitive. Reading it here answers nothing."""

from __future__ import annotations

from uuid import UUID

from flask import Response
from sqlalchemy import select

from alerts.alert import OPEN, Alert
from committees import code_tries
from committees.people import Person, principal_of
from coordination import alert_view
from coordination.frame import real_clock
from coordination.pages.answer_link import read_as
from foundation.errors import NotFound, Problem
from foundation.web.page import PUBLIC, Visit, page
from foundation.web.words import gettext as _


@page("/c", roles=PUBLIC)
def code(visit: Visit) -> Response:
    """The whole phone number and the code of an SMS; five tries in fifteen minutes."""
    if not visit.posted:
        return visit.render("code_page.html", errors={}, phone="")
    phone, typed = visit.form.get("phone", ""), visit.form.get("code", "")
    try:
        person_id, alert_id = code_tries.find(visit.session, real_clock.now(), phone, typed)
        return facts(visit, person_id, alert_id)
    except Problem as problem:
        # The wrong try is counted, or nobody would ever have to wait.
        visit.session.commit()
        field = "phone" if problem.status == 422 else "code"
        return visit.render(
            "code_page.html",
            problem.status,
            errors={field: f"{_(problem.message)} {_(problem.hint)}"},
            phone=phone,
        )


def facts(visit: Visit, person_id: UUID, alert_id: UUID) -> Response:
    """The alert as the owner of the phone may see it: the facts of the SMS and who is asked next, no more."""
    session = visit.session
    read_as(visit, person_id)
    principal = principal_of(session, session.get_one(Person, person_id))
    alert = session.scalars(select(Alert).where(Alert.id == alert_id)).first()
    if alert is None:
        raise NotFound()
    return visit.render(
        "code_page.html",
        errors={},
        phone="",
        alert=alert,
        open=alert.state == OPEN,
        title=alert_view.title(session, alert, principal),
        line=alert_view.line(session, visit.now, alert),
        summary=alert_view.summary(session, visit.now, alert, principal),
    )
