"""Alembic's environment: one connection passed in by foundation.migrate, and the models of every room."""

from alembic import context

from coordination import schema
from foundation.db import Base, UtcDateTime

assert schema.ROOMS


def render(kind, value, _autogen):
    """Write our moments as plain timestamps, so that a migration never depends on the code of a later day."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(value, UtcDateTime) else False


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    render_item=render,
)
with context.begin_transaction():
    context.run_migrations()
