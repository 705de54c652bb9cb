"""Who was told of an alert: by role, channel and reason, never by name or number."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from alerts.routing import Delivery
from committees.places import Locality
from coordination.api.door import Call, endpoint
from coordination.api.paging import PageQuery, page
from coordination.api.schemas import Moment, Output


class DeliveryOut(Output):
    """One message to one person, and how it fared; or, with the state not_asked, that somebody who could be told was not.

    `why_not` says why there is no message (off_duty, stood_in, stopped, no_contact, ended, rose, lowered, told, excluded), `held_by` why
    it waits or waited (silence, covered, digest, group, later, quiet, paused), `held_until` until when that holds; each is empty otherwise.
    """

    id: UUID
    alert: UUID
    locality: str
    role: str
    channel: str
    step: int
    reason: str
    state: str
    why_not: str
    held_by: str | None
    held_until: Moment | None
    at: Moment


class DeliveryList(Output):
    """A page of deliveries, the newest first."""

    items: list[DeliveryOut]
    next: str | None


class DeliveryQuery(PageQuery):
    """Which deliveries: of one alert."""

    alert: UUID | None = None


@endpoint("GET", "/deliveries", scope="read", asks=DeliveryQuery, gives=DeliveryList)
def list_deliveries(call: Call) -> DeliveryList:
    """List the deliveries that the caller may see, the newest first."""
    rows = select(Delivery)
    if call.query.alert:
        rows = rows.where(Delivery.alert_id == call.query.alert)
    found, following = page(call.session, rows, (Delivery.at, Delivery.id), call.query)
    return DeliveryList(items=[_shown(call, row) for row in found], next=following)


def _shown(call: Call, row: Delivery) -> DeliveryOut:
    return DeliveryOut(
        id=row.id,
        alert=row.alert_id,
        locality=call.session.get_one(Locality, row.locality_id).code,
        role=row.role,
        channel=row.channel,
        step=row.step,
        reason=row.reason,
        state=row.state,
        why_not=row.why_not,
        held_by=row.held_by,
        held_until=row.held_until,
        at=row.at,
    )
