"""What the police liaison sees of an alert before deciding: coded facts, what is kept from them and why, what will be told.

Reads only, through the liaison's own session: what is not shown here they could not read. The page is pages/review.py.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts.alert import Alert
from alerts.escalation import Escalation
from alerts.sentences import (
    decision_label,
    how_known_label,
    kind_label,
    level_word,
    outcome_label,
    role_name,
    rule_label,
    state_label,
)
from committees.incidents import VERIFIED, Incident
from committees.people import Office, Scope
from coordination import alert_view
from coordination.review import Review
from foundation.policy import Principal
from foundation.web import words
from foundation.web.words import N_, ngettext
from foundation.web.words import gettext as _

REPLY_IN = timedelta(hours=4)
WANTED = {
    "presence": N_("Presence nearby, in sight"),
    "call": N_("A call to those concerned"),
    "advice": N_("Advice"),
    "nothing": N_("Nothing, for information"),
}
HIDDEN = (
    N_("Names and phone numbers of those who reported"),
    N_("What they wrote, in their own words"),
    N_("What each member answered in a check-in"),
    N_("Which community anybody belongs to"),
)
TOLD = {
    "take": N_("The police liaison takes it on, and replies by the time you set."),
    "ask": N_(
        "The police liaison has a question, and replies by the time you set. The next step of the ladder waits an hour."
    ),
    "pass": N_(
        "It is not a police matter. The police liaison passed it to the office you choose, which is asked now."
    ),
    "not_true": N_(
        "The police liaison checked it: it is not true. From level 4, a second person of another organisation confirms the end."
    ),
}


def clock(question: Escalation, at: ZoneInfo, now: datetime) -> str:
    """Until when to decide, or for how long the answer is late."""
    if question.decide_by < now:
        return _("The time to decide was %(when)s. It is late.", when=words.when(question.decide_by, at, now))
    return _("Decide by %(when)s", when=words.when(question.decide_by, at, now))


def lateness(session: Session, question: Escalation, at: ZoneInfo, now: datetime) -> str:
    """What became of a question that nobody decided in time; empty before that."""
    if question.late_at is None:
        return ""
    when = words.when(question.late_at, at, now)
    deputy = session.get(Office, question.deputy_id) if question.deputy_id else None
    if deputy is None:
        return _("The chair was told %(when)s. This office has no deputy.", when=when)
    name = deputy.name(words.current().language)
    return _("It went to the deputy %(when)s: %(office)s. The chair was told.", when=when, office=name)


def asked_by(question: Escalation) -> str:
    """Who asked, as a sentence."""
    if question.asked_by == "ladder":
        return _("Asked by the clock, because nobody answered in time.")
    return _("Asked by the %(role)s.", role=role_name(question.asked_by))


def why_now(session: Session, alert: Alert) -> str:
    """Why it is here now, in one sentence."""
    found = ngettext("It rests on %(num)d report.", "It rests on %(num)d reports.", len(alert.evidence))
    return _("%(rule)s. %(reports)s", rule=rule_label(alert.rule), reports=found)


def evidence(session: Session, now: datetime, alert: Alert, principal: Principal) -> list[tuple[Any, ...]]:
    """The evidence as coded facts: kind, how known, checked by which role, when. Never a name, a text or a spot."""
    at = alert_view.zone(session, alert)
    return [
        (
            kind_label(row.kind),
            how_known_label(row.how_known),
            checked(session, row),
            _("about %(when)s", when=words.when(row.occurred_at, at, now)),
            words.when(row.received_at, at, now),
        )
        for row in alert_view.evidence_of(session, alert)
    ]


def checked(session: Session, incident: Incident) -> str:
    """How far the checking has come, and by which role."""
    if incident.state != VERIFIED or incident.verified_by is None:
        return state_label(incident.state)
    rows = (
        select(Scope.role).where(Scope.person_id == incident.verified_by, Scope.active).order_by(Scope.role)
    )
    role = session.scalars(rows).first() or "secretary"
    return _("%(state)s, by the %(role)s", state=state_label(incident.state), role=role_name(role))


def wishes(question: Escalation) -> list[str]:
    """What the committee asks for, in words."""
    return [_(WANTED[key]) for key in question.asks_for if key in WANTED]


def queue_row(
    session: Session, now: datetime, question: Escalation, principal: Principal
) -> dict[str, Any] | None:
    """One row of the queue; None where the alert is not this reader's."""
    alert = session.scalars(select(Alert).where(Alert.id == question.alert_id)).first()
    if alert is None:
        return None
    at = alert_view.zone(session, alert)
    place = alert_view.place_words(session, alert, principal)
    return {
        "href": f"/review/{question.id}",
        "name": _("%(what)s, %(place)s", what=kind_label(alert.what), place=place),
        "level": alert.level,
        "meta": f"{clock(question, at, now)}. {asked_by(question)}",
        "late": question.decide_by < now,
    }


def record_row(
    session: Session, now: datetime, review: Review, principal: Principal
) -> dict[str, Any] | None:
    """One decision of the record: what, why, how long it took, and how the alert ended."""
    alert = session.scalars(select(Alert).where(Alert.id == review.alert_id)).first()
    question = session.scalars(select(Escalation).where(Escalation.id == review.escalation_id)).first()
    if alert is None or question is None:
        return None
    at = alert_view.zone(session, alert)
    minutes = max(1, int((review.at - question.asked_at).total_seconds() // 60))
    took = (
        ngettext("%(num)d minute", "%(num)d minutes", minutes)
        if minutes < 120
        else ngettext("%(num)d hour", "%(num)d hours", minutes // 60)
    )
    to = _(" (%(role)s)", role=role_name(review.pass_to)) if review.pass_to else ""
    return {
        "name": _(
            "%(what)s, %(place)s",
            what=kind_label(alert.what),
            place=alert_view.place_words(session, alert, principal),
        ),
        "href": f"/review/{question.id}",
        "decision": decision_label(review.decision) + to,
        "role": role_name(review.role),
        "reason": review.reason,
        "when": words.when(review.at, at, now),
        "took": took,
        "late": review.at > question.decide_by,
        "reply_by": words.when(review.reply_by, at, now),
        "outcome": _outcome(alert),
    }


def _outcome(alert: Alert) -> str:
    return (
        outcome_label(alert.outcome)
        if alert.outcome
        else _("Still open at %(level)s", level=level_word(alert.level))
    )
