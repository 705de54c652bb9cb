"""How each line to people does, in words and numbers for the channels page, and the banner where a line is silent.

Counts and times only: no address, no message. The checks are alerts/line_checks.py; `check` is the job that makes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from alerts import line_checks
from alerts.channels import Console
from alerts.channels.base import Channel, DeliveryFailed, OutcomeUnknown
from alerts.labels import channel_label, delivery_state_label
from alerts.providers import Provider
from committees.contact_addresses import CHANNELS as TO_PEOPLE
from committees.contact_addresses import CONSOLE
from committees.inbox import CALL, KEY, SMS, Inbound
from committees.people import ContactPoint
from committees.places import Locality, zone_of
from coordination.runtime import Runtime
from foundation.logs import log
from foundation.outbox import OutboxMessage
from foundation.policy import Principal, service
from foundation.web import words
from foundation.web.words import N_
from foundation.web.words import gettext as _

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
#: Of which messages the page speaks at all.
WINDOW = timedelta(days=7)
WRONG = ("failed", "undelivered")
#: Receipts looked at for the time that they take.
RECEIPTS = 2000
TEST = "drill"
#: What messages did, by channel and provider.
Did = Mapping[tuple[str, str | None], Any]
LINES = tuple(key for key in TO_PEOPLE if key != CONSOLE)


@dataclass(frozen=True)
class Line:
    """One channel as the page shows it; times are words, an empty one is unknown."""

    key: str
    label: str
    set_up: bool
    checked: str
    good: bool
    why: str
    sent: str
    heard: str
    errors: int
    share: str
    receipt: str
    providers: list[tuple[Any, ...]]


def check(runtime: Runtime) -> int:
    """Ask the provider of every line whether it is there, each with no transaction open; return how many were asked."""
    real = {key: runtime.channels[key] for key in LINES if _is_real(runtime.channels.get(key))}
    for key, channel in real.items():
        found = _why_silent(key, channel)
        with runtime.worker.open(service("keeper"), write=True) as session:
            line_checks.record(session, runtime.clock.now(), key, found)
            session.commit()
    return len(real)


def _name(channel: str) -> str:
    label = channel_label(channel)
    return label[:1].upper() + label[1:]


def _is_real(channel: Channel | None) -> bool:
    return channel is not None and not isinstance(channel, Console)


def _why_silent(key: str, channel: Channel) -> str:
    try:
        channel.check()
    except (DeliveryFailed, OutcomeUnknown) as failure:
        return failure.message
    except Exception as error:  # noqa: BLE001 -- one line's fault must not hide the state of the others
        log().error("line_check_failed", channel=key, error_type=type(error).__name__)
        return N_("The check itself broke. An administrator should look at the log.")
    return ""


def silent(
    session: Session, now: datetime, principal: Principal, channels: Mapping[str, Channel]
) -> list[str]:
    """One sentence for each line that is set up and has not been heard from, in the time of the reader's place."""
    found = [
        (key, since)
        for key in LINES
        if _is_real(channels.get(key)) and (since := line_checks.silent_since(session, now, key))
    ]
    if not found:
        return []
    zone = zone_of(session, session.get_one(Locality, principal.standings[0].locality_id))
    return [
        _(
            "%(line)s: not heard from since %(when)s. Messages may not arrive.",
            line=_name(key),
            when=words.when(since, zone, now),
        )
        for key, since in found
    ]


def lines(session: Session, now: datetime, channels: Mapping[str, Channel]) -> list[Line]:
    """Every channel that reaches people, set up or not, in the order of the list; what it did in the last days."""
    did, heard, receipts = _did(session, now), _heard(session, now), _receipts(session, now)
    checks, alive = line_checks.latest(session), line_checks.heard(session)
    providers = _providers(session, now, did)
    made = []
    for key in LINES:
        mine, checked = [one for (channel, _), one in did.items() if channel == key], checks.get(key)
        out = sum(one.out for one in mine)
        made.append(
            Line(
                key=key,
                label=_name(key),
                set_up=_is_real(channels.get(key)),
                checked=words.ago(checked.at, now) if checked else "",
                good=bool(checked and checked.good),
                why=_(checked.words) if checked else "",
                sent=_newest(now, *(one.sent for one in mine)),
                heard=_newest(now, heard.get(key), alive.get(key), *(one.heard for one in mine)),
                errors=sum(one.failed for one in mine),
                share=f"{sum(one.arrived for one in mine) / out:.0%}" if out else "",
                receipt=_seconds(receipts.get(key)),
                providers=providers.get(key, []),
            )
        )
    return made


def _newest(now: datetime, *times: datetime | None) -> str:
    known = [at for at in times if at]
    return words.ago(max(known), now) if known else ""


def _providers(session: Session, now: datetime, did: Did) -> dict[str, list[tuple[Any, ...]]]:
    """For each channel its providers: name, weight, handed over, last sent, last heard from, failed in the last hour."""
    found: dict[str, list[tuple[Any, ...]]] = {}
    for one in session.scalars(select(Provider).order_by(Provider.channel, Provider.key)):
        row = did.get((one.channel, one.key))
        sent, back = (_newest(now, at) or "–" for at in (row and row.sent, row and row.heard))
        line = (one.key, one.weight, one.handed, sent, back, row.failed if row else 0)
        found.setdefault(one.channel, []).append(line)
    return found


def _did(session: Session, now: datetime) -> Did:
    """By channel and provider, of the messages of the last days: last sent, last heard from, failed, went out, arrived.

    Of no older ones: the page then costs the same however many messages there ever were.
    """
    lately = OutboxMessage.sent_at > now - DAY
    told = OutboxMessage.state.in_(("sent", "delivered", *WRONG))
    wrong = OutboxMessage.state.in_(WRONG) & (OutboxMessage.settled_at > now - HOUR)
    rows = session.execute(
        select(
            OutboxMessage.channel,
            OutboxMessage.provider,
            func.max(OutboxMessage.sent_at).label("sent"),
            func.max(case((OutboxMessage.provider_id.is_not(None), OutboxMessage.settled_at))).label("heard"),
            func.sum(case((wrong, 1), else_=0)).label("failed"),
            func.sum(case((lately & told, 1), else_=0)).label("out"),
            func.sum(case((lately & (OutboxMessage.state == "delivered"), 1), else_=0)).label("arrived"),
        )
        .where(OutboxMessage.created_at > now - WINDOW)
        .group_by(OutboxMessage.channel, OutboxMessage.provider)
    )
    return {(row.channel, row.provider): row for row in rows}


def _heard(session: Session, now: datetime) -> dict[str, datetime]:
    """When something last came in by each channel in the last days."""
    by = Inbound.details["channel"].as_string()
    rows = session.execute(
        select(Inbound.kind, by, func.max(Inbound.received_at))
        .where(Inbound.received_at > now - WINDOW, Inbound.kind.in_((SMS, CALL, KEY)))
        .group_by(Inbound.kind, by)
    )
    found: dict[str, datetime] = {}
    for kind, channel, at in rows:
        key = "voice" if kind in (CALL, KEY) else channel or "sms"
        found[key] = max(at, found.get(key, at))
    return found


def _receipts(session: Session, now: datetime) -> dict[str, list[float]]:
    rows = session.execute(
        select(OutboxMessage.channel, OutboxMessage.sent_at, OutboxMessage.settled_at)
        .where(OutboxMessage.created_at > now - WINDOW)
        .where(OutboxMessage.state == "delivered", OutboxMessage.sent_at > now - DAY)
        .where(OutboxMessage.settled_at.is_not(None))
        .order_by(OutboxMessage.sent_at.desc())
        .limit(RECEIPTS)
    )
    found: dict[str, list[float]] = {}
    for channel, sent, settled in rows:
        assert sent is not None
        assert settled is not None
        found.setdefault(channel, []).append((settled - sent).total_seconds())
    return found


def _seconds(took: list[float] | None) -> str:
    return _("%(number)s s", number=f"{median(took):.0f}") if took else ""


def tests(session: Session, now: datetime, contacts: list[ContactPoint]) -> list[dict[str, Any]]:
    """The ways to reach one person, each with what became of the last test; never the address."""
    return [
        {
            "id": point.id,
            "label": _name(point.channel),
            "verified": point.verified_at is not None,
            "result": _last_test(session, now, point),
        }
        for point in contacts
    ]


def _last_test(session: Session, now: datetime, point: ContactPoint) -> str:
    rows = select(OutboxMessage).where(
        OutboxMessage.contact_point_id == point.id, OutboxMessage.template == TEST
    )
    found = session.scalars(rows.order_by(OutboxMessage.created_at.desc()).limit(1)).first()
    if found is None:
        return ""
    if point.heard_at and point.heard_at >= found.created_at:
        return _("%(state)s, %(when)s", state=_("answered"), when=words.ago(point.heard_at, now))
    return _(
        "%(state)s, %(when)s",
        state=delivery_state_label(found.state),
        when=words.ago(found.settled_at or found.created_at, now),
    )
