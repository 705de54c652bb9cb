"""The secretary's desk: everything that waits for a person, with its clock, and one button for the next report."""

from __future__ import annotations

from uuid import UUID

from flask import Response

from alerts.sentences import form_label, why_unread
from committees import reports, spoken_notes, unnamed
from committees.catalogue import FORMS, default_kind
from committees.inbox import FORM, MAIL, READ, SMS, UNREAD, Inbound
from committees.incidents import WITHDRAWN, Incident
from committees.intake import sms, submissions
from committees.intake.kinds import kind_of
from committees.intake.reading import Command
from committees.people import Person
from committees.places import Locality, zone_of
from coordination import desk_view, lines_view, reach, sms_by_hand, sms_seen_view, taking_in
from coordination.desk_view import DESK
from coordination.frame import real_clock
from coordination.here import here
from foundation import journal
from foundation.db import claim
from foundation.errors import Conflict, Refused
from foundation.policy import Standing
from foundation.web import words
from foundation.web.forms import Form
from foundation.web.page import Visit, page
from foundation.web.words import N_
from foundation.web.words import gettext as _


@page("/desk", roles=DESK, nav=N_("Desk"), order=15)
def desk(visit: Visit) -> Response:
    """What waits, and the one next thing."""
    session, now = visit.session, visit.now
    return visit.render(
        "desk.html",
        reports=desk_view.reports(session, now),
        messages=desk_view.messages(session, now, known=True),
        strangers=desk_view.messages(session, now, known=False),
        calls=desk_view.calls(session, now),
        silent=desk_view.silent_wards(session, now, visit.principal),
        unreached=desk_view.unreached(session, now),
        line=desk_view.line_state(session, now, real_clock.now()),
        unnamed=unnamed.waiting(session),
        silent_lines=lines_view.silent(session, now, visit.principal, here().channels),
    )


@page("/desk/sms/<uuid:row_id>", roles=DESK)
def message(visit: Visit, row_id: UUID) -> Response:
    """One message as it came, and what to do with it."""
    return _show(visit, _row(visit, row_id), {})


@page("/desk/sms/<uuid:row_id>/as", roles=DESK)
def meant(visit: Visit, row_id: UUID) -> Response:
    """Do what a message meant, tell its sender, and teach the line a word of it where that was ticked."""
    row = _row(visit, row_id)
    if not visit.posted:
        return visit.go(f"/desk/sms/{row.id}")
    form = Form(visit.form)
    command = form.choice("meant", sms_by_hand.CHOICES, _("Choose what was meant"))
    try:
        form.check()
        sms_seen_view.teach(visit, row, Command(command))
    except Refused as refused:
        return _show(visit, row, refused.fields)
    if not sms_seen_view.may_be_meant(row):
        raise Conflict(_("What this message did cannot be changed here."), _("Please ring its sender."))
    if row.state == UNREAD:
        _take(visit, row)
    sms_by_hand.act(visit.session, visit.now, row, Command(command))
    visit.say(_("Thank you. It is done now, and the sender is told.") if row.person_id else _("Saved."))
    return visit.go("/desk")


@page("/desk/sms/<uuid:row_id>/from", roles=DESK)
def claimed(visit: Visit, row_id: UUID) -> Response:
    """A message from a borrowed phone did come from the member whom it names."""
    row = _row(visit, row_id)
    if visit.posted:
        if not sms_seen_view.claimant(visit.session, row):
            raise Conflict(_("What this message did cannot be changed here."), _("Please ring its sender."))
        _take(visit, row)
        sms_by_hand.confirm_claim(visit.session, visit.now, row)
        visit.say(_("Thank you. It is done now, and the sender is told."))
    return visit.go("/desk")


@page("/desk/sms/<uuid:row_id>/handled", roles=DESK)
def handled(visit: Visit, row_id: UUID) -> Response:
    """Nothing more is to be done with a message."""
    row = _row(visit, row_id)
    if visit.posted:
        _take(visit, row)
        visit.say(_("Noted: this message was dealt with."))
    return visit.go("/desk")


@page("/desk/sms/<uuid:row_id>/report", roles=DESK)
def make_report(visit: Visit, row_id: UUID) -> Response:
    """Make a report of a message: what the secretary read in it, in the name of its sender."""
    row = _row(visit, row_id)
    if not visit.posted:
        return visit.go(f"/desk/sms/{row.id}")
    if found := _report_of(visit, row):
        return visit.go(f"/desk/r/{found}")
    form = Form(visit.form)
    wards = {ward.code: ward for ward in _wards(visit)}
    ward = form.choice("ward", wards, _("Choose the ward"))
    what = form.choice("what", FORMS, _("Choose what happened"))
    try:
        form.check()
        sms_seen_view.teach(visit, row, Command.REPORT)
    except Refused as refused:
        return _show(visit, row, refused.fields)
    incident = _record(visit, row, wards[ward], what)
    _take(visit, row)
    if row.kind == SMS:
        sms_by_hand.say_back(visit.session, visit.now, row)
    visit.say(_("It is a report now. Please sort it."))
    return visit.go(f"/desk/r/{incident}")


def _row(visit: Visit, row_id: UUID) -> Inbound:
    row: Inbound = visit.get(Inbound, row_id)
    return row


def _take(visit: Visit, row: Inbound) -> None:
    was = {"state": UNREAD}
    if not claim(visit.session, Inbound, row.id, was, {"state": READ, "handled_by": visit.person_id}):
        raise Conflict(_("Somebody else has dealt with this message."), _("Open the desk again."))
    journal.record(
        visit.session, visit.now, "inbound:handled", "inbound", row.id, locality_id=row.locality_id
    )


def _wards(visit: Visit) -> list[Locality]:
    return reach.wards_below(visit.session, visit.principal.at(*DESK))


def _show(visit: Visit, row: Inbound, errors: dict[str, str]) -> Response:
    text = row.text(visit.session)
    if text and not visit.posted:
        desk_view.note_reading(visit.principal, visit.now, "inbound", row)
    place = visit.session.get(Locality, row.locality_id) if row.locality_id else None
    sender = visit.session.get(Person, row.person_id) if row.person_id else None
    # A protected number that asks for no more messages need not be rung either.
    has_stopped = (row.reading or {}).get("command") == Command.STOP
    guess = {"ward": place.code if place and place.level == "ward" else "", "what": kind_of(text) or "other"}
    return visit.render(
        "desk_sms.html",
        422 if errors else 200,
        row=row,
        text=text,
        sender=sender.name if sender else "",
        # A number that is known stays with the sender's own contacts; an unknown one can only be rung from here.
        claimant=sms_seen_view.claimant(visit.session, row),
        number="" if sender or has_stopped else row.number(visit.session),
        by_phone=row.kind not in (FORM, MAIL),
        files=int(row.details.get("files", 0)),
        answers=submissions.in_words(text) if row.kind == FORM else [],
        why=why_unread(row.reading, known=sender is not None),
        when=words.when(row.received_at, zone_of(visit.session, place), visit.now) if place else "",
        wards=[(ward.code, ward.name(words.current().language)) for ward in _wards(visit)],
        what=[(form, form_label(form)) for form in FORMS],
        values=visit.form if visit.posted else guess,
        open=row.state == UNREAD,
        report=_report_of(visit, row),
        notes=spoken_notes.of_call(visit.session, row.id),
        errors=errors,
        **sms_seen_view.about(row, text),
    )


def _report_of(visit: Visit, row: Inbound) -> UUID | None:
    """The report that was made of a message already and stands: it is sorted, never made anew."""
    found = visit.session.get(Incident, _report_id(row))
    return found.id if found and found.state != WITHDRAWN else None


def _words(text: str, kind: str) -> str:
    """What a report made of a message says; of a form the answers, each under its question."""
    answers = submissions.in_words(text) if kind == FORM else []
    return "\n".join(f"{name}: {value}" for name, value in answers) or text


def _report_id(row: Inbound) -> UUID:
    return taking_in.report_of(row) if row.kind == FORM else sms.report_id(row.provider_id)


def _record(visit: Visit, row: Inbound, ward: Locality, what: str) -> UUID:
    """Store the message as its sender's report; a number that we do not know stays unknown until checked."""
    standing = _standing(visit)
    group = standing.committee_id or standing.office_id
    person = visit.session.get(Person, row.person_id) if row.person_id else None
    number = row.number(visit.session)
    source = reports.source_for(
        visit.session, visit.now, group=group, person_id=person.id if person else None, number=number
    )
    new = reports.NewReport(
        id=_report_id(row),
        locality=ward,
        kind=default_kind(what),
        occurred_at=row.received_at,
        how_known=sms.HOW_KNOWN,
        channel={FORM: "form", MAIL: "email"}.get(row.kind, "sms"),
        source=source,
        text=_words(row.text(visit.session), row.kind),
        # The way back to an unknown sender is an SMS: to an address there is none.
        reply_to=(number or None) if row.kind not in (FORM, MAIL) else None,
        reply_channel=row.channel,
        language=person.language if person else "en",
        script=person.script if person else "own",
    )
    return reports.record(visit.session, visit.now, new).incident.id


def _standing(visit: Visit) -> Standing:
    return next(one for one in visit.principal.standings if one.role in DESK)
