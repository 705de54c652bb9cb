"""Whether a warning goes to a person at once or waits, and why: for a silence, for the 6pm digest, for the other wards of a town, or
because they were told already of the alert of the whole place above.

`hold_of` decides purely; the rest reads what it needs. Levels 4 and 5 never wait (a silence that two persons agreed to holds level 4).
What waits is a Delivery row of routing.py; releasing.py sends it, or says why it never was.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts import silences
from alerts.alert import OPEN, WHOLE, Alert
from alerts.told import GOT, Delivery
from committees.places import LocalityPath

SILENCE, COVERED, DIGEST, GROUP = "silence", "covered", "digest", "group"
LATER = "later"  # word of what came of it: said together with other such words (good_news.py)
HOLDS = (SILENCE, COVERED, DIGEST, GROUP, LATER)
DIGEST_TO = 2  # levels 1 and 2 stand in the digest
DIGEST_HOUR = 18
URGENT_FROM = 4  # from here nothing waits
TOGETHER = timedelta(minutes=10)
#: Only a first telling may wait: whoever is asked because nobody answered, or because a person passed it on, is told at once.
FIRST_TOLD = ("rule", "linked", "must_answer")


@dataclass(frozen=True)
class Hold:
    """Why a message waits, until when (None: until what covers it has ended), and the silence or alert that holds it."""

    by: str
    until: datetime | None
    which: UUID | None = None


@dataclass(frozen=True)
class Surroundings:
    """What stands around an alert at a moment: a silence, who was told of the place above and by which alert, the group it belongs to."""

    silence: tuple[UUID, datetime] | None
    covered: Mapping[UUID, UUID]
    digest_at: datetime
    group_until: datetime


def hold_of(
    level: int, revision: int, reason: str, person_id: UUID, around: Surroundings, *, plain: bool = True
) -> Hold | None:
    """How a warning of this level waits for this person, or None where it goes at once.

    `plain`: it is the common message. One that a rule names for itself asks for something of its own: it is said alone.
    """
    if around.silence:
        return Hold(SILENCE, around.silence[1], around.silence[0])
    if level >= URGENT_FROM or reason not in FIRST_TOLD:
        return None
    if person_id in around.covered:
        return Hold(COVERED, None, around.covered[person_id])
    if not plain:
        return None
    if level <= DIGEST_TO:
        return Hold(DIGEST, around.digest_at)
    # A rise never waits for others; only an alert that has just opened does.
    return Hold(GROUP, around.group_until) if revision == 1 else None


def next_digest(now: datetime, zone: ZoneInfo) -> datetime:
    """The next 6pm of a place, now itself excluded."""
    local = now.astimezone(zone)
    today = datetime.combine(local.date(), time(DIGEST_HOUR), zone)
    wanted = (
        today
        if today > local
        else datetime.combine(local.date() + timedelta(days=1), time(DIGEST_HOUR), zone)
    )
    return wanted.astimezone(now.tzinfo)


def around(session: Session, now: datetime, alert: Alert, zone: ZoneInfo) -> Surroundings:
    """What stands around an alert now."""
    silence = silences.holding(session, now, alert)
    held = (silence.id, silence.ends_at) if silence else None
    covered = covering(session, alert) if alert.level < URGENT_FROM else {}
    return Surroundings(held, covered, next_digest(now, zone), group_until(session, now, alert))


def covering(session: Session, alert: Alert) -> dict[UUID, UUID]:
    """Who was told of an open alert of a place above, as grave as this one and on the same threat or on all; by person, that alert."""
    rows = (
        select(Delivery.person_id, Alert.id)
        .join(Alert, Alert.id == Delivery.alert_id)
        .join(LocalityPath, LocalityPath.ancestor_id == Alert.locality_id)
        .where(
            LocalityPath.descendant_id == alert.locality_id,
            LocalityPath.depth > 0,
            Alert.state == OPEN,
            Alert.origin == alert.origin,
            Alert.level >= alert.level,
            Alert.threat.in_((WHOLE, alert.threat)),
            Delivery.revision == Alert.revision,
            Delivery.state.in_((*GOT, "due")),
        )
        .order_by(Alert.level.desc(), Alert.opened_at)
    )
    found: dict[UUID, UUID] = {}
    for person_id, alert_id in session.execute(rows).all():
        found.setdefault(person_id, alert_id)
    return found


def group_until(session: Session, now: datetime, alert: Alert) -> datetime:
    """Until when an alert waits for others: not at all, unless people were told of another place of the town minutes ago."""
    rows = select(Alert.opened_at).where(
        Alert.town_id == alert.town_id,
        Alert.threat == alert.threat,
        Alert.origin == alert.origin,
        Alert.state == OPEN,
        Alert.id != alert.id,
        Alert.level > DIGEST_TO,
        Alert.opened_at > now - TOGETHER,
        Alert.opened_at < now,
    )
    first = session.scalars(rows.order_by(Alert.opened_at).limit(1)).first()
    return first + TOGETHER if first else now
