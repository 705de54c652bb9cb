"""The police liaison's queue, one question with its facts and decision, and the record of decisions."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response
from sqlalchemy import select

from alerts.alert import Alert
from alerts.escalation import WAITING, Escalation
from alerts.sentences import decision_label, kind_label, role_name
from committees.people import Scope
from committees.places import LocalityPath
from coordination import alert_view, review_view
from coordination.review import DECISIONS, LONGEST, PASS_TO, Review, decide, decided, parse_decision, waiting
from foundation.errors import NotAllowed, Refused
from foundation.web.forms import Form
from foundation.web.page import Visit, page
from foundation.web.words import N_
from foundation.web.words import gettext as _

LIAISON = ("police_liaison",)
READERS = ("police_liaison", "oversight", "secretary", "chair", "city_officer", "district_administration")


@page("/review", roles=LIAISON, nav=N_("Review"), order=10)
def queue(visit: Visit) -> Response:
    """What waits for a decision, the most urgent first."""
    rows = [
        review_view.queue_row(visit.session, visit.now, question, visit.principal)
        for question in waiting(visit.session)
    ]
    return visit.render("review_queue.html", rows=[row for row in rows if row])


@page("/review/log", roles=READERS, nav=N_("Decisions"), nav_for=("police_liaison", "oversight"), order=20)
def log(visit: Visit) -> Response:
    """The decision record, newest first."""
    rows = [
        review_view.record_row(visit.session, visit.now, row, visit.principal)
        for row in decided(visit.session)
    ]
    return visit.render("review_log.html", rows=[row for row in rows if row])


@page("/review/<uuid:escalation_id>", roles=READERS)
def one(visit: Visit, escalation_id: UUID) -> Response:
    """One question: its facts and, for the liaison who is asked, the decision."""
    question = visit.get(Escalation, escalation_id)
    alert = visit.get(Alert, question.alert_id)
    if not visit.posted:
        return show(visit, question, alert)
    if not may_decide(visit, question):
        raise NotAllowed(_("This question is put to the police liaison."), _("You can read it here."))
    form = Form(visit.form)
    reply_by = form.moment("reply_by", _("Choose when you will reply"))
    at = alert_view.zone(visit.session, alert)
    try:
        form.check()
        moment = reply_by.replace(tzinfo=at) if reply_by and reply_by.tzinfo is None else reply_by
        reason = visit.form.get("reason", "").replace("\r\n", "\n").strip()
        decision = parse_decision(visit.form.get("decision", ""), reason, moment, visit.form.get("pass_to"))
        decide(visit.session, visit.now, question, decision, person_id=visit.person_id)
    except Refused as refused:
        return show(visit, question, alert, {name: _(text) for name, text in refused.fields.items()})
    visit.say(_("Recorded. The secretary and the chair are told now."))
    return visit.go("/review")


def may_decide(visit: Visit, question: Escalation) -> bool:
    """Whether this visitor holds, at the question's place, the office that is asked."""
    above = select(LocalityPath.ancestor_id).where(LocalityPath.descendant_id == question.locality_id)
    rows = select(Scope.id).where(
        Scope.person_id == visit.person_id,
        Scope.active,
        Scope.role == question.role,
        Scope.locality_id.in_(above),
    )
    return visit.session.scalars(rows).first() is not None


def show(visit: Visit, question: Escalation, alert: Alert, errors: dict[str, str] | None = None) -> Response:
    """Draw one question, also with a decision that was sent back."""
    session, now, principal = visit.session, visit.now, visit.principal
    at = alert_view.zone(session, alert)
    default = (now + review_view.REPLY_IN).astimezone(at).replace(second=0, microsecond=0, tzinfo=None)
    place = alert_view.place_words(session, alert, principal)
    facts: dict[str, Any] = {
        "title": _("%(what)s, %(place)s", what=kind_label(alert.what), place=place),
        "clock": review_view.clock(question, at, now),
        "late": question.decide_by < now,
        "passed_on": review_view.lateness(session, question, at, now),
        "asked_by": review_view.asked_by(question),
        "why_now": review_view.why_now(session, alert),
        "evidence": review_view.evidence(session, now, alert, principal),
        "unopened": len(alert.evidence),
        "hidden": [_(text) for text in review_view.HIDDEN],
        "wishes": review_view.wishes(question),
        "decided": _decided(visit, question),
    }
    form: dict[str, Any] = {
        "may_decide": question.state == WAITING and may_decide(visit, question),
        "decisions": [(key, decision_label(key), _told(key)) for key in DECISIONS],
        "pass_to": [(key, role_name(key)) for key in PASS_TO],
        "reply_by": visit.form.get("reply_by") or default.isoformat(timespec="minutes"),
        "longest": LONGEST,
        "values": visit.form,
    }
    return visit.render(
        "review.html",
        422 if errors else 200,
        errors=errors or {},
        alert=alert,
        question=question,
        **facts,
        **form,
    )


def _told(key: str) -> str:
    return _("The committee is told: “%(words)s”", words=_(review_view.TOLD[key]))


def _decided(visit: Visit, question: Escalation) -> dict[str, Any] | None:
    row = visit.session.scalars(select(Review).where(Review.escalation_id == question.id)).first()
    return review_view.record_row(visit.session, visit.now, row, visit.principal) if row else None
