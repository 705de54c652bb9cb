"""Reminds of calls that nobody made in time: the secretary first, then the chair, once for each step; urgent ones sooner.

One message for a committee counts all its late calls, and the next one waits, so that a flood of calls is no flood of messages. Nobody is
told of a call that the reporter kept from them. Wards without news have reminders of their own (asking_check_ins.py). Called by jobs.py only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import case, select
from sqlalchemy.orm import Session

from alerts import quiet
from alerts.telling import sender_of
from committees import call_backs
from committees.call_backs import CallBack
from committees.committee import Committee, committee_for
from committees.contacts import Reached, first_role_reached, write_to
from committees.places import Locality, zone_of
from foundation import outbox
from foundation.policy import kept_from

#: A call that was to be made so soon after it was asked for is urgent.
SOON = timedelta(minutes=10)
URGENT_LEVEL, ORDINARY_LEVEL = 4, 1
#: Between a message of a step to a committee and the last one of this step or a later one.
REST = timedelta(minutes=30)
#: A call cannot be asked for by a call, and a letter is read too late.
WRITTEN = ("sms", "whatsapp")
MOST = 99
MOMENT = timedelta(minutes=10)


@dataclass(frozen=True)
class Step:
    """Whom a step reminds, and how long after the time by which the call was to be made."""

    roles: tuple[str, ...]
    urgent_after: timedelta
    after: timedelta

    def is_due(self, call: CallBack, now: datetime) -> bool:
        """Whether this step's time has come for a call: whoever was reminded before gets a moment to ring."""
        if call.reminded_at and now < call.reminded_at + MOMENT:
            return False
        return now >= call.due_at + (self.urgent_after if is_urgent(call) else self.after)


STEPS = (
    Step(("secretary", "chair"), timedelta(minutes=5), timedelta(minutes=30)),
    Step(("chair",), timedelta(minutes=15), timedelta(hours=2)),
)


def is_urgent(call: CallBack) -> bool:
    """Whether a call was to be made at once."""
    return call.due_at - call.asked_at <= SOON


def remind(session: Session, now: datetime) -> int:
    """Write what is due about late calls; return how many calls were reminded of."""
    rows = select(CallBack).where(
        CallBack.done_at.is_(None),
        CallBack.due_at < now,
        CallBack.why != call_backs.NO_NEWS,
        # Where answers differ nobody is told that they are wrong: that is the secretary's alone.
        CallBack.reminded < case((CallBack.why == call_backs.ANSWERS_DIFFER, 1), else_=len(STEPS)),
    )
    groups: dict[tuple[UUID, int], list[CallBack]] = {}
    bodies: dict[UUID, Committee] = {}
    for call in session.scalars(rows.order_by(CallBack.due_at, CallBack.id)):
        body = committee_for(session, call.locality_id)
        if body and STEPS[call.reminded].is_due(call, now):
            bodies[body.id] = body
            groups.setdefault((body.id, call.reminded), []).append(call)
    return sum(_one(session, now, bodies[key], number, calls) for (key, number), calls in groups.items())


def _one(session: Session, now: datetime, body: Committee, number: int, calls: Sequence[CallBack]) -> int:
    """One message for one step of one committee, about every call that is due for it; none while the last one is fresh."""
    if _lately(session, now, body, number):
        return 0
    found = _whom(session, now, body, number, calls)
    if found:
        to, theirs = found
        _tell(session, now, body, to, number, theirs)
    # With nobody to tell at this step the next one comes in its time: the list on the desk stays.
    for call in calls:
        call.reminded, call.reminded_at = number + 1, now if found else call.reminded_at
    return len(calls)


def _lately(session: Session, now: datetime, body: Committee, number: int) -> bool:
    fresh = select(CallBack.locality_id).where(CallBack.reminded > number, CallBack.reminded_at > now - REST)
    bodies = (committee_for(session, place) for place in set(session.scalars(fresh)))
    return any(one is not None and one.id == body.id for one in bodies)


def _whom(
    session: Session, now: datetime, body: Committee, number: int, calls: Sequence[CallBack]
) -> tuple[Reached, list[CallBack]] | None:
    """The first who holds a role of this step, can be reached, and may be told; with the calls that they may know of."""
    level = URGENT_LEVEL if any(map(is_urgent, calls)) else ORDINARY_LEVEL
    theirs = {
        role: [call for call in calls if not kept_from(role, call.withheld_from)]
        for role in STEPS[number].roles
    }
    roles = [role for role, known in theirs.items() if known]
    found = first_role_reached(session, now, body.id, roles, level, channels=WRITTEN)
    return (found[0], theirs[found[0].role]) if found else None


def _tell(
    session: Session,
    now: datetime,
    body: Committee,
    to: Reached,
    number: int,
    calls: Sequence[CallBack],
) -> None:
    place = session.get_one(Locality, body.locality_id)
    urgent = any(map(is_urgent, calls))
    slots: dict[str, object] = {
        "source": sender_of(session, place.id),
        "count": min(len(calls), MOST),
        "clock": min(call.due_at for call in calls).astimezone(zone_of(session, place)).isoformat(),
    }
    write_to(
        session,
        now,
        to.person,
        to.point,
        effect_key=f"call_late:{number}:{calls[0].id}",
        template="call_late",
        slots=slots,
        lane=outbox.ORDINARY if urgent else outbox.SLOW,
        due_at=now if urgent else quiet.after_quiet(session, now, to.person, place),
    )
