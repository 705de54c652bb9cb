"""My reports: each with its reference, how far it has come, what happened next, and a way to take it back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from flask import Response

from alerts.sentences import feedback_label, form_label, kind_label, state_label
from committees import catalogue, reports
from committees.incidents import REPORTED, WITHDRAWN, Incident
from committees.places import Locality, zone_of
from committees.reports import Report
from coordination import feedback
from coordination.feedback import PROMISE, Feedback
from coordination.pages.report import own_incident
from coordination.pages.whereabouts import REPORTERS, name_of
from foundation.web import words
from foundation.web.page import Visit, page
from foundation.web.words import N_
from foundation.web.words import gettext as _

STATUS = {"verified": "done", "reported": "waiting"}


@dataclass(frozen=True)
class OwnReport:
    """One report of the visitor in words: what, where, how far it has come, what was told and is promised."""

    id: UUID
    reference: str
    what: str
    place: str
    sent: str
    state: str
    status: str
    told: tuple[str, ...]
    promise: str
    waiting: bool
    may_withdraw: bool


@page("/mine", roles=REPORTERS, nav=N_("My reports"), nav_for=("member", "touch_point"), order=40)
def mine(visit: Visit) -> Response:
    """Everything this visitor has reported, newest first."""
    return visit.render("mine.html", reports=own_reports(visit))


@page("/mine/withdraw", roles=REPORTERS)
def withdraw(visit: Visit) -> Response:
    """Take one's own report back while nobody has checked it."""
    if visit.posted:
        incident = own_incident(visit, visit.uuid("report_id"))
        if incident.state != WITHDRAWN:  # the button pressed twice is pressed once
            reports.withdraw(visit.session, visit.now, incident)
        visit.say(_("Report %(ref)s is taken back. Thank you for telling us.", ref=incident.reference))
    return visit.go("/mine")


def own_reports(visit: Visit) -> list[OwnReport]:
    """The visitor's own reports in words, newest first."""
    told = feedback.of_source(visit.session, visit.principal.handles)
    rows = reports.of_source(visit.session, visit.principal.handles)
    return [_in_words(visit, report, incident, told.get(report.id, [])) for report, incident in rows]


def _in_words(visit: Visit, report: Report, incident: Incident, told: list[Feedback]) -> OwnReport:
    place = visit.session.get_one(Locality, report.locality_id)
    zone = zone_of(visit.session, place)

    def said_at(moment: datetime) -> str:
        return words.when(moment, zone, visit.now)

    waiting = incident.state == REPORTED and not told
    due = report.received_at + PROMISE
    return OwnReport(
        id=report.id,
        reference=incident.reference,
        what=_what(incident),
        place=name_of(place),
        sent=said_at(report.received_at),
        state=state_label(incident.state),
        status=STATUS.get(incident.state, "doing"),
        told=tuple(f"{feedback_label(row.outcome)} ({said_at(row.at)})" for row in told),
        promise=_("We tell you what happened by %(when)s.", when=said_at(due))
        if waiting and due > visit.now
        else "",
        waiting=waiting,
        may_withdraw=incident.state == REPORTED and report.id == incident.id,
    )


def _what(incident: Incident) -> str:
    if incident.path == catalogue.SENSITIVE_PATH:
        return kind_label("private_matter")
    return form_label(catalogue.kind(incident.kind).form)
