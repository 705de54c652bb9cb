"""What was typed into the boxes of a rule: the change that comes of it, a new rule's parts and key, and what a place would then set itself.

Boxes are rule_boxes.py. Nothing is decided or stored here; pages/rule_edit.py shows it, knobs.py turns one number.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from copy import deepcopy
from itertools import count
from typing import Any

from werkzeug.datastructures import MultiDict

from alerts.risk.rule_checks import LONGEST_KEY, SAME_AS_SCORE, SLOWEST
from alerts.risk.rules import CLOCK
from alerts.sentences import rule_label
from committees.layers import merged
from coordination.rule_boxes import CHOICE, NO, SEVERAL, TEXT, YES, Box, boxes
from foundation.errors import Invalid
from foundation.web.words import N_


def typed(form: MultiDict[str, str], box: Box) -> Any:
    """What was typed into a box: a number where it is one, else the words as they are, so that the check can name them."""
    if box.kind == SEVERAL:
        # Nothing ticked is an answer only of somebody who saw the box.
        seen = box.name in form or shown(box) in form
        ticked = [word for word in form.getlist(box.name) if word in box.words]
        return ticked if seen and set(ticked) != set(box.value) else box.value
    if isinstance(box.value, bool):
        return form.get(box.name, plain(box.value)) == YES
    said = form.get(box.name, str(box.value)).replace("\r\n", "\n").strip()
    return said if box.kind == TEXT or (box.kind == CHOICE and box.name != "level") else number(said)


def plain(value: Any) -> Any:
    """A value as its box shows it: yes and no by their words."""
    return (YES if value else NO) if isinstance(value, bool) else value


def shown(box: Box) -> str:
    """The name of the hidden field that says that a box of ticks was on the page."""
    return f"{box.name}.shown"


def number(said: str) -> Any:
    """Whole numbers and numbers with a point, in any script's digits; anything else stays text."""
    for kind in (int, float):
        try:
            return kind(said)
        except ValueError:
            continue
    return said


def change_of(
    form: MultiDict[str, str], row: Mapping[str, Any], document: Mapping[str, Any]
) -> dict[str, Any]:
    """The parts of a rule that the form changes, with its key; only the key where nothing is changed."""
    base = by_level(row, form.get("level"))
    new = _filled(form, base, boxes(base, document), document)
    return {"key": row["key"], **{part: value for part, value in new.items() if value != row.get(part)}}


def by_level(row: Mapping[str, Any], level: object) -> dict[str, Any]:
    """A rule with a clock for each level where its alerts have the level of the score: one clock fits not all of them."""
    clocks = row.get("clock_minutes", CLOCK)
    if level != SAME_AS_SCORE or not isinstance(clocks, int):
        return dict(row)
    return {**row, "clock_minutes": {str(n): min(clocks, most) for n, most in SLOWEST.items()}}


def new_rule(
    form: MultiDict[str, str],
    row: Mapping[str, Any],
    made: Iterable[Box],
    document: Mapping[str, Any],
    taken: Iterable[str],
) -> dict[str, Any]:
    """A new rule as it was typed, begun as `row` with the boxes `made`; raise Invalid where its name is none or is another rule's."""
    label = " ".join(form.get("label", "").split())
    if not any(letter.isalpha() for letter in label):
        raise Invalid("label", N_("Give the rule a name, in a few words"))
    names = (
        name for one in document["rules"] for name in (one.get("label", ""), rule_label(one["key"], document))
    )
    if label.casefold() in {name.casefold() for name in names}:
        raise Invalid(
            "label", N_("There is a rule with this name already. Change that one, or choose another name")
        )
    new = _filled(form, row, made, document)
    return {**new, "key": key_of(label, set(taken)), "label": label}


def key_of(label: str, taken: Collection[str]) -> str:
    """A key for a rule with this name: its letters where they are plain ones, with a number where another rule has it."""
    plain = unicodedata.normalize("NFKD", label).encode("ascii", "ignore").decode().lower()
    stem = re.sub("[^a-z0-9]+", "_", plain).strip("_")[: LONGEST_KEY - 5].rstrip("_") or "rule"
    keys = (f"{stem}_{number}" if number > 1 else stem for number in count(1))
    return next(key for key in keys if key not in taken)


def _filled(
    form: MultiDict[str, str], row: Mapping[str, Any], made: Iterable[Box], document: Mapping[str, Any]
) -> dict[str, Any]:
    """A rule with everything in it that was typed into its boxes, or written as an expression."""
    new = deepcopy(dict(row))
    for box in made:
        if (value := typed(form, box)) != box.value:
            _put(new, box.steps, _audience(value, document) if box.steps[0] == "tell" else value)
    text = form.get("expression", row.get("expression", "")).replace("\r\n", "\n").strip()
    if text != row.get("expression", ""):
        new["expression"] = text
    return new


def _audience(roles: list[str], document: Mapping[str, Any]) -> Any:
    """The audience of just these roles, where the picture has one: then the rule follows it."""
    audiences: Mapping[str, Any] = document.get("audiences", {})
    return next((name for name, some in audiences.items() if set(some) == set(roles)), roles)


def _put(new: dict[str, Any], steps: tuple[Any, ...], value: Any) -> None:
    place: Any = new
    for step, after in zip(steps, steps[1:], strict=False):
        if isinstance(place, dict) and place.get(step) is None:
            place[step] = [] if isinstance(after, int) else {}
        place = place[step]
    place[steps[-1]] = value


def with_change(own: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """What a place sets itself, with this change to one rule in it."""
    rows = [row for row in own.get("rules", ()) if row["key"] != change["key"]]
    same = (row for row in own.get("rules", ()) if row["key"] == change["key"])
    before: Mapping[str, Any] = next(same, {})
    row = dict(change) if change.get("off") or before.get("off") else merged(before, change)
    return {**deepcopy(dict(own)), "rules": [*deepcopy(rows), row]}
