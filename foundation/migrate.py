"""Bring a database to the newest schema with Alembic, and on PostgreSQL put the policy in force. Run by the owner only."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, String, column, inspect, select, table

from foundation import row_security
from foundation.db import Base, make_engine
from foundation.lazily import lazily

if TYPE_CHECKING:
    from alembic import autogenerate, command, config, migration
else:
    # A process that finds the schema up to date, as nearly every one does, has no use for them.
    autogenerate, command = lazily("alembic.autogenerate"), lazily("alembic.command")
    config, migration = lazily("alembic.config"), lazily("alembic.migration")

SCRIPTS = Path(__file__).parent.parent / "migrations"
_NAMED = re.compile(r"""^(down_)?revision(?:: [^=]+)? = ["']([^"']+)["']""", re.MULTILINE)


def upgrade(url: str, revision: str = "head") -> None:
    """Create or upgrade the schema at `url`; safe to repeat and to run twice at once."""
    with _alone(url) as connection:
        # Where nothing is to be done, as at most starts, Alembic takes longer to find that out than all the rest, and 9 MiB.
        if revision != "head" or not _stands_at_head(connection):
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


def _alembic(connection: Connection, act: Callable[[Any, str], None], revision: str) -> None:
    settings = config.Config()
    settings.set_main_option("script_location", str(SCRIPTS))
    settings.attributes["connection"] = connection
    act(settings, revision)


def differences(engine: Engine) -> list[str]:
    """How the database differs from the models, in words; empty where it does not."""
    with engine.connect() as connection:
        context = migration.MigrationContext.configure(connection, opts={"compare_type": True})
        found = autogenerate.compare_metadata(context, Base.metadata)
        return [str(difference) for difference in found]


def is_current(engine: Engine) -> bool:
    """Whether the newest migration has run."""
    with engine.connect() as connection:
        return _stands_at_head(connection)


def _stands_at_head(connection: Connection) -> bool:
    if not inspect(connection).has_table("alembic_version"):
        return False
    stands = select(column("version_num", String)).select_from(table("alembic_version"))
    return set(connection.scalars(stands)) == {_newest(SCRIPTS)}


@cache
def _newest(scripts: Path) -> str:
    """The newest migration of this folder, read from the names that the files give themselves: the one that no other follows."""
    named: list[list[tuple[str, str]]] = [
        _NAMED.findall(path.read_text(encoding="utf-8")) for path in (scripts / "versions").glob("*.py")
    ]
    followed = {name for names in named for down, name in names if down}
    (head,) = {name for names in named for down, name in names if not down} - followed
    return head
