"""The expression language of rules: Common Expression Language through cel-expr-python, which only this module knows.

An expression is compiled with declared, typed names (fields.py), checked when it is saved (line, column and the nearest right word;
bounded cost; a closed list of functions; a yes or no as its result), and evaluated over plain values. It runs no code and reads nothing
else. What fails at run time is an answer ("could not be judged", and why), never an exception and never a silent no.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from alerts.risk import cel_tree
from alerts.risk.bad_rule import HABITS, BadRule, nearest, unknown
from alerts.risk.cel_tree import CALL, IDENT, LIST, LOOP, SELECT, STRUCT, Node, Tree
from alerts.risk.facts import Facts
from alerts.risk.fields import (
    FIELDS,
    INCIDENT_FIELDS,
    INCIDENTS,
    NUMBER,
    WHOLE_NUMBER,
    WORD,
    WORDS,
    YES_NO,
    known,
)
from foundation.lazily import lazily
from foundation.web.words import N_

if TYPE_CHECKING:
    from cel_expr_python import cel
else:
    cel = lazily("cel_expr_python.cel")

LONGEST = 1000  # letters of an expression
# Steps that an expression may need at most, over lists of the lengths in fields.py. The library itself stops after 10,000 rounds.
MOST_STEPS = 60_000
MOST_ROUNDS = 8_000
DIVIDED, TOO_LONG_RUN, TOO_LARGE, OTHER = "divided_by_zero", "ran_too_long", "number_too_large", "other"

_SIZES = {name: field.most for name, field in FIELDS.items() if field.most}
MACROS = ("exists", "all", "exists_one", "filter", "map", "has")
FUNCTIONS = ("size", "startsWith", "endsWith", "contains", "double", "int")
_OPERATORS = {
    "_&&_", "_||_", "!_", "_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_", "_+_", "_-_", "_*_", "_/_", "-_", "@in",
    "_?_:_", "@not_strictly_false",
}  # fmt: skip
_COMPARING = {"_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_"}
_KIND_OF = {WHOLE_NUMBER: "number", NUMBER: "number", WORD: "word", YES_NO: "yes or no"}
_AT = re.compile(r"<input>:(\d+):(\d+): ([^\n]*)")
_NAME = re.compile(r"'([^']*)'")

NOT_FINISHED = N_("The expression has a sign that does not belong here, or it is not finished.")
NO_NAME = N_("There is no “%(word)s” to look at.")
NO_FIELD = N_("An incident has no “%(word)s”.")
NO_FUNCTION = N_("“%(word)s” is not used in rules.")
NOT_ALIKE = N_("“%(sign)s” cannot put %(left)s and %(right)s together.")
NO_USE = N_("“%(sign)s” cannot be used with %(left)s.")
MACRO = N_("“%(word)s” needs a name and a question, such as incidents.exists(i, i.severity >= 3).")
NOT_YES_NO = N_("A rule needs a yes or no. Compare the value with something.")
TOO_LONG = N_("The expression has %(used)d letters. It may have %(most)d.")
TOO_DEEP = N_("There are too many brackets or parts inside each other.")
TOO_COSTLY = N_("This would look at every report for every report. Look at each report once.")
TAKEN = N_("“%(word)s” is taken. Choose another name for each report.")
EMPTY = N_("Write an expression, such as level >= 3.")


@dataclass(frozen=True)
class Expression:
    """A checked expression: its text, the fields it looks at, of the place and of an incident, and how to find what it rests on."""

    text: str
    names: tuple[str, ...]
    of_items: tuple[str, ...]
    program: cel.Expression
    resting: tuple[cel.Expression, ...] = ()


@dataclass(frozen=True)
class Judged:
    """What an expression says of facts: yes, no, or None with the reason why it could not be judged."""

    holds: bool | None
    evidence: tuple[str, ...] = ()
    why: str = ""


@cache
def _environment() -> cel.Env:
    """The declared names; the library is loaded with the first expression."""
    types = {
        WHOLE_NUMBER: cel.Type.INT,
        NUMBER: cel.Type.DOUBLE,
        WORD: cel.Type.STRING,
        YES_NO: cel.Type.BOOL,
        WORDS: cel.Type.List(cel.Type.STRING),
        INCIDENTS: cel.Type.List(cel.Type.Map(cel.Type.STRING, cel.Type.DYN)),
    }
    return cel.NewEnv(variables={name: types[field.kind] for name, field in FIELDS.items()})


@lru_cache(maxsize=512)
def _compiled(text: str) -> Expression | tuple[str, dict[str, Any]]:
    """A checked expression, or the pieces of its BadRule (an exception that is raised twice would grow)."""
    try:
        return _check(text)
    except BadRule as bad:
        return bad.words, {
            "suggestion": bad.suggestion,
            "choices": tuple(bad.choices.split(", ")) if bad.choices else (),
            "position": bad.position,
            "line": bad.line,
            **bad.values,
        }


def compiled(text: str) -> Expression:
    """The checked expression of this text; raise BadRule with line, column and a suggestion."""
    found = _compiled(text)
    if isinstance(found, Expression):
        return found
    raise BadRule(found[0], **found[1])


def judge(expression: Expression, facts: Facts) -> Judged:
    """What a checked expression says of these facts. Never raises."""
    data: dict[str, Any] = {name: FIELDS[name].read(facts) for name in expression.names}
    if "incidents" in data:
        readers = [(name, INCIDENT_FIELDS[name].read) for name in expression.of_items]
        data["incidents"] = [
            {"id": i.id, **{name: read(i, facts) for name, read in readers}} for i in data["incidents"]
        ]
    holds, why = _run(expression.program, data)
    if not isinstance(holds, bool):
        return Judged(None, why=why or OTHER)
    found: list[str] = []
    for resting in expression.resting if holds else ():
        ids, _why = _run(resting, data)
        found += ids or ()
    if holds and not expression.resting and set(expression.names) & {"level", "surge", "sources_28d"}:
        found = [i.id for i in known(facts)]
    return Judged(holds, tuple(dict.fromkeys(found)))


def _run(program: cel.Expression, data: dict[str, Any]) -> tuple[Any, str]:
    """The plain value, or None and why there is none."""
    try:
        value = program.eval(data=data)
    except (RuntimeError, ValueError, TypeError, OverflowError) as error:
        return None, _why(str(error))
    if value.type() in (cel.Type.ERROR, cel.Type.UNKNOWN):
        return None, _why(str(value.value()))
    return value.plain_value(), ""


def _why(words: str) -> str:
    for key, part in ((DIVIDED, "divide by zero"), (TOO_LONG_RUN, "budget"), (TOO_LARGE, "overflow")):
        if part in words:
            return key
    return OTHER


def _check(text: str) -> Expression:
    if not text.strip():
        raise BadRule(EMPTY, position=(1, 1))
    if len(text) > LONGEST:
        raise BadRule(TOO_LONG, used=len(text), most=LONGEST)
    if not "".join(text.split()).isprintable():
        raise BadRule(NOT_FINISHED, position=(1, 1))
    try:
        program = _environment().compile(text)
        tree = cel_tree.decode(program.serialize())
    except RuntimeError as error:
        raise _translated(text, str(error)) from None
    except (UnicodeError, TypeError, ValueError, RecursionError):
        raise BadRule(NOT_FINISHED, position=(1, 1)) from None
    _Checks(text, tree).all()
    if program.return_type() != cel.Type.BOOL:
        raise BadRule(NOT_YES_NO, position=(1, 1), line=text.split("\n")[0])
    names = tuple(
        sorted({node.name for node in tree.top.walk() if node.kind == IDENT and node.name in FIELDS})
    )
    selected = {node.name for node in tree.top.walk() if node.kind == SELECT}
    of_items = tuple(sorted(selected & set(INCIDENT_FIELDS)))
    return Expression(text, names, of_items, program, tuple(_resting(tree.top)))


def _resting(top: Node) -> list[cel.Expression]:
    """For each look at the incidents, an expression that lists those for which its question is true."""
    made = []
    for node in top.walk():
        if node.kind != LOOP or node.parts[0].kind != IDENT or node.parts[0].name != "incidents":
            continue
        try:
            asked = cel_tree.written(node.test) if node.test else "true"
            made.append(_environment().compile(f"incidents.map({node.name}, {asked}, {node.name}.id)"))
        except (RuntimeError, ValueError):
            # A question that needs something around it: the expression then rests on every incident.
            made.append(_environment().compile("incidents.map(i, i.id)"))
    return made


class _Checks:
    """What the library does not check: the closed list of functions, the fields of an incident and their types, the cost."""

    def __init__(self, text: str, tree: Tree) -> None:
        self.text, self.tree = text, tree
        self.items = {
            node.name
            for node in tree.top.walk()
            if node.kind == LOOP and any(one.name == "incidents" for one in node.parts[0].walk())
        }

    def all(self) -> None:
        """Raise BadRule for the first mistake."""
        for node in self.tree.top.walk():
            if node.kind == STRUCT:
                raise self._at(node, NO_FUNCTION, word="{}")
            if node.kind == CALL:
                self._call(node)
            if node.kind == LOOP:
                self._loop(node)
            if node.kind == SELECT and self._is_item(node.parts[0]) and node.name not in INCIDENT_FIELDS:
                raise self._unknown(node, NO_FIELD, node.name, INCIDENT_FIELDS)
        steps, _ = cel_tree.cost(self.tree.top, _SIZES)
        if steps > MOST_STEPS or self._rounds(self.tree.top) > MOST_ROUNDS:
            loops = [node for node in self.tree.top.walk() if node.kind == LOOP]
            raise self._at(loops[-1].parts[0] if loops else self.tree.top, TOO_COSTLY)

    def _loop(self, node: Node) -> None:
        """Only what is declared is looked through: a list in a list would have no bound."""
        if node.name in FIELDS:
            raise self._at(node, TAKEN, word=node.name)
        if cel_tree.free(node.parts[0]) - set(FIELDS):
            raise self._at(node.parts[0], TOO_COSTLY)

    def _rounds(self, node: Node) -> int:
        inside = [self._rounds(part) for part in node.parts]
        if node.kind != LOOP:
            return sum(inside)
        length = cel_tree.cost(node.parts[0], _SIZES)[1]
        return inside[0] + length * (1 + sum(inside[1:]))

    def _call(self, node: Node) -> None:
        if node.name not in _OPERATORS and node.name not in FUNCTIONS:
            raise self._unknown(node, NO_FUNCTION, node.name.strip("_"), (*FUNCTIONS, *MACROS))
        types = [self._type(part) for part in node.parts]
        if node.name in ("_&&_", "_||_", "!_") or node.name == "_?_:_":
            asked = types[:1] if node.name == "_?_:_" else types
            if any(one not in ("", "yes or no") for one in asked):
                raise self._at(node, NOT_YES_NO)
        if node.name in _COMPARING and all(types) and types[0] != types[1]:
            raise self._at(node, NOT_ALIKE, **_pair(node.name.strip("_"), types[0], types[1]))
        if node.name == "@in" and node.parts[1].kind == LIST and types[0]:
            for part in node.parts[1].parts:
                if self._type(part) not in ("", types[0]):
                    raise self._at(part, NOT_ALIKE, **_pair("in", types[0], self._type(part)))

    def _is_item(self, node: Node) -> bool:
        return node.kind == IDENT and node.name in self.items

    def _type(self, node: Node) -> str:
        if node.kind == SELECT and self._is_item(node.parts[0]) and not node.value:
            return _KIND_OF.get(INCIDENT_FIELDS[node.name].kind, "") if node.name in INCIDENT_FIELDS else ""
        return self.tree.types.get(node.key, "")

    def _place(self, node: Node) -> tuple[tuple[int, int], str]:
        offset = self.tree.offsets.get(node.key, 0) + (1 if node.kind == SELECT else 0)
        before = self.text[:offset]
        row = before.count("\n")
        return (row + 1, offset - (before.rfind("\n") + 1) + 1), self.text.split("\n")[row]

    def _at(self, node: Node, words: str, **values: Any) -> BadRule:
        position, line = self._place(node)
        return BadRule(words, position=position, line=line, **values)

    def _unknown(self, node: Node, words: str, word: str, known_words: Iterable[str]) -> BadRule:
        position, line = self._place(node)
        return unknown(words, word, known_words, position=position, line=line)


_CALLED = {
    "int": N_("a whole number"), "double": N_("a number with a point"), "number": N_("a number"), "word": N_("a word"),
    "string": N_("a word"), "bool": N_("a yes or no"), "yes or no": N_("a yes or no"), "list": N_("a list"),
}  # fmt: skip
SOMETHING = N_("something else")


def _pair(sign: str, left: str, right: str) -> dict[str, str]:
    return {"sign": sign, "left": _called(left), "right": _called(right)}


def _called(kind: str) -> str:
    """What people call a type."""
    return _CALLED.get(kind.partition("(")[0].strip(), SOMETHING)


def _translated(text: str, error: str) -> BadRule:
    """The library's complaint, in plain words, at its place."""
    said = [(int(m[1]), int(m[2]), m[3]) for m in _AT.finditer(error)]
    lines = [*text.split("\n"), ""]
    if not said:
        return BadRule(TOO_DEEP if "limit" in error else NOT_FINISHED, position=(1, 1), line=lines[0])
    missing = {m[1]: at for at in said if at[2].startswith("undeclared") and (m := _NAME.search(at[2]))}
    # A misspelt macro makes all that stands in it unknown as well; it is the mistake to name.
    macro = next(
        (word for word in missing if "." not in word and (word in MACROS or nearest(word, MACROS))), ""
    )
    row, column, words = missing[macro] if macro else said[0]
    line = lines[min(row, len(lines)) - 1]
    if words.startswith("undeclared"):
        return _undeclared(macro or next(iter(missing)), row, column, line)
    if "no matching overload" in words:
        return _mismatch(words, row, column, line)
    if "operand of a select" in words:
        word = re.split(r"\W", line[column:], maxsplit=1)[0]
        hint = "incidents.exists(i, i.severity >= 3)"
        return BadRule(NO_NAME, word=word, suggestion=hint, position=(row, column + 1), line=line)
    return BadRule(NOT_FINISHED, suggestion=_habit(line, column), position=(row, column), line=line)


def _undeclared(word: str, row: int, column: int, line: str) -> BadRule:
    if (
        line[column - 1 : column] == "(" and "." not in word
    ):  # the library points behind the name of a function
        at = (row, max(1, len(line[: column - 1].rstrip()) - len(word) + 1))
        if word in MACROS:
            return BadRule(MACRO, word=word, position=at, line=line)
        return unknown(NO_FUNCTION, word, (*FUNCTIONS, *MACROS, "!"), position=at, line=line)
    if "." in word:  # a field of a variable that no macro has made
        return unknown(
            NO_NAME, word.partition(".")[0], FIELDS, position=(row, column - word.index(".")), line=line
        )
    if word in INCIDENT_FIELDS:
        hint = f"incidents.exists(i, i.{word} ...)"
        return BadRule(NO_NAME, word=word, suggestion=hint, position=(row, column), line=line)
    return unknown(NO_NAME, word, FIELDS, position=(row, column), line=line)


def _mismatch(words: str, row: int, column: int, line: str) -> BadRule:
    names = _NAME.findall(words)
    sign = names[0].strip("_@")
    types = names[1].strip("()").split(", ") if len(names) > 1 else []
    where: dict[str, Any] = {"position": (row, column), "line": line}
    if sign in ("&&", "||", "!", "?_:"):
        return BadRule(NOT_YES_NO, **where)
    if len(types) != 2:
        return BadRule(NO_USE, sign=sign, left=_called(types[0]) if types else SOMETHING, **where)
    literal = re.match(r"\W*(\d+)(\.\d+)?", line[column - 1 :])
    hint = ""
    if literal and set(types) == {"int", "double"}:
        hint = literal[1] if literal[2] else f"{literal[1]}.0"
    left, right = (_called(kind) for kind in types)
    return BadRule(NOT_ALIKE, sign=sign, left=left, right=right, suggestion=hint, **where)


def _habit(line: str, column: int) -> str:
    """What is written here instead of the word or sign that people bring from elsewhere."""
    for bad, good in HABITS.items():
        if line[column - 1 :].startswith(bad) or (
            bad.isalpha() and line[: column - 1].rstrip().endswith(bad)
        ):
            return good
    return ""
