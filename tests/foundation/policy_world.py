"""Random worlds for the policy: places, persons with roles, incidents of every marking, alerts and grants, drawn from one seed."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import insert
from sqlalchemy.orm import Session

from foundation.policy import table
from tests.foundation.policy_oracle import STRICTEST_FIRST, Held, Opened, Someone, World

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
ROLES = (
    "member",
    "touch_point",
    "secretary",
    "chair",
    "city_officer",
    "district_administration",
    "police_liaison",
    "services_focal_person",
    "oversight",
    "national_contact",
    "hub_analyst",
    "administrator",
    "auditor",
)
WITHHELD = ("", "", "police", "committee", "committee police")
PARTS = ("incident_place", "incident_text", "incident_summary", "incident_group")


class Draw:
    """One random generator with the shapes that worlds are made of."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def id(self) -> UUID:
        """A random id, the same for the same seed."""
        return UUID(int=self.random.getrandbits(128), version=4)

    def world(self) -> World:
        """Places, persons, rows and grants."""
        places = self._places()
        people = [self._person(list(places)) for _ in range(self.random.randint(3, 4))]
        world = World(places, people, [], {})
        sources = [handle for who in people for handle in who.handles] + [self.id()]
        self._incidents(world, sources)
        self._alerts(world)
        for name in ("score", "journal", "contact_point"):
            world.rows[name] = [self._row(world, name) for _ in range(3)]
        world.grants = [self._grant(world) for _ in range(self.random.randint(2, 8))]
        return world

    def _places(self) -> dict[UUID, UUID | None]:
        places: dict[UUID, UUID | None] = {}
        for _ in range(self.random.randint(2, 6)):
            places[self.id()] = self.random.choice([None, *places]) if places else None
        return places

    def _person(self, places: list[UUID]) -> Someone:
        who = Someone(self.id(), tuple(self.id() for _ in range(self.random.randint(0, 2))))
        for _ in range(self.random.choice((0, 1, 1, 1, 2))):
            role, office = self.random.choice(ROLES), self.random.choice((None, self.id()))
            who.roles.append(Held(role, self.random.choice(places), office, self.random.random() < 0.85))
        return who

    def _incidents(self, world: World, sources: list[UUID]) -> None:
        world.rows["incident"], world.rows["report"] = [], []
        for name in PARTS:
            world.rows[name] = []
        for _ in range(7):
            marks = {
                "locality_id": self.random.choice(list(world.parents)),
                "marking": self.random.choice(STRICTEST_FIRST),
                "sensitive": self.random.random() < 0.3,
                "withheld_from": self.random.choice(WITHHELD),
            }
            key, source = self.id(), self.random.choice(sources)
            world.rows["incident"].append({"id": key, "source_id": source, **marks})
            world.rows["report"].append(
                {"id": self.id(), "incident_id": key, "source_id": self.random.choice(sources), **marks}
            )
            for name in PARTS:
                world.rows[name].append({"incident_id": key, **marks})

    def _alerts(self, world: World) -> None:
        world.rows["alert"] = [
            {
                "id": self.id(),
                "locality_id": self.random.choice(list(world.parents)),
                "withheld_from": self.random.choice(WITHHELD),
            }
            for _ in range(4)
        ]
        for name in ("acknowledgement", "delivery"):
            world.rows[name] = []
            for alert in world.rows["alert"]:
                who = self.random.choice(world.people).id
                row = {
                    "id": self.id(),
                    "alert_id": alert["id"],
                    "locality_id": alert["locality_id"],
                    "person_id": who,
                }
                world.rows[name].append(row)

    def _row(self, world: World, name: str) -> dict[str, Any]:
        row: dict[str, Any] = {"id": self.id(), "locality_id": self.random.choice(list(world.parents))}
        who = self.random.choice(world.people).id
        return {**row, **{"contact_point": {"person_id": who}, "journal": {"actor_id": who}}.get(name, {})}

    def _grant(self, world: World) -> Opened:
        kind = self.random.choice(("incident", "incident", "incident_place", "alert"))
        subject = self.random.choice(world.rows["alert" if kind == "alert" else "incident"])["id"]
        who = self.random.choice(world.people)
        held = self.random.choice(who.roles) if who.roles and self.random.random() < 0.8 else None
        role = held.role if held else self.random.choice(ROLES)
        office = held.office if held and self.random.random() < 0.7 else None
        person = None if office and self.random.random() < 0.5 else who.id
        return Opened(kind, subject, role, person, office)


# What a row needs besides the columns that the policy looks at.
FILL: dict[str, dict[str, Any]] = {
    "incident": {
        "kind": "threat",
        "severity": 2,
        "occurred_at": NOW,
        "how_known": "saw",
        "received_at": NOW,
        "known_at": NOW,
    },
    "incident_place": {},
    "incident_text": {"text_sealed": "-"},
    "incident_summary": {"text": "-", "written_at": NOW},
    "incident_group": {"about": "-"},
    "report": {"channel": "web", "how_known": "saw", "received_at": NOW},
    "score": {"at": NOW, "level": 1, "known": True, "contributions": [], "profile": "1"}
    | dict.fromkeys(("p28", "fast", "slow", "near", "soft", "kappa"), 0.0),
    "alert": {
        "number": 1,
        "rule": "surge",
        "what": "several",
        "sure": "several",
        "level": 3,
        "opened_at": NOW,
        "ends_at": NOW,
        "evidence": [],
    },
    "acknowledgement": {"role": "member", "answer": "seen", "channel": "web", "at": NOW},
    "delivery": {"role": "member", "channel": "sms", "step": 0, "reason": "rule", "at": NOW},
    "contact_point": {"channel": "sms", "address_sealed": "-", "last_digits": "0000"},
    "journal": {"at": NOW, "action": "look", "object_kind": "incident"},
}


def store(session: Session, worlds: list[World]) -> None:
    """Write worlds with plain inserts, parents before children."""

    def put(name: str, rows: list[dict[str, Any]]) -> None:
        if rows:
            session.execute(insert(table(name)), rows)

    put(
        "country",
        [
            {
                "code": "XX",
                "names": {},
                "level_names": {},
                "languages": [],
                "zone": "UTC",
                "emergency": "1",
                "scored_levels": [],
                "settings": {},
            }
        ],
    )
    for world in worlds:
        names = {"country_code": "XX", "level": "ward", "names": {"en": "-"}, "tree": "administrative"}
        for key, parent in world.parents.items():
            put("locality", [{"id": key, "code": str(key), "parent_id": parent, **names}])
        paths = [(above, place) for place in world.parents for above in world.above(place)]
        put("locality_path", [{"ancestor_id": a, "descendant_id": d, "depth": int(a != d)} for a, d in paths])
        put("person", [{"id": who.id, "code": str(who.id), "name": "-"} for who in world.people])
        put("scope", [_scope(who, held) for who in world.people for held in who.roles])
        put("grant", [_grant(grant) for grant in world.grants])
        sources = {row["source_id"] for row in world.rows["report"]}
        put("source", [{"id": key, "known": True, "first_at": NOW, "kind": "member"} for key in sources])
        for name in FILL:
            put(name, [_full(name, row) for row in world.rows[name]])
        first = world.rows["report"][0]
        put("reply_handle", [{"report_id": first["id"], "delete_after": NOW}])
        put("identity", [{"report_id": first["id"], "boxes": {}}])
        change = {"known_at": NOW, "event_at": NOW, "fast": 1.0, "slow": 1.0, "count": 1}
        put(
            "evidence_change",
            [{"incident_id": first["incident_id"], "locality_id": first["locality_id"], **change}],
        )
        message = {
            "effect_key": str(first["id"]),
            "channel": "sms",
            "template": "-",
            "slots": {},
            "due_at": NOW,
            "created_at": NOW,
        }
        put("outbox", [message])


def _scope(who: Someone, held: Held) -> dict[str, Any]:
    return {
        "person_id": who.id,
        "role": held.role,
        "locality_id": held.place,
        "office_id": held.office,
        "active": held.active,
    }


def _grant(grant: Opened) -> dict[str, Any]:
    to = {"person_id": grant.person, "office_id": grant.office, "role": grant.role}
    return {"subject_kind": grant.kind, "subject_id": grant.subject, "reason": "told", "given_at": NOW, **to}


def _full(name: str, row: dict[str, Any]) -> dict[str, Any]:
    more: dict[str, Any] = {
        "incident": {"reference": str(row.get("id")), "town_id": row.get("locality_id")},
        "alert": {"town_id": row.get("locality_id"), "threat": str(row.get("id"))},
        "delivery": {"effect_key": str(row.get("id"))},
    }.get(name, {})
    return {**FILL[name], **row, **more}
