"""The database layer: the declarative base, column types, sessions that need a principal, and the compare-and-set claim.

SQLite and PostgreSQL are treated alike. On SQLite reads begin DEFERRED and declared writes begin IMMEDIATE behind one lock per process,
because upgrading a read to a write fails under load. Every room may import this module; it imports nothing of the domain.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from threading import RLock
from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    ColumnElement,
    DateTime,
    Engine,
    Insert,
    MetaData,
    Uuid,
    any_,
    create_engine,
    event,
    func,
    inspect,
    literal,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import CursorResult, Dialect
from sqlalchemy.orm import (
    DeclarativeBase,
    InstrumentedAttribute,
    Mapped,
    Session,
    make_transient_to_detached,
    mapped_column,
)
from sqlalchemy.types import TypeDecorator

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class UtcDateTime(TypeDecorator[datetime]):
    """An aware moment, stored in UTC; a naive one is refused, because nobody can say what it means."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive values and store the rest in UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive time was about to be stored; pass an aware one")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give back an aware value on both databases."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """The base of every table. UUID4 keys: a UUID7 would leak the minute of a report."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: UtcDateTime,
        uuid.UUID: Uuid(as_uuid=True),
        dict[str, Any]: JSON,
        list[Any]: JSON,
    }


class Keyed:
    """A random key that the row's maker may choose: clients make the ids of what they create."""

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4, sort_order=-1)


_write_lock = RLock()


def make_engine(url: str) -> Engine:
    """Return an engine for SQLite (WAL, synchronous FULL, foreign keys) or PostgreSQL.

    The JSON serializer keeps letters of every script readable in the database.
    """
    dumps = _dumps
    if not url.startswith("sqlite"):
        return create_engine(url, pool_pre_ping=True, pool_size=10, max_overflow=20, json_serializer=dumps)
    engine = create_engine(
        url, json_serializer=dumps, connect_args={"timeout": 30, "check_same_thread": False}
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None
    # A cache of 1 MiB for each connection, where SQLite takes 2: the pages lie in the system's cache as well.
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "busy_timeout=30000",
        "cache_size=-1024",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Any) -> None:
    # A write that starts as a read cannot be upgraded safely, so writes say so before their first statement.
    mode = "IMMEDIATE" if connection.get_execution_options().get("concord_write") else "DEFERRED"
    connection.exec_driver_sql(f"BEGIN {mode}")


def _become(role: str) -> Any:
    """Give up the owner's rights on every new connection: row-level security holds for `role`, never for an owner or superuser."""

    def on_connect(connection: Any, _record: Any) -> None:
        was, connection.autocommit = connection.autocommit, True
        connection.execute(f'set role "{role}"')
        connection.autocommit = was

    return on_connect


class Database:
    """One engine and the sessions on it. `open()` is the only way to a session: it asks for a principal."""

    def __init__(self, url: str, cipher: Any = None, role: str | None = None) -> None:
        self.url = url
        self.cipher = cipher
        self.engine = make_engine(url)
        if role and self.engine.dialect.name == "postgresql":
            event.listen(self.engine, "connect", _become(role))
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        self._reads = self.engine
        self._writes = self.engine.execution_options(concord_write=True) if self.is_sqlite else self.engine

    @contextmanager
    def open(self, principal: Any, *, write: bool = False) -> Iterator[Session]:
        """Yield a session for `principal`; the caller commits. Nothing is kept unless it does.

        `write` is declared beforehand: SQLite takes one writer at a time.
        """
        with (
            self._lock(write),
            Session(self._writes if write else self._reads, expire_on_commit=False) as session,
        ):
            session.info.update(principal=principal, cipher=self.cipher)
            yield session

    @contextmanager
    def _lock(self, write: bool) -> Iterator[None]:
        if not (write and self.is_sqlite):
            yield
            return
        with _write_lock:
            yield

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()


def claim(
    session: Session, entity: type[Base], key: Any, was: dict[str, Any], becomes: dict[str, Any]
) -> bool:
    """Compare-and-set one row: change it only if it is still as it was read. True if this caller won.

    `key` is the primary key; `was` and `becomes` map column names to values. The same on SQLite and PostgreSQL.
    """
    column = entity.__mapper__.primary_key[0]
    statement = (
        update(entity).where(column == key).values(**becomes).execution_options(synchronize_session=False)
    )
    for name, value in was.items():
        attribute = getattr(entity, name)
        statement = statement.where(attribute.is_(None) if value is None else attribute == value)
    result = session.execute(statement)
    assert isinstance(result, CursorResult)
    return result.rowcount == 1


def hold(session: Session, row: Base) -> None:
    """Read a row anew and keep it from all others until the end of this transaction: whoever counts on it judges one after the other.

    On SQLite a declared write is alone anyway.
    """
    session.refresh(row, with_for_update=True)


def among(session: Session, column: InstrumentedAttribute[Any], keys: Iterable[Any]) -> ColumnElement[bool]:
    """Whether a column is one of many keys, which go as one array: a thousand single values take longer to send than to find."""
    values = list(keys)
    if session.get_bind().dialect.name == "sqlite":
        # As SQLite stores them: a UUID is its hex digits.
        told = json.dumps([value.hex if isinstance(value, uuid.UUID) else value for value in values])
        each = func.json_each(told).table_valued("value")
        return column.in_(select(each.c.value))
    return column == any_(literal(values, postgresql.ARRAY(column.type)))


@cache
def _insert_or_leave(entity: type[Base], dialect: str) -> Insert:
    """The statement of `insert_new`: built once, so that it is compiled once."""
    insert = sqlite.insert if dialect == "sqlite" else postgresql.insert
    return insert(entity).on_conflict_do_nothing()


def insert_new(session: Session, row: Base) -> bool:
    """Store a row at once unless another one has a unique key of it: False, and nothing is changed.

    One statement without a savepoint, the same on SQLite and PostgreSQL: where somebody else is storing such a row at this moment, it waits
    for them. The row is the session's own afterwards, as if it had been flushed.
    """
    mapper = inspect(type(row))
    for attribute in mapper.column_attrs:
        column = attribute.columns[0]
        if attribute.key not in row.__dict__:
            default = column.default
            value = None if default is None else default.arg(None) if default.is_callable else default.arg
            setattr(row, attribute.key, value)
    values = {attribute.key: getattr(row, attribute.key) for attribute in mapper.column_attrs}
    result = session.execute(
        _insert_or_leave(type(row), session.get_bind().dialect.name),
        values,
        execution_options={"dml_strategy": "raw", "preserve_rowcount": True},
    )
    assert isinstance(result, CursorResult)
    if result.rowcount != 1:
        return False
    make_transient_to_detached(row)
    session.add(row)
    return True


def new_id() -> uuid.UUID:
    """Return a random UUID4."""
    return uuid.UUID(bytes=os.urandom(16), version=4)
