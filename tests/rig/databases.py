"""Fresh databases for the tests, on SQLite and on PostgreSQL, and copies of ones that were costly to fill.

A test asks for `fresh_url` (the URL of an empty database, once on each engine) or for `databases`, whose
`template(name, build)` fills a database once per worker and hands each test a copy of its own. Both are gone
after the test. Nothing here knows the application: `build` gets a URL and does the filling.

A copy holds what is in a database. What belongs to the whole server, roles above all, is not copied and stays
from one test to the next. Privileges on the database itself and ALTER DATABASE ... SET are not copied either.
"""

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol
from uuid import uuid4

import pytest
from psycopg import sql
from sqlalchemy import make_url

from tests.rig import postgres

Build = Callable[[str], object]
ROOM = 2 << 30  # Bytes of memory that must be free before databases are kept there.


class Databases(Protocol):
    """Makes databases and remembers them, so that they can be dropped."""

    def empty(self) -> str:
        """Make an empty database and return its SQLAlchemy URL."""
        ...

    def template(self, name: str, build: Build) -> str:
        """Return the URL of a fresh copy of the database `name`, which `build(url)` fills the first time.

        One name means one build. The build must close its connections before it returns.
        """
        ...

    def drop_all(self) -> None:
        """Drop what `empty` and `template` handed out, but not the templates themselves."""
        ...


class SqliteDatabases:
    """Databases that are files in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = count(1)
        self._templates: dict[str, Path] = {}
        self._given: list[Path] = []

    def empty(self) -> str:
        """Return the URL of a file that does not exist yet."""
        return f"sqlite:///{self._next()}"

    def template(self, name: str, build: Build) -> str:
        """Return the URL of a copy of the file `name`; see Databases."""
        if name not in self._templates:
            self._templates[name] = self._build(build)
        copy = self._next()
        shutil.copyfile(self._templates[name], copy)
        return f"sqlite:///{copy}"

    def drop_all(self) -> None:
        """Remove the files handed out, with the journals beside them."""
        for path in self._given:
            for leftover in path.parent.glob(f"{path.name}*"):
                leftover.unlink()
        self._given.clear()

    def _build(self, build: Build) -> Path:
        working = self._folder / f"building{next(self._numbers)}.db"
        build(f"sqlite:///{working}")
        # SQLite's own copy takes in what is still in the write-ahead log; a plain copy of the file would not.
        finished = working.with_suffix(".template")
        with closing(sqlite3.connect(working)) as source, closing(sqlite3.connect(finished)) as target:
            source.backup(target)
        return finished

    def _next(self) -> Path:
        path = self._folder / f"test{next(self._numbers)}.db"
        self._given.append(path)
        return path


class PostgresDatabases:
    """Databases on one PostgreSQL server, named so that several workers can share it."""

    def __init__(self, server_url: str) -> None:
        self._server = server_url
        self._prefix = f"concord_test_{uuid4().hex[:8]}"
        self._numbers = count(1)
        self._templates: dict[str, str] = {}
        self._given: list[str] = []

    def empty(self) -> str:
        """Return the URL of a new, empty database."""
        name = self._next()
        self._run("CREATE DATABASE {} TEMPLATE template0 STRATEGY FILE_COPY", name)
        return self._url(name)

    def template(self, name: str, build: Build) -> str:
        """Return the URL of a copy of the database `name`; see Databases."""
        if name not in self._templates:
            self._templates[name] = self._build(build)
        copy = self._next()
        # Copying files is the faster way here, since the server does not wait for the disk.
        self._run("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY", copy, self._templates[name])
        return self._url(copy)

    def drop_all(self) -> None:
        """Drop the databases handed out, whoever is still connected."""
        for name in self._given:
            self._run("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)
        self._given.clear()

    def drop_templates(self) -> None:
        """Drop the templates too: a server that outlives the tests must be left as it was."""
        for name in self._templates.values():
            self._run("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)
        self._templates.clear()

    def _build(self, build: Build) -> str:
        name = f"{self._prefix}_template{next(self._numbers)}"
        self._run("CREATE DATABASE {} TEMPLATE template0 STRATEGY FILE_COPY", name)
        with self._alone_on_server():
            build(self._url(name))
        # PostgreSQL copies no database that somebody is connected to, such as a pool that was left open.
        self._run("ALTER DATABASE {} ALLOW_CONNECTIONS false", name)
        with postgres.connect(self._server) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s", (name,)
            )
        return name

    @contextmanager
    def _alone_on_server(self) -> Iterator[None]:
        """Keep other workers of the same server from creating the same roles at the same moment."""
        with postgres.connect(self._server) as connection:
            connection.execute("SELECT pg_advisory_lock(hashtext('concord tests'))")
            yield

    def _run(self, statement: str, *names: str) -> None:
        with postgres.connect(self._server) as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))

    def _url(self, name: str) -> str:
        return make_url(self._server).set(database=name).render_as_string(hide_password=False)

    def _next(self) -> str:
        name = f"{self._prefix}_{next(self._numbers)}"
        self._given.append(name)
        return name


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """Yield the URL of this worker's PostgreSQL server, as a superuser; tests make databases of their own."""
    with postgres.running_server() as url:
        yield url


@pytest.fixture(scope="session")
def _postgres_maker(postgres_url: str) -> Iterator[PostgresDatabases]:
    maker = PostgresDatabases(postgres_url)
    yield maker
    maker.drop_templates()


@pytest.fixture(scope="session")
def _sqlite_maker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqliteDatabases]:
    with _quick_folder(tmp_path_factory) as folder:
        yield SqliteDatabases(folder)


@contextmanager
def _quick_folder(factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder in memory where there is room for one: each commit of a test would otherwise wait for the disk."""
    memory = Path("/dev/shm")  # noqa: S108
    if not memory.is_mount() or shutil.disk_usage(memory).free < ROOM:
        yield factory.mktemp("sqlite")
        return
    with TemporaryDirectory(prefix="concord_tests_", dir=memory) as folder:
        yield Path(folder)


@pytest.fixture
def postgres_databases(_postgres_maker: PostgresDatabases) -> Iterator[Databases]:
    """Yield a maker of PostgreSQL databases, which are dropped after the test."""
    yield _postgres_maker
    _postgres_maker.drop_all()


@pytest.fixture
def sqlite_databases(_sqlite_maker: SqliteDatabases) -> Iterator[Databases]:
    """Yield a maker of SQLite databases, which are removed after the test."""
    yield _sqlite_maker
    _sqlite_maker.drop_all()


@pytest.fixture(params=["sqlite", "postgresql"])
def databases(request: pytest.FixtureRequest) -> Databases:
    """Return a maker of databases, once for each engine."""
    maker: Databases = request.getfixturevalue(
        "sqlite_databases" if request.param == "sqlite" else "postgres_databases"
    )
    return maker


@pytest.fixture
def fresh_url(databases: Databases) -> str:
    """Return the URL of an empty database, once for each engine."""
    return databases.empty()
