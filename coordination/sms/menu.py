"""What a key does that somebody pressed who rang us: 1 to 6 begin a report of that kind, 7 is seen, 0 asks to be rung back.

A caller's number can be forged, so that no key stops a ladder: *acting* needs the code of the alert. A report of one key is kept as it is,
and a person rings back for the rest. sms_commands.py is the caller.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from alerts.channels import call_menu
from committees import call_backs, reports
from committees.call_backs import CallBack
from committees.catalogue import FORMS, default_kind
from committees.inbox import Inbound
from committees.incidents import Incident
from committees.intake import sms as intake
from committees.reports import NewReport
from committees.ring_me import Ring
from coordination.sms import answers
from coordination.sms.talk import Talk

GRAVE = frozenset({"crowd", "fight", "damage"})


def press(talk: Talk) -> None:
    """Act on one key of the menu, in the language that was chosen there."""
    key, language = str(talk.row.details["key"]), str(talk.row.details["language"])
    talk.chosen = (language, "own")
    if not talk.writer.number and key not in call_menu.KINDS:
        return  # nobody can ring a hidden number, and the call says so
    if key == call_menu.SEEN and talk.writer.known:
        answers.missed_call(talk)
    elif key in call_menu.KINDS:
        _begin_report(talk, FORMS[int(key) - 1], language)
    else:
        answers.call_back(talk)


def hung_up(talk: Talk) -> None:
    """The call is over: where nothing was pressed it was a missed call, else its keys have said everything."""
    if not talk.writer.number:
        return
    pressed = select(Inbound.id).where(Inbound.provider_id.startswith(f"{talk.row.provider_id}:menu:"))
    if talk.session.scalars(pressed.limit(1)).first() is None:
        act = answers.missed_call if talk.row.confirmed and talk.writer.known else answers.call_back
        act(talk)


def _begin_report(talk: Talk, what: str, language: str) -> None:
    person, contact = talk.writer.person, talk.writer.contact
    source = reports.source_for(
        talk.session,
        talk.now,
        group=talk.writer.group,
        person_id=person.id if person else None,
        # Who hides their number is somebody else in each call.
        number=talk.writer.number or f"hidden {talk.row.details['sid']}",
    )
    new = NewReport(
        id=intake.report_id(talk.row.provider_id),
        locality=talk.writer.place,
        kind=default_kind(what),
        occurred_at=talk.row.received_at,
        how_known=intake.HOW_KNOWN,
        channel="voice",
        source=source,
        contact_point_id=contact.id if person and contact else None,
        reply_to=None if person else talk.writer.number or None,
        ring=Ring(talk.writer.number, inbound_id=talk.row.id) if talk.writer.number else None,
        language=language,
    )
    incident = reports.record(talk.session, talk.now, new).incident
    if not talk.writer.number:
        return
    _ring_back(talk, incident, what)
    talk.reply("call_back_receipt", **talk.emergency)


def _ring_back(talk: Talk, incident: Incident, what: str) -> None:
    """Put the caller on the list of calls; a stranger's report stands there already and gets the number."""
    within = answers.URGENT_WITHIN if what in GRAVE else timedelta(minutes=30)
    call = talk.session.scalars(select(CallBack).where(CallBack.incident_id == incident.id)).first()
    if call is None:
        call = CallBack(
            locality_id=incident.locality_id,
            incident_id=incident.id,
            why=call_backs.HALF,
            asked_at=talk.now,
            effect_key=f"inbound:{talk.row.id}",
        )
        talk.session.add(call)
    call.due_at, call.inbound_id = talk.now + within, talk.row.id
