"""What was read as what: the newest SMS of a desk with how each was understood, what a person may say instead, and the taught words.

For pages/desk.py and pages/sms_seen.py. Acting on it is sms_by_hand.py and the worker's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from committees import taught_words
from committees.inbox import SMS, UNREAD, WAITING, Inbound
from committees.incidents import REPORTED, Incident
from committees.intake import sms as intake
from committees.intake.reading import Command
from committees.intake.teaching import How, proposals
from committees.people import Person
from committees.places import Locality, town_of, zone_of
from coordination import sms_by_hand, sms_commands
from foundation.errors import Conflict, Invalid, Refused
from foundation.web import words
from foundation.web.page import Visit
from foundation.web.words import N_
from foundation.web.words import gettext as _

MOST = 20
READ_AS = {
    "REPORT": N_("A report"),
    "CHECKIN": N_("The weekly check-in"),
    "CHECKIN_ASK": N_("A check-in whose numbers are not clear"),
    "OK": N_("Has seen an alert"),
    "GO": N_("Is acting on an alert"),
    "NO": N_("Cannot act on an alert"),
    "WRONG": N_("Takes the last message back"),
    "STATUS": N_("Asks for the level"),
    "HELP": N_("Asks how it works"),
    "CALL": N_("Asks to be rung"),
    "STOP": N_("Wants no more SMS from us"),
    "START": N_("Wants SMS again"),
    "PAUSE": N_("Wants a pause"),
    "LANG": N_("Wants another language"),
    "OVER": N_("Says that it is over"),
    "VOUCH": N_("A report for somebody they vouch for"),
    "EMPTY": N_("An empty message"),
}
MEANT = {
    "CALM": (N_("All is calm this week"), N_("It counts as their check-in")),
    "STATUS": (N_("They ask for the level"), N_("They get it now")),
    "HELP": (N_("They ask how it works"), N_("They get the short guide")),
    "CALL": (N_("They ask to be rung"), N_("A call comes on your desk")),
    "OVER": (N_("It is over there"), N_("It stands on the alert; the alert stays open")),
    "STOP": (N_("They want no more SMS"), N_("They get none from now on, until they send START")),
}


@dataclass(frozen=True)
class Seen:
    """One message in the list."""

    id: UUID
    name: str
    meta: str
    text: str
    read_as: str
    unread: bool


def read_as(row: Inbound) -> str:
    """As what a message was read, in words; empty where it was not."""
    told = row.reading or {}
    if row.state == WAITING:
        return _("Not read yet")
    if "by_hand" in told and told["by_hand"] == "CALM":
        return _(MEANT["CALM"][0])
    label = READ_AS.get(str(told.get("command", "")))
    return _(label) if label else ""


def newest(session: Session) -> list[Inbound]:
    """The newest messages that this desk may see; what the network brought twice stands there once."""
    rows = select(Inbound).where(Inbound.kind == SMS)
    found = session.scalars(rows.order_by(Inbound.received_at.desc(), Inbound.id).limit(3 * MOST))
    return [row for row in found if not (row.reading or {}).get("repeated")][:MOST]


def lines(visit: Visit, rows: list[Inbound]) -> list[Seen]:
    """These messages with who, where, when and as what."""
    session, language = visit.session, words.current().language
    places = _by_id(session, Locality, {row.locality_id for row in rows})
    people = _by_id(session, Person, {row.person_id for row in rows})
    found = []
    for row in rows:
        place, who = places.get(row.locality_id), people.get(row.person_id)
        when = words.when(row.received_at, zone_of(session, place), visit.now) if place else ""
        meta = [place.name(language), when] if place else []
        if (row.reading or {}).get("by_hand"):
            meta.append(_("as you or a colleague said"))
        if (row.reading or {}).get("withdrawn"):
            meta.append(_("taken back by its sender"))
        name = who.name if who else _("A number that we do not know")
        found.append(
            Seen(row.id, name, " · ".join(meta), row.text(session), read_as(row), row.state == UNREAD)
        )
    return found


def _by_id(session: Session, entity: type[Any], ids: set[UUID | None]) -> Mapping[UUID | None, Any]:
    rows = session.scalars(select(entity).where(entity.id.in_([one for one in ids if one])))
    return {row.id: row for row in rows}


def may_be_meant(row: Inbound) -> bool:
    """Whether a person may say what this message meant: it was read, and nothing final was done with it."""
    return row.kind == SMS and row.state != WAITING and sms_by_hand.may_be_changed(row)


def claimant(session: Session, row: Inbound) -> str:
    """The name of the member who, as an unread message from a borrowed phone says, sent it; not once its report was sorted."""
    told = row.reading or {}
    if row.state != UNREAD or sms_commands.CLAIMANT not in told:
        return ""
    if told.get("command") == Command.REPORT:
        unproven = session.get(Incident, intake.report_id(row.provider_id))
        if unproven is None or unproven.state != REPORTED:
            return ""
    person = session.get(Person, UUID(str(told[sms_commands.CLAIMANT])))
    return person.name if person else ""


def about(row: Inbound, text: str) -> dict[str, Any]:
    """What the page of one message needs for saying what it meant."""
    return {
        "read_as": read_as(row),
        "may_be_meant": may_be_meant(row),
        "meanings": [_meaning(one, known=row.person_id is not None) for one in sms_by_hand.CHOICES],
        "teach_report": _teachable(text, Command.REPORT) if row.kind == SMS else [],
        "teach_other": _teachable(text, Command.CALM) if row.kind == SMS else [],
    }


def _meaning(command: Command, *, known: bool) -> tuple[str, str, str]:
    """One choice with what it does; for a number that nobody is known by most do nothing."""
    label, does = MEANT[command]
    return str(command), _(label), _(does) if known or command in sms_commands.OF_A_STRANGER else ""


def _teachable(text: str, command: Command) -> list[tuple[str, str]]:
    """The choices of what to teach from a message; empty where nothing of it can be taught."""
    labels = {
        How.FIRST: N_("Yes: messages that begin with “%(words)s”"),
        How.WHOLE: N_("Yes: messages that say only “%(words)s”"),
    }
    offered = [(str(how), _(labels[how], words=said)) for how, said in proposals(text, command).items()]
    return [("", _("No, only this message")), *offered] if offered else []


def teach(visit: Visit, row: Inbound, command: Command) -> None:
    """Teach the line of this town what was ticked, if anything was; raise Refused with words for the form."""
    field = "teach" if command is Command.REPORT else "teach_as"
    ticked = visit.form.get(field, "")
    if not ticked:
        return
    if ticked not in set(How) or row.locality_id is None:
        raise Refused({field: _("Choose from the list")})
    town = town_of(visit.session, visit.session.get_one(Locality, row.locality_id))
    try:
        taught_words.teach(
            visit.session,
            visit.now,
            town_id=town.id,
            by=visit.person_id,
            message=row.text(visit.session),
            command=command,
            how=How(ticked),
        )
    except (Invalid, Conflict) as wrong:
        raise Refused({field: _(wrong.message)}) from None
