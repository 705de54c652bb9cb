"""What a key pressed in a call does: 1 acting, 2 seen, 3 cannot, for the person whom we rang about that alert.

We rang the number ourselves and the provider signed the key, so no code is asked for. The key belongs to the message that
the call said; a call that is not the one of that message answers nothing, and neither does one that said an older level: whoever took it
is told of the newer one by itself, and only a key in that stops it. inbound.py is the caller.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts import acknowledging
from alerts.alert import ACTING, CANNOT, OPEN, SEEN, Alert
from alerts.routing import Delivery
from committees.inbox import IGNORED, Inbound
from committees.people import ContactPoint
from foundation.errors import Conflict
from foundation.outbox import OutboxMessage

ANSWER_OF: Mapping[str, str] = {"1": ACTING, "2": SEEN, "3": CANNOT}


def handle(session: Session, now: datetime, row: Inbound) -> None:
    """Record the answer of one key; its row says afterwards what it answered, or that it answered nothing."""
    told = row.details
    message = session.get(OutboxMessage, UUID(told["outbox_id"]))
    if message is None or message.channel != "voice" or message.provider_id not in (None, told["sid"]):
        row.state = IGNORED
        return
    answer = ANSWER_OF[told["key"]]
    row.reading = {"command": "KEY", "answer": answer}
    point = session.get(ContactPoint, message.contact_point_id)
    if point is not None:
        point.heard_at = now
        row.person_id, row.locality_id = point.person_id, point.locality_id
    delivery = session.scalars(select(Delivery).where(Delivery.outbox_id == message.id)).first()
    if delivery is None:
        return
    alert = session.get_one(Alert, delivery.alert_id)
    session.refresh(alert, with_for_update=True)  # its level may be rising just now
    if alert.state == OPEN and delivery.revision != alert.revision:
        row.reading = {**row.reading, "older": True}
        return
    try:
        acknowledging.acknowledge(
            session, now, alert, delivery.person_id, answer, "voice", role=delivery.role
        )
    except Conflict:
        row.reading = {**row.reading, "ended": True}
