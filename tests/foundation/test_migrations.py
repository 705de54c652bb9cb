"""The schema: made from nothing, made again without harm, equal to the models, and taken down again; on both databases."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import func, inspect, select

from committees.people import Person
from coordination import schema
from foundation.db import Base, Database, make_engine
from foundation.migrate import SCRIPTS, differences, downgrade, is_current, upgrade
from foundation.policy import service
from tests.make import Town
from tests.rig.databases import Databases

assert schema.ROOMS
ROOT = Path(__file__).parents[2]


def tables(url: str) -> set[str]:
    engine = make_engine(url)
    try:
        return set(inspect(engine).get_table_names()) - {"alembic_version"}
    finally:
        engine.dispose()


def test_an_empty_database_gets_the_whole_schema(fresh_url: str) -> None:
    upgrade(fresh_url)
    assert tables(fresh_url) == set(Base.metadata.tables)
    engine = make_engine(fresh_url)
    assert differences(engine) == []
    assert is_current(engine)
    engine.dispose()


def test_a_database_without_a_schema_is_not_current(fresh_url: str) -> None:
    engine = make_engine(fresh_url)
    assert not is_current(engine)
    assert differences(engine) != []
    engine.dispose()


def test_a_difference_is_seen(databases: Databases) -> None:
    url = databases.template("schema", upgrade)
    engine = make_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("alter table heartbeat add column more integer")
    assert any("more" in difference for difference in differences(engine))
    engine.dispose()


def test_upgrading_a_filled_database_again_keeps_every_row(town: Town) -> None:
    town.report()
    url = town.runtime.config.database_url
    counts = rows_in(url)
    upgrade(url)
    assert rows_in(url) == counts
    assert differences(town.runtime.worker.engine) == []
    with town.session() as session:
        assert session.scalar(select(func.count()).select_from(Person))


def rows_in(url: str) -> dict[str, int]:
    database = Database(url)
    with database.open(service("seed")) as session:
        connection = session.connection()
        found = {
            name: int(connection.exec_driver_sql(f'select count(*) from "{name}"').scalar_one())
            for name in Base.metadata.tables
        }
    database.close()
    return found


def test_it_can_be_taken_down_and_put_up_again(fresh_url: str) -> None:
    upgrade(fresh_url)
    downgrade(fresh_url, "base")
    assert tables(fresh_url) == set()
    upgrade(fresh_url)
    assert tables(fresh_url) == set(Base.metadata.tables)


def test_a_filled_database_can_be_taken_down(town: Town) -> None:
    town.report(text="x", about="market_dispute")
    url = town.runtime.config.database_url
    town.runtime.web.close()
    town.runtime.worker.close()
    downgrade(url, "base")
    assert tables(url) == set()


def test_two_processes_that_start_at_once_make_one_schema(fresh_url: str) -> None:
    words = "import sys; from foundation.migrate import upgrade; sys.stdin.read(1); upgrade(sys.argv[1])"
    both = [
        subprocess.Popen(
            [sys.executable, "-c", words, fresh_url], cwd=ROOT, stdin=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for _ in range(2)
    ]
    for process in both:
        assert process.stdin
        process.stdin.write(b"!")
        process.stdin.flush()
    said = [process.communicate(timeout=120)[1].decode() for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert tables(fresh_url) == set(Base.metadata.tables)


@pytest.mark.parametrize("path", sorted((SCRIPTS / "versions").glob("[0-9]*.py")), ids=lambda path: path.stem)
def test_a_migration_does_not_depend_on_todays_code(path: Path) -> None:
    words = path.read_text(encoding="utf-8")
    for room in ("foundation", "committees", "alerts", "coordination"):
        assert f"import {room}" not in words
        assert f"from {room}" not in words
        assert f"{room}." not in words
