"""The worker's side of reports without a name: each becomes a report like all others, is grouped with those alike, or is erased.

All of a town share one unknown source: they score nothing before a person has verified them, and what one source says of one thing on one
day counts once, however many wrote (threat T3). Called by jobs.py only.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from committees import incidents, reports, unnamed
from committees.committee import committee_for
from committees.incidents import Incident, IncidentPlace, IncidentText
from committees.places import by_code
from committees.reports import NewReport, Source
from committees.unnamed import UnnamedCase, UnnamedMessage
from foundation import journal
from foundation.crypto import cipher
from foundation.db import insert_new, new_id

CHANNEL = "unnamed"
LOOK_BACK = timedelta(hours=24)
ALIKE = 0.7  # shared pairs of words of two texts
BATCH = 50


def waiting(session: Session, now: datetime) -> list[UUID]:
    """The cases that the worker must take in, erase, or forget because nobody wrote for 90 days."""
    due = or_(
        UnnamedCase.taken_at.is_(None),
        UnnamedCase.erase_at.is_not(None),
        UnnamedCase.last_at <= now - unnamed.KEEP,
    )
    rows = select(UnnamedCase.id).where(due).order_by(UnnamedCase.received_at, UnnamedCase.id)
    return list(session.scalars(rows.limit(BATCH)))


def work(session: Session, now: datetime, only: UUID | None = None) -> int:
    """Take in and erase what waits; return how much was done."""
    keys = [only] if only else waiting(session, now)
    for key in keys:
        # Held, so that what its reporter changes at this moment is neither lost nor taken in by halves.
        case = session.get(UnnamedCase, key, with_for_update=True, populate_existing=True)
        if case is None:
            continue
        if case.erase_at is not None:
            _erase(session, now, case)
        elif case.taken_at is None:
            _take_in(session, now, case)
        else:
            unnamed.drop(session, case)  # the report stays with the committee, as all others do
    session.flush()
    return len(keys)


def _take_in(session: Session, now: datetime, case: UnnamedCase) -> None:
    answers = json.loads(case.answers(session))
    if session.get(Incident, case.id) is not None:
        case = _anew(session, case)
    case.alike_id = _first_alike(session, now, case, answers)
    reports.record(
        session,
        now,
        NewReport(
            id=case.id,
            locality=by_code(session, answers["ward"]),
            kind=answers["kind"],
            occurred_at=datetime.fromisoformat(answers["occurred_at"]),
            how_known=answers["how_known"],
            channel=CHANNEL,
            source=_source(session, now, case.locality_id),
            ongoing=answers["ongoing"],
            people=answers["people"],
            part_of_day=answers["part_of_day"],
            text=answers["text"],
            spot=answers["spot"],
            landmark=answers["landmark"],
            withheld_from=frozenset(case.withheld_from.split()),
            language=case.language,
        ),
    )
    case.taken_at, case.answers_sealed = now, None


def _anew(session: Session, case: UnnamedCase) -> UnnamedCase:
    """The same case under an id of its own: its form was sent before and taken back, and what is withdrawn stays withdrawn."""
    key = new_id()
    row = UnnamedCase(
        id=key,
        source_id=case.source_id,
        locality_id=case.locality_id,
        withheld_from=case.withheld_from,
        language=case.language,
        answers_sealed=cipher(session).seal("unnamed_case.answers", key, case.answers(session)),
        said=case.said,
        received_at=case.received_at,
        waits_since=case.waits_since,
        last_at=case.last_at,
    )
    session.add(row)
    session.flush()
    session.execute(update(UnnamedMessage).where(UnnamedMessage.case_id == case.id).values(case_id=key))
    session.delete(case)
    session.flush()
    return row


def _source(session: Session, now: datetime, town_id: UUID) -> Source:
    """The one unknown source that stands for everybody of a town who gives no name."""
    key = cipher(session).handle("unnamed_source", town_id)
    if found := session.get(Source, key):
        return found
    body = committee_for(session, town_id)
    row = Source(id=key, committee_id=body.id if body else None, known=False, kind=CHANNEL, first_at=now)
    return row if insert_new(session, row) else session.get_one(Source, key)


def _first_alike(session: Session, now: datetime, case: UnnamedCase, answers: dict[str, str]) -> UUID | None:
    """The first case of the last day that says nearly the same of the same ward: grouped with it, never dropped."""
    mine = pairs(answers["text"])
    rows = (
        select(UnnamedCase, IncidentText, Incident)
        .join(Incident, Incident.id == UnnamedCase.id)
        .join(IncidentText, IncidentText.incident_id == Incident.id)
        .where(
            UnnamedCase.locality_id == case.locality_id,
            UnnamedCase.received_at > now - LOOK_BACK,
            UnnamedCase.withheld_from == case.withheld_from,
        )
    )
    for other, text, incident in session.execute(rows.order_by(UnnamedCase.received_at)).all():
        there = by_code(session, answers["ward"]).id == incident.locality_id
        theirs = pairs(text.text(session))
        if there and mine and theirs and len(mine & theirs) / len(mine | theirs) >= ALIKE:
            return other.alike_id or other.id
    return None


def pairs(text: str) -> frozenset[tuple[str, str]]:
    """Neighbouring words of a text, without marks and case: what two tellings of one thing share."""
    words = ["".join(c for c in word if c.isalnum()) for word in text.casefold().split()]
    words = [word for word in words if word]
    return (
        frozenset(zip(words, words[1:], strict=False))
        if len(words) > 1
        else frozenset((w, "") for w in words)
    )


def _erase(session: Session, now: datetime, case: UnnamedCase) -> None:
    """Wipe what was written and where exactly; a report that nobody has checked yet is withdrawn, a checked one stays a fact."""
    incident = session.get(Incident, case.id)
    session.execute(delete(IncidentText).where(IncidentText.incident_id == case.id))
    session.execute(delete(IncidentPlace).where(IncidentPlace.incident_id == case.id))
    if incident and incident.state == incidents.REPORTED:
        incident.state = incidents.WITHDRAWN
        incidents.touch(incident)
    journal.record(session, now, "unnamed:erase", "incident", case.id, locality_id=case.locality_id)
    unnamed.drop(session, case)
