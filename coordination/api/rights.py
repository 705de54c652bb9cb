"""Where a caller stands.

Whether one of their roles covers a place, which handle they report under, what they may read exactly.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from committees.places import Locality, by_code, upwards
from committees.reports import Source, source_for
from coordination import reach
from coordination.api.door import Call
from foundation.errors import Invalid, NotAllowed, NotFound
from foundation.policy import RULES, Principal, Standing

REPORTING = frozenset(RULES["adds"]["roles"])
EXACT = frozenset(RULES["tables"]["incident_place"]["own"])


def covering(
    session: Session, principal: Principal, locality_id: UUID, roles: Iterable[str]
) -> list[Standing]:
    """The standings in one of `roles` whose place is this one or lies above it, nearest first."""
    wanted = frozenset(roles)
    depth = {place.id: n for n, place in enumerate(upwards(session, locality_id))}
    held = [s for s in principal.standings if s.role in wanted and s.locality_id in depth]
    return sorted(held, key=lambda s: (depth[s.locality_id], s.role))


def place_at(session: Session, code: str) -> Locality:
    """The place of an address; NotFound in the words of everything that is missing."""
    try:
        return by_code(session, code)
    except NotFound:
        raise NotFound from None


def place_named(session: Session, code: str) -> Locality:
    """The place that a body names; Invalid on its field where there is none."""
    try:
        return by_code(session, code)
    except NotFound:
        raise Invalid(
            "locality", "There is no place with this code.", "Look it up in /api/v1/localities."
        ) from None


def own_place(call: Call, code: str, rule: str) -> Locality:
    """A place whose rows of table `rule` the caller sees by standing there.

    Else it is as if it were missing.
    """
    place = place_at(call.session, code)
    if not covering(call.session, call.principal, place.id, RULES["tables"][rule]["own"]):
        raise NotFound
    if not reach.covered(call.session, call.principal, [place.id]):
        raise NotFound  # offices from outside the town read no single ward, by whichever door
    return place


def source_at(call: Call, place: Locality) -> Source:
    """The handle under which the caller reports at a place.

    NotAllowed where they hold no seat or office there.
    """
    for standing in covering(call.session, call.principal, place.id, REPORTING):
        group = standing.committee_id or standing.office_id
        kind = "member" if standing.committee_id else "office"
        return source_for(call.session, call.now, group=group, person_id=call.principal.person_id, kind=kind)
    raise NotAllowed(
        "You have no seat and no office at this place.", "Report for a place of your own committee or office."
    )


def sees_exactly(principal: Principal, row: Any) -> bool:
    """Whether a caller may read the minute of an incident, and not only its hour.

    Committee, oversight, and whoever reported it.
    """
    return bool(principal.roles & EXACT) or row.source_id in principal.handles


def to_the_hour(moment: datetime) -> datetime:
    """The hour in which something happened."""
    return moment.replace(minute=0, second=0, microsecond=0)
