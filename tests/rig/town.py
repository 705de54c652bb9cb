"""The fixture `town`: a whole installation on a seeded database, once on each engine, with fakes for Twilio and mail on real sockets."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.make import Town, build_template, make_town
from tests.rig.databases import Databases


@pytest.fixture
def town(databases: Databases, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """Mardan and the other cities, a clock that stands still, and the console outbox; on SQLite and on PostgreSQL."""
    keys = tmp_path_factory.getbasetemp() / "town_keys"
    keys.mkdir(exist_ok=True)
    url = databases.template("town", lambda url: build_template(url, keys))
    town = make_town(url, keys)
    yield town
    town.runtime.close()
