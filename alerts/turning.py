"""Which places must be looked at again because of the calendar, as conditions of one statement: no news is needed for that.

A window opens and closes at local midnight, so every place is due once its own day has begun; and a date that was entered or
changed is due at once. Only engine.py asks.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, exists, false, or_, select
from sqlalchemy.orm import Session

from alerts.evidence import RiskState
from committees.flashpoints import Flashpoint, Remark
from committees.places import Country, Locality, LocalityPath, local_day
from committees.windows import midnight

BACK = timedelta(hours=6)  # what is older was looked at since, because nothing waits longer


def turned(session: Session, now: datetime) -> ColumnElement[bool]:
    """Places whose local day has begun since they were looked at, or whose dates were changed since."""
    days = [
        and_(Locality.country_code == country, RiskState.assessed_at < began)
        for country, began in _days_began(session, now).items()
    ]
    changed = [_changed(session, entity, now) for entity in (Flashpoint, Remark)]
    return or_(*days, *changed)


def _changed(session: Session, entity: type[Flashpoint] | type[Remark], now: datetime) -> ColumnElement[bool]:
    """Whether a date was entered, or something said of one, since a place was looked at: at it, above it or below it."""
    # Asked beforehand: on almost every tick nothing changed, and then no place need be compared with anything.
    recent = select(entity.locality_id).where(entity.created_at > now - BACK).distinct()
    ids = list(session.scalars(recent))
    if not ids:
        return false()
    # It holds at all places below; above, a town is asked to prepare for what its wards expect.
    below = and_(LocalityPath.ancestor_id == entity.locality_id, LocalityPath.descendant_id == Locality.id)
    above = and_(LocalityPath.descendant_id == entity.locality_id, LocalityPath.ancestor_id == Locality.id)
    newest = entity.locality_id.in_(ids), entity.created_at >= RiskState.assessed_at
    return or_(
        *(exists(select(1).where(way, *newest).correlate(Locality, RiskState)) for way in (below, above))
    )


def _days_began(session: Session, now: datetime) -> dict[str, datetime]:
    """For each country when its newest local day began: where a country has several zones, the last of their midnights."""
    zones: dict[str, set[str]] = defaultdict(set)
    for code, zone in session.execute(select(Country.code, Country.zone)).all():
        zones[code].add(zone)
    own = select(Locality.country_code, Locality.zone).where(Locality.zone.is_not(None)).distinct()
    for code, apart in session.execute(own).all():
        zones[code].add(str(apart))
    return {code: max(_began(now, ZoneInfo(zone)) for zone in found) for code, found in zones.items()}


def _began(now: datetime, zone: ZoneInfo) -> datetime:
    return midnight(local_day(now, zone), zone)
