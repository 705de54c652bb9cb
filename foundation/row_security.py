"""Row-level security of PostgreSQL, made from policy.toml: two roles, one policy a table and role. Run after every migration.

Used by foundation.migrate only. SQLite has no roles; there the ORM criteria stand alone, and `concord doctor` says so.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import cache

from sqlalchemy import Connection, Select, Text, Uuid, cast, delete, func, insert, literal_column, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.sql import ColumnElement

from foundation.db import Base
from foundation.jobs import Setting
from foundation.policy import RULES, WEB_ROLE, WORKER_ROLE, Viewer, releasing, table, visible, within

# The record is written and read, never changed: only the sealer (worker) may fill in the chain.
APPEND_ONLY_FOR_WEB = (
    "journal",
    "inbound",
    "spoken_note",
    "identity",
    "reply_handle",
    "report",
    "grant",
    "profile",
    "escalation_policy",
)
# What was said is never edited; who dealt with it, and under which incident it stands, and who must not be told, may be said by whoever may see it.
# What was written for a place is never edited; a version only moves on towards being in force, or is refused.
MOVED_BY_WEB = {
    "inbound": "state, handled_by",
    "report": "incident_id, sensitive, withheld_from",
    "profile": "state, proposed_by, proposed_at, approved_by, approved_role, approved_at, refused_by, refused_at, answer, valid_from",
    "escalation_policy": "state, proposed_by, proposed_at, decided_by, decided_role, decided_at, answer",
}
LOCK = 4_912_026
FINGERPRINT = "policy_fingerprint"


def apply_if_changed(connection: Connection) -> None:
    """Put the policy in force unless it is there already: a database remembers the fingerprint of what was applied to it."""
    wanted = _fingerprint(frozenset(Base.metadata.tables))
    roles = connection.exec_driver_sql(
        "select count(*) from pg_roles where rolname in (%s, %s)", (WEB_ROLE, WORKER_ROLE)
    ).scalar()
    if roles == 2 and connection.scalar(select(Setting.value).where(Setting.key == FINGERPRINT)) == wanted:
        return
    apply(connection)
    connection.execute(delete(Setting).where(Setting.key == FINGERPRINT))
    connection.execute(insert(Setting).values(key=FINGERPRINT, value=wanted))


def apply(connection: Connection) -> None:
    """Create the roles if missing and put every table's policies in force. Safe to repeat; the caller commits."""
    connection.exec_driver_sql(
        f"select pg_advisory_xact_lock({LOCK})"
    )  # roles are cluster-wide: one creator at a time
    for role in (WEB_ROLE, WORKER_ROLE):
        found = connection.exec_driver_sql("select 1 from pg_roles where rolname = %s", (role,)).scalar()
        if not found:
            connection.exec_driver_sql(f"create role {role} nologin")
        connection.exec_driver_sql(f"grant {role} to current_user")
    for statement in statements():
        connection.exec_driver_sql(statement)


@cache
def _fingerprint(_tables: frozenset[str]) -> str:
    """What the policy over the tables known to this process comes to."""
    return hashlib.sha256("\n".join(statements()).encode()).hexdigest()


def lift(connection: Connection) -> None:
    """Take every policy off again, so that tables can be dropped: policies look into each other's tables. The caller commits."""
    rows = connection.exec_driver_sql(
        "select policyname, tablename from pg_policies where schemaname = 'public'"
    ).all()
    for policy, name in rows:
        connection.exec_driver_sql(f'drop policy "{policy}" on "{name}"')
    connection.execute(delete(Setting).where(Setting.key == FINGERPRINT))


def statements() -> Iterator[str]:
    """Every statement that puts the policy in force, in order."""
    yield f"grant usage on schema public to {WEB_ROLE}, {WORKER_ROLE}"
    yield f"grant select, insert, update, delete on all tables in schema public to {WORKER_ROLE}"
    yield f"grant select, insert, update, delete on all tables in schema public to {WEB_ROLE}"
    yield f"grant usage on all sequences in schema public to {WEB_ROLE}, {WORKER_ROLE}"
    for name in APPEND_ONLY_FOR_WEB:
        yield f'revoke update, delete on "{name}" from {WEB_ROLE}'
    for name, columns in MOVED_BY_WEB.items():
        yield f'grant update ({columns}) on "{name}" to {WEB_ROLE}'
    yield f'revoke delete on "journal" from {WORKER_ROLE}'
    yield f'revoke select on "identity" from {WEB_ROLE}'  # nosec B608
    yield f'revoke update, delete on "outbox" from {WEB_ROLE}'
    worker = {name for tables in RULES["services"]["worker"].values() for name in tables}
    intake = {name for tables in RULES["services"]["web"].values() for name in tables} | {
        "journal",
        "outbox",
        "delivery",
    }
    for name in RULES["tables"]:
        if name not in Base.metadata.tables:
            continue
        yield f'alter table "{name}" enable row level security'
        yield f'alter table "{name}" force row level security'
        for policy in ("person", "adds", "within", "worker"):
            yield f'drop policy if exists {policy} on "{name}"'
        rule = _compiled(name, visible(name, _viewer()))
        yield f'create policy person on "{name}" to {WEB_ROLE} using ({rule}) with check ({rule})'
        if name in intake or name in ("identity", "reply_handle"):
            yield f'create policy adds on "{name}" for insert to {WEB_ROLE} with check (true)'
        inside = _inside(name)
        if inside is not None:
            yield f'create policy adds on "{name}" for insert to {WEB_ROLE} with check ({inside})'
            yield f'create policy within on "{name}" as restrictive for insert to {WEB_ROLE} with check ({inside})'
        if name in worker:
            yield f'create policy worker on "{name}" to {WORKER_ROLE} using (true) with check (true)'


def _inside(name: str) -> str | None:
    """What a new row of this table must fulfil where a person adds it; None where the rule of the table alone says so."""
    if name == "grant":
        grant = table(name)
        return _compiled(name, releasing(grant.c.subject_kind, grant.c.subject_id, _viewer()))
    added = name in (*RULES["adds"]["tables"], *RULES["adds"]["only"])
    return _compiled(name, within(name, _viewer())) if added else None


def _viewer() -> Viewer:
    person: ColumnElement[object] = cast(func.nullif(func.current_setting("app.person", True), ""), Uuid())
    handles = func.string_to_array(func.current_setting("app.handles", True), ",")
    return Viewer(person, lambda column: cast(column, Text) == func.any(handles))


def _compiled(name: str, rule: ColumnElement[bool]) -> str:
    """A rule as PostgreSQL writes it, compiled inside a statement on its table: alone, each subquery would name that table
    again, ask about any of its rows instead of this one, and recurse into the policy without end.
    """
    statement: Select[tuple[object]] = select(literal_column("1")).select_from(table(name)).where(rule)
    compiled = str(statement.compile(dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True}))  # type: ignore[no-untyped-call]
    return compiled.partition("WHERE")[2] or "true"
