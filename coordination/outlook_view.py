"""Who knows and who is next, in words, for the alert page, the page of a signed link and the code page. Words only; alerts/outlook.py looks."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from alerts import outlook
from alerts.alert import OPEN, Alert
from alerts.ladder import LOCAL, NATIONAL, ONLY_ACTING_STOPS, POLICE
from alerts.outlook import Outlook, Side
from alerts.sentences import answer_label, role_name, role_names
from committees.places import Locality, zone_of
from foundation.web import words
from foundation.web.words import N_
from foundation.web.words import gettext as _

SIDES = {LOCAL: N_("Town and committee"), NATIONAL: N_("National level"), POLICE: N_("Police")}
Row = tuple[str, str, str]


def side_rows(found: Outlook, now: datetime, at: ZoneInfo) -> list[Row]:
    """Each side: who has answered what and when, and who has not."""
    return [(_(SIDES[side.key]), _has(side, now, at), _has_not(side)) for side in found.sides]


def _has(side: Side, now: datetime, at: ZoneInfo) -> str:
    lines = [
        _(
            "%(role)s: %(answer)s, %(when)s",
            role=role_name(one.role),
            answer=answer_label(one.answer),
            when=words.when(one.at, at, now),
        )
        for one in side.said
    ]
    return "; ".join(lines) or _("Nobody yet")


def _has_not(side: Side) -> str:
    waiting = role_names(list(side.silent))
    if side.lacking:
        return _("%(roles)s. This side must answer.", roles=waiting or _("nobody else"))
    return waiting or _("nobody else")


def next_sentence(alert: Alert, found: Outlook, now: datetime, at: ZoneInfo) -> str:
    """Who is asked next and when, or why nobody is."""
    if found.next:
        texts = [
            _("%(roles)s %(when)s", roles=role_names(list(step.roles)), when=words.when(step.at, at, now))
            for step in found.next[:3]
        ]
        return _("Asked next: %(steps)s.", steps=_(", then ").join(texts))
    if not found.lacking and alert.acting_at:
        return _("Somebody is acting on it. Nobody else is asked.")
    if not found.lacking and alert.answered_at and alert.level < ONLY_ACTING_STOPS:
        return _("Somebody has seen it. Nobody else is asked.")
    return _("Everybody on the list was asked. It stays open until it ends.")


def alone(found: Outlook) -> str:
    """What is said where nobody at national level can answer."""
    if found.national == outlook.NOBODY:
        return _("Local only: no national office serves this place. The town carries this alert alone.")
    if found.national == outlook.WITHHELD:
        return _("Local only: no national office may be told of this one. The town carries it alone.")
    return ""


def look(session: Session, now: datetime, alert: Alert, at: ZoneInfo) -> dict[str, Any]:
    """Everything a page shows of it."""
    found = outlook.outlook_of(session, now, alert)
    return {
        "sides": side_rows(found, now, at),
        "alone": alone(found) if alert.state == OPEN else "",
    }


def next_now(session: Session, now: datetime, alert: Alert) -> str:
    """Who is asked next and when, as one sentence in the time of the place."""
    at = zone_of(session, session.get_one(Locality, alert.locality_id))
    return next_sentence(alert, outlook.outlook_of(session, now, alert), now, at)
