"""A new rule while it is being written: its conditions in their order, what joins them, and the boxes of each.

Without a script a button sends the whole form back: "Add a condition" and "Take this condition away" change which conditions there are,
and nothing that was typed is lost. Boxes are rule_boxes.py, what was typed into them is read by rule_form.py, the page is rule_edit.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from werkzeug.datastructures import MultiDict

from alerts.risk.rule_checks import SAME_AS_SCORE
from alerts.rule_words import CONDITION_NAMES
from coordination import rule_boxes, rule_form
from coordination.rule_boxes import Box

ALL, ANY = "all", "any"
EXPRESSION = "expression"
MOST_CONDITIONS = 6
ADD, REMOVE, SHOW = "add", "remove", "show"
#: What a condition begins with, where its settings have no values of their own.
BEGINS: Mapping[str, Mapping[str, Any]] = {
    "level_rise": {"to": 3},
    "sources": {"at_least": 2, "within_hours": 72},
    "crowd_seen": {"kinds": []},
    "compare": {"field": "level", "op": ">=", "value": 3},
    "expression": {"text": ""},
}
OWN = re.compile(r"(when|condition)\[(\d+)\](.*)")  # the fields of one condition
IN_TREE = re.compile(r"when(?:\.(?:all|any)\[(\d+)\])?\.(.+)")


@dataclass(frozen=True)
class Begun:
    """A new rule as far as it is: its conditions, what joins them, and whether its alerts have the level of the score."""

    conditions: tuple[str, ...]
    join: str = ALL
    by_score: bool = False

    @property
    def signature(self) -> str:
        """What its page shows: boxes that nobody has seen are shown before they count."""
        return ",".join((*self.conditions, SAME_AS_SCORE if self.by_score else ""))

    @property
    def is_expression(self) -> bool:
        """Whether it is nothing but an expression."""
        return self.conditions == (EXPRESSION,)

    def row(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """The rule before anybody typed anything."""
        told = next(iter(document.get("audiences", {})), "")
        level = SAME_AS_SCORE if self.by_score else 2
        row = rule_form.by_level(
            {"key": "", "label": "", "level": level, "tell": told, "clock_minutes": 120}, level
        )
        if self.is_expression:
            return {**row, "expression": ""}
        parts = [{name: dict(BEGINS.get(name, {}))} for name in self.conditions]
        return {**row, "when": parts[0] if len(parts) == 1 else {self.join: parts}}

    def boxes(self, document: Mapping[str, Any]) -> list[Box]:
        """The boxes of the rule; those of a condition are named by its number, whatever joins them."""
        return [
            replace(box, name=field_of(box.name)) for box in rule_boxes.boxes_of(self.row(document), document)
        ]


def begun(said: MultiDict[str, str]) -> Begun | None:
    """What an address or a form begins with; None where no condition is chosen yet."""
    chosen = [said.get(f"condition[{place}]", "") for place in range(MOST_CONDITIONS)]
    conditions = [name for name in chosen if name in CONDITION_NAMES]
    if not conditions and said.get("condition", "") in CONDITION_NAMES:
        conditions = [said["condition"]]
    if not conditions:
        return None
    join = ANY if said.get("join") == ANY else ALL
    return Begun(tuple(conditions), join, said.get("level") == SAME_AS_SCORE)


def turned(said: MultiDict[str, str]) -> MultiDict[str, str]:
    """A form after one of its own buttons: with one more condition, or without one; else as it is."""
    act, _dot, which = said.get("act", "").partition(".")
    count = sum(f"condition[{place}]" in said for place in range(MOST_CONDITIONS))
    if act == ADD and count < MOST_CONDITIONS:
        return MultiDict([*said.items(multi=True), (f"condition[{count}]", said.get("more", ""))])
    if act == REMOVE and which.isdecimal() and count > 1:
        return MultiDict(_without(said.items(multi=True), int(which[:4])))
    return said


def _without(fields: Iterable[tuple[str, str]], gone: int) -> Iterable[tuple[str, str]]:
    for name, value in fields:
        found = OWN.fullmatch(name)
        number = int(found[2]) if found else -1
        if found and number > gone:
            yield f"{found[1]}[{number - 1}]{found[3]}", value
        elif number != gone:
            yield name, value


def changes_boxes(said: MultiDict[str, str]) -> bool:
    """Whether the button that was pressed only shows other boxes."""
    return said.get("act", "").partition(".")[0] in (ADD, REMOVE, SHOW)


def field_of(path: str) -> str:
    """The name of a box, by the path of its word within the rule."""
    found = IN_TREE.fullmatch(path)
    return f"when[{found[1] or 0}].{found[2]}" if found else path


def number_of(name: str) -> int | None:
    """Which condition a field belongs to."""
    found = OWN.fullmatch(name)
    return int(found[2]) if found else None
