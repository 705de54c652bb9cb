"""A CAP message of another system becomes a report of whoever sends it, to be checked by the committee like any other.

What lives here: which place is meant and what a message does. What does not: reading the XML (committees/intake/cap.py), and alerts:
a stranger's warning never becomes one of ours by itself. The API's door calls it.

Alert and Update are each a report; Cancel withdraws the sender's own earlier reports that it refers to; Ack and Error change nothing.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid5

from sqlalchemy import select
from sqlalchemy.orm import Session

from committees import reports
from committees.catalogue import KINDS
from committees.incidents import WITHDRAWN, Incident
from committees.intake.cap import CapDocument, Info
from committees.intake.foreign_places import ForeignPlaces
from committees.places import Locality, LocalityPath
from committees.reports import NewReport, Report, Source
from foundation.errors import Invalid

NAMES = UUID(
    "6f2a0b4e-8f0d-4f5b-9d0e-0d3f2f6c7a11"
)  # under which a foreign message's name becomes an id of ours
AHEAD = timedelta(minutes=5)
LONGEST = 2000
TAKEN, REPEATED, CANCELLED, NOTED = "taken", "repeated", "cancelled", "noted"
HOW_KNOWN = {"Observed": "told", "Likely": "told"}


@dataclass(frozen=True)
class Taken:
    """What became of a message: the word, and the incidents that it made or withdrew."""

    outcome: str
    incidents: tuple[Incident, ...] = ()


def id_of(sender: str, identifier: str) -> UUID:
    """The id of ours that a foreign message always has: sending it twice is sending it once."""
    return uuid5(NAMES, f"{sender},{identifier}")


def place_of(session: Session, message: CapDocument, within: list[UUID]) -> Locality:
    """The place of ours that a message means: by a code, else by its words among the places at or below `within`."""
    places = ForeignPlaces(session)
    areas = [area for info in message.infos for area in info.areas]
    for area in areas:
        for _scheme, code in area.codes:
            if found := places.known(code):
                return found
    words = {area.words.casefold() for area in areas}
    below = select(LocalityPath.descendant_id).where(LocalityPath.ancestor_id.in_(within))
    for place in session.scalars(select(Locality).where(Locality.id.in_(below)).order_by(Locality.depth)):
        if words & {str(name).casefold() for name in place.names.values()}:
            return place
    raise Invalid(
        "document",
        "No area of this message is a place that we know.",
        "Name one in a <geocode>: a code from /api/v1/localities, an ISO 3166-2 code or a P-code.",
    )


def check(message: CapDocument) -> None:
    """Raise Invalid for a message that is not meant in earnest."""
    if message.status != "Actual":
        raise Invalid(
            "document",
            f"This message is marked {message.status}, so nothing was recorded.",
            "Send messages whose <status> is Actual.",
        )


def reports_something(message: CapDocument) -> bool:
    """Whether a message says that something happened; Ack and Error do not."""
    return message.kind in ("Alert", "Update")


def record(
    session: Session, now: datetime, message: CapDocument, place: Locality, source: Source, language: str
) -> Taken:
    """Record a message as a report of its sender; raise Invalid with what to do."""
    done = reports.record(session, now, _report(now, message, place, source, language))
    return Taken(TAKEN if done.created else REPEATED, (done.incident,))


def cancel(session: Session, now: datetime, message: CapDocument, handles: Collection[UUID]) -> Taken:
    """Withdraw the sender's own reports that a Cancel refers to; `handles` are the sources that the sender reports under."""
    wanted = [id_of(sender, key) for sender, key, _ in message.references if sender == message.sender]
    rows = select(Incident).join(Report, Report.id == Incident.id)
    rows = rows.where(Report.id.in_(wanted), Report.source_id.in_(handles))
    found = [row for row in session.scalars(rows) if row.state != WITHDRAWN]
    for incident in found:
        reports.withdraw(session, now, incident)
    return Taken(CANCELLED if found else NOTED, tuple(found))


def _report(now: datetime, message: CapDocument, place: Locality, source: Source, language: str) -> NewReport:
    info = _best(message, language)
    at = info.onset or info.effective or message.sent
    if at > now + AHEAD:
        raise Invalid(
            "document",
            "This message is about something that has not happened yet.",
            "Enter it as a date in the calendar of the place: /api/v1/localities/CODE/dates.",
        )
    text = "\n".join(part for part in (info.event, info.headline, info.description) if part)
    if len(text) > LONGEST:
        raise Invalid(
            "document",
            f"The words of this message are too long: {len(text)} letters.",
            f"Send at most {LONGEST}.",
        )
    return NewReport(
        id=id_of(message.sender, message.identifier),
        locality=place,
        kind=_kind(info),
        occurred_at=at,
        how_known=HOW_KNOWN.get(info.certainty, "heard"),
        channel="cap",
        source=source,
        text=text,
        language=info.language[:2],
    )


def _best(message: CapDocument, language: str) -> Info:
    """The part in the reader's language, else in English, else the first."""
    if not message.infos:
        raise Invalid(
            "document",
            "This message says nothing: it has no <info>.",
            "Send the message as it was published.",
        )
    by_language = {info.language[:2]: info for info in reversed(message.infos)}
    return by_language.get(language) or by_language.get("en") or message.infos[0]


def _kind(info: Info) -> str:
    """Our own kind where another Concord named it and it is none that is kept private; else one for the secretary to sort."""
    said = dict(info.codes).get("concord:what", "")
    return said if said in KINDS and not KINDS[said].sensitive else "unsorted"
