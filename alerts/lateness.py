"""A question whose time to decide has passed: it goes to the deputy of the office that was asked, once, and the chair is told.

The question stays open to whoever was asked first. Who decides, and how, is coordination/review.py; the ladder is escalation.py.
"""

from __future__ import annotations

import random
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts import routing
from alerts.alert import OPEN, Alert, note
from alerts.escalation import WAITING, Escalation, open_evidence
from alerts.receivers import deputies, receivers
from foundation import journal
from foundation.db import claim


def pass_on_late(session: Session, now: datetime, rng: random.Random, batch: int = 50) -> int:
    """Pass on each question that nobody decided in time; return how many."""
    due = (
        select(Escalation)
        .where(Escalation.state == WAITING, Escalation.decide_by <= now, Escalation.late_at.is_(None))
        .order_by(Escalation.decide_by)
        .limit(batch)
    )
    passed = 0
    for question in session.scalars(due).all():
        was = {"state": WAITING, "late_at": None}
        if claim(session, Escalation, question.id, was, {"late_at": now}):
            session.refresh(question)
            _pass_on(session, now, rng, question)
            passed += 1
    return passed


def _pass_on(session: Session, now: datetime, rng: random.Random, question: Escalation) -> None:
    alert = session.get_one(Alert, question.alert_id)
    if alert.state != OPEN:
        return  # an ended alert never notifies
    to = deputies(session, alert, question.role)
    if to:
        question.deputy_id = to[0].office_id
        open_evidence(session, now, alert, to)
        routing.send(session, now, rng, alert, to, template="escalation", step=question.step)
    note(session, now, alert, "review_late", role=question.role, n=len(to))
    journal.record(session, now, "review:late", "escalation", question.id, locality_id=alert.locality_id)
    chairs = receivers(session, alert, ("chair",), "review_late")
    more = {"asked": ["deputy"] if to else [], "by": question.decide_by}
    routing.send(session, now, rng, alert, chairs, template="review_late", step=question.step, more=more)
