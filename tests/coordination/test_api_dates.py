"""The calendar over the API: listing with windows, adding once, and who may not."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select

from committees import public_holidays
from committees.flashpoints import Flashpoint
from tests.coordination.test_api import Client, is_problem
from tests.make import START, WARD, Town

Clients = Callable[..., Client]
DATES = "/localities/PK-KP-MARDAN/dates"


@pytest.fixture
def client(town: Town) -> Clients:
    return lambda person=None, *scopes: Client(town, person, *scopes)


def body(**changes: Any) -> dict[str, Any]:
    new = {
        "id": str(uuid.uuid4()),
        "trigger": "procession",
        "names": {"en": "A walk"},
        "starts": "2026-12-10",
    }
    return {**new, **changes}


def test_a_date_is_added_once_and_listed_with_its_window(town: Town, client: Clients) -> None:
    secretary, new = client("secretary.mardan"), body(note="Ask the shopkeepers")
    first = secretary.send(DATES, new, key="one")
    assert first.status_code == 201, first.text
    assert first.get_json() == {
        "id": new["id"], "locality": "PK-KP-MARDAN", "trigger": "procession", "names": {"en": "A walk"},
        "starts": "2026-12-10", "ends": "2026-12-10", "opens": "2026-11-30", "closes": "2026-12-12",
        "about": False, "difficult": False, "cancelled": "", "source": "person",
    }  # fmt: skip
    assert secretary.send(DATES, new, key="one").get_json() == first.get_json()
    assert secretary.send(DATES, {**new, "names": {"en": "Another"}}).status_code == 200
    member = client("member1.mardan")
    assert member.get(f"/localities/{WARD}/dates").get_json() == {"items": [first.get_json()], "next": None}
    assert member.get(DATES, since="2026-12-13", until="2026-12-31").get_json()["items"] == []
    assert len(member.get(DATES, since="2026-11-30", until="2026-11-30").get_json()["items"]) == 1
    with town.session() as session:
        assert session.scalar(select(func.count()).select_from(Flashpoint)) == 1


def test_what_cannot_be_used_is_named(client: Clients) -> None:
    secretary = client("secretary.mardan")
    is_problem(secretary.send(DATES, body(trigger="comet")), 422, "trigger")
    is_problem(secretary.send(DATES, body(trigger="shock_elsewhere")), 422, "trigger")
    is_problem(secretary.send(DATES, body(ends="2026-12-09")), 422, "ends")
    is_problem(secretary.send(DATES, body(starts="1999-12-09")), 422, "starts")
    is_problem(secretary.send(DATES, body(names={})), 422, "names")
    is_problem(secretary.get(DATES, since="2026-12-10", until="2026-12-09"), 422, "until")
    is_problem(secretary.get(DATES, since="2026-12-10", until="2099-12-09"), 422, "until")


def test_only_the_committee_and_its_city_officer_add_and_nobody_from_elsewhere_reads(client: Clients) -> None:
    for person in ("member1.mardan", "police.mardan", "national.pk"):
        is_problem(client(person).send(DATES, body()), 403)
    assert client("city.mardan").send(DATES, body()).status_code == 201
    is_problem(client("city.mardan").get("/localities/LK/dates"), 404)
    is_problem(client("national.pk").get(f"/localities/{WARD}/dates"), 404)
    is_problem(client("secretary.mardan", "read").send(DATES, body()), 403)


def test_an_id_of_another_place_is_not_taken(client: Clients) -> None:
    secretary, new = client("secretary.mardan"), body()
    assert secretary.send(DATES, new).status_code == 201
    is_problem(secretary.send(f"/localities/{WARD}/dates", new), 409)


def test_public_holidays_are_listed_too(town: Town, client: Clients) -> None:
    with town.session(write=True) as session:
        public_holidays.enter(session, START)
    found = client("member1.mardan").get(DATES, since="2027-03-09", until="2027-03-13").get_json()["items"]
    eid = next(one for one in found if one["names"]["en"] == "Eid-ul-Fitr")
    assert (eid["about"], eid["source"], eid["locality"]) == (True, "library", "PK")
    assert eid["names"]["ur"]
