"""What each incident weighs under the profile of its place, and the tables of weights and running sums.

What lives here: the rows, and the weight of one incident. How the sums move is sums.py, how they stood at a past time ledger.py, the
formula risk/scoring.py. Anyone in alerts or coordination may import it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, Session, mapped_column

from alerts.risk import scoring
from alerts.risk.numbers import STARTER, Numbers, numbers_of
from alerts.risk.scoring import RunningSum
from committees import catalogue, profiles
from committees.incidents import COUNTED, Incident
from committees.places import Locality, load_above, local_day, upwards, zone_of
from foundation.db import Base, Keyed

VIOLENT_FORMS = ("fight", "damage")
Cell = tuple[UUID, str, date]
STANDS = (
    "locality_id",
    "category",
    "day",
    "event_at",
    "fast",
    "slow",
    "violent",
)  # where the weight of an incident stands, and in which sums


class Evidence(Base):
    """One incident's weight in its cell; `counted` is what entered the sums, after the cap."""

    __tablename__ = "evidence"
    __table_args__ = (
        Index("ix_evidence_cell", "locality_id", "category", "day", "weight"),
        Index("ix_evidence_place", "locality_id", "event_at"),
    )

    incident_id: Mapped[UUID] = mapped_column(ForeignKey("incident.id"), primary_key=True)
    locality_id: Mapped[UUID] = mapped_column(ForeignKey("locality.id"))
    category: Mapped[str]
    day: Mapped[date]
    event_at: Mapped[datetime]
    weight: Mapped[float]
    counted: Mapped[float] = mapped_column(default=0.0)
    fast: Mapped[bool] = mapped_column(default=True)
    slow: Mapped[bool] = mapped_column(default=True)
    violent: Mapped[bool] = mapped_column(default=False)
    changes: Mapped[int] = mapped_column(default=0)

    @property
    def cell(self) -> Cell:
        """Where one source counts once: the place, the form's answer, the local day."""
        return self.locality_id, self.category, self.day

    def count(self, known_at: datetime, target: float) -> EvidenceChange:
        """Let `target` of this weight count from now on; return the change, to be stored."""
        difference, step = target - self.counted, (target > 0) - (self.counted > 0)
        self.counted, self.changes = target, (self.changes or 0) + 1
        return EvidenceChange(
            incident_id=self.incident_id,
            locality_id=self.locality_id,
            known_at=known_at,
            event_at=self.event_at,
            fast=difference if self.fast else 0.0,
            slow=difference if self.slow else 0.0,
            count=step,
            counted=target,
            number=self.changes,
        )


class EvidenceChange(Keyed, Base):
    """A change of one incident's counted weight, and since when it was known: the ledger that the sums must equal. Append-only.

    `fast`, `slow` and `count` are what each sum moved by; `counted` is what the incident counts since then; `number` orders the
    changes of one incident.
    """

    __tablename__ = "evidence_change"
    __table_args__ = (Index("ix_evidence_change_known", "locality_id", "known_at"),)

    incident_id: Mapped[UUID]
    locality_id: Mapped[UUID]
    known_at: Mapped[datetime]
    event_at: Mapped[datetime]
    fast: Mapped[float]
    slow: Mapped[float]
    count: Mapped[int]
    counted: Mapped[float] = mapped_column(default=0.0)
    number: Mapped[int] = mapped_column(default=1)


class RiskState(Base):
    """The running sums of a place and below, with the half-lives they are kept in, and where its level stands.

    `kappa` is the calibration in use; `plain` is P28 without it, which calibration compares with what came. `soft` is X as it was found
    last, `said` its part from people and dates before the bound; `unusual` what detectors
    found last, and when; `weighing` says by which numbers the place's own evidence was weighed; `due` asks for an assessment before its time.
    """

    __tablename__ = "risk_state"

    locality_id: Mapped[UUID] = mapped_column(ForeignKey("locality.id"), primary_key=True)
    fast: Mapped[float] = mapped_column(default=0.0)
    fast_at: Mapped[datetime | None]
    slow: Mapped[float] = mapped_column(default=0.0)
    slow_at: Mapped[datetime | None]
    count_fast: Mapped[float] = mapped_column(default=0.0)
    count_fast_at: Mapped[datetime | None]
    count_slow: Mapped[float] = mapped_column(default=0.0)
    count_slow_at: Mapped[datetime | None]
    half_life_fast: Mapped[float] = mapped_column(default=scoring.STARTER.half_life_fast)
    half_life_slow: Mapped[float] = mapped_column(default=scoring.STARTER.half_life_slow)
    kappa: Mapped[float] = mapped_column(default=1.0)
    level: Mapped[int] = mapped_column(default=0)
    known: Mapped[bool] = mapped_column(default=False)
    p28: Mapped[float] = mapped_column(default=0.0)
    plain: Mapped[float] = mapped_column(default=0.0)
    since: Mapped[datetime | None]
    before: Mapped[int] = mapped_column(default=0)
    open_tasks: Mapped[int] = mapped_column(default=0)
    soft: Mapped[float] = mapped_column(default=0.0)
    said: Mapped[float] = mapped_column(default=0.0)
    unusual: Mapped[dict[str, Any] | None]
    weighing: Mapped[str] = mapped_column(default="")
    due: Mapped[bool] = mapped_column(default=False)
    assessed_at: Mapped[datetime | None] = mapped_column(index=True)

    def sum(self, name: str) -> RunningSum:
        """One of the four sums as a value object. Counts keep the starter's half-lives: the surge was fitted with them."""
        starter = scoring.STARTER
        half_life = {
            "fast": self.half_life_fast,
            "slow": self.half_life_slow,
            "count_fast": starter.half_life_fast,
            "count_slow": starter.half_life_slow,
        }[name]
        return RunningSum(half_life, getattr(self, name), getattr(self, f"{name}_at"))

    def put(self, name: str, running: RunningSum) -> None:
        """Store a sum back."""
        setattr(self, name, running.value)
        setattr(self, f"{name}_at", running.as_of)

    def add(self, event_at: datetime, fast: float, slow: float, step: int) -> None:
        """Move the four sums by the change of one weight, and by `step` in the counts."""
        moves = (("fast", fast), ("slow", slow), ("count_fast", float(step)), ("count_slow", float(step)))
        for name, amount in moves:
            if amount:
                self.put(name, self.sum(name).add(event_at, amount))

    def read(self, name: str, at: datetime) -> float:
        """One of the four sums at a moment, never below 0."""
        return read(self.sum(name), at)


class WeekCount(Base):
    """How many incidents a place counted in one local week (its Monday), and how many of them were violent.

    The memory of the surge probability (violent) and of what is usual for a place (counted).
    """

    __tablename__ = "week_count"

    locality_id: Mapped[UUID] = mapped_column(ForeignKey("locality.id"), primary_key=True)
    week: Mapped[date] = mapped_column(primary_key=True)
    violent: Mapped[int] = mapped_column(default=0)
    counted: Mapped[int] = mapped_column(default=0)


def read(running: RunningSum, at: datetime) -> float:
    """A sum at a moment, never below 0. An event dated only by its day stands at noon, up to a day ahead of the moment asked for."""
    if running.as_of is None:
        return 0.0
    return max(0.0, running.value * scoring.decay(scoring.days_between(running.as_of, at), running.half_life))


def state_of(session: Session, locality_id: UUID) -> RiskState:
    """The risk state of a place, made on first use with the half-lives of its profile."""
    found = session.get(RiskState, locality_id)
    if found is None:
        numbers = numbers_each(session, [locality_id])[locality_id]
        c = numbers.coefficients
        found = RiskState(
            locality_id=locality_id,
            fast=0.0,
            slow=0.0,
            count_fast=0.0,
            count_slow=0.0,
            half_life_fast=c.half_life_fast,
            half_life_slow=c.half_life_slow,
            kappa=1.0,
            level=0,
            known=False,
            p28=0.0,
            plain=0.0,
            soft=0.0,
            said=0.0,
            before=0,
            open_tasks=0,
            weighing=numbers.weighing,
            due=False,
        )
        session.add(found)
        session.flush()
    return found


def numbers_each(session: Session, locality_ids: Iterable[UUID]) -> dict[UUID, Numbers]:
    """The numbers of the profile in force at each place; places under the same profiles share one object."""
    wanted = list(dict.fromkeys(locality_ids))
    load_above(session, wanted)
    above = {key: [place.id for place in upwards(session, key)] for key in wanted}
    made: dict[int, Numbers] = {}
    effective = profiles.in_force_each(session, above)
    for one in effective.values():
        if id(one) not in made:
            made[id(one)] = numbers_of(one.document)
    return {key: made[id(one)] for key, one in effective.items()}


def weight_of(incident: Incident | Any, profile: Numbers = STARTER) -> float:
    """What an incident may weigh at most: 0 where it is not scored (private matters, what only the oversight office
    may know, unknown sources, not true, merged, withdrawn).
    """
    kind = catalogue.kind(incident.kind)
    if (
        not kind.scored
        or incident.path == catalogue.SENSITIVE_PATH
        or catalogue.only_for_oversight(incident.kind, incident.withheld_from)
        or incident.state not in COUNTED
        or not incident.known_source
    ):
        return 0.0
    grade = f"{incident.reliability}{incident.credibility}" if incident.graded else None
    return profile.weight(kind.key, incident.severity, scoring.grade_weight(grade), kind.multiplier)


def is_violent(incident: Incident) -> bool:
    """Whether an incident counts as violent for the surge probability."""
    kind = catalogue.kind(incident.kind)
    return kind.form in VIOLENT_FORMS or (kind.key == "imported" and incident.severity >= 3)


def cell_category(incident: Incident) -> str:
    """What stands for "the same thing" where one source counts once a day: the form's answer, or an imported file's own category."""
    kind = catalogue.kind(incident.kind)
    return incident.kind if kind.key == "imported" else kind.form


def known_when(incident: Incident, now: datetime) -> datetime:
    """Since when the first weight of an incident is known: now, but for imported history the day on which a reader could know it."""
    return max(incident.known_at, incident.occurred_at) if incident.origin == "history" else now


def evidence_of(session: Session, incident: Incident, profile: Numbers) -> Evidence:
    """What an incident weighs in which cell, counting nothing yet; the row is not stored."""
    kind = catalogue.kind(incident.kind)
    fast, slow = profile.enters(kind.key, kind.timescale)
    return Evidence(
        incident_id=incident.id,
        locality_id=incident.locality_id,
        category=cell_category(incident),
        day=local_day(
            incident.occurred_at, zone_of(session, session.get_one(Locality, incident.locality_id))
        ),
        event_at=incident.occurred_at,
        weight=weight_of(incident, profile),
        counted=0.0,
        changes=0,
        fast=fast,
        slow=slow,
        violent=is_violent(incident),
    )
