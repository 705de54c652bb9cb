"""How one document lies over another: a ward's local picture over its town's, a town's over the starter.

Mappings merge key by key. A list whose items have a `key` merges by that key; `{key: x, off: true}` switches an inherited item off. Other
lists, values and the conditions of a rule are replaced whole. Pure; any room above the floor may import it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import reduce
from typing import Any

WHOLE = (
    "when",
    "stronger",
)  # a tree of conditions is one value: half of one laid over another would mean neither
#: What an item of a keyed list cannot do without. One that says less only changes what lies below it.
NEEDED: Mapping[str, tuple[str, ...]] = {
    "threats": ("label", "timescale"),
    "indicators": ("label", "seen", "stopped", "lasts_days", "bound"),
    "triggers": ("label", "days", "term", "bound"),
    "places_to_watch": ("kind", "ward", "why"),
    "holds_peace": ("label",),
    "past_events": ("when", "what"),
    "notes": ("heading",),
}


def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """`above` laid over `below`; neither is changed. Order stays: what is inherited first, then what is new."""
    result = dict(below)
    for key, value in above.items():
        result[key] = value if key in WHOLE else _over(result.get(key), value)
    return result


def laid(documents: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Documents laid over each other, the lowest first, each as far as it still has what it changes below it."""
    return reduce(lambda below, own: merged(below, standing(own, below)), documents, {})


def standing(own: Mapping[str, Any], below: Mapping[str, Any]) -> dict[str, Any]:
    """A document without the items that only change what is not below it any more.

    A town may switch off what its ward had changed: the ward's half of an item is then no item, and must not stop its scoring.
    """
    return {part: _that_stand(part, value, below) for part, value in own.items()}


def _that_stand(part: str, value: Any, below: Mapping[str, Any]) -> Any:
    if part not in NEEDED or not is_keyed(value):
        return value
    known = {item["key"] for item in below.get(part, ())}
    return [
        item
        for item in value
        if item.get("off") is True or item["key"] in known or set(NEEDED[part]) <= item.keys()
    ]


def _over(old: Any, new: Any) -> Any:
    if isinstance(new, Mapping):
        return merged(old if isinstance(old, Mapping) else {}, new)
    if isinstance(new, list) and is_keyed(new) and (new or is_keyed(old)):
        return _by_key(old if is_keyed(old) else [], new)
    return new


def is_keyed(value: Any) -> bool:
    """Whether this is a list of mappings that each have a `key`; an empty list is one."""
    return isinstance(value, list) and all(
        isinstance(item, Mapping) and isinstance(item.get("key"), str) for item in value
    )


def _by_key(old: list[Any], new: list[Any]) -> list[Any]:
    items: dict[str, Any] = {item["key"]: item for item in old}
    for item in new:
        if item.get("off") is True:
            items.pop(item["key"], None)
        else:
            items[item["key"]] = merged(items.get(item["key"], {}), item)
    return list(items.values())


def plain(value: Any) -> Any:
    """A document as JSON has it: YAML may have numbers and dates as keys or values."""
    if isinstance(value, Mapping):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value]
    return value if value is None or isinstance(value, (str, int, float, bool)) else str(value)
