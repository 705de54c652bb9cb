"""Who knows of an alert, who is next and at what clock time: one look for the page, the API and the SMS answers. Reading only.

What follows from policy, answers and now is decided purely in ladder.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from alerts.acknowledging import has_side, must_answer, said_of
from alerts.alert import OPEN, Alert, story_of
from alerts.ladder import ASKED_OF, NATIONAL, SIDE_OF, SIDES, Next, Said, missing, upcoming
from alerts.policies import ladder_of
from alerts.receivers import nearest_offices
from alerts.rungs import rungs_left


@dataclass(frozen=True)
class Side:
    """One side: who of it has answered, which of its roles were told and have not, and whether it must answer and has not enough."""

    key: str
    said: tuple[Said, ...]
    silent: tuple[str, ...]
    lacking: bool


@dataclass(frozen=True)
class Outlook:
    """How an alert stands with people. `next` is empty where nobody is asked any more."""

    sides: tuple[Side, ...]
    next: tuple[Next, ...]
    must: tuple[str, ...]
    lacking: tuple[str, ...]
    national: str


#: Whether anybody at national level can answer: there is somebody, none may be told of this, or no such office serves the place.
THERE, WITHHELD, NOBODY = "there", "withheld", "nobody"


def outlook_of(session: Session, now: datetime, alert: Alert) -> Outlook:
    """Look at one alert."""
    policy, said = ladder_of(session, alert), said_of(alert)
    must = tuple(must_answer(session, alert, policy))
    lacking = missing(alert.level, said, must) if alert.state == OPEN else ()
    waits = alert.state == OPEN and alert.next_step_at is not None
    left = rungs_left(session, alert, policy) if waits else []
    steps = upcoming(now, alert.state, alert.level, alert.next_step_at, said, must, left, policy)
    told = told_roles(session, alert)
    sides = tuple(
        _side(side, said, told, lacking)
        for side in SIDES
        if side in must
        or any(one.side == side for one in said)
        or any(SIDE_OF.get(role) == side for role in told)
    )
    return Outlook(sides, tuple(steps), must, lacking, national_side(session, alert))


def _side(side: str, said: list[Said], told: set[str], lacking: tuple[str, ...]) -> Side:
    own = tuple(one for one in said if one.side == side)
    answered = {one.role for one in own}
    silent = tuple(sorted(role for role in told if SIDE_OF.get(role) == side and role not in answered))
    return Side(side, own, silent, side in lacking)


def told_roles(session: Session, alert: Alert) -> set[str]:
    """The roles that were told or asked, from the alert's story, which everybody may read who may see the alert."""
    return {
        role
        for update in story_of(session, alert.id)
        if update.key in ("told", "escalation")
        for role in update.values.get("roles", ())
    }


def national_side(session: Session, alert: Alert) -> str:
    """Whether anybody at national level may answer this alert; where not, it is carried by the local side alone."""
    if has_side(session, alert, NATIONAL):
        return THERE
    return WITHHELD if has_national_office(session, alert) else NOBODY


def has_national_office(session: Session, alert: Alert) -> bool:
    """Whether a national office serves the alert's place at all."""
    return any(nearest_offices(session, alert.locality_id, role) for role in ASKED_OF[NATIONAL])
