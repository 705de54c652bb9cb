"""Style sheet and scripts travel packed to whoever takes them so, and are the same file to everybody."""

from __future__ import annotations

import gzip
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from tests.make import build_template, make_town
from tests.rig.databases import Databases

SHEET = "/static/style.css"


@pytest.fixture
def client(sqlite_databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskClient]:
    """A browser; no database is read for a file."""
    keys = tmp_path_factory.getbasetemp() / "town_keys"
    keys.mkdir(exist_ok=True)
    town = make_town(sqlite_databases.template("town", lambda url: build_template(url, keys)), keys)
    yield town.app.test_client()
    town.runtime.close()


def test_a_file_is_packed_for_who_takes_it_so_and_asked_for_once(client: FlaskClient) -> None:
    plain, small = (
        client.get(SHEET, buffered=True),
        client.get(SHEET, headers={"Accept-Encoding": "gzip, br"}),
    )
    assert "Content-Encoding" not in plain.headers
    assert small.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(small.data) == plain.data
    assert len(small.data) == int(small.headers["Content-Length"]) <= 8192
    for answer in (plain, small):
        assert "Accept-Encoding" in answer.headers["Vary"]
        again = {"If-None-Match": answer.headers["ETag"], "Accept-Encoding": "gzip"}
        assert client.get(SHEET, headers=again, buffered=True).status_code == 304


def test_a_page_with_its_secrets_is_never_packed(client: FlaskClient) -> None:
    assert "Content-Encoding" not in client.get("/start", headers={"Accept-Encoding": "gzip"}).headers
