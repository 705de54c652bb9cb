"""What people with an office do to an alert beyond answering it: end it, lower it, hold it, ask the police liaison for help.

From level 4 nobody ends, lowers or holds an alert alone: one person asks, a second one of another organisation confirms
(foundation/approvals.py), and until then it stands as it is; all seats of a committee are one organisation. To hold is a silence of one
alert (alerts/silences.py). Telling people is left to the worker as errands. Pages, API and review.py call this.
"""

from __future__ import annotations

import random
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts import closing, routing
from alerts.alert import OPEN, OUTCOMES, Alert, note
from alerts.escalation import Escalation, open_evidence, open_review
from alerts.policies import ladder_of
from alerts.receivers import Receiver, receivers
from committees import people
from coordination import feedback
from foundation import approvals, errands, journal
from foundation.approvals import Approval
from foundation.errors import Conflict, NotAllowed, Problem, Refused
from foundation.web.words import N_
from foundation.web.words import gettext as _

MAY_END = ("secretary", "chair", "city_officer", "district_administration")
TWO_PERSONS_FROM = 4
END, LOWER = "alert:end", "alert:lower"
LOWERED = "alert_lowered"
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
    wrong = {} if outcome in OUTCOMES else {"outcome": "Choose how it ended"}
    raise_wrong({**wrong, **wrong_reason(reason)})


def wrong_reason(reason: str) -> dict[str, str]:
    """The words for a reason that is missing or too long."""
    if not reason.strip():
        return {"reason": N_("Write in one sentence how you know")}
    if len(reason) > LONGEST:
        return {
            "reason": _(
                "Make it shorter. You have used %(used)d of %(most)d letters", used=len(reason), most=LONGEST
            )
        }
    return {}


def raise_wrong(wrong: dict[str, str]) -> None:
    """Raise Refused if anything is wrong with a form."""
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
    _still_open(alert)
    if alert.level < TWO_PERSONS_FROM:
        _close(session, now, alert, outcome, reason.strip(), person_id)
        return None
    return _ask(
        session, now, alert, END, {"outcome": outcome, "level": alert.level}, reason, person_id, role, key
    )


def lower(
    session: Session,
    now: datetime,
    alert: Alert,
    *,
    to: int,
    reason: str,
    person_id: UUID,
    role: str,
    key: UUID,
) -> Approval | None:
    """Lower an alert's level, below level 4 at once; from there, ask for it: the request is returned."""
    wrong = {} if 1 <= to < alert.level else {"to": N_("Choose a lower level than it has now")}
    raise_wrong({**wrong, **wrong_reason(reason)})
    _still_open(alert)
    if alert.level < TWO_PERSONS_FROM:
        _lower(session, now, alert, to, role)
        return None
    return _ask(session, now, alert, LOWER, {"to": to, "level": alert.level}, reason, person_id, role, key)


def _still_open(alert: Alert) -> None:
    if alert.state != OPEN:
        raise Conflict(N_("This alert has ended already."), N_("Open it again to see how it stands."))


def _ask(
    session: Session,
    now: datetime,
    alert: Alert,
    kind: str,
    values: dict[str, Any],
    reason: str,
    person_id: UUID,
    role: str,
    key: UUID,
) -> Approval:
    return approvals.request(
        session,
        now,
        key=key,
        kind=kind,
        subject_kind="alert",
        subject_id=alert.id,
        reason=reason.strip(),
        values=values,
        person_id=person_id,
        role=role,
        organisations=organisations_of(session, alert, person_id),
        locality_id=alert.locality_id,
        withheld_from=alert.withheld_from,
    )


def waiting_end(session: Session, now: datetime, alert: Alert) -> Approval | None:
    """The request to end this alert that waits for a second person, if any."""
    return approvals.waiting(session, now, alert.id, END)


def waiting_lower(session: Session, now: datetime, alert: Alert) -> Approval | None:
    """The request to lower this alert that waits for a second person, if any."""
    return approvals.waiting(session, now, alert.id, LOWER)


def why_not_confirm(
    session: Session, now: datetime, alert: Alert, asked: Approval, person_id: UUID
) -> Problem | None:
    """Why a person may not confirm what was asked for, or None."""
    return approvals.why_not(asked, now, person_id, organisations_of(session, alert, person_id))


def confirm_end(session: Session, now: datetime, alert: Alert, person_id: UUID) -> None:
    """The second person confirms: the alert ends with the outcome that was asked for."""
    asked = _approve(session, now, alert, END, person_id)
    _close(session, now, alert, asked.values["outcome"], asked.reason, person_id)


def confirm_lower(session: Session, now: datetime, alert: Alert, person_id: UUID) -> None:
    """The second person confirms: the alert has the lower level that was asked for."""
    asked = _approve(session, now, alert, LOWER, person_id)
    if alert.level != asked.values["level"]:
        raise Conflict(
            N_("The level has changed since this was asked for."),
            N_("Ask for it again if it is still needed."),
        )
    _lower(session, now, alert, int(asked.values["to"]), asked.requested_role)


def _approve(session: Session, now: datetime, alert: Alert, kind: str, person_id: UUID) -> Approval:
    asked = _asked(session, now, alert, kind)
    return approvals.approve(session, now, asked, person_id, organisations_of(session, alert, person_id))


def _asked(session: Session, now: datetime, alert: Alert, kind: str) -> Approval:
    asked = approvals.waiting(session, now, alert.id, kind)
    if asked is None:
        raise Conflict(N_("Nothing waits to be confirmed here."), N_("Open it again to see how it stands."))
    return asked


def keep_open(
    session: Session, now: datetime, alert: Alert, person_id: UUID, *, kind: str = END, why: str = ""
) -> None:
    """Turn the request to end or lower an alert down, with a reason, or take one's own back."""
    asked = _asked(session, now, alert, kind)
    own = asked.requested_by == person_id
    if not own:
        raise_wrong(wrong_reason(why))
    approvals.refuse(session, now, asked, person_id, why.strip())
    if not own:
        role = role_here(session, alert, person_id, MAY_END) or "chair"
        note(session, now, alert, "kept_open", role=role)


def refused_last(session: Session, alert: Alert) -> Approval | None:
    """The request on this alert that was turned down last, with its reason."""
    rows = select(Approval).where(
        Approval.subject_id == alert.id, Approval.decided == approvals.REFUSED, Approval.why != ""
    )
    return session.scalars(rows.order_by(Approval.decided_at.desc()).limit(1)).first()


def _close(session: Session, now: datetime, alert: Alert, outcome: str, reason: str, person_id: UUID) -> None:
    closing.close(session, now, alert, outcome=outcome, reason=reason, person_id=person_id)
    feedback.plan(session, now, alert, feedback.FROM_ALERT[outcome])


def _lower(session: Session, now: datetime, alert: Alert, to: int, role: str) -> None:
    """The level falls: those who were told hear of it, and the ladder waits as long as the new level does."""
    was = alert.level
    alert.level, alert.proposed, alert.revision, alert.lowered_from = to, None, alert.revision + 1, was
    if alert.next_step_at:
        alert.next_step_at = ladder_of(session, alert).due(now, 0, to)
    note(session, now, alert, "lowered", role=role, level=to, was=was)
    journal.record(session, now, "alert:lower", "alert", alert.id, locality_id=alert.locality_id)
    errands.ask(session, now, LOWERED, alert.id)


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
        raise Conflict(N_("This alert has ended."), N_("Nobody waits for an answer any more."))
    to = liaison_for(session, alert)
    if not to:
        raise NotAllowed(
            N_("There is nobody to ask here."),
            N_(
                "No police liaison serves this place, or a person who reported asked that the police are not told."
            ),
        )
    question = open_review(session, now, alert, to, step=0, asked_by=role, asks_for=asks_for)
    errands.ask(session, now, HELP_ASKED, alert.id)
    return question


def tell_liaison(session: Session, now: datetime, rng: random.Random, alert: Alert) -> None:
    """Send the question to the police liaison, and open the coded facts behind it. For the worker."""
    to = liaison_for(session, alert)
    open_evidence(session, now, alert, to)
    routing.send(session, now, rng, alert, to, template="escalation", step=0)
