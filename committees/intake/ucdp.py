"""UCDP GED (Georeferenced Event Dataset) as its authors publish it, and how their places are named here.

Source of the data: Uppsala Conflict Data Program, https://ucdp.uu.se/downloads, CC BY 4.0. Column names and codes: the GED codebook.
An event over several days is dated by its last day. Used by csv_files.py and acled.py only.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, time
from functools import cache
from uuid import uuid5

from babel import Locale
from babel.core import get_global

from committees.intake import csv_files
from committees.intake.csv_files import IDS, Event, Fields, Format, Where

TERMS = "UCDP GED is under CC BY 4.0: name the Uppsala Conflict Data Program (ucdp.uu.se) wherever you show what was made of it."
CATEGORIES = {"1": "state_based", "2": "non_state", "3": "one_sided"}
WHOLE_COUNTRY = ("6", "7")  # where_prec: known only to lie in the country, or at sea and in the air
AREA_WORD = re.compile(r"\s+(district|province|division|zila|tehsil|state|agency)$", re.IGNORECASE)


def read(fields: Fields) -> Event:
    """One event of GED: the best estimate of deaths gives the severity (5 from five deaths on, 4 from one on, else 3)."""
    csv_files.needed(fields, "id", "type_of_violence", "date_end", "country")
    category = CATEGORIES.get(fields["type_of_violence"])
    if category is None:
        raise ValueError(f"type_of_violence must be 1, 2 or 3, not {fields['type_of_violence']!r}.")
    if fields.get("where_prec") in WHOLE_COUNTRY:
        raise ValueError("where_prec says that only the country is known: a score needs a place within it.")
    area = fields.get("adm_2") or fields.get("adm_1") or ""
    if not area:
        raise ValueError("adm_1 and adm_2 are empty: a score needs a place.")
    at = datetime.combine(csv_files.day("date_end", fields["date_end"]), time(12), UTC)
    return Event(
        id=uuid5(IDS, f"ucdp|{fields['id']}"),
        source=f"UCDP {fields['id']}",
        where=somewhere(fields, fields["country"], area),
        kind=csv_files.imported(category),
        severity=severity_of(deaths_of("best", fields.get("best") or fields.get("best_est") or "")),
        occurred_at=at,
        known_at=at,
    )


def deaths_of(column: str, text: str) -> int:
    """A number of deaths, 0 where the cell is empty; some editions write it as 3.0."""
    return csv_files.whole(column, text.removesuffix(".0") or "0", 0, 10_000_000)


def severity_of(deaths: int) -> int:
    """The severity of a violent event by its deaths."""
    return 5 if deaths >= 5 else 4 if deaths else 3


def somewhere(fields: Fields, country: str, area: str) -> Where:
    """An area of a country under the code that this file's events share: PAK:Swat for the district of Swat in Pakistan."""
    name = AREA_WORD.sub("", area.strip())
    return csv_files.place(fields, f"{letters_of(country)}:{name}", name=name, country=country)


def letters_of(country: str) -> str:
    """The three letters of ISO 3166 for a country's English name; its name in capitals where nobody knows them."""
    return _letters().get(_plain(country)) or re.sub(r"[^A-Z]", "", country.upper())


@cache
def _letters() -> dict[str, str]:
    two = {
        old: new[0]
        for old, new in get_global("territory_aliases").items()
        if len(old) == 3 and old.isalpha() and len(new) == 1
    }
    # Where a country has had two, the younger one stands later in the alphabet: MMR after BUR.
    three = {letters: alias for alias, letters in sorted(two.items())}
    names = Locale("en").territories
    return {_plain(str(names[letters])): alias for letters, alias in three.items() if letters in names}


def _plain(name: str) -> str:
    """A country's name without what stands in brackets, in small letters."""
    return re.sub(r"\s*\(.*?\)", "", name).casefold().replace("&", "and").strip()


FORMAT = Format("UCDP GED", ("id", "type_of_violence", "date_end", "country", "adm_1"), read, terms=TERMS)
