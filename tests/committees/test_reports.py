"""A report is stored once, whole, and in the strictest marking; sent again it is the same report, however many come at once."""

from __future__ import annotations

import threading
import uuid
from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from committees import people, reports
from committees.call_backs import CallBack
from committees.incidents import PARTS, Incident, IncidentGroup, IncidentPlace, IncidentText
from committees.places import by_code
from committees.reports import NewReport, ReplyHandle, Report, Source
from foundation.errors import Conflict, Problem
from foundation.journal import Entry
from foundation.policy import Principal, service
from tests.make import WARD, Town


def new_report(
    session: Session, town: Town, key: uuid.UUID, person_id: uuid.UUID | None = None, **fields: object
) -> NewReport:
    group = uuid.UUID(int=7)
    number = None if person_id else "+923009990001"
    source = reports.source_for(session, town.clock.now(), group=group, person_id=person_id, number=number)
    values = {"kind": "threat", "how_known": "saw", "channel": "web", **fields}
    return NewReport(
        id=key, locality=by_code(session, WARD), occurred_at=town.clock.now(), source=source, **values
    )  # type: ignore[arg-type]


def parts_of(session: Session, key: uuid.UUID) -> list[object]:
    return [row for part in PARTS if (row := session.get(part, key))]


def test_a_report_is_split_by_how_sensitive_each_part_is(town: Town) -> None:
    key = town.report(
        kind="threat",
        text="they came at noon",
        spot="behind the well",
        landmark="market",
        about="market_dispute",
    )
    with town.session() as session:
        incident = session.get_one(Incident, key)
        assert (incident.marking, incident.state, incident.pending) == ("AMBER+STRICT", "reported", True)
        assert (incident.reliability, incident.credibility) == ("C", 2)
        assert session.get_one(IncidentText, key).text(session) == "they came at noon"
        assert session.get_one(IncidentPlace, key).spot(session) == "behind the well"
        assert session.get_one(IncidentGroup, key).about == "market_dispute"
        assert "noon" not in session.get_one(IncidentText, key).text_sealed
        handle = session.get_one(ReplyHandle, key)
        assert handle.delete_after == town.clock.now() + timedelta(days=90)
        entry = session.scalars(select(Entry).where(Entry.action == "report", Entry.object_id == key)).one()
        assert entry.locality_id == incident.locality_id


def test_nothing_is_stored_that_was_not_said(town: Town) -> None:
    key = town.report()
    with town.session() as session:
        assert parts_of(session, key) == []


def test_who_must_not_be_told_stands_on_every_part(town: Town) -> None:
    key = town.report(
        text="x", spot="y", about="market_dispute", withheld_from=frozenset({"police", "committee"})
    )
    with town.session() as session:
        rows = [session.get_one(Incident, key), session.get_one(Report, key), *parts_of(session, key)]
        assert len(rows) == 5
        assert {row.withheld_from for row in rows} == {"committee police"}  # type: ignore[attr-defined]
        assert session.get_one(Incident, key).path == "own_office"


def test_a_private_matter_stays_one_whoever_must_not_be_told(town: Town) -> None:
    key = town.report(kind="harm_at_home", withheld_from=frozenset({"police"}))
    with town.session() as session:
        assert session.get_one(Incident, key).path == "private_matter"
        call = session.scalars(select(CallBack).where(CallBack.incident_id == key)).one()
        assert (call.why, call.sensitive, call.withheld_from) == ("private_matter", True, "police")
        assert call.due_at == town.clock.now() + timedelta(hours=1)


def test_sent_again_it_is_the_same_report(town: Town) -> None:
    key = uuid.uuid4()
    assert town.report(id=key) == town.report(id=key, kind="angry_crowd") == key
    with town.session() as session:
        assert session.scalar(select(func.count()).select_from(Incident)) == 1
        assert session.scalar(select(func.count()).select_from(Entry).where(Entry.action == "report")) == 1


def test_a_number_that_belongs_to_another_source_is_refused(town: Town) -> None:
    key = town.report()
    with pytest.raises(Conflict) as caught:
        town.report(person="member2.mardan", id=key)
    assert caught.value.status == 409
    assert caught.value.hint


def test_an_unknown_number_is_not_believed_and_is_rung(town: Town) -> None:
    with town.session(write=True) as session:
        made = reports.record(
            session,
            town.clock.now(),
            new_report(session, town, uuid.uuid4(), channel="sms", reply_to="+923009990001"),
        )
        assert made.created
        assert (made.incident.reliability, made.incident.credibility, made.incident.known_source) == (
            "F",
            4,
            False,
        )
        call = session.scalars(select(CallBack).where(CallBack.incident_id == made.incident.id)).one()
        assert call.due_at - call.asked_at == timedelta(minutes=30)
        assert "9990001" not in str(session.get_one(ReplyHandle, made.incident.id).address_sealed)


def test_an_sms_never_starts_better_than_told(town: Town) -> None:
    seen, told = town.report(channel="sms"), town.report(channel="sms", how_known="heard")
    with town.session() as session:
        assert [session.get_one(Incident, key).credibility for key in (seen, told)] == [3, 4]


@pytest.mark.parametrize("first_of_its_source", [False, True])
def test_fifty_copies_at_once_are_one_incident_with_one_reference(
    town: Town, first_of_its_source: bool
) -> None:
    key, person_id, answers, errors = uuid.uuid4(), uuid.uuid4(), [], []
    if not first_of_its_source:
        with town.session(write=True) as session:
            new_report(session, town, key, person_id)
    start = threading.Barrier(50)

    def send() -> None:
        start.wait(30)
        try:
            with town.runtime.worker.open(service("intake"), write=True) as session:
                made = reports.record(session, town.clock.now(), new_report(session, town, key, person_id))
                session.commit()
                answers.append((made.created, made.incident.id, made.incident.reference))
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=send) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    assert len(answers) == 50
    assert len({(found, reference) for _, found, reference in answers}) == 1
    assert sum(created for created, _, _ in answers) == 1
    with town.session() as session:
        for entity in (Incident, Report):
            assert session.scalar(select(func.count()).select_from(entity)) == 1
        assert session.scalar(select(func.count()).select_from(Entry).where(Entry.action == "report")) == 1


def test_a_taken_reference_is_drawn_again(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = iter(["A0001", "A0001", "A0001", "A0002"])
    monkeypatch.setattr(reports, "_reference", lambda: next(drawn))
    one, other = town.report(), town.report()
    with town.session() as session:
        assert [session.get_one(Incident, key).reference for key in (one, other)] == ["A0001", "A0002"]


def test_a_reporter_takes_back_what_nobody_checked(town: Town) -> None:
    key = town.report()
    town.work()
    with town.session(write=True) as session:
        incident = session.get_one(Incident, key)
        reports.withdraw(session, town.clock.now(), incident)
        assert (incident.state, incident.pending) == ("withdrawn", True)
        with pytest.raises(Problem) as caught:
            reports.withdraw(session, town.clock.now(), incident)
        assert caught.value.status == 409


def test_a_source_is_a_handle_that_names_nobody(town: Town) -> None:
    key = town.report()
    with town.session() as session:
        source = session.get_one(Source, session.get_one(Report, key).source_id)
        member = town.person(session, "member1.mardan")
        assert source.known
        assert source.id in people.handles_of(session, member.id, people.standings_of(session, member.id))
        assert source.id != member.id


def seen_by(town: Town, code: str, *keys: uuid.UUID) -> list[bool]:
    """Whether this person's session finds each incident."""
    with town.session() as session:
        principal = people.principal_of(session, town.person(session, code))
    with town.runtime.web.open(principal) as session:
        return [session.get(Incident, key) is not None for key in keys]


def test_who_sees_a_report_as_it_comes_in(town: Town) -> None:
    plain, sensitive = town.report(), town.report(kind="taken_or_missing")
    own_police, own_committee = (
        town.report(withheld_from=frozenset({"police"})),
        town.report(withheld_from=frozenset({"committee"})),
    )
    keys = (plain, sensitive, own_police, own_committee)
    assert seen_by(town, "secretary.mardan", *keys) == [True, True, True, False]
    assert seen_by(town, "chair.mardan", *keys) == [True, True, True, False]
    assert seen_by(town, "member2.mardan", *keys) == [True, False, True, False]
    assert seen_by(town, "member1.mardan", *keys) == [True, True, True, True]  # the reporter
    assert seen_by(town, "city.mardan", *keys) == [False] * 4
    assert seen_by(town, "police.mardan", *keys) == [False] * 4


def test_not_the_police_outlives_a_grant(town: Town) -> None:
    plain, withheld = town.report(), town.report(withheld_from=frozenset({"police"}))
    with town.session(write=True) as session:
        police = town.person(session, "police.mardan")
        standing = people.standings_of(session, police.id)[0]
        for key in (plain, withheld):
            for person_id, office_id in ((police.id, None), (None, standing.office_id)):
                to = {"person_id": person_id, "office_id": office_id, "role": "police_liaison"}
                session.add(
                    people.Grant(
                        subject_kind="incident",
                        subject_id=key,
                        reason="escalated",
                        given_at=town.clock.now(),
                        **to,
                    )
                )
    assert seen_by(town, "police.mardan", plain, withheld) == [True, False]


def test_a_grant_passes_on_with_the_desk(town: Town) -> None:
    key = town.report()
    with town.session(write=True) as session:
        police = town.person(session, "police.mardan")
        office = session.get_one(people.Office, people.standings_of(session, police.id)[0].office_id)
        session.add(
            people.Grant(
                subject_kind="incident",
                subject_id=key,
                person_id=police.id,
                office_id=office.id,
                role="police_liaison",
                reason="escalated",
                given_at=town.clock.now(),
            )
        )
        term = session.scalars(select(people.Term).where(people.Term.office_id == office.id)).one()
        people.end_term(session, term, town.clock.now())
        people.begin_term(session, office, town.person(session, "auditor"), town.clock.now())
    assert seen_by(town, "police.mardan", key) == [False]
    assert seen_by(town, "auditor", key) == [True]


def test_a_stranger_sees_no_report(town: Town) -> None:
    key = town.report()
    with town.runtime.web.open(Principal(person_id=uuid.uuid4(), handles=(uuid.uuid4(),))) as session:
        assert session.get(Incident, key) is None
