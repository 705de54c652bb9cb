"""The first content, as data, and the one function that reads it: demo.yaml and the outlines under places/.

`read` turns a seed file into plain rows with every shorthand expanded and says nothing about tables; writing
rows is the seed command's work. The shape of a file is described at the head of demo.yaml. Imported by
coordination's seed and demo commands only.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from committees.contact_addresses import CHANNELS
from foundation.errors import Problem

Row = dict[str, Any]
HERE = Path(__file__).parent
DEMO = HERE / "demo.yaml"
LISTS = (
    "countries",
    "localities",
    "neighbours",
    "organisations",
    "offices",
    "people",
    "committees",
    "linked_contacts",
    "policies",
    "rosters",
    "dates",
    "profiles",
)
NEEDED = {"countries": ("code",), "localities": ("code", "parent", "level"), "neighbours": ("a", "b")}
HEX_COLUMNS = 3


def read(path: Path) -> Row:
    """The seed file at `path` (YAML or JSON), shorthands expanded; raise Problem where it cannot be read."""
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise Problem(f"The seed file {path} cannot be read.", str(error)) from error
    if not isinstance(document, dict):
        raise Problem(
            f"The seed file {path} is not a seed file.",
            "It starts with lists such as countries and localities.",
        )
    _check(document)
    return expand(document, path.parent)


def _check(document: Row) -> None:
    """Raise Problem naming the first row without the words that its shorthands are expanded by."""
    for key in LISTS:
        rows = document.get(key) or []
        if not isinstance(rows, list):
            raise Problem(f"{key} is not a list.", f"Begin each row under {key} with a dash.")
        for count, row in enumerate(rows, 1):
            begins = f"The row begins {str(row)[:120]}"
            if not isinstance(row, dict):
                raise Problem(f"{key}, row {count} is not a row with names and values.", begins)
            for name in NEEDED.get(key, ()):
                if name not in row:
                    raise Problem(f"{key}, row {count}: {name!r} is missing or not known.", begins)


def expand(document: Row, folder: Path) -> Row:
    """The same content with names, wards, contacts and outlines written out; places files lie in `folder`."""
    full: Row = {**document, **{key: [_named(row) for row in document.get(key) or []] for key in LISTS}}
    countries = {row["code"]: row for row in full["countries"]}
    outlines = [
        json.loads((folder / row["places"]).read_text(encoding="utf-8"))
        for row in full["countries"]
        if row.get("places")
    ]
    areas = {area["code"]: {"rings": area["rings"]} for outline in outlines for area in outline["areas"]}
    full["localities"] = list(_localities(full["localities"], countries, areas))
    known = {row["code"] for row in full["localities"]}
    full["neighbours"] = list(_neighbours(full, outlines, known))
    full["people"] = [{**row, "contacts": list(_contacts(row))} for row in full["people"]]
    return full


def _named(row: Row) -> Row:
    if "name" in row and "sign_in" not in row:
        return {**{key: value for key, value in row.items() if key != "name"}, "names": {"en": row["name"]}}
    return row


def _localities(rows: list[Row], countries: dict[str, Row], areas: dict[str, Row]) -> Iterator[Row]:
    country_of: dict[str, str] = {}
    for row in rows:
        code = row["code"]
        country_of[code] = code if code in countries else country_of.get(row["parent"], "")
        country = countries.get(country_of[code], {})
        plain = {key: value for key, value in row.items() if key not in ("wards", "town_only_wards")}
        scored = row["level"] in country.get("scored_levels", [])
        yield {"area": areas.get(code), **plain, "country": country_of[code], "scored": scored}
        if "wards" in row:
            yield from _wards(row, country)


def _wards(town: Row, country: Row) -> Iterator[Row]:
    wards = town["wards"]
    for place in range(wards if isinstance(wards, int) else len(wards)):
        number = place + 1
        numbered = {
            language: words.format(n=number) for language, words in country.get("ward_names", {}).items()
        }
        yield {
            "code": f"{town['code']}-W{number}",
            "country": country.get("code", ""),
            "parent": town["code"],
            "level": "ward",
            "names": numbered if isinstance(wards, int) else wards[place],
            "number": str(number),
            "area": {"hex": [place % HEX_COLUMNS, place // HEX_COLUMNS]},
            "watched": True,
            "scored": "ward" in country.get("scored_levels", []),
            "town_only": number in town.get("town_only_wards", []),
        }


def hex_touch(one: list[int], other: list[int]) -> bool:
    """Whether two cells [column, row] of hexagons touch, where odd rows lie half a cell to the right."""
    rows = other[1] - one[1]
    columns = (other[0] - one[0]) * 2 + other[1] % 2 - one[1] % 2
    return (rows == 0 and abs(columns) == 2) or (abs(rows) == 1 and abs(columns) == 1)


def _neighbours(full: Row, outlines: list[Row], known: set[str]) -> Iterator[Row]:
    yield from full["neighbours"]
    for outline in outlines:
        yield from (
            {"a": a, "b": b, "kind": "border"} for a, b in outline.get("neighbours", []) if {a, b} <= known
        )
    towns: dict[str, list[Row]] = {}
    for row in full["localities"]:
        if "hex" in (row.get("area") or {}):
            towns.setdefault(row["parent"], []).append(row)
    for wards in towns.values():
        for place, one in enumerate(wards):
            for other in wards[place + 1 :]:
                if hex_touch(one["area"]["hex"], other["area"]["hex"]):
                    yield {"a": one["code"], "b": other["code"], "kind": "grid"}


def _contacts(person: Row) -> Iterator[Row]:
    for kind in CHANNELS:
        if kind in person:
            yield {
                "kind": kind,
                "address": person[kind],
                "language": person.get("language", "en"),
                "script": person.get("script", "own"),
                "verified": person.get("verified", True),
            }
