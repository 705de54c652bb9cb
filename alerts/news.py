"""What comes back down: an office says what was done, or sends advice from the closed list, to those who were told of an alert before it.

The words are closed lists of the message templates, never free text. Once per person and on one channel; whom a reporter excluded is left
out by routing, as always. Pages and the API call `send_back`; the worker carries it out.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from alerts import routing
from alerts.acknowledging import worked
from alerts.alert import OPEN, Alert, AlertUpdate, note
from alerts.chain import Link, chain_of
from alerts.told import ACTIONS_DONE, HELD, Delivery
from foundation import errands, journal
from foundation.errors import Conflict, Invalid
from foundation.web.words import N_

ACTED, ADVISED = "acted", "advised"
#: The offices that may send something back; the messages have a word for each.
MAY_SEND = (
    "secretary",
    "chair",
    "city_officer",
    "district_administration",
    "police_liaison",
    "services_focal_person",
    "national_contact",
)
OUTCOMES = (
    "met",
    "visited",
    "checked_true",
    "checked_not_true",
    "police_helped",
    "service_helped",
    "passed_on",
    "calm_now",
    "nothing_found",
    "still_working",
)
ADVICE = ("stop_rumours", "meet", "elders", "listen", "keep_away", "check", "visit", "prepare")
WORDS = {ACTED: OUTCOMES, ADVISED: ADVICE}
TEMPLATE = {ACTED: ("news", "outcome"), ADVISED: ("advice", "action")}
SENT_BACK = "alert:news"
ACTION_DONE = "action_done"
#: For how long word of an action that was done waits for others, and how far apart two such messages of one alert are.
WITH_OTHERS, APART = timedelta(minutes=15), timedelta(hours=3)


def send_back(
    session: Session, now: datetime, alert: Alert, *, person_id: UUID, role: str, kind: str, what: str
) -> AlertUpdate:
    """Note what an office says and have it told down the chain; raise Invalid or Conflict in words."""
    if kind not in WORDS or what not in WORDS[kind]:
        raise Invalid("what", N_("Choose from the list"))
    if alert.state != OPEN:
        raise Conflict(N_("This alert has ended."), N_("Nobody waits for an answer any more."))
    worked(session, now, alert)
    update = note(session, now, alert, kind, role=role, what=what, person=str(person_id))
    journal.record(session, now, f"alert:{kind}:{what}", "alert", alert.id, locality_id=alert.locality_id)
    session.flush()
    errands.ask(session, now, SENT_BACK, update.id)
    return update


def below(chain: list[Link], person_id: UUID, role: str) -> list[Link]:
    """Those who were told before an office or at the same step, without the person who speaks: the chain back to where it began."""
    own = [link.step for link in chain if link.person.id == person_id]
    own = own or [link.step for link in chain if link.role == role]
    step = min(own, default=max((link.step for link in chain), default=0))
    return [link for link in chain if link.step <= step and link.person.id != person_id]


def tell(session: Session, now: datetime, rng: random.Random, update_id: UUID) -> None:
    """Tell those below. For the worker; an alert that has ended meanwhile tells nobody."""
    update = session.get_one(AlertUpdate, update_id)
    alert = session.get_one(Alert, update.alert_id)
    if alert.state != OPEN:
        return
    said = update.values
    template, gap = TEMPLATE[update.key]
    links = below(chain_of(session, alert), UUID(said["person"]), said["role"])
    routing.send(
        session,
        now,
        rng,
        alert,
        [link.receiver("news") for link in links],
        template=template,
        step=alert.step,
        more={"by": [said["role"]], gap: said["what"]},
        key=str(update.id),
        one_each=True,
    )


def action_done(session: Session, now: datetime, alert: Alert, *, person_id: UUID, role: str) -> None:
    """Note that an action of an alert was done, and have those told who were told of it. One that has ended says how by itself."""
    if alert.state != OPEN:
        return
    update = note(session, now, alert, ACTION_DONE, role=role, person=str(person_id))
    session.flush()
    errands.ask(session, now, ACTION_DONE, update.id)


def tell_done(session: Session, now: datetime, rng: random.Random, update_id: UUID) -> None:
    """Have everybody who was told of the alert hear it but who did it, in one message with what else is done soon. For the worker."""
    update = session.get_one(AlertUpdate, update_id)
    alert = session.get_one(Alert, update.alert_id)
    if alert.state != OPEN:
        return
    rows = select(Delivery).where(Delivery.alert_id == alert.id, Delivery.template == ACTIONS_DONE)
    waiting = set(session.scalars(rows.where(Delivery.state == HELD).with_only_columns(Delivery.person_id)))
    last = session.scalar(
        rows.where(Delivery.outbox_id.is_not(None)).with_only_columns(func.max(Delivery.at))
    )
    routing.send(
        session,
        now,
        rng,
        alert,
        [
            link.receiver("news")
            for link in chain_of(session, alert)
            if link.person.id not in waiting and link.person.id != UUID(update.values["person"])
        ],
        template=ACTIONS_DONE,
        step=alert.step,
        key=str(update.id),
        later=max(now + WITH_OTHERS, last + APART if last else now),
    )
