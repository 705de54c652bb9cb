"""Trying a change on the past: who may, asking for a run, proposing what was tried, and a result as its reader may see it.

Pages and the API share it. The run itself is alerts/replay_runs.py; a change is proposed through local_picture.py and holds only once a
second person of another organisation approves it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts import replay_runs
from alerts.alert import Alert
from alerts.replay_runs import DONE, ReplayRun
from committees import people, profiles
from committees.incidents import Incident
from committees.places import Locality
from committees.profiles import Profile
from coordination import local_picture, reach
from foundation.db import claim
from foundation.errors import Conflict, NotAllowed, NotFound
from foundation.policy import Principal, kept_from, kept_private
from foundation.web.words import N_

ROLES = ("national_contact", "secretary", "chair", "city_officer")
COMMITTEE = ("secretary", "chair")
Data = Mapping[str, Any]


@dataclass(frozen=True)
class Seen:
    """A result as one reader may see it: every alert and clash that is theirs to read, and how many are not."""

    lost: list[Data]
    gained: list[Data]
    missed: list[Data]
    newly_warned: list[Data]
    hidden_alerts: int
    hidden_clashes: int


def place_with(session: Session, principal: Principal, code: str) -> Locality:
    """The place with this code, if it may be tried; NotFound alike otherwise."""
    place = session.scalars(select(Locality).where(Locality.code == code)).first()
    if place is None or not may_try(session, principal, place):
        raise NotFound()
    return place


def may_try(session: Session, principal: Principal, place: Locality) -> bool:
    """Whether one of ROLES is held at the place or above it; offices from outside try no single ward: they read none."""
    return reach.holds(session, principal, place.id, ROLES) and bool(
        reach.covered(session, principal, [place.id])
    )


def own_document(session: Session, place_id: UUID) -> dict[str, Any]:
    """What a place sets itself today."""
    return profiles.own_in(profiles.layers(session, place_id), place_id)


def ask(
    session: Session,
    now: datetime,
    place: Locality,
    *,
    key: UUID,
    person_id: UUID,
    document: Mapping[str, Any],
    change: Data,
    months: int,
) -> ReplayRun:
    """Ask for a run of a place's past with what it would set itself; raise Wrong where that could not be used."""
    role = people.role_at(session, place.id, person_id, ROLES)
    if role is None:
        raise NotAllowed(N_("You cannot try changes at this place."), N_("Ask its secretary or chair."))
    local_picture.check_for(session, place, dict(document))
    return replay_runs.ask(
        session,
        now,
        key=key,
        locality_id=place.id,
        person_id=person_id,
        role=role,
        change=change,
        document=document,
        months=months,
    )


def version_of(session: Session, place_id: UUID, number: int) -> Profile:
    """A version that waits (a draft or proposed one) of a place, to be tried."""
    row = profiles.find(session, place_id, number)
    if row.state not in (profiles.DRAFT, profiles.PROPOSED):
        raise Conflict(
            N_("This version does not wait any more."), N_("Choose a draft or a proposed version.")
        )
    return row


def propose(session: Session, now: datetime, run: ReplayRun, person_id: UUID, reason: str) -> Profile:
    """Propose what was tried: a draft that names the run, put before a second person. Once per run."""
    if run.state != DONE:
        raise Conflict(N_("This try is not finished."), N_("Wait for its result first."))
    if run.profile_id:
        raise Conflict(N_("This change was proposed already."), N_("Open it again to see how it stands."))
    if number := run.change.get("version"):
        profile = version_of(session, run.locality_id, int(number))
        if profile.state == profiles.DRAFT:
            profile = local_picture.propose(session, now, profile, person_id)
    else:
        place = session.get_one(Locality, run.locality_id)
        document = dict(run.document)
        profile = local_picture.write_and_propose(
            session, now, place, document, person_id=person_id, reason=reason, key=run.id
        )
    if not claim(session, ReplayRun, run.id, {"profile_id": None}, {"profile_id": profile.id}):
        raise Conflict(N_("This change was proposed already."), N_("Open it again to see how it stands."))
    session.refresh(run)
    return profile


def seen_by(session: Session, principal: Principal, place_id: UUID, result: Data) -> Seen:
    """A result of a place cut to what its reader may see: no private matter, nothing withheld, no incident that is not theirs.

    What counts is who the reader is at this place. To offices, an alert that only the change would have raised is named where they may
    read all that it rests on: otherwise any incident could be asked after by a rule that fits it.
    """
    roles = [role for role in ROLES if reach.holds(session, principal, place_id, (role,))]
    incidents, real = _readable(session, result)

    def may(one: Data) -> bool:
        return any(
            not kept_from(role, one["withheld_from"]) and not (one["private"] and kept_private(role))
            for role in roles
        )

    def alerts(name: str) -> list[Data]:
        return [one for one in result[name] if may(one) and (not one["real"] or one["real"] in real)]

    def rests(one: Data) -> bool:
        ids = set(one.get("evidence", ()))
        return bool(one["real"] or (ids and ids <= incidents) or set(roles) & set(COMMITTEE))

    def clashes(name: str) -> list[Data]:
        return [
            one for one in result[name] if incidents & set(one["incidents"]) or one.get("alert", "") in real
        ]

    lost, gained, missed, new = (
        alerts("lost"),
        [*filter(rests, alerts("gained"))],
        clashes("missed"),
        clashes("newly_warned"),
    )
    return Seen(
        lost,
        gained,
        missed,
        new,
        len(result["lost"]) + len(result["gained"]) - len(lost) - len(gained),
        len(result["missed"]) + len(result["newly_warned"]) - len(missed) - len(new),
    )


def _readable(session: Session, result: Data) -> tuple[set[str], set[str]]:
    """The incidents and the real alerts that a result rests on and that this session may read."""
    alerts, events = [*result["lost"], *result["gained"]], [*result["missed"], *result["newly_warned"]]
    ids = {key for one in alerts for key in one.get("evidence", ())}
    ids |= {key for one in events for key in one["incidents"]}
    real = {one["real"] for one in alerts if one["real"]} | {one["alert"] for one in events if "alert" in one}
    incidents = session.scalars(select(Incident.id).where(Incident.id.in_([UUID(key) for key in ids])))
    known = session.scalars(select(Alert.id).where(Alert.id.in_([UUID(key) for key in real])))
    return {str(key) for key in incidents}, {str(key) for key in known}


def readable_places(session: Session, principal: Principal, keys: set[UUID]) -> dict[UUID, Locality]:
    """Each place as its reader may name it: itself, or the place above it where wards are not theirs to read."""
    rows = {row.id: row for row in session.scalars(select(Locality).where(Locality.id.in_(keys)))}
    own = reach.covered(session, principal, keys)
    parents = {row.parent_id for key, row in rows.items() if key not in own and row.parent_id}
    above = {row.id: row for row in session.scalars(select(Locality).where(Locality.id.in_(parents)))}
    return {key: row if key in own else above.get(row.parent_id or key, row) for key, row in rows.items()}
