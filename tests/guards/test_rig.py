"""The ground that the other tests stand on: fresh databases, a closed network, a browser that starts."""

import asyncio
import smtplib
import socket
from urllib.request import urlopen

import pytest
from argon2 import Type
from playwright.sync_api import Browser
from sqlalchemy import create_engine, text

from tests.rig import hashes
from tests.rig.databases import Databases
from tests.rig.network import NetworkRefused, is_home


def _execute(url: str, *statements: str) -> list[tuple[object, ...]]:
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            for statement in statements[:-1]:
                connection.execute(text(statement))
            result = connection.execute(text(statements[-1]))
            return [tuple(row) for row in result] if result.returns_rows else []
    finally:
        engine.dispose()


def test_passwords_of_the_house_cost_at_least_what_owasp_asks() -> None:
    """The tests' own sign-ins are cheaper (rig/hashes.py), so none of them would notice."""
    house = hashes.HOUSE
    assert house.type is Type.ID
    assert house.time_cost >= 2
    assert house.memory_cost >= 19_456


def test_fresh_url_is_an_empty_database_of_its_own(databases: Databases) -> None:
    _execute(databases.empty(), "CREATE TABLE here (n INTEGER)")
    rows = _execute(databases.empty(), "CREATE TABLE here (n INTEGER)", "SELECT n FROM here")
    assert rows == []


def test_template_is_built_once_and_copies_share_nothing(databases: Databases) -> None:
    built: list[str] = []

    def build(url: str) -> None:
        built.append(url)
        _execute(url, "CREATE TABLE kept (n INTEGER)", "INSERT INTO kept VALUES (7)")

    first = databases.template("kept", build)
    _execute(first, "DELETE FROM kept")
    second = databases.template("kept", build)
    assert len(built) == 1
    assert _execute(second, "SELECT n FROM kept") == [(7,)]
    assert _execute(first, "SELECT n FROM kept") == []


def test_template_takes_in_what_is_still_in_the_write_ahead_log(sqlite_databases: Databases) -> None:
    def build(url: str) -> None:
        engine = create_engine(url)
        connection = engine.connect()
        connection.execute(text("PRAGMA journal_mode = WAL"))
        connection.execute(text("CREATE TABLE kept (n INTEGER)"))
        connection.execute(text("INSERT INTO kept VALUES (7)"))
        connection.commit()
        left_open.append(connection)

    left_open: list[object] = []
    url = sqlite_databases.template("wal", build)
    assert _execute(url, "SELECT n FROM kept") == [(7,)]


def test_a_template_can_be_copied_while_its_builder_left_a_connection_open(
    postgres_databases: Databases,
) -> None:
    engines = []

    def build(url: str) -> None:
        engine = create_engine(url)
        engines.append(engine)
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE kept (n INTEGER)"))

    url = postgres_databases.template("left open", build)
    assert _execute(url, "SELECT n FROM kept") == []
    engines[0].dispose()


@pytest.mark.parametrize("engine_name", ["sqlite", "postgresql"])
def test_databases_are_gone_after_the_test(engine_name: str, request: pytest.FixtureRequest) -> None:
    maker = request.getfixturevalue("sqlite_databases" if engine_name == "sqlite" else "postgres_databases")
    url = maker.empty()
    _execute(url, "CREATE TABLE here (n INTEGER)")
    maker.drop_all()
    if engine_name == "sqlite":
        _execute(url, "CREATE TABLE here (n INTEGER)")
        maker.drop_all()
    else:
        with pytest.raises(Exception, match="does not exist"):
            _execute(url, "SELECT 1")


def test_fresh_url_comes_once_for_each_engine(fresh_url: str, request: pytest.FixtureRequest) -> None:
    assert fresh_url.startswith(request.node.callspec.params["databases"])
    assert _execute(fresh_url, "SELECT 1") == [(1,)]


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.53", "::1", "localhost", "", None, b"localhost"])
def test_this_machine_is_home(host: str | bytes | None) -> None:
    assert is_home(host)


@pytest.mark.parametrize("host", ["192.0.2.1", "10.0.0.1", "example.org", "2001:db8::1", b"example.org"])
def test_any_other_machine_is_not_home(host: str | bytes) -> None:
    assert not is_home(host)


def test_leaving_this_machine_is_refused_by_any_road(refused_connections: list[str]) -> None:
    with socket.socket() as tcp, pytest.raises(NetworkRefused):
        tcp.connect(("192.0.2.1", 80))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, pytest.raises(NetworkRefused):
        udp.sendto(b"?", ("192.0.2.1", 53))
    with pytest.raises(NetworkRefused):
        urlopen("https://example.org/")
    with pytest.raises(NetworkRefused):
        smtplib.SMTP("192.0.2.1", 25)
    with pytest.raises(NetworkRefused):
        asyncio.run(asyncio.open_connection("192.0.2.1", 80))
    assert refused_connections == ["192.0.2.1", "192.0.2.1", "example.org", "192.0.2.1", "192.0.2.1"]
    refused_connections.clear()


def test_a_server_on_this_machine_can_be_reached() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as client,
    ):
        assert client.getpeername() == server.getsockname()


@pytest.mark.browser
@pytest.mark.parametrize(
    ("language", "today"),
    [("ur", "آج"), ("dv", "މިއަދު"), ("bn", "আজ"), ("hi", "आज"), ("si", "අද"), ("ta", "இன்று"), ("en", "Today")],
)
def test_chromium_has_letters_for_every_language(chromium: Browser, language: str, today: str) -> None:
    with chromium.new_context(locale=language) as context:
        page = context.new_page()
        page.set_content(f"<p style='font-family: Noto Nastaliq Urdu, serif'>{today}</p>")
        assert page.evaluate("navigator.language") == language
        devtools = context.new_cdp_session(page)
        root = devtools.send("DOM.getDocument")["root"]["nodeId"]
        devtools.send("CSS.enable")
        paragraph = devtools.send("DOM.querySelector", {"nodeId": root, "selector": "p"})["nodeId"]
        fonts = devtools.send("CSS.getPlatformFontsForNode", {"nodeId": paragraph})["fonts"]
    # A letter that no font has is drawn from "Last Resort" or as a box of the default Latin font.
    if language != "en":
        assert {font["familyName"].split()[0] for font in fonts} == {"Noto"}
    assert sum(font["glyphCount"] for font in fonts) > 0
