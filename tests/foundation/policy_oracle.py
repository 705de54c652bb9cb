"""Who may see what, written a second time by hand and in plain Python: what test_policy_world.py holds the machine against.

The roles stand here as the trust model and its decisions give them, never read from policy.toml, so that a cell changed there shows.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

STRICTEST_FIRST = ["RED", "AMBER+STRICT", "AMBER", "GREEN", "CLEAR"]
COMMITTEE = {"secretary", "chair"}
OFFICERS = {"city_officer", "district_administration"}
# The strictest marking that a role may see by its place.
SEES_FROM = {
    **dict.fromkeys({"member", "secretary", "chair", "oversight"}, "AMBER+STRICT"),
    **dict.fromkeys(OFFICERS, "AMBER"),
    "national_contact": "GREEN",
}
# "Not the police" and "not this committee": whom a reporter shuts out. Only the oversight office is above both.
OUTSIDERS = {"national_contact", "hub_analyst", "administrator", "auditor"}
NOT_FOR_POLICE = {"police_liaison", *OUTSIDERS}
NOT_FOR_COMMITTEE = {
    "member",
    "touch_point",
    "secretary",
    "chair",
    "services_focal_person",
    "police_liaison",
    *OUTSIDERS,
    *OFFICERS,
}
SENSITIVE_TOO = {"secretary", "chair", "oversight"}

CORE = {"member", "oversight", "national_contact", *COMMITTEE, *OFFICERS}
ALERTED = {*CORE, "police_liaison", "services_focal_person"}
BY_PLACE: dict[str, set[str]] = {
    "incident": CORE,
    "incident_summary": CORE,
    "incident_place": {"member", "oversight", *COMMITTEE},
    "incident_text": {"member", "oversight", *COMMITTEE},
    # Narrower than the matrix: a member is also a neighbour, and reads neither lines of tension nor handles.
    "incident_group": {"oversight", *COMMITTEE},
    "report": {"oversight", *COMMITTEE},
    "score": {*ALERTED, "touch_point"},
    "alert": ALERTED,
    "acknowledgement": {"member", "police_liaison", "national_contact", *COMMITTEE, *OFFICERS},
    "delivery": {"city_officer", *COMMITTEE},
    "contact_point": {"administrator", *COMMITTEE},
    "journal": set(),
}
MINE = {
    "incident": "source_id",
    "report": "source_id",
    "acknowledgement": "person_id",
    "delivery": "person_id",
    "contact_point": "person_id",
    "journal": "actor_id",
}
OPENED_BY = {
    "incident": "incident",
    "incident_summary": "incident",
    "incident_place": "incident_place",
    "alert": "alert",
}
MARKED = {"incident", "incident_place", "incident_text", "incident_summary", "incident_group", "report"}
PRIVATE_TABLES = ("outbox", "identity", "reply_handle", "evidence_change")


@dataclass(frozen=True)
class Held:
    """A role that a person holds, or held once, at a place."""

    role: str
    place: UUID
    office: UUID | None = None
    active: bool = True


@dataclass
class Someone:
    """A person of a random world, with the handles under which they report."""

    id: UUID
    handles: tuple[UUID, ...] = ()
    roles: list[Held] = field(default_factory=list)


@dataclass(frozen=True)
class Opened:
    """A grant: what it opens, to whom, in which role."""

    kind: str
    subject: UUID
    role: str
    person: UUID | None = None
    office: UUID | None = None


@dataclass
class World:
    """Everything of one random world: parents of places, persons, grants, and rows as plain mappings by table."""

    parents: dict[UUID, UUID | None]
    people: list[Someone]
    grants: list[Opened]
    rows: dict[str, list[dict[str, Any]]]

    def above(self, place: UUID) -> set[UUID]:
        """A place and all places above it."""
        found, at = set(), place
        while at is not None:
            found.add(at)
            at = self.parents[at]  # type: ignore[assignment]
        return found

    def alert(self, key: UUID) -> dict[str, Any]:
        """The alert with this id."""
        return next(row for row in self.rows["alert"] if row["id"] == key)


def may_see(world: World, who: Someone, table: str, row: dict[str, Any]) -> bool:
    """Whether a person may see a row: as its maker, by place and role, by a grant, or as the auditor of the record."""
    active = [held for held in who.roles if held.active]
    if table == "journal" and any(held.role == "auditor" for held in active):
        return True
    mine = MINE.get(table)
    if mine == "source_id" and row[mine] in who.handles:
        return True
    if mine and mine != "source_id" and row[mine] == who.id:
        return True
    return _by_place(world, active, table, row) or _by_grant(world, who, active, table, row)


def _by_place(world: World, active: Iterable[Held], table: str, row: dict[str, Any]) -> bool:
    return any(
        held.role in BY_PLACE[table]
        and held.place in world.above(row["locality_id"])
        and _fit_for(world, held.role, table, row)
        for held in active
    )


def _fit_for(world: World, role: str, table: str, row: dict[str, Any]) -> bool:
    if table in MARKED:
        if STRICTEST_FIRST.index(row["marking"]) < STRICTEST_FIRST.index(SEES_FROM[role]):
            return False
        if row["sensitive"] and role not in SENSITIVE_TOO:
            return False
    withheld = row.get(
        "withheld_from", world.alert(row["alert_id"])["withheld_from"] if "alert_id" in row else ""
    )
    return not _withheld(role, withheld)


def _withheld(role: str, withheld_from: str) -> bool:
    words = withheld_from.split()
    return ("police" in words and role in NOT_FOR_POLICE) or (
        "committee" in words and role in NOT_FOR_COMMITTEE
    )


def _by_grant(world: World, who: Someone, active: list[Held], table: str, row: dict[str, Any]) -> bool:
    subject = row.get("incident_id", row.get("id"))
    for grant in world.grants:
        if (
            grant.kind != OPENED_BY.get(table)
            or grant.subject != subject
            or _withheld(grant.role, row["withheld_from"])
        ):
            continue
        if grant.office and any(held.office == grant.office for held in active):
            return True
        if not grant.office and grant.person == who.id and any(held.role == grant.role for held in active):
            return True
    return False
