"""How an alert ends or is lowered: the message to exactly those who were told, what waits unsent, codes that answer nothing any more.

Whoever was told hears it once, by the channels that they have now. The worker tells; pages only decide (coordination/closing_alerts.py).
"""

from __future__ import annotations

import random
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts import routing
from alerts.alert import CLOSED, OPEN, OUTCOMES, Alert, note
from alerts.evidence import state_of
from alerts.holding import DIGEST, LATER, next_digest
from alerts.receivers import Receiver, barred
from alerts.told import ACTIONS_DONE, EXCLUDED, GOT, HELD, LOWERED, Delivery
from alerts.told import ENDED as WHY_ENDED
from committees import reply_codes
from committees.people import Person
from committees.places import Locality, zone_of
from foundation import errands, journal
from foundation.db import claim
from foundation.errors import Conflict, Invalid
from foundation.outbox import OutboxMessage
from foundation.policy import kept_from
from foundation.web.words import N_

ENDED = "alert_ended"
CORRECTION, LEVEL_LOWERED = "correction", "level_lowered"
BECAUSE = {
    "settled": "settled",
    "prevented": "talks_held",
    "happened": "reviewed",
    "passed_on": "reviewed",
    "not_true": "not_true",
    "nothing_more": "fewer_reports",
}


def close(
    session: Session, now: datetime, alert: Alert, *, outcome: str, reason: str, person_id: UUID | None
) -> None:
    """Close an alert once with an outcome; those who were told will hear of it. Raise Conflict if it has ended already."""
    if outcome not in OUTCOMES:
        raise Invalid("outcome", N_("Choose how it ended"))
    changes = {
        "state": CLOSED,
        "closed_at": now,
        "closed_by": person_id,
        "outcome": outcome,
        "outcome_reason": reason,
        "next_step_at": None,
    }
    if not claim(session, Alert, alert.id, {"state": OPEN}, changes):
        raise Conflict(N_("This alert has ended already."), N_("Open it again to see how it stands."))
    session.refresh(alert)
    reply_codes.close(session, now, "alert", alert.id)
    note(session, now, alert, "closed", outcome=outcome)
    journal.record(session, now, f"alert:close:{outcome}", "alert", alert.id, locality_id=alert.locality_id)
    # Whoever closes may be a page, which reads no numbers: the worker tells.
    errands.ask(session, now, ENDED, alert.id)


def tell_ended(session: Session, now: datetime, rng: random.Random, alert: Alert) -> None:
    """What follows an end: what waits is not sent, open questions lapse, and exactly those who were told hear how it ended."""
    from alerts.escalation import MOOT, WAITING, Escalation

    unsend(session, now, alert, WHY_ENDED)
    for question in session.scalars(
        select(Escalation).where(Escalation.alert_id == alert.id, Escalation.state == WAITING)
    ):
        question.state = MOOT
    if alert.origin != "live":
        return
    if alert.outcome == "not_true":
        announce(session, now, rng, alert, CORRECTION, {})
        return
    # A lowering before it was another message, though of the same words.
    announce(session, now, rng, alert, LEVEL_LOWERED, lowered_to(session, alert), key=WHY_ENDED)


def tell_lowered(session: Session, now: datetime, rng: random.Random, alert: Alert, was: int) -> None:
    """A person lowered the level: what waits at the old one is not sent, and those who were told hear of the new one."""
    unsend(session, now, alert, LOWERED)
    announce(session, now, rng, alert, LEVEL_LOWERED, {**lowered_to(session, alert), "was": was})


def lowered_to(session: Session, alert: Alert) -> dict[str, Any]:
    """What a message says of an alert that was lowered or has ended: the level now, the one before, and why."""
    if alert.state == OPEN:
        return {"level": alert.level, "was": alert.lowered_from or alert.level, "because": "reviewed"}
    state = state_of(session, alert.locality_id)
    level = min(state.level, alert.level - 1) if state.known or state.level > 1 else 0
    return {"level": level, "was": alert.level, "because": BECAUSE[alert.outcome or "nothing_more"]}


def announce(
    session: Session,
    now: datetime,
    rng: random.Random,
    alert: Alert,
    template: str,
    more: dict[str, Any],
    *,
    key: str = "",
) -> list[Delivery]:
    """Tell exactly those to whom a message on this alert went, once each per `key`, by the channels that they have now.

    Who only read of it in a digest hears a correction at once, and anything else at the hour of the digest. What is on its way counts
    as told: `unsend` could not stop it.
    """
    rows = (
        select(Delivery, Person)
        .join(Person, Person.id == Delivery.person_id)
        .where(Delivery.alert_id == alert.id, Delivery.state.in_((*GOT, "due")))
        .order_by(Delivery.at, Delivery.id)
    )
    found = session.execute(rows).all()
    directly = {row.person_id for row, _ in found if row.held_by not in (DIGEST, LATER)}
    at_once: list[Receiver] = []
    with_digest: list[Receiver] = []
    for row, person in found:
        to = at_once if template == CORRECTION or row.person_id in directly else with_digest
        to.append(Receiver(person, row.role, "told_before", row.office_id))
    send = partial(
        routing.send, session, now, rng, alert, template=template, step=alert.step, more=more, key=key
    )
    place = session.get_one(Locality, alert.locality_id)
    return send(to=at_once) + send(to=with_digest, later=next_digest(now, zone_of(session, place)))


def unsend(session: Session, now: datetime, alert: Alert, why: str) -> None:
    """What was not sent yet stays unsent: an ended alert never notifies. What was done stays true at a lower level."""
    for delivery, message in _waiting(session, alert):
        if why == WHY_ENDED or delivery.template != ACTIONS_DONE:
            _cancel(session, now, delivery, message, why)


def cancel_kept_from(session: Session, now: datetime, alert: Alert) -> None:
    """What was not sent yet to whom a reporter has excluded meanwhile stays unsent."""
    waiting = _waiting(session, alert)
    out = barred(session, alert.withheld_from, [row.person_id for row, _ in waiting])
    for delivery, message in waiting:
        if kept_from(delivery.role, alert.withheld_from) or delivery.person_id in out:
            _cancel(session, now, delivery, message, EXCLUDED)


def _waiting(session: Session, alert: Alert) -> list[tuple[Delivery, OutboxMessage | None]]:
    rows = select(Delivery, OutboxMessage).outerjoin(OutboxMessage, OutboxMessage.id == Delivery.outbox_id)
    not_sent = (OutboxMessage.state == "due") | (Delivery.state == HELD)
    found = session.execute(rows.where(Delivery.alert_id == alert.id, not_sent))
    return [(delivery, message) for delivery, message in found.all()]


def _cancel(
    session: Session, now: datetime, delivery: Delivery, message: OutboxMessage | None, why: str
) -> None:
    """Keep one delivery from going out. What shares its message (a digest, other wards) waits again, and goes out without it."""
    if message is not None:
        if not claim(session, OutboxMessage, message.id, {"state": "due"}, {"state": "cancelled"}):
            return  # it is on its way
        session.refresh(message)
        others = select(Delivery).where(Delivery.outbox_id == message.id, Delivery.id != delivery.id)
        for other in session.scalars(others):
            other.state, other.outbox_id, other.held_until = HELD, None, now
    delivery.state, delivery.why_not = "cancelled", why
