"""Who may see what: one file of rules (policy.toml), made into criteria on every ORM statement and into row-level security.

A session without a principal reads nothing. Each rule is built once, as one SQLAlchemy expression; the ORM binds the person's id to it,
PostgreSQL gets the same expression with current_setting() in that place. Nothing here knows what an incident is.
"""

from __future__ import annotations

import tomllib
import uuid
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, exists, false, or_, select, true
from sqlalchemy.orm import Session, with_loader_criteria
from sqlalchemy.orm.interfaces import ORMOption

from foundation.db import Base

RULES: dict[str, Any] = tomllib.loads((Path(__file__).parent / "policy.toml").read_text(encoding="utf-8"))
MARKINGS: tuple[str, ...] = tuple(RULES["markings"])
ROLES: tuple[str, ...] = tuple(RULES["need"])
WEB_ROLE, WORKER_ROLE = "concord_web", "concord_worker"


class NoPrincipal(RuntimeError):
    """A session was used without saying for whom. This is a fault of the program, never of a person."""


@dataclass(frozen=True)
class Standing:
    """One role that a person holds at one place, through an office or a committee."""

    role: str
    locality_id: uuid.UUID
    committee_id: uuid.UUID | None = None
    office_id: uuid.UUID | None = None


@dataclass(frozen=True)
class Principal:
    """For whom a session reads: a person with standings, or a named service."""

    person_id: uuid.UUID | None = None
    service: str | None = None
    handles: tuple[uuid.UUID, ...] = ()
    standings: tuple[Standing, ...] = field(default=(), compare=False)

    @property
    def roles(self) -> frozenset[str]:
        """The roles this person holds anywhere."""
        return frozenset(standing.role for standing in self.standings)

    def at(self, *roles: str) -> tuple[uuid.UUID, ...]:
        """The places where this person holds one of `roles`."""
        return tuple(standing.locality_id for standing in self.standings if standing.role in roles)


def service(name: str) -> Principal:
    """Return the principal of a service that policy.toml names; raise KeyError for any other name."""
    if not any(name in services for services in RULES["services"].values()):
        raise KeyError(f"policy.toml names no service {name!r}")
    return Principal(service=name)


def allowed_markings(role: str) -> tuple[str, ...]:
    """The markings that `role` may see: from its need up to CLEAR."""
    return MARKINGS[MARKINGS.index(RULES["need"][role]) :]


def table(name: str) -> Table:
    """The table called `name`, which some room must have declared."""
    return Base.metadata.tables[name]


@dataclass(frozen=True)
class Viewer:
    """The two values that a rule binds: whose id, and which handles are theirs, as SQL."""

    person: ColumnElement[Any]
    handles: Any

    def is_mine(self, column: ColumnElement[Any]) -> ColumnElement[bool]:
        """Whether a row belongs to this viewer by `column`."""
        if column.name != "source_id":
            return column == self.person
        return self.handles(column) if callable(self.handles) else column.in_(self.handles)


def visible(name: str, viewer: Viewer) -> ColumnElement[bool]:
    """The rule of table `name` as one expression over its columns, for `viewer`. Tables without a rule are open to the signed in."""
    rule = RULES["tables"].get(name)
    if rule is None:
        return true()
    rows = table(name)
    ways: list[ColumnElement[bool]] = [_by_place(rows, role, viewer) for role in rule.get("own", ())]
    if mine := rule.get("mine"):
        ways.append(viewer.is_mine(rows.c[mine]))
    if "grant" in rule:
        ways.append(_by_grant(rows, rule["grant"], viewer))
    if roles := rule.get("roles"):
        ways.append(_holds(tuple(roles), viewer))
    return or_(*ways) if ways else false()


def within(name: str, viewer: Viewer) -> ColumnElement[bool]:
    """Whether a new row of table `name` lies within the places where `viewer` may add: what [adds] of policy.toml says."""
    rows, scope, path = table(name), table("scope"), table("locality_path")
    return exists(
        select(1).where(
            scope.c.person_id == viewer.person,
            scope.c.role.in_(RULES["adds"]["roles"]),
            scope.c.active,
            path.c.ancestor_id == scope.c.locality_id,
            path.c.descendant_id == rows.c.locality_id,
        )
    )


def _holds(roles: tuple[str, ...], viewer: Viewer) -> ColumnElement[bool]:
    scope = table("scope")
    return exists(select(1).where(scope.c.person_id == viewer.person, scope.c.role.in_(roles), scope.c.active))


def _by_place(rows: Table, role: str, viewer: Viewer) -> ColumnElement[bool]:
    scope, path = table("scope"), table("locality_path")
    ways = [
        exists(
            select(1).where(
                scope.c.person_id == viewer.person,
                scope.c.role == role,
                scope.c.active,
                path.c.ancestor_id == scope.c.locality_id,
                path.c.descendant_id == rows.c.locality_id,
            )
        )
    ]
    if "marking" in rows.c:
        ways.append(rows.c.marking.in_(allowed_markings(role)))
    return and_(*ways, *_exclusions(rows, RULES["exclude"].get(role, ())))


def _exclusions(rows: Table, names: tuple[str, ...]) -> list[ColumnElement[bool]]:
    clauses: list[ColumnElement[bool]] = []
    if "sensitive" in names and "sensitive" in rows.c:
        clauses.append(~rows.c.sensitive)
    clauses += [
        ~rows.c.withheld_from.contains(name) for name in ("police", "committee") if name in names and "withheld_from" in rows.c
    ]
    return clauses


def _by_grant(rows: Table, subject: str, viewer: Viewer) -> ColumnElement[bool]:
    grant, scope = table("grant"), table("scope")
    name = f"{subject.removesuffix('_place')}_id"
    key = rows.c[name] if name in rows.c else rows.c.id
    # The office concerned is named by its role, so that "not the police" also outlives any grant.
    told = [~and_(grant.c.role.in_(_roles_excluding(word)), rows.c.withheld_from.contains(word)) for word in ("police", "committee")]
    return exists(
        select(1).where(
            grant.c.subject_kind == subject,
            grant.c.subject_id == key,
            or_(
                grant.c.person_id == viewer.person,
                and_(grant.c.office_id == scope.c.office_id, scope.c.person_id == viewer.person, scope.c.active),
            ),
            *(told if "withheld_from" in rows.c else []),
        )
    )


@cache
def _roles_excluding(word: str) -> tuple[str, ...]:
    return tuple(role for role, words in RULES["exclude"].items() if word in words)


@cache
def _entities() -> dict[str, type[Base]]:
    return {mapper.local_table.name: mapper.class_ for mapper in Base.registry.mappers}  # type: ignore[attr-defined]


def criteria(principal: Principal) -> list[ORMOption]:
    """The options that keep an ORM statement to what `principal` may see; built once per principal."""
    options: list[ORMOption] = []
    for name in RULES["tables"]:
        entity = _entities().get(name)
        if entity is None:
            continue
        rule = _for_service(name, principal.service) if principal.service else _for_person(name, principal)
        if rule is not None:
            options.append(with_loader_criteria(entity, rule, include_aliases=True))
    return options


def _for_service(name: str, service_name: str) -> ColumnElement[bool] | None:
    for services in RULES["services"].values():
        if name in services.get(service_name, ()):
            return None
    return false()


def _for_person(name: str, principal: Principal) -> ColumnElement[bool]:
    from sqlalchemy import Uuid, bindparam

    person = bindparam("policy_person", principal.person_id, type_=Uuid(as_uuid=True), unique=True)
    return visible(name, Viewer(person, principal.handles))


def install(session_class: type[Session] = Session) -> None:
    """Listen on every session: refuse one without a principal, add the criteria, tell PostgreSQL for whom it reads."""
    from sqlalchemy import event

    if not event.contains(session_class, "do_orm_execute", _scope):
        event.listen(session_class, "do_orm_execute", _scope)
        event.listen(session_class, "after_begin", _tell_postgresql)


def _scope(state: Any) -> None:
    principal = state.session.info.get("principal")
    if not isinstance(principal, Principal):
        raise NoPrincipal("open sessions with Database.open(principal)")
    if state.is_select or state.is_update or state.is_delete:
        options = state.session.info.get("criteria")
        if options is None:
            options = state.session.info["criteria"] = criteria(principal)
        state.statement = state.statement.options(*options)


def _tell_postgresql(session: Session, _transaction: Any, connection: Any) -> None:
    if connection.dialect.name != "postgresql":
        return
    principal = session.info.get("principal")
    if not isinstance(principal, Principal):
        raise NoPrincipal("open sessions with Database.open(principal)")
    handles = ",".join(str(handle) for handle in principal.handles)
    person = str(principal.person_id or "")
    # LOCAL (true): it must not outlive the transaction, or the next user of the pooled connection inherits it.
    connection.exec_driver_sql("select set_config('app.person', %s, true), set_config('app.handles', %s, true)", (person, handles))


install()
