"""The sums and weights as they were known at a past time, from the ledger of changes (EvidenceChange).

What lives here: reading the ledger. What does not: the score then (known_then.py) and the sums of now (evidence.RiskState). Only
alerts imports this module.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from alerts.evidence import EvidenceChange, read
from alerts.risk import scoring
from alerts.risk.scoring import Coefficients, RunningSum
from committees.places import LocalityPath

Change = tuple[datetime, datetime, float, float]
#: How many incidents a score may name, the newest of a place and below, and how old the oldest may be.
NEWEST, REACH = 60, timedelta(days=400)


def changes_of(session: Session, locality_id: UUID, until: datetime) -> list[Change]:
    """The changes of weights at a place and below that were known by `until`: (known at, happened at, fast, slow) by event time."""
    rows = select(
        EvidenceChange.known_at, EvidenceChange.event_at, EvidenceChange.fast, EvidenceChange.slow
    ).where(EvidenceChange.locality_id.in_(_below(locality_id)), EvidenceChange.known_at <= until)
    order = (EvidenceChange.event_at, EvidenceChange.incident_id, EvidenceChange.number)
    return [
        (known, happened, fast, slow)
        for known, happened, fast, slow in session.execute(rows.order_by(*order))
    ]


def sums_then(
    changes: Iterable[Change], at: datetime, coefficients: Coefficients = scoring.STARTER
) -> tuple[float, float]:
    """F and S as they were known at a past time, summed from the changes in the order of their events."""
    fast, slow = RunningSum(coefficients.half_life_fast), RunningSum(coefficients.half_life_slow)
    for known_at, event_at, fast_weight, slow_weight in changes:
        if known_at <= at:
            fast, slow = fast.add(event_at, fast_weight), slow.add(event_at, slow_weight)
    return read(fast, at), read(slow, at)


def weights_then(session: Session, locality_id: UUID, at: datetime) -> list[scoring.Evidence]:
    """What counted at a place and below at a past time, as the score of that time named it: the newest, newest first."""
    since = at - min(REACH, at - datetime.min.replace(tzinfo=UTC))
    known = (
        select(EvidenceChange.incident_id, func.max(EvidenceChange.number).label("number"))
        .where(EvidenceChange.known_at <= at, EvidenceChange.event_at > since)
        .where(EvidenceChange.locality_id.in_(_below(locality_id)))
        .group_by(EvidenceChange.incident_id)
        .subquery()
    )
    rows = (
        select(EvidenceChange)
        .join(
            known,
            (known.c.incident_id == EvidenceChange.incident_id) & (known.c.number == EvidenceChange.number),
        )
        .where(EvidenceChange.counted > 0)
        .order_by(EvidenceChange.event_at.desc(), EvidenceChange.incident_id)
        .limit(NEWEST)
    )
    return [
        scoring.Evidence(
            str(row.incident_id),
            row.counted,
            scoring.days_between(row.event_at, at),
            row.fast != 0,
            row.slow != 0,
        )
        for row in session.scalars(rows)
    ]


def _below(locality_id: UUID) -> Select[UUID]:
    return select(LocalityPath.descendant_id).where(LocalityPath.ancestor_id == locality_id)
