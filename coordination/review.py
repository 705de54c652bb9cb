"""The police liaison's decision on an escalation: with a reason, a reply date, and what the committee will be told.

Civil first: to pass the matter on is a decision of equal rank. Asking who may decide is policy; telling reporters is feedback.py.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from alerts import routing
from alerts.acknowledging import acknowledge
from alerts.alert import ACTING, OPEN, Alert, note
from alerts.escalation import DECIDED, WAITING, Escalation
from alerts.holding import URGENT_FROM
from alerts.messages import TEMPLATES
from alerts.policies import next_step_time
from alerts.quiet import after_quiet
from alerts.receivers import SEATS, receivers
from committees import committee, places, reply_codes
from committees.contacts import write_to
from committees.people import contacts_of
from committees.places import Locality
from coordination import closing_alerts, feedback
from foundation import errands, journal
from foundation.db import Base, Keyed, claim
from foundation.errors import Conflict, Invalid, Refused
from foundation.web.words import N_
from foundation.web.words import gettext as _

TAKE, ASK, PASS, NOT_TRUE = "take", "ask", "pass", "not_true"
DECISIONS = (TAKE, ASK, PASS, NOT_TRUE)
PASS_TO = (
    "city_officer",
    "district_administration",
    "services_focal_person",
    "dispute_resolution",
    "committee",
)
SHORTEST, LONGEST = 20, 400
DECIDED_NOW = "review_decided"


class Review(Keyed, Base):
    """One decision: who, what, why, and by when a reply is promised. Never changed afterwards."""

    __tablename__ = "review"

    escalation_id: Mapped[UUID] = mapped_column(ForeignKey("escalation.id"), index=True)
    alert_id: Mapped[UUID] = mapped_column(ForeignKey("alert.id"), index=True)
    locality_id: Mapped[UUID] = mapped_column(ForeignKey("locality.id"), index=True)
    withheld_from: Mapped[str] = mapped_column(default="")
    decision: Mapped[str]
    reason: Mapped[str]
    reply_by: Mapped[datetime]
    pass_to: Mapped[str | None]
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    role: Mapped[str]
    at: Mapped[datetime]


@dataclass(frozen=True)
class Decision:
    """What the liaison filled in: {decision, reason, reply_by, pass_to?}."""

    decision: str
    reason: str
    reply_by: datetime
    pass_to: str | None = None


def check(decision: Decision, now: datetime) -> None:
    """Raise Refused with the words for every field that is missing or wrong."""
    wrong: dict[str, str] = {}
    if decision.decision not in DECISIONS:
        wrong["decision"] = N_("Choose from the list")
    if len(decision.reason.strip()) < SHORTEST:
        wrong["reason"] = _("Write the reason in at least %(least)d letters", least=SHORTEST)
    elif len(decision.reason) > LONGEST:
        wrong["reason"] = _(
            "Make it shorter. You have used %(used)d of %(most)d letters",
            used=len(decision.reason),
            most=LONGEST,
        )
    if decision.decision == PASS and decision.pass_to not in PASS_TO:
        wrong["pass_to"] = N_("Choose who should take it on")
    if decision.reply_by <= now:
        wrong["reply_by"] = N_("Choose a day that is still to come")
    if wrong:
        raise Refused(wrong)


def decide(
    session: Session, now: datetime, escalation: Escalation, decision: Decision, *, person_id: UUID
) -> Review:
    """Record a decision once; tell the committee, move the alert, and tell the reporters where it is their turn."""
    check(decision, now)
    if not claim(session, Escalation, escalation.id, {"state": WAITING}, {"state": DECIDED}):
        raise Conflict(N_("This was decided already."), N_("Open it again to see how it stands."))
    alert = session.get_one(Alert, escalation.alert_id)
    review = Review(
        escalation_id=escalation.id,
        alert_id=alert.id,
        locality_id=alert.locality_id,
        withheld_from=alert.withheld_from,
        decision=decision.decision,
        reason=decision.reason.strip(),
        reply_by=decision.reply_by,
        pass_to=decision.pass_to if decision.decision == PASS else None,
        person_id=person_id,
        role=escalation.role,
        at=now,
    )
    session.add(review)
    session.flush()
    note(
        session, now, alert, f"review_{decision.decision}", role=escalation.role, pass_to=review.pass_to or ""
    )
    journal.record(
        session,
        now,
        f"review:{decision.decision}",
        "escalation",
        escalation.id,
        locality_id=alert.locality_id,
    )
    _move_alert(session, now, alert, review)
    # The liaison's page reads no numbers of others: the worker tells the committee, and whoever it was passed to.
    errands.ask(session, now, DECIDED_NOW, review.id)
    return review


def _move_alert(session: Session, now: datetime, alert: Alert, review: Review) -> None:
    if alert.state != OPEN:
        return
    if review.decision == TAKE:
        acknowledge(session, now, alert, review.person_id, ACTING, "page", role=review.role)
        feedback.plan(session, now, alert, "police_helped")
    elif review.decision == NOT_TRUE:
        # From level 4 this is one person's word of two: a second one of another organisation confirms it.
        closing_alerts.end(
            session,
            now,
            alert,
            outcome="not_true",
            reason=review.reason,
            person_id=review.person_id,
            role=review.role,
            key=review.id,
        )
    else:
        # If they are silent too, whom it was passed to or whom the question went to, the ladder goes on.
        alert.next_step_at = next_step_time(now, 60)
        if review.decision == PASS:
            feedback.plan(session, now, alert, "passed_on")


def carry_out(session: Session, now: datetime, rng: random.Random, review: Review) -> None:
    """Tell the committee what was decided, and ask whoever it was passed to. For the worker."""
    alert = session.get_one(Alert, review.alert_id)
    tell_committee(session, now, rng, alert, review)
    if alert.state == OPEN and review.decision == PASS:
        roles = (
            ("secretary", "chair") if review.pass_to == "committee" else (review.pass_to or "city_officer",)
        )
        to = receivers(session, alert, roles, "passed_on")
        routing.send(session, now, rng, alert, to, template=routing.own_message(alert), step=alert.step)


def tell_committee(session: Session, now: datetime, rng: random.Random, alert: Alert, review: Review) -> None:
    """Tell secretary and chair what was decided, in closed words; the reason stands on the page."""
    body = committee.committee_for(session, alert.locality_id)
    if body is None:
        return
    place = session.get_one(Locality, alert.locality_id)
    zone = places.zone_of(session, place)
    for receiver in receivers(session, alert, SEATS, "reviewed"):
        person = receiver.person
        for contact in contacts_of(session, person.id):
            code = reply_codes.give(
                session, now, rng, contact.id, "alert", alert.id, digits=3 if alert.level >= 4 else 2
            )
            values = {
                "source": body.short_name,
                "place": routing.place_slot(session, alert, "secretary"),
                "code": code,
                "decision": review.decision,
                "when": review.reply_by.astimezone(zone).isoformat(),
            }
            write_to(
                session,
                now,
                person,
                contact,
                effect_key=f"review:{review.id}:{contact.id}",
                template="review_decided",
                slots={name: values[name] for name in TEMPLATES["review_decided"].slots},
                due_at=now if alert.level >= URGENT_FROM else after_quiet(session, now, person, place),
            )


def waiting(session: Session) -> list[Escalation]:
    """The escalations that wait for a decision, the most urgent first."""
    return list(
        session.scalars(select(Escalation).where(Escalation.state == WAITING).order_by(Escalation.decide_by))
    )


def decided(session: Session) -> list[Review]:
    """The decision record, newest first."""
    return list(session.scalars(select(Review).order_by(Review.at.desc())))


def parse_decision(decision: str, reason: str, reply_by: datetime | None, pass_to: str | None) -> Decision:
    """Put what a door brought in into one value; a missing date is refused in words."""
    if reply_by is None:
        raise Invalid("reply_by", N_("Choose when you will reply"))
    return Decision(decision, reason, reply_by, pass_to or None)
