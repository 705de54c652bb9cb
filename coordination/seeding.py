"""`concord seed FILE`: places, organisations, offices, people, committees, links and policies from one YAML or JSON file.

Running it twice changes nothing: every row is known by its code. A row that cannot be used is named, with what to do. The file's shape is
described at the head of coordination/seeds/demo.yaml; reading it is coordination/seeds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from alerts import policy_versions
from alerts.policies import PARTS, EscalationPolicy
from alerts.receivers import LinkedContact
from committees import people, places
from committees.committee import Committee, Seat, take_seat
from committees.layers import plain
from committees.people import ROLES, Office, Organisation, Person
from committees.places import Country, Locality, LocalityCode
from coordination import seeding_dates, seeding_profiles, seeding_rosters, seeds
from foundation.db import Base
from foundation.errors import Invalid, Problem

Row = dict[str, Any]
Progress = Callable[[str, int, int], None]


def seed(
    session: Session, now: datetime, path: Path, progress: Progress = lambda name, done, total: None
) -> Counter[str]:
    """Load a seed file and return how many rows of each kind were new; the caller commits. Raise Problem naming the bad row."""
    return Seeding(session, now, seeds.read(path), progress).run()


class Seeding:
    """One run over one file's rows."""

    def __init__(self, session: Session, now: datetime, document: Row, progress: Progress) -> None:
        self.session, self.now, self.document, self.progress = session, now, document, progress
        self.new: Counter[str] = Counter()
        self.places: dict[str, Locality] = {}
        self.offices: dict[str, Office] = {}
        self.people: dict[str, Person] = {}
        self.homes: dict[str, Locality] = {}

    def run(self) -> Counter[str]:
        """Every list in the order in which rows depend on each other."""
        for name, write in (
            ("countries", self.country),
            ("localities", self.locality),
            ("neighbours", self.neighbour),
            ("organisations", self.organisation),
            ("offices", self.office),
        ):
            self._each(name, self.document[name], write)
        self._find_homes()
        self._each("people", self.document["people"], self.person)
        self._each("terms", self.document["offices"], self.terms)
        self._each("committees", self.document["committees"], self.committee)
        self._each("linked_contacts", self.document["linked_contacts"], self.linked)
        self._each("policies", self.document["policies"], self.policy)
        self._each("rosters", self.document["rosters"], self.roster)
        self._each("dates", self.document["dates"], self.date)
        self._each("profiles", self.document["profiles"], self.profile)
        return +self.new  # without what is not new

    def _each(self, name: str, rows: Iterable[Row], write: Callable[[Row], None]) -> None:
        rows = list(rows)
        for count, row in enumerate(rows, 1):
            try:
                write(row)
            except KeyError as missing:
                raise Problem(
                    f"{name}, row {count}: {missing.args[0]!r} is missing or not known.",
                    f"The row begins {str(row)[:120]}",
                ) from None
            except (ValueError, TypeError) as error:
                raise Problem(f"{name}, row {count}: {error}", f"The row begins {str(row)[:120]}") from None
            self.progress(name, count, len(rows))
        self.session.flush()

    def _add(self, name: str, row: Base) -> None:
        self.session.add(row)
        self.new[name] += 1

    def country(self, row: Row) -> None:
        """A country with its words and numbers."""
        if self.session.get(Country, row["code"]):
            return
        levels = {level["key"]: level["names"] for level in row["levels"]}
        settings = {key: row[key] for key in ("help_lines", "two_way_sms") if key in row}
        self._add(
            "countries",
            Country(
                code=row["code"],
                names=row["names"],
                level_names=levels,
                languages=row["languages"],
                zone=row["zone"],
                emergency=str(row["emergency"]),
                scored_levels=row["scored_levels"],
                settings=settings,
            ),
        )
        self.session.flush()

    def locality(self, row: Row) -> None:
        """A place under its parent, with its codes."""
        found = self.session.scalars(select(Locality).where(Locality.code == row["code"])).first()
        if found is None:
            parent = self.places[row["parent"]] if row.get("parent") else None
            found = Locality(
                code=row["code"],
                country_code=row.get("country") or row["code"],
                parent_id=parent.id if parent else None,
                level=row["level"],
                names=row["names"],
                number=row.get("number"),
                zone=row.get("zone"),
                latitude=row.get("lat"),
                longitude=row.get("lon"),
                area=row.get("area"),
                watched=row.get("watched", False),
                scored=row.get("scored", True),
                town_only=row.get("town_only", False),
                depth=0,
                tree=row.get("tree", "administrative"),
            )
            places.add(self.session, found)
            self.session.add_all(
                LocalityCode(scheme=s, code=str(c), locality_id=found.id)
                for s, c in row.get("codes", {}).items()
            )
            self.new["localities"] += 1
        self.places[row["code"]] = found

    def neighbour(self, row: Row) -> None:
        """Two places that touch."""
        places.link(self.session, self.places[row["a"]].id, self.places[row["b"]].id)

    def organisation(self, row: Row) -> None:
        """A body that offices belong to."""
        if self._by_code(Organisation, row["code"]) is None:
            self._add(
                "organisations",
                Organisation(
                    code=row["code"], names=row["names"], kind=row["kind"], country_code=row.get("country")
                ),
            )

    def office(self, row: Row) -> None:
        """A desk with its role and place."""
        if row["role"] not in ROLES:
            raise ValueError(f"{row['role']!r} is not a role; use one of {', '.join(ROLES)}")
        found = self._by_code(Office, row["code"])
        if found is None:
            body = self._by_code(Organisation, row["organisation"])
            deputy = self.offices[row["deputy_of"]].id if row.get("deputy_of") else None
            found = Office(
                code=row["code"],
                role=row["role"],
                names=row["names"],
                locality_id=self.places[row["locality"]].id,
                organisation_id=body.id if body else None,
                deputy_id=deputy,
            )
            self._add("offices", found)
            self.session.flush()
        self.offices[row["code"]] = found

    def _find_homes(self) -> None:
        """The place to which a person's numbers belong for the policy: that of the office or committee."""
        for row in self.document["offices"]:
            for term in row.get("terms", ()):
                self.homes.setdefault(term["person"], self.places[row["locality"]])
        for row in self.document["committees"]:
            for seat in row["seats"]:
                self.homes[seat["person"]] = self.places[row["locality"]]

    def person(self, row: Row) -> None:
        """Somebody with numbers and a language."""
        found = self._by_code(Person, row["sign_in"])
        if found is None:
            found = Person(
                code=row["sign_in"],
                name=row["name"],
                language=row.get("language", "en"),
                script=row.get("script", "own"),
            )
            self._add("people", found)
            self.session.flush()
            home = self.homes.get(row["sign_in"]) or next(iter(self.places.values()))
            for position, contact in enumerate(row["contacts"]):
                verified = self.now if contact["verified"] else None
                people.add_contact(
                    self.session,
                    found,
                    contact["kind"],
                    contact["address"],
                    locality_id=home.id,
                    position=position,
                    verified_at=verified,
                )
        self.people[row["sign_in"]] = found

    def terms(self, row: Row) -> None:
        """Who held an office when; only today's holder has a standing."""
        office = self.offices[row["code"]]
        known = self.session.scalar(
            select(func.count()).select_from(people.Term).where(people.Term.office_id == office.id)
        )
        if known:
            return
        for term in row.get("terms", ()):
            since, until = _moment(term["since"]), _moment(term.get("until"), end=True)
            made = people.begin_term(
                self.session, office, self.people[term["person"]], since or self.now, until
            )
            self.session.flush()
            if until and until <= self.now:
                people.end_term(self.session, made, until)
            self.new["terms"] += 1

    def committee(self, row: Row) -> None:
        """A committee, its seats and who sits on them."""
        if self._by_code(Committee, row["code"]) is not None:
            return
        body = Committee(
            code=row["code"],
            names=row["names"],
            short_name=row["short_name"],
            kind=row["kind"],
            mandate=row.get("mandate", ""),
            locality_id=self.places[row["locality"]].id,
        )
        self._add("committees", body)
        self.session.flush()
        for line in row["seats"]:
            ward = self.places[line["ward"]].id if line.get("ward") else None
            seat = Seat(
                committee_id=body.id, role=line["role"], kept_for=line.get("kept_for", ""), ward_id=ward
            )
            self.session.add(seat)
            self.session.flush()
            take_seat(
                self.session, seat, body, self.people[line["person"]], _moment(line["since"]) or self.now
            )

    def linked(self, row: Row) -> None:
        """Offices told at a place from a level on."""
        place = self.places[row["locality"]]
        for code in row["offices"]:
            office = self.offices[code]
            rows = select(LinkedContact).where(
                LinkedContact.locality_id == place.id,
                LinkedContact.office_id == office.id,
                LinkedContact.threat == row["threat"],
                LinkedContact.min_level == row["min_level"],
            )
            if self.session.scalars(rows).first() is None:
                self._add(
                    "linked_contacts",
                    LinkedContact(
                        locality_id=place.id,
                        threat=row["threat"],
                        min_level=row["min_level"],
                        office_id=office.id,
                    ),
                )

    def policy(self, row: Row) -> None:
        """An escalation ladder, checked like one that people write."""
        if self._by_code(EscalationPolicy, row["key"]) is not None:
            return
        place = self.places[row["locality"]] if row["locality"] != "*" else None
        document = {"clocks": row["clocks_minutes"], **{part: row[part] for part in PARTS if part in row}}
        document = plain(document)
        try:
            policy_versions.check_at(self.session, place, row["threat"], document)
        except Invalid as wrong:
            raise Problem(f"The policy {row['key']}: {wrong.field}: {wrong.message}", wrong.hint) from None
        where = place.id if place else None
        self._add(
            "policies",
            EscalationPolicy(
                code=row["key"], locality_id=where, threat=row["threat"], created_at=self.now, **document
            ),
        )

    def roster(self, row: Row) -> None:
        """Who of an office is on duty when."""
        self.new["rosters"] += seeding_rosters.enter(self.session, self.now, row)

    def date(self, row: Row) -> None:
        """A date of the calendar."""
        self.new["dates"] += seeding_dates.enter(self.session, self.now, row)

    def profile(self, row: Row) -> None:
        """A place's own local picture."""
        self.new["profiles"] += seeding_profiles.enter(self.session, self.now, row)

    def _by_code(self, entity: Any, code: str) -> Any:
        return self.session.scalars(select(entity).where(entity.code == code)).first()


def _moment(day: str | date | None, *, end: bool = False) -> datetime | None:
    if day is None:
        return None
    parsed = date.fromisoformat(day) if isinstance(day, str) else day
    return datetime.combine(parsed, time(0), UTC) + timedelta(days=1 if end else 0)
