"""The guard on every session: nobody reads without a principal, a service only its own tables, and PostgreSQL holds when the ORM does not."""

from __future__ import annotations

import uuid

import pytest
from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from committees.incidents import Incident
from committees.people import Grant, principal_of
from coordination import schema
from foundation import policy
from foundation.db import Base, Database
from foundation.journal import Entry
from foundation.policy import MARKINGS, RULES, NoPrincipal, NotReleasable, Principal, service
from tests.make import Town

assert schema.ROOMS
# Read by whoever is signed in, or kept by sign-in itself: places, offices, settings. A new table must be put here or into policy.toml.
OPEN_TABLES = {
    "account", "api_token", "code_try", "committee", "contact_index", "country", "errand", "escalation_policy", "feedback_request",
    "flashpoint", "flashpoint_remark", "heartbeat", "idempotency_key", "job_run",
    "keeper", "leader", "linked_contact", "locality", "locality_code", "locality_path",
    "membership", "neighbour", "office", "organisation", "person", "profile", "reply_code", "risk_state", "scope", "seat", "setting",
    "sign_in_code", "sign_in_step", "source", "sso_identity", "sso_invitation", "term", "turnout", "unnamed_door", "web_session", "week_count",
}  # fmt: skip


@pytest.mark.parametrize(
    "statement", [select(Incident), update(Incident).values(severity=1), delete(Incident)]
)
def test_no_session_works_without_saying_for_whom(town: Town, statement: object) -> None:
    with Session(town.runtime.worker.engine) as session, pytest.raises(NoPrincipal):
        session.execute(statement)  # type: ignore[call-overload]


def test_no_row_is_fetched_by_its_key_without_saying_for_whom(town: Town) -> None:
    key = town.report()
    with Session(town.runtime.worker.engine) as session, pytest.raises(NoPrincipal):
        session.get(Incident, key)


def test_nothing_is_added_without_saying_for_whom(town: Town) -> None:
    with Session(town.runtime.worker.engine) as session:
        session.add(Entry(at=town.clock.now(), action="look", object_kind="page"))
        with pytest.raises(NoPrincipal):
            session.flush()


def test_a_word_in_place_of_a_principal_is_nobody(town: Town) -> None:
    with town.runtime.worker.open("seed") as session, pytest.raises(NoPrincipal):
        session.scalars(select(Incident)).all()


def test_a_service_that_the_policy_does_not_name_cannot_be_had() -> None:
    with pytest.raises(KeyError):
        service("anybody")


def services() -> list[str]:
    return sorted(name for names in RULES["services"].values() for name in names)


@pytest.mark.parametrize("name", services())
def test_a_service_reads_its_own_tables_only(town: Town, name: str) -> None:
    town.report(text="a crowd at the bus stand", about="market_dispute", landmark="market")
    town.work()
    own = {table for tables in RULES["services"].values() for table in tables.get(name, ())}
    with town.runtime.worker.open(service(name)) as session:
        for table in RULES["tables"]:
            entity = policy._entities()[table]
            found = session.scalars(select(entity).limit(1)).first()
            assert found is None or table in own, f"{name} reads {table}"


def test_every_service_finds_what_it_needs(town: Town) -> None:
    key = town.report()
    for name in ("intake", "engine", "feedback", "keeper", "seed", "command"):
        with town.session(name) as session:
            assert session.get(Incident, key) is not None, name


@pytest.mark.parametrize(
    ("code", "kind", "may"),
    [
        ("secretary.mardan", "incident", True),
        ("chair.mardan", "incident_place", True),
        ("secretary.mardan", "alert", False),
        ("member1.mardan", "incident", False),
        ("police.mardan", "incident", False),
        ("secretary.quetta", "incident", False),
    ],
)
def test_who_may_open_an_incident_to_others(town: Town, code: str, kind: str, may: bool) -> None:
    key = town.report()
    with town.session() as session:
        principal = principal_of(session, town.person(session, code))
    with town.runtime.web.open(principal, write=True) as session:
        session.add(grant(town, kind, key, principal.person_id))
        if may:
            session.commit()
        else:
            with pytest.raises(NotReleasable):
                session.flush()


STATEMENTS = {
    "insert": insert(Grant).values(subject_kind="incident", subject_id=uuid.uuid4()),
    "update": update(Grant).values(subject_id=uuid.uuid4()),
    "delete": delete(Grant),
}


@pytest.mark.parametrize("how", ["row", "gone", *STATEMENTS])
def test_no_person_changes_a_grant(town: Town, how: str) -> None:
    key = town.report()
    with town.session("seed", write=True) as session:
        principal = principal_of(session, town.person(session, "secretary.mardan"))
        session.add(grant(town, "incident", key, principal.person_id))
    with town.runtime.web.open(principal, write=True) as session:
        row = session.scalars(select(Grant)).one()
        if how == "row":
            row.subject_id = uuid.uuid4()
        elif how == "gone":
            session.delete(row)
        with pytest.raises(NotReleasable):
            session.execute(STATEMENTS[how]) if how in STATEMENTS else session.flush()


def grant(town: Town, kind: str, subject: uuid.UUID, person_id: uuid.UUID | None) -> Grant:
    to = {"person_id": person_id, "office_id": None, "role": "secretary"}
    return Grant(subject_kind=kind, subject_id=subject, reason="released", given_at=town.clock.now(), **to)


def test_a_stranger_sees_nothing(town: Town) -> None:
    key = town.report()
    with town.runtime.web.open(Principal(person_id=uuid.uuid4())) as session:
        assert session.get(Incident, key) is None
        for table in set(RULES["tables"]) - {
            "identity"
        }:  # which PostgreSQL does not even let the web ask for
            assert session.scalars(select(policy._entities()[table]).limit(1)).first() is None, table


def test_each_table_has_a_rule_or_is_named_as_open() -> None:
    assert set(Base.metadata.tables) - set(RULES["tables"]) == OPEN_TABLES


def test_each_rule_is_about_a_table_and_roles_that_exist() -> None:
    assert set(RULES["tables"]) <= set(Base.metadata.tables)
    for name, rule in RULES["tables"].items():
        assert set(rule.get("own", ())) <= set(policy.ROLES), name
    for tables in (tables for services in RULES["services"].values() for tables in services.values()):
        assert set(tables) <= set(RULES["tables"])
    assert set(RULES["exclude"]) <= set(policy.ROLES)


def test_markings_run_from_the_strictest() -> None:
    assert MARKINGS == ("RED", "AMBER+STRICT", "AMBER", "GREEN", "CLEAR")
    assert policy.allowed_markings("national_contact") == ("GREEN", "CLEAR")


def test_two_people_one_after_the_other_each_see_their_own(town: Town) -> None:
    """The rules are built once a process: what is bound to them must be the person of this very session."""
    key = town.report()
    with town.session() as session:
        ours, theirs = town.person(session, "secretary.mardan").id, town.person(session, "national.pk").id
    database: Database = town.runtime.web
    with (
        database.open(Principal(person_id=ours)) as first,
        database.open(Principal(person_id=theirs)) as second,
    ):
        for _ in range(2):
            assert first.scalars(select(Incident.id).where(Incident.id == key)).all() == [key]
            assert second.scalars(select(Incident.id).where(Incident.id == key)).all() == []
