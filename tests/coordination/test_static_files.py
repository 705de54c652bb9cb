"""Style sheet and scripts travel packed to whoever takes them so, and are the same file to everybody."""

from __future__ import annotations

import gzip
from collections.abc import Iterator

import pytest
import time_machine
from flask.testing import FlaskClient

from tests.make import START, build_template, make_town
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


def test_a_page_is_packed_unless_another_site_may_have_asked_for_it(client: FlaskClient) -> None:
    takes = {"Accept-Encoding": "gzip"}
    plain = client.get("/sign-in")
    assert "Content-Encoding" not in plain.headers
    assert client.get("/sign-in", headers=takes).headers["Content-Encoding"] == "gzip"  # nobody's page yet
    client.set_cookie("concord", "somebody")
    for site, small in (("same-origin", True), ("none", True), ("cross-site", False), ("same-site", False)):
        answer = client.get("/sign-in", headers=takes | {"Sec-Fetch-Site": site})
        assert (answer.headers.get("Content-Encoding") == "gzip") is small, site
        assert "Accept-Encoding" in answer.headers["Vary"]
    assert (
        "Content-Encoding" not in client.get("/sign-in", headers=takes).headers
    )  # a browser that does not say


def test_the_length_of_a_packed_page_says_little_of_what_is_in_it(client: FlaskClient) -> None:
    asked = {"Accept-Encoding": "gzip"}
    with time_machine.travel(START, tick=False):  # the token of a form says the second in which it was made
        answers = [client.get("/privacy", headers=asked) for _ in range(12)]
    assert len({gzip.decompress(answer.data) for answer in answers}) == 1
    assert len({answer.headers["Content-Length"] for answer in answers}) > 1
    assert len(answers[0].data) < len(gzip.decompress(answers[0].data)) / 2
