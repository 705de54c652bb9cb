"""Fixtures of the tests of the room alerts: an empty database with the schema, and a small ground in an open session."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from coordination import schema
from foundation.crypto import Cipher
from foundation.db import Database
from foundation.migrate import upgrade
from foundation.policy import service
from tests.alerts.ground import Ground, settle
from tests.rig.databases import Databases

assert schema.ROOMS


@pytest.fixture(scope="module")
def cipher(tmp_path_factory: pytest.TempPathFactory) -> Cipher:
    folder: Path = tmp_path_factory.mktemp("keys")
    return Cipher.from_folder(folder, "a secret of the tests")


@pytest.fixture
def database(databases: Databases, cipher: Cipher) -> Iterator[Database]:
    opened = Database(databases.template("schema", upgrade), cipher)
    yield opened
    opened.close()


@pytest.fixture
def ground(database: Database) -> Iterator[Ground]:
    with database.open(service("seed"), write=True) as session:
        yield settle(session)
