"""What the rules knew of each incident, every time it changed: the memory that lets the past be run again as it was.

An incident's row holds only how it stands now; a rule spoke about what was known then. One row is added whenever
the engine takes an incident in: coded facts only, no text, no exact place, no name. Append-only; only the engine
and what_if.py read it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, Session, mapped_column

from committees.incidents import Incident
from foundation.db import Base, Keyed

FIELDS = (
    "kind",
    "severity",
    "how_known",
    "ongoing",
    "path",
    "state",
    "reliability",
    "credibility",
    "graded",
    "known_source",
    "threat",
    "sensitive",
    "withheld_from",
)


class SeenIncident(Keyed, Base):
    """One incident as it stood from a moment on; `facts` holds FIELDS."""

    __tablename__ = "seen_incident"
    __table_args__ = (Index("ix_seen_incident_place", "locality_id", "at"),)

    incident_id: Mapped[UUID] = mapped_column(ForeignKey("incident.id"), index=True)
    locality_id: Mapped[UUID] = mapped_column(ForeignKey("locality.id"))
    at: Mapped[datetime]
    occurred_at: Mapped[datetime]
    merged_into_id: Mapped[UUID | None]
    facts: Mapped[dict[str, Any]]


def keep(session: Session, now: datetime, incidents: Iterable[Incident]) -> None:
    """Remember how live incidents stand now; imported history speaks to no rule and changes no more."""
    session.add_all(
        SeenIncident(
            incident_id=incident.id,
            locality_id=incident.locality_id,
            at=now,
            occurred_at=incident.occurred_at,
            merged_into_id=incident.merged_into_id,
            facts={name: getattr(incident, name) for name in FIELDS},
        )
        for incident in incidents
        if incident.origin == "live"
    )
