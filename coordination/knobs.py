"""The numbers of a local picture that can be tried one at a time on the past: thresholds, weights, and the numbers of rules.

What lives here: the list of them with their words, and what a place would set itself with one of them changed. What does not: trying it
(alerts/what_if.py) and pages. A knob is named by its path, so that the address of a try can be kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from werkzeug.datastructures import MultiDict

from alerts.risk.numbers import numbers_of
from alerts.sentences import kind_label, level_word, rule_label, severity_label
from committees import catalogue
from coordination import rule_boxes, rule_form
from foundation.errors import Invalid
from foundation.web.words import N_
from foundation.web.words import gettext as _

OFF = "off"
NO_NUMBER = N_("Write a number, like 3 or 0.5")
NO_CHANGE = N_("This is how it is today. Write another number")
NO_KNOB = N_("Choose what to change")


@dataclass(frozen=True)
class Knob:
    """One number: its name, its words, and its value today (None: it can only be switched off)."""

    key: str
    label: str
    value: float | int | None


def knobs(document: Mapping[str, Any]) -> list[Knob]:
    """Everything that can be changed, in the order of a page."""
    return [*_thresholds(document), *_weights(document), *_rules(document)]


def _thresholds(document: Mapping[str, Any]) -> Iterator[Knob]:
    for number, share in enumerate(numbers_of(document).boundaries, 2):
        label = _("%(level)s begins at a chance of (in 100)", level=level_word(number))
        yield Knob(f"boundaries.{number}", label, _tidy(100 * share))


def _weights(document: Mapping[str, Any]) -> Iterator[Knob]:
    numbers = numbers_of(document)
    for severity, weight in enumerate(numbers.coefficients.severity_weights, 1):
        label = _("Weight of severity %(n)d (%(words)s)", n=severity, words=severity_label(severity))
        yield Knob(f"severity.{severity}", label, _tidy(weight))
    for kind in catalogue.KINDS.values():
        if kind.scored:
            label = _("Weight of: %(kind)s", kind=kind_label(kind.key))
            yield Knob(
                f"multipliers.{kind.key}", label, _tidy(numbers.multipliers.get(kind.key, kind.multiplier))
            )


def _rules(document: Mapping[str, Any]) -> Iterator[Knob]:
    for row in document["rules"]:
        name = rule_label(row["key"], document)
        yield Knob(f"{OFF}.{row['key']}", _("Rule switched off: %(rule)s", rule=name), None)
        for box in rule_boxes.boxes(row, document):
            if box.kind == rule_boxes.NUMBER and isinstance(box.value, (int, float)):
                label = _("Rule: %(rule)s – %(number)s", rule=name, number=box.label)
                yield Knob(f"rules.{row['key']}.{box.name}", label, box.value)


def _tidy(value: float) -> float:
    return round(value, 4)


LARGEST = 1e9  # no number of a picture comes near it; more is no number at all


def turned(
    own: Mapping[str, Any], document: Mapping[str, Any], key: str, typed: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a place would set itself with one number changed, and the change as data; raise Invalid in words."""
    knob = next((one for one in knobs(document) if one.key == key), None)
    if knob is None:
        raise Invalid("what", NO_KNOB)
    change: dict[str, Any] = {"kind": "number", "key": key, "was": knob.value, "now": None}
    part, _dot, name = key.partition(".")
    if part == OFF:
        return rule_form.with_change(own, {"key": name, "off": True}), change
    value = rule_form.number(typed.strip().replace("٫", "."))
    if not isinstance(value, (int, float)) or not abs(value) < LARGEST:
        raise Invalid("value", NO_NUMBER)
    if value == knob.value:
        raise Invalid("value", NO_CHANGE)
    change["now"] = value
    return _SET[part](own, document, name, value), change


def _set_boundary(
    own: Mapping[str, Any], document: Mapping[str, Any], name: str, value: float
) -> dict[str, Any]:
    boundaries = list(numbers_of(document).boundaries)
    boundaries[int(name) - 2] = value / 100
    return {**deepcopy(dict(own)), "boundaries": boundaries}


def _set_severity(
    own: Mapping[str, Any], document: Mapping[str, Any], name: str, value: float
) -> dict[str, Any]:
    weights = list(numbers_of(document).coefficients.severity_weights)
    weights[int(name) - 1] = float(value)
    return {
        **deepcopy(dict(own)),
        "coefficients": {**own.get("coefficients", {}), "severity_weights": weights},
    }


def _set_kind(
    own: Mapping[str, Any], _document: Mapping[str, Any], name: str, value: float
) -> dict[str, Any]:
    return {**deepcopy(dict(own)), "multipliers": {**own.get("multipliers", {}), name: float(value)}}


def _set_rule(own: Mapping[str, Any], document: Mapping[str, Any], name: str, value: float) -> dict[str, Any]:
    rule, _dot, box = name.partition(".")
    row = next(one for one in document["rules"] if one["key"] == rule)
    change = rule_form.change_of(MultiDict({box: str(value)}), row, document)
    return rule_form.with_change(own, change)


_SET = {
    "boundaries": _set_boundary,
    "severity": _set_severity,
    "multipliers": _set_kind,
    "rules": _set_rule,
}
