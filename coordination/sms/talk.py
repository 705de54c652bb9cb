"""One message and its answer: what the commands read from and write to, and the rules for replying by
itself.

A reply is a template with typed gaps, never free text. It goes back in the language and letters of the
message. Numbers that nobody knows, and phones that several people share, get neutral words only. Every
limit is counted in the database, so that a restart forgets nothing; what is not replied to is still done
and kept.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import phonenumbers
from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts import routing
from committees import contact_stops
from committees.inbox import CALL, MENU, MENU_CALL, UNREAD, Inbound
from committees.intake.kinds import kind_of
from committees.intake.reading import Command, Reading
from committees.intake.tongue import language_and_script
from committees.places import Locality
from coordination.sms.writer import Writer, countries_of
from foundation import outbox

NEUTRAL = frozenset({"unknown_number", "call_back_receipt", "stop_hint"})
UNREAD_IN_AN_HOUR = 5  # after so many the other side may be a machine, and nothing more is said
NUDGES_IN_A_DAY = 5
#: Answers that a machine could call up again and again; a receipt for what was understood is none of them.
NUDGES = frozenset(
    {
        "not_understood",
        "stop_hint",
        "code_wrong",
        "nothing_open",
        "wrong_late",
        "report_what",
        "vouch_how",
        "checkin_ask",
        "unknown_number",
    }
)
MEMBER_IN_AN_HOUR = 11
HOUR, DAY = timedelta(hours=1), timedelta(hours=24)
LOOK_BACK = 200


#: Of these kinds a message that nobody could read may speak: then the secretary is told at once (coordination/desk_clock.py).
URGENT_KINDS = frozenset({"threat", "fight", "damage", "crowd"})
MAY_BE_URGENT = "may_be_urgent"


def may_be_urgent(reading: Reading) -> bool:
    """Whether what a person must look at sounds as if it could not wait; a call and a stop have clocks of their own."""
    told = reading.command in (Command.UNREAD, Command.REPORT)
    return told and kind_of(reading.raw) in URGENT_KINDS


@dataclass
class Talk:
    """One inbound row with its reading and its writer, inside the transaction that works it off."""

    session: Session
    now: datetime
    rng: random.Random
    row: Inbound
    writer: Writer
    reading: Reading
    #: Language and letters that the writer has just asked for.
    chosen: tuple[str, str] | None = None
    #: Whether a person has read the message and said what it means: then no limit on machines holds.
    by_hand: bool = False

    @property
    def emergency(self) -> dict[str, str]:
        """The emergency number of the writer's country, as a gap of a message."""
        return {"emergency": self.writer.country.emergency}

    def local(self, moment: datetime | None = None) -> str:
        """A moment (now if none) as people at the writer's place read it."""
        return (moment or self.now).astimezone(self.writer.zone).isoformat()

    @property
    def door(self) -> str:
        """By which door an answer came, for the record: an SMS, or a call that was not taken."""
        if self.row.kind == MENU:
            return "voice"
        return "missed_call" if self.row.kind in (CALL, MENU_CALL) else self.writer.channel

    def note(self, **values: Any) -> None:
        """Add closed words to the row's reading: never text, never a number of a phone."""
        self.row.reading = {**(self.row.reading or {}), **values}

    def keep_for_a_person(self) -> None:
        """Put the message on the secretary's desk, unless a person has just dealt with it."""
        if not self.by_hand:
            self.row.state = UNREAD
            if may_be_urgent(self.reading):
                self.note(**{MAY_BE_URGENT: True})

    @property
    def where(self) -> Locality:
        """The place that the message speaks of."""
        return self.writer.where(self.reading.ward)

    @property
    def tongue(self) -> tuple[str, str]:
        """Language and letters of the reply: those of the message where it tells, else the person's own."""
        if self.chosen:
            return self.chosen
        guess = language_and_script(self.reading.raw)
        person = self.writer.person
        language = person.language if person else str(self.writer.country.languages[0])
        script = person.script if person else "own"
        return guess.language or language, guess.script or script

    def reply(self, template: str, /, **slots: Any) -> None:
        """Answer the writer once, unless a limit says to stay silent."""
        if self._neutral_only and template not in NEUTRAL:
            template, slots = "unknown_number", self.emergency
        if not self._may(template):
            return
        contact = self.writer.contact
        # The confirmation of STOP goes to the bare number: the contact point takes nothing any more.
        direct = contact is None or contact.stopped_at is not None
        language, script = self.tongue
        outbox.put(
            self.session,
            self.now,
            effect_key=f"inbound:{self.row.id}:reply{self._turn}",
            channel=self.writer.channel,
            template=template,
            slots=slots,
            language=language,
            script=script,
            contact_point_id=None if direct or contact is None else contact.id,
            address=self.writer.number if direct else None,
        )
        self.row.answered = True
        self.note(reply=template)

    @property
    def _turn(self) -> str:
        """What tells the answer to a message that a person read from the first answer, and from that to another reading."""
        return f":{self.reading.command}" if self.by_hand else ""

    @property
    def _neutral_only(self) -> bool:
        return self.writer.person is None or self.writer.person.shared_phone

    def _may(self, template: str) -> bool:
        contact = self.writer.contact
        if contact is not None and contact.stopped_at is not None and template != "stop":
            return False
        if contact is None and contact_stops.is_stopped(self.session, self.row.sender):
            return False
        if self.by_hand:
            return True
        before = self._before()
        unread = [row for row in before if _lately(row, self.now, HOUR) and _unread(row)]
        if len(unread) >= UNREAD_IN_AN_HOUR:
            return False
        answered = [row for row in before if row.answered]
        once_a_day = template == "unknown_number" or not self.writer.known
        if once_a_day and any(_replied(row) == template for row in answered):
            return False
        nudges = sum(_replied(row) in NUDGES for row in answered)
        if template in NUDGES and nudges >= NUDGES_IN_A_DAY:
            return False
        if self.writer.known:
            return sum(_lately(row, self.now, HOUR) for row in answered) < MEMBER_IN_AN_HOUR
        return _ours(self.session, self.writer.number)

    def _before(self) -> list[Inbound]:
        """What came from this number within a day: the answered ones, and the newest of the rest."""
        rows = select(Inbound).where(
            Inbound.sender == self.row.sender, Inbound.received_at > self.now - DAY, Inbound.id != self.row.id
        )
        newest = rows.order_by(Inbound.received_at.desc()).limit(LOOK_BACK)
        answered = rows.where(Inbound.answered).order_by(Inbound.received_at.desc()).limit(LOOK_BACK)
        found = {row.id: row for row in [*self.session.scalars(newest), *self.session.scalars(answered)]}
        return list(found.values())


def place_slot(place: Locality, town: Locality) -> dict[str, Any]:
    """Where, for a message: the ward by its number, or the town where a ward would name a community."""
    if place.level == "ward" and place.number and str(place.number).isdigit() and not place.town_only:
        return {"ward": int(place.number)}
    return {"names": dict((town if place.level == "ward" else place).names)}


def source_slot(talk: Talk) -> str:
    """The name under which this town's messages go out."""
    return routing.sender_of(talk.session, talk.writer.place.id)


def _lately(row: Inbound, now: datetime, within: timedelta) -> bool:
    return row.received_at > now - within


def _unread(row: Inbound) -> bool:
    return (row.reading or {}).get("command") in (Command.UNREAD, Command.EMPTY)


def _replied(row: Inbound) -> Any:
    return (row.reading or {}).get("reply")


def _ours(session: Session, number: str) -> bool:
    """Whether an unknown number lies in a country of ours and costs no more than an ordinary one."""
    if not countries_of(session, number):
        return False
    return phonenumbers.number_type(phonenumbers.parse(number)) != phonenumbers.PhoneNumberType.PREMIUM_RATE
