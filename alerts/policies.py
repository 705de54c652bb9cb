"""Escalation policies as rows: per place and threat, which ladder holds. Reading only; writing one is policy_versions.py.

What a ladder is, and what follows from it, is ladder.py; what a policy may say is policy_checks.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from alerts.alert import Alert
from alerts.ladder import Policy
from alerts.policy_checks import ladder_from
from committees.places import LocalityPath
from foundation.db import Base, Keyed

IN_FORCE = "in_force"
PARTS = ("clocks", "steps", "must_answer", "nudges", "still")


class EscalationPolicy(Keyed, Base):
    """One version of a ladder: clocks, steps and what must be answered; no place means everywhere. What is written never changes.

    A version without steps says that the place inherits again: what holds is looked for as if it had written nothing.
    """

    __tablename__ = "escalation_policy"

    code: Mapped[str] = mapped_column(unique=True)
    locality_id: Mapped[UUID | None] = mapped_column(ForeignKey("locality.id"), index=True)
    threat: Mapped[str] = mapped_column(default="*")
    version: Mapped[int] = mapped_column(default=1)
    state: Mapped[str] = mapped_column(default=IN_FORCE)
    clocks: Mapped[dict[str, Any]]
    steps: Mapped[list[Any]]
    must_answer: Mapped[list[Any]] = mapped_column(default=list)
    nudges: Mapped[dict[str, Any]] = mapped_column(default=dict)
    still: Mapped[dict[str, Any]] = mapped_column(default=dict)
    reason: Mapped[str] = mapped_column(default="")
    author_id: Mapped[UUID | None]
    author_role: Mapped[str] = mapped_column(default="")
    organisations: Mapped[list[Any]] = mapped_column(default=list)
    created_at: Mapped[datetime | None]
    proposed_by: Mapped[UUID | None]
    proposed_at: Mapped[datetime | None]
    decided_by: Mapped[UUID | None]
    decided_role: Mapped[str] = mapped_column(default="")
    decided_at: Mapped[datetime | None]
    answer: Mapped[str] = mapped_column(default="")

    @property
    def inherits(self) -> bool:
        """Whether this version only says that the place inherits again."""
        return not self.steps


def policy_at(
    session: Session, locality_id: UUID, threat: str, *, without_own: bool = False
) -> EscalationPolicy | None:
    """The policy that holds at a place for a threat: the nearest, before it one for this threat; None means the built-in ladder.

    `without_own`: what would hold if the place had none of its own for this very threat.
    """
    depth = select(LocalityPath.ancestor_id, LocalityPath.depth).where(
        LocalityPath.descendant_id == locality_id
    )
    near = dict(session.execute(depth).all())
    rows = session.scalars(
        select(EscalationPolicy).where(
            EscalationPolicy.threat.in_(("*", threat)), EscalationPolicy.state == IN_FORCE
        )
    )
    usable = [
        p
        for p in rows
        if (p.locality_id is None or p.locality_id in near)
        and not p.inherits
        and not (without_own and (p.locality_id, p.threat) == (locality_id, threat))
    ]
    return min(
        usable,
        key=lambda p: (near[p.locality_id] if p.locality_id else len(near), p.threat == "*", p.code),
        default=None,
    )


def as_ladder(row: EscalationPolicy | None) -> Policy:
    """A row as the ladder it describes, over what is built in."""
    if row is None:
        return Policy()
    return ladder_from({name: getattr(row, name) for name in PARTS})


def ladder_of(session: Session, alert: Alert) -> Policy:
    """The ladder that an alert climbs."""
    return as_ladder(policy_at(session, alert.locality_id, alert.threat))


def channels_of(session: Session, alert: Alert, step: int) -> Sequence[str]:
    """The channels that step `step` (from 1) of an alert's ladder says its messages go by; empty: those of each person."""
    steps = ladder_of(session, alert).steps if step else ()
    return tuple(steps[step - 1].get("channels", ())) if 0 < step <= len(steps) else ()


def next_step_time(now: datetime, minutes: int) -> datetime:
    """When the next step is due."""
    return now + timedelta(minutes=minutes)
