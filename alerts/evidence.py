"""What each incident weighs, and the running sums per place: O(1) per new, late, corrected, merged or withdrawn incident.

Per (place, form answer, local day) the k largest weights count, k = distinct sources, so that one source
counts once. Every change of a weight is kept (EvidenceChange), so that a score can be computed as it was
known at any past time. The formula is risk/scoring.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import ForeignKey, Index, func, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from alerts.risk import scoring
from alerts.risk.scoring import RunningSum
from committees import catalogue
from committees.incidents import COUNTED, Incident
from committees.places import Country, Locality, LocalityPath, load_above, local_day, upwards, zone_of
from committees.reports import Report
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


class EvidenceChange(Keyed, Base):
    """A change of one incident's counted weight, and since when it was known. Append-only."""

    __tablename__ = "evidence_change"
    __table_args__ = (Index("ix_evidence_change_known", "locality_id", "known_at"),)

    incident_id: Mapped[UUID]
    locality_id: Mapped[UUID]
    known_at: Mapped[datetime]
    event_at: Mapped[datetime]
    fast: Mapped[float]
    slow: Mapped[float]
    count: Mapped[int]


class RiskState(Base):
    """The running sums of a place and below, and where its level stands."""

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
    kappa: Mapped[float] = mapped_column(default=1.0)
    level: Mapped[int] = mapped_column(default=0)
    known: Mapped[bool] = mapped_column(default=False)
    p28: Mapped[float] = mapped_column(default=0.0)
    since: Mapped[datetime | None]
    before: Mapped[int] = mapped_column(default=0)
    open_tasks: Mapped[int] = mapped_column(default=0)
    assessed_at: Mapped[datetime | None] = mapped_column(index=True)

    def sum(self, name: str, half_life: float) -> RunningSum:
        """One of the four sums as a value object."""
        return RunningSum(half_life, getattr(self, name), getattr(self, f"{name}_at"))

    def put(self, name: str, running: RunningSum) -> None:
        """Store a sum back."""
        setattr(self, name, running.value)
        setattr(self, f"{name}_at", running.as_of)


class WeekCount(Base):
    """How many incidents a place counted in one local week (its Monday), and how many of them were violent.

    The memory of the surge probability (violent) and of what is usual for a place (counted).
    """

    __tablename__ = "week_count"

    locality_id: Mapped[UUID] = mapped_column(ForeignKey("locality.id"), primary_key=True)
    week: Mapped[date] = mapped_column(primary_key=True)
    violent: Mapped[int] = mapped_column(default=0)
    counted: Mapped[int] = mapped_column(default=0)


def state_of(session: Session, locality_id: UUID) -> RiskState:
    """The risk state of a place, made on first use."""
    found = session.get(RiskState, locality_id)
    if found is None:
        found = RiskState(
            locality_id=locality_id,
            fast=0.0,
            slow=0.0,
            count_fast=0.0,
            count_slow=0.0,
            kappa=1.0,
            level=0,
            known=False,
            p28=0.0,
            before=0,
            open_tasks=0,
        )
        session.add(found)
        session.flush()
    return found


def weight_of(incident: Incident) -> float:
    """What an incident may weigh at most: 0 where it is not scored (private matters, unknown sources, not true, merged, withdrawn)."""
    kind = catalogue.kind(incident.kind)
    if (
        not kind.scored
        or incident.path == "private_matter"
        or incident.state not in COUNTED
        or not incident.known_source
    ):
        return 0.0
    grade = f"{incident.reliability}{incident.credibility}" if incident.graded else None
    return scoring.incident_weight(incident.severity, scoring.grade_weight(grade), kind.multiplier)


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


def evidence_of(session: Session, incident: Incident) -> Evidence:
    """What an incident weighs in which cell, counting nothing yet; the row is not stored."""
    kind = catalogue.kind(incident.kind)
    return Evidence(
        incident_id=incident.id,
        locality_id=incident.locality_id,
        category=cell_category(incident),
        day=local_day(
            incident.occurred_at, zone_of(session, session.get_one(Locality, incident.locality_id))
        ),
        event_at=incident.occurred_at,
        weight=weight_of(incident),
        counted=0.0,
        fast=kind.fast,
        slow=kind.slow,
        violent=is_violent(incident),
    )


def take_in(session: Session, now: datetime, incidents: Sequence[Incident]) -> list[UUID]:
    """Bring the sums up to date with incidents; return the places whose sums changed, those of the incidents first.

    Each cell is counted again once, however many of its incidents came together.
    """
    load_above(session, [incident.locality_id for incident in incidents])
    found = session.scalars(
        select(Evidence).where(Evidence.incident_id.in_([incident.id for incident in incidents]))
    )
    rows = {row.incident_id: row for row in found}
    # Imported history is known since its own days; what comes live is known together, now.
    known: dict[datetime, list[Incident]] = {}
    for incident in incidents:
        known.setdefault(now if incident.id in rows else known_when(incident, now), []).append(incident)
    own: list[UUID] = []
    changed: list[UUID] = []
    for known_at, together in known.items():
        changed += _take_in(session, known_at, together, rows)
        own += [rows[incident.id].locality_id for incident in together]
    return list(dict.fromkeys([*own, *changed]))


def _take_in(
    session: Session, known_at: datetime, incidents: Sequence[Incident], rows: dict[UUID, Evidence]
) -> list[UUID]:
    are_now = [evidence_of(session, incident) for incident in incidents]
    moving = [
        (row, is_now)
        for is_now in are_now
        if (row := rows.get(is_now.incident_id))
        and any(getattr(row, name) != getattr(is_now, name) for name in STANDS)
    ]
    # What moves: what it counted leaves the old place and time before it enters the new.
    left = [cell_of(row) for row, _ in moving]
    for row, _ in moving:
        row.weight = 0.0
    _recount(session, known_at, left)
    for row, is_now in moving:
        for name in STANDS:
            setattr(row, name, getattr(is_now, name))
    for is_now in are_now:
        row = rows.setdefault(is_now.incident_id, is_now)
        row.weight = is_now.weight
        if row is is_now:
            session.add(row)
    changed = _recount(session, known_at, [cell_of(rows[is_now.incident_id]) for is_now in are_now])
    return [*changed, *(place_id for place_id, _, _ in left)]


def cell_of(row: Evidence) -> Cell:
    """Where one source counts once: the place, the form's answer, the local day."""
    return row.locality_id, row.category, row.day


def _recount(session: Session, known_at: datetime, cells: Iterable[Cell]) -> list[UUID]:
    """Count the k heaviest of each cell, k = its distinct sources, and move the sums by the differences."""
    wanted = set(cells)
    if not wanted:
        return []
    session.flush()
    states = load_states(session, {place_id for place_id, _, _ in wanted})
    changed: list[UUID] = []
    for row, counts in _standing(session, wanted):
        target = row.weight if counts else 0.0
        if target != row.counted:
            changed += _move(session, known_at, row, target)
    session.flush()
    del states
    return changed


def _standing(session: Session, wanted: set[Cell]) -> list[tuple[Evidence, bool]]:
    """The rows of these cells that count or counted before, and whether each counts now."""
    places, categories, days = (set(part) for part in zip(*wanted, strict=True))
    cell = (Evidence.locality_id, Evidence.category, Evidence.day)
    within = (cell[0].in_(places), cell[1].in_(categories), cell[2].in_(days))
    counting = select(*cell, func.count(Report.source_id.distinct())).join(
        Report, Report.incident_id == Evidence.incident_id
    )
    counting = counting.where(*within, Evidence.weight > 0).group_by(*cell)
    sources = {(place, category, day): n for place, category, day, n in session.execute(counting).all()}
    heaviest_first = func.row_number().over(
        partition_by=cell, order_by=(Evidence.weight.desc(), Evidence.incident_id)
    )
    ranked = (
        select(Evidence.incident_id, heaviest_first.label("rank"))
        .where(*within, Evidence.weight > 0)
        .subquery()
    )
    rows = select(Evidence, ranked.c.rank).outerjoin(ranked, ranked.c.incident_id == Evidence.incident_id)
    most = max(sources.values(), default=0)
    rows = rows.where(*within, or_(Evidence.counted > 0, ranked.c.rank <= most))
    return [
        (row, rank is not None and rank <= sources.get(cell_of(row), 0))
        for row, rank in session.execute(rows.order_by(Evidence.event_at, Evidence.incident_id)).all()
        if cell_of(row) in wanted
    ]


def _move(session: Session, known_at: datetime, row: Evidence, target: float) -> list[UUID]:
    difference, step = target - row.counted, (target > 0) - (row.counted > 0)
    row.counted = target
    fast, slow = difference if row.fast else 0.0, difference if row.slow else 0.0
    session.add(
        EvidenceChange(
            incident_id=row.incident_id,
            locality_id=row.locality_id,
            known_at=known_at,
            event_at=row.event_at,
            fast=fast,
            slow=slow,
            count=step,
        )
    )
    places = scored_above(session, row.locality_id)
    for place_id in places:
        add_to(state_of(session, place_id), row.event_at, fast, slow, step)
        if step:
            _count_week(session, place_id, row, step)
    return places


def add_to(state: RiskState, event_at: datetime, fast: float, slow: float, step: int) -> None:
    """Move the four sums of a place by the change of one weight, and by `step` in the counts."""
    c = scoring.STARTER
    for name, amount, half_life in (
        ("fast", fast, c.half_life_fast),
        ("slow", slow, c.half_life_slow),
        ("count_fast", float(step), c.half_life_fast),
        ("count_slow", float(step), c.half_life_slow),
    ):
        if amount:
            state.put(name, state.sum(name, half_life).add(event_at, amount))


def _count_week(session: Session, locality_id: UUID, row: Evidence, step: int) -> None:
    monday = row.day - timedelta(days=row.day.weekday())
    found = session.get(WeekCount, (locality_id, monday))
    if found is None:
        found = WeekCount(locality_id=locality_id, week=monday, violent=0, counted=0)
        session.add(found)
    found.counted += step
    found.violent += step if row.violent else 0


def scored_above(session: Session, locality_id: UUID) -> list[UUID]:
    """The place and those above it whose level its country scores, nearest first."""
    places = upwards(session, locality_id)
    return [
        place.id
        for place in places
        if place.id == locality_id
        or place.level in session.get_one(Country, place.country_code).scored_levels
    ]


def load_states(session: Session, locality_ids: Iterable[UUID]) -> list[RiskState]:
    """The risk states of these places and of those above them, read at once: `state_of` finds them while this list is held."""
    above = select(LocalityPath.ancestor_id).where(LocalityPath.descendant_id.in_(set(locality_ids)))
    return list(session.scalars(select(RiskState).where(RiskState.locality_id.in_(above))))


Change = tuple[datetime, datetime, float, float]


def changes_of(session: Session, locality_id: UUID, until: datetime) -> list[Change]:
    """The changes of weights at a place and below that were known by `until`: (known at, happened at, fast, slow) by event time."""
    below = select(LocalityPath.descendant_id).where(LocalityPath.ancestor_id == locality_id)
    rows = select(EvidenceChange.known_at, EvidenceChange.event_at, EvidenceChange.fast, EvidenceChange.slow)
    rows = rows.where(EvidenceChange.locality_id.in_(below), EvidenceChange.known_at <= until)
    found = session.execute(rows.order_by(EvidenceChange.event_at, EvidenceChange.id))
    return [(known, happened, fast, slow) for known, happened, fast, slow in found.all()]


def sums_then(changes: list[Change], at: datetime) -> tuple[float, float]:
    """F and S as they were known at a past time, summed from the changes."""
    fast, slow = RunningSum(scoring.STARTER.half_life_fast), RunningSum(scoring.STARTER.half_life_slow)
    for known_at, event_at, fast_weight, slow_weight in changes:
        if known_at <= at:
            fast, slow = fast.add(event_at, fast_weight), slow.add(event_at, slow_weight)
    return _read(fast, at), _read(slow, at)


def _read(running: RunningSum, at: datetime) -> float:
    # An event dated only by its day stands at noon and may lie up to a day ahead of the moment asked for.
    if running.as_of is None:
        return 0.0
    return max(0.0, running.value * scoring.decay(scoring.days_between(running.as_of, at), running.half_life))


def fast_at(session: Session, state: RiskState, at: datetime) -> float:
    """F of a state at a moment, never below 0."""
    return _read(state.sum("fast", scoring.STARTER.half_life_fast), at)


def slow_at(session: Session, state: RiskState, at: datetime) -> float:
    """S of a state at a moment, never below 0."""
    return _read(state.sum("slow", scoring.STARTER.half_life_slow), at)


def counts_at(state: RiskState, at: datetime) -> tuple[float, float]:
    """The unweighted decayed counts of 14 and 180 days at a moment."""
    c = scoring.STARTER
    return _read(state.sum("count_fast", c.half_life_fast), at), _read(
        state.sum("count_slow", c.half_life_slow), at
    )
