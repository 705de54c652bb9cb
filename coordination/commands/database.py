"""`concord db upgrade`, `concord db check`, `concord seed FILE`."""

from __future__ import annotations

from pathlib import Path

import click

from committees import public_holidays
from coordination import schema, seeding
from coordination.commands import Progress, config, opened
from foundation import migrate
from foundation.db import make_engine
from foundation.errors import Problem
from foundation.policy import service

assert schema.ROOMS


@click.group("db")
def db_command() -> None:
    """Bring the database to the newest schema, or check it."""


@db_command.command("upgrade")
def upgrade() -> None:
    """Run the migrations; on PostgreSQL put roles and row-level security in force."""
    settings = config()
    settings.data.mkdir(parents=True, exist_ok=True)
    migrate.upgrade(settings.owner_database_url)
    click.echo("The database is at the newest schema.")


@db_command.command("check")
def check() -> None:
    """Compare the database with the models; name each difference."""
    engine = make_engine(config().owner_database_url)
    found = (
        migrate.differences(engine) if migrate.is_current(engine) else ["The newest migration has not run."]
    )
    engine.dispose()
    if found:
        raise Problem("\n".join(found), "Run: concord db upgrade")
    click.echo("The database and the models agree.")


@click.command("seed")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def seed_command(file: Path) -> None:
    """Load places, offices, people, committees, dates and local pictures from FILE (YAML or JSON). Running it twice changes nothing."""
    with opened() as runtime, runtime.worker.open(service("seed"), write=True) as session:
        new = seeding.seed(session, runtime.clock.now(), file, Progress())
        if runtime.config.public_holidays and (
            entered := public_holidays.enter(session, runtime.clock.now())
        ):
            new["public holidays"] = entered
        session.commit()
    click.echo(
        ", ".join(f"{count} {name}" for name, count in sorted(new.items()))
        or "Nothing new: everything in this file is there already."
    )
