"""What each SMS and each missed call does: who wrote, how it reads, and the one function that acts on it.

A number is a hint (trust model, T5): by SMS one can report, check in and answer with a code, never close,
lower or change a contact. What cannot be read, what is claimed from a borrowed phone, and what comes from
nobody we know is kept for a person. coordination/sms holds the commands; inbound.py is the caller.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from committees import contact_stops, taught_words
from committees.inbox import MENU_CALL, Inbound
from committees.incidents import Incident
from committees.intake import grammar
from committees.intake import sms as intake
from committees.intake.answers import CALM_ANSWERS
from committees.intake.reading import Command, Reading
from committees.people import address_of
from coordination.sms import answers, menu, simple, telling, writer
from coordination.sms.talk import Talk
from foundation.crypto import cipher

Act = Callable[[Talk], None]
#: Whom a message from a borrowed phone names, where it can be only one member: a key of its reading.
CLAIMANT = "claimant"
ACTS: Mapping[Command, Act] = {
    Command.REPORT: telling.report,
    Command.CHECKIN: telling.check_in,
    Command.CHECKIN_ASK: simple.ask_for_numbers,
    Command.OK: answers.answer,
    Command.GO: answers.answer,
    Command.NO: answers.answer,
    Command.WRONG: telling.wrong,
    Command.STATUS: simple.status,
    Command.HELP: simple.help_,
    Command.CALL: answers.call_back,
    Command.STOP: simple.stop,
    Command.START: simple.start,
    Command.PAUSE: simple.pause,
    Command.LANG: simple.language,
    Command.OVER: telling.over,
    Command.VOUCH: telling.report_vouched,
    Command.UNREAD: simple.for_a_person,
    Command.EMPTY: simple.for_a_person,
}

#: What a person may have done for a number that nobody is known by: nothing of it is answered.
OF_A_STRANGER: Mapping[Command, Act] = {
    Command.CALL: answers.ask_to_ring,
    Command.STOP: simple.stop_number,
}


def handle(session: Session, now: datetime, rng: random.Random, row: Inbound) -> None:
    """Act on one SMS: its row says afterwards how it was read, and whether a person must look at it."""
    number, text = row.number(session), row.text(session)
    who = writer.find(session, number, text, row.channel)
    reading = _read(session, who, text)
    talk = _talk(session, now, rng, row, who, reading)
    talk.note(**_closed_words(reading))
    if telling.said_twice(talk):
        talk.note(repeated=True)
        return
    _act_of(talk)(talk)


def _read(session: Session, who: writer.Writer, text: str) -> Reading:
    return grammar.read(
        text,
        wards=list(who.wards),
        ward_aliases=who.ward_names(),
        open_codes=[code.code for code in who.codes],
        emergency=grammar.EMERGENCY_NUMBERS | {who.country.emergency},
        taught=taught_words.of_town(session, who.town.id),
    )


def handle_claimed(session: Session, now: datetime, rng: random.Random, row: Inbound) -> None:
    """Do what came from a borrowed phone as the member whom it names, since a person says so; the answer goes to the member's own phone."""
    contact = writer.contact_of(session, UUID(str((row.reading or {})[CLAIMANT])))
    if contact is None:
        return  # they have no number any more that could be meant
    who = writer.find(session, address_of(session, contact), row.text(session))
    reading = _read(session, who, row.text(session))
    if not who.known:
        return
    # From here on it is theirs: they can take it back from their own phone, and the phone that was borrowed cannot.
    row.sender = cipher(session).index(who.number)
    talk = Talk(session, now, rng, row, who, reading)
    talk.by_hand = True
    talk.note(command=str(reading.command), by_hand="FROM")
    act = telling.report_claimed if reading.command is Command.REPORT else ACTS[reading.command]
    act(talk)


def handle_as(session: Session, now: datetime, rng: random.Random, row: Inbound, command: Command) -> None:
    """Act on an SMS again as what a person read in it, and tell its sender; what it was taken for before is taken back."""
    who = writer.find(session, row.number(session), row.text(session), row.channel)
    meant = Command.CHECKIN if command is Command.CALM else command
    answers_given = CALM_ANSWERS if command is Command.CALM else None
    ward = (row.reading or {}).get("ward")
    talk = _talk(
        session, now, rng, row, who, Reading(row.text(session), meant, ward=ward, answers=answers_given)
    )
    talk.by_hand = True
    if telling.take_back(talk, row):
        talk.note(before=None)
    talk.note(command=str(meant), by_hand=str(command))
    if who.known:
        ACTS[meant](talk)
    elif meant in OF_A_STRANGER:
        # Nothing else is done or said in the name of a number that we do not know.
        OF_A_STRANGER[meant](talk)


def receipt_as(session: Session, now: datetime, rng: random.Random, row: Inbound) -> None:
    """Tell the sender of an SMS of which a person made a report what was understood."""
    who = writer.find(session, row.number(session), row.text(session), row.channel)
    incident = session.get(Incident, intake.report_id(row.provider_id))
    if not who.known or incident is None:
        return
    talk = _talk(session, now, rng, row, who, Reading(row.text(session), Command.REPORT))
    talk.by_hand = True
    talk.note(command=str(Command.REPORT), by_hand=str(Command.REPORT))
    telling.say_back(talk, incident)


def handle_call(session: Session, now: datetime, rng: random.Random, row: Inbound) -> None:
    """Act on one missed call: seen where an alert is open on that phone, else somebody rings back."""
    who = writer.find(session, row.number(session), "", "voice", to=str(row.details.get("to", "")))
    talk = _talk(session, now, rng, row, who, Reading("", Command.CALL))
    talk.note(command="MISSED_CALL")
    if not who.number:
        return  # hidden: nobody can be rung
    # A call that carried something unknown cannot be asked for again, so it answers nothing.
    act = answers.missed_call if row.confirmed and who.known else answers.call_back
    act(talk)


def handle_menu(session: Session, now: datetime, rng: random.Random, row: Inbound) -> None:
    """Act on one key pressed in a call that we took, or on the end of such a call."""
    who = writer.find(session, row.number(session), "", "voice", to=str(row.details.get("to", "")))
    talk = _talk(session, now, rng, row, who, Reading("", Command.CALL))
    talk.note(command="MISSED_CALL" if row.kind == MENU_CALL else "MENU")
    (menu.hung_up if row.kind == MENU_CALL else menu.press)(talk)


def _talk(
    session: Session, now: datetime, rng: random.Random, row: Inbound, who: writer.Writer, reading: Reading
) -> Talk:
    row.sender = cipher(session).index(who.number)
    row.locality_id = who.where(reading.ward).id
    row.person_id = who.person.id if who.person else None
    if who.contact is not None:
        who.contact.heard_at = now
    session.flush()
    return Talk(session, now, rng, row, who, reading)


def _act_of(talk: Talk) -> Act:
    if not talk.writer.known:
        return _from_a_stranger
    if talk.reading.member:
        return _claimed
    return ACTS[talk.reading.command]


def _from_a_stranger(talk: Talk) -> None:
    """Keep whatever an unknown number says; a report waits for a person, a call is rung back, a stop is done."""
    if talk.reading.command is Command.STOP:
        simple.stop_number(talk)
        return
    if talk.reading.command is Command.START:
        contact_stops.start_number(talk.session, talk.now, talk.row)
    talk.keep_for_a_person()
    if talk.reading.command is Command.CALL:
        answers.call_back(talk)
        return
    if talk.reading.command is Command.REPORT:
        telling.report_unproven(talk)
    talk.reply("unknown_number", **talk.emergency)


def _claimed(talk: Talk) -> None:
    """Hold what somebody sent from another member's phone for the secretary, who knows both."""
    talk.note(claimed=True)
    if meant := writer.claimant(talk.session, talk.writer, talk.reading.member or ""):
        talk.note(**{CLAIMANT: str(meant)})
    talk.keep_for_a_person()
    if talk.reading.command is Command.REPORT:
        telling.report_unproven(talk)
    talk.reply("unknown_number", **talk.emergency)


def _closed_words(reading: Reading) -> dict[str, object]:
    """The reading without a word of the message: what a page may show and a query may ask."""
    words: dict[str, object] = {"command": str(reading.command)}
    if reading.ward:
        words["ward"] = reading.ward
    if reading.reason:
        words["reason"] = reading.reason.name
    words |= {
        name: True for name in ("ward_unclear", "fuzzy", "urgent", "stop_hint") if getattr(reading, name)
    }
    return words
