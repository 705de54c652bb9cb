"""Threat profiles: versioned documents that are the scoring set-up of a place; a published version never changes.

A place without a profile of its own uses its nearest parent's; what it sets itself overrides key by key. The starter profile ships as
starter_profile.yaml and stands under all of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

import yaml
from sqlalchemy import ForeignKey, UniqueConstraint, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from committees.places import LocalityPath
from foundation import journal
from foundation.db import Base, Keyed
from foundation.errors import Conflict

DRAFT, IN_FORCE, REPLACED = "draft", "in_force", "replaced"


class Profile(Keyed, Base):
    """One version of one place's threat profile."""

    __tablename__ = "profile"
    __table_args__ = (UniqueConstraint("locality_id", "version"),)

    locality_id: Mapped[UUID] = mapped_column(ForeignKey("locality.id"), index=True)
    version: Mapped[int]
    state: Mapped[str] = mapped_column(default=DRAFT)
    document: Mapped[dict[str, Any]]
    reason: Mapped[str] = mapped_column(default="")
    author_id: Mapped[UUID | None]
    approved_by: Mapped[UUID | None]
    valid_from: Mapped[datetime | None]
    created_at: Mapped[datetime]


@dataclass(frozen=True)
class Effective:
    """The profile that holds at a place: the merged document and the versions it was merged from, nearest first."""

    document: Mapping[str, Any]
    versions: tuple[str, ...]


@cache
def starter() -> Mapping[str, Any]:
    """The starter profile: threats, indicators, triggers, rules, audiences and clocks."""
    text = (Path(__file__).parent / "starter_profile.yaml").read_text(encoding="utf-8")
    found: Mapping[str, Any] = yaml.safe_load(text)
    return found


def in_force(session: Session, locality_id: UUID, at: datetime | None = None) -> Effective:
    """The effective profile of a place, now or at a past time."""
    rows = select(Profile, LocalityPath.depth).join(
        LocalityPath, LocalityPath.ancestor_id == Profile.locality_id
    )
    rows = rows.where(LocalityPath.descendant_id == locality_id, Profile.state != DRAFT)
    rows = rows.where(Profile.state == IN_FORCE) if at is None else rows.where(Profile.valid_from <= at)
    nearest: dict[UUID, tuple[int, Profile]] = {}
    for profile, depth in session.execute(rows.order_by(Profile.valid_from, Profile.version)).all():
        nearest[profile.locality_id] = (depth, profile)
    ordered = [profile for _, profile in sorted(nearest.values(), key=lambda pair: pair[0])]
    return _effective(ordered)


def in_force_each(session: Session, above: Mapping[UUID, Sequence[UUID]]) -> dict[UUID, Effective]:
    """The effective profile of each place now; `above` names the place itself and those above it, nearest first.

    Places under the same profiles share one object.
    """
    wanted = {key for chain in above.values() for key in chain}
    rows = select(Profile).where(Profile.locality_id.in_(wanted), Profile.state == IN_FORCE)
    own = {row.locality_id: row for row in session.scalars(rows.order_by(Profile.version))}
    made: dict[tuple[UUID, ...], Effective] = {}
    found: dict[UUID, Effective] = {}
    for key, chain in above.items():
        ordered = [own[place_id] for place_id in chain if place_id in own]
        which = tuple(profile.id for profile in ordered)
        if which not in made:
            made[which] = _effective(ordered)
        found[key] = made[which]
    return found


def _effective(ordered: Sequence[Profile]) -> Effective:
    """Profiles, nearest first, laid over the starter."""
    document: dict[str, Any] = dict(starter())
    for profile in reversed(ordered):
        document = merged(document, profile.document)
    names = [f"{profile.locality_id}/{profile.version}" for profile in ordered]
    return Effective(document, (*names, str(starter()["version"])))


def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """`above` laid over `below`, key by key in mappings; lists and values are replaced whole."""
    result = dict(below)
    for key, value in above.items():
        old = result.get(key)
        result[key] = merged(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return result


def draft(
    session: Session,
    now: datetime,
    locality_id: UUID,
    document: dict[str, Any],
    *,
    author_id: UUID | None,
    reason: str,
) -> Profile:
    """Write a new draft version with the next number."""
    last = session.scalar(select(func.max(Profile.version)).where(Profile.locality_id == locality_id)) or 0
    profile = Profile(
        locality_id=locality_id,
        version=last + 1,
        document=document,
        reason=reason,
        author_id=author_id,
        created_at=now,
    )
    session.add(profile)
    session.flush()
    journal.record(session, now, "profile:draft", "profile", profile.id, locality_id=locality_id)
    return profile


def publish(session: Session, now: datetime, profile: Profile, approved_by: UUID | None) -> None:
    """Put a draft in force; another person than its author approves. The version it replaces stays readable."""
    if profile.state != DRAFT:
        raise Conflict("This version is already published and never changes.", "Make a new draft from it.")
    if approved_by is not None and approved_by == profile.author_id:
        raise Conflict("A second person must approve this.", "Ask somebody other than its author.")
    for old in session.scalars(
        select(Profile).where(Profile.locality_id == profile.locality_id, Profile.state == IN_FORCE)
    ):
        old.state = REPLACED
    profile.state, profile.approved_by, profile.valid_from = IN_FORCE, approved_by, now
    session.flush()
    journal.record(session, now, "profile:in_force", "profile", profile.id, locality_id=profile.locality_id)
