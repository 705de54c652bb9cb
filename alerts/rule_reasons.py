"""Sentences for what a rule looked at and for why it stayed quiet, from reasons stored as data. Part of sentences.FOUND."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from alerts.labels import rule_label, trigger_label
from alerts.risk.cel import DIVIDED, OTHER, TOO_LARGE, TOO_LONG_RUN
from alerts.risk.fields import FIELDS
from foundation.web.words import N_
from foundation.web.words import gettext as _

# Why an expression could not be judged (risk/cel.py).
FAILED = {
    DIVIDED: N_("it divides by nothing"),
    TOO_LONG_RUN: N_("it takes too long"),
    TOO_LARGE: N_("a number became too large"),
    OTHER: N_("a value is missing"),
}


def field_label(name: str) -> str:
    """What an expression looks at, in words."""
    return _(FIELDS[name].label) if name in FIELDS else _("something else")


def value_words(values: list[Any]) -> str:
    """What the fields of a rule were: "level of the score now: 3, kinds of date that are near: ..."."""
    return _("; ").join(
        _("%(field)s: %(value)s", field=field_label(name), value=_shown(name, value))
        for name, value in values
    )


def _shown(name: str, value: Any) -> str:
    if name in ("windows", "difficult_windows"):
        return _(", ").join(trigger_label(word) for word in str(value).split(", ") if word) or _("none")
    if isinstance(value, float):
        return f"{value:.2f}"
    return str(value) if value != "" else _("none")


RULE_REASONS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "values": lambda v: _("What the rule looked at: %(values)s.", values=value_words(v["values"])),
    "expression_failed": lambda v: _(
        "The expression of this rule has no answer here: %(why)s.", why=_(FAILED.get(v["why"], FAILED[OTHER]))
    ),
    "rule_broken": lambda _v: _("This rule cannot be read any more. Please mend it in the profile."),
    "not_judged": lambda _v: _("The rule could not be judged, so it raised nothing."),
    "cooling_down": lambda v: _(
        "An alert about this ended less than %(hours)s hours ago.", hours=f"{float(v.get('hours', 24)):g}"
    ),
    "inhibited": lambda v: _(
        "Another rule already speaks for this place: %(rule)s.", rule=rule_label(v["rule"])
    ),
}
