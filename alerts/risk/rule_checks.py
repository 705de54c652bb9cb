"""What a rule must be before it is saved: known words, right types, sensible ranges. Each mistake is a BadRule with its path.

Only rules.py reads documents through it. What one condition takes is settings.py; what an expression may say is cel.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from alerts.risk.bad_rule import BadRule, unknown
from alerts.risk.conditions import check
from alerts.risk.settings import NOT_YES_NO, Lists, check_number, lists_of
from alerts.rule_messages import ACTIONS, ALERT, HIGHEST_OF_OTHERS, MESSAGES, WHATS
from committees.people import ROLES
from foundation.web.words import N_

SAME_AS_SCORE = "score"
COOL_DOWN_HOURS = 24
LONGEST_CLOCK = 7 * 24 * 60
LONGEST_REST = 30 * 24
PLACES = ("here", "town")
DEEPEST, MOST_PARTS, MOST_RULES, LONGEST_KEY, LONGEST_LABEL = 6, 30, 60, 40, 160
#: The longest a clock may be from a level on (the ladder of interface.md: quicker is allowed, slower is not).
SLOWEST = {3: 240, 4: 30, 5: 10}

NO_KEY = N_("A rule needs a key: small letters, digits and _.")
TWICE = N_("There are two rules called “%(word)s”.")
NO_PART = N_("A rule has no part called “%(word)s”.")
NEEDS = N_("A rule needs “%(part)s”.")
NOT_A_RULE = N_("A rule is a list of parts with their values.")
NOT_RULES = N_("The rules are a list.")
TOO_MANY = N_("There are more than %(most)s rules.")
ONE_NAME = N_("A condition is one name with its settings, or all, any or not.")
NEEDS_LIST = N_("“%(word)s” needs a list of conditions.")
NO_SETTINGS = N_("A condition takes settings by name.")
TOO_DEEP = N_("The conditions stand too deep inside each other.")
TOO_MANY_PARTS = N_("A rule may have %(most)s conditions at most.")
BAD_LEVEL = N_("“%(word)s” is not a level. Write 0 to 5, or the word score.")
NO_AUDIENCE = N_("There is no audience called “%(word)s”.")
NEEDS_ROLES = N_("“%(word)s” is not a list of roles.")
NO_ROLE = N_("There is no role called “%(word)s”.")
NOBODY = N_("A rule must tell somebody.")
BAD_WHAT = N_("There is no word “%(word)s” for what happened.")
BAD_MESSAGE = N_("There is no message called “%(word)s”.")
BAD_ACTION = N_("There is no advice called “%(word)s”.")
ONLY_ALERT = N_("From level 4 on the message is always the alert itself.")
BAD_PLACE = N_("A rule looks at “here” or at the “town”.")
TOO_SLOW = N_("At level %(level)s an answer is due within %(most)s minutes at most.")
NO_RULE = N_("There is no rule called “%(word)s”.")
ITSELF = N_("A rule cannot keep itself quiet.")
TOO_LONG = N_("This text is longer than %(most)s letters.")
NOT_A_TEXT = N_("This must be a text.")


def rows_of(document: Mapping[str, Any]) -> Iterator[Any]:
    """The rules of a document as they are written, without those that are switched off."""
    rows = document.get("rules", ())
    for row in rows if isinstance(rows, (list, tuple)) else ():
        if not (isinstance(row, Mapping) and row.get("off") is True):
            yield row


def check_rules(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The rules of a document; raise BadRule for the first that cannot be used."""
    rows = document.get("rules", ())
    if not isinstance(rows, (list, tuple)):
        raise BadRule(NOT_RULES, path="rules")
    if len(rows) > MOST_RULES:
        raise BadRule(TOO_MANY, path="rules", most=MOST_RULES)
    check_audiences(document)
    found: dict[str, Mapping[str, Any]] = {}
    for row in rows_of(document):
        check_rule(row, document)
        if row["key"] in found:
            raise BadRule(TWICE, path=f"rules.{row['key']}", word=row["key"])
        found[row["key"]] = row
    return list(found.values())


def check_audiences(document: Mapping[str, Any]) -> None:
    """Raise BadRule unless the audiences of a document are lists of roles by name."""
    audiences = document.get("audiences", {})
    if not isinstance(audiences, Mapping):
        raise BadRule(NO_SETTINGS, path="audiences")
    for name, roles in audiences.items():
        try:
            if isinstance(roles, str):
                raise BadRule(NEEDS_ROLES, word=roles[:60])
            _audience(roles, document)
        except BadRule as bad:
            raise bad.below(str(name)[:60]).below("audiences") from None


def check_rule(row: Any, document: Mapping[str, Any]) -> None:
    """Raise BadRule, with its path, unless this row of a document is a rule."""
    if not isinstance(row, Mapping):
        raise BadRule(NOT_A_RULE, path="rules")
    key = row.get("key")
    if not isinstance(key, str) or not _is_key(key):
        raise BadRule(NO_KEY, path="rules.key")
    try:
        _check_parts(row, document)
    except BadRule as bad:
        raise bad.below(key).below("rules") from None


def _is_key(key: str) -> bool:
    return (
        0 < len(key) <= LONGEST_KEY
        and key.isascii()
        and key.replace("_", "").isalnum()
        and key == key.lower()
    )


def _check_parts(row: Mapping[str, Any], document: Mapping[str, Any]) -> None:
    for name in row:
        if name not in PARTS:
            raise unknown(NO_PART, name, PARTS, path=str(name)[:60])
    if not row.get("expression") and row.get("when") is None:
        part = "expression" if "expression" in row else "when"
        raise BadRule(NEEDS, part=part, path=part)
    if "level" not in row:
        raise BadRule(NEEDS, part="level", path="level")
    for name, value in row.items():
        if name == "when" and row.get("expression"):
            continue  # the expression stands in its place; what it replaced is kept for the way back
        try:
            PARTS[name](value, document)
        except BadRule as bad:
            raise bad.below(name) from None
    _check_together(row)


def _check_together(row: Mapping[str, Any]) -> None:
    if row["key"] in row.get("inhibits", ()):
        raise BadRule(ITSELF, path="inhibits")
    if row.get("alerts", True) and not row.get("tell"):
        raise BadRule(NOBODY, path="tell")
    clocks, level = row.get("clock_minutes", 0), row["level"]
    # One clock for all levels must fit the highest that the rule may reach.
    highest = 5 if level == SAME_AS_SCORE else max(level, row.get("stronger_level", 0))
    if highest > HIGHEST_OF_OTHERS and row.get("template", ALERT) != ALERT:
        raise BadRule(ONLY_ALERT, path="template")
    by_level = clocks if isinstance(clocks, Mapping) else {highest: clocks}
    for at, minutes in by_level.items():
        most = SLOWEST.get(int(at)) if str(at).isdigit() else None
        if most is not None and minutes > most and row.get("alerts", True):
            path = f"clock_minutes.{at}" if isinstance(clocks, Mapping) else "clock_minutes"
            raise BadRule(TOO_SLOW, path=path, level=at, most=most)


def check_tree(tree: Any, lists: Lists) -> None:
    """Raise BadRule unless a tree is made of known conditions with the right settings, not too deep and not too many."""
    if _check_node(tree, lists, 1) > MOST_PARTS:
        raise BadRule(TOO_MANY_PARTS, most=MOST_PARTS)


def _check_node(tree: Any, lists: Lists, depth: int) -> int:
    if depth > DEEPEST:
        raise BadRule(TOO_DEEP)
    if not isinstance(tree, Mapping) or len(tree) != 1:
        raise BadRule(ONE_NAME)
    (name, value), *_ = tree.items()
    try:
        if name in ("all", "any"):
            return _check_each(name, value, lists, depth)
        if name == "not":
            return _check_node(value, lists, depth + 1)
        if not isinstance(value, Mapping) and value is not None:
            raise BadRule(NO_SETTINGS)
        check(name, value or {}, lists)
    except BadRule as bad:
        raise bad.below(str(name)[:60]) from None
    return 1


def _check_each(name: str, parts: Any, lists: Lists, depth: int) -> int:
    if not isinstance(parts, (list, tuple)) or not parts:
        raise BadRule(NEEDS_LIST, word=name)
    count = 0
    for place, part in enumerate(parts[: MOST_PARTS + 1]):
        try:
            count += _check_node(part, lists, depth + 1)
        except BadRule as bad:
            raise bad.below(f"[{place}]") from None
    return count


def _tree(value: Any, document: Mapping[str, Any]) -> None:
    if value is not None:
        check_tree(value, lists_of(document))


def _expression(value: Any, _document: Mapping[str, Any]) -> None:
    if not isinstance(value, str):
        raise BadRule(NOT_A_TEXT)
    if value:
        try:
            check("expression", {"text": value}, {})
        except BadRule as bad:
            bad.path = ""
            raise bad from None


def _level(value: Any, _document: Mapping[str, Any]) -> None:
    if value == SAME_AS_SCORE or (isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 5):
        return
    raise BadRule(BAD_LEVEL, word=str(value)[:60], suggestion=SAME_AS_SCORE if isinstance(value, str) else "")


def _audience(value: Any, document: Mapping[str, Any]) -> None:
    audiences = document.get("audiences", {})
    if isinstance(value, str):
        if value not in audiences:
            raise unknown(NO_AUDIENCE, value, audiences)
    elif isinstance(value, (list, tuple)):
        for place, role in enumerate(value):
            if role not in ROLES:
                raise unknown(NO_ROLE, role, ROLES, path=f"[{place}]")
    else:
        raise BadRule(NO_AUDIENCE, word=str(value)[:60], choices=audiences)


def _tell(value: Any, document: Mapping[str, Any]) -> None:
    for level, names in value.items() if isinstance(value, Mapping) else [("", value)]:
        try:
            _by_level(level)
            _audience(names, document)
        except BadRule as bad:
            raise (bad.below(str(level)) if level != "" else bad) from None


def _by_level(level: Any) -> None:
    if level != "" and str(level) not in {"0", "1", "2", "3", "4", "5", "*"}:
        raise BadRule(BAD_LEVEL, word=str(level)[:60])


def _clocks(value: Any, _document: Mapping[str, Any]) -> None:
    for level, minutes in value.items() if isinstance(value, Mapping) else [("", value)]:
        try:
            _by_level(level)
            check_number(minutes, 1, LONGEST_CLOCK, whole=True)
        except BadRule as bad:
            raise (bad.below(str(level)) if level != "" else bad) from None


def _one_of(words: str, allowed: tuple[str, ...]) -> Callable[[Any, Mapping[str, Any]], None]:
    def check_word(value: Any, _document: Mapping[str, Any]) -> None:
        if value not in allowed:
            raise unknown(words, value, [word for word in allowed if word])

    return check_word


def _yes_no(value: Any, _document: Mapping[str, Any]) -> None:
    if not isinstance(value, bool):
        raise BadRule(NOT_YES_NO, word=str(value)[:60])


def _text(value: Any, _document: Mapping[str, Any]) -> None:
    if not isinstance(value, str):
        raise BadRule(NOT_A_TEXT)
    if len(value) > LONGEST_LABEL:
        raise BadRule(TOO_LONG, most=LONGEST_LABEL)


def _inhibits(value: Any, document: Mapping[str, Any]) -> None:
    if not isinstance(value, (list, tuple)):
        raise BadRule(NEEDS_LIST, word="inhibits")
    keys = [row["key"] for row in document.get("rules", ()) if isinstance(row, Mapping) and "key" in row]
    for place, key in enumerate(value):
        if key not in keys:
            raise unknown(NO_RULE, key, [str(one) for one in keys], path=f"[{place}]")


PARTS: Mapping[str, Callable[[Any, Mapping[str, Any]], None]] = {
    "key": lambda _v, _d: None,
    "label": _text,
    "note": _text,
    "when": _tree,
    "expression": _expression,
    "level": _level,
    "tell": _tell,
    "clock_minutes": _clocks,
    "stronger": _tree,
    "stronger_level": lambda v, _d: check_number(v, 0, 5, whole=True),
    "stronger_tell": _audience,
    "what": _one_of(BAD_WHAT, tuple(WHATS)),
    "template": _one_of(BAD_MESSAGE, MESSAGES),
    "action": _one_of(BAD_ACTION, ACTIONS),
    "place": _one_of(BAD_PLACE, PLACES),
    "per_threat": _yes_no,
    "alerts": _yes_no,
    "cool_down_hours": lambda v, _d: check_number(v, 0, LONGEST_REST),
    "inhibits": _inhibits,
    "off": _yes_no,
}
