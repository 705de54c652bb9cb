"""Which of the holders of an office is asked: who is on duty now by its roster, else everybody who holds it.

Called by routing.send for every message, so that no way of asking an office goes round its roster. The roster itself is
committees/rosters.py; an office that stands empty, and its deputy, are receivers.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from alerts.receivers import Receiver
from committees.rosters import on_duty, roster_of, rosters_for

#: Why somebody is told who was told of the alert before: no roster takes that from them.
AGAIN = frozenset({"told_before", "behind_alert"})


def chosen(to: Sequence[Receiver], duty: Mapping[UUID, UUID | None]) -> list[Receiver]:
    """Those who are asked: of an office with somebody on duty only that person, if they are among those who may be told; else all."""
    found = []
    for receiver in to:
        person = duty.get(receiver.office_id) if receiver.office_id else None
        among = any(one.office_id == receiver.office_id and one.person.id == person for one in to)
        if person is None or not among or receiver.person.id == person or receiver.reason in AGAIN:
            found.append(receiver)
    return found


def by_duty(session: Session, now: datetime, to: Sequence[Receiver]) -> tuple[list[Receiver], list[Receiver]]:
    """Those who are asked, as `chosen` by the rosters as they stand now, and those who are not because another one is on duty."""
    offices = {receiver.office_id for receiver in to if receiver.office_id}
    rosters = rosters_for(session, offices) if offices else {}
    if not rosters:
        return list(to), []
    duty = {key: on_duty(roster_of(session, row), now).person for key, row in rosters.items()}
    asked = chosen(to, duty)
    return asked, [receiver for receiver in to if receiver not in asked]
