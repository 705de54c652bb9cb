"""How one document lies over another: a ward's local picture over its town's, a town's over the starter.

Mappings merge key by key. A list whose items have a `key` merges by that key; `{key: x, off: true}` switches an inherited item off. Other
lists, values and the conditions of a rule are replaced whole. Pure; any room above the floor may import it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

WHOLE = (
    "when",
    "stronger",
)  # a tree of conditions is one value: half of one laid over another would mean neither


def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """`above` laid over `below`; neither is changed. Order stays: what is inherited first, then what is new."""
    result = dict(below)
    for key, value in above.items():
        result[key] = value if key in WHOLE else _over(result.get(key), value)
    return result


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
