"""Threat profiles over the API: what holds at a place now or at a time, its versions, what changes between two, a new draft, a decision."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import Field, JsonValue
from sqlalchemy import select

from alerts.profile_words import sentences
from alerts.risk.shapes import Wrong
from committees import profiles
from committees.layers import plain
from committees.places import Locality
from committees.profiles import Profile
from coordination import local_picture
from coordination.api.door import Call, endpoint
from coordination.api.paging import PageQuery, page
from coordination.api.rights import own_place
from coordination.api.schemas import Input, Moment, Output, number_of
from foundation.errors import Invalid


class ProfileOut(Output):
    """The profile that holds at a place.

    The merged document, and the versions it was merged from, nearest first.
    """

    locality: str
    versions: list[str]
    document: dict[str, JsonValue]


class ProfileQuery(Input):
    """At which time; without it, now."""

    at: Moment | None = None


class ProfileIn(Input):
    """What a place sets itself.

    Mappings are laid over what it inherits key by key, lists of items with a `key` item by item; `{key, off: true}` switches an
    inherited item off. `consulted` names roles and groups, never persons. It holds from `valid_from`, or from the approval on.
    """

    id: UUID | None = None
    document: dict[str, JsonValue] = Field(min_length=1, max_length=40)
    reason: str = Field(min_length=10, max_length=400)
    consulted: list[str] = Field(default=[], max_length=20)
    valid_from: Moment | None = None


class VersionOut(Output):
    """One version that a place wrote: how it stands, who wrote it in which role, who was consulted, who decided, since when it holds.

    `state` is draft, proposed, approved (its day has not come), in_force, replaced, refused or withdrawn.
    """

    locality: str
    version: int
    state: str
    author_role: str
    reason: str
    consulted: list[str]
    written_at: Moment
    proposed_at: Moment | None
    approved_at: Moment | None
    approved_role: str
    refused_at: Moment | None
    answer: str
    valid_from: Moment | None


class VersionDetail(VersionOut):
    """A version with what the place itself says in it."""

    document: dict[str, JsonValue]


class VersionList(Output):
    """A page of versions, the newest first."""

    items: list[VersionOut]
    next: str | None


class ChangesQuery(Input):
    """From which version to which; 0 is what the place inherits."""

    before: int = Field(0, ge=0, le=100_000)
    after: int = Field(ge=0, le=100_000)


class ChangeOut(Output):
    """One difference: its path, the values, and a sentence. A value is null where nothing was said."""

    path: list[str]
    was: JsonValue
    now: JsonValue
    sentence: str


class ChangeList(Output):
    """All differences; the list has one page."""

    items: list[ChangeOut]
    next: str | None


class DecisionIn(Input):
    """Yes or no of a second person of another organisation, with the reason."""

    approve: bool
    answer: str = Field(min_length=1, max_length=400)


class ProposalIn(Input):
    """Put a draft before a second person."""

    proposed: bool = True


@endpoint("GET", "/localities/<code>/profile", scope="read", asks=ProfileQuery, gives=ProfileOut)
def read_profile(call: Call, code: str) -> ProfileOut:
    """Read the threat profile in force at a place, now or at a time."""
    place = own_place(call, code, "score")
    found = profiles.in_force(call.session, place.id, call.query.at or call.now)
    return ProfileOut(locality=place.code, versions=list(found.versions), document=plain(found.document))


@endpoint(
    "PUT", "/localities/<code>/profile", scope="profile", takes=ProfileIn, gives=VersionDetail, status=201
)
def draft_profile(call: Call, code: str) -> VersionDetail:
    """Write a new draft version of a place's threat profile; it changes nothing until a second person approves."""
    place, body = own_place(call, code, "score"), call.body
    try:
        row = local_picture.write(
            call.session,
            call.now,
            place,
            body.document,
            person_id=call.caller.person.id,
            reason=body.reason,
            consulted=body.consulted,
            valid_from=body.valid_from,
            key=body.id,
        )
    except Wrong as wrong:
        raise Invalid(f"document.{wrong.field}", wrong.message, wrong.hint) from None
    return _detail(place, row)


@endpoint("GET", "/localities/<code>/profile/versions", scope="read", asks=PageQuery, gives=VersionList)
def list_profile_versions(call: Call, code: str) -> VersionList:
    """List the versions that a place wrote itself, the newest first."""
    place = own_place(call, code, "score")
    rows = select(Profile).where(Profile.locality_id == place.id)
    found, following = page(call.session, rows, (Profile.created_at, Profile.id), call.query)
    return VersionList(items=[VersionOut(**_fields(place, row)) for row in found], next=following)


@endpoint("GET", "/localities/<code>/profile/versions/<version>", scope="read", gives=VersionDetail)
def read_profile_version(call: Call, code: str, version: str) -> VersionDetail:
    """Read one version with what the place itself says in it."""
    place = own_place(call, code, "score")
    return _detail(place, profiles.find(call.session, place.id, number_of(version)))


@endpoint("GET", "/localities/<code>/profile/changes", scope="read", asks=ChangesQuery, gives=ChangeList)
def list_profile_changes(call: Call, code: str) -> ChangeList:
    """List what changes from one version of a place's profile to another, in words."""
    place = own_place(call, code, "score")
    before, after = (
        profiles.find(call.session, place.id, number) if number else None
        for number in (call.query.before, call.query.after)
    )
    found = local_picture.between(call.session, before, after, place.id)
    document = local_picture.whole(call.session, after, place.id)
    items = [
        ChangeOut(
            path=list(change.path),
            was=None if change.added else plain(change.was),
            now=None if change.removed else plain(change.now),
            sentence=sentence,
        )
        for change, sentence in zip(found, sentences(found, document), strict=True)
    ]
    return ChangeList(items=items, next=None)


@endpoint(
    "POST",
    "/localities/<code>/profile/versions/<version>/proposal",
    scope="profile",
    takes=ProposalIn,
    gives=VersionDetail,
)
def propose_profile(call: Call, code: str, version: str) -> VersionDetail:
    """Put a draft before a second person, or take it back."""
    place = own_place(call, code, "score")
    row = profiles.find(call.session, place.id, number_of(version))
    act = local_picture.propose if call.body.proposed else local_picture.withdraw
    return _detail(place, act(call.session, call.now, row, call.caller.person.id))


@endpoint(
    "POST",
    "/localities/<code>/profile/versions/<version>/decision",
    scope="profile",
    takes=DecisionIn,
    gives=VersionDetail,
)
def decide_profile(call: Call, code: str, version: str) -> VersionDetail:
    """Approve or refuse a proposed version, as a second person of another organisation."""
    place = own_place(call, code, "score")
    row = profiles.find(call.session, place.id, number_of(version))
    said = call.body
    local_picture.decide(
        call.session, call.now, row, call.caller.person.id, approve=said.approve, answer=said.answer
    )
    return _detail(place, row)


def _detail(place: Locality, row: Profile) -> VersionDetail:
    return VersionDetail(**_fields(place, row), document=plain(row.document))


def _fields(place: Locality, row: Profile) -> dict[str, Any]:
    moments: dict[str, datetime | None] = {
        name: getattr(row, name) for name in ("proposed_at", "approved_at", "refused_at", "valid_from")
    }
    return {
        **moments,
        "locality": place.code,
        "version": row.version,
        "state": row.state,
        "author_role": row.author_role,
        "reason": row.reason,
        "consulted": [str(line) for line in row.consulted],
        "written_at": row.created_at,
        "approved_role": row.approved_role,
        "answer": row.answer,
    }
