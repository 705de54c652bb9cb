"""Takes imported history into the running sums, many incidents at once: the same rows as evidence.take_in makes one by one.

Only for incidents of origin "history" that were never weighed before: nobody is told. Warnings that the past would have given are
past_warnings.py. Imported by coordination.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts.evidence import (
    Cell,
    Evidence,
    EvidenceChange,
    RiskState,
    WeekCount,
    evidence_of,
    known_when,
    numbers_each,
    state_of,
)
from alerts.sums import scored_above
from committees.incidents import Incident
from committees.places import monday_of
from committees.reports import Report, Source
from committees.vouching import VOICE

Sources = dict[UUID, set[UUID]]


class Move(NamedTuple):
    """One weight that changes, and the change."""

    row: Evidence
    change: EvidenceChange


def take_in_many(session: Session, now: datetime, incidents: Sequence[Incident]) -> list[UUID]:
    """Weigh incidents that were never weighed, and move the sums; return the places whose sums changed.

    One source counts once, also against what is stored already. The incidents are no longer pending.
    """
    profiles = numbers_each(session, {incident.locality_id for incident in incidents})
    new = [evidence_of(session, incident, profiles[incident.locality_id]) for incident in incidents]
    cells = {row.cell for row in new}
    present = _present(session, cells)
    session.add_all(new)
    session.flush()
    sources = _sources(
        session, [row.incident_id for row in (*new, *(row for rows in present.values() for row in rows))]
    )
    known = {incident.id: known_when(incident, now) for incident in incidents}
    together: dict[tuple[datetime, Cell], list[Evidence]] = defaultdict(list)
    for row in sorted(new, key=lambda row: known[row.incident_id]):
        together[known[row.incident_id], row.cell].append(row)
    moves: list[Move] = []
    for (known_at, cell), rows in together.items():
        present[cell] += rows
        moves += _recounted(present[cell], sources, known_at)
    for incident in incidents:
        incident.pending = False
    return _apply(session, moves)


def _present(session: Session, cells: set[Cell]) -> dict[Cell, list[Evidence]]:
    """What stands already in these cells."""
    found: dict[Cell, list[Evidence]] = defaultdict(list)
    rows = select(Evidence).where(
        Evidence.locality_id.in_({cell[0] for cell in cells}), Evidence.day.in_({cell[2] for cell in cells})
    )
    for row in session.scalars(rows):
        if row.cell in cells:
            found[row.cell].append(row)
    return found


def _sources(session: Session, incident_ids: Sequence[UUID]) -> Sources:
    said: Sources = defaultdict(set)
    rows = (
        select(Report.incident_id, VOICE)
        .join(Source, Source.id == Report.source_id)
        .where(Report.incident_id.in_(incident_ids))
    )
    for incident_id, source_id in session.execute(rows).all():
        said[incident_id].add(source_id)
    return said


def _recounted(rows: Iterable[Evidence], sources: Sources, known_at: datetime) -> list[Move]:
    """Count the k heaviest of a cell, k = its distinct sources; return what changed."""
    weighing = sorted((row for row in rows if row.weight > 0), key=lambda row: (-row.weight, row.incident_id))
    counting = {
        row.incident_id
        for row in weighing[: len(set().union(*(sources[row.incident_id] for row in weighing)))]
    }
    moves = []
    for row in rows:
        target = row.weight if row.incident_id in counting else 0.0
        if target != row.counted:
            moves.append(Move(row, row.count(known_at, target)))
    return moves


def _apply(session: Session, moves: Sequence[Move]) -> list[UUID]:
    above = {
        key: scored_above(session, key) for key in sorted({move.row.locality_id for move in moves}, key=str)
    }
    states = _states(session, {key for keys in above.values() for key in keys})
    weeks: dict[tuple[UUID, date], list[int]] = defaultdict(lambda: [0, 0])
    for row, change in moves:
        session.add(change)
        for key in above[row.locality_id]:
            states[key].add(row.event_at, change.fast, change.slow, change.count)
            if change.count:
                counts = weeks[key, monday_of(row.day)]
                counts[0] += change.count
                counts[1] += change.count if row.violent else 0
    _count_weeks(session, weeks)
    session.flush()
    return list(states)


def _states(session: Session, places: set[UUID]) -> dict[UUID, RiskState]:
    """The states of these places, held until the commit: a worker may be adding to the same sums."""
    ordered = sorted(places, key=str)
    rows = (
        select(RiskState)
        .where(RiskState.locality_id.in_(ordered))
        .order_by(RiskState.locality_id)
        .with_for_update()
    )
    found = {row.locality_id: row for row in session.scalars(rows.execution_options(populate_existing=True))}
    return {key: found.get(key) or state_of(session, key) for key in ordered}


def _count_weeks(session: Session, counts: dict[tuple[UUID, date], list[int]]) -> None:
    places, weeks = {key for key, _ in counts}, {week for _, week in counts}
    rows = select(WeekCount).where(WeekCount.locality_id.in_(places), WeekCount.week.in_(weeks))
    found = {(row.locality_id, row.week): row for row in session.scalars(rows)}
    for (place, week), (counted, violent) in counts.items():
        if (place, week) not in found:
            found[place, week] = WeekCount(locality_id=place, week=week, violent=0, counted=0)
            session.add(found[place, week])
        found[place, week].counted += counted
        found[place, week].violent += violent
