"""What happens when nobody answers: the ladder climbs by its clock, and at a review step a police liaison is asked to decide.

What is due is decided purely in ladder.py. Each step is a compare-and-set on the alert's own row, so that two schedulers climb it once. An
ended alert never notifies. Reviewing is coordination/review.py.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from alerts import routing, silences
from alerts.acknowledging import must_answer, said_of
from alerts.alert import OPEN, Alert, note
from alerts.ladder import REVIEW, Climb, is_wanted, missing, overdue
from alerts.policies import ladder_of
from alerts.receivers import Receiver
from alerts.rungs import asked_on, sides_of
from committees.people import Grant
from foundation import journal
from foundation.db import Base, Keyed, claim

WAITING, DECIDED, MOOT = "waiting", "decided", "moot"


class Escalation(Keyed, Base):
    """A question to an office that can decide: what was asked, by when, and whether it was answered."""

    __tablename__ = "escalation"
    __table_args__ = (Index("ix_escalation_waits", "state", "decide_by"),)

    alert_id: Mapped[UUID] = mapped_column(ForeignKey("alert.id"), index=True)
    locality_id: Mapped[UUID] = mapped_column(ForeignKey("locality.id"), index=True)
    withheld_from: Mapped[str] = mapped_column(default="")
    step: Mapped[int]
    role: Mapped[str]
    asked_by: Mapped[str] = mapped_column(default="ladder")
    asks_for: Mapped[list[Any]] = mapped_column(default=list)
    asked_at: Mapped[datetime] = mapped_column(index=True)
    decide_by: Mapped[datetime]
    state: Mapped[str] = mapped_column(default=WAITING)
    late_at: Mapped[
        datetime | None
    ]  # when it was found undecided after its time, and the deputy's office, if there is one
    deputy_id: Mapped[UUID | None] = mapped_column(ForeignKey("office.id"))
    effect_key: Mapped[str] = mapped_column(unique=True)


def climb_due(session: Session, now: datetime, rng: random.Random, batch: int = 50) -> int:
    """Climb one step on each alert whose clock has run out; return how many climbed."""
    due = (
        select(Alert)
        .where(Alert.state == OPEN, Alert.next_step_at <= now)
        .order_by(Alert.next_step_at)
        .limit(batch)
    )
    return sum(_climb(session, now, rng, alert) for alert in session.scalars(due).all())


def _climb(session: Session, now: datetime, rng: random.Random, alert: Alert) -> bool:
    """One step of one alert: asked, or passed over where it stands empty or nobody on it is wanted any more."""
    if silence := silences.holding(session, now, alert):  # nobody was told, so nobody could answer
        alert.next_step_at = silence.ends_at if silence.ends_at < alert.ends_at else None
        return False
    policy = ladder_of(session, alert)
    said, must = said_of(alert), must_answer(session, alert, policy)
    climb = overdue(now, alert.state, alert.step, alert.next_step_at, alert.level, policy)
    if climb is None or not missing(alert.level, said, must):
        alert.next_step_at = None
        return False
    was = {"step": alert.step, "state": OPEN, "round": alert.round, "next_step_at": alert.next_step_at}
    if not claim(session, Alert, alert.id, was, {"step": climb.step, "next_step_at": climb.next_at}):
        return False
    session.refresh(alert)
    to = asked_on(session, alert, climb.rung)
    journal.record(session, now, f"escalate:{climb.step}", "alert", alert.id, locality_id=alert.locality_id)
    if not to or not is_wanted(sides_of(to), alert.level, said, must):
        why = "step_passed" if to else "step_empty"
        note(session, now, alert, why, step=climb.step, roles=list(climb.rung["ask"]))
        alert.next_step_at = now if climb.next_at else None  # nobody to ask here: the next rung at once
        return True
    _ask(session, now, rng, alert, climb, to)
    return True


def _ask(
    session: Session, now: datetime, rng: random.Random, alert: Alert, climb: Climb, to: list[Receiver]
) -> None:
    review = climb.rung["kind"] == REVIEW
    if review:
        open_review(session, now, alert, to, step=climb.step, asked_by="ladder")
        open_evidence(session, now, alert, to)
    template = "escalation" if review else routing.own_message(alert)
    routing.send(session, now, rng, alert, to, template=template, step=climb.step)


def open_review(
    session: Session,
    now: datetime,
    alert: Alert,
    to: list[Receiver],
    *,
    step: int,
    asked_by: str,
    asks_for: tuple[str, ...] = (),
) -> Escalation:
    """Put an alert before an office that decides. What it may read besides is opened by the worker, `open_evidence`."""
    key = f"review:{alert.id}:{alert.revision}:{step}"
    found = session.scalars(select(Escalation).where(Escalation.effect_key == key)).first()
    if found:
        return found
    minutes = ladder_of(session, alert).clocks[max(1, alert.level)]
    row = Escalation(
        alert_id=alert.id,
        locality_id=alert.locality_id,
        withheld_from=alert.withheld_from,
        step=step,
        role=to[0].role,
        asked_by=asked_by,
        asks_for=list(asks_for),
        asked_at=now,
        decide_by=now + timedelta(minutes=max(60, minutes)),
        effect_key=key,
    )
    session.add(row)
    note(session, now, alert, "review_asked", role=row.role)
    session.flush()
    return row


def open_evidence(session: Session, now: datetime, alert: Alert, to: list[Receiver]) -> None:
    """Open the incidents behind an alert to who must decide: the coded facts, never a name or a text. For the worker."""
    session.add_all(
        Grant(
            subject_kind="incident",
            subject_id=UUID(incident_id),
            person_id=None if receiver.office_id else receiver.person.id,
            office_id=receiver.office_id,
            role=receiver.role,
            reason="escalated",
            given_at=now,
        )
        for receiver in to
        for incident_id in alert.evidence
    )
    session.flush()


def end_expired(session: Session, now: datetime, batch: int = 50) -> int:
    """End the alerts whose time is over; they say so, and never notify again."""
    from alerts.closing import close

    due = (
        select(Alert)
        .where(Alert.state == OPEN, Alert.ends_at <= now, Alert.next_step_at.is_(None))
        .limit(batch)
    )
    rows = session.scalars(due).all()
    for alert in rows:
        close(session, now, alert, outcome="nothing_more", reason="", person_id=None)
    return len(rows)
