"""Carries out what pages decided: each errand in its own transaction, so that one that fails holds up no other. Called by jobs.py only."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from alerts import closing, news, severe, webhooks
from alerts.alert import OPEN, Alert
from alerts.webhooks import WebhookTarget
from committees import committee, confirming, reply_codes, ring_me, second_factor
from committees.contacts import write_to
from committees.incidents import Incident
from committees.people import ContactPoint, Person, contacts_of, standings_of
from committees.places import Locality
from committees.reports import FOR_OVERSIGHT
from coordination import closing_alerts, contact_errands, oversight, review, sign_in_resets, sms_by_hand
from coordination.review import Review
from coordination.runtime import Runtime
from foundation.clock import SystemClock
from foundation.db import claim
from foundation.errands import Errand, open_errands
from foundation.logs import log
from foundation.policy import service

TEST_MESSAGE, TEST_CONTACT = "test_message", "test_contact"
WEBHOOK_TEST, WEBHOOK_AGAIN = "webhook_test", "webhook_again"
CarryOut = Callable[[Session, datetime, random.Random, UUID], None]


def work(runtime: Runtime) -> int:
    """Carry out what waits, oldest first; return how many were done."""
    with runtime.worker.open(service("engine")) as session:
        waiting = open_errands(session)
    return sum(_one(runtime, key, kind) for key, kind in waiting)


def _one(runtime: Runtime, key: UUID, kind: str) -> int:
    now = runtime.clock.now()
    try:
        with runtime.worker.open(service(SERVICES.get(kind, "engine")), write=True) as session:
            if not claim(session, Errand, key, {"done_at": None}, {"done_at": now}):
                return 0
            errand = session.get_one(Errand, key)
            HANDLERS[errand.kind](session, now, runtime.rng, errand.subject_id)
            session.commit()
    except Exception as error:  # noqa: BLE001 -- one bad errand must not hold up the others; it comes again, five times at most
        log().error("errand_failed", errand=str(key), error_type=type(error).__name__)
        with runtime.worker.open(service("engine"), write=True) as session:
            session.execute(update(Errand).where(Errand.id == key).values(tries=Errand.tries + 1))
            session.commit()
        return 0
    return 1


def _ended(session: Session, now: datetime, rng: random.Random, alert_id: UUID) -> None:
    closing.tell_ended(session, now, rng, session.get_one(Alert, alert_id))


def _lowered(session: Session, now: datetime, rng: random.Random, alert_id: UUID) -> None:
    alert = session.get_one(Alert, alert_id)
    if alert.state == OPEN and alert.lowered_from:
        closing.tell_lowered(session, now, rng, alert, alert.lowered_from)


def _reviewed(session: Session, now: datetime, rng: random.Random, review_id: UUID) -> None:
    review.carry_out(session, now, rng, session.get_one(Review, review_id))


def _severe(session: Session, now: datetime, rng: random.Random, alert_id: UUID) -> None:
    alert = session.get_one(Alert, alert_id)
    if alert.state == OPEN:
        severe.tell(session, now, rng, alert)


def _help(session: Session, now: datetime, rng: random.Random, alert_id: UUID) -> None:
    alert = session.get_one(Alert, alert_id)
    if alert.state == OPEN:
        closing_alerts.tell_liaison(session, now, rng, alert)


def _for_oversight(session: Session, now: datetime, _rng: random.Random, incident_id: UUID) -> None:
    oversight.hand_over(session, now, session.get_one(Incident, incident_id))


def _test_message(session: Session, now: datetime, rng: random.Random, person_id: UUID) -> None:
    """A drill to oneself, by the first way to be reached."""
    for contact in contacts_of(session, person_id)[:1]:
        _drill(session, now, rng, contact, TEST_MESSAGE, person_id)


def _test_contact(session: Session, now: datetime, rng: random.Random, contact_id: UUID) -> None:
    """A drill to one number or address of one's own."""
    _drill(session, now, rng, session.get_one(ContactPoint, contact_id), TEST_CONTACT, contact_id)


def _drill(
    session: Session, now: datetime, rng: random.Random, contact: ContactPoint, kind: str, subject_id: UUID
) -> None:
    """The whole way from the outbox to the phone, with nothing in it."""
    person = session.get_one(Person, contact.person_id)
    place = session.get_one(Locality, standings_of(session, person.id)[0].locality_id)
    body = committee.committee_for(session, place.id)
    rows = select(Errand.id).where(Errand.subject_id == subject_id, Errand.kind == kind)
    drill = session.scalars(rows.order_by(Errand.asked_at.desc())).first()
    assert drill is not None
    values = {
        "source": body.short_name if body else "Concord",
        "place": {"names": dict(place.names)},
        "code": reply_codes.give(session, now, rng, contact.id, "drill", drill, digits=2),
    }
    write_to(
        session,
        now,
        person,
        contact,
        effect_key=f"drill:{drill}:{contact.id}",
        template="drill",
        slots=values,
    )


def _webhook_test(session: Session, now: datetime, _rng: random.Random, target_id: UUID) -> None:
    rows = select(Errand.id).where(Errand.subject_id == target_id, Errand.kind == WEBHOOK_TEST)
    newest = session.scalars(rows.order_by(Errand.asked_at.desc())).first()
    assert newest is not None
    webhooks.send_test(session, now, session.get_one(WebhookTarget, target_id), newest)


def _webhook_again(session: Session, now: datetime, _rng: random.Random, outbox_id: UUID) -> None:
    webhooks.send_again(session, now, outbox_id)


def _second_step(session: Session, now: datetime, _rng: random.Random, person_id: UUID) -> None:
    second_factor.reset(session, now, SystemClock().now(), person_id)


def _taken_back(session: Session, now: datetime, _rng: random.Random, incident_id: UUID) -> None:
    ring_me.take_back(session, now, incident_id)


HANDLERS: dict[str, CarryOut] = {
    closing.ENDED: _ended,
    closing_alerts.LOWERED: _lowered,
    review.DECIDED_NOW: _reviewed,
    severe.CONFIRMED: _severe,
    news.ACTION_DONE: news.tell_done,
    news.SENT_BACK: news.tell,
    closing_alerts.HELP_ASKED: _help,
    TEST_MESSAGE: _test_message,
    TEST_CONTACT: _test_contact,
    FOR_OVERSIGHT: _for_oversight,
    ring_me.TAKEN_BACK: _taken_back,
    confirming.NUMBER_CHANGE: contact_errands.number_change,
    confirming.CONTACTS_CHANGED: contact_errands.contacts_changed,
    WEBHOOK_TEST: _webhook_test,
    WEBHOOK_AGAIN: _webhook_again,
    sign_in_resets.RESET: _second_step,
    **sms_by_hand.ERRANDS,
}
# Who does an errand, where the engine may not: it reads no words of a report.
SERVICES = {
    FOR_OVERSIGHT: "intake",
    ring_me.TAKEN_BACK: "intake",
    **dict.fromkeys(sms_by_hand.ERRANDS, "intake"),
}
