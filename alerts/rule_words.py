"""The words of the rules' editor: the name of each condition, the label of each setting, and what is wrong with a rule.

Whole sentences about a rule are rule_sentences.py. Pages import it; nothing is decided here.
"""

from __future__ import annotations

from inspect import Parameter

from alerts.risk.bad_rule import BadRule
from alerts.risk.settings import OneOf, rule_of
from alerts.rule_reasons import field_label
from foundation.web.words import N_
from foundation.web.words import gettext as _

__all__ = ["CONDITION_NAMES", "field_label", "private_words", "say", "setting_label", "sign_words"]

#: In the order in which the page of a new rule offers them.
CONDITION_NAMES = {
    "incident": N_("We hear of something"),
    "sources": N_("Several known people report it"),
    "crowd_seen": N_("A crowd goes on, seen or told by several people"),
    "level_rise": N_("The level of the score has risen"),
    "surge": N_("More trouble than usual is likely"),
    "unusual": N_("More reports come than are usual for the place"),
    "window": N_("A date is near"),
    "silence": N_("Few members send news"),
    "compare": N_("Compare one number or list with a value (for analysts)"),
    "expression": N_("Write an expression (for analysts)"),
}
#: By the name of the setting; settings that take several words of a list, by that list.
SETTINGS = {
    "to": N_("Level it must reach, 1 to 5"),
    "sources": N_("Known people who must have reported, at least"),
    "severity": N_("How severe, at least, 1 to 5"),
    "credibility": N_("How sure, at least, 0 to 1"),
    "within_hours": N_("Within how many hours"),
    "at_least": N_("Known people who must report it, at least"),
    "told": N_("Known people who must have told it, if nobody saw it"),
    "within_minutes": N_("Within how many minutes"),
    "probability": N_("How likely, at least, 0 to 1"),
    "detectors": N_("Checks that must find it unusual, of three"),
    "members": N_("Members who must have sent news"),
    "field": N_("What is compared"),
    "op": N_("How it is compared"),
    "value": N_("The value to compare with"),
    "text": N_("Expression"),
    "sensitive": N_("Private matters"),
    "ongoing": N_("Only what is still going on"),
    "same_threat": N_("Only reports on the same line of tension"),
    "difficult": N_("Also any date that was difficult last time"),
    "kinds": N_("What is reported"),
    "triggers": N_("Which dates"),
    "how_known": N_("How they know it"),
}
SIGNS = {
    ">=": N_("at least"),
    ">": N_("more than"),
    "<=": N_("at most"),
    "<": N_("less than"),
    "==": N_("exactly"),
    "!=": N_("anything but"),
    "has": N_("has among them"),
    "has_not": N_("does not have among them"),
}
#: Which message tells people; in the order of rule_messages.MESSAGES.
MESSAGES = {
    "alert": N_("The alert: what happened, how sure it is, what to do"),
    "verify": N_("Please check first: ring, ask, and mark it on the desk"),
}
PRIVATE = {"any": N_("Count them as well"), "yes": N_("Only these"), "no": N_("Leave them out")}


def setting_label(parameter: Parameter) -> str:
    """The label of one setting of a condition."""
    rule = rule_of(parameter)[1]
    return _(SETTINGS[rule.of if isinstance(rule, OneOf) and rule.many else parameter.name])


def sign_words(sign: str) -> str:
    """How a comparison compares."""
    return _(SIGNS[sign])


def message_label(template: str) -> str:
    """Which message tells people of a rule's alert."""
    return _(MESSAGES[template])


def private_words(answer: str) -> str:
    """Whether private matters count."""
    return _(PRIVATE[answer])


def say(bad: BadRule) -> str:
    """What is wrong with a rule, in the language of the moment."""
    return " ".join(
        _(words, **{k: _(v) if k in ("left", "right") else v for k, v in values.items()})
        for words, values in bad.parts
    )
