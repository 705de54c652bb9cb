"""Who may see what: one file of rules (policy.toml), made into criteria on every ORM statement and into row-level security.

A session without a principal reads nothing. Each rule is built once, as one SQLAlchemy expression; the ORM binds the person's id to it,
PostgreSQL gets the same expression with current_setting() in that place. Nothing here knows what an incident is.
"""

from __future__ import annotations

import tomllib
import uuid
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Table,
    Uuid,
    and_,
    bindparam,
    exists,
    false,
    literal,
    or_,
    select,
    true,
)
from sqlalchemy.orm import Session, with_loader_criteria
from sqlalchemy.orm.interfaces import ORMOption
from sqlalchemy.sql.expression import ColumnClause
from sqlalchemy.types import TypeEngine

from foundation.db import Base

RULES: dict[str, Any] = tomllib.loads((Path(__file__).parent / "policy.toml").read_text(encoding="utf-8"))
MARKINGS: tuple[str, ...] = tuple(RULES["markings"])
ROLES: tuple[str, ...] = tuple(RULES["need"])
WITHHELD_FROM = ("police", "committee")
WEB_ROLE, WORKER_ROLE = "concord_web", "concord_worker"


class NotReleasable(RuntimeError):
    """Somebody was about to open what is not theirs to open. This is a fault of the program, never of a person."""


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


def kept_from(role: str, withheld_from: str) -> bool:
    """Whether a role may not be told, because of what a reporter ticked; a role that the policy does not name never is."""
    return bool(set(withheld_from.split()) & set(RULES["exclude"].get(role, WITHHELD_FROM)))


def table(name: str) -> Table:
    """The table called `name`, which some room must have declared."""
    return Base.metadata.tables[name]


def kept_private(role: str) -> bool:
    """Whether a role never sees private matters by its place alone; one that the policy does not name never does."""
    return "sensitive" in RULES["exclude"].get(role, ("sensitive",))


@dataclass(frozen=True)
class Viewer:
    """The two values that a rule binds: whose id, and whether a column holds one of their handles, as SQL."""

    person: ColumnElement[Any]
    handles: Callable[[ColumnElement[Any]], ColumnElement[bool]]

    def is_mine(self, column: ColumnElement[Any]) -> ColumnElement[bool]:
        """Whether a row belongs to this viewer by `column`."""
        if column.name != "source_id":
            return column == self.person
        return self.handles(column)


def visible(name: str, viewer: Viewer) -> ColumnElement[bool]:
    """The rule of table `name` as one expression over its columns, for `viewer`. Tables without a rule are open to the signed in."""
    rule = RULES["tables"].get(name)
    if rule is None:
        return true()
    rows = table(name)
    alike: dict[tuple[object, ...], list[str]] = {}
    for role in rule.get("own", ()):
        alike.setdefault((allowed_markings(role), *RULES["exclude"].get(role, ())), []).append(role)
    ways: list[ColumnElement[bool]] = [_by_place(rows, tuple(roles), viewer) for roles in alike.values()]
    if mine := rule.get("mine"):
        ways.append(viewer.is_mine(rows.c[mine]))
    if office := rule.get("office"):
        ways.append(_by_office(rows, office, viewer))
    if "grant" in rule:
        ways.append(_by_grant(rows, rule["grant"], viewer))
    if roles := rule.get("roles"):
        ways.append(_holds(tuple(roles), viewer))
    return or_(*ways) if ways else false()


def within(name: str, viewer: Viewer) -> ColumnElement[bool]:
    """Whether a new row of table `name` lies within the places where `viewer` may add: what [adds] of policy.toml says."""
    rows, scope, path = table(name), table("scope"), table("locality_path")
    return exists(
        select(1)
        .where(
            scope.c.person_id == viewer.person,
            scope.c.role.in_(RULES["adds"]["only"].get(name, RULES["adds"]["roles"])),
            scope.c.active,
            path.c.ancestor_id == scope.c.locality_id,
            path.c.descendant_id == rows.c.locality_id,
        )
        .correlate_except(scope, path)
    )


def releasing(
    subject_kind: ColumnElement[Any], subject_id: ColumnElement[Any], viewer: Viewer
) -> ColumnElement[bool]:
    """Whether `viewer` may open an incident by a grant, as far as their place goes: what [releases] of policy.toml says.

    Asked through its reports: the rule of incidents looks through grants, and two rules of PostgreSQL may not look through each other.
    """
    rules, scope, path, report = RULES["releases"], table("scope"), table("locality_path"), table("report")
    held = select(1).where(
        report.c.incident_id == subject_id,
        scope.c.person_id == viewer.person,
        scope.c.role.in_(rules["roles"]),
        scope.c.active,
        path.c.ancestor_id == scope.c.locality_id,
        path.c.descendant_id == report.c.locality_id,
    )
    return and_(subject_kind.in_(rules["subjects"]), exists(held.correlate_except(scope, path, report)))


def _holds(roles: tuple[str, ...], viewer: Viewer) -> ColumnElement[bool]:
    scope = table("scope")
    held = select(1).where(scope.c.person_id == viewer.person, scope.c.role.in_(roles), scope.c.active)
    return exists(held.correlate_except(scope))


def _by_office(rows: Table, column: str, viewer: Viewer) -> ColumnElement[bool]:
    scope = table("scope")
    held = select(1).where(
        scope.c.person_id == viewer.person, scope.c.office_id == rows.c[column], scope.c.active
    )
    return exists(held.correlate_except(scope))


def _by_place(rows: Table, roles: tuple[str, ...], viewer: Viewer) -> ColumnElement[bool]:
    """The rule of roles that need the same marking and are excluded from the same things."""
    scope, path = table("scope"), table("locality_path")
    ways: list[ColumnElement[bool]] = [
        exists(
            select(1)
            .where(
                scope.c.person_id == viewer.person,
                scope.c.role.in_(roles),
                scope.c.active,
                path.c.ancestor_id == scope.c.locality_id,
                path.c.descendant_id == rows.c.locality_id,
            )
            # Named, because a statement that joins one of them itself would otherwise lend its own row to this question.
            .correlate_except(scope, path)
        )
    ]
    if "marking" in rows.c:
        ways.append(rows.c.marking.in_(allowed_markings(roles[0])))
    return and_(*ways, *_exclusions(rows, RULES["exclude"].get(roles[0], ())))


def _exclusions(rows: Table, names: Sequence[str]) -> list[ColumnElement[bool]]:
    clauses: list[ColumnElement[bool]] = []
    if "sensitive" in names:
        clauses += [~rows.c[name] for name in ("sensitive", "private") if name in rows.c]
    words = [name for name in names if name in WITHHELD_FROM]
    if "withheld_from" in rows.c:
        clauses += [~rows.c.withheld_from.contains(word) for word in words]
    elif words:
        clauses += [
            _withheld_with(rows, whole, words) for whole in ("alert", "incident") if f"{whole}_id" in rows.c
        ]
    return clauses


def _withheld_with(rows: Table, whole: str, words: Sequence[str]) -> ColumnElement[bool]:
    """What belongs to an alert or an incident is withheld with it: "is there one that may be seen", which also holds under row security."""
    of, column = table(whole), rows.c[f"{whole}_id"]
    seen = select(1).where(of.c.id == column, *(~of.c.withheld_from.contains(word) for word in words))
    there = exists(seen.correlate_except(of))
    return or_(column.is_(None), there) if column.nullable else there


def _by_grant(rows: Table, subject: str, viewer: Viewer) -> ColumnElement[bool]:
    grant, scope = table("grant"), table("scope")
    name = f"{subject.removesuffix('_place')}_id"
    column = rows.c.get(name)
    key = rows.c.id if column is None else column
    # The office concerned is known by the role in which its holder stands, so that "not the police" also outlives any grant.
    told = [
        ~and_(scope.c.role.in_(_roles_excluding(word)), rows.c.withheld_from.contains(word))
        for word in WITHHELD_FROM
    ]
    # A grant is to a desk, or to a person in a role: it passes on with the desk and ends with the role.
    held = or_(
        grant.c.office_id == scope.c.office_id,
        and_(grant.c.office_id.is_(None), grant.c.person_id == viewer.person, grant.c.role == scope.c.role),
    )
    opened = select(1).where(
        grant.c.subject_kind == subject,
        grant.c.subject_id == key,
        scope.c.person_id == viewer.person,
        scope.c.active,
        held,
        *(told if "withheld_from" in rows.c else []),
    )
    return exists(opened.correlate_except(grant, scope))


@cache
def _roles_excluding(word: str) -> tuple[str, ...]:
    return tuple(role for role, words in RULES["exclude"].items() if word in words)


@cache
def _entities() -> dict[str, type[Base]]:
    return {mapper.local_table.name: mapper.class_ for mapper in Base.registry.mappers}  # type: ignore[attr-defined]


# For whom the statement now being executed reads. The rules are built once; only this value is bound anew.
_reading_for: ContextVar[Principal] = ContextVar("reading_for")


@cache
def criteria(service_name: str | None) -> dict[str, ORMOption]:
    """By table, the option that keeps an ORM statement to what the person of `_reading_for`, or a service, may see; built once."""
    person = Viewer(
        _bound("person_id", Uuid(as_uuid=True)),
        lambda column: column.in_(_bound("handles", Uuid(as_uuid=True), many=True)),
    )
    options: dict[str, ORMOption] = {}
    for name in RULES["tables"]:
        entity = _entities().get(name)
        rule = _for_service(name, service_name) if service_name else visible(name, person)
        if entity is not None and rule is not None:
            options[name] = with_loader_criteria(entity, rule, include_aliases=True)
    return options


def _bound(attribute: str, kind: TypeEngine[Any], *, many: bool = False) -> ColumnElement[Any]:
    return bindparam(
        None, callable_=lambda: getattr(_reading_for.get(), attribute), type_=kind, expanding=many
    )


def _for_service(name: str, service_name: str) -> ColumnElement[bool] | None:
    for services in RULES["services"].values():
        if name in services.get(service_name, ()):
            return None
    return false()


def install(session_class: type[Session] = Session) -> None:
    """Listen on every session: refuse one without a principal, add the criteria, tell PostgreSQL for whom it reads."""
    from sqlalchemy import event

    if not event.contains(session_class, "do_orm_execute", _scope):
        event.listen(session_class, "do_orm_execute", _scope)
        event.listen(session_class, "after_begin", _tell_postgresql)
        event.listen(session_class, "before_flush", _guard_grants)


def _scope(state: Any) -> None:
    principal = state.session.info.get("principal")
    if not isinstance(principal, Principal):
        raise NoPrincipal("open sessions with Database.open(principal)")
    if not state.is_select and _names_grants(state.statement) and not _is_worker(principal):
        raise NotReleasable("a grant is added as a row of the session, and never changed")
    if state.is_select or state.is_update or state.is_delete:
        _reading_for.set(principal)
        # Each option costs time in every statement, so only those of the tables that it names, in subqueries too.
        rules = criteria(principal.service)
        if guarded := sorted(_tables_in(state.statement) & rules.keys()):
            state.statement = state.statement.options(*(rules[name] for name in guarded))


# A statement never changes: what a constant names is looked up once.
_named: WeakKeyDictionary[Any, frozenset[str]] = WeakKeyDictionary()


def _tables_in(statement: Any) -> frozenset[str]:
    if statement not in _named:
        names, left = set(), [statement]
        # By hand, since this is done for nearly every statement: most parts are columns and values, which have no parts of their own.
        while left:
            part = left.pop()
            if isinstance(part, Table):
                names.add(part.name)
            elif not isinstance(part, ColumnClause | BindParameter):
                left.extend(part.get_children())
        _named[statement] = frozenset(names)
    return _named[statement]


def _names_grants(statement: Any) -> bool:
    return getattr(getattr(statement, "table", None), "name", "") == "grant"


def _is_worker(principal: Principal) -> bool:
    return principal.service in RULES["services"]["worker"]


def _guard_grants(session: Session, _context: Any, _instances: Any) -> None:
    """A person adds a grant only of what they see and may release; nobody but the worker changes one."""
    entity, principal = _entities()["grant"], session.info.get("principal")
    if not isinstance(principal, Principal) or _is_worker(principal):
        return
    if any(isinstance(row, entity) for row in (*session.dirty, *session.deleted)):
        raise NotReleasable("a grant is never changed")
    with session.no_autoflush:
        for row in session.new:
            if isinstance(row, entity) and not _may_release(session, principal, row):
                raise NotReleasable("only who sees an incident at a place of their own may open it to others")


def _may_release(session: Session, principal: Principal, row: Any) -> bool:
    report: Any = _entities()["report"]
    viewer = Viewer(literal(principal.person_id, Uuid(as_uuid=True)), lambda _: false())
    asked = releasing(literal(row.subject_kind), literal(row.subject_id, Uuid(as_uuid=True)), viewer)
    rows = select(report.id).where(report.incident_id == row.subject_id, asked)
    return session.scalars(rows).first() is not None


def _tell_postgresql(session: Session, _transaction: Any, connection: Any) -> None:
    principal = session.info.get("principal")
    if not isinstance(principal, Principal):
        raise NoPrincipal("open sessions with Database.open(principal)")
    if connection.dialect.name != "postgresql":
        return
    handles = ",".join(str(handle) for handle in principal.handles)
    person = str(principal.person_id or "")
    # LOCAL (true): it must not outlive the transaction, or the next user of the pooled connection inherits it.
    connection.exec_driver_sql(
        "select set_config('app.person', %s, true), set_config('app.handles', %s, true)", (person, handles)
    )


install()
