"""What a part of a document may look like: numbers in a range, texts, choices, lists by key. Each shape checks a value and names its path.

Pure, and of no particular document: documents.py says what a threat profile consists of. What is wrong is raised as `Wrong`, whose words
are a sentence with gaps and the values that fill them, so that a page can say it in the reader's language.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from foundation.errors import Invalid
from foundation.web.words import N_

Check = Callable[[Any, str], None]
KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,59}")
MOST_ITEMS = 60
SHOWN = 60


class Wrong(Invalid):
    """One part of a document cannot be used: its path, and a sentence with the values of its gaps."""

    def __init__(self, path: str, said: str, hint: str = "", **values: Any) -> None:
        self.said, self.hinted = said, hint
        self.values = {name: _short(value) for name, value in values.items()}
        super().__init__(
            path, said % self.values if self.values else said, hint % self.values if hint else ""
        )


def _short(value: Any) -> Any:
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else str(value)[:SHOWN]


@dataclass(frozen=True)
class Number:
    """A finite number from `low` to `high`; `whole` ones have no fraction. Never a true or false, never text."""

    low: float
    high: float
    whole: bool = False

    def __call__(self, value: Any, path: str) -> None:
        """Raise Wrong for anything else."""
        kinds = (int,) if self.whole else (int, float)
        if isinstance(value, bool) or not isinstance(value, kinds):
            said = N_("This must be a whole number.") if self.whole else N_("This must be a number.")
            raise Wrong(path, said, N_("Choose from %(low)s to %(high)s."), low=self.low, high=self.high)
        if not (self.low <= value <= self.high and math.isfinite(value)):
            raise Wrong(
                path,
                N_("This is outside the range."),
                N_("Choose from %(low)s to %(high)s."),
                low=self.low,
                high=self.high,
            )


@dataclass(frozen=True)
class Text:
    """Words up to a length; `needed` ones are not empty; `none` allows nothing at all."""

    most: int
    needed: bool = False
    none: bool = False

    def __call__(self, value: Any, path: str) -> None:
        """Raise Wrong for anything else."""
        if value is None and self.none:
            return
        if not isinstance(value, str):
            raise Wrong(path, N_("This must be text."))
        if self.needed and not value.strip():
            raise Wrong(path, N_("This must not be empty."))
        if len(value) > self.most:
            raise Wrong(path, N_("This is too long."), N_("At most %(most)d letters."), most=self.most)


@dataclass(frozen=True)
class Choice:
    """One of a closed list."""

    options: tuple[Any, ...]

    def __call__(self, value: Any, path: str) -> None:
        """Raise Wrong for anything else."""
        # `True == 1`: a yes or no is never one of a list of numbers.
        if not any(value == option and type(value) is type(option) for option in self.options):
            known = ", ".join(str(option) for option in self.options)
            raise Wrong(path, N_("This is not on the list."), N_("Choose one of: %(known)s."), known=known)


@dataclass(frozen=True)
class Like:
    """Text of one pattern; `example` shows it."""

    pattern: str
    example: str

    def __call__(self, value: Any, path: str) -> None:
        """Raise Wrong for anything else."""
        if not isinstance(value, str) or not re.fullmatch(self.pattern, value, re.ASCII):
            raise Wrong(
                path, N_("This is not written as it must be."), N_("Like %(example)s."), example=self.example
            )


def anything(value: Any, path: str) -> None:
    """Whatever it is: somebody else checks it."""


def flag(value: Any, path: str) -> None:
    """True or false."""
    if not isinstance(value, bool):
        raise Wrong(path, N_("This must be yes or no."), "true, false")


def day(value: Any, path: str) -> None:
    """A date as text, 2026-11-28, or nothing."""
    try:
        if value:
            date.fromisoformat(value)
    except (TypeError, ValueError):
        raise Wrong(
            path, N_("This is not a real date."), N_("Like %(example)s."), example="2026-11-28"
        ) from None


@dataclass(frozen=True)
class Fields:
    """A mapping of known names, each with its shape; `needed` names must be there."""

    shapes: Mapping[str, Check]
    needed: tuple[str, ...] = ()

    def __call__(self, value: Any, path: str) -> None:
        """Raise Wrong for an unknown or missing name, or for what a shape refuses."""
        _mapping(value, path)
        known = ", ".join(self.shapes)
        for name in value:
            if name not in self.shapes:
                raise Wrong(
                    _join(path, name),
                    N_("There is no such part: %(name)s."),
                    N_("Choose one of: %(known)s."),
                    name=str(name)[:SHOWN],
                    known=known,
                )
        for name in self.needed:
            if name not in value:
                raise Wrong(_join(path, name), N_("This is missing: %(name)s."), name=name)
        for name, part in value.items():
            self.shapes[name](part, _join(path, name))


@dataclass(frozen=True)
class Table:
    """A mapping of names from a closed list to one shape; `whole` means that all of them are there."""

    names: tuple[str, ...]
    shape: Check
    whole: bool = False

    def __call__(self, value: Any, path: str) -> None:
        """Raise Wrong for an unknown name or for what the shape refuses."""
        Fields(dict.fromkeys(self.names, self.shape), self.names if self.whole else ())(value, path)


@dataclass(frozen=True)
class Items:
    """A list; `exactly` so many where it is given."""

    shape: Check
    exactly: int = 0

    def __call__(self, value: Any, path: str) -> None:
        """Raise Wrong for no list, a wrong length, or for what the shape refuses."""
        if not isinstance(value, list):
            raise Wrong(path, N_("This must be a list."))
        if self.exactly and len(value) != self.exactly:
            raise Wrong(path, N_("This must be a list of %(count)d."), count=self.exactly)
        _not_too_many(value, path)
        for number, part in enumerate(value):
            self.shape(part, f"{path}[{number}]")


@dataclass(frozen=True)
class Keyed:
    """A list of mappings that each have a key of their own."""

    shapes: Mapping[str, Check]
    needed: tuple[str, ...] = ()
    key: Check = field(default=Like(KEY.pattern, "old_market"))

    def __call__(self, value: Any, path: str) -> None:
        """Raise Wrong for a missing or doubled key, an unknown field, or for what a shape refuses."""
        fields = Fields({"key": self.key, **self.shapes}, ("key", *self.needed))
        for where, item in keyed_items(value, path):
            fields(item, where)


def keyed_items(value: Any, path: str) -> list[tuple[str, Mapping[str, Any]]]:
    """The items of a list by key, each with its path; raise Wrong for anything else, and for a key used twice."""
    if not isinstance(value, list):
        raise Wrong(path, N_("This must be a list."))
    _not_too_many(value, path)
    found: dict[str, Mapping[str, Any]] = {}
    for number, item in enumerate(value):
        _mapping(item, f"{path}[{number}]")
        key = item.get("key")
        if not isinstance(key, str) or not KEY.fullmatch(key):
            raise Wrong(
                f"{path}[{number}]",
                N_("This needs a key of letters, digits, - and _."),
                N_("Like %(example)s."),
                example="key: old_market",
            )
        where = _join(path, key)
        if where in found:
            raise Wrong(where, N_("This key is used twice: %(key)s."), key=key)
        found[where] = item
    return list(found.items())


def _mapping(value: Any, path: str) -> None:
    if not isinstance(value, Mapping):
        raise Wrong(path, N_("This must be names with values."))


def _not_too_many(value: list[Any], path: str) -> None:
    if len(value) > MOST_ITEMS:
        raise Wrong(path, N_("These are too many."), N_("At most %(most)d."), most=MOST_ITEMS)


def _join(path: str, name: str) -> str:
    return f"{path}.{str(name)[:SHOWN]}" if path else str(name)[:SHOWN]


def rising(numbers: Iterable[float]) -> bool:
    """Whether each number is larger than the one before."""
    row = list(numbers)
    return all(a < b for a, b in zip(row, row[1:], strict=False))
