"""Statements compiled once in a test process, whichever town asks them: a process that runs for long compiles each once as well.

SQLAlchemy keeps what it compiled per engine, and every test opens engines of its own: compiling was a third of all processor time of the
tests that use a town. The databases of a worker are alike in all that a compiled statement depends on: the kind of server, its version, the
schema. A key of SQLAlchemy that took two different statements for one would show here sooner than with a cache for each test. Only the
tests' conftest loads this module.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, create_engine
from sqlalchemy.util import LRUCache

from foundation import db

#: More than all tests of a worker ask; only so that it cannot grow without an end.
MOST = 6_000


_first: dict[str, Engine] = {}
_compiled: dict[str, LRUCache[Any, Any]] = {}


def pytest_configure() -> None:
    """Let every engine of this process know what the ones before it compiled."""
    db.create_engine = _knowing  # type: ignore[assignment,attr-defined]


def _knowing(url: str, **settings: Any) -> Engine:
    """An engine as `create_engine` makes it, with the dialect and the compiled statements of the first that has connected."""
    engine = create_engine(url, **settings)
    kind = engine.dialect.name
    first = _first.setdefault(kind, engine)
    if first.dialect.server_version_info is None:
        _first[kind] = engine  # a dialect knows its server only once connected
    else:
        engine.dialect = first.dialect
    engine.update_execution_options(compiled_cache=_compiled.setdefault(kind, LRUCache(MOST)))
    return engine
