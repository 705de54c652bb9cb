"""What came of it, said together: places that were lowered, to who read of them in a digest, and actions that were done.

Such words wait as Delivery rows (holding.LATER) and releasing.py sends them, one message for each person and town. This module says what
is still true of them and in which words; who hears and when is closing.py and news.py. Nothing is sent here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts import closing
from alerts.alert import OPEN, Alert
from alerts.telling import place_slot, sender_of
from alerts.told import ACTIONS_DONE, ENDED, ROSE, Delivery
from committees.actions import DONE, DROPPED, Action
from committees.places import Locality

LOWERED_GROUP = "lowered_group"
TEMPLATES = (closing.LEVEL_LOWERED, ACTIONS_DONE)
MOST = 99  # what the gap for a number takes


def why_not(alert: Alert, row: Delivery) -> str:
    """Why a word that waited is not said any more, or nothing."""
    if row.template == ACTIONS_DONE:
        return ENDED if alert.state != OPEN else ""
    return ROSE if alert.state == OPEN and alert.revision != row.revision else ""


def words_of(session: Session, row: Delivery, alerts: Sequence[Alert]) -> tuple[str, dict[str, Any]]:
    """The message about these alerts of one town, all of the row's kind, and the values in its gaps as they are now."""
    first = alerts[0]
    town = session.get_one(Locality, first.town_id)
    alone = len(alerts) == 1
    values = {
        "source": sender_of(session, town.id),
        "place": place_slot(session, first, row.role) if alone else {"names": dict(town.names)},
    }
    if row.template == ACTIONS_DONE:
        return ACTIONS_DONE, {**values, **_done(session, alerts)}
    now = [closing.lowered_to(session, alert) for alert in alerts]
    if alone:
        return row.template, {**values, **now[0]}
    count = len({alert.locality_id for alert in alerts})
    return LOWERED_GROUP, {**values, "count": min(MOST, count), "level": max(one["level"] for one in now)}


def _done(session: Session, alerts: Sequence[Alert]) -> dict[str, int]:
    """How many of the actions of these alerts are done, of how many that were not dropped."""
    rows = select(Action.state).where(
        Action.alert_id.in_([alert.id for alert in alerts]), Action.state != DROPPED
    )
    states = session.scalars(rows).all()
    return {"done": min(MOST, states.count(DONE)), "count": min(MOST, len(states))}
