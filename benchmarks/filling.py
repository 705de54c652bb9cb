"""Fills tables with millions of invented rows inside the database, by one statement for each table: no row passes through Python.

What lives here: a series of numbers, and columns made from it, alike on SQLite and PostgreSQL. What does not: what the rows mean.
Only the benchmarks import this module; nothing of the product writes like this.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import (
    Connection,
    Table,
    Uuid,
    cast,
    create_engine,
    event,
    func,
    insert,
    literal,
    select,
    type_coerce,
)
from sqlalchemy.schema import CreateIndex, DropIndex
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import FromClause


def is_sqlite(connection: Connection) -> bool:
    """Whether this is SQLite."""
    return connection.dialect.name == "sqlite"


def series(connection: Connection, first: int, last: int) -> FromClause:
    """Whole numbers from first to last as a table with the column `n`."""
    if not is_sqlite(connection):
        return select(func.generate_series(first, last).column_valued("n")).subquery("series")
    numbers = select(literal(first).label("n")).cte("numbers", recursive=True)
    more = select(numbers.c.n + 1).where(numbers.c.n < last)
    return select(numbers.union_all(more).c.n).subquery("series")


def key_of(connection: Connection, n: Any, kind: int) -> ColumnElement[Any]:
    """A key for row `n` of a kind of thing, rising with `n`."""
    if is_sqlite(connection):
        return func.printf(f"{kind:08x}%024x", n)
    text = literal(f"{kind:08x}").op("||")(func.lpad(func.to_hex(n), 24, "0"))
    return cast(text, Uuid)


def moment_of(connection: Connection, epoch: Any) -> ColumnElement[Any]:
    """A moment from seconds since 1970, as the database stores it."""
    if is_sqlite(connection):
        return func.strftime("%Y-%m-%d %H:%M:%f", epoch, "unixepoch").op("||")("000")
    return func.to_timestamp(epoch)


def day_of(connection: Connection, epoch: Any) -> ColumnElement[Any]:
    """The day of a moment in UTC."""
    if is_sqlite(connection):
        return func.strftime("%Y-%m-%d", epoch, "unixepoch")
    return func.date(func.timezone("UTC", func.to_timestamp(epoch)))


def put(connection: Connection, table: Table, source: FromClause, columns: Mapping[str, Any]) -> None:
    """Insert one row for each row of `source`; a column that is not given gets the default of its model."""
    values: dict[str, Any] = {}
    for column in table.columns:
        if column.name in columns:
            given = columns[column.name]
            values[column.name] = given if isinstance(given, ColumnElement) else literal(given, column.type)
        elif column.default is not None and column.default.is_scalar:
            default: Any = column.default
            values[column.name] = literal(default.arg, column.type)
        elif not column.nullable:
            values[column.name] = literal(_empty(column.type), column.type)
    chosen = select(*(type_coerce(value, table.c[name].type) for name, value in values.items()))
    connection.execute(insert(table).from_select(list(values), chosen.select_from(source)))


def _empty(kind: Any) -> Any:
    return {"JSON": {}, "VARCHAR": "", "INTEGER": 0, "FLOAT": 0.0, "BOOLEAN": False}[str(kind).split("(")[0]]


@contextmanager
def without_indexes(connection: Connection, *tables: Table) -> Iterator[None]:
    """Drop the indexes of tables while they are filled, and build them afterwards at one go."""
    found = [index for table in tables for index in sorted(table.indexes, key=lambda i: str(i.name))]
    for index in found:
        connection.execute(DropIndex(index, if_exists=True))
    yield
    for index in found:
        connection.execute(CreateIndex(index))


@contextmanager
def quickly(url: str) -> Iterator[Connection]:
    """A connection of the database's owner that does not wait for the disk and checks no foreign keys; committed at the end."""
    engine = create_engine(url)
    lite = engine.dialect.name == "sqlite"
    event.listen(engine, "connect", _prepare_sqlite if lite else _prepare_postgresql)
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-400000", "temp_store=FILE"):
        connection.execute(f"PRAGMA {pragma}")


def _prepare_postgresql(connection: Any, _record: Any) -> None:
    was, connection.autocommit = connection.autocommit, True
    for setting in (
        "synchronous_commit = off",
        "session_replication_role = replica",
        "maintenance_work_mem = '512MB'",
    ):
        connection.execute(f"set {setting}")
    connection.autocommit = was
