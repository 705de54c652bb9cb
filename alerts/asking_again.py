"""Seen is not acting, and acting must show: who saw an alert is asked once more; who acts is asked once whether they still do.

When is decided purely in ladder.py. Each question is a compare-and-set on the alert's own row, so that two schedulers ask once. An ended
alert never asks. The ladder itself is escalation.py.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from alerts import routing
from alerts.acknowledging import must_answer, said_of
from alerts.alert import ACTING, OPEN, SEEN, Alert, begin_round, note
from alerts.chain import chain_of
from alerts.ladder import ONLY_ACTING_STOPS, Policy, nudge_due, still_due, upcoming
from alerts.policies import ladder_of
from alerts.receivers import Receiver
from alerts.rungs import rungs_left
from committees.people import Person
from foundation import journal
from foundation.db import claim

Ask = Callable[[Session, datetime, random.Random, Alert], bool]


# Asked in every round of the jobs: built once.
_OPEN = select(Alert).where(Alert.state == OPEN, Alert.level >= ONLY_ACTING_STOPS).order_by(Alert.opened_at)
_SEEN = _OPEN.where(Alert.answered_at.is_not(None), Alert.acting_at.is_(None), Alert.nudged_at.is_(None))
_ACTING = _OPEN.where(Alert.acting_at.is_not(None))


def ask_again(session: Session, now: datetime, rng: random.Random, batch: int = 50) -> int:
    """Ask once more wherever it is time; return how many alerts were asked about."""
    return _each(session, now, rng, _SEEN, _nudge, batch) + _each(session, now, rng, _ACTING, _still, batch)


def _each(
    session: Session,
    now: datetime,
    rng: random.Random,
    rows: Select[Alert],
    ask: Ask,
    batch: int,
) -> int:
    found = session.scalars(rows.limit(batch)).all()
    return sum(ask(session, now, rng, alert) for alert in found)


def _nudge(session: Session, now: datetime, rng: random.Random, alert: Alert) -> bool:
    """One nudge to those who saw it where nobody acts; then the ladder goes on from its next step."""
    policy, said = ladder_of(session, alert), said_of(alert)
    if not nudge_due(now, alert.level, alert.answered_at, said, policy):
        return False
    again = alert.next_step_at or policy.due(now, alert.step, alert.level)
    if not _take(session, alert, {"nudged_at": None}, {"nudged_at": now, "next_step_at": again}):
        return False
    follows = _follows(session, now, alert, policy)
    _tell(session, now, rng, alert, SEEN, "nudge", "nudge" if follows else "nudge_last", clock=follows)
    journal.record(session, now, "nudge", "alert", alert.id, locality_id=alert.locality_id)
    return True


def _still(session: Session, now: datetime, rng: random.Random, alert: Alert) -> bool:
    """Ask those who act whether they still do; where nothing comes back, the alert opens again for everybody."""
    policy = ladder_of(session, alert)
    act = still_due(now, alert.level, alert.worked_at, alert.still_asked_at, policy)
    if not act:
        return False
    was = {"still_asked_at": alert.still_asked_at, "worked_at": alert.worked_at}
    if act == "ask":
        if not _take(session, alert, was, {"still_asked_at": now}):
            return False
        _tell(session, now, rng, alert, ACTING, "still", "still_acting")
        journal.record(session, now, "still_acting", "alert", alert.id, locality_id=alert.locality_id)
        return True
    return _reopen(session, now, rng, alert, policy, was)


def _reopen(
    session: Session, now: datetime, rng: random.Random, alert: Alert, policy: Policy, was: dict[str, Any]
) -> bool:
    if not _take(session, alert, was, {"still_asked_at": None}):
        return False
    begin_round(alert)
    alert.next_step_at = now if alert.step < len(policy.steps) else None
    note(session, now, alert, "acting_lapsed")
    journal.record(session, now, "alert:reopen", "alert", alert.id, locality_id=alert.locality_id)
    session.flush()
    to = [link.receiver("reopened") for link in chain_of(session, alert)]
    routing.send(session, now, rng, alert, to, template="reopened", step=alert.step, key=str(alert.round))
    return True


def _take(session: Session, alert: Alert, was: dict[str, Any], becomes: dict[str, Any]) -> bool:
    """Compare-and-set on the alert's own row, for the round that was read."""
    mine = claim(session, Alert, alert.id, {"state": OPEN, "round": alert.round, **was}, becomes)
    if mine:
        session.refresh(alert)
    return mine


def _follows(session: Session, now: datetime, alert: Alert, policy: Policy) -> datetime | None:
    """When the next step that has somebody in it comes, if there is one."""
    must, left = must_answer(session, alert, policy), rungs_left(session, alert, policy)
    steps = upcoming(now, alert.state, alert.level, alert.next_step_at, said_of(alert), must, left, policy)
    return steps[0].at if steps else None


def _tell(
    session: Session,
    now: datetime,
    rng: random.Random,
    alert: Alert,
    word: str,
    reason: str,
    template: str,
    clock: datetime | None = None,
) -> None:
    """Write to those whose word that counts is this one."""
    known = {link.person.id: link for link in chain_of(session, alert)}
    to = [
        known[one.person_id].receiver(reason)
        if one.person_id in known
        else Receiver(session.get_one(Person, one.person_id), one.role, reason)
        for one in said_of(alert)
        if one.answer == word
    ]
    more = {"clock": clock} if clock else {}
    # Asked again only in another round, or after a sign of work since: the same question is never put twice.
    key = f"{alert.round}:{alert.worked_at}" if reason == "still" else str(alert.round)
    routing.send(session, now, rng, alert, to, template=template, step=alert.step, more=more, key=key)
