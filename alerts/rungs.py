"""Who is on a step of the ladder: its roles at the alert's place, its offices by code, their deputies. Without whom nobody may tell.

Only reading; what a step is, is ladder.py. Who is told of an alert by its rule is receivers.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts.alert import Alert
from alerts.ladder import SIDE_OF, Policy, Rung
from alerts.receivers import Receiver, deputies, receivers, to_be_told
from committees.people import Office, Person, Scope


def asked_on(session: Session, alert: Alert, rung: Mapping[str, Any]) -> list[Receiver]:
    """The persons on one step who may be told of this alert: by role, by office, and their deputies where the step says so."""
    roles = tuple(rung.get("ask", ()))
    found = receivers(session, alert, roles, "no_answer")
    found += _of_offices(session, rung.get("offices", ()))
    if rung.get("deputies"):
        for role in roles:
            found += deputies(session, alert, role)
    return to_be_told(session, alert.withheld_from, found)


def _of_offices(session: Session, codes: Iterable[str]) -> list[Receiver]:
    wanted = list(codes)
    if not wanted:
        return []
    rows = (
        select(Office, Person)
        .join(Scope, Scope.office_id == Office.id)
        .join(Person, Person.id == Scope.person_id)
        .where(Office.code.in_(wanted), Scope.active)
        .order_by(Office.code, Person.code)
    )
    return [
        Receiver(person, office.role, "no_answer", office.id)
        for office, person in session.execute(rows).all()
    ]


def sides_of(to: Iterable[Receiver]) -> frozenset[str]:
    """The sides on which these persons stand."""
    return frozenset(SIDE_OF.get(receiver.role, "") for receiver in to)


def rungs_left(session: Session, alert: Alert, policy: Policy) -> list[Rung]:
    """The steps that an alert has not climbed yet, each with the roles that have somebody in them who may be told."""
    return [
        Rung(number, tuple(dict.fromkeys(to.role for to in asked_on(session, alert, step))))
        for number, step in enumerate(policy.steps[alert.step :], alert.step + 1)
    ]
