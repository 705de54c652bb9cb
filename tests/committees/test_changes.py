"""Differences between two documents as data, and which layer sets what."""

from __future__ import annotations

from typing import Any

from hypothesis import given

from committees.changes import MISSING, Change, at, changes, settings
from committees.layers import merged
from committees.profiles import Layer
from tests.committees.test_layers import documents


def put(document: Any, change: Change) -> None:
    """Carry one difference out, as a reader of the list would."""
    for step in change.path[:-1]:
        document = (
            next(i for i in document if i["key"] == step) if isinstance(document, list) else document[step]
        )
    last = change.path[-1]
    if isinstance(document, list):
        document[:] = [item for item in document if item["key"] != last] + (
            [] if change.removed else [change.now]
        )
    elif change.removed:
        del document[last]
    else:
        document[last] = change.now


def unordered(value: Any) -> Any:
    if isinstance(value, list):
        return sorted((unordered(part) for part in value), key=repr)
    return {key: unordered(value[key]) for key in sorted(value)} if isinstance(value, dict) else value


@given(documents, documents)
def test_the_differences_make_one_document_of_the_other(a: dict[str, Any], b: dict[str, Any]) -> None:
    result = merged({}, a)
    for change in changes(a, b):
        put(result, change)
    assert unordered(result) == unordered(b)


@given(documents)
def test_a_document_does_not_differ_from_itself(a: dict[str, Any]) -> None:
    assert changes(a, a) == []


def test_a_difference_says_where_and_what() -> None:
    before = {
        "multipliers": {},
        "threats": [{"key": "land", "label": "Land"}, {"key": "water", "label": "Water"}],
    }
    after = {"multipliers": {"rumour": 1.2}, "threats": [{"key": "land", "label": "Land and wells"}]}
    assert changes(before, after) == [
        Change(("multipliers", "rumour"), MISSING, 1.2),
        Change(("threats", "land", "label"), "Land", "Land and wells"),
        Change(("threats", "water"), {"key": "water", "label": "Water"}, MISSING),
    ]
    assert [change.added for change in changes(before, after)] == [True, False, False]


def test_the_conditions_of_a_rule_differ_as_a_whole() -> None:
    before = {"rules": [{"key": "one", "when": {"surge": {"sources": 3}}}]}
    after = {"rules": [{"key": "one", "when": {"surge": {"sources": 4}}}]}
    (found,) = changes(before, after)
    assert found.path == ("rules", "one", "when")


def test_each_layer_that_says_something_is_named_the_nearest_first() -> None:
    ward = Layer(None, "ward", {"threats": [{"key": "land", "off": True}], "boundaries": [4]})
    city = Layer(None, "city", {"threats": [{"key": "land", "label": "Land here"}]})
    bottom = Layer(None, "starter", {"threats": [{"key": "land", "label": "Land"}], "boundaries": [1]})
    stack = [ward, city, bottom]
    found = settings(stack, ("threats", "land", "label"))
    assert [(one.layer.version, one.off) for one in found] == [
        ("ward", True),
        ("city", False),
        ("starter", False),
    ]
    assert [one.value for one in settings(stack, ("boundaries",))] == [[4], [1]]
    assert settings(stack, ("threats", "sea")) == []
    assert at(bottom.document, ("threats", "land", "label")) == "Land"
