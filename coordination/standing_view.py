"""What holds an alert as it is, for its page: the requests to end or lower it, how the last one was turned down, and a silence on it."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from alerts import silences
from alerts.alert import OPEN, Alert
from alerts.sentences import level_word, outcome_label, role_name
from committees.places import Locality, zone_of
from coordination import closing_alerts
from foundation.approvals import Approval
from foundation.web import words
from foundation.web.words import gettext as _


def proposals(session: Session, now: datetime, alert: Alert, person_id: UUID) -> list[dict[str, Any]]:
    """The requests on an open alert that wait for a second person, in words, with what this visitor may do."""
    if alert.state != OPEN:
        return []
    at = zone_of(session, session.get_one(Locality, alert.locality_id))
    found = [
        ("close", closing_alerts.waiting_end(session, now, alert)),
        ("lower", closing_alerts.waiting_lower(session, now, alert)),
    ]
    return [_proposal(session, now, alert, person_id, what, asked, at) for what, asked in found if asked]


def _proposal(
    session: Session, now: datetime, alert: Alert, person_id: UUID, what: str, asked: Approval, at: ZoneInfo
) -> dict[str, Any]:
    refused = closing_alerts.why_not_confirm(session, now, alert, asked, person_id)
    ends = what == "close"
    return {
        "what": what,
        "title": _("Somebody asks to end this alert") if ends else _("Somebody asks to lower this alert"),
        "wanted": outcome_label(asked.values["outcome"])
        if ends
        else _("To %(level)s", level=level_word(asked.values["to"])),
        "yes": _("Yes, end it") if ends else _("Yes, lower it"),
        "no": _("No, keep it open") if ends else _("No, keep the level"),
        "reason": asked.reason,
        "role": role_name(asked.requested_role),
        "when": words.when(asked.requested_at, at, now),
        "until": words.when(asked.expires_at, at, now),
        "mine": asked.requested_by == person_id,
        "refused": f"{_(refused.message)} {_(refused.hint)}" if refused else "",
    }


def silence(session: Session, now: datetime, alert: Alert) -> dict[str, str] | None:
    """The silence that holds back messages on an alert, in words; None where they go out."""
    row = silences.holding(session, now, alert) if alert.state == OPEN else None
    if row is None:
        return None
    at = zone_of(session, session.get_one(Locality, alert.locality_id))
    return {
        "reason": row.reason,
        "role": role_name(row.role),
        "until": words.when(row.ends_at, at, now),
    }


def turned_down(session: Session, alert: Alert) -> str:
    """Why the last request to end or lower an open alert was turned down; empty if none was."""
    asked = closing_alerts.refused_last(session, alert) if alert.state == OPEN else None
    return asked.why if asked else ""
