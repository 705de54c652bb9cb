"""What people are told: findings, alerts, their updates and their answers, as rows. One alert is open per (locality, threat).

Only the tables and what they can say of themselves; who raises, routes, answers and closes is in the
modules named so.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, func, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from foundation.db import Base, Keyed

OPEN, CLOSED = "open", "closed"
WHOLE = "*"  # the locality as a whole, where no line of tension is meant
SEEN, ACTING, CANNOT = "seen", "acting", "cannot"
ANSWERS = (SEEN, ACTING, CANNOT)
OUTCOMES = ("settled", "prevented", "happened", "passed_on", "not_true", "nothing_more")


class Finding(Keyed, Base):
    """What one rule concluded about a place, with its reasons; also when it did not raise an alert."""

    __tablename__ = "finding"

    locality_id: Mapped[UUID] = mapped_column(ForeignKey("locality.id"), index=True)
    rule: Mapped[str]
    threat: Mapped[str]
    level: Mapped[int]
    raised: Mapped[bool]
    reasons: Mapped[list[Any]]
    evidence: Mapped[list[Any]]
    profile: Mapped[str]
    alert_id: Mapped[UUID | None] = mapped_column(index=True)
    at: Mapped[datetime] = mapped_column(index=True)


class Alert(Keyed, Base):
    """A warning that somebody must answer. `level` is what people read; `proposed` waits for a person's confirmation (5 only)."""

    __tablename__ = "alert"
    __table_args__ = (
        Index(
            "uq_alert_open",
            "locality_id",
            "threat",
            unique=True,
            sqlite_where=text("state = 'open'"),
            postgresql_where=text("state = 'open'"),
        ),
        Index("ix_alert_due", "state", "next_step_at"),
        Index("ix_alert_number", "town_id", "number"),
    )

    number: Mapped[int]
    locality_id: Mapped[UUID] = mapped_column(ForeignKey("locality.id"), index=True)
    town_id: Mapped[UUID] = mapped_column(ForeignKey("locality.id"))
    threat: Mapped[str]
    rule: Mapped[str]
    what: Mapped[str]
    action: Mapped[str] = mapped_column(default="meet")
    template: Mapped[str] = mapped_column(default="alert")
    sure: Mapped[str]
    level: Mapped[int]
    proposed: Mapped[int | None]
    lowered_from: Mapped[int | None]  # persons lowered it: the same evidence does not raise it again
    origin: Mapped[str] = mapped_column(default="live")
    private: Mapped[bool] = mapped_column(default=False)
    withheld_from: Mapped[str] = mapped_column(default="")
    state: Mapped[str] = mapped_column(default=OPEN)
    happened_at: Mapped[datetime | None]
    opened_at: Mapped[datetime] = mapped_column(index=True)
    ends_at: Mapped[datetime]
    step: Mapped[int] = mapped_column(default=0)
    next_step_at: Mapped[datetime | None]
    revision: Mapped[int] = mapped_column(default=1)
    answered_at: Mapped[datetime | None]
    acting_at: Mapped[datetime | None]
    # One asking of everybody is a round: a higher level, or acting of which nothing came, begins the next. `said` is the word of each person
    # in it that counts, {person: [role, answer, time]}: everybody who may answer an alert may read the row, and not all may read answers.
    round: Mapped[int] = mapped_column(default=1)
    said: Mapped[dict[str, Any]] = mapped_column(default=dict)
    nudged_at: Mapped[datetime | None]
    worked_at: Mapped[datetime | None]
    still_asked_at: Mapped[datetime | None]
    severe_refusals: Mapped[int] = mapped_column(default=0)
    severe_reason: Mapped[str] = mapped_column(default="")
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[UUID | None]
    outcome: Mapped[str | None]
    outcome_reason: Mapped[str] = mapped_column(default="")
    evidence: Mapped[list[Any]]


class AlertUpdate(Keyed, Base):
    """One line of an alert's story, in closed words with numbers: opened, more evidence, level, step, answer, closed."""

    __tablename__ = "alert_update"

    alert_id: Mapped[UUID] = mapped_column(ForeignKey("alert.id"), index=True)
    locality_id: Mapped[UUID] = mapped_column(ForeignKey("locality.id"), index=True)
    withheld_from: Mapped[str] = mapped_column(default="")
    at: Mapped[datetime] = mapped_column(index=True)
    key: Mapped[str]
    values: Mapped[dict[str, Any]]


class Acknowledgement(Keyed, Base):
    """One person's answer to one alert, on one channel."""

    __tablename__ = "acknowledgement"

    alert_id: Mapped[UUID] = mapped_column(ForeignKey("alert.id"), index=True)
    locality_id: Mapped[UUID] = mapped_column(ForeignKey("locality.id"), index=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    role: Mapped[str]
    answer: Mapped[str]
    channel: Mapped[str]
    round: Mapped[int] = mapped_column(default=1)
    at: Mapped[datetime]


def last_closed(session: Session, locality_ids: Iterable[UUID]) -> list[Alert]:
    """The alert that was closed last for each of these places and each threat; none of the others."""
    order = func.row_number().over(
        partition_by=(Alert.locality_id, Alert.threat), order_by=(Alert.closed_at.desc(), Alert.id)
    )
    closed = select(Alert.id, order.label("order")).where(
        Alert.locality_id.in_(set(locality_ids)), Alert.state == CLOSED
    )
    ranked = closed.subquery()
    rows = select(Alert).join(ranked, ranked.c.id == Alert.id).where(ranked.c.order == 1)
    return list(session.scalars(rows))


def begin_round(alert: Alert) -> None:
    """Ask everybody anew: what was said so far counts no more."""
    alert.round, alert.said = alert.round + 1, {}
    alert.answered_at = alert.acting_at = alert.nudged_at = alert.worked_at = alert.still_asked_at = None


def note(session: Session, now: datetime, alert: Alert, key: str, **values: Any) -> AlertUpdate:
    """Add a line to the alert's story."""
    update = AlertUpdate(
        alert_id=alert.id,
        locality_id=alert.locality_id,
        withheld_from=alert.withheld_from,
        at=now,
        key=key,
        values=values,
    )
    session.add(update)
    return update


def answers_of(session: Session, alert_id: UUID) -> list[Acknowledgement]:
    """The answers so far, oldest first."""
    return list(
        session.scalars(
            select(Acknowledgement).where(Acknowledgement.alert_id == alert_id).order_by(Acknowledgement.at)
        )
    )


def story_of(session: Session, alert_id: UUID) -> list[AlertUpdate]:
    """The alert's story, newest first."""
    return list(
        session.scalars(
            select(AlertUpdate).where(AlertUpdate.alert_id == alert_id).order_by(AlertUpdate.at.desc())
        )
    )
