"""What a provider's callback says of a message, applied in whatever order it comes: no state goes back.

Called by coordination/inbound.py for each receipt; our own record of a hand-over is recording.py.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from alerts import reachable
from alerts.channels.twilio_codes import verdict
from alerts.routing import Delivery
from foundation.outbox import FINAL, OutboxMessage

ORDER = {
    "due": 0,
    "claimed": 0,
    "sending": 0,
    "unknown": 0,
    "sent": 1,
    "undelivered": 2,
    "failed": 2,
    "delivered": 3,
    "cancelled": 3,
}


def settle(
    session: Session,
    now: datetime,
    outbox_id: UUID,
    state: str,
    provider_id: str,
    code: str | None,
    words: str,
) -> bool:
    """Apply a provider's callback, in whatever order: no state goes back. False for an unknown id."""
    # Locked: two callbacks at once are applied one after the other, and the lower state never comes last.
    row = session.get(OutboxMessage, outbox_id, with_for_update=True)
    if row is None or row.provider_id not in (None, provider_id):
        return False
    if ORDER[state] > ORDER[row.state]:
        row.state, row.provider_id = state, provider_id
        row.error_code, row.error = code, words or None
        row.settled_at = now if state in FINAL else None
        row.secret_sealed = None if state in ("sent", "delivered") else row.secret_sealed
        session.execute(update(Delivery).where(Delivery.outbox_id == outbox_id).values(state=state))
        _count(session, now, row, state, code, words)
    if row.provider_id is None:
        row.provider_id = provider_id
    _take_back(session, row, provider_id)
    return True


def _count(
    session: Session, now: datetime, row: OutboxMessage, state: str, code: str | None, words: str
) -> None:
    """What a receipt says of the number: it works, or it will never take a message."""
    if state == "delivered":
        reachable.worked(session, [row.contact_point_id])
    elif state in FINAL and verdict(code).why == "receiver":
        reachable.failed(session, now, row.contact_point_id, words, code)


def _take_back(session: Session, row: OutboxMessage, provider_id: str) -> None:
    """Another row that took this copy for its own by its text is unknown again: the callback carries our id and is right."""
    wrong = select(OutboxMessage.id).where(
        OutboxMessage.provider_id == provider_id,
        OutboxMessage.provider.is_not_distinct_from(row.provider),
        OutboxMessage.channel == row.channel,
        OutboxMessage.id != row.id,
    )
    if keys := list(session.scalars(wrong)):
        give_up_copy(session, keys)


def give_up_copy(session: Session, keys: list[UUID]) -> None:
    """These rows believed in a copy that is somebody else's: they are looked up anew."""
    session.execute(
        update(OutboxMessage)
        .where(OutboxMessage.id.in_(keys))
        .values(state="unknown", provider_id=None, lease_until=OutboxMessage.created_at, settled_at=None)
        .execution_options(synchronize_session=False)
    )
    session.execute(update(Delivery).where(Delivery.outbox_id.in_(keys)).values(state="unknown"))
