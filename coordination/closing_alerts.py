"""What people with an office do to an alert beyond answering it: end it, confirm Severe, ask the police liaison for help.

From level 4 nobody ends an alert alone: one person asks, a second one of another organisation confirms (foundation/approvals.py); all
seats of a committee are one organisation. Telling people is left to the worker as errands. Pages, API and review.py call this.
"""

from __future__ import annotations

import random
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from alerts import closing, routing
from alerts.alert import OPEN, OUTCOMES, Alert
from alerts.escalation import Escalation, open_evidence, open_review
from alerts.receivers import Receiver, receivers
from committees import people
from coordination import feedback
from foundation import approvals, errands
from foundation.approvals import Approval
from foundation.errors import Conflict, NotAllowed, Problem, Refused

MAY_END = ("secretary", "chair", "city_officer", "district_administration")
TWO_PERSONS_FROM = 4
END = "alert:end"
HELP_ASKED = "help_asked"
ASKS_FOR = ("presence", "call", "advice", "nothing")
LONGEST = 400


def role_here(session: Session, alert: Alert, person_id: UUID, roles: tuple[str, ...]) -> str | None:
    """The first of `roles` that a person holds at the alert's place or above it, or None."""
    return people.role_at(session, alert.locality_id, person_id, roles)


def organisations_of(session: Session, alert: Alert, person_id: UUID) -> set[UUID]:
    """For whom a person speaks at the place of an alert."""
    return people.organisations_of(session, alert.locality_id, person_id)


def check(outcome: str, reason: str) -> None:
    """Raise Refused with the words for what is missing of an end."""
    wrong: dict[str, str] = {}
    if outcome not in OUTCOMES:
        wrong["outcome"] = "Choose how it ended"
    if not reason.strip():
        wrong["reason"] = "Write in one sentence how you know"
    elif len(reason) > LONGEST:
        wrong["reason"] = f"Make it shorter. You have used {len(reason)} of {LONGEST} letters"
    if wrong:
        raise Refused(wrong)


def end(
    session: Session,
    now: datetime,
    alert: Alert,
    *,
    outcome: str,
    reason: str,
    person_id: UUID,
    role: str,
    key: UUID,
) -> Approval | None:
    """End an alert below level 4; from there, ask for it: the request that a second person must confirm is returned."""
    check(outcome, reason)
    if alert.state != OPEN:
        raise Conflict("This alert has ended already.", "Open it again to see how.")
    if alert.level < TWO_PERSONS_FROM:
        _close(session, now, alert, outcome, reason.strip(), person_id)
        return None
    return approvals.request(
        session,
        now,
        key=key,
        kind=END,
        subject_kind="alert",
        subject_id=alert.id,
        reason=reason.strip(),
        values={"outcome": outcome, "level": alert.level},
        person_id=person_id,
        role=role,
        organisations=organisations_of(session, alert, person_id),
        locality_id=alert.locality_id,
        withheld_from=alert.withheld_from,
    )


def waiting_end(session: Session, now: datetime, alert: Alert) -> Approval | None:
    """The request to end this alert that waits for a second person, if any."""
    return approvals.waiting(session, now, alert.id, END)


def why_not_confirm(
    session: Session, now: datetime, alert: Alert, asked: Approval, person_id: UUID
) -> Problem | None:
    """Why a person may not confirm the end that was asked for, or None."""
    return approvals.why_not(asked, now, person_id, organisations_of(session, alert, person_id))


def confirm_end(session: Session, now: datetime, alert: Alert, person_id: UUID) -> None:
    """The second person confirms: the alert ends with the outcome that was asked for."""
    asked = waiting_end(session, now, alert)
    if asked is None:
        raise Conflict("Nobody asks to end this alert now.", "Open it again to see how it stands.")
    approvals.approve(session, now, asked, person_id, organisations_of(session, alert, person_id))
    _close(session, now, alert, asked.values["outcome"], asked.reason, person_id)


def keep_open(session: Session, now: datetime, alert: Alert, person_id: UUID) -> None:
    """Turn the request to end an alert down, or take one's own back."""
    asked = waiting_end(session, now, alert)
    if asked is None:
        raise Conflict("Nobody asks to end this alert now.", "Open it again to see how it stands.")
    approvals.refuse(session, now, asked, person_id)


def _close(session: Session, now: datetime, alert: Alert, outcome: str, reason: str, person_id: UUID) -> None:
    closing.close(session, now, alert, outcome=outcome, reason=reason, person_id=person_id)
    feedback.plan(session, now, alert, feedback.FROM_ALERT[outcome])


def liaison_for(session: Session, alert: Alert) -> list[Receiver]:
    """The police liaison who could be asked; nobody where there is none, or where a reporter ticked so."""
    if alert.private:
        return []
    return receivers(session, alert, ("police_liaison",), "asked")


def ask_for_help(
    session: Session, now: datetime, alert: Alert, role: str, asks_for: tuple[str, ...]
) -> Escalation:
    """Put an alert before the police liaison at once, without waiting for the ladder."""
    if alert.state != OPEN:
        raise Conflict("This alert has ended.", "Nobody waits for an answer any more. Thank you.")
    to = liaison_for(session, alert)
    if not to:
        raise NotAllowed(
            "There is nobody to ask here.",
            "No police liaison serves this place, or a person who reported asked that the police are not told.",
        )
    question = open_review(session, now, alert, to, step=0, asked_by=role, asks_for=asks_for)
    errands.ask(session, now, HELP_ASKED, alert.id)
    return question


def tell_liaison(session: Session, now: datetime, rng: random.Random, alert: Alert) -> None:
    """Send the question to the police liaison, and open the coded facts behind it. For the worker."""
    to = liaison_for(session, alert)
    open_evidence(session, now, alert, to)
    routing.send(session, now, rng, alert, to, template="escalation", step=0)
