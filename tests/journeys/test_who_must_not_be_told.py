"""What is kept from the committee, and a complaint, reaches the oversight office and nobody else: no row, no page, no message.

"Not the police" holds for every step of the ladder, and for whoever belongs to a police office under another hat.
"""

from __future__ import annotations

import uuid

import pytest
from sqlalchemy import func, select

from alerts.alert import Alert, Finding
from alerts.escalation import Escalation
from alerts.evidence import Evidence, RiskState
from alerts.routing import Delivery
from committees import verification
from committees.incidents import Incident
from committees.intake.form import WITHHOLD
from committees.people import ContactPoint, Grant, Office, Organisation, Person, begin_term, principal_of
from committees.places import by_code
from committees.verification import Verdict
from foundation import policy
from foundation.outbox import OutboxMessage
from tests.coordination.test_api import Client, incident
from tests.journeys.test_report_to_acknowledged_alert import english
from tests.make import BY_THE_CALENDAR, WARD, Town

OVERSIGHT, ABOVE, REPORTER = "oversight.kp", "oversight.pk", "member1.mardan"
WORDS = "The secretary asked for money"
PAGES = ("/today", "/desk", "/city", "/review/log", "/national", "/care", "/outbox", f"/place/{WARD}")
READERS = ("secretary.mardan", "city.mardan", "police.mardan", "national.pk")


def messages(town: Town) -> dict[uuid.UUID, str]:
    """Every message that was ever written, with whom it is for, but those that the calendar alone brings."""
    rows = (
        select(OutboxMessage.id, Person.code)
        .join(ContactPoint, ContactPoint.id == OutboxMessage.contact_point_id)
        .join(Person, Person.id == ContactPoint.person_id)
        .where(OutboxMessage.template.not_in(BY_THE_CALENDAR))
    )
    with town.session() as session:
        told = OutboxMessage.template.not_in(BY_THE_CALENDAR)
        every = session.scalars(select(OutboxMessage.id).where(told)).all()
        found = dict(session.execute(rows).all())  # type: ignore[arg-type]
    assert len(found) == len(every)
    return found


def number_of(town: Town, entity: type) -> int:
    with town.session() as session:
        return session.scalar(select(func.count()).select_from(entity)) or 0


def readers_of(town: Town, key: uuid.UUID) -> set[str]:
    """Who finds any row of this incident, in any guarded table."""
    found = set()
    with town.session() as session:
        people = {person.code: principal_of(session, person) for person in session.scalars(select(Person))}
    tables = [policy.table(name) for name in policy.RULES["tables"] if name != "identity"]
    entities = [policy._entities()[table.name] for table in tables if "incident_id" in table.c]
    for code, principal in people.items():
        with town.runtime.web.open(principal) as session:
            rows = [session.get(Incident, key)]
            rows += [
                session.scalars(select(entity).where(entity.incident_id == key)).first()  # type: ignore[attr-defined]
                for entity in entities
                if entity.__tablename__ != "reply_handle"
            ]
            if any(row is not None for row in rows):
                found.add(code)
    return found


def no_page_tells(town: Town, key: uuid.UUID, reference: str) -> None:
    for code in READERS:
        browser = english(town, code)
        for page in PAGES:
            text = browser.open(page)
            assert not {word for word in (str(key), reference, WORDS) if word in text}, (code, page)
        browser.open(f"/desk/r/{key}")
        assert browser.status in (403, 404)
        assert reference not in browser.page


@pytest.mark.parametrize("kind", ["angry_crowd", "official_conduct"])
def test_only_oversight_learns_of_it(town: Town, kind: str) -> None:
    withheld = frozenset({"committee"} if kind == "angry_crowd" else ())
    before = set(messages(town).values())
    key = town.report(
        REPORTER, kind=kind, text=WORDS, landmark="market", about="market_dispute", withheld_from=withheld
    )
    town.work()
    for hours in (1, 1, 1, 5, 80):
        town.later(hours=hours)
    assert set(messages(town).values()) - before == {OVERSIGHT}
    assert [number_of(town, entity) for entity in (Alert, Delivery, Escalation, Grant)] == [0] * 4
    assert readers_of(town, key) == {OVERSIGHT, ABOVE, REPORTER}
    with town.session() as session:
        incident = session.get_one(Incident, key)
        reference = incident.reference
        assert session.get_one(Evidence, key).weight == 0
        assert not [row for row in session.scalars(select(Finding)) if row.evidence]
        assert {row.fast for row in session.scalars(select(RiskState))} == {0}
    if kind == "angry_crowd":
        no_page_tells(town, key, reference)
    office = english(town, OVERSIGHT)
    assert f"/care/{key}" in office.open("/care")


def test_a_report_that_turns_out_to_be_a_complaint_leaves_the_desk(town: Town) -> None:
    """An alert stood on it: from then on nobody of those who were told hears another word, but oversight does."""
    key = town.report(REPORTER, text=WORDS)
    town.work()
    told = messages(town)
    assert {"chair.mardan", "police.mardan"} <= set(told.values())
    with town.session() as session:
        principal = principal_of(session, town.person(session, "secretary.mardan"))
    with town.runtime.web.open(principal, write=True) as session:
        verdict = Verdict("verified", kind="official_conduct")
        assert principal.person_id
        verification.verify(
            session, town.clock.now(), principal.person_id, session.get_one(Incident, key), verdict
        )
        session.commit()
    town.work()
    for hours in (1, 1, 1, 5, 80):
        town.later(hours=hours)
    new = {code for message, code in messages(town).items() if message not in told}
    assert OVERSIGHT in new
    assert new <= {OVERSIGHT, REPORTER}
    with town.session() as session:
        alert = session.scalars(select(Alert)).one()
        assert (alert.withheld_from, alert.state) == ("committee", "closed")
        reference = session.get_one(Incident, key).reference
        assert session.get_one(RiskState, alert.locality_id).fast == pytest.approx(0)
    assert readers_of(town, key) == {OVERSIGHT, ABOVE, REPORTER}
    chair = english(town, "chair.mardan")
    chair.open(f"/a/{alert.id}")
    assert chair.status == 404
    assert reference not in chair.open("/desk") + chair.open("/today")


def test_what_waits_to_be_sent_to_the_police_is_not_sent_any_more(town: Town) -> None:
    first = town.report(REPORTER)
    with town.session("engine", write=True) as session:
        from alerts import engine

        engine.score_pending(session, town.clock.now(), town.runtime.rng)
    assert "police.mardan" in messages(town).values()
    second = town.report("member2.mardan", withheld_from=frozenset({"police"}))
    with town.session(write=True) as session:
        verification.merge(
            session, town.clock.now(), session.get_one(Incident, second), session.get_one(Incident, first)
        )
    town.work()
    for hours in (1, 1, 1, 5):
        town.later(hours=hours)
    with town.session() as session:
        rows = (
            select(OutboxMessage.state, Delivery.state)
            .join(Delivery, Delivery.outbox_id == OutboxMessage.id)
            .where(Delivery.role == "police_liaison")
        )
        assert {tuple(row) for row in session.execute(rows)} == {("cancelled", "cancelled")}


def test_a_police_office_under_another_hat_is_not_told_either(town: Town) -> None:
    """The town officer's desk is held by the police here, and the district's by somebody who is a liaison elsewhere."""
    with town.session(write=True) as session:
        police = session.scalars(select(Organisation).where(Organisation.code == "MARDAN-POLICE")).one()
        desk = session.scalars(
            select(Office).where(Office.role == "city_officer", Office.locality_id == _town(session))
        ).one()
        desk.organisation_id = police.id
        elsewhere = session.scalars(select(Office).where(Office.code == "QUETTA-POLICE-LIAISON")).one()
        begin_term(session, elsewhere, town.person(session, "district.mardan"), town.clock.now())
    town.report(REPORTER, withheld_from=frozenset({"police"}))
    town.work()
    for hours in (1, 1, 1, 4):
        town.later(hours=hours)
    told = set(messages(town).values())
    assert "chair.mardan" in told
    assert not told & {"city.mardan", "district.mardan", "police.mardan", "police2.mardan"}
    with town.session() as session:
        assert session.scalars(select(Escalation)).first() is None


@pytest.mark.parametrize("withheld", ["police", "committee"])
def test_the_api_keeps_it_from_whom_the_reporter_names(town: Town, withheld: str) -> None:
    before = set(messages(town).values())
    client = Client(town, REPORTER, "report")
    body = incident(text=WORDS, ongoing=True, withheld_from=[withheld])
    assert client.send("/incidents", body).status_code == 201
    town.work()
    town.later(hours=2)
    told = set(messages(town).values()) - before
    if withheld == "committee":
        assert told == {OVERSIGHT}
        assert readers_of(town, uuid.UUID(body["id"])) == {OVERSIGHT, ABOVE, REPORTER}
    else:
        assert "chair.mardan" in told
        assert not told & {"police.mardan", "police2.mardan"}
        assert "police.mardan" not in readers_of(town, uuid.UUID(body["id"]))
    again = client.send("/incidents", {**body, "withheld_from": []})
    assert again.status_code == 200
    with town.session() as session:
        assert session.get_one(Incident, uuid.UUID(body["id"])).withheld_from == withheld


def test_the_api_says_whom_a_reporter_may_exclude(town: Town) -> None:
    client = Client(town, REPORTER, "report")
    for wrong in (["polices"], "police", ["police"] * 3):
        answer = client.send("/incidents", incident(withheld_from=wrong))
        assert answer.status_code == 422
        assert "withheld_from" in answer.get_data(as_text=True)
    assert number_of(town, Incident) == 0
    schema = client.get("/openapi.json").get_json()["components"]["schemas"]["IncidentIn"]
    assert schema["properties"]["withheld_from"]["items"]["enum"] == list(WITHHOLD)


def _town(session: object) -> uuid.UUID:
    return by_code(session, "PK-KP-MARDAN").id  # type: ignore[arg-type]
