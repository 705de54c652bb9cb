"""How the running sums move: O(1) per new, late, corrected, merged or withdrawn incident.

Per (place, form answer, local day) the k largest weights count, k = distinct sources, so that one source counts once. Every change of a
weight is kept (EvidenceChange) and moves the sums of the place and of the scored places above it. Many incidents of imported
history at once are history.py. Only alerts imports this module.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from alerts.evidence import (
    STANDS,
    Cell,
    Evidence,
    RiskState,
    WeekCount,
    evidence_of,
    known_when,
    numbers_each,
    state_of,
)
from committees.incidents import Incident
from committees.places import Country, LocalityPath, load_above, monday_of, upwards
from committees.reports import Report, Source
from committees.vouching import VOICE


def take_in(session: Session, now: datetime, incidents: Sequence[Incident]) -> list[UUID]:
    """Bring the sums up to date with incidents; return the places whose sums changed, those of the incidents first.

    Each cell is counted again once, however many of its incidents came together.
    """
    if not incidents:
        return []
    load_above(session, [incident.locality_id for incident in incidents])
    found = session.scalars(
        select(Evidence).where(Evidence.incident_id.in_([incident.id for incident in incidents]))
    )
    rows = {row.incident_id: row for row in found}
    places = {i.locality_id for i in incidents} | {row.locality_id for row in rows.values()}
    held = load_states(session, places, hold=True)
    profiles = numbers_each(session, {incident.locality_id for incident in incidents})
    # Imported history is known since its own days; what comes live is known together, now.
    known: dict[datetime, list[Incident]] = {}
    for incident in incidents:
        known.setdefault(now if incident.id in rows else known_when(incident, now), []).append(incident)
    own: list[UUID] = []
    changed: list[UUID] = []
    for known_at, together in known.items():
        are_now = [evidence_of(session, one, profiles[one.locality_id]) for one in together]
        changed += _take_in(session, known_at, are_now, rows)
        own += [rows[incident.id].locality_id for incident in together]
    del held
    return list(dict.fromkeys([*own, *changed]))


def _take_in(
    session: Session, known_at: datetime, are_now: Sequence[Evidence], rows: dict[UUID, Evidence]
) -> list[UUID]:
    moving = [
        (row, is_now)
        for is_now in are_now
        if (row := rows.get(is_now.incident_id))
        and any(getattr(row, name) != getattr(is_now, name) for name in STANDS)
    ]
    # What moves: what it counted leaves the old place and time before it enters the new.
    left = [row.cell for row, _ in moving]
    for row, _ in moving:
        row.weight = 0.0
    recount(session, known_at, left)
    for row, is_now in moving:
        for name in STANDS:
            setattr(row, name, getattr(is_now, name))
    for is_now in are_now:
        row = rows.setdefault(is_now.incident_id, is_now)
        row.weight = is_now.weight
        if row is is_now:
            session.add(row)
    changed = recount(session, known_at, [rows[is_now.incident_id].cell for is_now in are_now])
    return [*changed, *(place_id for place_id, _, _ in left)]


def recount(session: Session, known_at: datetime, cells: Iterable[Cell]) -> list[UUID]:
    """Count the k heaviest of each cell, k = its distinct sources, and move the sums by the differences."""
    wanted = set(cells)
    if not wanted:
        return []
    session.flush()
    changed: list[UUID] = []
    for row, counts in _standing(session, wanted):
        target = row.weight if counts else 0.0
        if target != row.counted:
            changed += _move(session, known_at, row, target)
    session.flush()
    return changed


def _standing(session: Session, wanted: set[Cell]) -> list[tuple[Evidence, bool]]:
    """The rows of these cells that count or counted before, and whether each counts now."""
    places, categories, days = (set(part) for part in zip(*wanted, strict=True))
    cell = (Evidence.locality_id, Evidence.category, Evidence.day)
    within = (cell[0].in_(places), cell[1].in_(categories), cell[2].in_(days))
    counting = (
        select(*cell, func.count(VOICE.distinct()))
        .join(Report, Report.incident_id == Evidence.incident_id)
        .join(Source, Source.id == Report.source_id)
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
    # Read anew: another worker may have counted in this cell before this one held the place.
    rows = rows.order_by(Evidence.event_at, Evidence.incident_id).execution_options(populate_existing=True)
    return [
        (row, rank is not None and rank <= sources.get(row.cell, 0))
        for row, rank in session.execute(rows).all()
        if row.cell in wanted
    ]


def _move(session: Session, known_at: datetime, row: Evidence, target: float) -> list[UUID]:
    change = row.count(known_at, target)
    session.add(change)
    places = scored_above(session, row.locality_id)
    for place_id in places:
        state_of(session, place_id).add(row.event_at, change.fast, change.slow, change.count)
        if change.count:
            _count_week(session, place_id, row, change.count)
    return places


def _count_week(session: Session, locality_id: UUID, row: Evidence, step: int) -> None:
    monday = monday_of(row.day)
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


def load_states(session: Session, locality_ids: Iterable[UUID], *, hold: bool = False) -> list[RiskState]:
    """The risk states of these places and of those above them, read at once: `state_of` finds them while this list is held.

    `hold`: nobody else moves these sums until the commit, because two workers may take in the same place. On SQLite there is one writer
    at a time, and nothing to hold.
    """
    above = select(LocalityPath.ancestor_id).where(LocalityPath.descendant_id.in_(set(locality_ids)))
    rows = select(RiskState).where(RiskState.locality_id.in_(above)).order_by(RiskState.locality_id)
    if hold:
        rows = rows.with_for_update().execution_options(populate_existing=True)
    return list(session.scalars(rows))
