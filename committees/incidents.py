"""What happened: an incident, split into tables by how sensitive each part is.

Core (ward, hour, kind, grade), exact place, text as received, shareable summary, and the line of tension stand in five tables, because
rows can be hidden and columns cannot. Every part carries place, marking and exclusions. How a report becomes an incident is reports.py;
how a person grades it is verification.py.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, Session, mapped_column

from foundation.crypto import cipher
from foundation.db import Base, Keyed
from foundation.policy import MARKINGS

REPORTED, VERIFIED, UNABLE, NOT_TRUE = "reported", "verified", "unable_to_verify", "not_true"
MERGED, WITHDRAWN = "merged", "withdrawn"
STATES = (REPORTED, VERIFIED, UNABLE, NOT_TRUE, MERGED, WITHDRAWN)
COUNTED = (REPORTED, VERIFIED, UNABLE)
HOW_KNOWN = ("saw", "told", "heard", "media")
CREDIBILITY = {"saw": 2, "told": 3, "heard": 4, "media": 4}
PEOPLE = ("1-5", "6-20", "21-100", "100+", "unknown")
ONGOING = ("yes", "no", "unknown")


class Marked:
    """What every part of an incident carries for the policy: place, marking and exclusions."""

    locality_id: Mapped[UUID] = mapped_column(ForeignKey("locality.id"), index=True)
    marking: Mapped[str] = mapped_column(default="AMBER+STRICT")
    sensitive: Mapped[bool] = mapped_column(default=False)
    withheld_from: Mapped[str] = mapped_column(default="")


class Incident(Keyed, Marked, Base):
    """The core of an incident: ward, hour, kind, severity, grade, state. `pending` says that the engine has not scored this version."""

    __tablename__ = "incident"
    # What waits at a place and what came in the last weeks is asked at every score: its cost must not grow with history.
    __table_args__ = (
        UniqueConstraint("town_id", "reference"),
        Index("ix_incident_recent", "locality_id", "known_at"),
        Index("ix_incident_waiting", "state", "locality_id"),
    )

    reference: Mapped[str]
    town_id: Mapped[UUID] = mapped_column(ForeignKey("locality.id"))
    source_id: Mapped[UUID] = mapped_column(index=True)
    kind: Mapped[str]
    severity: Mapped[int]
    occurred_at: Mapped[datetime]
    part_of_day: Mapped[str] = mapped_column(default="")
    how_known: Mapped[str]
    ongoing: Mapped[str] = mapped_column(default="unknown")
    people: Mapped[str] = mapped_column(default="unknown")
    path: Mapped[str] = mapped_column(default="")
    state: Mapped[str] = mapped_column(default=REPORTED)
    reliability: Mapped[str] = mapped_column(default="F")
    credibility: Mapped[int] = mapped_column(default=6)
    graded: Mapped[bool] = mapped_column(default=True)
    known_source: Mapped[bool] = mapped_column(default=True)
    threat: Mapped[str] = mapped_column(default="unsorted")
    origin: Mapped[str] = mapped_column(default="live")
    channel: Mapped[str] = mapped_column(default="web")
    received_at: Mapped[datetime] = mapped_column(index=True)
    known_at: Mapped[datetime]
    merged_into_id: Mapped[UUID | None] = mapped_column(ForeignKey("incident.id"))
    verified_at: Mapped[datetime | None]
    verified_by: Mapped[UUID | None]
    pending: Mapped[bool] = mapped_column(default=True, index=True)
    version: Mapped[int] = mapped_column(default=1)
    sources: Mapped[int] = mapped_column(default=1)


class IncidentPlace(Marked, Base):
    """The exact spot and minute, kept 90 days."""

    __tablename__ = "incident_place"

    incident_id: Mapped[UUID] = mapped_column(ForeignKey("incident.id"), primary_key=True)
    landmark: Mapped[str] = mapped_column(default="")
    spot_sealed: Mapped[str | None]
    exact_at: Mapped[datetime | None]

    def spot(self, session: Session) -> str:
        """What the reporter wrote about where, opened."""
        return (
            cipher(session).open("incident_place.spot", self.incident_id, self.spot_sealed)
            if self.spot_sealed
            else ""
        )


class IncidentText(Marked, Base):
    """What was written, as received, sealed."""

    __tablename__ = "incident_text"

    incident_id: Mapped[UUID] = mapped_column(ForeignKey("incident.id"), primary_key=True)
    text_sealed: Mapped[str]

    def text(self, session: Session) -> str:
        """The words as they came, opened."""
        return cipher(session).open("incident_text.text", self.incident_id, self.text_sealed)


class IncidentSummary(Marked, Base):
    """The committee's own sentence for others: no name, no story."""

    __tablename__ = "incident_summary"

    incident_id: Mapped[UUID] = mapped_column(ForeignKey("incident.id"), primary_key=True)
    text: Mapped[str]
    written_at: Mapped[datetime]


class IncidentGroup(Marked, Base):
    """Which line of tension it touches, as the reporter put it: a group of kinds, never a person's community."""

    __tablename__ = "incident_group"

    incident_id: Mapped[UUID] = mapped_column(ForeignKey("incident.id"), primary_key=True)
    about: Mapped[str]


PARTS = (IncidentPlace, IncidentText, IncidentSummary, IncidentGroup)


def mark(
    session: Session,
    incident: Incident,
    *,
    marking: str | None = None,
    sensitive: bool | None = None,
    withheld_from: str | None = None,
) -> None:
    """Set the marking, sensitivity or exclusions of an incident and of all its parts together."""
    if marking is not None and marking not in MARKINGS:
        raise ValueError(f"{marking!r} is not a marking")
    rows: list[Marked | None] = [incident, *(session.get(part, incident.id) for part in PARTS)]  # type: ignore[list-item]
    for row in rows:
        if row is not None:
            row.marking = marking or row.marking
            row.sensitive = row.sensitive if sensitive is None else sensitive
            row.withheld_from = row.withheld_from if withheld_from is None else withheld_from


def touch(incident: Incident) -> None:
    """Say that the engine must look at this incident again."""
    incident.pending = True
    incident.version += 1
