"""A lost second step is opened again by two persons of different bodies, neither of them its owner: a thief with one helper gets nothing.

On a page the administrator asks and somebody of another body confirms; on the server both give their passwords (`concord account reset`).
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from committees.accounts import Account
from committees.people import Office, Person, standings_of
from foundation import approvals, errands
from foundation.approvals import Approval
from foundation.errors import Invalid, NotAllowed, NotFound
from foundation.web.words import N_

KIND = "second_step_reset"
RESET = "second_step_reset"  # the errand
CONFIRMS = ("secretary", "chair", "city_officer", "district_administration", "police_liaison", "oversight")


def bodies_of(session: Session, person_id: UUID) -> set[UUID]:
    """For whom a person speaks anywhere: their committees, and the organisations of their offices."""
    found = set()
    for standing in standings_of(session, person_id):
        office = session.get(Office, standing.office_id) if standing.office_id else None
        body = standing.committee_id or (office.organisation_id or office.id if office else None)
        if body:
            found.add(body)
    return found


def owner_of(session: Session, sign_in: str) -> Person:
    """Who signs in with this name; raise NotFound in words."""
    rows = select(Person).join(Account, Account.person_id == Person.id)
    person = session.scalars(rows.where(Account.sign_in == sign_in.strip().casefold())).first()
    if person is None:
        raise NotFound(N_("Nobody signs in with this name."), N_("Look at the name once more."))
    return person


def ask(session: Session, now: datetime, key: UUID, person: Person, by: UUID, reason: str) -> Approval:
    """Ask that a person may set up a new second step; raise Invalid without a reason."""
    if person.id == by:
        raise NotAllowed(N_("You cannot ask this for yourself."), N_("Ask another administrator."))
    if len(reason.strip()) < 10:
        raise Invalid("reason", N_("Please say why, in a sentence."), N_("It is kept with the decision."))
    standings = standings_of(session, person.id)
    return approvals.request(
        session,
        now,
        key=key,
        kind=KIND,
        subject_kind="person",
        subject_id=person.id,
        reason=reason.strip(),
        values={},
        person_id=by,
        role="administrator",
        organisations=bodies_of(session, by),
        locality_id=standings[0].locality_id if standings else None,
    )


def waiting(session: Session, now: datetime) -> list[Approval]:
    """The requests that wait, as far as the asker may see them."""
    rows = select(Approval).where(
        Approval.kind == KIND, Approval.decided.is_(None), Approval.expires_at > now
    )
    return list(session.scalars(rows.order_by(Approval.requested_at)))


def confirm(session: Session, now: datetime, row: Approval, by: UUID) -> None:
    """Confirm a request as the second person; the worker then carries it out."""
    if row.subject_id == by:
        raise NotAllowed(N_("You cannot confirm this for yourself."), N_("Somebody else must."))
    approvals.approve(session, now, row, by, bodies_of(session, by))
    errands.ask(session, now, RESET, row.subject_id, key=row.id)


def check_pair(session: Session, owner: UUID, first: UUID, second: UUID) -> None:
    """Raise where two persons at the server are not two, or of one body, or one is the owner."""
    if owner in (first, second):
        raise NotAllowed(N_("You cannot confirm this for yourself."), N_("Somebody else must."))
    asked_for = {str(body) for body in bodies_of(session, first)}
    if problem := approvals.second_person({first}, asked_for, second, bodies_of(session, second)):
        raise problem
