"""The made-up cast of the demonstration: who may sign in with one click, and the password that all of them share.

Used by the demo command and by the sign-in page of a demonstration; nothing of it exists in real use.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from committees.people import Person, Scope
from committees.places import Locality

PASSWORD = "lantern river seven"  # noqa: S105 -- printed on the sign-in page of a demonstration that holds nothing real
SHOWN = (
    "member1.mardan",
    "secretary.mardan",
    "chair.mardan",
    "city.mardan",
    "district.mardan",
    "police.mardan",
    "national.pk",
    "hub",
    "admin",
    "auditor",
)


@dataclass(frozen=True)
class Part:
    """One sign-in that the demonstration offers."""

    sign_in: str
    name: str
    role: str
    place: str


def parts(session: Session, language: str) -> list[Part]:
    """Everybody the sign-in page offers, in the order of a report's journey."""
    rows = (
        select(Person, Scope.role, Locality)
        .join(Scope, Scope.person_id == Person.id)
        .join(Locality, Locality.id == Scope.locality_id)
        .where(Person.code.in_(SHOWN), Scope.active)
    )
    found = {
        person.code: Part(person.code, person.name, role, place.name(language))
        for person, role, place in session.execute(rows)
    }
    return [found[code] for code in SHOWN if code in found]
