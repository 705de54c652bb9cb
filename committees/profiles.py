"""Threat profiles: versioned documents that are the scoring set-up of a place; a written version never changes.

A place without a profile of its own uses its nearest parent's; what it sets itself lies over that (layers.py). The starter profile ships as
starter_profile.yaml and stands under all of them. A version is a draft, is proposed, and is approved by a second person of another
organisation; it holds from `valid_from`, which may lie ahead. What a document may say is alerts/risk/documents.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

import yaml
from sqlalchemy import ForeignKey, Index, UniqueConstraint, event, func, inspect, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from committees.layers import laid, plain, standing
from committees.places import LocalityPath
from foundation import approvals, journal
from foundation.db import Base, Keyed, claim, new_id
from foundation.errors import Conflict, Invalid, NotFound, Problem
from foundation.web.words import N_

DRAFT, PROPOSED, APPROVED, IN_FORCE, REPLACED = "draft", "proposed", "approved", "in_force", "replaced"
REFUSED, WITHDRAWN = "refused", "withdrawn"
STATES = (DRAFT, PROPOSED, APPROVED, IN_FORCE, REPLACED, REFUSED, WITHDRAWN)
#: Approved: it holds, held, or will hold from its day on.
SETTLED = (APPROVED, IN_FORCE, REPLACED)
#: What a version says and who wrote it: never changed, not even in a draft. A change is a new version.
WRITTEN = (
    "locality_id",
    "version",
    "document",
    "links",
    "reason",
    "consulted",
    "author_id",
    "author_role",
    "created_at",
)


class Profile(Keyed, Base):
    """One version of one place's threat profile. The document and who wrote it never change; only its state moves on.

    `links` are the codes of the places that the document links to, so that trouble there is found to concern this place.
    """

    __tablename__ = "profile"
    __table_args__ = (
        UniqueConstraint("locality_id", "version"),
        Index(
            "ix_profile_links",
            "locality_id",
            sqlite_where=text("links <> ''"),
            postgresql_where=text("links <> ''"),
        ),
        Index(
            "uq_profile_in_force",
            "locality_id",
            unique=True,
            sqlite_where=text("state = 'in_force'"),
            postgresql_where=text("state = 'in_force'"),
        ),
    )

    locality_id: Mapped[UUID] = mapped_column(ForeignKey("locality.id"), index=True)
    version: Mapped[int]
    state: Mapped[str] = mapped_column(default=DRAFT)
    document: Mapped[dict[str, Any]]
    links: Mapped[str] = mapped_column(default="")
    reason: Mapped[str] = mapped_column(default="")
    consulted: Mapped[list[Any]] = mapped_column(default=list)
    author_id: Mapped[UUID | None]
    author_role: Mapped[str] = mapped_column(default="")
    organisations: Mapped[list[Any]] = mapped_column(default=list)
    created_at: Mapped[datetime]
    proposed_by: Mapped[UUID | None]
    proposed_at: Mapped[datetime | None]
    approved_by: Mapped[UUID | None]
    approved_role: Mapped[str] = mapped_column(default="")
    approved_at: Mapped[datetime | None]
    refused_by: Mapped[UUID | None]
    refused_at: Mapped[datetime | None]
    answer: Mapped[str] = mapped_column(default="")
    valid_from: Mapped[datetime | None]
    taken_up_at: Mapped[datetime | None]


@event.listens_for(Profile, "before_update")
def _stays_as_written(_mapper: Any, _connection: Any, row: Profile) -> None:
    """A fault of the program, never of a person; on PostgreSQL the web process has no right to these columns either."""
    if changed := [name for name in WRITTEN if inspect(row).attrs[name].history.has_changes()]:
        raise RuntimeError(f"a written version never changes: {', '.join(changed)}")


@dataclass(frozen=True)
class Layer:
    """One version that stands under a place's picture; the starter has no place and no row."""

    locality_id: UUID | None
    version: str
    document: Mapping[str, Any]


@dataclass(frozen=True)
class Effective:
    """The profile that holds at a place: the merged document and the versions it was merged from, nearest first."""

    document: Mapping[str, Any]
    versions: tuple[str, ...]


@cache
def starter() -> Mapping[str, Any]:
    """The starter profile: threats, indicators, triggers, rules, audiences and clocks. Its keys are text, as in JSON."""
    words = (Path(__file__).parent / "starter_profile.yaml").read_text(encoding="utf-8")
    found: Mapping[str, Any] = plain(yaml.safe_load(words))
    return found


# ------------------------------------------------------------------------------------------- what holds where


def in_force(session: Session, locality_id: UUID, at: datetime | None = None) -> Effective:
    """The effective profile of a place at any time, to the moment; without a time, what the worker took up last."""
    return _effective(layers(session, locality_id, at))


def layers(session: Session, locality_id: UUID, at: datetime | None = None) -> list[Layer]:
    """The versions that stand under a place's picture, the nearest first, the starter last."""
    above = select(LocalityPath.ancestor_id).where(LocalityPath.descendant_id == locality_id)
    chain = list(session.scalars(above.order_by(LocalityPath.depth)))
    return _layers(chain, _newest(session, chain, at))


def in_force_each(
    session: Session, above: Mapping[UUID, Sequence[UUID]], at: datetime | None = None
) -> dict[UUID, Effective]:
    """The effective profile of each place; `above` names the place itself and those above it, nearest first.

    Places under the same profiles share one object.
    """
    own = _newest(session, {key for chain in above.values() for key in chain}, at)
    made: dict[tuple[UUID, ...], Effective] = {}
    found: dict[UUID, Effective] = {}
    for key, chain in above.items():
        which = tuple(own[place_id].id for place_id in chain if place_id in own)
        if which not in made:
            made[which] = _effective(_layers(chain, own))
        found[key] = made[which]
    return found


def _newest(session: Session, wanted: Iterable[UUID], at: datetime | None) -> dict[UUID, Profile]:
    """The version of each of these places that holds: of those whose day has come, the one with the latest day."""
    order = (Profile.valid_from.desc(), Profile.approved_at.desc(), Profile.version.desc())
    rank = func.row_number().over(partition_by=Profile.locality_id, order_by=order)
    holds = (
        [Profile.state == IN_FORCE] if at is None else [Profile.state.in_(SETTLED), Profile.valid_from <= at]
    )
    ranked = select(Profile.id, rank.label("rank")).where(Profile.locality_id.in_(set(wanted)), *holds)
    newest = ranked.subquery()
    rows = select(Profile).join(newest, newest.c.id == Profile.id).where(newest.c.rank == 1)
    return {row.locality_id: row for row in session.scalars(rows)}


def _layers(chain: Iterable[UUID], own: Mapping[UUID, Profile]) -> list[Layer]:
    rows = [own[key] for key in chain if key in own]
    found = [Layer(row.locality_id, f"{row.locality_id}/{row.version}", row.document) for row in rows]
    return [*found, Layer(None, str(starter()["version"]), starter())]


def _effective(stack: Sequence[Layer]) -> Effective:
    return Effective(document_of(stack), tuple(layer.version for layer in stack))


def document_of(stack: Sequence[Layer]) -> dict[str, Any]:
    """Layers, nearest first, laid over each other."""
    return laid(layer.document for layer in reversed(stack))


def own_in(stack: Sequence[Layer], locality_id: UUID) -> dict[str, Any]:
    """What a place sets itself among its layers, without what has lost its ground below; nothing where it has no version."""
    nearest, *below = stack
    return standing(nearest.document, document_of(below)) if nearest.locality_id == locality_id else {}


def versions_of(session: Session, locality_id: UUID) -> list[Profile]:
    """All versions that a place wrote itself, the newest first."""
    rows = select(Profile).where(Profile.locality_id == locality_id)
    return list(session.scalars(rows.order_by(Profile.version.desc())))


def find(session: Session, locality_id: UUID, version: int) -> Profile:
    """One version of a place; raise NotFound in words."""
    rows = select(Profile).where(Profile.locality_id == locality_id, Profile.version == version)
    if (found := session.scalars(rows).first()) is None:
        raise NotFound(
            N_("There is no such version of this local picture."), N_("Open the list of its versions.")
        )
    return found


# ----------------------------------------------------------------------------------------- from draft to force


def draft(
    session: Session,
    now: datetime,
    locality_id: UUID,
    document: dict[str, Any],
    *,
    author_id: UUID | None,
    reason: str,
    consulted: Sequence[str] = (),
    valid_from: datetime | None = None,
    key: UUID | None = None,
    author_role: str = "",
    organisations: Iterable[UUID] = (),
) -> Profile:
    """Write a new draft version with the next number, once per client-made `key`.

    `document` is what the place sets itself. `organisations` are the bodies for whom the author speaks: the second person must be of
    another. Raise Conflict where the key names something else.
    """
    if key and (found := session.get(Profile, key)):
        if (found.locality_id, found.author_id, found.document) != (locality_id, author_id, document):
            raise Conflict("This id belongs to another version.", "Make a new id for a new version.")
        return found
    last = session.scalar(select(func.max(Profile.version)).where(Profile.locality_id == locality_id)) or 0
    profile = Profile(
        id=key or new_id(),
        locality_id=locality_id,
        version=last + 1,
        state=DRAFT,
        document=document,
        links=" ".join(sorted(row["key"] for row in document.get("neighbours") or () if row.get("weight"))),
        reason=reason,
        consulted=list(consulted),
        author_id=author_id,
        author_role=author_role,
        organisations=sorted(str(body) for body in organisations),
        valid_from=valid_from,
        created_at=now,
    )
    session.add(profile)
    session.flush()
    _note(session, now, profile, DRAFT)
    return profile


def propose(session: Session, now: datetime, profile: Profile, *, person_id: UUID | None) -> Profile:
    """Put a draft before a second person. From now on it waits for an answer."""
    return _move(session, now, profile, DRAFT, PROPOSED, proposed_by=person_id, proposed_at=now)


def why_not_approve(profile: Profile, person_id: UUID, organisations: Iterable[UUID]) -> Problem | None:
    """Why this person may not approve this version, or None where they may."""
    if profile.state != PROPOSED:
        return Conflict(
            N_("This version does not wait for an answer."), N_("Open it again to see how it stands.")
        )
    askers = {profile.author_id, profile.proposed_by}
    return approvals.second_person(askers, profile.organisations, person_id, organisations)


def approve(
    session: Session,
    now: datetime,
    profile: Profile,
    *,
    person_id: UUID,
    organisations: Iterable[UUID],
    role: str = "",
    answer: str = "",
) -> Profile:
    """A second person of another organisation approves: it holds from its day on, and from now at the earliest."""
    if problem := why_not_approve(profile, person_id, organisations):
        raise problem
    _alone(session, profile.locality_id)
    day = max(now, profile.valid_from or now)
    said = {"approved_by": person_id, "approved_role": role, "approved_at": now, "answer": answer}
    _move(session, now, profile, PROPOSED, APPROVED, valid_from=day, **said)
    begin_due(session, now, profile.locality_id)
    return profile


def refuse(session: Session, now: datetime, profile: Profile, *, person_id: UUID, answer: str) -> Profile:
    """Say no to a proposed version, with the reason; it stays readable and never holds."""
    if not answer.strip():
        raise Invalid("answer", N_("Write in one sentence why"), N_("The people who wrote it can read this."))
    said = {"refused_by": person_id, "refused_at": now, "answer": answer.strip()}
    return _move(session, now, profile, PROPOSED, REFUSED, **said)


def withdraw(session: Session, now: datetime, profile: Profile, *, person_id: UUID | None) -> Profile:
    """Take a draft or a proposed version back: the people who wrote it changed their mind, or wrote it anew."""
    if profile.state not in (DRAFT, PROPOSED):
        raise Conflict(N_("This version is published and never changes."), N_("Make a new draft from it."))
    return _move(session, now, profile, profile.state, WITHDRAWN, refused_by=person_id, refused_at=now)


def publish(session: Session, now: datetime, profile: Profile) -> Profile:
    """Put a draft in force without a second person: for what the installation itself brings (a seed file), never for a person."""
    _alone(session, profile.locality_id)
    day = max(now, profile.valid_from or now)
    _move(session, now, profile, DRAFT, APPROVED, approved_at=now, valid_from=day)
    begin_due(session, now, profile.locality_id)
    return profile


def begin_due(session: Session, now: datetime, locality_id: UUID | None = None) -> list[Profile]:
    """Put approved versions whose day has come in force; what each replaces stays readable. Safe to repeat."""
    rows = select(Profile.locality_id).where(Profile.state == APPROVED, Profile.valid_from <= now).distinct()
    if locality_id:
        rows = rows.where(Profile.locality_id == locality_id)
    return [row for key in sorted(session.scalars(rows), key=str) for row in _begin_at(session, now, key)]


def _begin_at(session: Session, now: datetime, locality_id: UUID) -> list[Profile]:
    """Of those of a place whose day has come the last one stands in force, and no other: also where it was in force before."""
    _alone(session, locality_id)
    come = (Profile.state == IN_FORCE) | ((Profile.state == APPROVED) & (Profile.valid_from <= now))
    rows = select(Profile).where(Profile.locality_id == locality_id, come)
    order = rows.order_by(Profile.valid_from, Profile.approved_at, Profile.version)
    *older, newest = session.scalars(order.execution_options(populate_existing=True)).all()
    due = [row for row in (*older, newest) if row.state == APPROVED]
    for row in older:
        claim(session, Profile, row.id, {"state": row.state}, {"state": REPLACED})
    claim(session, Profile, newest.id, {"state": APPROVED}, {"state": IN_FORCE})
    for row in (*older, newest):
        session.refresh(row)
    for row in due:
        _note(session, now, row, IN_FORCE)
    return due


def _alone(session: Session, locality_id: UUID) -> None:
    """Let one transaction at a time decide which version of a place holds: the others wait here, at the row of its first version.

    PostgreSQL only; on SQLite there is one writer at a time. `uq_profile_in_force` is the second fence.
    """
    first = select(Profile.id).where(Profile.locality_id == locality_id).order_by(Profile.version).limit(1)
    session.execute(first.with_for_update())


def _move(
    session: Session, now: datetime, profile: Profile, was: str, becomes: str, **values: Any
) -> Profile:
    """Compare-and-set the state, so that two people who answer at once cannot both be right."""
    if not claim(session, Profile, profile.id, {"state": was}, {"state": becomes, **values}):
        session.refresh(profile)
        published = profile.state in SETTLED
        raise Conflict(
            N_("This version is published and never changes.")
            if published
            else N_("This was decided already."),
            N_("Make a new draft from it.") if published else N_("Open it again to see how it stands."),
        )
    session.refresh(profile)
    _note(session, now, profile, becomes)
    return profile


def _note(session: Session, now: datetime, profile: Profile, what: str) -> None:
    journal.record(session, now, f"profile:{what}", "profile", profile.id, locality_id=profile.locality_id)
