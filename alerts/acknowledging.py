"""An answer to an alert: seen, acting, cannot. The same act by button, SMS code and API; opening a page never answers.

Seen is not acting: at levels 4 and 5 only acting stops the ladder; below, seen does.
"""

from __future__ import annotations

import random
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts.alert import ACTING, ANSWERS, CANNOT, OPEN, SEEN, Acknowledgement, Alert, note
from committees.people import Scope
from foundation import journal
from foundation.errors import Conflict, Invalid

ONLY_ACTING_STOPS = 4


def stops(level: int, answer: str) -> bool:
    """Whether an answer stops the ladder at a level."""
    return answer == ACTING or (answer == SEEN and level < ONLY_ACTING_STOPS)


def acknowledge(
    session: Session,
    now: datetime,
    alert: Alert,
    person_id: UUID,
    answer: str,
    channel: str,
    *,
    role: str = "",
) -> Acknowledgement:
    """Record one person's answer, once per (alert, person, answer, level); raise Conflict for an alert that has ended."""
    if answer not in ANSWERS:
        raise Invalid("answer", "Choose: seen, acting or cannot")
    if alert.state != OPEN:
        raise Conflict("This alert has ended.", "Nobody waits for an answer any more. Thank you.")
    rows = select(Acknowledgement).where(
        Acknowledgement.alert_id == alert.id,
        Acknowledgement.person_id == person_id,
        Acknowledgement.answer == answer,
    )
    # A higher level asks everybody again: an answer to the level before does not answer this one.
    anew = (answer == ACTING and alert.acting_at is None) or (answer == SEEN and alert.answered_at is None)
    if (found := session.scalars(rows.order_by(Acknowledgement.at.desc())).first()) and not anew:
        return found
    role = role or role_at(session, alert, person_id)
    row = Acknowledgement(
        alert_id=alert.id,
        locality_id=alert.locality_id,
        person_id=person_id,
        role=role,
        answer=answer,
        channel=channel,
        at=now,
    )
    session.add(row)
    _move_alert(now, alert, answer)
    note(session, now, alert, f"answer_{answer}", role=role, channel=channel)
    journal.record(session, now, f"acknowledge:{answer}", "alert", alert.id, locality_id=alert.locality_id)
    session.flush()
    return row


def _move_alert(now: datetime, alert: Alert, answer: str) -> None:
    if answer == ACTING:
        alert.acting_at = alert.acting_at or now
    if answer in (SEEN, ACTING):
        alert.answered_at = alert.answered_at or now
    if stops(alert.level, answer):
        alert.next_step_at = None
    elif answer == CANNOT and not alert.acting_at and alert.next_step_at:
        # Somebody says that it is not theirs: the next step does not wait for its clock.
        alert.next_step_at = now


def role_at(session: Session, alert: Alert, person_id: UUID) -> str:
    """The role in which a person was told, else the one held nearest, else member."""
    from alerts.routing import Delivery

    told = session.scalars(
        select(Delivery.role).where(Delivery.alert_id == alert.id, Delivery.person_id == person_id)
    ).first()
    return (
        told
        or session.scalars(select(Scope.role).where(Scope.person_id == person_id, Scope.active)).first()
        or "member"
    )


def rng() -> random.Random:
    """A generator seeded by the system, for reply codes."""
    return random.SystemRandom()
