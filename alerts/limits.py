"""What may go now: the countries that are written to, the pace of one receiver, the speed of a sender number and the day's budgets.

Asked in the transaction in which messages are claimed; what must wait keeps its row `due` with the reason in words. Messages of levels
4 and 5 (the first lane) wait for none of it but the list of countries. The tables are in budgets.py.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from alerts import messages
from alerts.budgets import SendBudget, SenderBucket
from alerts.channels.base import Channel
from alerts.claiming import Claimed, Taken
from alerts.handing_over import provider_of
from committees.places import Locality, LocalityPath
from foundation import alarms
from foundation.db import among, insert_new
from foundation.outbox import URGENT, OutboxMessage
from foundation.sending_settings import Limits

PHONE = ("sms", "whatsapp", "voice")
#: How many messages one receiver gets at most in so long, besides warnings of levels 4 and 5 and answers to what they wrote.
PACE = ((timedelta(minutes=15), 5), (timedelta(hours=1), 11))
#: Messages that were asked for, or must not come later than what they put right.
NEVER_PACED = frozenset({"sign_in_code", "verify", "number_change", "correction", "ended"})
ORDINARY_PART = 0.7  # of each budget; the rest is kept for levels 4 and 5
OTHER_COUNTRY = (
    "We do not write to numbers of this country. An administrator can add it to CONCORD_SMS_COUNTRIES."
)
TOO_MANY = "This person had many messages in a short time. This one waits a little."
LINE_BUSY = "The line sends as fast as it may. This message waits its turn."
NO_BUDGET = "The budget of messages of this day is used up. What is left is kept for levels 4 and 5. This one goes tomorrow."
BUDGET_USED = "budget_used"
_LINE_WAIT = timedelta(seconds=1)


def may_go(
    session: Session, now: datetime, most: Limits, channels: Mapping[str, Channel], taken: Sequence[Taken]
) -> list[Taken]:
    """Those of a batch that go now; the others are put off, with the reason in their rows."""
    for one in taken:
        foreign = most.prefixes and one.row.channel in PHONE and one.address
        if foreign and not one.address.startswith(most.prefixes):
            one.why_not = one.why_not or OTHER_COUNTRY
    going = _at_a_bearable_pace(session, now, taken)
    if most.per_second:
        going = _as_fast_as_lines(session, now, most.per_second, channels, going)
    if most.per_day or most.per_city:
        going = _within_budget(session, now, most, going)
    return going


def _put_off(session: Session, now: datetime, rows: Mapping[UUID, datetime], words: str, code: str) -> None:
    moments: dict[datetime, list[UUID]] = {}
    for key, until in rows.items():
        moments.setdefault(max(until, now + _LINE_WAIT), []).append(key)
    for until, keys in moments.items():
        session.execute(
            update(OutboxMessage)
            .where(among(session, OutboxMessage.id, keys), OutboxMessage.state == "due")
            .values(due_at=until, error=words, error_code=code)
            .execution_options(synchronize_session=False)
        )


def until_when(times: Sequence[datetime], now: datetime) -> datetime | None:
    """When one more message may go to somebody who had messages at `times`; None: now."""
    waits = []
    for span, most in PACE:
        lately = sorted(at for at in times if at > now - span)
        if len(lately) >= most:
            waits.append(lately[len(lately) - most] + span)
    return max(waits, default=None)


def _is_paced(one: Taken) -> bool:
    row = one.row
    return (
        row.lane > URGENT
        and row.contact_point_id is not None
        and row.template not in NEVER_PACED
        and not row.effect_key.startswith("inbound:")
    )


def _at_a_bearable_pace(session: Session, now: datetime, taken: Sequence[Taken]) -> list[Taken]:
    keys = {one.row.contact_point_id for one in taken if _is_paced(one)}
    if not keys:
        return list(taken)
    span = max(span for span, _ in PACE)
    rows = select(OutboxMessage.contact_point_id, OutboxMessage.sent_at).where(
        among(session, OutboxMessage.contact_point_id, keys),
        OutboxMessage.sent_at > now - span,
        OutboxMessage.lane > URGENT,
        OutboxMessage.state != "due",
        OutboxMessage.template.not_in(NEVER_PACED),
        ~OutboxMessage.effect_key.startswith("inbound:"),
    )
    had: dict[UUID, list[datetime]] = {}
    for key, at in session.execute(rows):
        if key and at:
            had.setdefault(key, []).append(at)
    going, put_off = [], {}
    for one in taken:
        times = had.setdefault(one.row.contact_point_id, []) if _is_paced(one) else []
        until = until_when(times, now)
        if until is None:
            going.append(one)
            times.append(now)
        else:
            put_off[one.row.id] = until
    _put_off(session, now, put_off, TOO_MANY, "wait_receiver")
    return going


def _as_fast_as_lines(
    session: Session, now: datetime, rate: float, channels: Mapping[str, Channel], taken: Sequence[Taken]
) -> list[Taken]:
    """Take a token from the bucket of each sender number. The first lane takes one that is not there yet: it never waits."""
    lines = {one.row.id: line for one in taken if (line := _line_of(channels, one))}
    left = {line: _tokens(session, now, line, rate) for line in sorted(set(lines.values()))}
    going, put_off = [], {}
    for one in taken:
        line = lines.get(one.row.id)
        if line is None or one.row.lane == URGENT or left[line] >= 1:
            going.append(one)
            if line is not None:
                left[line] -= 1
        else:
            put_off[one.row.id] = now + timedelta(seconds=(1 - left[line]) / rate)
    for line, tokens in left.items():
        session.execute(
            update(SenderBucket).where(SenderBucket.sender == line).values(tokens=tokens, counted_at=now)
        )
    _put_off(session, now, put_off, LINE_BUSY, "wait_line")
    return going


def _line_of(channels: Mapping[str, Channel], one: Taken) -> str | None:
    """The sender number by which a message goes, where its channel has such."""
    channel = provider_of(channels, one)
    line_of = getattr(channel, "line_of", None)
    return f"{one.row.channel}:{line_of(one.address)}" if line_of and one.address else None


def _tokens(session: Session, now: datetime, line: str, rate: float) -> float:
    """What a bucket holds now: a second's worth at most. Its row stays locked until the commit."""
    insert_new(session, SenderBucket(sender=line, tokens=max(1.0, rate), counted_at=now))
    row = session.get_one(SenderBucket, line, with_for_update=True, populate_existing=True)
    return min(max(1.0, rate), row.tokens + rate * max(0.0, (now - row.counted_at).total_seconds()))


def _within_budget(session: Session, now: datetime, most: Limits, taken: Sequence[Taken]) -> list[Taken]:
    """Set the most segments that each message can take aside; settle_charges gives back what it did not need."""
    paid = [one for one in taken if one.row.channel in PHONE and one.address and not one.why_not]
    cities = _cities(session, {one.point.locality_id for one in paid if one.point})
    for one in paid:
        one.city = cities.get(one.point.locality_id, "") if one.point else ""
    limits_of = {"": most.per_day} | {one.city: most.per_city for one in paid if one.city}
    used = {scope: _used(session, now, scope) for scope, limit in sorted(limits_of.items()) if limit}
    charges = Counter[str]()
    going, put_off = [], {}
    morning = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    for one in taken:
        scopes = [scope for scope in {"", one.city} if scope in used] if one in paid else []
        cost = messages.catalogue(one.row.language, one.row.script).segments
        if one.row.lane != URGENT and any(
            used[scope] + charges[scope] + cost > ORDINARY_PART * (limits_of[scope] or 0) for scope in scopes
        ):
            put_off[one.row.id] = morning
            continue
        for scope in scopes:
            charges[scope] += cost
        one.charged = cost if scopes else one.charged
        going.append(one)
    _charge(session, now, charges)
    _put_off(session, now, put_off, NO_BUDGET, BUDGET_USED)
    if put_off:
        alarms.sound(session, now, BUDGET_USED, f"{now:%Y-%m-%d}", {"waiting": len(put_off)})
    return going


def _used(session: Session, now: datetime, scope: str) -> int:
    insert_new(session, SendBudget(scope=scope, day=now.date(), used=0))
    row = session.get_one(SendBudget, (scope, now.date()), with_for_update=True, populate_existing=True)
    return row.used


def _charge(session: Session, now: datetime, charges: Mapping[str, int]) -> None:
    for scope, segments in charges.items():
        if segments:
            session.execute(
                update(SendBudget)
                .where(SendBudget.scope == scope, SendBudget.day == now.date())
                .values(used=SendBudget.used + segments)
                .execution_options(synchronize_session=False)
            )


def settle_charges(session: Session, rows: Sequence[tuple[Claimed, int]]) -> None:
    """Give back what was set aside for these rows and not used: each row with what it costs now."""
    back: dict[tuple[datetime, str], int] = {}
    for row, kept in rows:
        if row.charged > kept:
            for scope in {"", row.city}:
                key = (row.claimed_at, scope)
                back[key] = back.get(key, 0) + row.charged - kept
    for (day, scope), segments in sorted(back.items()):
        _charge(session, day, {scope: -segments})


def _cities(session: Session, places: set[UUID]) -> dict[UUID, str]:
    """The town of each place, or the place itself above towns."""
    if not places:
        return {}
    rows = (
        select(LocalityPath.descendant_id, Locality.id)
        .join(Locality, Locality.id == LocalityPath.ancestor_id)
        .where(LocalityPath.descendant_id.in_(places), Locality.level == "town")
    )
    towns = {row[0]: str(row[1]) for row in session.execute(rows)}
    return {place: towns.get(place, str(place)) for place in places}
