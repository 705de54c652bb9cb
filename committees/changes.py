"""What differs between two documents, and which layer sets what: as data. Words for it are alerts/profile_words.py.

A path is a tuple of names: mapping keys, and the keys of items of keyed lists. Pure; any room above the floor may import it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from committees.layers import WHOLE, is_keyed
from committees.profiles import Layer

Path = tuple[str, ...]


class _Missing:
    """Nothing is said there: not the same as None, which somebody wrote."""

    def __repr__(self) -> str:
        return "missing"


MISSING: Any = _Missing()


@dataclass(frozen=True)
class Change:
    """One difference: where, what it was and what it is; `MISSING` on one side where the whole is new or gone."""

    path: Path
    was: Any
    now: Any

    @property
    def added(self) -> bool:
        """Whether there was nothing before."""
        return self.was is MISSING

    @property
    def removed(self) -> bool:
        """Whether there is nothing any more."""
        return self.now is MISSING


@dataclass(frozen=True)
class Setting:
    """What one layer says at a path; `off` where it switches the item off."""

    layer: Layer
    value: Any
    off: bool = False


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """Every difference between two documents, in the order of the first, then what is new."""
    return list(_walk((), before, after))


def _walk(path: Path, was: Any, now: Any) -> Iterator[Change]:
    if was == now and type(was) is type(now):
        return
    old, new = _parts(was), _parts(now)
    alike = isinstance(was, Mapping) == isinstance(now, Mapping)  # a list of items never becomes a mapping
    if old is None or new is None or not alike or (path and path[-1] in WHOLE):
        yield Change(path, was, now)
        return
    for key in [*old, *(key for key in new if key not in old)]:
        yield from _walk((*path, key), old.get(key, MISSING), new.get(key, MISSING))


def _parts(value: Any) -> Mapping[str, Any] | None:
    """What a mapping or a keyed list consists of; None for anything else."""
    if isinstance(value, Mapping):
        return value
    return {item["key"]: item for item in value} if is_keyed(value) else None


def at(document: Any, path: Path) -> Any:
    """What a document says at a path, or MISSING."""
    for step in path:
        parts = _parts(document)
        if parts is None or step not in parts:
            return MISSING
        document = parts[step]
    return document


def settings(layers: Sequence[Layer], path: Path) -> list[Setting]:
    """The layers that say something at a path, the nearest first: the first one holds, the others are overridden."""
    found = []
    for layer in layers:
        value = at(layer.document, path)
        above = (at(layer.document, path[:depth]) for depth in range(1, len(path) + 1))
        off = any(isinstance(part, Mapping) and part.get("off") is True for part in above)
        if value is not MISSING or off:
            found.append(Setting(layer, value, off))
    return found
