"""Comparisons of one plain field with a value: which are allowed, what they say, and the same as text of the expression language.

Pure. The condition that uses it is `compare` (conditions.py).
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Annotated, Any

from alerts.risk.bad_rule import BadRule, unknown
from alerts.risk.cel_tree import quoted
from alerts.risk.fields import FIELDS, NUMBER, WORDS
from alerts.risk.settings import NOT_TEXT, OneOf, check_number
from foundation.web.words import N_

Field = Annotated[str, OneOf("fields", many=False)]
Operator = Annotated[str, OneOf("operators", many=False)]
Value = Any

NUMBERS: Mapping[str, Callable[[Any, Any], bool]] = {
    ">=": operator.ge,
    ">": operator.gt,
    "<=": operator.le,
    "<": operator.lt,
    "==": operator.eq,
    "!=": operator.ne,
}
HAS, HAS_NOT = "has", "has_not"
LARGEST = 10_000
WRONG_SIGN = N_("“%(word)s” cannot be used with “%(field)s”.")


def compares(value: Any, op: str, wanted: Any) -> bool:
    """Whether the comparison of a field's value with what is wanted is true."""
    if op in (HAS, HAS_NOT):
        return (wanted in value) == (op == HAS)
    return bool(NUMBERS[op](value, wanted))


def check_comparison(settings: Mapping[str, Any]) -> None:
    """Raise BadRule unless the sign and the value fit the field."""
    field, op, value = FIELDS[settings["field"]], settings["op"], settings["value"]
    allowed = (HAS, HAS_NOT) if field.kind == WORDS else tuple(NUMBERS)
    if op not in allowed:
        raise unknown(WRONG_SIGN, op, allowed, path="op", field=settings["field"])
    try:
        if field.kind != WORDS:
            check_number(value, 0, 1 if field.kind == NUMBER else LARGEST, whole=field.kind != NUMBER)
        elif not isinstance(value, str):
            raise BadRule(NOT_TEXT, word=str(value)[:60])
    except BadRule as bad:
        raise bad.below("value") from None


def as_expression(tree: Mapping[str, Any]) -> str:
    """A tree of comparisons in the expression language; raise KeyError where it holds any other condition."""
    (name, value), *_ = tree.items()
    if name in ("all", "any"):
        return "(" + (" && " if name == "all" else " || ").join(as_expression(part) for part in value) + ")"
    if name == "not":
        return f"!{as_expression(value)}"
    if name == "expression":
        return f"({value['text']})"
    if name != "compare":
        raise KeyError(name)
    field, op, wanted = value["field"], value["op"], value["value"]
    if op in (HAS, HAS_NOT):
        inside = f"({quoted(wanted)} in {field})"
        return inside if op == HAS else f"!{inside}"
    return f"({field} {op} {quoted(float(wanted) if FIELDS[field].kind == NUMBER else wanted)})"
