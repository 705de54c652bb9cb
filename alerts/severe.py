"""A proposed level 5: it went out at once as High, and a person of the place confirms Severe or refuses it with a reason.

Confirming tells everybody again and the clock of level 5 runs; refusing lowers the proposal and the record says who and why. Who may do
it is asked by coordination/closing_alerts.py; pages and the API call this. Telling people is left to the worker as an errand.
"""

from __future__ import annotations

import random
from datetime import datetime

from sqlalchemy.orm import Session

from alerts import routing
from alerts.alert import OPEN, Alert, begin_round, note
from alerts.chain import chain_of
from alerts.policies import ladder_of
from alerts.receivers import linked, receivers
from foundation import errands, journal
from foundation.db import claim
from foundation.errors import Conflict, Invalid
from foundation.web.words import N_

SEVERE = 5
MAY_CONFIRM = ("chair", "city_officer")
CONFIRMED = "severe_confirmed"
SHORTEST, LONGEST = 10, 400


def waits(alert: Alert) -> bool:
    """Whether Severe is proposed for this alert and nobody has decided."""
    return alert.state == OPEN and alert.proposed == SEVERE and alert.level < SEVERE


def ask(session: Session, now: datetime, rng: random.Random, alert: Alert) -> None:
    """Ask chair and city officer to confirm or refuse, once per proposal."""
    if waits(alert):
        to = receivers(session, alert, MAY_CONFIRM, "confirm_severe")
        key = str(alert.severe_refusals)
        routing.send(session, now, rng, alert, to, template="confirm_severe", step=0, key=key)


def confirm(session: Session, now: datetime, alert: Alert, role: str) -> None:
    """Make a proposed 5 a real one: those who were told hear it again, and the clock of level 5 runs."""
    becomes: dict[str, object] = {
        "level": SEVERE,
        "proposed": None,
        "revision": alert.revision + 1,
        "lowered_from": None,
    }
    _decide(session, alert, becomes)
    if not alert.acting_at:
        begin_round(alert)
        alert.step, alert.next_step_at = 0, ladder_of(session, alert).due(now, 0, SEVERE)
    note(session, now, alert, "confirmed", role=role, level=SEVERE)
    journal.record(session, now, "alert:severe", "alert", alert.id, locality_id=alert.locality_id)
    errands.ask(session, now, CONFIRMED, alert.id)


def refuse(session: Session, now: datetime, alert: Alert, role: str, reason: str) -> None:
    """Say that it is not Severe, with the reason: it stays High. New evidence may propose it again."""
    if not SHORTEST <= len(reason.strip()) <= LONGEST:
        raise Invalid("severe_reason", N_("Write in one or two sentences why, 10 to 400 letters"))
    said = {"severe_reason": reason.strip(), "severe_refusals": alert.severe_refusals + 1}
    _decide(session, alert, {"proposed": None, **said})
    note(session, now, alert, "severe_refused", role=role)
    journal.record(session, now, "alert:severe_refused", "alert", alert.id, locality_id=alert.locality_id)


def _decide(session: Session, alert: Alert, becomes: dict[str, object]) -> None:
    """Compare-and-set the proposal, so that of two people who decide at once only the first is heard."""
    was = {"state": OPEN, "proposed": SEVERE, "level": alert.level}
    if not (waits(alert) and claim(session, Alert, alert.id, was, becomes)):
        raise Conflict(N_("Nothing waits to be confirmed here."), N_("Open it again to see how it stands."))
    session.refresh(alert)


def tell(session: Session, now: datetime, rng: random.Random, alert: Alert) -> None:
    """Tell everybody who was told before, and everybody linked at level 5. For the worker."""
    before = [link.receiver("rule") for link in chain_of(session, alert)]
    more = [] if alert.private else linked(session, alert)
    routing.send(session, now, rng, alert, [*before, *more], template="alert", step=0)
