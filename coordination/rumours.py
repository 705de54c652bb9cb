"""Rumours: which reports may tell of the same one, and joining them so that one answer reaches everybody who reported it.

Alike in kind and day; in another ward of the town only if the words are alike too. A person confirms each. Telling is feedback.py.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from committees import catalogue, verification
from committees.incidents import REPORTED, UNABLE, VERIFIED, Incident, IncidentText
from committees.intake.likeness import ALIKE, likeness
from coordination import feedback

FORM = "rumour"
MOST = 12
DAY = timedelta(days=1)


def same_thing(session: Session, incident: Incident) -> list[tuple[Incident, bool]]:
    """The reports that may tell of the same thing, and whether their words are alike; the most alike first."""
    found = verification.similar(session, incident)
    if catalogue.kind(incident.kind).form != FORM:
        return [(other, False) for other in found]
    own = _text(session, incident)
    pairs = [(likeness(own, _text(session, other)), other) for other in found]
    pairs += [pair for pair in _elsewhere(session, incident, own) if pair[0] >= ALIKE]
    pairs.sort(key=lambda pair: (-pair[0], pair[1].received_at))
    return [(other, share >= ALIKE) for share, other in pairs[:MOST]]


def _elsewhere(session: Session, incident: Incident, own: str) -> list[tuple[float, Incident]]:
    """Rumours of other wards of the same town and day, each with how alike its words are."""
    rows = select(Incident).where(
        Incident.town_id == incident.town_id,
        Incident.locality_id != incident.locality_id,
        Incident.id != incident.id,
        Incident.state.in_((REPORTED, VERIFIED, UNABLE)),
        Incident.kind.in_([kind.key for kind in catalogue.KINDS.values() if kind.form == FORM]),
        Incident.occurred_at.between(incident.occurred_at - DAY, incident.occurred_at + DAY),
    )
    rows = rows.order_by(Incident.occurred_at.desc()).limit(200)
    return [(likeness(own, _text(session, other)), other) for other in session.scalars(rows)]


def _text(session: Session, incident: Incident) -> str:
    row = session.get(IncidentText, incident.id)
    return row.text(session) if row else ""


def join(session: Session, now: datetime, duplicate: Incident, into: Incident) -> None:
    """Two reports of one thing become one; whoever reported either is told what was answered already, each once."""
    given = feedback.rumours_answered(session, [duplicate.id, into.id])
    verification.merge(session, now, duplicate, into)
    if given:  # where both were answered, what was found out last
        feedback.answer_rumour(session, now, into, list(given.values())[-1])
