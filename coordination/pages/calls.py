"""One call to make: whom, about what, in which language, since when; and how it went. The list of calls stands on the desk.

What a call is and how it ends is committees/call_backs.py. What was said in it is logged by the report form (/report?call=).
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Response

from alerts.sentences import call_reason, role_name
from committees import call_backs, checkins, people, spoken_notes
from committees.call_backs import CallBack
from committees.inbox import UNREAD, Inbound
from committees.intake import checkin_form
from committees.people import Person
from committees.places import Locality, zone_of
from committees.spoken_notes import SpokenNote
from coordination import asking_check_ins, desk_view
from coordination.desk_view import DESK
from foundation.db import claim
from foundation.errors import NotFound, Refused
from foundation.web import words
from foundation.web.forms import Form
from foundation.web.page import Visit, page
from foundation.web.words import N_
from foundation.web.words import gettext as _

#: What a secretary chooses from; TRIED leaves the call on the list.
TRIED = "tried"
ENDS = {
    call_backs.REACHED: N_("I spoke with them"),
    TRIED: N_("Nobody answered: try again in half an hour"),
    call_backs.NOT_NEEDED: N_("No call is needed any more"),
    call_backs.GIVEN_UP: N_("It cannot be reached: give it up"),
}
OUTCOMES = {
    call_backs.REACHED: N_("They were reached"),
    call_backs.LOGGED: N_("What they said is logged"),
    call_backs.NOT_NEEDED: N_("No call was needed"),
    call_backs.GIVEN_UP: N_("They could not be reached"),
    call_backs.NEWS_CAME: N_("News came without a call"),
}


@page("/desk/call/<uuid:call_id>", roles=DESK)
def call_page(visit: Visit, call_id: UUID) -> Response:
    """Whom to ring and why, and how it went."""
    call: CallBack = visit.get(CallBack, call_id)
    if not visit.posted:
        return _show(visit, call, {})
    try:
        end(visit, call)
    except Refused as refused:
        return _show(visit, call, refused.fields)
    return visit.go("/desk")


def end(visit: Visit, call: CallBack) -> None:
    """Note how a call went, as the sent form says, and say so; raise Refused where nothing was chosen."""
    form = Form(visit.form)
    how = form.choice("how", ENDS, _("Choose how it went"))
    form.check()
    stood = call_backs.tried(visit.session, visit.now, call) if how == TRIED else close(visit, call, how)
    if not stood:
        visit.say(closed_already())
    elif how == TRIED:
        visit.say(_("Noted: nobody answered. It is due again in half an hour."))
    else:
        visit.say(_("Noted: this call was made.") if how == call_backs.REACHED else _("Noted."))


@page("/desk/note/<uuid:note_id>", roles=DESK)
def play(visit: Visit, note_id: UUID) -> Response:
    """The sound of a spoken note, for the player of the pages that show it. That somebody heard it is put on record first."""
    note: SpokenNote = visit.get(SpokenNote, note_id)
    if note.state != spoken_notes.KEPT:
        raise NotFound()
    desk_view.note_reading(visit.principal, visit.now, "spoken_note", note, how="open:sound")
    response = Response(note.sound(visit.session), mimetype=note.kind)
    # Kept nowhere, and nothing that a page could be made of.
    response.headers.update({"Cache-Control": "no-store", "Accept-Ranges": "none"})
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return response


@page("/desk/call/<uuid:call_id>/done", roles=DESK)
def call_done(visit: Visit, call_id: UUID) -> Response:
    """A call was made."""
    call: CallBack = visit.get(CallBack, call_id)
    if visit.posted:
        made = close(visit, call, call_backs.REACHED)
        visit.say(_("Noted: this call was made.") if made else closed_already())
    return visit.go("/desk")


def closed_already() -> str:
    """What whoever comes second reads: two may work on one list."""
    return _("This call was dealt with already.")


def close(visit: Visit, call: CallBack, outcome: str) -> bool:
    """End a call; the message that asked for it leaves the desk with it. False where somebody else was first."""
    first = call_backs.done(visit.session, visit.now, call, outcome)
    if first and call.inbound_id:
        claim(
            visit.session,
            Inbound,
            call.inbound_id,
            {"state": UNREAD},
            {"state": "read", "handled_by": visit.person_id},
        )
    return first


def asked_by(visit: Visit, call: CallBack) -> tuple[Inbound | None, Person | None]:
    """The call or SMS that asked for it, and who that was, where the visitor may know."""
    row = visit.session.get(Inbound, call.inbound_id) if call.inbound_id else None
    return row, visit.session.get(Person, row.person_id) if row and row.person_id else None


def whom(visit: Visit, call: CallBack) -> Person | None:
    """The member whom a call is for, where that is known and the visitor may know."""
    if call.why == call_backs.CHECK_IN:
        return visit.session.get(Person, asking_check_ins.asked_of(call)[1])
    return asked_by(visit, call)[1]


def _apart(visit: Visit, call: CallBack) -> list[tuple[str, str]]:
    """Where answers differ: each such question, with the lowest and the highest answer in words. It says nobody's name."""
    found = []
    rows = asking_check_ins.differing(visit.session, call) if call.why == call_backs.ANSWERS_DIFFER else []
    for number, low, high in checkins.far_apart(rows):
        question, points = checkin_form.QUESTIONS[number - 1]
        found.append((_(question), f"{low}. {_(points[low - 1])} – {high}. {_(points[high - 1])}"))
    return found


def clock_of(call: CallBack, zone: ZoneInfo, now: datetime) -> list[tuple[str, str]]:
    """Since when a call waits, until when, how often it was tried and how it ended, in words."""
    facts = [(_("Since"), words.when(call.asked_at, zone, now))]
    if call.done_at is None:
        late = call.due_at < now
        facts.append((_("Due"), words.ago(call.due_at, now) if late else words.when(call.due_at, zone, now)))
    if call.tried_at:
        when = words.when(call.tried_at, zone, now)
        facts.append((_("Tried"), _("%(times)s times, last %(when)s", times=call.tries, when=when)))
    if call.done_at:
        facts.append((_("How it ended"), _(OUTCOMES.get(call.outcome, OUTCOMES[call_backs.REACHED]))))
    return facts


def _show(visit: Visit, call: CallBack, errors: dict[str, str]) -> Response:
    session, now = visit.session, visit.now
    place = session.get_one(Locality, call.locality_id)
    zone = zone_of(session, place)
    row, person = asked_by(visit, call)[0], whom(visit, call)
    facts = [(_("Why"), call_reason(call.why)), (_("Where"), place.name(words.current().language))]
    facts += _apart(visit, call)
    if row or person:
        facts.append((_("Who"), _who(visit, person)))
    language = person.language if person else str((row.details if row else {}).get("language", ""))
    if language:
        facts.append((_("Language"), words.NAMES.get(language, language)))
    facts += clock_of(call, zone, now)
    number = row.number(session) if row else ""
    if row and number and not visit.posted:
        desk_view.note_reading(visit.principal, now, "inbound", row)
    return visit.render(
        "call.html",
        422 if errors else 200,
        call=call,
        member=person is not None,
        facts=facts,
        number=number,
        notes=spoken_notes.of_call(session, call.inbound_id),
        ring="" if row or person or call.in_care else desk_view.name_who_sits(session, place),
        ends=[(key, _(text)) for key, text in ENDS.items()],
        values=visit.form,
        errors=errors,
    )


def _who(visit: Visit, person: Person | None) -> str:
    if person is None:
        return _("A number that we do not know")
    role = people.standings_of(visit.session, person.id)
    if not role:
        return person.name
    return _("%(name)s, %(role)s", name=person.name, role=role_name(role[0].role))
