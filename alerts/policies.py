"""Escalation policies as data: per place and threat, how long each level waits, and who is asked at each step."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from alerts.alert import Alert
from committees.places import LocalityPath
from foundation.db import Base, Keyed

CLOCKS = {1: 4320, 2: 720, 3: 240, 4: 30, 5: 10}
STEPS: list[dict[str, Any]] = [
    {"kind": "tell", "ask": ["chair", "city_officer"]},
    {"kind": "tell", "ask": ["district_administration"]},
    {"kind": "review", "ask": ["police_liaison"]},
    {"kind": "tell", "ask": ["oversight", "national_contact"]},
]
TELL, REVIEW = "tell", "review"


class EscalationPolicy(Keyed, Base):
    """Clocks in minutes by level, and the steps after the first telling; no place means everywhere."""

    __tablename__ = "escalation_policy"

    code: Mapped[str] = mapped_column(unique=True)
    locality_id: Mapped[UUID | None] = mapped_column(ForeignKey("locality.id"))
    threat: Mapped[str] = mapped_column(default="*")
    clocks: Mapped[dict[str, Any]]
    steps: Mapped[list[Any]]


def policy_of(session: Session, alert: Alert) -> EscalationPolicy | None:
    """The nearest policy of an alert's place and threat; None means the built-in ladder."""
    depth = select(LocalityPath.ancestor_id, LocalityPath.depth).where(
        LocalityPath.descendant_id == alert.locality_id
    )
    near = dict(session.execute(depth).all())
    rows = session.scalars(select(EscalationPolicy).where(EscalationPolicy.threat.in_(("*", alert.threat))))
    usable = [p for p in rows if p.locality_id is None or p.locality_id in near]
    return min(
        usable,
        key=lambda p: (near.get(p.locality_id, 99) if p.locality_id else 99, p.threat == "*", p.code),
        default=None,
    )


def clocks_of(session: Session, alert: Alert) -> dict[int, int]:
    """Minutes to answer, by level."""
    policy = policy_of(session, alert)
    return CLOCKS | {int(k): int(v) for k, v in (policy.clocks if policy else {}).items()}


def steps_of(session: Session, alert: Alert) -> list[dict[str, Any]]:
    """The steps after the first telling, in order."""
    policy = policy_of(session, alert)
    return list(policy.steps) if policy else STEPS


def next_step_time(now: datetime, minutes: int) -> datetime:
    """When the next step is due."""
    return now + timedelta(minutes=minutes)
