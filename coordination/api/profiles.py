"""Threat profiles over the API: read what is in force at a place, write a new draft.

Publishing needs a second person, on a page.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field, JsonValue

from alerts.risk import levels, rules
from alerts.risk.numbers import coefficients_of
from committees import profiles
from committees.layers import merged, plain
from coordination.api.door import Call, endpoint
from coordination.api.rights import covering, own_place
from coordination.api.schemas import Input, Output
from foundation.errors import Invalid, NotAllowed

WRITERS = ("secretary", "chair", "national_contact")


class ProfileOut(Output):
    """The profile that holds at a place.

    The merged document, and the versions it was merged from, nearest first.
    """

    locality: str
    versions: list[str]
    document: dict[str, JsonValue]


class ProfileIn(Input):
    """What a place sets itself, key by key; everything else stays as it is at the place above it."""

    document: dict[str, JsonValue] = Field(min_length=1, max_length=40)
    reason: str = Field(min_length=10, max_length=400)


class DraftOut(Output):
    """A new draft version; it changes nothing until a second person puts it in force."""

    locality: str
    version: int
    state: str


@endpoint("GET", "/localities/<code>/profile", scope="read", gives=ProfileOut)
def read_profile(call: Call, code: str) -> ProfileOut:
    """Read the threat profile in force at a place."""
    place = own_place(call, code, "score")
    found = profiles.in_force(call.session, place.id)
    return ProfileOut(locality=place.code, versions=list(found.versions), document=plain(found.document))


@endpoint("PUT", "/localities/<code>/profile", scope="profile", takes=ProfileIn, gives=DraftOut, status=201)
def draft_profile(call: Call, code: str) -> DraftOut:
    """Write a new draft version of a place's threat profile."""
    place = own_place(call, code, "score")
    if not covering(call.session, call.principal, place.id, WRITERS):
        raise NotAllowed("You cannot change this place's profile.", "Propose the change to its secretary.")
    now_in_force = profiles.in_force(call.session, place.id).document
    check(dict(merged(now_in_force, call.body.document)), call.body.document)
    reason, author = call.body.reason.strip(), call.caller.person.id
    row = profiles.draft(
        call.session, call.now, place.id, call.body.document, author_id=author, reason=reason
    )
    return DraftOut(locality=place.code, version=row.version, state=row.state)


def check(whole: dict[str, Any], own: dict[str, Any]) -> None:
    """Raise Invalid where the document could not be used for scoring.

    Unknown keys, bad boundaries, coefficients or rules.
    """
    if unknown := sorted(set(own) - set(profiles.starter())):
        raise Invalid(
            "document", f"{unknown[0][:60]} is not a part of a profile.", "See the profile in force."
        )
    try:
        levels.check_boundaries(whole["boundaries"])
        coefficients_of(whole)
        rules.read_rules(whole)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise Invalid("document", "This could not be used for scoring.", str(error)[:200]) from None
