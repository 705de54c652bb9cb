"""The local picture: versions that never change once published, parents beneath children, and the picture of any past day."""

from __future__ import annotations

import threading
import uuid
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from committees import profiles
from committees.people import principal_of
from committees.places import by_code
from committees.profiles import (
    APPROVED,
    DRAFT,
    IN_FORCE,
    PROPOSED,
    REFUSED,
    REPLACED,
    WITHDRAWN,
    Profile,
    starter,
)
from foundation.db import claim
from foundation.errors import Conflict, Invalid, NotAllowed
from tests.make import WARD, Town

CITY = "PK-KP-MARDAN"
TOWN_HALL, POLICE = uuid.UUID(int=101), uuid.UUID(int=102)


def draft(
    town: Town, session: Session, code: str, author: int = 1, valid_from: Any = None, **document: Any
) -> Profile:
    place = by_code(session, code)
    return profiles.draft(
        session,
        town.clock.now(),
        place.id,
        document,
        author_id=uuid.UUID(int=author),
        reason="x",
        organisations={TOWN_HALL},
        consulted=["Women of ward 7"],
        valid_from=valid_from,
    )


def publish(
    town: Town, session: Session, profile: Profile, approver: int = 2, body: uuid.UUID = POLICE
) -> None:
    now = town.clock.now()
    if profile.state == DRAFT:
        profiles.propose(session, now, profile, person_id=profile.author_id)
    profiles.approve(session, now, profile, person_id=uuid.UUID(int=approver), organisations={body})


def holds(session: Session, code: str, key: str, at: Any = None) -> Any:
    return profiles.in_force(session, by_code(session, code).id, at).document.get(key)


def test_a_draft_holds_nowhere_until_a_second_person_agrees(town: Town) -> None:
    with town.session() as session:
        before = profiles.in_force(session, by_code(session, CITY).id)
        row = draft(town, session, CITY, mark="new")
        assert profiles.in_force(session, by_code(session, CITY).id).document == before.document
        with pytest.raises(NotAllowed, match="yourself"):
            publish(town, session, row, approver=1)
        with pytest.raises(NotAllowed, match="same organisation"):
            publish(town, session, row, approver=2, body=TOWN_HALL)
        assert row.state == PROPOSED
        publish(town, session, row)
        assert holds(session, CITY, "mark") == "new"
        assert (
            f"{row.locality_id}/{row.version}"
            in profiles.in_force(session, by_code(session, CITY).id).versions
        )


def test_a_published_version_is_never_published_again(town: Town) -> None:
    with town.session() as session:
        row = draft(town, session, CITY)
        publish(town, session, row)
        for again in (
            lambda: publish(town, session, row),
            lambda: profiles.withdraw(session, town.clock.now(), row, person_id=None),
            lambda: profiles.refuse(session, town.clock.now(), row, person_id=uuid.UUID(int=2), answer="no"),
        ):
            with pytest.raises(Conflict):
                again()


def test_a_new_version_replaces_the_old_which_stays_readable(town: Town) -> None:
    with town.session() as session:
        one = draft(town, session, CITY, mark="one")
        publish(town, session, one)
        then = town.clock.now()
        town.clock.move(days=1)
        two = draft(town, session, CITY, mark="two")
        publish(town, session, two)
        assert two.version == one.version + 1
        assert (one.state, two.state) == (REPLACED, IN_FORCE)
        assert holds(session, CITY, "mark") == "two"
        assert holds(session, CITY, "mark", then) == "one"
        assert holds(session, CITY, "mark", then - timedelta(days=365)) is None


def test_a_past_day_shows_what_was_published_last_and_not_what_was_numbered_last(town: Town) -> None:
    with town.session() as session:
        early, late = draft(town, session, CITY, mark="early"), draft(town, session, CITY, mark="late")
        publish(town, session, late)
        town.clock.move(days=1)
        publish(town, session, early)
        town.clock.move(days=1)
        assert holds(session, CITY, "mark") == "early"
        assert holds(session, CITY, "mark", town.clock.now()) == "early"


def test_a_ward_has_its_towns_picture_with_its_own_words_over_it(town: Town) -> None:
    with town.session() as session:
        publish(town, session, draft(town, session, CITY, mark="town", only_town=1, deep={"a": 1, "b": 1}))
        publish(town, session, draft(town, session, WARD, mark="ward", deep={"b": 2}))
        assert [holds(session, WARD, key) for key in ("mark", "only_town", "deep")] == [
            "ward",
            1,
            {"a": 1, "b": 2},
        ]
        assert holds(session, CITY, "mark") == "town"
        assert holds(session, WARD, "boundaries") == starter()["boundaries"] or holds(
            session, WARD, "boundaries"
        )


def test_the_starter_is_never_changed_by_what_is_laid_over_it(town: Town) -> None:
    before = repr(starter())
    with town.session() as session:
        publish(town, session, draft(town, session, CITY, boundaries=[0.1, 0.2, 0.3, 0.4]))
        assert holds(session, CITY, "boundaries") == [0.1, 0.2, 0.3, 0.4]
    assert repr(starter()) == before


def test_an_approved_version_holds_from_its_day_on_and_not_a_moment_sooner(town: Town) -> None:
    with town.session() as session:
        publish(town, session, draft(town, session, CITY, mark="old"))
        town.clock.move(hours=1)
        day = town.clock.now() + timedelta(days=10)
        late = draft(town, session, CITY, mark="new", valid_from=day)
        publish(town, session, late)
        assert late.state == APPROVED
        assert (holds(session, CITY, "mark"), holds(session, CITY, "mark", town.clock.now())) == (
            "old",
            "old",
        )
        assert holds(session, CITY, "mark", day - timedelta(microseconds=1)) == "old"
        assert holds(session, CITY, "mark", day) == "new"
        chain = {late.locality_id: [late.locality_id]}
        for at, mark in ((day - timedelta(microseconds=1), "old"), (day, "new"), (None, "old")):
            each = profiles.in_force_each(session, chain, at)[late.locality_id]
            assert each == profiles.in_force(session, late.locality_id, at)
            assert each.document["mark"] == mark
        assert profiles.begin_due(session, day - timedelta(seconds=1)) == []
        assert profiles.begin_due(session, day) == [late]
        assert profiles.begin_due(session, day) == []
        assert (late.state, holds(session, CITY, "mark")) == (IN_FORCE, "new")
        assert holds(session, CITY, "mark", town.clock.now()) == "old"


def test_a_day_that_is_gone_is_not_written_anew(town: Town) -> None:
    with town.session() as session:
        now = town.clock.now()
        row = draft(town, session, CITY, mark="late", valid_from=now - timedelta(days=30))
        publish(town, session, row)
        assert row.valid_from == now
        assert holds(session, CITY, "mark", now - timedelta(seconds=1)) is None


def test_what_is_refused_or_withdrawn_says_why_and_never_holds(town: Town) -> None:
    with town.session() as session:
        now, second = town.clock.now(), uuid.UUID(int=2)
        no = profiles.propose(session, now, draft(town, session, CITY, mark="no"), person_id=None)
        with pytest.raises(Invalid, match="in one sentence why"):
            profiles.refuse(session, now, no, person_id=second, answer=" ")
        profiles.refuse(session, now, no, person_id=second, answer="Nobody asked the traders.")
        back = profiles.withdraw(session, now, draft(town, session, CITY, mark="back"), person_id=None)
        assert (no.state, no.answer, back.state) == (REFUSED, "Nobody asked the traders.", WITHDRAWN)
        assert holds(session, CITY, "mark") is None
        assert holds(session, CITY, "mark", now + timedelta(days=400)) is None


def test_the_same_id_is_the_same_version(town: Town) -> None:
    with town.session() as session:
        place, key = by_code(session, CITY), uuid.uuid4()
        common: dict[str, Any] = {"author_id": None, "reason": "x", "key": key}
        one = profiles.draft(session, town.clock.now(), place.id, {"a": 1}, **common)
        assert profiles.draft(session, town.clock.now(), place.id, {"a": 1}, **common) is one
        with pytest.raises(Conflict, match="another version"):
            profiles.draft(session, town.clock.now(), place.id, {"a": 2}, **common)
        assert [row.version for row in profiles.versions_of(session, place.id)] == [one.version]


def test_what_was_written_never_changes(town: Town) -> None:
    with town.session(write=True) as session:
        key = draft(town, session, CITY, mark="as written").id
    changes: dict[str, Any] = {"document": {}, "consulted": [], "reason": "y", "author_id": None}
    for name, value in changes.items():
        with town.session(write=True) as session:
            setattr(session.get_one(Profile, key), name, value)
            with pytest.raises(RuntimeError, match="never changes"):
                session.flush()
            session.rollback()


def test_of_two_versions_approved_at_the_same_moment_one_is_in_force(town: Town) -> None:
    with town.session(write=True) as session:
        now, place = town.clock.now(), by_code(session, CITY)
        publish(town, session, draft(town, session, CITY, mark="before"))
        rows = [draft(town, session, CITY, mark=mark) for mark in ("one", "two", "three")]
        for row in rows:
            profiles.propose(session, now, row, person_id=row.author_id)
        officer = principal_of(session, town.person(session, "city.mardan"))
    start, failed = threading.Barrier(len(rows)), []

    def approve(key: uuid.UUID) -> None:
        try:
            start.wait()
            with town.runtime.web.open(officer, write=True) as session:
                row = session.get_one(Profile, key)
                profiles.approve(
                    session, now, row, person_id=uuid.UUID(int=2), organisations={POLICE}, role="chair"
                )
                session.commit()
        except Exception as error:  # noqa: BLE001 -- whatever went wrong in a thread is told in the test
            failed.append(error)

    threads = [threading.Thread(target=approve, args=(row.id,)) for row in rows]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    with town.session() as session:
        states = {row.version: row.state for row in profiles.versions_of(session, place.id)}
        assert states == {1: REPLACED, 2: REPLACED, 3: REPLACED, 4: IN_FORCE}
        assert holds(session, CITY, "mark") == holds(session, CITY, "mark", now) == "three"


def test_the_database_refuses_a_second_version_in_force(town: Town) -> None:
    with town.session(write=True) as session:
        one, two = draft(town, session, CITY), draft(town, session, CITY)
        publish(town, session, one)
        session.flush()
        with pytest.raises(IntegrityError), session.begin_nested():
            claim(session, Profile, two.id, {"state": DRAFT}, {"state": IN_FORCE})
