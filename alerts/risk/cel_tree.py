"""The tree of a checked expression: decoded from its published wire form (cel.expr.CheckedExpr), written back as text, its cost estimated.

Only what the checks of cel.py need is read. Nothing is evaluated here; only cel.py imports it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

CONST, IDENT, SELECT, CALL, LIST, STRUCT, LOOP = "const", "ident", "select", "call", "list", "struct", "loop"
RESULT = "@result"  # the name of a macro's running result
# Field numbers of cel.expr.Expr, in the order of the words above.
_KINDS = {3: CONST, 4: IDENT, 5: SELECT, 6: CALL, 7: LIST, 8: STRUCT, 9: LOOP}
_TYPES = {1: "yes or no", 2: "number", 3: "number", 4: "number", 5: "word"}
_BINARY = {
    "_&&_": "&&", "_||_": "||", "_==_": "==", "_!=_": "!=", "_<_": "<", "_<=_": "<=", "_>_": ">", "_>=_": ">=",
    "_+_": "+", "_-_": "-", "_*_": "*", "_/_": "/", "@in": "in",
}  # fmt: skip


@dataclass(frozen=True)
class Node:
    """One node. A loop's parts are range, first result, condition, step, result; `name` is its variable."""

    kind: str
    key: int = 0
    name: str = ""
    parts: tuple[Node, ...] = ()
    value: Any = None

    def walk(self) -> Iterator[Node]:
        """This node and all below it."""
        yield self
        for part in self.parts:
            yield from part.walk()

    @property
    def test(self) -> Node | None:
        """Of a loop: what it asks of each item, without its running result."""
        step = self.parts[3]
        if step.kind != CALL or not step.parts:
            return None
        return (
            step.parts[1]
            if step.name in ("_||_", "_&&_")
            else step.parts[0]
            if step.name == "_?_:_"
            else None
        )


@dataclass(frozen=True)
class Tree:
    """A checked expression: its top node, the plain type of each node that has one, and where each stands, by key."""

    top: Node
    types: Mapping[int, str]
    offsets: Mapping[int, int]


def decode(serialized: bytes) -> Tree:
    """The tree of a checked expression."""
    whole = _fields(_fields(serialized)[2][0])
    types: dict[int, str] = {}
    for entry in whole.get(3, ()):
        row = _fields(entry)
        kind = _fields(row[2][0]) if 2 in row else {}
        if 3 in kind:
            types[row[1][0]] = _TYPES.get(kind[3][0], "")
        elif 6 in kind:
            types[row[1][0]] = "list"
    positions = (_fields(entry) for entry in _fields(whole[5][0]).get(4, ()))
    return Tree(_node(whole[4][0]), types, {row[1][0]: row.get(2, [0])[0] for row in positions})


def _fields(data: bytes) -> Mapping[int, list[Any]]:
    """A message as its fields by number; numbers as int, everything else as bytes."""
    found: dict[int, list[Any]] = {}
    at, value = 0, None  # type: int, Any
    while at < len(data):
        tag, at = _varint(data, at)
        number, wire = tag >> 3, tag & 7
        if wire == 0:
            value, at = _varint(data, at)
        elif wire == 2:
            size, at = _varint(data, at)
            value, at = data[at : at + size], at + size
        else:
            size = 8 if wire == 1 else 4
            value, at = data[at : at + size], at + size
        found.setdefault(number, []).append(value)
    return found


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at


def _node(data: bytes) -> Node:
    row = _fields(data)
    key = row.get(2, [0])[0]
    number = next((n for n in _KINDS if n in row), 0)
    if not number:
        return Node(CONST, key)
    kind, body = _KINDS[number], _fields(row[number][0])
    if kind == CONST:
        return Node(CONST, key, value=_constant(body))
    name = body[1][0].decode() if kind in (IDENT, LOOP) and 1 in body else ""
    if kind == SELECT:
        return Node(kind, key, body[2][0].decode(), (_node(body[1][0]),), bool(body.get(3, [0])[0]))
    if kind == CALL:
        target = [_node(body[1][0])] if 1 in body else []
        parts = (*target, *(_node(part) for part in body.get(3, ())))
        return Node(kind, key, body[2][0].decode(), parts, bool(target))
    if kind == LIST:
        return Node(kind, key, parts=tuple(_node(part) for part in body.get(1, ())))
    if kind == LOOP:
        return Node(kind, key, name, tuple(_node(body[n][0]) for n in (2, 4, 5, 6, 7)))
    return Node(kind, key, name)


def _constant(body: Mapping[int, list[Any]]) -> Any:
    if 2 in body:
        return bool(body[2][0])
    if 3 in body:
        return body[3][0] - (1 << 64) if body[3][0] >> 63 else body[3][0]
    if 5 in body:
        return float(struct.unpack("<d", body[5][0])[0])
    return body[6][0].decode() if 6 in body else None


def free(node: Node) -> set[str]:
    """The names that a node takes from outside itself."""
    if node.kind == IDENT:
        return {node.name}
    if node.kind != LOOP:
        return {name for part in node.parts for name in free(part)}
    inside = {name for part in node.parts[1:] for name in free(part)}
    return free(node.parts[0]) | inside - {node.name, RESULT}


def quoted(value: Any) -> str:
    """A constant as the expression language writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        inside = "".join(
            c if c.isalnum() and c.isascii() or c in " _-" else f"\\U{ord(c):08x}" for c in value
        )
        return f"'{inside}'"
    return repr(value)


def written(node: Node) -> str:
    """A node without loops as text again; raise ValueError where it holds what cannot be written so."""
    parts = [written(part) for part in node.parts] if node.kind not in (LOOP, STRUCT) else []
    if node.kind == CONST:
        return quoted(node.value)
    if node.kind == IDENT:
        return node.name
    if node.kind == SELECT:
        return f"has({parts[0]}.{node.name})" if node.value else f"{parts[0]}.{node.name}"
    if node.kind == LIST:
        return f"[{', '.join(parts)}]"
    if node.kind != CALL:
        raise ValueError(node.kind)
    if node.name in _BINARY and len(parts) == 2:
        return f"({parts[0]} {_BINARY[node.name]} {parts[1]})"
    if node.name in ("!_", "-_"):
        return f"{node.name[0]}({parts[0]})"
    if node.name == "_?_:_":
        return f"({parts[0]} ? {parts[1]} : {parts[2]})"
    return (
        f"{parts[0]}.{node.name}({', '.join(parts[1:])})"
        if node.value
        else f"{node.name}({', '.join(parts)})"
    )


def cost(node: Node, sizes: Mapping[str, int]) -> tuple[int, int]:
    """How many steps a node takes at most, and how long a list it may be; `sizes` bounds the lists by name."""
    if node.kind == IDENT:
        return 1, sizes.get(node.name, 1)
    below = [cost(part, sizes) for part in node.parts]
    steps = 1 + sum(one for one, _ in below)
    if node.kind == LOOP:
        (first, length), *others = below
        each = sum(one for one, _ in others[1:3]) + 1
        grows = node.parts[1].kind == LIST
        return first + length * each, length * max(1, others[2][1]) if grows else 1
    if node.kind == LIST:
        return steps, max(1, len(below)) * max([1, *(size for _, size in below)])
    if node.kind == CALL and node.name in ("_+_", "_?_:_"):
        # Joining copies both lists.
        return steps + sum(size for _, size in below), sum(size for _, size in below)
    return steps, 1
