"""Bring a database to the newest schema with Alembic, and on PostgreSQL put the policy in force. Run by the owner only."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config as AlembicConfig
from alembic.migration import MigrationContext
from sqlalchemy import Connection, Engine

from foundation import row_security
from foundation.db import Base, make_engine

SCRIPTS = Path(__file__).parent.parent / "migrations"


def upgrade(url: str, revision: str = "head") -> None:
    """Create or upgrade the schema at `url`; safe to repeat and to run twice at once."""
    engine = make_engine(url)
    try:
        with engine.begin() as connection:
            _alembic(connection, revision)
            if connection.dialect.name == "postgresql":
                row_security.apply_if_changed(connection)
    finally:
        engine.dispose()


def _alembic(connection: Connection, revision: str) -> None:
    config = AlembicConfig()
    config.set_main_option("script_location", str(SCRIPTS))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def differences(engine: Engine) -> list[str]:
    """How the database differs from the models, in words; empty where it does not."""
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return [str(difference) for difference in compare_metadata(context, Base.metadata)]


def is_current(engine: Engine) -> bool:
    """Whether the newest migration has run."""
    from alembic.script import ScriptDirectory

    config = AlembicConfig()
    config.set_main_option("script_location", str(SCRIPTS))
    with engine.connect() as connection:
        return (
            MigrationContext.configure(connection).get_current_revision()
            == ScriptDirectory.from_config(config).get_current_head()
        )
