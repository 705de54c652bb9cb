"""What the alert page shows, put together from rows that the visitor may see: facts in warning order, ladder, answers, messages, story.

Reads only; words come from alerts.sentences. Which page shows it, and what its buttons do, is pages/alert.py.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts import messages, routing
from alerts.alert import ACTING, CANNOT, OPEN, SEEN, Acknowledgement, Alert, Finding, answers_of, story_of
from alerts.outlook import told_roles
from alerts.routing import Delivery
from alerts.sentences import (
    answer_label,
    channel_label,
    delivery_reason,
    delivery_state_label,
    kind_label,
    note_sentence,
    reason_sentence,
    role_name,
    role_names,
    rule_label,
    sure_label,
    why_held,
)
from alerts.told import NOT_ASKED, PAUSED, QUIET, STOPPED
from committees.committee import committee_for
from committees.incidents import Incident
from committees.people import Person
from committees.places import Locality, zone_of
from coordination import outlook_view
from foundation.policy import Principal
from foundation.web import words
from foundation.web.words import gettext as _
from foundation.web.words import ngettext

NAMES_FOR = frozenset({"secretary", "chair"})
FARED = {
    "delivered": "done",
    "sent": "done",
    "failed": "problem",
    "undelivered": "problem",
    "unknown": "doing",
}
ORDER = {"opened": 0, "raised": 0, "confirmed": 0, "more_evidence": 1}
Row = tuple[Any, ...]


def zone(session: Session, alert: Alert) -> ZoneInfo:
    """The zone in which an alert's times are shown."""
    return zone_of(session, session.get_one(Locality, alert.locality_id))


def place_words(session: Session, alert: Alert, principal: Principal) -> str:
    """Where, as this reader may know it: the ward, or the town for outsiders and where a ward names a community."""
    language = words.current().language
    place = session.get_one(Locality, alert.locality_id)
    town = session.get_one(Locality, alert.town_id)
    outsider = principal.roles <= routing.OUTSIDE
    if place.id == town.id or place.town_only or outsider:
        return town.name(language)
    return _("%(ward)s, %(town)s", ward=place.name(language), town=town.name(language))


def line(session: Session, now: datetime, alert: Alert) -> str:
    """The first line: number, when it was sent, to how many, until when it holds."""
    at = zone(session, alert)
    told = told_count(session, alert)
    parts = [
        _("Alert %(number)d", number=alert.number),
        _("opened %(when)s", when=words.when(alert.opened_at, at, now)),
    ]
    parts.append(ngettext("%(num)d person was told", "%(num)d people were told", told))
    if alert.state == OPEN:
        parts.append(_("ends %(when)s", when=words.when(alert.ends_at, at, now)))
    elif alert.closed_at:
        parts.append(_("ended %(when)s", when=words.when(alert.closed_at, at, now)))
    return " · ".join(parts)


def told_count(session: Session, alert: Alert) -> int:
    """How many were told, from the alert's story, which everybody may read who may see the alert; roles told again count once."""
    count, roles = 0, set[str]()
    for update in reversed(story_of(session, alert.id)):
        if (
            update.key in ("told", "told_digest", "told_together", "escalation")
            and not set(update.values.get("roles", ())) <= roles
        ):
            count += int(update.values.get("n", 0))
            roles |= set(update.values.get("roles", ()))
    return count


def title(session: Session, alert: Alert, principal: Principal) -> str:
    """What and where, as this reader may know it."""
    return _("%(what)s, %(place)s", what=kind_label(alert.what), place=place_words(session, alert, principal))


def facts(session: Session, now: datetime, alert: Alert, principal: Principal) -> list[Row]:
    """What every message about an alert says, in warning order: from, please do, what, where, when, sure."""
    at = zone(session, alert)
    body = committee_for(session, alert.locality_id)
    sender = body.name(words.current().language) if body else routing.sender_of(session, alert.locality_id)
    language = messages.catalogue(words.current().language).language
    return [
        (_("From"), sender),
        (_("Please do"), language.words["action"][routing.action_of(alert)]),
        (_("What"), kind_label(alert.what)),
        (_("Where"), place_words(session, alert, principal)),
        (_("When"), _("about %(when)s", when=words.when(alert.happened_at or alert.opened_at, at, now))),
        (_("Sure?"), _("%(sure)s.", sure=sure_label(alert.sure))),
    ]


def summary(session: Session, now: datetime, alert: Alert, principal: Principal) -> list[Row]:
    """The facts, on how many reports they rest, and who is asked if nobody answers."""
    *rows, (sure, how) = facts(session, now, alert, principal)
    rows.append((sure, f"{how} {reports(session, alert)}"))
    if alert.state == OPEN:
        rows.append((_("If no answer"), outlook_view.next_now(session, now, alert)))
    return rows


def reports(session: Session, alert: Alert) -> str:
    """How many reports it rests on; how many were seen in person, where the reader may open them all."""
    total = len(alert.evidence)
    if not total:
        return _("No report yet.")
    text = ngettext("%(num)d report", "%(num)d reports", total)
    found = evidence_of(session, alert)
    if len(found) == total:
        seen = sum(row.how_known == "saw" for row in found)
        return _("%(reports)s, %(seen)d seen in person.", reports=text, seen=seen)
    return _("%(reports)s.", reports=text)


def evidence_of(session: Session, alert: Alert) -> list[Incident]:
    """The incidents behind an alert that this reader may open, newest first."""
    keys = [UUID(str(key)) for key in alert.evidence]
    return list(
        session.scalars(select(Incident).where(Incident.id.in_(keys)).order_by(Incident.received_at.desc()))
    )


def why(session: Session, alert: Alert) -> list[str]:
    """Why this alert, as sentences: what the newest finding gave as reasons; the rule alone where that is not for this reader."""
    rows = select(Finding).where(Finding.alert_id == alert.id).order_by(Finding.at.desc()).limit(1)
    finding = session.scalars(rows).first()
    if finding is None:
        return [_("%(rule)s.", rule=rule_label(alert.rule))]
    return [
        _("%(rule)s.", rule=rule_label(finding.rule)),
        *(reason_sentence(reason) for reason in finding.reasons),
    ]


def answers(session: Session, now: datetime, alert: Alert) -> list[Row]:
    """Who has answered what and when, by role, never by name."""
    at = zone(session, alert)
    return [
        (
            _capital(role_name(row.role)),
            answer_label(row.answer),
            _("%(when)s, %(channel)s", when=words.when(row.at, at, now), channel=channel_label(row.channel)),
        )
        for row in answers_of(session, alert.id)
    ]


def silent(session: Session, alert: Alert) -> str:
    """The roles that were told and have not answered, in one line."""
    return role_names(
        sorted(told_roles(session, alert) - {row.role for row in answers_of(session, alert.id)})
    )


def my_answers(session: Session, alert: Alert, principal: Principal) -> dict[str, datetime]:
    """What this person has answered in the round that runs, and when; acting is open again where it was taken back or is asked for again."""
    rows = select(Acknowledgement).where(
        Acknowledgement.alert_id == alert.id,
        Acknowledgement.person_id == principal.person_id,
        Acknowledgement.round == alert.round,
    )
    word = (alert.said.get(str(principal.person_id)) or ("", ""))[1]
    open_again = {ACTING, CANNOT} - {word} | ({ACTING} if alert.still_asked_at else set())
    return {
        row.answer: row.at
        for row in session.scalars(rows.order_by(Acknowledgement.at))
        if row.answer not in open_again
    }


def buttons(mine: dict[str, datetime]) -> list[tuple[str, str, str]]:
    """The answers still open to this person, as (answer, words, kind of button): the first is the one filled button."""
    every = [
        (SEEN, _("I have seen this")),
        (ACTING, _("I am acting on it")),
        (CANNOT, _("I cannot, pass it on")),
    ]
    left = [(key, text) for key, text in every if key not in mine and not (key == SEEN and mine)]
    main = "" if ACTING in mine else next((key for key, _text in left if key != CANNOT), "")
    return [(key, text, "" if key == main else "quiet") for key, text in left]


def messages_sent(
    session: Session, now: datetime, alert: Alert, principal: Principal
) -> list[dict[str, Any]]:
    """Who was told and how it fared, newest first, as far as this reader may know."""
    at = zone(session, alert)
    return [
        {
            "who": _who(row, person, principal),
            "channel": channel_label(row.channel),
            "state": delivery_state_label(row.state),
            "kind": FARED.get(row.state, "waiting"),
            "why": delivery_reason(row.reason),
            "held": why_held(row.held_by, row.why_not),
            "when": words.when(row.at, at, now),
        }
        for row, person in _deliveries(session, alert)
        if row.state != NOT_ASKED
    ]


def not_asked(session: Session, now: datetime, alert: Alert, principal: Principal) -> list[Row]:
    """Who was not asked of an open alert as it stands, or will be later: who, why and until when. Nobody who was told of it."""
    found: dict[UUID, Row] = {}
    told = set[UUID]()
    at = zone(session, alert)
    for row, person in _deliveries(session, alert):
        if row.revision != alert.revision or alert.state != OPEN:
            continue
        later = row.state == "due" and row.held_by in (QUIET, PAUSED)
        if later or row.state == NOT_ASKED or row.why_not == STOPPED:
            until = words.when(row.held_until, at, now) if row.held_until else "–"
            why = why_held(row.held_by, row.why_not)
            found.setdefault(person.id, (_who(row, person, principal), why, until))
        elif row.outbox_id:
            told.add(person.id)
    return [line for key, line in found.items() if key not in told]


def _deliveries(session: Session, alert: Alert) -> list[tuple[Delivery, Person]]:
    rows = select(Delivery, Person).join(Person, Person.id == Delivery.person_id)
    rows = rows.where(Delivery.alert_id == alert.id).order_by(Delivery.at.desc(), Delivery.id)
    return [(row, person) for row, person in session.execute(rows)]


def _who(row: Delivery, person: Person, principal: Principal) -> str:
    """A role; with the name only for those who know the people of the committee."""
    role = _capital(role_name(row.role))
    return _("%(role)s, %(name)s", role=role, name=person.name) if principal.roles & NAMES_FOR else role


def story(session: Session, now: datetime, alert: Alert) -> list[dict[str, Any]]:
    """The alert's story, newest first, for the timeline."""
    at = zone(session, alert)
    # Lines of one moment: first it opened, then people were told.
    rows = sorted(story_of(session, alert.id), key=lambda row: (row.at, ORDER.get(row.key, 2)), reverse=True)
    return [
        {"when": words.when(row.at, at, now), "text": note_sentence(row.key, row.values), "now": not n}
        for n, row in enumerate(rows)
    ]


def _capital(text: str) -> str:
    """A role's name at the head of a line."""
    return text[:1].upper() + text[1:]
