"""PostgreSQL with the ORM's hook out of the way: plain SQL in the web's database role reads and writes no more than the policy allows."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, create_engine, make_url, select
from sqlalchemy.exc import DBAPIError

from committees.people import Person
from coordination.runtime import Runtime
from foundation.db import Database
from foundation.policy import RULES, WEB_ROLE, WORKER_ROLE, Principal
from tests.make import FakeClock, Town, build_template, config_for, make_town
from tests.rig.databases import Databases


@pytest.fixture
def pg_town(postgres_databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """The seeded town on PostgreSQL alone: SQLite knows no roles."""
    keys = tmp_path_factory.getbasetemp() / "town_keys"
    keys.mkdir(exist_ok=True)
    town = make_town(postgres_databases.template("town", lambda url: build_template(url, keys)), keys)
    yield town
    town.runtime.close()


@pytest.fixture
def plain(pg_town: Town) -> Iterator[Connection]:
    """A bare connection of the web's pool, already in the web's role."""
    with pg_town.runtime.web.engine.connect() as connection:
        yield connection


def become(connection: Connection, person_id: uuid.UUID | str) -> None:
    connection.exec_driver_sql(
        "select set_config('app.person', %s, true), set_config('app.handles', '', true)", (str(person_id),)
    )


def person(town: Town, code: str) -> uuid.UUID:
    with town.session() as session:
        return session.scalars(select(Person.id).where(Person.code == code)).one()


def count(connection: Connection, table: str) -> int:
    return int(connection.exec_driver_sql(f'select count(*) from "{table}"').scalar_one())


def refused(connection: Connection, statement: str) -> bool:
    """Whether the database denies a statement; the transaction goes on."""
    point = connection.begin_nested()
    try:
        connection.exec_driver_sql(statement)
    except DBAPIError as error:
        words = str(error)
    else:
        words = ""
    point.rollback()
    if words and not any(
        known in words for known in ("permission denied", "row-level security", "must be owner")
    ):
        pytest.fail(f"refused for another reason: {words}")
    return bool(words)


def test_the_web_is_neither_owner_nor_superuser(plain: Connection) -> None:
    row = plain.exec_driver_sql(
        "select rolsuper, rolbypassrls, rolcanlogin from pg_roles where rolname = current_user"
    ).one()
    assert plain.exec_driver_sql("select current_user").scalar() == WEB_ROLE
    assert tuple(row) == (False, False, False)


def test_without_a_principal_every_guarded_table_is_empty(pg_town: Town, plain: Connection) -> None:
    pg_town.report(text="a crowd", landmark="market")
    pg_town.work()
    for table in RULES["tables"]:
        if table != "identity":
            assert count(plain, table) == 0, table
    with pg_town.runtime.worker.engine.connect() as worker:
        assert count(worker, "incident") > 0


def test_a_person_reads_their_own_town_by_plain_sql_and_no_other(pg_town: Town, plain: Connection) -> None:
    pg_town.report()
    become(plain, person(pg_town, "secretary.mardan"))
    assert count(plain, "incident") == 1
    become(plain, person(pg_town, "police.mardan"))
    assert count(plain, "incident") == 0


def test_settings_end_with_the_transaction(pg_town: Town, plain: Connection) -> None:
    pg_town.report()
    secretary = person(pg_town, "secretary.mardan")
    with pg_town.runtime.web.open(Principal(person_id=secretary)) as session:
        assert session.scalars(select(Person.id)).first()
        session.commit()
    become(plain, secretary)
    assert count(plain, "incident") == 1
    plain.commit()
    assert count(plain, "incident") == 0


def test_what_belongs_elsewhere_cannot_be_written(pg_town: Town, plain: Connection) -> None:
    key = pg_town.report()
    become(plain, person(pg_town, "police.mardan"))
    assert plain.exec_driver_sql("update incident set severity = 5").rowcount == 0
    assert plain.exec_driver_sql("delete from incident").rowcount == 0
    copy = (
        "insert into incident_summary (incident_id, text, written_at, locality_id, marking, sensitive, withheld_from) "
        f"select '{key}', 'x', now(), id, 'CLEAR', false, '' from locality where code = 'PK-KP-MARDAN-W7'"
    )
    assert refused(plain, copy)
    become(plain, person(pg_town, "secretary.mardan"))
    assert not refused(plain, copy)


def test_a_row_cannot_be_moved_out_of_ones_own_places(pg_town: Town, plain: Connection) -> None:
    pg_town.report()
    become(plain, person(pg_town, "secretary.mardan"))
    elsewhere = "(select id from locality where code not like 'PK%%' limit 1)"
    assert refused(plain, f"update incident_group set locality_id = {elsewhere}") == (
        count(plain, "incident_group") > 0
    )
    assert refused(plain, f"update alert set locality_id = {elsewhere}") == (count(plain, "alert") > 0)
    assert refused(plain, f"update incident set locality_id = {elsewhere}")


@pytest.mark.parametrize(
    "statement",
    [
        "select boxes from identity",
        "update journal set action = 'x'",
        "delete from journal",
        "update outbox set state = 'cancelled'",
        "delete from outbox",
        "update report set how_known = 'saw'",
        "delete from report",
        "delete from inbound",
        "truncate incident cascade",
        "truncate journal",
        "alter table incident disable row level security",
        "drop policy person on incident",
        "create table mine (n integer)",
    ],
)
def test_the_web_may_not(pg_town: Town, plain: Connection, statement: str) -> None:
    pg_town.report()
    become(plain, person(pg_town, "chair.mardan"))
    assert refused(plain, statement)


@pytest.fixture
def login(pg_town: Town) -> Iterator[Connection]:
    """The web as a country runs it: a login of its own, which owns nothing and may only become the web's role."""
    name, url = f"web_{uuid.uuid4().hex[:8]}", make_url(pg_town.runtime.config.database_url)
    owner = create_engine(url, isolation_level="AUTOCOMMIT")
    with owner.connect() as connection:
        connection.exec_driver_sql(f"create role {name} login password 'of a test' in role {WEB_ROLE}")
    database = Database(
        url.set(username=name, password="of a test").render_as_string(hide_password=False), role=WEB_ROLE
    )
    with database.engine.connect() as connection:
        yield connection
    database.close()
    with owner.connect() as connection:
        connection.exec_driver_sql(f"drop role {name}")
    owner.dispose()


@pytest.mark.parametrize("role", ["postgres", WORKER_ROLE])
def test_a_login_of_the_webs_own_cannot_become_more(pg_town: Town, login: Connection, role: str) -> None:
    pg_town.report()
    become(login, person(pg_town, "secretary.mardan"))
    assert count(login, "incident") == 1
    assert refused(login, f"set role {role}")
    login.exec_driver_sql("reset role")
    assert count(login, "incident") == 1  # the login inherits the web's rights and its policies, nothing else


def test_no_person_reads_what_waits_to_be_sent_nor_the_ways_back(pg_town: Town, plain: Connection) -> None:
    pg_town.report()
    pg_town.work()
    with pg_town.session() as session:
        people = list(session.scalars(select(Person.id)))
    for one in people:
        become(plain, one)
        assert count(plain, "outbox") == 0
        assert count(plain, "reply_handle") == 0


def test_the_worker_may_not_delete_the_record(pg_town: Town) -> None:
    with pg_town.runtime.worker.engine.connect() as worker:
        assert refused(worker, "delete from journal")
        assert refused(worker, "truncate journal")


def test_a_desk_keeps_what_was_opened_to_it(pg_town: Town) -> None:
    """The grant table has rules of its own, and the policy on incidents looks through them."""
    from committees.incidents import Incident
    from committees.people import Grant, standings_of

    key = pg_town.report()
    police = person(pg_town, "police.mardan")
    with pg_town.session(write=True) as session:
        desk = standings_of(session, police)[0].office_id
        to = {"role": "police_liaison", "reason": "escalated", "given_at": pg_town.clock.now()}
        session.add(Grant(subject_kind="incident", subject_id=key, person_id=None, office_id=desk, **to))
    with pg_town.runtime.web.open(Principal(person_id=police)) as session:
        assert session.get(Incident, key) is not None


def test_who_ticked_where_people_may_be_blamed_cannot_read_it_back(pg_town: Town, plain: Connection) -> None:
    from committees import flashpoints, places

    with pg_town.session(write=True) as session:
        town, now = places.by_code(session, "PK-KP-MARDAN"), pg_town.clock.now()
        ward = places.by_code(session, "PK-KP-MARDAN-W3")
        new = flashpoints.NewDate(uuid.uuid4(), town, flashpoints.ELSEWHERE, {}, now.date(), now.date())
        flashpoints.record_elsewhere(session, now, new, [ward], {ward.id: town})
    seen = {}
    for code in ("city.mardan", "national.pk", "member1.mardan", "secretary.mardan", "secretary.peshawar"):
        become(plain, person(pg_town, code))
        seen[code] = count(plain, "flashpoint_place")
    assert seen == dict.fromkeys(seen, 0) | {"secretary.mardan": 1}
    become(plain, person(pg_town, "member1.mardan"))
    tick = (
        "insert into flashpoint_place (id, flashpoint_id, locality_id) select gen_random_uuid(), flashpoint.id, locality.id "
        "from flashpoint, locality where locality.code = 'PK-KP-MARDAN-{}'"
    )
    assert refused(plain, tick.format("W4"))
    become(plain, person(pg_town, "city.mardan"))
    assert not refused(plain, tick.format("W4"))
    become(plain, person(pg_town, "city.peshawar"))
    assert refused(plain, tick.format("W4"))


def test_a_grant_is_added_by_who_sees_the_incident_at_a_place_of_their_own(
    pg_town: Town, plain: Connection
) -> None:
    key = pg_town.report()
    complaint = pg_town.report("member2.mardan", kind="official_conduct")
    liaison = person(pg_town, "police.mardan")

    def grant(who: str, *, to: object = liaison, kind: str = "incident", of: object = key) -> bool:
        become(plain, person(pg_town, who))
        row = 'insert into "grant" (id, subject_kind, subject_id, person_id, role, reason, given_at) values'
        return not refused(
            plain, f"{row} ('{uuid.uuid4()}', '{kind}', '{of}', '{to}', 'police_liaison', 'x', now())"
        )

    assert grant("secretary.mardan")
    assert grant("chair.mardan", kind="incident_place")
    assert not grant("secretary.mardan", kind="alert")
    assert not grant("secretary.mardan", of=complaint)  # which they do not see
    assert not grant("secretary.quetta")
    assert not grant("member1.mardan")  # sees it and may not release it
    assert not grant("police.mardan")  # to oneself, neither
    assert not grant("police.mardan", of=uuid.uuid4())


@pytest.mark.parametrize("statement", ['update "grant" set subject_id = id', 'delete from "grant"'])
def test_a_grant_is_never_changed(pg_town: Town, plain: Connection, statement: str) -> None:
    pg_town.report()
    pg_town.work()
    become(plain, person(pg_town, "police.mardan"))
    assert count(plain, "grant") > 0
    assert refused(plain, statement)


def test_putting_the_policy_in_force_twice_changes_nothing(
    pg_town: Town, tmp_path_factory: pytest.TempPathFactory
) -> None:
    from coordination.runtime import build

    again: Runtime = build(
        config_for(pg_town.runtime.config.database_url, pg_town.runtime.config.data), FakeClock(), {}
    )
    assert isinstance(again.web, Database)
    again.close()
    with pg_town.runtime.web.engine.connect() as connection:
        assert count(connection, "incident") == 0


def test_a_written_local_picture_is_not_edited_by_the_web(plain: Connection, pg_town: Town) -> None:
    become(plain, person(pg_town, "chair.mardan"))
    for column, value in (
        ("document", "'{}'"),
        ("reason", "'x'"),
        ("consulted", "'[]'"),
        ("author_id", "null"),
    ):
        assert refused(plain, f'update "profile" set {column} = {value}'), column
    assert refused(plain, 'delete from "profile"')
    assert not refused(plain, """update "profile" set state = 'proposed'""")
