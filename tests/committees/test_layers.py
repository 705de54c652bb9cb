"""One document over another: what is above wins, nothing else is lost, and lists with keys merge by key."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from committees.layers import is_keyed, merged, plain


def _key(item: Any) -> str:
    return str(item["key"])


values = st.integers() | st.lists(st.integers(), min_size=1, max_size=3)
items = st.fixed_dictionaries(
    {"key": st.sampled_from("uvwxyz")}, optional={"size": values, "deep": st.just({"a": 1})}
)
keyed = st.lists(items, max_size=4, unique_by=_key)
trees = st.recursive(
    values | keyed, lambda t: st.dictionaries(st.sampled_from("abc"), t, max_size=3), max_leaves=8
)
documents = st.dictionaries(st.sampled_from("abc"), trees, max_size=3)
switched = st.lists(
    items | st.fixed_dictionaries({"key": st.sampled_from("uvwxyz"), "off": st.just(True)}),
    max_size=4,
    unique_by=_key,
)


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
        elif not (is_keyed(old) and is_keyed(new)):
            assert value == new


@given(documents, documents)
def test_nothing_laid_over_changes_nothing_and_twice_is_once(a: dict[str, Any], b: dict[str, Any]) -> None:
    assert merged(a, {}) == merged({}, a) == merged(a, a) == a
    once = merged(a, b)
    assert merged(once, b) == once


@given(keyed, switched)
def test_lists_with_keys_merge_by_key(old: list[Any], new: list[Any]) -> None:
    found = merged({"a": old}, {"a": new})["a"]
    off = {item["key"] for item in new if item.get("off")}
    on = [item["key"] for item in new if not item.get("off")]
    kept = [item["key"] for item in old if item["key"] not in off]
    assert [item["key"] for item in found] == kept + [key for key in on if key not in kept]
    was, said = ({item["key"]: item for item in part} for part in (old, new))
    for item in found:
        key = item["key"]
        assert item == merged(was.get(key, {}), said.get(key, {}))
    assert merged({"a": found}, {"a": new})["a"] == found


@given(documents, documents)
def test_neither_document_is_changed(a: dict[str, Any], b: dict[str, Any]) -> None:
    before = repr((a, b))
    merged(a, b)
    assert repr((a, b)) == before


def test_the_conditions_of_a_rule_are_one_value() -> None:
    below = {"rules": [{"key": "one", "when": {"surge": {"sources": 3}}, "level": 2}]}
    above = {"rules": [{"key": "one", "when": {"silence": {}}}]}
    assert merged(below, above) == {"rules": [{"key": "one", "when": {"silence": {}}, "level": 2}]}


def test_an_item_that_was_switched_off_may_come_back_below() -> None:
    town = merged({"a": [{"key": "u", "size": 1}]}, {"a": [{"key": "u", "off": True}]})
    assert town == {"a": []}
    assert merged(town, {"a": [{"key": "u", "size": 2}]}) == {"a": [{"key": "u", "size": 2}]}


def test_a_document_reads_like_json() -> None:
    assert plain({3: (1, None), "x": {"a": {2: True}}}) == {"3": [1, None], "x": {"a": {"2": True}}}
