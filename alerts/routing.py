"""An alert on its way to people: by which channel, in which words and why, as Delivery rows with their outbox rows.

Who is asked is receivers.py and duty.py, whether a message waits is holding.py; `tell` writes rows in the transaction that raised the
alert. Sending is delivery.py. Whom a reporter excluded is never told, and a person without a working contact leaves a row that says so.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts import holding, not_asked
from alerts.alert import Alert, Finding, note
from alerts.duty import by_duty
from alerts.holding import COVERED, DIGEST, GROUP, LATER, SILENCE, URGENT_FROM, Hold
from alerts.ladder import ASKED_OF
from alerts.messages import TEMPLATES
from alerts.policies import channels_of, ladder_of, next_step_time
from alerts.quiet import after_quiet
from alerts.receivers import Receiver, linked, receivers, to_be_told
from alerts.rule_messages import ALERT, MESSAGES
from alerts.telling import (
    OUTSIDE,
    Telling,
    action_of,
    code_for,
    own_message,
    place_slot,
    sender_of,
    slots_of,
    telling_of,
    ward_numbers,
)
from alerts.told import ACTIONS_DONE, HELD, NO_CONTACT, ROSE, Delivery
from committees.contacts import takes
from committees.people import ContactPoint, Grant, Person, contacts_each
from foundation import outbox
from foundation.outbox import OutboxMessage

__all__ = [
    "OUTSIDE",
    "Delivery",
    "action_of",
    "again",
    "contacts_for",
    "dispatch",
    "own_message",
    "phone_of",
    "place_slot",
    "release_to",
    "send",
    "sender_of",
    "tell",
    "telling_of",
    "ward_numbers",
]

GOOD_NEWS = ("level_lowered", "ended")


def tell(
    session: Session, now: datetime, rng: random.Random, alert: Alert, roles: Iterable[str], *, clock: int
) -> list[Delivery]:
    """Tell everybody whom a rule names and everybody linked, and set the clock of the first step (minutes).

    Nobody is asked by a digest, by a message that a silence holds back, or by the alert of the place above: then the clock stands still.
    """
    candidates = receivers(session, alert, roles, "rule")
    policy = ladder_of(session, alert)
    if not alert.private:
        candidates += linked(session, alert)
        for side in policy.must_answer:
            candidates += receivers(session, alert, ASKED_OF[side], "must_answer")
    _drop_held(session, alert, ROSE)
    minutes = min(clock, policy.wait(0, alert.level))
    alert.next_step_at = next_step_time(now, minutes)
    written = send(session, now, rng, alert, candidates, template=own_message(alert), step=0)
    asked = [row for row in written if row.state != HELD or row.held_by == GROUP]
    if written and not asked:
        alert.next_step_at = _clock_after(now, alert, written, minutes)
    _say_covered(session, now, alert, written)
    return written


def _clock_after(now: datetime, alert: Alert, held: Sequence[Delivery], minutes: int) -> datetime | None:
    """When the ladder begins where nobody was told yet: some time after a silence, if the alert is still open then; else not by itself."""
    ends = [row.held_until for row in held if row.held_by == SILENCE and row.held_until]
    return next_step_time(max(ends), minutes) if ends and max(ends) < alert.ends_at else None


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
    later: datetime | None = None,
) -> list[Delivery]:
    """Write deliveries and outbox rows for these receivers, once per (alert, revision, step, template, person, `key`).

    `more`: what this template says besides the alert itself; a moment in it is said in the time of the place. A warning may wait
    (holding.py); then its row says why and until when. `one_each`: by the first contact of each person only.
    `only`: by these contact points instead, at once, though they were told by others. `later`: not before then, with other such words.

    Whom a reporter excluded is left out here, whoever asks: this is the one way from an alert to a message.
    """
    to, off = by_duty(session, now, to_be_told(session, alert.withheld_from, to))
    telling = telling_of(session, now, alert, template, step, more, again=key)
    not_asked.keep(session, telling, off)
    before = telling.written(to, only)
    new = [receiver for receiver in to if receiver.person.id not in {row.person_id for row in before}]
    everybody = contacts_each(session, [receiver.person.id for receiver in new])
    if only:
        everybody = {key: [c for c in points if c.id in only] for key, points in everybody.items()}
    waiting, at_once = ([], new) if only else _sorted(session, telling, new, everybody, later)
    written = [_held(session, telling, receiver, hold) for receiver, hold in waiting]
    written += dispatch(session, rng, telling, at_once, everybody, one_each=one_each or bool(only))
    _note_held(session, telling, waiting)
    session.flush()
    return [*before, *written]


def dispatch(
    session: Session,
    rng: random.Random,
    telling: Telling,
    to: list[Receiver],
    everybody: dict[UUID, list[ContactPoint]],
    rows: dict[UUID, Delivery] | None = None,
    one_each: bool = False,
) -> list[Delivery]:
    """Write the messages of one alert that go out now, a delivery for each; `rows`: those that were held for these persons so far."""
    messages: list[tuple[Receiver, str, OutboxMessage]] = []
    unreached: list[Receiver] = []
    channels = channels_of(session, telling.alert, telling.step)
    for receiver in to:
        points = everybody.get(receiver.person.id, ())
        known = [c for c in points if takes(c, telling.now, telling.alert.level)]
        if not known:
            unreached.append(receiver)
        for contact in contacts_for(known, 0 if one_each else telling.alert.level, channels):
            code = ""
            if "code" in TEMPLATES[telling.template].slots:
                code = code_for(session, telling.now, rng, telling.alert, phone_of(known) or contact)
            messages.append((receiver, *_message(session, telling, receiver, contact, code)))
    session.flush()  # before what refers to them
    waited = dict(rows or {})
    written = []
    for receiver, key, message in messages:
        row = waited.pop(receiver.person.id, None)
        written.append(_deliver(session, telling, receiver, key, message, row))
    why = not_asked.why_unreached(session, telling.now, [receiver.person.id for receiver in unreached])
    for receiver in unreached:
        person = receiver.person.id
        written.append(_unreached(session, telling, receiver, why[person], waited.pop(person, None)))
    told = list({receiver.person.id: receiver for receiver, *_ in messages}.values())
    release_to(session, telling, told)
    if told:
        said = {"n": len(told), "step": telling.step, "roles": sorted({r.role for r in told})}
        template = telling.template
        note(session, telling.now, telling.alert, "told" if template in MESSAGES else template, **said)
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
    copy = outbox.put(
        session,
        now,
        effect_key=f"{message.effect_key}:{provider}",  # several wards share one message, and its copy
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
        template=was.template,
        step=was.step,
        revision=was.revision,
        reason="other_provider",
        outbox_id=copy.id,
        effect_key=f"{was.effect_key}:{provider}",
        at=now,
    )
    session.add(row)
    session.flush()
    return [row]


def contacts_for(
    known: Sequence[ContactPoint], level: int, channels: Collection[str] = ()
) -> list[ContactPoint]:
    """Which of a person's verified contact points a message uses: from level 4 all at once, below the one they prefer.

    Below level 4 the next one is used when the first fails (delivery.py). `channels` narrows both, unless that would leave nobody reached.
    """
    usable = [point for point in known if not channels or point.channel in channels] or list(known)
    return usable if level >= URGENT_FROM else usable[:1]


def phone_of(known: Sequence[ContactPoint]) -> ContactPoint | None:
    """The phone whose code a letter says: a mailbox has none of its own."""
    return next((point for point in known if point.channel == "sms"), None)


def _sorted(
    session: Session,
    telling: Telling,
    to: list[Receiver],
    everybody: dict[UUID, list[ContactPoint]],
    later: datetime | None,
) -> tuple[list[tuple[Receiver, Hold]], list[Receiver]]:
    """Who waits, with why, and who is told at once. Whoever cannot be reached at all is said so at once."""
    if telling.template not in MESSAGES and later is None:
        return [], to
    plain = telling.template == ALERT  # a message of a rule's own asks for something of its own
    alert = telling.alert
    around = None if later else holding.around(session, telling.now, alert, telling.zone)
    waiting: list[tuple[Receiver, Hold]] = []
    at_once: list[Receiver] = []
    for receiver in to:
        reachable = any(c.verified_at for c in everybody.get(receiver.person.id, ()))
        hold: Hold | None = Hold(LATER, later)
        if around:
            hold = holding.hold_of(
                alert.level, alert.revision, receiver.reason, receiver.person.id, around, plain=plain
            )
        if hold and reachable:
            waiting.append((receiver, hold))
        else:
            at_once.append(receiver)
    return waiting, at_once


def _held(session: Session, telling: Telling, receiver: Receiver, hold: Hold) -> Delivery:
    row = telling.row(receiver, "none", telling.key(f"held:{receiver.person.id}"))
    row.state, row.held_by, row.held_until, row.held_which = HELD, hold.by, hold.until, hold.which
    session.add(row)
    return row


def _note_held(session: Session, telling: Telling, waiting: list[tuple[Receiver, Hold]]) -> None:
    """One line of the story for each reason why people are not told at once; those who wait for nobody need none."""
    for by in (SILENCE, DIGEST, GROUP):
        held = [(r, h) for r, h in waiting if h.by == by and h.until != telling.now]
        if held:
            until = max(h.until for _, h in held if h.until)
            roles = sorted({r.role for r, _ in held})
            note(
                session,
                telling.now,
                telling.alert,
                f"held_{by}",
                n=len(held),
                roles=roles,
                until=until.astimezone(telling.zone).isoformat(),
            )


def _say_covered(session: Session, now: datetime, alert: Alert, written: Iterable[Delivery]) -> None:
    """That people were told of the place above already stands in both stories and in the finding."""
    for above_id in sorted({row.held_which for row in written if row.held_by == COVERED and row.held_which}):
        above = session.get_one(Alert, above_id)
        n = sum(row.held_which == above_id for row in written)
        note(session, now, alert, "covered", n=n, number=above.number)
        note(session, now, above, "covers", n=n, number=alert.number)
        finding = session.scalars(
            select(Finding).where(Finding.alert_id == alert.id).order_by(Finding.at.desc()).limit(1)
        ).first()
        if finding:
            finding.reasons = [*finding.reasons, {"key": "covered_above", "n": n, "number": above.number}]


def _drop_held(session: Session, alert: Alert, why: str) -> None:
    """What waited to be said of an alert as it stood before is not said any more: it leaves the digest at once."""
    rows = select(Delivery).where(Delivery.alert_id == alert.id, Delivery.state == HELD)
    for row in session.scalars(rows.where(Delivery.template != ACTIONS_DONE)):
        row.state, row.why_not = "cancelled", why


def _message(
    session: Session, telling: Telling, receiver: Receiver, contact: ContactPoint, code: str
) -> tuple[str, OutboxMessage]:
    """The outbox row of one message, and the key under which it is written once."""
    now, key = telling.now, telling.key(str(contact.id))
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
            lane=outbox.URGENT if _urgent(telling) else outbox.ORDINARY,
            due_at=when_due(session, telling, receiver.person),
        )
    return key, message


def when_due(session: Session, telling: Telling, person: Person) -> datetime:
    """When a message may go out: now from level 4 on and for a correction, else outside the person's pause, quiet hours and days."""
    if telling.template == "correction" or _urgent(telling):
        return telling.now
    return after_quiet(session, telling.now, person, telling.place)


def _urgent(telling: Telling) -> bool:
    """Good news never wakes anybody, of whatever level it was."""
    return telling.alert.level >= URGENT_FROM and telling.template not in GOOD_NEWS


def _deliver(
    session: Session,
    telling: Telling,
    receiver: Receiver,
    key: str,
    message: OutboxMessage,
    held: Delivery | None,
) -> Delivery:
    """The delivery of a message that goes out: a new row, or the one that was held until now."""
    row = held or telling.row(receiver, message.channel, key)
    row.channel, row.outbox_id, row.state, row.at = message.channel, message.id, "due", telling.now
    not_asked.say_later(row, telling.now, receiver.person, message.due_at)
    session.add(row)
    return row


def _unreached(
    session: Session, telling: Telling, receiver: Receiver, why: str, held: Delivery | None
) -> Delivery:
    row = held or telling.row(receiver, "none", telling.key(f"none:{receiver.person.id}"))
    row.state, row.reason, row.why_not = "failed", NO_CONTACT, why
    session.add(row)
    note(session, telling.now, telling.alert, "unreached", role=receiver.role)
    return row


def release_to(session: Session, telling: Telling, told: list[Receiver]) -> None:
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
