"""The demo's seed file holds together: what it points at exists, towns are complete, numbers are safe."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import phonenumbers
import pytest

from committees.people import ROLES
from coordination.seeds import DEMO, HERE, expand, hex_touch, read
from foundation.errors import Problem

SEED = read(DEMO)
PLACES = {row["code"]: row for row in SEED["localities"]}
OFFICES = {row["code"]: row for row in SEED["offices"]}
PEOPLE = {row["sign_in"]: row for row in SEED["people"]}
TOWNS = [row for row in SEED["localities"] if row["level"] == "town"]
# The cities of the first users, as they are known there, with the code of their country.
CITIES = {
    "Mardan": "PK", "Peshawar": "PK", "Nowshera": "PK", "Quetta": "PK", "Mirpur Khas": "PK",
    "Trincomalee Town and Gravets": "LK",
    "Narayanganj": "BD", "Satkania": "BD", "New Delhi": "IN", "Addu City Council": "MV", "Thinadhoo": "MV",
}  # fmt: skip
# Blocks that SOURCES.md gives reasons for; a number outside them could be a person's.
SAFE_NUMBERS = re.compile(
    r"\+923640000\d{3}|\+9470000\d{4}|\+8801100000\d{3}|\+9160100000\d{2}|\+96079000\d{2}"
)


def above(code: str | None) -> list[str]:
    chain: list[str] = []
    while code:
        assert code not in chain, f"{code} is its own ancestor"
        chain.append(code)
        code = PLACES[code]["parent"]
    return chain


def held_today(office: dict[str, Any], today: date) -> list[str]:
    return [t["person"] for t in office["terms"] if t["since"] <= today.isoformat() <= t["until"]]


def roles_for(town: str, today: date) -> Counter[str]:
    """Role to number of holders whose place is the town or above it."""
    chain = above(town)
    found = Counter(o["role"] for o in OFFICES.values() if o["locality"] in chain and held_today(o, today))
    for committee in SEED["committees"]:
        if committee["locality"] == town:
            found.update(seat["role"] for seat in committee["seats"])
    return found


@pytest.mark.parametrize(
    "rows", ["localities", "organisations", "offices", "committees", "countries", "policies"]
)
def test_codes_are_unique(rows: str) -> None:
    key = "key" if rows == "policies" else "code"
    assert [code for code, times in Counter(row[key] for row in SEED[rows]).items() if times > 1] == []


def test_the_eleven_cities_are_there_in_their_countries() -> None:
    assert {town["names"]["en"]: town["country"] for town in TOWNS} == CITIES


def test_every_place_has_a_parent_before_it_and_a_level_of_its_country() -> None:
    countries = {row["code"]: row for row in SEED["countries"]}
    seen: set[str] = set()
    for row in SEED["localities"]:
        levels = [level["key"] for level in countries[row["country"]]["levels"]]
        assert row["level"] in levels, row["code"]
        if row["parent"] is not None:
            assert row["parent"] in seen, row["code"]
            parent = PLACES[row["parent"]]
            if parent["country"] == row["country"]:
                assert levels.index(parent["level"]) < levels.index(row["level"]), row["code"]
        seen.add(row["code"])
    assert {row["code"] for row in SEED["localities"] if row["parent"] is None} == {"XA"}


def test_countries_have_zones_languages_scored_levels_and_an_emergency_number() -> None:
    for country in SEED["countries"]:
        ZoneInfo(country["zone"])
        assert country["emergency"].isdigit()
        assert set(country["scored_levels"]) <= {level["key"] for level in country["levels"]}
        first = country["languages"][0]
        assert first in country["names"]
        assert all(first in PLACES[t["code"]]["names"] for t in TOWNS if t["country"] == country["code"])
        assert all(first in level["names"] for level in country["levels"])


def test_towns_lie_where_their_country_is() -> None:
    boxes = {
        "PK": (23, 37, 60, 78),
        "LK": (5, 10, 79, 82),
        "BD": (20, 27, 88, 93),
        "IN": (6, 36, 68, 98),
        "MV": (-1, 8, 72, 74),
    }
    for row in SEED["localities"]:
        if "lat" in row:
            south, north, west, east = boxes[row["country"]]
            assert south <= row["lat"] <= north, row["code"]
            assert west <= row["lon"] <= east, row["code"]


def test_neighbours_are_two_known_places_once() -> None:
    pairs = [frozenset((row["a"], row["b"])) for row in SEED["neighbours"]]
    assert all(len(pair) == 2 and pair <= set(PLACES) for pair in pairs)
    assert [pair for pair, times in Counter(pairs).items() if times > 1] == []
    for row in SEED["neighbours"]:
        abroad = PLACES[row["a"]]["country"] != PLACES[row["b"]]["country"]
        assert bool(row.get("cross_border", False)) == abroad, row


def test_every_ward_is_watched_and_joined_to_another_ward() -> None:
    joined = {code for row in SEED["neighbours"] if row["kind"] == "grid" for code in (row["a"], row["b"])}
    wards = [row for row in SEED["localities"] if row["level"] == "ward"]
    assert {row["code"] for row in wards} == joined
    assert all(row["watched"] and row["scored"] for row in wards)
    assert all(row["watched"] and len(row["sender"]) <= 18 for row in TOWNS)


def test_offices_point_at_people_places_organisations_and_known_roles() -> None:
    organisations = {row["code"] for row in SEED["organisations"]}
    for office in OFFICES.values():
        assert office["locality"] in PLACES
        assert office["organisation"] in organisations
        assert office["role"] in ROLES
        assert office.get("deputy_of", office["code"]) in OFFICES
        assert all(term["person"] in PEOPLE and term["since"] < term["until"] for term in office["terms"])


def test_every_term_and_seat_is_held_by_one_person_at_a_time_and_everybody_has_a_role() -> None:
    today = date(2026, 1, 1)
    holders = [held_today(office, today) for office in OFFICES.values()]
    assert all(len(people) == 1 for people in holders)
    seated = [seat["person"] for committee in SEED["committees"] for seat in committee["seats"]]
    former = {term["person"] for office in OFFICES.values() for term in office["terms"]}
    assert set(seated) | former == set(PEOPLE)
    assert [
        who
        for who, times in Counter([*seated, *(p for people in holders for p in people)]).items()
        if times > 1
    ] == []


def test_every_town_is_complete() -> None:
    for town in TOWNS:
        roles = roles_for(town["code"], date(2026, 1, 1))
        needed = {
            "secretary",
            "chair",
            "city_officer",
            "district_administration",
            "police_liaison",
            "national_contact",
        }
        needed |= {"services_focal_person", "oversight", "hub_analyst", "auditor", "administrator"}
        assert needed <= set(roles), town["code"]
        assert roles["member"] >= 2, town["code"]


def test_mardan_has_members_in_several_wards_women_youth_and_touch_points() -> None:
    committee = next(row for row in SEED["committees"] if row["locality"] == "PK-KP-MARDAN")
    members = [seat for seat in committee["seats"] if seat["role"] == "member"]
    assert len(members) >= 6
    assert len({seat["ward"] for seat in members}) >= 4
    assert {"women", "youth"} <= {seat.get("kept_for") for seat in members}
    sectors = {
        o["sector"]
        for o in OFFICES.values()
        if o["role"] == "touch_point" and o["locality"] == "PK-KP-MARDAN"
    }
    assert sectors == {"school", "health", "welfare"}


def test_seats_and_links_point_at_what_exists() -> None:
    for committee in SEED["committees"]:
        assert committee["locality"] in PLACES
        for seat in committee["seats"]:
            assert seat["person"] in PEOPLE
            assert committee["locality"] in above(seat.get("ward", committee["locality"]))
    for link in SEED["linked_contacts"]:
        assert link["locality"] in PLACES
        assert set(link["offices"]) <= set(OFFICES)
        assert 1 <= link["min_level"] <= 5


def test_numbers_are_valid_unique_and_from_the_blocks_that_ring_at_nobody() -> None:
    numbers = [c["address"] for person in PEOPLE.values() for c in person["contacts"] if c["kind"] == "sms"]
    assert len(numbers) == len(set(numbers))
    for number in numbers:
        assert SAFE_NUMBERS.fullmatch(number), number
        parsed = phonenumbers.parse(number)
        assert phonenumbers.is_valid_number(parsed), number
        assert phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164) == number


def test_everybody_is_reachable_in_a_language_of_the_country_and_mail_goes_to_example_org() -> None:
    assert all(person["contacts"] for person in PEOPLE.values())
    assert all(
        c["address"].endswith("@example.org")
        for p in PEOPLE.values()
        for c in p["contacts"]
        if c["kind"] == "email"
    )
    assert {p["language"] for p in PEOPLE.values()} >= {"en", "ur", "si", "ta", "bn", "hi", "dv"}
    assert {p.get("script", "own") for p in PEOPLE.values()} == {"own", "Latn"}
    names = [person["name"] for person in PEOPLE.values()]
    assert len(set(names)) == len(names)
    assert all(" " not in name for name in names)


def test_the_ladder_is_no_slower_than_promised_and_ends_with_oversight() -> None:
    (ladder,) = SEED["policies"]
    assert ladder["clocks_minutes"] == {3: 240, 4: 30, 5: 10}
    asked = [role for step in ladder["steps"] for role in step["ask"]]
    assert set(asked) <= set(ROLES)
    assert [step["kind"] for step in ladder["steps"]] == ["tell", "tell", "review", "tell"]
    assert asked[-2:] == ["oversight", "national_contact"]


def test_places_files_are_small_closed_and_leave_out_disputed_areas() -> None:
    for country in ("PK", "LK", "BD", "IN", "MV"):
        path = HERE / "places" / f"{country}.json"
        assert path.stat().st_size < 40 * 1024
        outline = json.loads(path.read_text(encoding="utf-8"))
        assert outline["source"]
        assert not {"PK-GB", "PK-JK", "IN-JK", "IN-LA"} & {area["code"] for area in outline["areas"]}
        for area in outline["areas"]:
            assert area["rings"], area["code"]
            assert all(ring[0] == ring[-1] and len(ring) >= 4 for ring in area["rings"]), area["code"]
    assert PLACES["PK-KP"]["area"]["rings"]
    assert PLACES["LK-53"]["area"]["rings"]
    assert PLACES["BD-40"]["area"]["rings"]
    assert PLACES["MV-28"]["area"]["rings"]


def test_districts_of_bangladesh_know_their_real_neighbours() -> None:
    pairs = {frozenset((row["a"], row["b"])) for row in SEED["neighbours"]}
    assert frozenset(("BD-40", "BD-35")) in pairs
    assert frozenset(("BD-10", "BD-01")) in pairs
    assert frozenset(("BD-40", "BD-10")) not in pairs


def test_hexagons_touch_six_others() -> None:
    grid = [[column, row] for column in range(5) for row in range(5)]
    for middle in ([2, 2], [2, 1]):
        assert sum(hex_touch(middle, cell) for cell in grid) == 6
        assert all(hex_touch(cell, middle) for cell in grid if hex_touch(middle, cell))


def test_expanding_writes_out_wards_names_and_contacts() -> None:
    document = {
        "countries": [
            {"code": "C", "name": "Land", "scored_levels": ["ward"], "ward_names": {"en": "Ward {n}"}}
        ],
        "localities": [
            {"code": "C", "parent": None, "level": "country", "name": "Land"},
            {
                "code": "C-T",
                "parent": "C",
                "level": "town",
                "name": "Town",
                "wards": 2,
                "town_only_wards": [2],
            },
        ],
        "people": [{"sign_in": "a", "name": "Ari", "sms": "+923640000001", "language": "ur"}],
    }
    full = expand(document, Path())
    assert [row["code"] for row in full["localities"]] == ["C", "C-T", "C-T-W1", "C-T-W2"]
    assert full["localities"][3]["names"] == {"en": "Ward 2"}
    assert [row.get("town_only", False) for row in full["localities"]] == [False, False, False, True]
    assert full["neighbours"] == [{"a": "C-T-W1", "b": "C-T-W2", "kind": "grid"}]
    (contact,) = full["people"][0]["contacts"]
    assert contact == {
        "kind": "sms",
        "address": "+923640000001",
        "language": "ur",
        "script": "own",
        "verified": True,
    }


def test_a_file_that_is_no_seed_file_is_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "seed.yaml"
    with pytest.raises(Problem, match="cannot be read"):
        read(path)
    path.write_text("[1, 2]", encoding="utf-8")
    with pytest.raises(Problem, match="not a seed file"):
        read(path)
    path.write_text("a: [", encoding="utf-8")
    with pytest.raises(Problem, match="cannot be read"):
        read(path)
