"""The types of the settings that conditions take: numbers in a range, words of a closed list. Checked when a rule is saved.

A condition names them in its signature (conditions.py); the editor's page makes its boxes from them. Lists that a profile may extend
(its triggers, its threats) are read from the document at hand.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, get_args, get_origin

from alerts.risk.bad_rule import BadRule, unknown
from alerts.risk.fields import FIELDS, INCIDENTS
from committees import catalogue
from committees.incidents import HOW_KNOWN
from foundation.web.words import N_

NOT_A_NUMBER = N_("“%(word)s” is not a number from %(low)s to %(high)s.")
NOT_WHOLE = N_("“%(word)s” is not a whole number from %(low)s to %(high)s.")
NOT_A_LIST = N_("“%(word)s” is not a list of words.")
NOT_ON_LIST = N_("“%(word)s” is not one of the words that this setting takes.")
NOT_YES_NO = N_("“%(word)s” is not true or false.")
NOT_TEXT = N_("“%(word)s” is not a text.")


@dataclass(frozen=True)
class Between:
    """A number from `low` to `high`; whole where `whole`."""

    low: float
    high: float
    whole: bool = False


@dataclass(frozen=True)
class OneOf:
    """A word, or (where `many`) a list of words, of a closed list."""

    of: str
    many: bool = True


Count = Annotated[int, Between(1, 50, whole=True)]
Detectors = Annotated[int, Between(1, 3, whole=True)]
Level = Annotated[int, Between(1, 5, whole=True)]
Share = Annotated[float, Between(0, 1)]
Hours = Annotated[float, Between(0.25, 672)]  # conditions look back four weeks
Minutes = Annotated[float, Between(1, 1440)]
Kinds = Annotated[Sequence[str], OneOf("kinds")]
Triggers = Annotated[Sequence[str], OneOf("triggers")]
Ways = Annotated[Sequence[str], OneOf("how_known")]
AnyYesNo = Annotated[str, OneOf("any_yes_no", many=False)]

Lists = Mapping[str, Sequence[str]]


def lists_of(document: Mapping[str, Any]) -> Lists:
    """The closed lists that settings may name words of, with what a profile document adds."""
    return {
        "kinds": tuple(catalogue.KINDS),
        "triggers": tuple(_keys(document.get("triggers"))),
        "how_known": HOW_KNOWN,
        "any_yes_no": ("any", "yes", "no"),
        "operators": (">=", ">", "<=", "<", "==", "!=", "has", "has_not"),
        "fields": tuple(name for name, field in FIELDS.items() if field.kind != INCIDENTS),
    }


def _keys(rows: Any) -> Iterable[str]:
    if isinstance(rows, (list, tuple)):
        yield from (str(row["key"]) for row in rows if isinstance(row, Mapping) and row.get("key"))


@cache
def settings_of(function: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    """The settings that a condition takes, by name; its facts are left out."""
    parameters = inspect.signature(function, eval_str=True).parameters.values()
    return {one.name: one for one in list(parameters)[1:]}


def rule_of(parameter: inspect.Parameter) -> tuple[Any, Any]:
    """The plain type of a setting and its range or list, if it has one."""
    if get_origin(parameter.annotation) is Annotated:
        plain, rule = get_args(parameter.annotation)
        return plain, rule
    return parameter.annotation, None


def check_value(value: Any, parameter: inspect.Parameter, lists: Lists) -> None:
    """Raise BadRule unless a value has the type, and lies in the range or on the list, of a setting."""
    plain, rule = rule_of(parameter)
    if isinstance(rule, Between):
        check_number(value, rule.low, rule.high, whole=rule.whole)
    elif isinstance(rule, OneOf):
        _check_words(value, rule, lists.get(rule.of, ()))
    elif plain is bool and not isinstance(value, bool):
        raise BadRule(NOT_YES_NO, word=str(value)[:60])
    elif plain is str and not isinstance(value, str):
        raise BadRule(NOT_TEXT, word=str(value)[:60])


def check_number(value: Any, low: float, high: float, *, whole: bool = False) -> None:
    """Raise BadRule unless a value is a number from `low` to `high`."""
    kinds = (int,) if whole else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds) or not low <= value <= high:
        words = NOT_WHOLE if whole else NOT_A_NUMBER
        raise BadRule(words, word=str(value)[:60], low=f"{low:g}", high=f"{high:g}")


def _check_words(value: Any, rule: OneOf, allowed: Sequence[str]) -> None:
    if rule.many and not isinstance(value, (list, tuple)):
        raise BadRule(NOT_A_LIST, word=str(value)[:60])
    for place, word in enumerate(value if rule.many else [value]):
        if word not in allowed:
            raise unknown(NOT_ON_LIST, word, allowed, path=f"[{place}]" if rule.many else "")
