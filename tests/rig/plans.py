"""How a database would run each statement that it is really asked: which tables it would read from end to end.

The statements are those that the code sends, with their values, caught on their way; nothing is copied here. A plan of PostgreSQL is asked
for with whole reads forbidden, so that one is left only where no index serves, however small the tables of a test are.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine

from foundation.db import Base

HOUSE = Path(__file__).parents[2]
ROOMS = ("alerts", "committees", "coordination", "foundation")
_ASKS = re.compile(r"\s*(SELECT|UPDATE|DELETE|WITH)\b", re.IGNORECASE)
#: What reads a table without an index, or joins without one: forbidden, so that it is seen where nothing else is left.
_FORBIDDEN = ("enable_seqscan", "enable_hashjoin", "enable_mergejoin")


@dataclass(frozen=True)
class WholeRead:
    """One statement that would read a table from end to end, and where in the house it is asked."""

    table: str
    where: str
    statement: str


@contextmanager
def watched(*engines: Engine) -> Iterator[list[WholeRead]]:
    """Ask for the plan of each new statement of these engines while the block lasts; yield what would read whole tables."""
    found: list[WholeRead] = []
    known: set[str] = set()

    def look(
        connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool
    ) -> None:
        if many or statement in known or not _ASKS.match(statement):
            return
        known.add(statement)
        cursor = connection.connection.dbapi_connection.cursor()
        tables_of = _on_sqlite if connection.dialect.name == "sqlite" else _on_postgresql
        tables = tables_of(cursor, statement, parameters)
        found.extend(WholeRead(table, _asked_at(), statement) for table in tables)

    for engine in engines:
        event.listen(engine, "before_cursor_execute", look)
    try:
        yield found
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", look)


def _asked_at() -> str:
    """The innermost function of ours on the way to this statement."""
    for frame in reversed(traceback.extract_stack()):
        path = Path(frame.filename)
        if path.is_relative_to(HOUSE) and path.relative_to(HOUSE).parts[0] in ROOMS:
            return f"{path.relative_to(HOUSE)}:{frame.name}"
    return "a test"


def _small() -> set[str]:
    """The indexes that hold only what is open: to read one of them whole is to read what waits."""
    tables = Base.metadata.tables.values()
    return {
        str(index.name)
        for table in tables
        for index in table.indexes
        if index.dialect_options["postgresql"]["where"] is not None
    }


def _on_sqlite(cursor: Any, statement: str, parameters: Any) -> set[str]:
    named = re.findall(r'\b(?:FROM|JOIN|UPDATE)\s+"?(\w+)"?\s+AS\s+"?(\w+)"?', statement)
    table_of = {alias: table for table, alias in named}
    walks = " LIMIT " in statement
    read: set[str] = set()
    for *_numbers, detail in cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall():
        if match := re.match(r"SCAN (\w+)(?: USING (?:COVERING )?INDEX (\w+))?", detail):
            name, index = match[1], match[2]
            if not (index and (walks or index in _small())):
                read.add(str(table_of.get(name, name)))
    return read


def _on_postgresql(cursor: Any, statement: str, parameters: Any) -> set[str]:
    for setting in _FORBIDDEN:
        cursor.execute(f"SET LOCAL {setting} = off")
    cursor.execute(f"EXPLAIN (FORMAT JSON) {statement}", parameters)
    ((plan,),) = cursor.fetchall()
    for setting in _FORBIDDEN:
        cursor.execute(f"SET LOCAL {setting} = on")
    return set(_whole(plan[0]["Plan"], walks=False))


def _whole(node: Mapping[str, Any], *, walks: bool) -> Iterator[str]:
    """The tables that a plan reads whole; `walks`: it stops once a page is full, so an index in its order is read from its end."""
    kind = node["Node Type"]
    by_index = kind in ("Index Scan", "Index Only Scan")
    open_end = by_index and "Index Cond" not in node and node["Index Name"] not in _small() and not walks
    if kind == "Seq Scan" or open_end:
        yield node["Relation Name"]
    walks = kind == "Limit" or (walks and kind in ("LockRows", "Result", "Incremental Sort"))
    for below in node.get("Plans", ()):
        yield from _whole(below, walks=walks and below.get("Parent Relationship") == "Outer")
