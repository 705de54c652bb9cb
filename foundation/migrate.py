"""Bring a database to the newest schema with Alembic, and on PostgreSQL put the policy in force. Run by the owner only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config as AlembicConfig
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

from foundation import row_security
from foundation.db import Base, make_engine

SCRIPTS = Path(__file__).parent.parent / "migrations"


def upgrade(url: str, revision: str = "head") -> None:
    """Create or upgrade the schema at `url`; safe to repeat and to run twice at once."""
    with _alone(url) as connection:
        # Where nothing is to be done, as at most starts, Alembic's own way of finding that out takes longer than all the rest.
        if revision != "head" or _revision(connection) != _newest(SCRIPTS):
            _alembic(connection, command.upgrade, revision)
        if connection.dialect.name == "postgresql":
            row_security.apply_if_changed(connection)


def downgrade(url: str, revision: str) -> None:
    """Take the schema at `url` back to `revision` ("base": to nothing); the policy is lifted first, and `upgrade` puts it back."""
    with _alone(url) as connection:
        if connection.dialect.name == "postgresql":
            row_security.lift(connection)
        _alembic(connection, command.downgrade, revision)


@contextmanager
def _alone(url: str) -> Iterator[Connection]:
    """One transaction that no other migration shares: web and worker of a new installation may start at the same moment."""
    engine = make_engine(url).execution_options(concord_write=True)
    try:
        with engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql(f"select pg_advisory_xact_lock({row_security.LOCK})")
            yield connection
    finally:
        engine.dispose()


def _alembic(connection: Connection, act: Callable[[AlembicConfig, str], None], revision: str) -> None:
    config = AlembicConfig()
    config.set_main_option("script_location", str(SCRIPTS))
    config.attributes["connection"] = connection
    act(config, revision)


def differences(engine: Engine) -> list[str]:
    """How the database differs from the models, in words; empty where it does not."""
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return [str(difference) for difference in compare_metadata(context, Base.metadata)]


def is_current(engine: Engine) -> bool:
    """Whether the newest migration has run."""
    with engine.connect() as connection:
        return _revision(connection) == _newest(SCRIPTS)


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


@cache
def _newest(scripts: Path) -> str | None:
    """The newest revision of this folder; read once, as a running program's own do not change."""
    config = AlembicConfig()
    config.set_main_option("script_location", str(scripts))
    return ScriptDirectory.from_config(config).get_current_head()
