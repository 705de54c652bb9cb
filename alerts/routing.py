"""An alert on its way to people: by which channel, in which words and why, as Delivery rows with their outbox rows.

Who is asked is receivers.py; `tell` writes rows in the transaction that raised the alert. Sending is delivery.py. Whom a
reporter excluded is never told, and a person without a working contact leaves a row that says so.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ForeignKey, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from alerts.alert import Alert, note
from alerts.ladder import ASKED_OF
from alerts.policies import ladder_of, next_step_time
from alerts.receivers import Receiver, linked, receivers, to_be_told
from alerts.rule_messages import MESSAGES, advice_of, message_of
from committees import committee, places, reply_codes
from committees.people import ContactPoint, Grant, Person, contacts_each
from committees.places import Locality
from foundation import outbox
from foundation.db import Base, Keyed
from foundation.outbox import OutboxMessage

OUTSIDE = frozenset({"national_contact", "hub_analyst"})
EVERYONE_FROM = 3  # from this level every channel of a person is used, below it only the first


class Delivery(Keyed, Base):
    """Why one message went to one person: alert, step, office, reason; the outbox row says how it fared."""

    __tablename__ = "delivery"

    alert_id: Mapped[UUID] = mapped_column(ForeignKey("alert.id"), index=True)
    locality_id: Mapped[UUID] = mapped_column(ForeignKey("locality.id"), index=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), index=True)
    office_id: Mapped[UUID | None]
    role: Mapped[str]
    channel: Mapped[str]
    step: Mapped[int]
    revision: Mapped[int] = mapped_column(default=1)
    reason: Mapped[str]
    outbox_id: Mapped[UUID | None] = mapped_column(ForeignKey("outbox.id"), index=True)
    state: Mapped[str] = mapped_column(default="due")
    effect_key: Mapped[str] = mapped_column(unique=True)
    at: Mapped[datetime]
    #: When failover.py looked at what became of it and went on to the next way, if there was one.
    passed_on_at: Mapped[datetime | None]


def tell(
    session: Session, now: datetime, rng: random.Random, alert: Alert, roles: Iterable[str], *, clock: int
) -> list[Delivery]:
    """Tell everybody whom a rule names and everybody linked, and set the clock of the first step (minutes)."""
    candidates = receivers(session, alert, roles, "rule")
    policy = ladder_of(session, alert)
    if not alert.private:
        candidates += linked(session, alert)
        for side in policy.must_answer:
            candidates += receivers(session, alert, ASKED_OF[side], "must_answer")
    alert.next_step_at = next_step_time(now, min(clock, policy.wait(0, alert.level)))
    return send(session, now, rng, alert, candidates, template=own_message(alert), step=0)


def send(
    session: Session,
    now: datetime,
    rng: random.Random,
    alert: Alert,
    to: list[Receiver],
    *,
    template: str,
    step: int,
    more: dict[str, Any] | None = None,
    key: str = "",
    one_each: bool = False,
    only: Collection[UUID] = (),
) -> list[Delivery]:
    """Write deliveries and outbox rows for these receivers, once per (alert, revision, step, template, contact, `key`).

    `more`: what this template says besides the alert itself; a moment in it is said in the time of the place. `one_each`: by the first
    contact of each person only. `only`: by these contact points instead.

    Whom a reporter excluded is left out here, whoever asks: this is the one way from an alert to a message.
    """
    to = to_be_told(session, alert.withheld_from, to)
    telling = _telling(session, now, alert, template, step, more or {}, key)
    everybody = contacts_each(session, [receiver.person.id for receiver in to])
    messages: list[tuple[Receiver, ContactPoint, str, OutboxMessage]] = []
    unreached: list[Receiver] = []
    for receiver in to:
        contacts = [c for c in everybody.get(receiver.person.id, ()) if c.verified_at]
        # A letter says the code by which the phone may answer: a mailbox has none of its own.
        phone = next((c for c in contacts if c.channel == "sms"), None)
        if not contacts:
            unreached.append(receiver)
        chosen = [c for c in contacts if c.id in only] if only else contacts
        one = alert.level < EVERYONE_FROM or one_each or only
        for contact in chosen[:1] if one else chosen:
            code = code_for(session, now, rng, alert, phone or contact)
            messages.append((receiver, contact, *_message(session, telling, receiver, contact, code)))
    session.flush()  # before what refers to them
    written = [_deliver(session, telling, *message) for message in messages]
    written += [_unreached(session, telling, receiver) for receiver in unreached]
    told = {receiver.person.id: receiver for receiver, *_ in messages}
    _release(session, telling, list(told.values()))
    if told:
        said = {"n": len(told), "step": step, "roles": sorted({r.role for r in to})}
        note(session, now, alert, "told" if template in MESSAGES else template, **said)
    session.flush()
    return written


def again(
    session: Session, now: datetime, alert: Alert, delivery_id: UUID, *, provider: str
) -> list[Delivery]:
    """Write a message once more, as it stands, for another provider of its channel; nobody who may no longer be told gets it."""
    was = session.get_one(Delivery, delivery_id)
    message = session.get_one(OutboxMessage, was.outbox_id)
    receiver = Receiver(session.get_one(Person, was.person_id), was.role, "other_provider", was.office_id)
    if not to_be_told(session, alert.withheld_from, [receiver]):
        return []
    key = f"{was.effect_key}:{provider}"
    copy = outbox.put(
        session,
        now,
        effect_key=key,
        channel=message.channel,
        template=message.template,
        slots=message.slots,
        language=message.language,
        script=message.script,
        contact_point_id=message.contact_point_id,
        lane=message.lane,
        provider=provider,
    )
    session.flush()
    row = Delivery(
        alert_id=alert.id,
        locality_id=alert.locality_id,
        person_id=was.person_id,
        office_id=was.office_id,
        role=was.role,
        channel=was.channel,
        step=was.step,
        revision=was.revision,
        reason="other_provider",
        outbox_id=copy.id,
        effect_key=key,
        at=now,
    )
    session.add(row)
    session.flush()
    return [row]


@dataclass(frozen=True)
class _Telling:
    """What holds for every message of one telling; read once."""

    now: datetime
    alert: Alert
    template: str
    step: int
    zone: ZoneInfo
    source: str
    known: dict[str, Delivery]
    more: dict[str, Any]
    again: str

    def key(self, whom: str) -> str:
        again = f":{self.again}" if self.again else ""
        return f"alert:{self.alert.id}:{self.alert.revision}:{self.step}:{self.template}{again}:{whom}"


def _telling(
    session: Session, now: datetime, alert: Alert, template: str, step: int, more: dict[str, Any], again: str
) -> _Telling:
    zone = places.zone_of(session, session.get_one(Locality, alert.locality_id))
    rows = session.scalars(select(Delivery).where(Delivery.alert_id == alert.id, Delivery.step == step))
    known = {row.effect_key: row for row in rows}
    local = {
        key: value.astimezone(zone).isoformat() if isinstance(value, datetime) else value
        for key, value in more.items()
    }
    return _Telling(
        now, alert, template, step, zone, sender_of(session, alert.locality_id), known, local, again
    )


def code_for(session: Session, now: datetime, rng: random.Random, alert: Alert, phone: ContactPoint) -> str:
    """The code by which this phone answers this alert: three digits from level 4 on, two below."""
    digits = 3 if alert.level >= 4 else 2
    return reply_codes.give(
        session, now, rng, phone.id, "alert", alert.id, digits=digits, never=_ward_numbers(session, alert)
    )


def _message(
    session: Session, telling: _Telling, receiver: Receiver, contact: ContactPoint, code: str
) -> tuple[str, OutboxMessage]:
    """The outbox row of one message, and the key under which it is written once."""
    now, alert, key = telling.now, telling.alert, telling.key(str(contact.id))
    with session.no_autoflush:  # nothing that waits to be written has this key
        message = outbox.put(
            session,
            now,
            effect_key=key,
            channel=contact.channel,
            template=telling.template,
            slots=slots_of(session, telling, receiver.role, code),
            language=receiver.person.language,
            script=receiver.person.script,
            contact_point_id=contact.id,
            lane=outbox.URGENT if alert.level >= 4 else outbox.ORDINARY,
            due_at=after_quiet(now, receiver.person, telling.zone) if alert.level < 4 else now,
        )
    return key, message


def _deliver(
    session: Session,
    telling: _Telling,
    receiver: Receiver,
    contact: ContactPoint,
    key: str,
    message: OutboxMessage,
) -> Delivery:
    if found := telling.known.get(key):
        return found
    row = Delivery(
        alert_id=telling.alert.id,
        locality_id=telling.alert.locality_id,
        person_id=receiver.person.id,
        office_id=receiver.office_id,
        role=receiver.role,
        channel=contact.channel,
        step=telling.step,
        revision=telling.alert.revision,
        reason=receiver.reason,
        outbox_id=message.id,
        effect_key=key,
        at=telling.now,
    )
    session.add(row)
    return row


def _unreached(session: Session, telling: _Telling, receiver: Receiver) -> Delivery:
    key = telling.key(f"none:{receiver.person.id}")
    if found := telling.known.get(key):
        return found
    row = Delivery(
        alert_id=telling.alert.id,
        locality_id=telling.alert.locality_id,
        person_id=receiver.person.id,
        office_id=receiver.office_id,
        role=receiver.role,
        channel="none",
        step=telling.step,
        reason="no_contact",
        state="failed",
        effect_key=key,
        at=telling.now,
    )
    session.add(row)
    note(session, telling.now, telling.alert, "unreached", role=receiver.role)
    return row


def _release(session: Session, telling: _Telling, told: list[Receiver]) -> None:
    """Being told of an alert opens that alert to those who were told, wherever their place is."""
    rows = select(Grant.person_id).where(Grant.subject_kind == "alert", Grant.subject_id == telling.alert.id)
    have = set(session.scalars(rows))
    session.add_all(
        Grant(
            subject_kind="alert",
            subject_id=telling.alert.id,
            person_id=receiver.person.id,
            office_id=receiver.office_id,
            role=receiver.role,
            reason="told",
            given_at=telling.now,
        )
        for receiver in told
        if receiver.person.id not in have
    )


def after_quiet(now: datetime, person: Person, zone: ZoneInfo) -> datetime:
    """Now, or the end of the person's pause and quiet hours if they have begun (levels 4 and 5 never wait)."""
    now = max(now, person.paused_until or now)
    local = now.astimezone(zone)
    start, end = person.quiet_from, person.quiet_to
    quiet = start <= local.hour or local.hour < end if start > end else start <= local.hour < end
    if not quiet or start == end:
        return now
    morning = datetime.combine(local.date(), time(end), zone)
    return (morning if morning > local else morning + timedelta(days=1)).astimezone(now.tzinfo)


def _ward_numbers(session: Session, alert: Alert) -> frozenset[str]:
    """The numbers of the wards of an alert's town. Remembered for the session."""
    known: dict[UUID, frozenset[str]] = session.info.setdefault("ward_numbers", {})
    if alert.town_id not in known:
        rows = select(Locality.number).where(
            Locality.parent_id == alert.town_id, Locality.number.is_not(None)
        )
        known[alert.town_id] = frozenset(str(number) for number in session.scalars(rows))
    return known[alert.town_id]


def slots_of(session: Session, telling: _Telling, role: str, code: str) -> dict[str, Any]:
    """The typed values of an alert's message: never a text, never a name of a person."""
    now, alert, zone = telling.now, telling.alert, telling.zone
    values: dict[str, Any] = {
        "source": telling.source,
        "place": place_slot(session, alert, role),
        "level": alert.level,
        "what": "private" if alert.private else alert.what,
        "when": (alert.happened_at or alert.opened_at).astimezone(zone).isoformat(),
        "sure": alert.sure,
        "action": action_of(alert),
        "code": code,
        "count": min(99, max(1, len(alert.evidence))),
        "clock": (alert.next_step_at or now).astimezone(zone).isoformat(),
        **telling.more,
    }
    from alerts.messages import TEMPLATES

    return {name: values[name] for name in TEMPLATES[telling.template].slots}


def sender_of(session: Session, locality_id: UUID) -> str:
    """The town's own name under which its messages go out."""
    body = committee.committee_for(session, locality_id)
    return body.short_name if body else session.get_one(Locality, locality_id).name()


def place_slot(session: Session, alert: Alert, role: str) -> dict[str, Any]:
    """Where: the ward for those who act there, the town for outsiders and where a ward would name a community."""
    place = session.get_one(Locality, alert.locality_id)
    if (
        place.level == "ward"
        and place.number
        and str(place.number).isdigit()
        and not place.town_only
        and role not in OUTSIDE
    ):
        return {"ward": int(place.number)}
    town = session.get_one(Locality, alert.town_id) if place.level == "ward" else place
    return {"names": dict(town.names.items())}


def action_of(alert: Alert) -> str:
    """The one thing asked for: the rule of the alert names it."""
    return advice_of(alert.action, private=alert.private)


def own_message(alert: Alert) -> str:
    """The template by which people are told of an alert: its rule names it."""
    return message_of(alert.template, level=alert.level, sure=alert.sure)
