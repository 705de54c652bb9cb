"""What a key pressed in a call does: 1 acting, 2 seen, 3 cannot, for the person whom we rang about that alert.

We rang the number ourselves and the provider signed the key, so no code is asked for. The key belongs to the message that
the call said; a call that is not the one of that message answers nothing, and neither does one that said an older level: whoever took it
is told of the newer one by itself, and only a key in that stops it. The caller hears so at once (`heard`, for the hook); inbound.py
calls `handle`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts import acknowledging
from alerts.alert import ACTING, CANNOT, OPEN, SEEN, Alert
from alerts.routing import Delivery
from committees.inbox import IGNORED, Inbound
from committees.people import ContactPoint
from foundation.outbox import OutboxMessage

ANSWER_OF: Mapping[str, str] = {"1": ACTING, "2": SEEN, "3": CANNOT}
#: How a key fares: the lines that a call then says (alerts/spoken.toml).
TAKEN, OLDER, OVER = "thanks", "older", "over"


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
    asked = _asked(session, message)
    for delivery, alert in asked:
        session.refresh(alert, with_for_update=True)  # its level may be rising just now
        if _stands(delivery, alert) == TAKEN:
            acknowledging.acknowledge(
                session, now, alert, delivery.person_id, answer, "voice", role=delivery.role
            )
    if (stands := _best(asked)) in (OLDER, OVER):
        row.reading = {**row.reading, stands: True}


def heard(session: Session, outbox_id: UUID, sid: str) -> str:
    """The line that a call says after a key that answers: taken, or why it counts no more. It writes nothing."""
    message = session.get(OutboxMessage, outbox_id)
    if message is None or message.provider_id not in (None, sid):
        return TAKEN  # whoever tries calls that are not theirs learns nothing
    return _best(_asked(session, message))


def _asked(session: Session, message: OutboxMessage) -> list[tuple[Delivery, Alert]]:
    """What a call asks about: one alert, or those of several wards in one message."""
    rows = select(Delivery, Alert).join(Alert, Alert.id == Delivery.alert_id)
    found = session.execute(rows.where(Delivery.outbox_id == message.id).order_by(Alert.number)).all()
    return [(delivery, alert) for delivery, alert in found]


def _stands(delivery: Delivery, alert: Alert) -> str:
    if alert.state != OPEN:
        return OVER
    return TAKEN if acknowledging.takes_answer(alert, delivery.revision) else OLDER


def _best(asked: Sequence[tuple[Delivery, Alert]]) -> str:
    """How a key fares with all that its call asks about: taken, if it counts for any of it."""
    fates = {_stands(delivery, alert) for delivery, alert in asked}
    return next((fate for fate in (TAKEN, OLDER, OVER) if fate in fates), TAKEN)
