"""The editor of one rule as boxes: which there are, what was typed into them, and the change to a local picture that comes of it.

Boxes are made from the rule itself and from the types of its conditions' settings, and are named by the path that a BadRule names, so
that a mistake stands beside its word. Nothing is decided or stored here; pages/rules.py shows it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from werkzeug.datastructures import MultiDict

from alerts.risk.bad_rule import BadRule
from alerts.risk.conditions import CONDITIONS
from alerts.risk.rule_checks import COOL_DOWN_HOURS, SAME_AS_SCORE, WHATS, check_rule
from alerts.risk.settings import Between, rule_of, settings_of
from alerts.rule_sentences import SETTINGS
from alerts.sentences import kind_label, level_word, role_names, rule_label
from committees.layers import merged
from foundation.web.words import gettext as _

NUMBER, CHOICE, SEVERAL = "number", "choice", "several"
ROLES = "="  # an audience that is written as its roles


@dataclass(frozen=True)
class Box:
    """One box: its name (a path within the rule), label, value, and what may be chosen. `steps` leads into the rule."""

    name: str
    label: str
    value: Any
    kind: str = NUMBER
    hint: str = ""
    options: tuple[tuple[str, str], ...] = ()
    steps: tuple[Any, ...] = field(default=(), compare=False)


def boxes(row: Mapping[str, Any], document: Mapping[str, Any]) -> list[Box]:
    """The boxes of a rule: when it speaks, then what it does. None for a rule that cannot be read any more: it may be rewritten."""
    try:
        check_rule(row, document)
    except BadRule:
        return []
    made: list[Box] = []
    if not row.get("expression"):
        made += _numbers(row["when"], "when", ("when",))
    if row.get("stronger"):
        made += _numbers(row["stronger"], "stronger", ("stronger",), _("If also: %(label)s"))
    if row.get("alerts", True):
        made += [_level(row), *_audiences(row, document)]
    made += _clocks(row)
    if row.get("alerts", True):
        made += [_rest(row), _what(row), _quiet(row, document)]
    return made


def _numbers(tree: Mapping[str, Any], path: str, steps: tuple[Any, ...], words: str = "") -> Iterator[Box]:
    (name, value), *_rest = tree.items()
    if name in ("all", "any"):
        for place, part in enumerate(value):
            yield from _numbers(part, f"{path}.{name}[{place}]", (*steps, name, place), words)
    elif name == "not":
        yield from _numbers(value, f"{path}.not", (*steps, "not"), words)
    else:
        for key, parameter in settings_of(CONDITIONS[name]).items():
            rule = rule_of(parameter)[1]
            if isinstance(rule, Between):
                label = _(SETTINGS[key])
                yield Box(
                    f"{path}.{name}.{key}",
                    words % {"label": label} if words else label,
                    (value or {}).get(key, parameter.default),
                    steps=(*steps, name, key),
                )


def _level(row: Mapping[str, Any]) -> Box:
    levels = [(str(n), level_word(n)) for n in range(1, 6)]
    score = [(SAME_AS_SCORE, _("The level of the score"))] if row["level"] == SAME_AS_SCORE else []
    return Box(
        "level", _("Level of the alert"), row["level"], CHOICE, options=(*score, *levels), steps=("level",)
    )


def _audiences(row: Mapping[str, Any], document: Mapping[str, Any]) -> Iterator[Box]:
    told = row.get("tell", ())
    by_level = told if isinstance(told, Mapping) else {"": told}
    for level, names in by_level.items():
        options = [(key, role_names(tuple(roles))) for key, roles in document.get("audiences", {}).items()]
        value = names
        if not isinstance(names, str):
            value = ROLES + ",".join(names)
            options.append((value, role_names(tuple(names))))
        label = _at(_("Who is told"), level)
        yield Box(
            _name("tell", level), label, value, CHOICE, options=tuple(options), steps=_steps("tell", level)
        )


def _clocks(row: Mapping[str, Any]) -> Iterator[Box]:
    clocks = row.get("clock_minutes", 240)
    for level, minutes in (clocks if isinstance(clocks, Mapping) else {"": clocks}).items():
        label = _at(_("Minutes to answer before the next is asked"), level)
        yield Box(_name("clock_minutes", level), label, minutes, steps=_steps("clock_minutes", level))


def _at(label: str, level: str) -> str:
    return (
        _("%(label)s, at %(level)s", label=label, level=level_word(int(level))) if level.isdigit() else label
    )


def _name(part: str, level: str) -> str:
    return f"{part}.{level}" if level else part


def _steps(part: str, level: str) -> tuple[str, ...]:
    return (part, level) if level else (part,)


def _rest(row: Mapping[str, Any]) -> Box:
    hours = row.get("cool_down_hours", COOL_DOWN_HOURS)
    hint = _(
        "After an alert on the same matter ended, this rule opens no new one for so long, unless graver."
    )
    return Box("cool_down_hours", _("Hours of rest"), hours, hint=hint, steps=("cool_down_hours",))


def _what(row: Mapping[str, Any]) -> Box:
    gravest = _("The gravest thing that was reported")
    options = tuple((word, kind_label(word) if word else gravest) for word in WHATS)
    return Box(
        "what", _("What the message says"), row.get("what", ""), CHOICE, options=options, steps=("what",)
    )


def _quiet(row: Mapping[str, Any], document: Mapping[str, Any]) -> Box:
    others = [
        one["key"]
        for one in document.get("rules", ())
        if one["key"] != row["key"] and one.get("alerts", True)
    ]
    options = tuple((key, rule_label(key, document)) for key in others)
    label = _("While its alert is open, keep these rules quiet at the same place")
    return Box(
        "inhibits", label, list(row.get("inhibits", ())), SEVERAL, options=options, steps=("inhibits",)
    )


def typed(form: MultiDict[str, str], box: Box) -> Any:
    """What was typed into a box: a number where it is one, else the words as they are, so that the check can name them."""
    if box.kind == SEVERAL:
        return [word for word in form.getlist(box.name) if word in dict(box.options)]
    said = form.get(box.name, str(box.value)).strip()
    if box.kind == CHOICE and box.name != "level":
        return said.removeprefix(ROLES).split(",") if said.startswith(ROLES) else said
    return number(said)


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
    new = deepcopy(dict(row))
    for box in boxes(row, document):
        value = typed(form, box)
        if value != (list(box.value) if isinstance(box.value, tuple) else box.value):
            _put(new, box.steps, value)
    text = form.get("expression", row.get("expression", "")).replace("\r\n", "\n").strip()
    if text != row.get("expression", ""):
        new["expression"] = text
    return {"key": row["key"], **{part: value for part, value in new.items() if value != row.get(part)}}


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
