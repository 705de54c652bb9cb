"""The demonstration only: every message that went out, as its receiver would see it, and the button that moves the clock.

Registered only where the demonstration runs. Messages are nobody's to read, so they are read as the service that keeps them.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from flask import Response, jsonify, request
from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts import messages
from alerts.routing import Delivery
from alerts.sentences import channel_label, delivery_state_label, role_name
from committees.people import ContactPoint, Person, standings_of
from committees.places import Locality, zone_of
from coordination import runtime as running
from coordination.here import here
from coordination.pages.sign_in import safe_next
from foundation.errors import Invalid
from foundation.outbox import OutboxMessage
from foundation.policy import service
from foundation.web import words
from foundation.web.page import PUBLIC, Visit, page
from foundation.web.words import gettext as _

NEWEST, LONGEST_STEP = 60, 1440
FARED = {"delivered": "done", "sent": "done", "failed": "problem", "undelivered": "problem"}


@page("/outbox", roles=PUBLIC)
def outbox(visit: Visit) -> Response:
    """The newest messages, of everybody or of one person."""
    code = visit.args.get("person", "")
    with here().worker.open(service("command")) as session:
        cast = _cast(session)
        bubbles = [_bubble(session, visit.now, *row) for row in _newest(session, code)]
    return visit.render("outbox.html", bubbles=bubbles, cast=cast, chosen=code, newest=NEWEST)


@page("/demo/clock", roles=PUBLIC)
def clock(visit: Visit) -> Response:
    """Move the demonstration's clock on; what has become due happens at once."""
    if not visit.posted:
        return visit.go("/outbox")
    sent = request.get_json(silent=True) if request.is_json else dict(visit.form)
    minutes = _minutes(sent.get("minutes") if isinstance(sent, dict) else None)
    visit.session.commit()  # SQLite takes one writer at a time, and the clock is written by the worker's side
    running.move_clock(here(), minutes)
    now = here().clock.now()
    if request.is_json:
        return jsonify(now=now.isoformat())
    visit.say(_("The clock was moved on by %(minutes)d minutes.", minutes=minutes))
    return visit.go(_back())


def _minutes(value: Any) -> int:
    try:
        minutes = int(str(value))
    except ValueError:
        minutes = 0
    if not 1 <= minutes <= LONGEST_STEP:
        raise Invalid("minutes", _("The clock moves by 1 to 1440 minutes."))
    return minutes


def _back() -> str:
    """The page that the button stood on, if it is ours."""
    came = urlsplit(request.referrer or "")
    return (safe_next(came.path) if came.netloc == request.host else "") or "/outbox"


def _newest(session: Session, code: str) -> list[tuple[OutboxMessage, ContactPoint | None, Person | None]]:
    rows = (
        select(OutboxMessage, ContactPoint, Person)
        .outerjoin(ContactPoint, ContactPoint.id == OutboxMessage.contact_point_id)
        .outerjoin(Person, Person.id == ContactPoint.person_id)
        .order_by(OutboxMessage.created_at.desc(), OutboxMessage.id)
        .limit(NEWEST)
    )
    if code:
        rows = rows.where(Person.code == code)
    return [(message, contact, person) for message, contact, person in session.execute(rows).all()]


def _cast(session: Session) -> list[tuple[str, str]]:
    """The persons who got anything, for the filter."""
    rows = (
        select(Person)
        .join(ContactPoint, ContactPoint.person_id == Person.id)
        .join(OutboxMessage, OutboxMessage.contact_point_id == ContactPoint.id)
        .distinct()
        .order_by(Person.code)
    )
    return [(person.code, _who(session, person)) for person in session.scalars(rows)]


def _who(session: Session, person: Person | None) -> str:
    if person is None:
        return _("A number that we do not know")
    standings = standings_of(session, person.id)
    return (
        _("%(name)s, %(role)s", name=person.name, role=role_name(standings[0].role))
        if standings
        else person.name
    )


def _bubble(
    session: Session,
    now: datetime,
    message: OutboxMessage,
    contact: ContactPoint | None,
    person: Person | None,
) -> dict[str, Any]:
    zone = zone_of(session, session.get_one(Locality, contact.locality_id)) if contact else ZoneInfo("UTC")
    alert_id = session.scalars(select(Delivery.alert_id).where(Delivery.outbox_id == message.id)).first()
    letter = (
        _letter(message, f"{here().config.public_url}/a/{alert_id}" if alert_id else "")
        if message.channel == "email"
        else None
    )
    if message.channel == "webhook":
        return _to_a_program(message, now)
    text = (
        letter.text
        if letter
        else messages.preview(message.template, message.slots, message.language, message.script)
    )
    shown = messages.said_in(message.template, message.slots, message.language, message.script)
    return {
        "mail": letter is not None,
        "subject": letter.subject if letter else "",
        "lines": [line for line in text.split("\n") if line],
        "lang": shown.language.code,
        "dir": shown.direction,
        "who": _who(session, person),
        "channel": channel_label(message.channel),
        "state": delivery_state_label(message.state),
        "kind": FARED.get(message.state, "waiting"),
        "when": words.when(message.due_at, zone, now),
        "alert": alert_id,
    }


def _to_a_program(message: OutboxMessage, now: datetime) -> dict[str, Any]:
    """A message to another program: what it is about; the rest is for machines."""
    return {
        "mail": False,
        "lines": [str(message.slots.get("type", ""))],
        "lang": "en",
        "dir": "ltr",
        "who": _("A program"),
        "channel": channel_label(message.channel),
        "state": delivery_state_label(message.state),
        "kind": FARED.get(message.state, "waiting"),
        "when": words.when(message.due_at, ZoneInfo("UTC"), now),
        "alert": None,
    }


def _letter(message: OutboxMessage, link: str) -> messages.Letter | None:
    """The letter as it is read; a sealed code is never opened for a page."""
    if messages.TEMPLATES[message.template].secret:
        return None
    return messages.render_mail(message.template, message.slots, message.language, message.script, link=link)
