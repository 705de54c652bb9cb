"""What a collected row becomes: a submission of a form is a report of a source that nobody knows, to be checked first; a letter of a
member whom our mail server vouches for is that member's report; every other letter waits for a person.

Storing the rows is collecting.py's business; inbound.py is the caller.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from committees import reports
from committees.committee import Committee, committee_for
from committees.inbox import FORM, IGNORED, UNREAD, WAITING, Inbound
from committees.incidents import Incident
from committees.intake import matching, submissions
from committees.intake.matching import Matching
from committees.intake.reading import Command, Reading
from committees.intake.submissions import NoSubmission, Submission
from committees.places import Locality, LocalityPath, zone_of
from committees.reports import NewReport
from coordination import collected
from coordination.collected import Collection
from coordination.sms import telling, writer
from coordination.sms.talk import Talk
from foundation.crypto import cipher
from foundation.db import claim
from foundation.errors import NotFound

AHEAD = timedelta(minutes=5)


def form(session: Session, now: datetime, row: Inbound) -> None:
    """Make a report of one submission; what is no answer to our form is kept for a person, who reads it as it came."""
    town = _town(session, row)
    row.sender = cipher(session).index(row.number(session))
    row.locality_id = town.id
    if row.details.get("sent"):
        stands = collected.of(session, str(row.details["server"]))
        stands.heard_at, stands.taken = row.received_at, stands.taken + 1
    try:
        found = submissions.read(read_as(session, row))
    except (NoSubmission, ValueError):
        row.state, row.reading = UNREAD, _unread("NO_FORM")
        return
    if found.refused:
        row.state, row.reading = UNREAD, _unread("NOT_APPROVED")
        return
    if there := session.get(Incident, found.id):
        _there(row, there)
        return
    if reference := _reference(session, row):
        row.state, row.reading = UNREAD, _unread("CHANGED", reference)
        return
    place = ward_named(session, town, found.ward)
    row.locality_id = (place or town).id
    group = committee_for(session, town.id)
    source = reports.source_for(
        session,
        now,
        group=group.id if group else None,
        number=f"{row.number(session)}:{found.collector or found.id}",
    )
    new = _report(session, now, found, place or town, source, named=place is not None)
    incident = reports.record(session, now, new).incident
    row.reading = {"command": "REPORT", "reference": incident.reference}


def read_as(session: Session, row: Inbound) -> Mapping[str, Any]:
    """The answers of a row under our questions' names, by the matching of its source if it has one; ValueError for no answers."""
    told = json.loads(row.text(session))
    if not isinstance(told, dict):
        raise NoSubmission("It is no JSON object.")
    stands = session.get(Collection, str(row.details.get("server", "")))
    return matching.applied(Matching.of(stands.matching), told) if stands and stands.matching else told


def again(session: Session) -> int:
    """Let those wait once more that nobody could read, of each source whose form was matched since; return how many."""
    stands = session.scalars(select(Collection).where(Collection.again)).all()
    names = {one.name for one in stands}
    rows = (
        session.scalars(select(Inbound).where(Inbound.kind == FORM, Inbound.state == UNREAD)) if names else ()
    )
    done = 0
    for row in rows:
        if row.details.get("server") in names and (row.reading or {}).get("reason") == "NO_FORM":
            done += claim(session, Inbound, row.id, {"state": UNREAD}, {"state": WAITING})
    for one in stands:
        one.again = False
    return done


def report_of(row: Inbound) -> UUID:
    """The id that the report of a submission has or would have: every version of it has the same."""
    first = next(iter(row.details.get("before", [])), row.provider_id)
    return submissions.id_of(str(first).removeprefix("form:"))


def _unread(reason: str, reference: str = "") -> dict[str, str]:
    told = {"command": "UNREAD", "reason": reason}
    return {**told, "reference": reference} if reference else told


def _there(row: Inbound, there: Incident) -> None:
    """The same submission by another way is read; a later version of it, or a number that is another report's, is for a person."""
    if "before" in row.details or there.channel not in ("form", "csv"):
        row.state, row.reading = UNREAD, _unread("CHANGED", there.reference)
    else:
        row.reading = {"command": "REPORT", "reference": there.reference}


def _reference(session: Session, row: Inbound) -> str:
    """The reference of the report that an earlier version of a submission became; nothing where none did."""
    earlier = Inbound.provider_id.in_(row.details.get("before", []))
    told = [one.reading or {} for one in session.scalars(select(Inbound).where(earlier))]
    return next((str(one["reference"]) for one in told if one.get("reference")), "")


def _report(
    session: Session,
    now: datetime,
    found: Submission,
    place: Locality,
    source: reports.Source,
    *,
    named: bool,
) -> NewReport:
    written = f"ward: {found.ward}" if found.ward and not named else ""
    return NewReport(
        id=found.id,
        locality=place,
        kind=found.kind,
        occurred_at=_moment(session, now, found, place),
        how_known=found.how_known,
        channel="form",
        source=source,
        ongoing=found.ongoing,
        people=found.people,
        text="\n".join(part for part in (found.text, written) if part),
        spot=found.spot,
        logged_for_other=bool(found.collector),
    )


def _moment(session: Session, now: datetime, found: Submission, place: Locality) -> datetime:
    """Noon of the day that was given, never later than it came, nor than it was sent on that day.

    A day after the sending is no mistake of whoever gave it: the sender's clock was wrong.
    """
    zone = zone_of(session, place)
    sent = min(found.sent_at or now, now)
    if found.day is None:
        return sent
    noon = submissions.at_noon(found.day).replace(tzinfo=zone)
    return min(noon, sent if sent.astimezone(zone).date() == found.day else now)


def _town(session: Session, row: Inbound) -> Locality:
    """The town that the settings name for this source; the first committee's where it is not there, since somebody must look at it."""
    code = str(row.details.get("place", ""))
    place = session.scalars(select(Locality).where(Locality.code == code)).first()
    if place is not None:
        return place
    body = session.scalars(select(Committee).order_by(Committee.code)).first()
    if body is None:
        raise NotFound("There is no committee yet.", "Load a seed file first.")
    return session.get_one(Locality, body.locality_id)


def ward_named(session: Session, town: Locality, named: str) -> Locality | None:
    """The place at or below a town that a form names: by its code, its number or its name in any language."""
    below = select(LocalityPath.descendant_id).where(LocalityPath.ancestor_id == town.id)
    words = named.casefold().strip()
    for place in session.scalars(select(Locality).where(Locality.id.in_(below)).order_by(Locality.code)):
        own = {place.code, str(place.number or ""), *map(str, place.names.values())} - {""}
        if words in {name.casefold() for name in own}:
            return place
    return None


def letter(session: Session, now: datetime, rng: random.Random, row: Inbound) -> None:
    """Record the letter of a member that is proven to be theirs and answer it; keep every other one for a person."""
    address, text = row.number(session), row.text(session)
    words = text[: int(row.details.get("new", 0))].strip()
    row.sender = cipher(session).index(address)
    if row.details.get("automatic"):
        row.state, row.reading = IGNORED, {"command": "UNREAD", "reason": "AUTOMATIC"}
        return
    who = writer.find(session, address, words, "email")
    row.person_id = who.person.id if who.person else None
    row.locality_id = who.place.id if who.known else _town(session, row).id
    if who.known and who.contact is not None:
        who.contact.heard_at = now
    if not who.known or not row.details.get("proven") or not words:
        why = "EMPTY" if not words else "NOT_PROVEN"
        row.state, row.reading = UNREAD, {"command": "UNREAD", "reason": why}
        return
    session.flush()
    talk = Talk(session, now, rng, row, who, Reading(words, Command.REPORT, text=words))
    talk.note(command=str(Command.REPORT))
    telling.report(talk)
