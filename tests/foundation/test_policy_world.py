"""Random worlds: what a session sees equals what the trust model says, on both databases, by the ORM alone and by row security alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, Select, delete, exists, func, select, update
from sqlalchemy.orm import aliased

from committees.incidents import Incident
from committees.people import Scope
from committees.places import Locality, LocalityPath
from committees.reports import Report
from coordination import schema
from foundation import policy
from foundation.db import Base, Database
from foundation.migrate import upgrade
from foundation.policy import WEB_ROLE, Principal, service, table
from tests.foundation.policy_oracle import BY_PLACE, Someone, World, may_see
from tests.foundation.policy_world import Draw, store
from tests.rig.databases import Databases

assert schema.ROOMS
Look = Callable[[Someone, str], set[UUID]]
BATCH = 12  # worlds that stand in one database together
TABLES = tuple(BY_PLACE)


def entity(name: str) -> type[Base]:
    return next(m.class_ for m in Base.registry.mappers if m.local_table is table(name))


def key_of(name: str) -> str:
    return table(name).primary_key.columns[0].name


@pytest.fixture
def stage(databases: Databases) -> Iterator[Database]:
    """A database with the whole schema and no rows, opened by its owner (on PostgreSQL: above row security)."""
    database = Database(databases.template("schema", upgrade))
    yield database
    database.close()


def fill(stage: Database, worlds: list[World]) -> None:
    with stage.open(service("seed"), write=True) as session:
        for name in reversed(Base.metadata.sorted_tables):
            session.execute(name.delete())
        store(session, worlds)
        session.commit()


@contextmanager
def by_hook(stage: Database) -> Iterator[Look]:
    """What the ORM shows. On PostgreSQL the connection is a superuser's, so that row security does not help."""

    keys = {name: select(getattr(entity(name), key_of(name))) for name in TABLES}

    def look(who: Someone, name: str) -> set[UUID]:
        with stage.open(Principal(person_id=who.id, handles=who.handles)) as session:
            return set(session.scalars(keys[name]))

    yield look


@contextmanager
def by_row_security(stage: Database) -> Iterator[Look]:
    """What plain SQL shows to the web's database role: no ORM, no criteria."""
    with stage.engine.connect() as connection:
        connection.exec_driver_sql(f"set role {WEB_ROLE}")

        def look(who: Someone, name: str) -> set[UUID]:
            become(connection, who)
            return set(connection.exec_driver_sql(f'select {key_of(name)} from "{name}"').scalars())

        yield look


def become(connection: Connection, who: Someone) -> None:
    values = (str(who.id), ",".join(map(str, who.handles)))
    connection.exec_driver_sql(
        "select set_config('app.person', %s, true), set_config('app.handles', %s, true)", values
    )


def expected(worlds: list[World], home: World, who: Someone, name: str) -> set[UUID]:
    """The keys that the oracle allows; of worlds that are not one's own only what an auditor of the record reads."""
    key = key_of(name)
    own = {row[key] for row in home.rows[name] if may_see(home, who, name, row)}
    if name != "journal" or not any(held.active and held.role == "auditor" for held in who.roles):
        return own
    return {row[key] for world in worlds for row in world.rows[name]}


def wrong(worlds: list[World], look: Look) -> list[str]:
    """Every cell in which what is seen is not what may be seen, in words."""
    found = []
    for number, world in enumerate(worlds):
        for who in world.people:
            for name in TABLES:
                seen, allowed = look(who, name), expected(worlds, world, who, name)
                if seen != allowed:
                    roles = [(held.role, held.active) for held in who.roles]
                    found.append(
                        f"world {number}, {name}, {roles}: leaks {seen - allowed}, hides {allowed - seen}"
                    )
    return found


def check(stage: Database, seeds: range) -> None:
    worlds = [Draw(seed).world() for seed in seeds]
    fill(stage, worlds)
    with by_hook(stage) as look:
        assert wrong(worlds, look) == []
    if not stage.is_sqlite:
        with by_row_security(stage) as look:
            assert wrong(worlds, look) == []


def test_sessions_see_what_the_trust_model_says(stage: Database) -> None:
    for start in range(0, 48, BATCH):
        check(stage, range(start, start + BATCH))


@pytest.mark.long
def test_sessions_see_what_the_trust_model_says_in_many_worlds(stage: Database) -> None:
    for start in range(1_000, 3_000, BATCH):
        check(stage, range(start, start + BATCH))


def test_aliases_joins_and_bulk_statements_are_kept_to_the_same_rows(stage: Database) -> None:
    worlds = [Draw(seed).world() for seed in range(10)]
    fill(stage, worlds)
    for world in worlds:
        for who in world.people:
            allowed = expected(worlds, world, who, "incident")
            with stage.open(Principal(person_id=who.id, handles=who.handles), write=True) as session:
                other = aliased(Incident)
                assert set(session.scalars(select(other.id))) == allowed
                # The rule's own questions about paths and scopes must not borrow the rows of a statement that joins them.
                joined = select(Incident.id).join(
                    LocalityPath, LocalityPath.descendant_id == Incident.locality_id
                )
                assert set(session.scalars(joined)) == allowed
                scoped = joined.join(Scope, Scope.locality_id == LocalityPath.ancestor_id).where(Scope.active)
                assert set(session.scalars(scoped)) <= allowed
                assert session.scalar(select(func.count()).select_from(Incident)) == len(allowed)
                changed = session.execute(
                    update(Incident).values(severity=5), execution_options={"synchronize_session": False}
                )
                assert changed.rowcount == len(allowed)
                gone = session.execute(
                    delete(entity("score")), execution_options={"synchronize_session": False}
                )
                assert gone.rowcount == len(expected(worlds, world, who, "score"))


def shapes() -> list[Select[tuple[UUID]]]:
    """Ways to ask for incidents in which the table stands deep inside the statement."""
    cte = select(Incident.id).cte()
    inside = select(Incident.id).subquery()
    again = aliased(Incident, select(Incident).where(Incident.severity > 0).subquery())
    twin = aliased(Incident)
    return [
        select(cte.c.id),
        select(inside.c.id),
        select(again.id),
        select(Report.incident_id).where(Report.incident_id.in_(select(Incident.id))).distinct(),
        select(Locality.id).where(exists().where(Incident.locality_id == Locality.id)),
        select(Locality.id).where(select(func.count(Incident.id)).scalar_subquery() > 0),
        select(Incident.id).union(select(twin.id)),
        select(Locality.id).join(Incident, Incident.locality_id == Locality.id).distinct(),
        select(Locality.id)
        .outerjoin(Incident, Incident.locality_id == Locality.id)
        .where(Incident.id.is_not(None)),
    ]


def test_no_shape_of_a_question_gets_round_the_policy(stage: Database) -> None:
    worlds = [Draw(seed).world() for seed in range(12)]
    fill(stage, worlds)
    for world in worlds:
        for who in world.people:
            own = expected(worlds, world, who, "incident")
            places = {row["locality_id"] for row in world.rows["incident"] if row["id"] in own}
            reported = {
                row["incident_id"] for row in world.rows["report"] if may_see(world, who, "report", row)
            } & own
            everywhere = {place for each in worlds for place in each.parents} if own else set()
            wanted = [own, own, own, reported, places, everywhere, own, places, places]
            with stage.open(Principal(person_id=who.id, handles=who.handles)) as session:
                for number, (shape, allowed) in enumerate(zip(shapes(), wanted, strict=True)):
                    assert set(session.scalars(shape)) == allowed, number
                for key in {row["id"] for row in world.rows["incident"]}:
                    assert (session.get(Incident, key) is not None) == (key in own)


CELLS = sorted((name, role) for name, roles in BY_PLACE.items() for role in roles)


def without(name: str, role: str) -> dict[str, Any]:
    """The tables of policy.toml with one role crossed out of one row."""
    tables = {key: dict(rule) for key, rule in policy.RULES["tables"].items()}
    tables[name]["own"] = [other for other in tables[name]["own"] if other != role]
    return tables


@pytest.fixture(scope="module")
def few_worlds() -> list[World]:
    return [Draw(seed).world() for seed in range(120)]


def test_every_cell_that_is_crossed_out_is_noticed(
    few_worlds: list[World], sqlite_databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = Database(sqlite_databases.template("schema", upgrade))
    fill(stage, few_worlds)
    unnoticed = []
    for name, role in CELLS:
        with monkeypatch.context() as patch, by_hook(stage) as look:
            patch.setitem(policy.RULES, "tables", without(name, role))
            policy.criteria.cache_clear()
            holders = [
                (w, p)
                for w in few_worlds
                for p in w.people
                if any(h.active and h.role == role for h in p.roles)
            ]
            if all(look(who, name) == expected(few_worlds, world, who, name) for world, who in holders):
                unnoticed.append((name, role))
    stage.close()
    policy.criteria.cache_clear()
    assert unnoticed == []


def test_every_cell_that_is_added_is_noticed(
    few_worlds: list[World], sqlite_databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = Database(sqlite_databases.template("schema", upgrade))
    fill(stage, few_worlds)
    unnoticed = []
    for name in TABLES:
        for role in sorted(set(policy.ROLES) - BY_PLACE[name]):
            if table(name).c.locality_id.nullable or role == "auditor" and name == "journal":
                continue
            tables = {key: dict(rule) for key, rule in policy.RULES["tables"].items()}
            tables[name]["own"] = [*tables[name].get("own", ()), role]
            with monkeypatch.context() as patch, by_hook(stage) as look:
                patch.setitem(policy.RULES, "tables", tables)
                policy.criteria.cache_clear()
                holders = [
                    (w, p)
                    for w in few_worlds
                    for p in w.people
                    if any(h.active and h.role == role for h in p.roles)
                ]
                if all(look(who, name) == expected(few_worlds, world, who, name) for world, who in holders):
                    unnoticed.append((name, role))
    stage.close()
    policy.criteria.cache_clear()
    assert unnoticed == []
