"""Writing down what came of messages: a batch of outcomes in one transaction, each only if this process still holds the row.

`values_of` decides purely what becomes of a row. What follows for the receiver, the provider and the administrator is written beside it.
Only alerts/delivery.py imports this module.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from alerts import providers, reachable
from alerts.channels.base import Channel, DeliveryFailed, Handed, OutcomeUnknown
from alerts.channels.many import providers_of
from alerts.claiming import Claimed
from alerts.handing_over import Done
from alerts.routing import Delivery
from alerts.settling import give_up_copy
from foundation import alarms
from foundation.db import among
from foundation.logs import log
from foundation.outbox import FINAL, OutboxMessage

WAIT_FOR_NEWS = timedelta(seconds=20)  # longer than a provider's list lags behind its own acceptance
# Seconds, by attempt. Never longer than five minutes: a line that comes back is used at once.
BACK_OFF = (5, 15, 60, 120, 300)
GIVE_UP_AFTER = timedelta(hours=6)
#: How often a message may break the sender itself before it is put aside.
MOST_BREAKS = 5
BROKEN = "Something is broken in or around this message. An administrator should look at it."
NOT_CONFIRMED = "The provider never said whether it took this message. It was not sent again."
POISON, REFUSED = "message_put_aside", "provider_refuses"

_ROW = (
    OutboxMessage.id,
    OutboxMessage.fence,
    OutboxMessage.state,
    OutboxMessage.provider,
    OutboxMessage.provider_id,
    OutboxMessage.due_at,
    OutboxMessage.secret_sealed,
    OutboxMessage.settled_at,
)
_WRITE = (
    update(OutboxMessage)
    .where(OutboxMessage.id == bindparam("key"), OutboxMessage.fence == bindparam("held"))
    .values(
        {
            name: bindparam(name)
            for name in (
                "state",
                "provider",
                "provider_id",
                "error",
                "error_code",
                "lease_until",
                "due_at",
                "settled_at",
                "secret_sealed",
                "charged",
            )
        }
    )
)
#: Most messages are taken at the first try: fewer values to hand over, and nothing else of the row changes.
_WRITE_SENT = (
    update(OutboxMessage)
    .where(OutboxMessage.id == bindparam("key"), OutboxMessage.fence == bindparam("held"))
    .values(
        state="sent",
        provider_id=bindparam("provider_id"),
        charged=bindparam("charged"),
        error=None,
        error_code=None,
        lease_until=None,
        secret_sealed=None,
    )
)
_SENT = ("key", "held", "provider_id", "charged")


def values_of(done: Done, now: datetime, others: Sequence[str] = ()) -> dict[str, Any]:
    """What becomes of a row; `others` are the providers that could take it instead, the next one first."""
    row, result = done.row, done.result
    if isinstance(result, Handed):
        return {"state": result.state, "provider_id": result.provider_id}
    if isinstance(result, DeliveryFailed):
        return _failed(row, result, now, others)
    tried_for = now - row.first_tried_at
    if isinstance(result, OutcomeUnknown):
        if tried_for >= GIVE_UP_AFTER:
            return {"state": "failed", "error": NOT_CONFIRMED, "error_code": "not_confirmed"}
        return {"state": "unknown", "error": result.message, "lease_until": now + WAIT_FOR_NEWS}
    if row.attempts >= MOST_BREAKS:
        return {"state": "failed", "error": BROKEN, "error_code": POISON}
    # Nobody knows whether the message left: look it up, a few times.
    return {"state": "unknown", "error": BROKEN, "lease_until": now + WAIT_FOR_NEWS}


def _failed(row: Claimed, failure: DeliveryFailed, now: datetime, others: Sequence[str]) -> dict[str, Any]:
    told = {"error": failure.message, "error_code": failure.code}
    if row.cancelled:
        return told | {"state": "cancelled"}
    if failure.permanent or now - row.first_tried_at >= GIVE_UP_AFTER:
        return told | {"state": "failed"}
    wait = timedelta(seconds=BACK_OFF[min(row.attempts, len(BACK_OFF)) - 1])
    if others:
        # It was certainly not taken: another provider gets it at once, and after a round of all of them it waits.
        told["provider"] = others[0]
        wait = wait if row.attempts % (len(others) + 1) == 0 else timedelta(0)
    return told | {"state": "due", "due_at": now + wait}


def record(
    session: Session, now: datetime, channels: Mapping[str, Channel], batch: Sequence[Done]
) -> list[tuple[Claimed, int]]:
    """Write the outcomes of a batch, and what follows from them; return what each row still is charged. The caller commits."""
    held = _held(session, batch)
    mine = [(done, held[done.row.id]) for done in batch if _is_mine(done, held)]
    lost_race = [done for done in batch if done.row.id in held and not _is_mine(done, held)]
    doubted = _claimed_twice(session, [done for done, _ in mine])
    writes = []
    states: dict[str, list[UUID]] = {}
    for done, row in mine:
        changes = _changes(session, now, channels, done, doubted)
        writes.append(_whole(done, row, changes, now))
        states.setdefault(writes[-1]["state"], []).append(row.id)
    sent = [{name: write[name] for name in _SENT} for write in writes if write["state"] == "sent"]
    others = [write for write in writes if write["state"] != "sent"]
    for statement, some in ((_WRITE_SENT, sent), (_WRITE, others)):
        if some:
            session.execute(statement, some, execution_options={"dml_strategy": "core_only"})
    for state, keys in states.items():
        session.execute(
            update(Delivery)
            .where(among(session, Delivery.outbox_id, keys))
            .values(state=state)
            .execution_options(synchronize_session=False)
        )
    _keep_ids(session, lost_race, held)
    _follow(session, now, [done for done, _ in mine])
    return [(done.row, write["charged"]) for (done, _), write in zip(mine, writes, strict=True)]


def _held(session: Session, batch: Sequence[Done]) -> dict[UUID, Any]:
    keys = [done.row.id for done in batch if done.result is not None]
    rows = (
        select(*_ROW)
        .where(among(session, OutboxMessage.id, keys))
        .order_by(OutboxMessage.id)
        .with_for_update()
    )
    return {row.id: row for row in session.execute(rows)} if keys else {}


def _is_mine(done: Done, held: Mapping[UUID, Any]) -> bool:
    row = held.get(done.row.id)
    return row is not None and row.state == "sending" and row.fence == done.row.fence


def _claimed_twice(session: Session, mine: Sequence[Done]) -> set[UUID]:
    """Rows that found a copy which is another's: whoever sent it is right, and who found it by its text looks again."""
    ids = {_copy(done.row, done.result.provider_id): done for done in mine if isinstance(done.result, Handed)}
    if not ids:
        return set()
    columns = (OutboxMessage.id, OutboxMessage.channel, OutboxMessage.provider, OutboxMessage.provider_id)
    rows = select(*columns).where(among(session, OutboxMessage.provider_id, {key[2] for key in ids}))
    doubted: set[UUID] = set()
    wrong: list[UUID] = []
    for row in session.execute(rows):
        done = ids.get(_copy(row, row.provider_id))
        if done is None or row.id == done.row.id:
            continue
        if done.found:
            doubted.add(done.row.id)
        else:
            wrong.append(row.id)
    if wrong:
        give_up_copy(session, wrong)
    return doubted


def _copy(row: Any, provider_id: str) -> tuple[str, str | None, str]:
    """What names one message at one provider: two providers may use the same numbers."""
    return row.channel, row.provider, provider_id


def _changes(
    session: Session, now: datetime, channels: Mapping[str, Channel], done: Done, doubted: set[UUID]
) -> dict[str, Any]:
    if done.row.id in doubted:
        return {"state": "unknown", "error": "", "lease_until": now}
    return values_of(done, now, _others(session, now, channels, done))


def _others(session: Session, now: datetime, channels: Mapping[str, Channel], done: Done) -> list[str]:
    row, several = done.row, providers_of(channels.get(done.row.channel))
    if not several or not isinstance(done.result, DeliveryFailed) or row.message is None:
        return []
    weights = providers.weights_of(session, now, row.channel, several)
    left: list[str] = []
    while key := providers.choose(weights, row.message.address, {row.provider or "", *left}):
        left.append(key)
    return left


def _whole(done: Done, row: Any, changes: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """All columns of one write, so that a batch is one statement."""
    state = changes["state"]
    return {
        "key": row.id,
        "held": row.fence,
        "state": state,
        "provider": changes.get("provider", row.provider),
        "provider_id": changes.get("provider_id", row.provider_id),
        "error": changes.get("error"),
        "error_code": changes.get("error_code"),
        "lease_until": changes.get("lease_until"),
        "due_at": changes.get("due_at", row.due_at),
        "settled_at": now if state in FINAL else row.settled_at,
        "secret_sealed": None if state in ("sent", "delivered") else row.secret_sealed,
        "charged": _charge(done.row, state),
    }


def _charge(row: Claimed, state: str) -> int:
    """What a row costs now: its segments once it was taken, nothing where it was not, and what was set aside while nobody knows."""
    if state == "unknown" or not row.charged:
        return row.charged
    return row.segments if state in ("sent", "delivered") else 0


def _keep_ids(session: Session, others: Sequence[Done], held: Mapping[UUID, Any]) -> None:
    """A callback or another sender has the row: only the provider's id is kept, if it has none yet."""
    for done in others:
        if isinstance(done.result, Handed) and held[done.row.id].provider_id is None and not done.found:
            session.execute(
                update(OutboxMessage)
                .where(OutboxMessage.id == done.row.id, OutboxMessage.provider_id.is_(None))
                .values(provider_id=done.result.provider_id)
                .execution_options(synchronize_session=False)
            )


def _follow(session: Session, now: datetime, mine: Sequence[Done]) -> None:
    """What a batch says of receivers, of providers, and to the administrator."""
    handed, refused = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for done in mine:
        row, result = done.row, done.result
        line = (row.channel, row.provider or "")
        if isinstance(result, Handed):
            handed[line] += 1
        elif isinstance(result, DeliveryFailed):
            if result.permanent and result.why == "receiver":
                reachable.failed(session, now, row.contact_point_id, result.message, result.code)
            elif not result.permanent:
                refused[line] += 1
            if result.code == POISON:
                alarms.sound(
                    session, now, POISON, str(row.id), {"channel": row.channel, "tries": row.attempts}
                )
            if result.why == "ours":
                alarms.sound(
                    session, now, REFUSED, ":".join(line), {"code": result.code, "words": result.message}
                )
        else:
            refused[line] += 1
            if not isinstance(result, OutcomeUnknown):
                _poison(session, now, row, result)
    letters = [
        d.row.contact_point_id for d in mine if d.row.channel == "email" and isinstance(d.result, Handed)
    ]
    reachable.worked(session, letters)
    for channel, provider in {*handed, *refused}:
        failed, taken = refused[channel, provider], handed[channel, provider]
        providers.count(session, now, channel, provider, failed=failed, handed=taken)
        if taken and not failed:
            alarms.silence(session, now, REFUSED, f"{channel}:{provider}")


def _poison(session: Session, now: datetime, row: Claimed, error: object) -> None:
    log().error(
        "message_broken", outbox_id=str(row.id), error_type=type(error).__name__, attempts=row.attempts
    )
    if row.attempts >= MOST_BREAKS:
        alarms.sound(session, now, POISON, str(row.id), {"channel": row.channel, "tries": row.attempts})
