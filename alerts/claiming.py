"""Taking messages out of the outbox: a batch in one transaction with a lease and a new fence, read whole, and written out after it.

`take` is called in a transaction that the caller commits before anything is sent; `written` needs no database any more. What may go now
is asked of limits.py. Only alerts/delivery.py imports this module.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select, update
from sqlalchemy.orm import Session

from alerts import press_links, providers, recorded
from alerts.alert import OPEN, Alert
from alerts.answer_links import Ticket
from alerts.channels.base import Channel, Message
from alerts.channels.many import providers_of
from alerts.composing import compose, in_conversation
from alerts.press_links import Press
from alerts.routing import Delivery
from alerts.sms_routes import PLAIN, Route, all_routes, country_of
from alerts.spoken import RECORDED
from committees import contact_stops
from committees.contact_addresses import SMS, VOICE
from committees.people import ContactPoint
from foundation.crypto import Cipher
from foundation.db import among
from foundation.errors import Problem
from foundation.logs import log
from foundation.outbox import OutboxMessage

#: What a dead sender held is looked up after so long: soon enough to be on its way again within half a minute. A living one renews.
LEASE = timedelta(seconds=25)
NOT_WRITTEN = "This message could not be written. An administrator should look at it."
STOPPED = "This person asked for no more messages."
FAILING = (
    "Messages to this number or address failed for good three times. It must be checked with the person."
)
ENDED = "The alert had ended before this message could go."
#: What asks people to act on an alert: of an alert that has ended it is never sent.
CALLS = frozenset(
    {
        "alert",
        "nudge",
        "nudge_last",
        "still_acting",
        "reopened",
        "local_only",
        "advice",
        "escalation",
        "confirm_severe",
    }
)
#: What is of use only while an alert is open: those, and what follows one.
OF_OPEN_ALERTS = CALLS | {"what_to_do"}

_ROW = (
    OutboxMessage.id,
    OutboxMessage.effect_key,
    OutboxMessage.channel,
    OutboxMessage.provider,
    OutboxMessage.fence,
    OutboxMessage.attempts,
    OutboxMessage.lane,
    OutboxMessage.contact_point_id,
    OutboxMessage.address_sealed,
    OutboxMessage.secret_sealed,
    OutboxMessage.template,
    OutboxMessage.slots,
    OutboxMessage.language,
    OutboxMessage.script,
    OutboxMessage.charged,
    OutboxMessage.sent_at,
    OutboxMessage.created_at,
)


@dataclass(slots=True, eq=False)
class Claimed:
    """One claimed row, read out of the database before the connection is given back; its message is put in once it is written."""

    id: UUID
    channel: str
    provider: str | None
    fence: int
    attempts: int
    lane: int
    contact_point_id: UUID | None
    charged: int
    city: str
    look_up_first: bool
    claimed_at: datetime
    first_tried_at: datetime
    message: Message | None = None
    segments: int = 0
    why_not: str = ""
    cancelled: bool = False


@dataclass(slots=True)
class Taken:
    """A row as it was read, with what else is needed to write its message."""

    row: Any
    look_up: bool
    point: Any = None
    ticket: Ticket | Press | None = None
    as_sms: bool = False
    ended: bool = False
    address: str = field(default="", repr=False)
    provider: str | None = None
    charged: int = 0
    city: str = ""
    taken_ids: frozenset[str] = frozenset()
    answering: bool = False
    route: Route = PLAIN
    plays: Mapping[str, str] = field(default_factory=dict)
    why_not: str = ""

    @property
    def channel(self) -> str:
        """The key of its channel."""
        return str(self.row.channel)


def due_rows(now: datetime, batch: int, busy: Collection[str] = ()) -> Select[Any]:
    """What is due, the first lane first; channels whose hands are all full are left alone."""
    rows = select(*_ROW).where(OutboxMessage.state == "due", OutboxMessage.due_at <= now)
    if busy:
        rows = rows.where(OutboxMessage.channel.not_in(busy))
    return rows.order_by(OutboxMessage.lane, OutboxMessage.due_at, OutboxMessage.id).limit(batch)


def lost_rows(now: datetime, batch: int, busy: Collection[str] = ()) -> Select[Any]:
    """Rows whose sender died, and rows whose answer was lost and of which no news came in time."""
    rows = select(*_ROW).where(
        OutboxMessage.state.in_(("claimed", "sending", "unknown")), OutboxMessage.lease_until < now
    )
    if busy:
        rows = rows.where(OutboxMessage.channel.not_in(busy))
    return rows.order_by(OutboxMessage.lease_until).limit(batch)


def read(session: Session, now: datetime, rows: Select[Any], *, look_up: bool) -> list[Taken]:
    """Lock these rows until the commit (SQLite: everything is) and read what their messages need, in a few statements."""
    taken = [Taken(row, look_up) for row in session.execute(rows.with_for_update(skip_locked=True))]
    points = _points(session, {one.row.contact_point_id for one in taken} - {None})
    alerts = _alerts(session, [one.row.id for one in taken if _of_an_alert(one.row)])
    presses = press_links.of_rows(session, [one.row for one in taken])
    for one in taken:
        one.point = points.get(one.row.contact_point_id)
        one.provider, one.charged = one.row.provider, one.row.charged
        one.answering = in_conversation(
            now, one.point.heard_at if one.point else None, bare=one.row.address_sealed is not None
        )
        ticket, state = alerts.get(one.row.id, (None, OPEN))
        one.ticket = ticket or presses.get(one.row.id)
        one.ended = state != OPEN and one.row.template in OF_OPEN_ALERTS
        if look_up:
            one.taken_ids = _taken_ids(session, one.row)
    return taken


def _of_an_alert(row: Any) -> bool:
    return row.channel == "email" or row.template in OF_OPEN_ALERTS


def _points(session: Session, keys: Collection[UUID]) -> dict[UUID, Any]:
    if not keys:
        return {}
    columns = (
        ContactPoint.id,
        ContactPoint.address_sealed,
        ContactPoint.stopped_at,
        ContactPoint.failing_since,
        ContactPoint.heard_at,
        ContactPoint.locality_id,
    )
    return {
        row.id: row for row in session.execute(select(*columns).where(among(session, ContactPoint.id, keys)))
    }


def _alerts(session: Session, keys: Sequence[UUID]) -> dict[UUID, tuple[Ticket, str]]:
    if not keys:
        return {}
    rows = select(
        Delivery.outbox_id, Alert.state, Delivery.alert_id, Delivery.person_id, Delivery.revision
    ).join(Alert, Alert.id == Delivery.alert_id)
    found = session.execute(rows.where(among(session, Delivery.outbox_id, keys)))
    return {row[0]: (Ticket(*row[2:]), row[1]) for row in found if row[0]}


def _taken_ids(session: Session, row: Any) -> frozenset[str]:
    """The provider's ids that belong to other rows of this receiver."""
    same = select(OutboxMessage.provider_id).where(
        OutboxMessage.contact_point_id == row.contact_point_id,
        OutboxMessage.provider_id.is_not(None),
        OutboxMessage.id != row.id,
    )
    return frozenset(map(str, session.scalars(same.order_by(OutboxMessage.created_at.desc()).limit(50))))


def open_addresses(cipher: Cipher, taken: Sequence[Taken], opened: dict[tuple[UUID, str], str]) -> None:
    """Open where each message goes, or say why it goes nowhere. `opened` are those of this burst: many write to the same people."""
    for one in taken:
        row, point = one.row, one.point
        try:
            if row.address_sealed:
                one.address = cipher.open("outbox.address", row.id, row.address_sealed)
            elif point is None or point.stopped_at:
                one.why_not = STOPPED
            elif point.failing_since:
                one.why_not = FAILING
            else:
                key = point.id, point.address_sealed
                if key not in opened:
                    opened[key] = cipher.open("contact_point.address", *key)
                one.address = opened[key]
        except Problem as problem:
            one.why_not = str(problem)
        except Exception as error:  # noqa: BLE001 -- one value that is no sealed value must not stop the others
            log().error("address_not_opened", outbox_id=str(row.id), error_type=type(error).__name__)
            one.why_not = NOT_WRITTEN


def leave_stopped(session: Session, cipher: Cipher, taken: Sequence[Taken]) -> None:
    """Say why nothing goes to a bare number that asked for no more messages; the one of somebody with an account says so itself."""
    bare = [one for one in taken if one.row.address_sealed and one.address.lstrip("+").isdigit()]
    # An index is slow by design, and the outbox is locked meanwhile: none is made where nobody has stopped.
    if not bare or not contact_stops.has_any(session):
        return
    for one in bare:
        if contact_stops.is_stopped(session, cipher.index(one.address)):
            one.why_not = STOPPED


def choose_routes(session: Session, channels: Mapping[str, Channel], taken: Sequence[Taken]) -> None:
    """Say by which country's networks each SMS travels, also of those that another service's gateway sends."""
    short = [(one, number) for one in taken if (number := _sms_number(channels, one))]
    routes = all_routes(session) if short else {}
    for one, number in short:
        one.as_sms, one.route = True, routes.get(country_of(number), PLAIN)


def _sms_number(channels: Mapping[str, Channel], one: Taken) -> str:
    if one.channel == SMS:
        return one.address
    number_of = getattr(channels.get(one.channel), "sms_number", None)
    return number_of(one.address) if number_of else ""


def choose_providers(
    session: Session, now: datetime, channels: Mapping[str, Channel], taken: Sequence[Taken]
) -> None:
    """Say which provider takes each message, where a channel has several; it is stored before anything is sent."""
    weights: dict[str, dict[str, int]] = {}
    for one in taken:
        several = providers_of(channels.get(one.channel))
        if not several or one.provider in several:
            continue
        if one.channel not in weights:
            weights[one.channel] = providers.weights_of(session, now, one.channel, several)
        one.provider = providers.choose(weights[one.channel], one.address)


def hold(session: Session, now: datetime, taken: Sequence[Taken]) -> list[Claimed]:
    """Claim what was read: a lease, a new fence, one more attempt; one statement for each provider and charge."""
    groups: dict[tuple[str | None, int], list[UUID]] = {}
    for one in taken:
        groups.setdefault((one.provider, one.charged), []).append(one.row.id)
    for (provider, charged), keys in groups.items():
        session.execute(
            update(OutboxMessage)
            .where(among(session, OutboxMessage.id, keys))
            .values(
                state="sending",
                lease_until=now + LEASE,
                fence=OutboxMessage.fence + 1,
                attempts=OutboxMessage.attempts + 1,
                sent_at=func.coalesce(OutboxMessage.sent_at, now),
                provider=provider,
                charged=charged,
            )
            .execution_options(synchronize_session=False)
        )
    return [_claimed(one, now) for one in taken]


def renew(session: Session, now: datetime, rows: Sequence[Claimed]) -> set[Claimed]:
    """Lengthen the leases of rows that are still held by this fence, and return those; the others are somebody else's now."""
    held = select(OutboxMessage.id, OutboxMessage.fence).where(
        among(session, OutboxMessage.id, [row.id for row in rows]), OutboxMessage.state == "sending"
    )
    fences = {row.id: row.fence for row in session.execute(held.order_by(OutboxMessage.id).with_for_update())}
    mine = {row for row in rows if fences.get(row.id) == row.fence}
    session.execute(
        update(OutboxMessage)
        .where(among(session, OutboxMessage.id, [row.id for row in mine]))
        .values(lease_until=now + LEASE)
        .execution_options(synchronize_session=False)
    )
    return mine


def _claimed(one: Taken, now: datetime) -> Claimed:
    row = one.row
    return Claimed(
        row.id,
        row.channel,
        one.provider,
        row.fence + 1,
        row.attempts + 1,
        row.lane,
        row.contact_point_id,
        one.charged,
        one.city,
        one.look_up,
        now,
        row.sent_at or now,
        why_not=ENDED if one.ended and not one.look_up else one.why_not,
        cancelled=one.ended and not one.look_up,
    )


def choose_recordings(session: Session, cipher: Cipher, public_url: str, taken: Sequence[Taken]) -> None:
    """Say what of each call is played, where no voice speaks the receiver's language."""
    calls = [one for one in taken if one.channel == VOICE and one.row.language in RECORDED]
    plays = recorded.plays(session, cipher, public_url) if calls else {}
    for one in calls:
        one.plays = plays.get(one.row.language, {})


def write(cipher: Cipher, public_url: str, one: Taken, since: datetime) -> tuple[Message | None, int, str]:
    """The message of a row, its segments, and why there is none; nothing here asks the database."""
    try:
        return (*_message(cipher, public_url, one, since), "")
    except Problem as problem:
        return None, 0, str(problem)
    except Exception as error:
        # A template that is not there, a value that no gap takes: it will be so the next time as well.
        log().error("message_not_written", outbox_id=str(one.row.id), error_type=type(error).__name__)
        return None, 0, NOT_WRITTEN


def _message(cipher: Cipher, public_url: str, one: Taken, since: datetime) -> tuple[Message, int]:
    return compose(
        cipher,
        public_url,
        one.row,
        one.address,
        since=since,
        ticket=None if one.as_sms else one.ticket,
        taken_ids=one.taken_ids,
        answering=one.answering,
        route=one.route,
        plays=one.plays,
    )
