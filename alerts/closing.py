"""How an alert ends: its outcome, the message to exactly those who were told, and codes that answer nothing any more."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts import routing
from alerts.alert import CLOSED, OPEN, OUTCOMES, Alert, note
from alerts.evidence import state_of
from alerts.receivers import barred
from alerts.routing import Delivery
from committees import places, reply_codes
from committees.people import ContactPoint, Person
from committees.places import Locality
from foundation import errands, journal, outbox
from foundation.db import claim
from foundation.errors import Conflict, Invalid
from foundation.policy import kept_from

ENDED = "alert_ended"
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
        raise Invalid("outcome", "Choose how it ended")
    changes = {
        "state": CLOSED,
        "closed_at": now,
        "closed_by": person_id,
        "outcome": outcome,
        "outcome_reason": reason,
        "next_step_at": None,
    }
    if not claim(session, Alert, alert.id, {"state": OPEN}, changes):
        raise Conflict("This alert has ended already.", "Open it again to see how.")
    session.refresh(alert)
    reply_codes.close(session, now, "alert", alert.id)
    note(session, now, alert, "closed", outcome=outcome)
    journal.record(session, now, f"alert:close:{outcome}", "alert", alert.id, locality_id=alert.locality_id)
    # Whoever closes may be a page, which reads no numbers: the worker tells.
    errands.ask(session, now, ENDED, alert.id)


def tell_ended(session: Session, now: datetime, alert: Alert) -> None:
    """What follows an end: what waits is not sent, open questions lapse, and exactly those who were told hear how it ended."""
    from alerts.escalation import MOOT, WAITING, Escalation

    _cancel_waiting(session, alert)
    for question in session.scalars(
        select(Escalation).where(Escalation.alert_id == alert.id, Escalation.state == WAITING)
    ):
        question.state = MOOT
    if alert.origin == "live":
        _tell_the_told(session, now, alert, "correction" if alert.outcome == "not_true" else "level_lowered")


def _cancel_waiting(session: Session, alert: Alert) -> None:
    """What was not sent yet stays unsent: an ended alert never notifies."""
    for _, message in _waiting(session, alert):
        _cancel(session, message)


def cancel_kept_from(session: Session, alert: Alert) -> None:
    """What was not sent yet to whom a reporter has excluded meanwhile stays unsent."""
    waiting = _waiting(session, alert)
    out = barred(session, alert.withheld_from, [row.person_id for row, _ in waiting])
    for delivery, message in waiting:
        if kept_from(delivery.role, alert.withheld_from) or delivery.person_id in out:
            _cancel(session, message)
            delivery.state = message.state


def _waiting(session: Session, alert: Alert) -> list[tuple[Delivery, outbox.OutboxMessage]]:
    rows = select(Delivery, outbox.OutboxMessage).join(
        outbox.OutboxMessage, outbox.OutboxMessage.id == Delivery.outbox_id
    )
    found = session.execute(rows.where(Delivery.alert_id == alert.id, outbox.OutboxMessage.state == "due"))
    return [(delivery, message) for delivery, message in found.all()]


def _cancel(session: Session, message: outbox.OutboxMessage) -> None:
    if claim(session, outbox.OutboxMessage, message.id, {"state": "due"}, {"state": "cancelled"}):
        session.refresh(message)


def _tell_the_told(session: Session, now: datetime, alert: Alert, template: str) -> None:
    place = session.get_one(Locality, alert.locality_id)
    zone = places.zone_of(session, place)
    state = state_of(session, place.id)
    rows = (
        select(Delivery.role, ContactPoint, Person)
        .join(outbox.OutboxMessage, outbox.OutboxMessage.id == Delivery.outbox_id)
        .join(ContactPoint, ContactPoint.id == outbox.OutboxMessage.contact_point_id)
        .join(Person, Person.id == Delivery.person_id)
        .where(
            Delivery.alert_id == alert.id,
            outbox.OutboxMessage.state.in_(("sent", "delivered", "unknown", "sending", "claimed")),
            ContactPoint.stopped_at.is_(None),
        )
        .order_by(ContactPoint.id)
    )
    told = [(role, contact, person) for role, contact, person in session.execute(rows).all()]
    out = barred(session, alert.withheld_from, [person.id for _, _, person in told])
    for role, contact, person in told:
        if kept_from(role, alert.withheld_from) or person.id in out:
            continue
        values = {
            "source": routing.sender_of(session, place.id),
            "place": routing.place_slot(session, alert, role),
            "level": min(state.level, alert.level - 1) if state.known or state.level > 1 else 0,
            "was": alert.level,
            "because": BECAUSE[alert.outcome or "nothing_more"],
            "what": "private" if alert.private else alert.what,
            "when": (alert.happened_at or alert.opened_at).astimezone(zone).isoformat(),
        }
        from alerts.messages import TEMPLATES

        outbox.put(
            session,
            now,
            effect_key=f"closed:{alert.id}:{contact.id}",
            channel=contact.channel,
            template=template,
            slots={name: values[name] for name in TEMPLATES[template].slots},
            language=person.language,
            script=person.script,
            contact_point_id=contact.id,
            due_at=now if template == "correction" else routing.after_quiet(now, person, zone),
        )
