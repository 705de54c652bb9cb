"""What came in over the wire, worked off row by row: receipts settle outbox rows, SMS and calls become
reports, answers and replies.

Each row is worked once and in its own transaction, so that one bad row never holds up the others: after a
few tries it goes to a person. An SMS that carried something unknown is believed only after it was asked for
at the provider.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from alerts import delivery
from alerts.channels import call_menu
from alerts.channels.base import OutcomeUnknown
from alerts.channels.twilio_inbox import Received, TwilioInbox
from committees import contact_stops, inbox
from committees.inbox import (
    CALL,
    FORM,
    IGNORED,
    KEY,
    MAIL,
    MENU,
    MENU_CALL,
    NOTE,
    READ,
    SMS,
    STATUS,
    STOP,
    UNREAD,
    WAITING,
    Inbound,
)
from committees.intake.normalise import storable
from coordination import call_keys, fetching_notes, probing, sms_commands, taking_in
from coordination.runtime import Runtime
from foundation.db import claim
from foundation.logs import log
from foundation.policy import service

BATCH = 50
MOST_TRIES = 5


@dataclass(frozen=True)
class Waiting:
    """One row to work on, read before its transaction begins."""

    id: UUID
    kind: str
    provider_id: str
    confirmed: bool


def work(runtime: Runtime) -> int:
    """Work off waiting rows, oldest first and the unconfirmed after the others; return how many were done."""
    done = 0
    provider_answers = True
    for row in _waiting(runtime):
        copy = None
        if row.kind == SMS and not row.confirmed:
            if not provider_answers:
                continue
            try:
                copy = _fetch_back(runtime, row)
            except OutcomeUnknown:
                # Nobody can confirm it now; the row waits, and so does every other of its kind.
                provider_answers = False
                continue
            if copy is None:
                done += _ignore(runtime, row)
                continue
        done += _one(runtime, row, copy)
    return done


def _waiting(runtime: Runtime) -> list[Waiting]:
    with runtime.worker.open(service("intake")) as session:
        columns = select(Inbound.id, Inbound.kind, Inbound.provider_id, Inbound.confirmed)
        over = runtime.clock.now() - timedelta(seconds=call_menu.LONGEST_SECONDS)
        rows = columns.where(
            Inbound.state == WAITING, or_(Inbound.kind != MENU_CALL, Inbound.received_at <= over)
        )
        rows = rows.order_by(Inbound.confirmed.desc(), Inbound.received_at, Inbound.id).limit(BATCH)
        return [Waiting(*row) for row in session.execute(rows).all()]


def _fetch_back(runtime: Runtime, row: Waiting) -> Received | None:
    """The provider's own copy of an SMS, or None if no account of ours has one: then the request was a forgery."""
    unsure: OutcomeUnknown | None = None
    for reader in TwilioInbox.all_from_config(runtime.config):
        with closing(reader):
            try:
                if copy := reader.fetch(row.provider_id):
                    return copy
            except OutcomeUnknown as error:
                unsure = error
    if unsure:
        raise unsure
    return None


def _ignore(runtime: Runtime, row: Waiting) -> int:
    with runtime.worker.open(service("intake"), write=True) as session:
        claimed = claim(session, Inbound, row.id, {"state": WAITING}, {"state": IGNORED})
        session.commit()
    return int(claimed)


def _one(runtime: Runtime, row: Waiting, copy: Received | None) -> int:
    try:
        return int(_worked(runtime, row, copy))
    except Exception as error:
        # Whatever is wrong with this row, the next one is somebody else's message. It comes again,
        # then a person looks.
        log().error("inbound_failed", state=row.kind, error_type=type(error).__name__)
        _count_try(runtime, row)
        return 0


def _worked(runtime: Runtime, row: Waiting, copy: Received | None) -> bool:
    with runtime.worker.open(service("sender" if row.kind == STATUS else "intake"), write=True) as session:
        if not claim(session, Inbound, row.id, {"state": WAITING}, {"state": READ}):
            return False
        found = session.get_one(Inbound, row.id)
        if copy is not None:
            inbox.seal_message(session, found, copy.sender, storable(copy.body))
            found.confirmed = True
        READERS[row.kind](runtime, session, found)
        session.commit()
    return True


def _settle(runtime: Runtime, session: Session, row: Inbound) -> None:
    told = row.details
    known = delivery.settle(
        session,
        runtime.clock.now(),
        UUID(told["outbox_id"]),
        told["state"],
        told["sid"],
        told.get("code"),
        told.get("words", ""),
    )
    row.state = READ if known else IGNORED


def _read_sms(runtime: Runtime, session: Session, row: Inbound) -> None:
    now = runtime.clock.now()
    if not probing.came_back(session, now, row.number(session), row.text(session)):
        sms_commands.handle(session, now, runtime.rng, row)


READERS: Mapping[str, Callable[[Runtime, Session, Inbound], None]] = {
    SMS: _read_sms,
    CALL: lambda runtime, session, row: sms_commands.handle_call(
        session, runtime.clock.now(), runtime.rng, row
    ),
    MENU: lambda runtime, session, row: sms_commands.handle_menu(
        session, runtime.clock.now(), runtime.rng, row
    ),
    MENU_CALL: lambda runtime, session, row: sms_commands.handle_menu(
        session, runtime.clock.now(), runtime.rng, row
    ),
    NOTE: lambda runtime, session, row: fetching_notes.read(session, runtime.clock.now(), row),
    KEY: lambda runtime, session, row: call_keys.handle(session, runtime.clock.now(), row),
    STATUS: _settle,
    STOP: lambda runtime, session, row: contact_stops.read(session, runtime.clock.now(), row),
    FORM: lambda runtime, session, row: taking_in.form(session, runtime.clock.now(), row),
    MAIL: lambda runtime, session, row: taking_in.letter(session, runtime.clock.now(), runtime.rng, row),
}


def _count_try(runtime: Runtime, row: Waiting) -> None:
    with runtime.worker.open(service("intake"), write=True) as session:
        found = session.get_one(Inbound, row.id)
        tries = int(found.details.get("tries", 0)) + 1
        found.details = {**found.details, "tries": tries}
        if tries >= MOST_TRIES and found.state == WAITING:
            found.state, found.reading = UNREAD, {"command": "UNREAD", "reason": "FAILED"}
        session.commit()
