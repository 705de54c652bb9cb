"""Writing and deciding a place's local picture, by whichever door: who may, whether the document can be used, whose second person counts.

The rows are committees/profiles.py; what a document may say is alerts/risk/documents.py. Pages, the API and the seed file call this.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from alerts.risk.documents import check, check_own
from alerts.risk.shapes import Wrong
from committees import people, profiles
from committees.changes import Change, changes
from committees.layers import laid, merged, standing
from committees.places import Locality, in_codes
from committees.profiles import Layer, Profile
from foundation.errors import Invalid, NotAllowed, Problem
from foundation.web.words import N_
from foundation.web.words import gettext as _

EDITORS = ("secretary", "chair", "national_contact")
#: A change of rules or thresholds needs two persons of different organisations.
DECIDERS = ("chair", "city_officer", "district_administration", "national_contact", "oversight")
LONGEST_REASON, SHORTEST_REASON, MOST_CONSULTED, LONGEST_CONSULTED = 400, 10, 20, 120
FURTHEST = timedelta(days=2 * 366)


def write(
    session: Session,
    now: datetime,
    place: Locality,
    document: dict[str, Any],
    *,
    person_id: UUID,
    reason: str,
    consulted: Sequence[str] = (),
    valid_from: datetime | None = None,
    key: UUID | None = None,
) -> Profile:
    """A new draft of what a place sets itself; raise NotAllowed, Invalid or Wrong in words."""
    role = editor(session, place, person_id)
    if not SHORTEST_REASON <= len(reason.strip()) <= LONGEST_REASON:
        raise Invalid("reason", N_("Write in one or two sentences why, 10 to 400 letters"))
    if valid_from and valid_from > now + FURTHEST:
        raise Invalid("valid_from", N_("The day must lie within two years"))
    check_for(session, place, document)
    return profiles.draft(
        session,
        now,
        place.id,
        document,
        author_id=person_id,
        author_role=role,
        organisations=people.organisations_of(session, place.id, person_id),
        reason=reason.strip(),
        consulted=consulted_of(consulted),
        valid_from=valid_from,
        key=key,
    )


def may_edit(session: Session, place: Locality, person_id: UUID) -> bool:
    """Whether a person may write a place's local picture."""
    return people.role_at(session, place.id, person_id, EDITORS) is not None


def editor(session: Session, place: Locality, person_id: UUID) -> str:
    """The role in which a person may write a place's local picture; raise NotAllowed where there is none."""
    if role := people.role_at(session, place.id, person_id, EDITORS):
        return role
    raise NotAllowed(N_("You cannot change this place's local picture."), N_("Propose it to the secretary."))


def in_words(problem: Problem) -> str:
    """A problem in the reader's language; of a document, with the part that is concerned."""
    if isinstance(problem, Wrong):
        said = [_(text, **problem.values) for text in (problem.said, problem.hinted) if text]
        return f"{problem.field}: {' '.join(said)}"
    return " ".join(_(text) for text in (problem.message, problem.hint) if text)


def consulted_of(lines: Iterable[str]) -> list[str]:
    """Who was consulted, one role or group a line, without empty lines."""
    found = [" ".join(line.split()) for line in lines if line.strip()]
    if len(found) > MOST_CONSULTED or any(len(line) > LONGEST_CONSULTED for line in found):
        raise Invalid("consulted", N_("Name at most 20 groups or roles, each in at most 120 letters"))
    return found


def check_for(session: Session, place: Locality, document: dict[str, Any]) -> None:
    """Raise Wrong where a document cannot be used at a place, laid over what the places above it say now."""
    check_own(document)
    check(merged(below(session, place.id), document))
    codes = {
        f"{part}.{row['key']}": row[name]
        for part, name in (("neighbours", "key"), ("places_to_watch", "ward"))
        for row in document.get(part, ())
        if name in row
    }
    known = in_codes(session, codes.values())
    for path, code in codes.items():
        if code not in known:
            raise Wrong(path, N_("There is no place with the code %(code)s."), code=code)


def below(session: Session, locality_id: UUID) -> dict[str, Any]:
    """What a place has without its own words: the picture of the places above it and the starter."""
    return profiles.document_of(inherited(session, locality_id))


def inherited(session: Session, locality_id: UUID, at: datetime | None = None) -> list[Layer]:
    """The layers under a place's own, the nearest first."""
    return [layer for layer in profiles.layers(session, locality_id, at) if layer.locality_id != locality_id]


def whole(session: Session, row: Profile | None, locality_id: UUID) -> dict[str, Any]:
    """One version over what the place inherits now; without a version, only that."""
    base = below(session, locality_id)
    return laid([base, row.document]) if row else base


def own_of(session: Session, row: Profile) -> dict[str, Any]:
    """What a version sets itself, to write the next one from: without what lost its ground since."""
    return standing(row.document, below(session, row.locality_id))


def between(
    session: Session, before: Profile | None, after: Profile | None, locality_id: UUID
) -> list[Change]:
    """What changes at a place from one version to another; None stands for what it inherits."""
    return changes(whole(session, before, locality_id), whole(session, after, locality_id))


def write_and_propose(
    session: Session,
    now: datetime,
    place: Locality,
    document: dict[str, Any],
    *,
    person_id: UUID,
    reason: str,
    key: UUID,
) -> Profile:
    """A change that goes before a second person at once, once per client-made `key`."""
    row = write(session, now, place, document, person_id=person_id, reason=reason, key=key)
    return propose(session, now, row, person_id) if row.state == profiles.DRAFT else row


def proposed_words(row: Profile) -> str:
    """What its author reads once a version is proposed."""
    return _(
        "Version %(version)d is proposed. It holds once a second person of another organisation approves it.",
        version=row.version,
    )


def propose(session: Session, now: datetime, row: Profile, person_id: UUID) -> Profile:
    """An editor puts a draft before a second person, if it can still be used."""
    place = session.get_one(Locality, row.locality_id)
    if not may_edit(session, place, person_id):
        raise NotAllowed(N_("You cannot propose this local picture."), N_("Its secretary or chair can."))
    check_for(session, place, row.document)
    return profiles.propose(session, now, row, person_id=person_id)


def withdraw(session: Session, now: datetime, row: Profile, person_id: UUID) -> Profile:
    """An editor takes a draft or a proposed version back."""
    if not may_edit(session, session.get_one(Locality, row.locality_id), person_id):
        raise NotAllowed(N_("You cannot withdraw this local picture."), N_("Its secretary or chair can."))
    return profiles.withdraw(session, now, row, person_id=person_id)


def why_not_decide(session: Session, row: Profile, person_id: UUID) -> Problem | None:
    """Why a person may not approve or refuse this version, or None."""
    if people.role_at(session, row.locality_id, person_id, DECIDERS) is None:
        return NotAllowed(
            N_("You cannot decide on this local picture."),
            N_("A chair, city officer, district or national office of another organisation can."),
        )
    own = people.organisations_of(session, row.locality_id, person_id)
    return profiles.why_not_approve(row, person_id, own)


def decide(
    session: Session, now: datetime, row: Profile, person_id: UUID, *, approve: bool, answer: str
) -> Profile:
    """A second person of another organisation approves or refuses, with a reason; what cannot be used is not approved."""
    if problem := why_not_decide(session, row, person_id):
        raise problem
    if not answer.strip() or len(answer) > LONGEST_REASON:
        raise Invalid("answer", N_("Write in one or two sentences why, at most 400 letters"))
    if not approve:
        return profiles.refuse(session, now, row, person_id=person_id, answer=answer)
    check_for(session, session.get_one(Locality, row.locality_id), row.document)
    return profiles.approve(
        session,
        now,
        row,
        person_id=person_id,
        organisations=people.organisations_of(session, row.locality_id, person_id),
        role=people.role_at(session, row.locality_id, person_id, DECIDERS) or "",
        answer=answer.strip(),
    )
