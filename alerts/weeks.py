"""The levels of past weeks: the newest score until a moment, lifted by the alerts that were open at it.

What lives here: reading stored scores backwards for charts, maps and briefs. What does not: the level of now
(standing.py) and drawing (pictures.py). Anyone in alerts or coordination may import it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import case, func, or_, select
from sqlalchemy.orm import Session

from alerts.alert import Alert
from alerts.assessing import Score
from alerts.standing import shown_level
from committees.places import local_day, monday_of

WEEK = timedelta(days=7)


def last_weeks(now: datetime, zone: ZoneInfo, count: int) -> list[tuple[date, datetime]]:
    """The Mondays of the last `count` weeks, oldest first, each with its end: the next Monday, or now."""
    monday = monday_of(local_day(now, zone))
    mondays = [monday - n * WEEK for n in reversed(range(count))]
    return [(day, min(now, datetime.combine(day + WEEK, time(0), zone))) for day in mondays]


def levels_at(session: Session, ids: Sequence[UUID], moments: Sequence[datetime]) -> dict[UUID, list[int]]:
    """The level 0..5 that each place showed at each moment (oldest first); 0 where its week has no score.

    Three statements, whatever the number of places and moments.
    """
    scores = _scores(session, ids, moments)
    alerts = _alerts(session, ids, moments)
    return {
        key: [
            _shown(scores.get((key, n)), _highest(alerts.get(key, []), moment))
            for n, moment in enumerate(moments)
        ]
        for key in ids
    }


def _shown(score: tuple[int, bool] | None, alert: int) -> int:
    computed, known = score or (0, False)
    return shown_level(computed, alert, known=known, open_below=alert > 0)


def _scores(
    session: Session, ids: Sequence[UUID], moments: Sequence[datetime]
) -> dict[tuple[UUID, int], tuple[int, bool]]:
    """Level and whether news was known of the newest score in the week up to each moment."""
    bucket = case(*[(Score.at <= moment, n) for n, moment in enumerate(moments)], else_=-1)
    rows = (
        select(Score.locality_id, bucket.label("week"), func.max(Score.at).label("at"))
        .where(Score.locality_id.in_(ids), Score.at > moments[0] - WEEK, Score.at <= moments[-1])
        .group_by(Score.locality_id, bucket)
    )
    newest = {(key, at): n for key, n, at in session.execute(rows).all()}
    found = select(Score.locality_id, Score.at, Score.level, Score.known).where(
        Score.locality_id.in_(ids), Score.at.in_({at for _key, at in newest})
    )
    return {
        (key, newest[key, at]): (level, known)
        for key, at, level, known in session.execute(found).all()
        if (key, at) in newest
    }


def _alerts(
    session: Session, ids: Sequence[UUID], moments: Sequence[datetime]
) -> dict[UUID, list[tuple[datetime, datetime | None, int]]]:
    """From when until when alerts of each place were open, and their level."""
    rows = select(Alert.locality_id, Alert.opened_at, Alert.closed_at, Alert.level).where(
        Alert.locality_id.in_(ids),
        Alert.origin == "live",
        Alert.opened_at <= moments[-1],
        or_(Alert.closed_at.is_(None), Alert.closed_at > moments[0]),
    )
    found: dict[UUID, list[tuple[datetime, datetime | None, int]]] = {}
    for key, opened, closed, level in session.execute(rows).all():
        found.setdefault(key, []).append((opened, closed, level))
    return found


def _highest(alerts: list[tuple[datetime, datetime | None, int]], moment: datetime) -> int:
    return max(
        (n for start, end, n in alerts if start <= moment and (end is None or end > moment)), default=0
    )
