"""Finds the place that an imported row names, by Concord's code or another scheme's, and makes those that are not stored yet.

A place is made only where the row says where it lies; it is watched and scored, under the country that stands before the colon of its
code. A country that nobody has set up is made with its name only. Used by history.py and gazetteer.py.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

from babel import Locale
from babel.core import get_global
from sqlalchemy import select
from sqlalchemy.orm import Session

from committees import places
from committees.intake.csv_files import Where
from committees.intake.ucdp import AREA_WORD
from committees.places import Country, Locality, LocalityCode

SCHEME = "import"
LEVEL = "district"


class ForeignPlaces:
    """One import's memory of the places it has met; `made` and `countries` say what was new."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.made: list[Locality] = []
        self.countries: list[str] = []
        self._known: dict[str, Locality] = {}
        self._districts: dict[str, list[Locality]] = {}

    def known(self, code: str) -> Locality | None:
        """The stored place with this code, of Concord or of another scheme."""
        if code not in self._known:
            found = (
                self.session.scalars(select(Locality).where(Locality.code == code)).first()
                or self._by_other_code(code)
                or self._by_name(code)
            )
            if found is None:
                return None
            self._known[code] = found
        return self._known[code]

    def _by_other_code(self, code: str) -> Locality | None:
        rows = (
            select(Locality)
            .join(LocalityCode, LocalityCode.locality_id == Locality.id)
            .where(LocalityCode.code == code)
        )
        return self.session.scalars(rows.order_by(LocalityCode.scheme)).first()

    def _by_name(self, code: str) -> Locality | None:
        """The one district of a country that is called so: files of ACLED and UCDP know districts by their names only."""
        prefix, _colon, name = code.partition(":")
        country = two_letters(prefix)
        if not name or not country:
            return None
        if country not in self._districts:
            rows = select(Locality).where(Locality.country_code == country, Locality.level == LEVEL)
            self._districts[country] = list(self.session.scalars(rows))
        found = [
            place
            for place in self._districts[country]
            if name.casefold() in {AREA_WORD.sub("", str(one)).casefold() for one in place.names.values()}
        ]
        return found[0] if len(found) == 1 else None

    def find(self, where: Where) -> Locality:
        """The place of a row; made if it is not stored and the row has its coordinates, else ValueError with what to do."""
        found = self.known(where.code)
        if found is not None:
            return found
        if where.latitude is None or where.longitude is None:
            raise ValueError(
                f"There is no place with the code {where.code}. Give its latitude and longitude, or import it with: concord import places."
            )
        return self.make(where)

    def make(self, where: Where, **more: Any) -> Locality:
        """Store a new place; `more` sets other columns of Locality, such as its parent and level."""
        prefix, colon, rest = where.code.partition(":")
        parent: Locality | None = more.pop("parent", None)
        country = (
            self._country("", parent.country_code)
            if parent
            else self._country(prefix if colon else "", where.country)
        )
        parent = parent or self._top(country)
        columns: dict[str, Any] = {"level": LEVEL, "watched": True, "scored": True, **more}
        names = columns.pop("names", None) or {"en": where.name or rest or where.code}
        made = Locality(
            code=where.code,
            country_code=country.code,
            parent_id=parent.id if parent else None,
            names=names,
            latitude=where.latitude,
            longitude=where.longitude,
            **columns,
        )
        places.add(self.session, made)
        self._known[where.code] = made
        self.made.append(made)
        if self.session.get(LocalityCode, (SCHEME, where.code)) is None:
            self.session.add(LocalityCode(scheme=SCHEME, code=where.code, locality_id=made.id))
        return made

    def _top(self, country: Country) -> Locality | None:
        """The place that stands for the whole country, if it has one."""
        rows = select(Locality).where(Locality.country_code == country.code, Locality.level == "country")
        return self.session.scalars(rows.order_by(Locality.depth, Locality.code)).first()

    def _country(self, prefix: str, name: str) -> Country:
        code = two_letters(prefix) or two_letters(name) or prefix or name
        if not code:
            raise ValueError(
                "The country is not known. Write the code of the place as COUNTRY:PLACE, such as PAK:Swat, or add a column country."
            )
        found = self.session.get(Country, code)
        if found is None:
            title = str(Locale("en").territories.get(code, name or code))
            found = Country(
                code=code,
                names={"en": title},
                level_names={LEVEL: {"en": "District"}},
                languages=["en"],
                zone=zone_in(code),
                emergency="112",
                scored_levels=[LEVEL],
                settings={},
            )
            self.session.add(found)
            self.session.flush()
            self.countries.append(title)
        return found


def two_letters(code: str) -> str:
    """The two letters of ISO 3166 for its two or three letters; empty for anything else."""
    code = code.upper()
    if len(code) == 2 and code in Locale("en").territories:
        return code
    aliases = list(get_global("territory_aliases").get(code, ())) if len(code) == 3 and code.isalpha() else []
    return str(aliases[0]) if len(aliases) == 1 else ""


@cache
def _zones() -> dict[str, str]:
    """The first time zone of each country, as the zone database lists them: that of its most populous area."""
    text = (files("tzdata") / "zoneinfo" / "zone.tab").read_text(encoding="utf-8")
    rows = [line.split("\t") for line in text.splitlines() if line and not line.startswith("#")]
    return {row[0]: row[2] for row in reversed(rows)}


def zone_in(country: str) -> str:
    """An IANA zone of a country by its two letters; UTC where it has none."""
    return _zones().get(country, "UTC")
