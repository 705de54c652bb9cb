"""The form of a place's ladder: boxes from a document, a document from what was typed, and beside which box a mistake is said. Pure.

A step without a role and an office is left out. What a document may say is alerts/policy_checks.py; nothing typed is lost.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from werkzeug.datastructures import MultiDict

from alerts.ladder import SIDES
from alerts.policy_checks import MOST_STEPS
from committees.contact_addresses import CHANNELS

ROLES_SHOWN = 3
LEVELS = ("1", "2", "3", "4", "5")
GRAVE = ("4", "5")
AFTER = ("3", "4", "5")
EMPTY_STEPS = 2

Values = MultiDict[str, str]


def boxes(document: Mapping[str, Any], threat: str = "*") -> Values:
    """What stands in the boxes for a whole document."""
    values: Values = MultiDict({"threat": threat})
    for level in LEVELS:
        values[f"clock_{level}"] = str(document["clocks"].get(level, ""))
    for name, part in (("nudge", "nudges"), ("still", "still")):
        for level in GRAVE:
            values[f"{name}_{level}"] = str(document[part].get(level, ""))
    values.setlist("must_answer", list(document["must_answer"]))
    for n, step in enumerate(document["steps"]):
        values[f"kind_{n}"] = step["kind"]
        for k, role in enumerate(step.get("ask", ())):
            values[f"ask_{n}_{k}"] = role
        values[f"offices_{n}"] = ", ".join(step.get("offices", ()))
        after = step.get("after", {})
        for level in AFTER:
            values[f"after_{n}_{level}"] = str(after.get(level, "") if isinstance(after, Mapping) else after)
        values.setlist(f"channels_{n}", list(step.get("channels", ())))
        values[f"deputies_{n}"] = "yes" if step.get("deputies") else ""
    values["steps"] = str(len(document["steps"]))
    return values


def shown_steps(values: Values) -> int:
    """How many steps the form shows: those there are, and some empty ones."""
    there = [n for n in range(MOST_STEPS) if values.get(f"ask_{n}_0") or values.get(f"offices_{n}")]
    return min(MOST_STEPS, max(there, default=-1) + 1 + EMPTY_STEPS)


def document_of(values: Values) -> tuple[dict[str, Any], list[int]]:
    """What was typed as a document, and for each of its steps the number of its boxes."""
    steps, kept = [], []
    for n in range(MOST_STEPS):
        if step := _step(values, n):
            steps.append(step)
            kept.append(n)
    document = {
        "clocks": _minutes(values, "clock", LEVELS),
        "steps": steps,
        "must_answer": [side for side in SIDES if side in values.getlist("must_answer")],
        "nudges": _minutes(values, "nudge", GRAVE),
        "still": _minutes(values, "still", GRAVE),
    }
    return document, kept


def _step(values: Values, n: int) -> dict[str, Any]:
    count = max(ROLES_SHOWN, sum(name.startswith(f"ask_{n}_") for name in values))
    asked = [role for k in range(count) if (role := values.get(f"ask_{n}_{k}", "").strip())]
    offices = [code for code in re.split(r"[,\s]+", values.get(f"offices_{n}", "")) if code]
    if not asked and not offices:
        return {}
    step: dict[str, Any] = {"kind": values.get(f"kind_{n}", "tell"), "ask": asked}
    if offices:
        step["offices"] = offices
    if after := _minutes(values, f"after_{n}", AFTER):
        step["after"] = after
    if ways := [key for key in CHANNELS if key in values.getlist(f"channels_{n}")]:
        step["channels"] = ways
    if values.get(f"deputies_{n}") == "yes":
        step["deputies"] = True
    return step


def _minutes(values: Values, name: str, levels: tuple[str, ...]) -> dict[str, Any]:
    """The numbers of some boxes; what is no number is kept as it was typed, for the check to name it."""
    typed = {level: values.get(f"{name}_{level}", "").strip() for level in levels}
    return {
        level: int(text) if text.isdecimal() and len(text) < 8 else text
        for level, text in typed.items()
        if text
    }


def box_of(path: str, kept: list[int]) -> str:
    """The name of the box beside which a mistake at this path of the document is said."""
    if found := re.match(r"steps\[(\d+)\]\.(\w+)(?:\.(\d))?", path):
        n, part, level = kept[int(found[1])], found[2], found[3]
        return {
            "after": f"after_{n}_{level or '4'}",
            "offices": f"offices_{n}",
            "channels": f"channels_{n}",
            "kind": f"kind_{n}",
        }.get(part, f"ask_{n}_0")
    name, _dot, level = path.partition(".")
    single = {"clocks": "clock", "nudges": "nudge", "still": "still"}
    if name in single:
        return f"{single[name]}_{level or '4'}"
    return {"threat": "threat", "reason": "reason", "steps": "ask_0_0"}.get(name, "must_answer")
