"""The boxes in which one rule is edited: which there are, their labels, and what may be chosen in each.

Boxes are made from the rule itself and from the types of its conditions' settings, and are named by the path that a BadRule names, so
that a mistake stands beside its word. What is typed into them is read by rule_form.py; pages/rule_edit.py shows them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from inspect import Parameter
from typing import Any

from alerts.risk.bad_rule import BadRule
from alerts.risk.conditions import CONDITIONS
from alerts.risk.rule_checks import COOL_DOWN_HOURS, SAME_AS_SCORE, check_rule
from alerts.risk.settings import Between, OneOf, lists_of, rule_of, settings_of
from alerts.rule_messages import ACTION, ACTIONS, ALERT, MESSAGES, MIXED, WHATS, action_words
from alerts.rule_words import field_label, message_label, private_words, setting_label, sign_words
from alerts.sentences import (
    form_label,
    how_known_label,
    kind_label,
    level_word,
    role_name,
    rule_label,
    trigger_label,
)
from committees.catalogue import FORMS, KINDS, OVERSIGHT_PATH
from foundation.web import words
from foundation.web.words import gettext as _

NUMBER, CHOICE, SEVERAL, LINE, TEXT = "number", "choice", "several", "line", "text"
#: Roles that may be ticked even where no audience of the picture has them.
TOLD = (
    "secretary",
    "chair",
    "city_officer",
    "district_administration",
    "police_liaison",
    "services_focal_person",
    "national_contact",
)
YES, NO = "yes", "no"


@dataclass(frozen=True)
class Box:
    """One box: its name (a path within the rule), label, value, and what may be chosen. `steps` leads into the rule.

    `groups` are the choices of one that takes several, under headings, and `nothing` is what it means to tick none of them; a choice
    is (value, words) or (value, words, hint).
    """

    name: str
    label: str
    value: Any
    kind: str = NUMBER
    hint: str = ""
    options: tuple[tuple[str, ...], ...] = ()
    groups: tuple[tuple[str, tuple[tuple[str, ...], ...]], ...] = ()
    nothing: str = ""
    steps: tuple[Any, ...] = field(default=(), compare=False)

    @property
    def words(self) -> dict[str, str]:
        """Everything that may be chosen, with its words."""
        every = (*self.options, *(one for _heading, some in self.groups for one in some))
        return {one[0]: one[1] for one in every}

    def words_of(self, chosen: Iterable[str]) -> str:
        """What was ticked, in one line."""
        return (
            _("; ").join(self.words[word] for word in chosen if word in self.words)
            or self.nothing
            or _("none")
        )


def boxes(row: Mapping[str, Any], document: Mapping[str, Any]) -> list[Box]:
    """The boxes of a rule: when it speaks, then what it does. None for a rule that cannot be read any more: it may be rewritten."""
    try:
        check_rule(row, document)
    except BadRule:
        return []
    return list(boxes_of(row, document))


def boxes_of(row: Mapping[str, Any], document: Mapping[str, Any]) -> Iterator[Box]:
    """The boxes of a rule that is known to be readable, or of a new one."""
    alerts = row.get("alerts", True)
    if not row.get("expression") and "when" in row:
        yield from _settings(row["when"], "when", ("when",), document)
    if row.get("stronger"):
        yield from _settings(row["stronger"], "stronger", ("stronger",), document, _("If also: %(label)s"))
    if alerts:
        yield from (_level(row), *_audiences(row, document))
    yield from _clocks(row)
    if alerts:
        yield from (_message(row), _what(row), _advice(row), _each_line(row))
        yield from (_rest(row), _looks_at(row), _quiet(row, document))


def _settings(
    tree: Mapping[str, Any],
    path: str,
    steps: tuple[Any, ...],
    document: Mapping[str, Any],
    lifted: str = "",
) -> Iterator[Box]:
    (name, value), *_rest = tree.items()
    if name in ("all", "any"):
        for place, part in enumerate(value):
            yield from _settings(part, f"{path}.{name}[{place}]", (*steps, name, place), document, lifted)
    elif name == "not":
        yield from _settings(value, f"{path}.not", (*steps, "not"), document, lifted)
    else:
        for key, parameter in settings_of(CONDITIONS[name]).items():
            said = (value or {}).get(key, parameter.default)
            box = _setting(f"{path}.{name}.{key}", parameter, said, document)
            label = lifted % {"label": box.label} if lifted else box.label
            yield replace(box, label=label, steps=(*steps, name, key))


def _setting(name: str, parameter: Parameter, value: Any, document: Mapping[str, Any]) -> Box:
    """The box of one setting, by its type."""
    plain, rule = rule_of(parameter)
    label = setting_label(parameter)
    if isinstance(rule, Between):
        return Box(name, label, value)
    if isinstance(rule, OneOf):
        if not rule.many:
            return Box(name, label, value, CHOICE, options=_options(rule.of))
        nothing = {"kinds": _("anything"), "how_known": _("in any way")}.get(rule.of, "")
        return Box(
            name, label, list(value), SEVERAL, groups=_groups(rule.of, value, document), nothing=nothing
        )
    if plain is bool:
        return Box(name, label, value, CHOICE, options=((NO, _("No")), (YES, _("Yes"))))
    if plain is str:
        return Box(name, label, value, TEXT)
    hint = _("A number; or a word of the list, such as procession.")
    return Box(name, label, value, LINE, hint=hint)


def _options(of: str) -> tuple[tuple[str, str], ...]:
    say = {"any_yes_no": private_words, "operators": sign_words, "fields": field_label}[of]
    return tuple((key, say(key)) for key in lists_of({})[of])


def _groups(
    of: str, chosen: Iterable[str], document: Mapping[str, Any]
) -> tuple[tuple[str, tuple[tuple[str, ...], ...]], ...]:
    """What may be ticked: kinds under the six answers of the report form, private ones marked; else one list."""
    if of == "kinds":
        hint = _("A private matter")
        # No rule ever hears of a complaint about an office; one that names it all the same keeps its word.
        kinds = [k for k in KINDS.values() if k.path != OVERSIGHT_PATH or k.key in chosen]
        return tuple(
            (
                form_label(form),
                tuple(
                    (k.key, kind_label(k.key), hint if k.sensitive else "") for k in kinds if k.form == form
                ),
            )
            for form in FORMS
        )
    if of == "triggers":
        rows = lists_of(document)["triggers"]
        return (("", tuple((key, trigger_label(key, document)) for key in rows)),)
    return (("", tuple((how, how_known_label(how)) for how in lists_of({})["how_known"])),)


def _level(row: Mapping[str, Any]) -> Box:
    levels = [(str(n), level_word(n)) for n in range(1, 6)]
    options = ((SAME_AS_SCORE, _("The level of the score")), *levels)
    return Box("level", _("Level of the alert"), row["level"], CHOICE, options=options, steps=("level",))


def _audiences(row: Mapping[str, Any], document: Mapping[str, Any]) -> Iterator[Box]:
    told = row.get("tell", ())
    audiences: Mapping[str, Any] = document.get("audiences", {})
    for level, names in (told if isinstance(told, Mapping) else {"": told}).items():
        roles = list(audiences.get(names, ()) if isinstance(names, str) else names)
        named = dict.fromkeys((*TOLD, *(role for some in audiences.values() for role in some), *roles))
        yield Box(
            _name("tell", level),
            _at(_("Who is told"), level),
            roles,
            SEVERAL,
            groups=(("", tuple((role, role_name(role)) for role in named)),),
            nothing=_("nobody"),
            steps=_steps("tell", level),
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
    by_reports = {
        "": _("What was reported last"),
        MIXED: _("What was reported last; “several” if it differs"),
    }
    options = tuple((word, by_reports.get(word) or kind_label(word)) for word in WHATS)
    return Box(
        "what", _("What the message says"), row.get("what", ""), CHOICE, options=options, steps=("what",)
    )


def _message(row: Mapping[str, Any]) -> Box:
    options = tuple((key, message_label(key)) for key in MESSAGES)
    hint = _("At High and Severe, and for what is confirmed, it is always the alert.")
    value = row.get("template", ALERT)
    return Box("template", _("Which message"), value, CHOICE, hint, options, steps=("template",))


def _advice(row: Mapping[str, Any]) -> Box:
    options = tuple((key, action_words(key, words.current().language)) for key in ACTIONS)
    hint = _("For a private matter it is always to ring us.")
    value = row.get("action", ACTION)
    return Box("action", _("What the message asks"), value, CHOICE, hint, options, steps=("action",))


def _each_line(row: Mapping[str, Any]) -> Box:
    options = ((NO, _("One for the place as a whole")), (YES, _("One for each line of tension")))
    value = row.get("per_threat", False)
    return Box("per_threat", _("Its alerts"), value, CHOICE, options=options, steps=("per_threat",))


def _looks_at(row: Mapping[str, Any]) -> Box:
    options = (("here", _("Each place by itself")), ("town", _("The whole town at once")))
    return Box("place", _("It looks at"), row.get("place", "here"), CHOICE, options=options, steps=("place",))


def _quiet(row: Mapping[str, Any], document: Mapping[str, Any]) -> Box:
    others = [
        one["key"]
        for one in document.get("rules", ())
        if one["key"] != row["key"] and one.get("alerts", True)
    ]
    options = tuple((key, rule_label(key, document)) for key in others)
    label = _("While its alert is open, keep these rules quiet at the same place")
    chosen = list(row.get("inhibits", ()))
    return Box("inhibits", label, chosen, SEVERAL, groups=(("", options),), steps=("inhibits",))
