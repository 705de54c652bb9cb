"""Writing an escalation policy, by whichever door: a draft, a proposal, and the yes or no of a second person of another organisation.

Who may do it stands here; what a policy may say is policy_checks.py. What was written never changes; a change is a new version, and so is
the way back to the ladder of the place above. The seed file, the page and the API call this.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from alerts.policies import IN_FORCE, PARTS, EscalationPolicy
from alerts.policy_checks import check
from alerts.risk.shapes import Wrong
from committees import people, profiles
from committees.people import Office, Scope
from committees.places import Locality, LocalityPath
from foundation import approvals, journal
from foundation.db import claim, new_id
from foundation.errors import Conflict, Invalid, NotAllowed, NotFound, Problem
from foundation.web.words import N_

DRAFT, PROPOSED, REPLACED, REFUSED, WITHDRAWN = "draft", "proposed", "replaced", "refused", "withdrawn"
#: A change of who is asked needs two persons of different organisations.
EDITORS = ("chair", "city_officer", "district_administration", "national_contact")
DECIDERS = (*EDITORS, "oversight")
SHORTEST, LONGEST = 10, 400


def document_of(row: EscalationPolicy) -> dict[str, Any]:
    """What a version says."""
    return {name: getattr(row, name) for name in PARTS}


def check_at(session: Session, place: Locality | None, threat: str, document: Mapping[str, Any]) -> None:
    """Raise Wrong where a policy cannot be used at a place: its parts, its threat, its offices, and an end that somebody can be reached at."""
    check(document)
    if place and threat != "*":
        known = profiles.in_force(session, place.id).document["threats"]
        if threat not in {row["key"] for row in known}:
            raise Wrong(
                "threat", N_("This place's picture has no such line of tension: %(key)s."), key=threat
            )
    codes = {code for step in document["steps"] for code in step.get("offices", ())}
    found = set(session.scalars(select(Office.code).where(Office.code.in_(codes))))
    for number, step in enumerate(document["steps"]):
        for code in step.get("offices", ()):
            if code not in found:
                raise Wrong(
                    f"steps[{number}].offices", N_("There is no office with the code %(code)s."), code=code
                )
    if place and not _is_held(session, place, document["steps"][-1]):
        raise Wrong(
            f"steps[{len(document['steps']) - 1}].ask",
            N_("Nobody holds the offices of the last step."),
            N_("End the ladder at an office that somebody holds."),
        )


def _is_held(session: Session, place: Locality, step: Mapping[str, Any]) -> bool:
    """Whether somebody holds a seat or office of this step at the place, above it or below it."""
    above = select(LocalityPath.ancestor_id).where(LocalityPath.descendant_id == place.id)
    below = select(LocalityPath.descendant_id).where(LocalityPath.ancestor_id == place.id)
    rows = (
        select(Scope.id)
        .outerjoin(Office, Office.id == Scope.office_id)
        .where(
            Scope.active,
            Scope.locality_id.in_(above)
            | Scope.locality_id.in_(below)
            | Office.code.in_(step.get("offices", ())),
            Scope.role.in_(step.get("ask", ())) | Office.code.in_(step.get("offices", ())),
        )
    )
    return session.scalars(rows.limit(1)).first() is not None


def versions_of(session: Session, place_id: UUID) -> list[EscalationPolicy]:
    """Every version that a place wrote, the newest first."""
    rows = select(EscalationPolicy).where(EscalationPolicy.locality_id == place_id)
    return list(session.scalars(rows.order_by(EscalationPolicy.version.desc())))


def find(session: Session, place_id: UUID, version: int) -> EscalationPolicy:
    """One version of a place; NotFound in words."""
    rows = select(EscalationPolicy).where(
        EscalationPolicy.locality_id == place_id, EscalationPolicy.version == version
    )
    if (row := session.scalars(rows).first()) is None:
        raise NotFound(N_("There is no such version of this ladder."), N_("Open the list of its versions."))
    return row


def own_threats(session: Session, place_id: UUID) -> list[str]:
    """For which lines of tension a place has a ladder of its own that holds."""
    rows = select(EscalationPolicy).where(
        EscalationPolicy.locality_id == place_id, EscalationPolicy.state == IN_FORCE
    )
    return sorted(row.threat for row in session.scalars(rows) if not row.inherits)


def may_edit(session: Session, place: Locality, person_id: UUID) -> bool:
    """Whether a person may write a place's ladder."""
    return people.role_at(session, place.id, person_id, EDITORS) is not None


def draft(
    session: Session,
    now: datetime,
    place: Locality,
    threat: str,
    document: Mapping[str, Any] | None,
    *,
    person_id: UUID,
    reason: str,
    key: UUID | None = None,
) -> EscalationPolicy:
    """Write a new draft, once per client-made `key`; raise NotAllowed, Invalid or Wrong in words.

    No document: the place gives its own ladder back and, once that is approved, inherits again.
    """
    role = _editor(session, place.id, person_id)
    said = {"steps": []} if document is None else document
    if key and (found := session.get(EscalationPolicy, key)):
        if (found.locality_id, found.author_id, found.steps) != (place.id, person_id, said["steps"]):
            raise Conflict("This id belongs to another version.", "Make a new id for a new version.")
        return found
    if not SHORTEST <= len(reason.strip()) <= LONGEST:
        raise Invalid("reason", N_("Write in one or two sentences why, 10 to 400 letters"))
    _check_usable(session, place, threat, document)
    last = session.scalar(
        select(func.max(EscalationPolicy.version)).where(EscalationPolicy.locality_id == place.id)
    )
    version = (last or 0) + 1
    row = EscalationPolicy(
        id=key or new_id(),
        code=f"{place.code}:{version}",
        locality_id=place.id,
        threat=threat,
        version=version,
        state=DRAFT,
        clocks=dict(said.get("clocks", {})),
        steps=list(said["steps"]),
        must_answer=list(said.get("must_answer", ())),
        nudges=dict(said.get("nudges", {})),
        still=dict(said.get("still", {})),
        reason=reason.strip(),
        author_id=person_id,
        author_role=role,
        organisations=sorted(map(str, people.organisations_of(session, place.id, person_id))),
        created_at=now,
    )
    session.add(row)
    session.flush()
    _note(session, now, row)
    return row


def propose(session: Session, now: datetime, row: EscalationPolicy, person_id: UUID) -> EscalationPolicy:
    """Put a draft before a second person, if it can still be used."""
    place = _place(session, row)
    _editor(session, place.id, person_id)
    _check_usable(session, place, row.threat, None if row.inherits else document_of(row))
    return _move(session, now, row, DRAFT, PROPOSED, proposed_by=person_id, proposed_at=now)


def withdraw(session: Session, now: datetime, row: EscalationPolicy, person_id: UUID) -> EscalationPolicy:
    """Take a draft or a proposal back."""
    _editor(session, _place(session, row).id, person_id)
    if row.state not in (DRAFT, PROPOSED):
        raise _decided()
    return _move(session, now, row, row.state, WITHDRAWN, decided_by=person_id, decided_at=now)


def why_not_decide(session: Session, row: EscalationPolicy, person_id: UUID) -> Problem | None:
    """Why a person may not approve or refuse this version, or None."""
    place_id = _place(session, row).id
    if people.role_at(session, place_id, person_id, DECIDERS) is None:
        return NotAllowed(
            N_("You cannot decide on this ladder."),
            N_("A chair, city officer, district or national office of another organisation can."),
        )
    if row.state != PROPOSED:
        return _decided()
    own = people.organisations_of(session, place_id, person_id)
    return approvals.second_person({row.author_id, row.proposed_by}, row.organisations, person_id, own)


def decide(
    session: Session, now: datetime, row: EscalationPolicy, person_id: UUID, *, approve: bool, answer: str
) -> EscalationPolicy:
    """A second person of another organisation approves or refuses, with a reason. Approved, it holds at once, also for open alerts."""
    if problem := why_not_decide(session, row, person_id):
        raise problem
    if not answer.strip() or len(answer) > LONGEST:
        raise Invalid("answer", N_("Write in one or two sentences why, at most 400 letters"))
    place = _place(session, row)
    said = {
        "decided_by": person_id,
        "decided_role": people.role_at(session, place.id, person_id, DECIDERS) or "",
        "decided_at": now,
        "answer": answer.strip(),
    }
    if not approve:
        return _move(session, now, row, PROPOSED, REFUSED, **said)
    _check_usable(session, place, row.threat, None if row.inherits else document_of(row))
    rows = select(EscalationPolicy).where(
        EscalationPolicy.locality_id == place.id,
        EscalationPolicy.threat == row.threat,
        EscalationPolicy.state == IN_FORCE,
    )
    old = list(session.scalars(rows))
    _move(session, now, row, PROPOSED, IN_FORCE, **said)
    for replaced in old:
        _move(session, now, replaced, IN_FORCE, REPLACED)
    return row


def _check_usable(session: Session, place: Locality, threat: str, document: Mapping[str, Any] | None) -> None:
    if document is not None:
        check_at(session, place, threat, document)
    elif threat not in own_threats(session, place.id):
        raise Conflict(
            N_("The ladder of the place above holds here."), N_("Open it again to see how it stands.")
        )


def _editor(session: Session, place_id: UUID, person_id: UUID) -> str:
    if role := people.role_at(session, place_id, person_id, EDITORS):
        return role
    raise NotAllowed(
        N_("You cannot change this place's ladder."), N_("Its chair, city officer or national office can.")
    )


def _place(session: Session, row: EscalationPolicy) -> Locality:
    if row.locality_id is None:
        raise Conflict(
            N_("This ladder came with the installation and is changed in its seed file."),
            N_("Write a ladder for a place instead."),
        )
    return session.get_one(Locality, row.locality_id)


def _decided() -> Conflict:
    return Conflict(N_("This was decided already."), N_("Open it again to see how it stands."))


def _move(
    session: Session, now: datetime, row: EscalationPolicy, was: str, becomes: str, **values: Any
) -> EscalationPolicy:
    if not claim(session, EscalationPolicy, row.id, {"state": was}, {"state": becomes, **values}):
        raise _decided()
    session.refresh(row)
    _note(session, now, row)
    return row


def _note(session: Session, now: datetime, row: EscalationPolicy) -> None:
    journal.record(session, now, f"policy:{row.state}", "policy", row.id, locality_id=row.locality_id)
