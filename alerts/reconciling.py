"""Every night the running sums are counted again from the ledger of changes, in batches, and what differs is said and put right.

What lives here: the run with what it found, and the correction, which stands in the record. What does not: how sums move (sums.py).
Only jobs call `reconcile`; the administrator's page and `concord doctor` read the newest run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from alerts import apart
from alerts.evidence import EvidenceChange, RiskState
from alerts.risk.scoring import RunningSum, days_between, decay
from alerts.sums import load_states
from committees.places import LocalityPath
from foundation import journal
from foundation.db import Base, Keyed

NEAR = 1e-9
EVERY = timedelta(hours=24)
BATCH = 500
KEPT = 100  # so many differing places are named in a run; all are corrected and stand in the record
SUMS = ("fast", "slow", "count_fast", "count_slow")


class Reconciliation(Keyed, Base):
    """One nightly run: how many places it looked at, how many differed by more than 1e-9, the largest difference and its place.

    `found` names differing places with their difference.
    """

    __tablename__ = "reconciliation"

    begun_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    after: Mapped[UUID | None]
    places: Mapped[int] = mapped_column(default=0)
    differing: Mapped[int] = mapped_column(default=0)
    largest: Mapped[float] = mapped_column(default=0.0)
    locality_id: Mapped[UUID | None] = mapped_column(ForeignKey("locality.id"))
    found: Mapped[list[Any]] = mapped_column(default=list)


def last_run(session: Session) -> Reconciliation | None:
    """The newest run that is finished."""
    rows = select(Reconciliation).where(Reconciliation.finished_at.is_not(None))
    return session.scalars(rows.order_by(Reconciliation.begun_at.desc()).limit(1)).first()


def reconcile(session: Session, now: datetime) -> int:
    """Do one batch of tonight's run, if it is time for one; return how many places it held."""
    rows = select(Reconciliation).order_by(Reconciliation.begun_at.desc()).limit(1)
    run = session.scalars(rows.with_for_update()).first()
    if run is None or (run.finished_at and run.begun_at <= now - EVERY):
        run = Reconciliation(begun_at=now, places=0, differing=0, largest=0.0, found=[])
        session.add(run)
    elif run.finished_at:
        return 0
    states = select(RiskState.locality_id).order_by(RiskState.locality_id).limit(BATCH)
    if run.after:
        states = states.where(RiskState.locality_id > run.after)
    places = list(session.scalars(states))
    if places:
        found: list[tuple[UUID, float]] = []
        done = apart.in_batches(
            session, places, lambda keys: found.extend(_mended(session, now, keys)), BATCH
        )
        _note(run, len(done), found)
        run.after = places[-1]
    if len(places) < BATCH:
        run.finished_at = now
    session.flush()
    return len(places)


def _mended(session: Session, now: datetime, places: Sequence[UUID]) -> list[tuple[UUID, float]]:
    """Put right the sums of these places that differ from the ledger; return those places with their largest difference."""
    held = {state.locality_id: state for state in load_states(session, places, hold=True)}
    should = from_ledger(session, now, [held[key] for key in places])
    found = []
    for key in places:
        state, right = held[key], should[key]
        difference = max(abs(getattr(state, name) - right[name].value) for name in SUMS)
        if difference <= NEAR:
            continue
        found.append((key, difference))
        for name in SUMS:
            state.put(name, right[name])
        state.due = True
        journal.record(session, now, "sums:corrected", "risk_state", key, locality_id=key)
    session.flush()
    return found


def _note(run: Reconciliation, places: int, found: Sequence[tuple[UUID, float]]) -> None:
    """Note in the run what was found in one batch."""
    run.places += places
    run.differing += len(found)
    for key, difference in found:
        if difference > run.largest:
            run.largest, run.locality_id = difference, key
    named = [[str(key), difference] for key, difference in found]
    run.found = [*run.found, *named][:KEPT]


def from_ledger(
    session: Session, now: datetime, states: Sequence[RiskState]
) -> dict[UUID, dict[str, RunningSum]]:
    """What each sum should be at the moment that its row names, summed from the ledger of the place and below."""
    kept = {
        s.locality_id: [replace(s.sum(n), value=0.0, as_of=s.sum(n).as_of or now) for n in SUMS]
        for s in states
    }
    totals = {key: [0.0] * len(SUMS) for key in kept}
    change = EvidenceChange
    rows = select(LocalityPath.ancestor_id, change.event_at, change.fast, change.slow, change.count)
    rows = rows.join(change, change.locality_id == LocalityPath.descendant_id)
    rows = rows.where(LocalityPath.ancestor_id.in_(kept)).execution_options(yield_per=2000)
    with session.execute(rows) as found:
        for key, event_at, *amounts in found:
            own = totals[key]
            for n, (running, amount) in enumerate(zip(kept[key], (*amounts, amounts[-1]), strict=True)):
                if amount and running.as_of:
                    own[n] += amount * decay(days_between(event_at, running.as_of), running.half_life)
    return {
        key: {name: replace(sums[n], value=totals[key][n]) for n, name in enumerate(SUMS)}
        for key, sums in kept.items()
    }
