"""The readiness board: whatever breaks a place's chain is named there with whose task it is, and is gone once it is mended."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
from sqlalchemy import event, update

from alerts import readiness
from alerts.readiness import Readiness
from committees.people import ContactPoint, Person, Scope
from committees.places import by_code
from tests.make import WARD, Town

CHAIN = (WARD, "PK-KP-MARDAN")


def look(town: Town) -> set[tuple[str, str]]:
    """What is missing in Ward 7 now."""
    with town.session("engine", write=True) as session:
        readiness.assess(session, town.clock.now(), [by_code(session, code) for code in CHAIN])
    with town.session("engine") as session:
        row = session.get_one(Readiness, by_code(session, WARD).id)
        assert row.ready == (not row.gaps)
        return {(gap["key"], gap["role"]) for gap in row.gaps}


def set_contacts(town: Town, code: str, **values: object) -> None:
    with town.session("seed", write=True) as session:
        person = town.person(session, code)
        session.execute(update(ContactPoint).where(ContactPoint.person_id == person.id).values(**values))


def test_a_whole_chain_is_ready(town: Town) -> None:
    assert look(town) == set()


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ({"verified_at": None}, "unverified"),
        ({"stopped_at": "now"}, "stopped"),
        ({"failing_since": "now", "failures": 3}, "failing"),
        ({"verified_at": "long ago"}, "aged"),
    ],
)
def test_a_contact_that_takes_nothing_is_named_by_its_role(
    town: Town, values: dict[str, object], key: str
) -> None:
    times = {"now": town.clock.now(), "long ago": town.clock.now() - timedelta(days=105)}
    set_contacts(town, "police.mardan", **{k: times.get(str(v), v) for k, v in values.items()})
    assert look(town) == {(key, "police_liaison")}


def test_an_office_with_nobody_and_a_pause_are_named(town: Town) -> None:
    with town.session("seed", write=True) as session:
        session.execute(update(Scope).where(Scope.role == "national_contact").values(active=False))
        session.execute(update(Scope).where(Scope.role == "district_administration").values(active=False))
        session.execute(
            update(Person)
            .where(Person.code == "chair.mardan")
            .values(paused_until=town.clock.now() + timedelta(days=1))
        )
    found = look(town)
    assert ("no_national", "national_contact") in found
    assert ("empty", "district_administration") in found
    assert ("paused", "chair") in found


def test_the_board_says_what_is_missing_and_whose_task_it_is(town: Town) -> None:
    set_contacts(town, "police.mardan", stopped_at=town.clock.now())
    look(town)
    page = town.browser("chair.mardan").open("/admin/readiness")
    assert "asked for no more messages" in page
    assert "can put it right" in page
    table = town.browser("chair.mardan").open("/admin/readiness.csv")
    rows = list(csv.DictReader(io.StringIO(table)))
    assert {row["gap"] for row in rows if row["locality"] == WARD} == {"stopped"}


def test_others_see_their_own_places_only(town: Town) -> None:
    set_contacts(town, "police.mardan", stopped_at=town.clock.now())
    look(town)
    assert WARD not in town.browser("chair.peshawar").open("/admin/readiness.csv")
    town.browser("member1.mardan").open("/admin/readiness")
    browser = town.browser("member1.mardan")
    browser.open("/admin/readiness")
    assert browser.status == 404


def test_a_change_makes_the_places_of_a_person_due_and_the_job_looks_again(town: Town) -> None:
    look(town)
    with town.session("engine", write=True) as session:
        while readiness.keep(session, town.clock.now()):
            pass
    set_contacts(town, "chair.mardan", stopped_at=town.clock.now())
    with town.session("engine", write=True) as session:
        readiness.make_due_for(session, town.person(session, "chair.mardan").id)
    with town.session("engine", write=True) as session:
        assert 0 < readiness.keep(session, town.clock.now()) <= 20
    with town.session("engine") as session:
        assert not session.get_one(Readiness, by_code(session, WARD).id).ready


def test_the_board_of_a_country_is_within_the_query_budget(town: Town) -> None:
    with town.session("engine", write=True) as session:
        while readiness.keep(session, town.clock.now()):
            pass
        session.execute(
            update(Readiness).values(
                ready=False,
                gaps=[
                    {"key": "no_national", "role": "national_contact", "by": "administrator", "by_place": ""}
                ],
            )
        )
    browser = town.browser("national.pk")
    asked: list[str] = []
    event.listen(town.runtime.web.engine, "before_cursor_execute", lambda *a: asked.append(a[2]))
    browser.open("/admin/readiness")
    assert browser.status == 200
    assert len(asked) <= 40
