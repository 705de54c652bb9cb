"""What came in over the wire, worked off row by row: receipts settle outbox rows, SMS become reports, answers and replies.

Parses with the committees' grammar and dispatches by command. Each row is worked in its own transaction and once; a message that cannot
be read goes to the secretary and its sender hears that nothing is lost.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from coordination import sms_commands
from alerts import delivery
from committees.inbox import IGNORED, READ, WAITING, Inbound
from coordination.runtime import Runtime
from foundation.db import claim
from foundation.policy import service

BATCH = 50


def work(runtime: Runtime) -> int:
    """Work off waiting rows, oldest first; return how many."""
    with runtime.worker.open(service("intake")) as session:
        rows = select(Inbound.id, Inbound.kind).where(Inbound.state == WAITING).order_by(Inbound.received_at, Inbound.id).limit(BATCH)
        waiting = session.execute(rows).all()
    for key, kind in waiting:
        _one(runtime, key, kind)
    return len(waiting)


def _one(runtime: Runtime, key: UUID, kind: str) -> None:
    with runtime.worker.open(service("sender" if kind == "status" else "intake"), write=True) as session:
        if not claim(session, Inbound, key, {"state": WAITING}, {"state": READ}):
            return
        row = session.get_one(Inbound, key)
        now = runtime.clock.now()
        if kind == "status":
            known = delivery.settle(
                session, now, UUID(row.details["outbox_id"]), row.details["state"], row.details["sid"], row.details.get("code"), row.details.get("words", "")
            )
            row.state = READ if known else IGNORED
        else:
            sms_commands.handle(session, now, runtime.rng, row)
        session.commit()
