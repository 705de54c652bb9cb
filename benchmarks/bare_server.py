"""The peer of intake: the same server process and database settings, and a view that commits one bare row.

Run as ``python -m benchmarks.bare_server DATABASE_URL PORT WORKERS THREADS``.
"""

from __future__ import annotations

import sys
import uuid
from datetime import UTC, datetime
from typing import Any

from flask import Flask, Response, request
from sqlalchemy import JSON, Column, DateTime, MetaData, Table, Uuid, insert

from coordination.commands.run import Server, _options
from foundation import db

ROWS = Table(
    "bare_row",
    MetaData(),
    Column("id", Uuid, primary_key=True),
    Column("at", DateTime(timezone=True)),
    Column("body", JSON),
)


def make_app(url: str) -> Flask:
    """An application with one address: POST /row."""
    app = Flask("bare")
    database = db.Database(url)
    # SQLite takes one writer at a time: the same declared write and the same lock as Concord's own sessions.
    writes = database.engine.execution_options(concord_write=True)

    @app.post("/row")
    def row() -> Response:
        with database._lock(True), writes.begin() as connection:
            values = {"id": uuid.uuid4(), "at": datetime.now(UTC), "body": request.get_json()}
            connection.execute(insert(ROWS).values(**values))
        return Response("{}", 201, mimetype="application/json")

    @app.get("/healthz")
    def healthz() -> Response:
        return Response("{}", 200, mimetype="application/json")

    return app


def main(arguments: list[str]) -> Any:
    """Make the table and serve until told to stop."""
    url, port, workers, threads = arguments[0], int(arguments[1]), int(arguments[2]), int(arguments[3])
    engine = db.make_engine(url)
    with engine.execution_options(concord_write=True).begin() as connection:
        ROWS.create(connection, checkfirst=True)
    engine.dispose()
    Server(_options("127.0.0.1", port, workers, threads), lambda: make_app(url), False).run()


if __name__ == "__main__":
    main(sys.argv[1:])
