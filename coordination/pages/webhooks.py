"""Programs that are told of alerts: asking for one, confirming it as a second person, how its messages fared, and turning it off.

What they are told is alerts/webhooks.py; where they may lie is a setting of whoever runs Concord.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from flask import Response
from sqlalchemy import select

from alerts import webhooks
from alerts.sentences import delivery_state_label
from alerts.webhooks import ASKED, OFF, ON, WebhookTarget
from committees.people import Person
from committees.places import Locality, zone_of
from coordination.errands import WEBHOOK_AGAIN, WEBHOOK_TEST
from coordination.here import here
from foundation import errands
from foundation.errors import Conflict, Invalid, NotAllowed, NotFound
from foundation.outbox import OutboxMessage
from foundation.policy import service
from foundation.web import words
from foundation.web.forms import Form
from foundation.web.page import Visit, page
from foundation.web.words import N_
from foundation.web.words import gettext as _

MAKERS = ("chair", "city_officer", "district_administration", "national_contact")
READERS = (*MAKERS, "oversight", "administrator")
STATES = {ASKED: N_("waits for a second person"), ON: N_("is told"), OFF: N_("is not told any more")}
LONGEST = 300


@page("/webhooks", roles=READERS)
def listing(visit: Visit) -> Response:
    """Every program that is told of alerts in one's places."""
    return _list(visit, {}, {})


@page("/webhooks/add", roles=MAKERS)
def add(visit: Visit) -> Response:
    """Ask that a program be told; its secret is shown once."""
    if not visit.posted:
        return visit.go("/webhooks")
    form = Form(visit.form)
    own = _own_places(visit)
    code = form.choice("place", [key for key, _name in own], _("Choose the place"))
    url = form.text("url", LONGEST, _("Make it shorter. You have used %(used)d of %(most)d letters"))
    reason = form.text("reason", LONGEST, _("Make it shorter. You have used %(used)d of %(most)d letters"))
    if form.errors:
        return _list(visit, form.errors, visit.form)
    place = visit.session.scalars(select(Locality).where(Locality.code == code)).one()
    try:
        asked = webhooks.ask(
            visit.session,
            visit.now,
            key=visit.uuid("key"),
            place=place,
            person_id=visit.person_id,
            role=next(s.role for s in visit.principal.standings if s.role in MAKERS),
            url=url,
            reason=reason,
            hosts=visit.config.webhook_hosts,
        )
    except Invalid as invalid:
        message = _(invalid.message) + (" " + _(invalid.hint) if invalid.hint else "")
        return _list(visit, {invalid.field: message}, visit.form)
    return visit.render("webhook_secret.html", host=asked.target.host, secret=asked.secret)


@page("/webhooks/<uuid:key>", roles=READERS)
def one(visit: Visit, key: UUID) -> Response:
    """One program: what it was told, how that fared, and what can be done."""
    target: WebhookTarget = visit.get(WebhookTarget, key)
    zone = zone_of(visit.session, visit.session.get_one(Locality, target.locality_id))
    with here().worker.open(service("keeper")) as session:
        rows = [_delivery(row, zone, visit) for row in webhooks.deliveries(session, target)]
    may_confirm = (
        target.state == ASKED and target.person_id != visit.person_id and visit.has(*MAKERS, "oversight")
    )
    return visit.render(
        "webhook.html", target=_shown(visit, target), rows=rows, may_confirm=may_confirm, key=uuid4()
    )


@page("/webhooks/<uuid:key>/act", roles=READERS)
def act(visit: Visit, key: UUID) -> Response:
    """Confirm, turn off, send a test, or send one message again."""
    target: WebhookTarget = visit.get(WebhookTarget, key)
    wanted = visit.form.get("act", "")
    if visit.posted and wanted == "confirm":
        if not visit.has(*MAKERS, "oversight"):
            raise NotAllowed(
                N_("You cannot confirm this."), N_("An officer or the chair of another organisation can.")
            )
        webhooks.confirm(visit.session, visit.now, target, visit.person_id)
        visit.say(_("Confirmed. From now on the program is told."))
    elif visit.posted and wanted == "off":
        webhooks.turn_off(visit.session, visit.now, target)
        visit.say(_("The program is told nothing more."))
    elif visit.posted and wanted == "test":
        if target.state != ON:
            raise Conflict(
                N_("Only a program that is told can be tested."),
                N_("A second person of another organisation must confirm it."),
            )
        errands.ask(visit.session, visit.now, WEBHOOK_TEST, target.id, key=visit.uuid("key"))
        visit.say(_("On its way. Look at the list below in a minute."))
    elif visit.posted and wanted == "again":
        errands.ask(
            visit.session, visit.now, WEBHOOK_AGAIN, _failed_one(visit, target), key=visit.uuid("key")
        )
        visit.say(_("It will be sent once more."))
    return visit.go(f"/webhooks/{target.id}")


def _failed_one(visit: Visit, target: WebhookTarget) -> UUID:
    wanted = visit.uuid("message")
    with here().worker.open(service("keeper")) as session:
        row = session.get(OutboxMessage, wanted)
        if row is None or not row.effect_key.startswith(f"webhook:{target.id}:"):
            raise NotFound
    return wanted


def _list(visit: Visit, errors: dict[str, str], values: Any) -> Response:
    rows = visit.session.scalars(select(WebhookTarget).order_by(WebhookTarget.asked_at.desc())).all()
    return visit.render(
        "webhooks.html",
        422 if errors else 200,
        targets=[_shown(visit, row) for row in rows],
        places=_own_places(visit),
        hosts=visit.config.webhook_hosts,
        errors=errors,
        values=values,
        key=uuid4(),
    )


def _own_places(visit: Visit) -> list[tuple[str, str]]:
    keys = {s.locality_id for s in visit.principal.standings if s.role in MAKERS}
    places = visit.session.scalars(select(Locality).where(Locality.id.in_(keys)).order_by(Locality.code))
    return [(place.code, place.name(words.current().language)) for place in places]


def _shown(visit: Visit, row: WebhookTarget) -> dict[str, Any]:
    place = visit.session.get_one(Locality, row.locality_id)
    person = visit.session.get(Person, row.person_id)
    return {
        "id": row.id,
        "host": row.host,
        "place": place.name(words.current().language),
        "who": person.name if person else "",
        "reason": row.reason,
        "state": row.state,
        "words": _(STATES[row.state]),
        "when": words.when(row.asked_at, zone_of(visit.session, place), visit.now),
    }


def _delivery(row: OutboxMessage, zone: Any, visit: Visit) -> dict[str, Any]:
    return {
        "id": row.id,
        "type": str(row.slots.get("type", "")),
        "when": words.when(row.created_at, zone, visit.now),
        "state": delivery_state_label(row.state),
        "tries": row.attempts,
        "why": " ".join(part for part in (_(row.error) if row.error else "", row.error_code or "") if part),
        "failed": row.state == "failed",
    }
