"""The local picture: versions that never change once published, parents beneath children, and the picture of any past day."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from committees import profiles
from committees.places import by_code
from committees.profiles import IN_FORCE, REPLACED, Profile, merged, starter
from foundation.errors import Conflict
from tests.make import WARD, Town

CITY = "PK-KP-MARDAN"
trees = st.recursive(
    st.integers() | st.lists(st.integers(), max_size=3),
    lambda t: st.dictionaries(st.sampled_from("abc"), t, max_size=3),
)
documents = st.dictionaries(st.sampled_from("abc"), trees, max_size=3)


@given(documents, documents)
def test_what_is_above_wins_and_nothing_else_is_lost(below: dict[str, Any], above: dict[str, Any]) -> None:
    found = merged(below, above)
    assert set(found) == set(below) | set(above)
    for key, value in found.items():
        old, new = below.get(key), above.get(key)
        if key not in above:
            assert value == old
        elif isinstance(old, dict) and isinstance(new, dict):
            assert value == merged(old, new)
        else:
            assert value == new


@given(documents)
def test_nothing_laid_over_changes_nothing(document: dict[str, Any]) -> None:
    assert merged(document, {}) == merged({}, document) == merged(document, document) == document


@given(documents, documents, documents)
def test_layers_may_be_laid_in_any_grouping(a: dict[str, Any], b: dict[str, Any], c: dict[str, Any]) -> None:
    # Only where each layer keeps the kind of what it covers; a list over a mapping hides it from the layers above.
    if all(
        not (isinstance(x.get(k), dict) ^ isinstance(y.get(k), dict))
        for x in (a, b)
        for y in (b, c)
        for k in set(x) & set(y)
    ):
        flat = all(not isinstance(v, dict) for layer in (a, b, c) for v in layer.values())
        if flat:
            assert merged(merged(a, b), c) == merged(a, merged(b, c))


def draft(town: Town, session: Session, code: str, author: int = 1, **document: Any) -> Profile:
    place = by_code(session, code)
    return profiles.draft(
        session, town.clock.now(), place.id, document, author_id=uuid.UUID(int=author), reason="x"
    )


def publish(town: Town, session: Session, profile: Profile, approver: int = 2) -> None:
    profiles.publish(session, town.clock.now(), profile, uuid.UUID(int=approver))


def holds(session: Session, code: str, key: str, at: Any = None) -> Any:
    return profiles.in_force(session, by_code(session, code).id, at).document.get(key)


def test_a_draft_holds_nowhere_until_a_second_person_agrees(town: Town) -> None:
    with town.session() as session:
        before = profiles.in_force(session, by_code(session, CITY).id)
        row = draft(town, session, CITY, mark="new")
        assert profiles.in_force(session, by_code(session, CITY).id).document == before.document
        with pytest.raises(Conflict, match="second person"):
            publish(town, session, row, approver=1)
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
        with pytest.raises(Conflict, match="never changes"):
            publish(town, session, row)


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
