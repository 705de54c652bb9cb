"""Three plain answers become a grade; marking, sensitivity and exclusions reach every part; two reports of one thing become one."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from committees import verification
from committees.call_backs import CallBack
from committees.incidents import PARTS, Incident, IncidentSummary, mark
from committees.reports import Report
from committees.verification import Verdict, grade
from foundation.errors import Conflict, Invalid
from tests.make import Town

SECRETARY = uuid.UUID(int=1)
TEXTS: dict[str, Any] = {
    "text": "they came at noon",
    "spot": "the well",
    "landmark": "market",
    "about": "market_dispute",
}


@given(
    st.sampled_from(verification.OUTCOMES),
    st.sampled_from(sorted(verification.KNOWS_SOURCE)),
    st.sampled_from(["yes", "no", "unknown"]),
    st.booleans(),
    st.integers(1, 6),
)
def test_a_grade_is_always_a_letter_and_a_digit(
    outcome: str, knows: str, first_hand: str, second: bool, came_with: int
) -> None:
    letter, digit = grade(Verdict(outcome, knows, first_hand, second), came_with)
    assert letter == {"well": "B", "some": "C", "no": "F"}[knows]
    assert digit in range(1, 7)
    assert (digit == 5) == (
        outcome == "not_true" or (outcome == "unable_to_verify" and digit == 5 == came_with)
    )
    if outcome == "verified":
        assert digit == 1
    if outcome == "unable_to_verify" and second:
        assert digit <= 2


def verify(town: Town, key: uuid.UUID, **answers: Any) -> None:
    with town.session(write=True) as session:
        incident = session.get_one(Incident, key)
        verification.verify(
            session, town.clock.now(), SECRETARY, incident, Verdict(**{"outcome": "verified", **answers})
        )


def rows_of(session: Session, key: uuid.UUID) -> list[Any]:
    """An incident, its parts, its reports and the calls about it."""
    parts = [row for part in PARTS if (row := session.get(part, key))]
    reports = session.scalars(select(Report).where(Report.incident_id == key))
    calls = session.scalars(select(CallBack).where(CallBack.incident_id == key))
    return [session.get_one(Incident, key), *parts, *reports, *calls]


def test_verified_and_not_sensitive_it_is_for_the_officers(town: Town) -> None:
    key = town.report(**TEXTS)
    verify(town, key, summary="A quarrel at the market, over now")
    with town.session() as session:
        incident = session.get_one(Incident, key)
        assert (incident.state, incident.reliability, incident.credibility, incident.marking) == (
            "verified",
            "C",
            1,
            "AMBER",
        )
        assert {session.get_one(part, key).marking for part in PARTS} == {"AMBER"}
        assert session.get_one(IncidentSummary, key).text.startswith("A quarrel")
        assert incident.pending


def test_a_sensitive_kind_stays_with_the_committee(town: Town) -> None:
    key = town.report(**TEXTS)
    verify(town, key, kind="taken_or_missing")
    with town.session() as session:
        incident = session.get_one(Incident, key)
        assert (incident.marking, incident.sensitive, incident.severity) == ("AMBER+STRICT", True, 4)
        assert all(session.get_one(part, key).sensitive for part in PARTS if session.get(part, key))


def test_a_stricter_choice_of_the_secretary_stands(town: Town) -> None:
    key = town.report()
    verify(town, key, marking="AMBER+STRICT")
    with town.session() as session:
        assert session.get_one(Incident, key).marking == "AMBER+STRICT"


def test_not_true_is_kept_and_weighs_nothing(town: Town) -> None:
    key = town.report()
    verify(town, key, outcome="not_true")
    town.work()
    with town.session() as session:
        assert (session.get_one(Incident, key).state, session.get_one(Incident, key).credibility) == (
            "not_true",
            5,
        )


@pytest.mark.parametrize(
    ("answers", "field"),
    [
        ({"outcome": "perhaps"}, "outcome"),
        ({"knows_source": "?"}, "knows_source"),
        ({"kind": "no_such_kind"}, "kind"),
        ({"severity": 6}, "severity"),
        ({"severity": 0}, "severity"),
        ({"marking": "CLEAR"}, "marking"),
        ({"marking": "RED"}, "marking"),
        ({"marking": "PINK"}, "marking"),
        ({"summary": "x" * 161}, "summary"),
    ],
)
def test_an_answer_off_the_list_is_named(town: Town, answers: dict[str, Any], field: str) -> None:
    key = town.report()
    with pytest.raises(Invalid) as caught:
        verify(town, key, **answers)
    assert caught.value.field == field
    with town.session() as session:
        assert session.get_one(Incident, key).state == "reported"


def test_a_marking_that_does_not_exist_is_a_fault(town: Town) -> None:
    key = town.report()
    with town.session() as session, pytest.raises(ValueError, match="not a marking"):
        mark(session, session.get_one(Incident, key), marking="PINK")


def merge(town: Town, duplicate: uuid.UUID, into: uuid.UUID) -> None:
    with town.session(write=True) as session:
        one, other = session.get_one(Incident, duplicate), session.get_one(Incident, into)
        verification.merge(session, town.clock.now(), one, other)


def test_two_reports_of_one_thing_count_once_with_both_sources(town: Town) -> None:
    one, other = town.report(how_known="heard"), town.report(person="member2.mardan", how_known="told")
    merge(town, other, one)
    with town.session() as session:
        into, gone = session.get_one(Incident, one), session.get_one(Incident, other)
        assert (into.sources, into.credibility, into.pending, gone.pending) == (2, 3, True, True)
        assert (gone.state, gone.merged_into_id) == ("merged", one)
        assert {r.id for r in session.scalars(select(Report).where(Report.incident_id == one))} == {
            one,
            other,
        }


def test_two_who_saw_it_make_it_certain(town: Town) -> None:
    one, other = town.report(), town.report(person="member2.mardan")
    merge(town, other, one)
    with town.session() as session:
        assert session.get_one(Incident, one).credibility == 1


def test_the_same_source_twice_makes_nothing_certain(town: Town) -> None:
    one, other = town.report(), town.report()
    merge(town, other, one)
    with town.session() as session:
        assert (session.get_one(Incident, one).sources, session.get_one(Incident, one).credibility) == (1, 2)


@pytest.mark.parametrize("into_the_withheld", [False, True])
def test_what_one_reporter_excluded_holds_for_every_row_of_both(town: Town, into_the_withheld: bool) -> None:
    plain = town.report(**TEXTS)
    withheld = town.report(person="member2.mardan", withheld_from=frozenset({"police"}), **TEXTS)
    merge(town, *((plain, withheld) if into_the_withheld else (withheld, plain)))
    with town.session() as session:
        rows = rows_of(session, plain) + rows_of(session, withheld)
        assert len(rows) == 10
        assert {row.withheld_from for row in rows} == {"police"}
        assert session.get_one(Incident, withheld if into_the_withheld else plain).path == "own_office"


def test_exclusions_of_both_are_joined(town: Town) -> None:
    one = town.report(withheld_from=frozenset({"police"}))
    other = town.report(person="member2.mardan", withheld_from=frozenset({"committee"}))
    merge(town, other, one)
    with town.session() as session:
        assert {row.withheld_from for row in rows_of(session, one)} == {"committee police"}


def test_what_is_sensitive_in_one_is_sensitive_in_both(town: Town) -> None:
    one = town.report(**TEXTS)
    other = town.report(person="member2.mardan", kind="taken_or_missing")
    merge(town, other, one)
    with town.session() as session:
        assert all(row.sensitive for row in rows_of(session, one))


def test_a_secretary_may_join_reports_with_exclusions_under_row_security(town: Town) -> None:
    from committees import people

    one, other = (
        town.report(**TEXTS),
        town.report(person="member2.mardan", withheld_from=frozenset({"police"})),
    )
    with town.session() as session:
        principal = people.principal_of(session, town.person(session, "secretary.mardan"))
    with town.runtime.web.open(principal, write=True) as session:
        verification.merge(
            session, town.clock.now(), session.get_one(Incident, other), session.get_one(Incident, one)
        )
        session.commit()
    with town.session() as session:
        assert {row.withheld_from for row in rows_of(session, one)} == {"police"}


def test_joined_reports_cannot_be_joined_or_checked_again(town: Town) -> None:
    one, other = town.report(), town.report(person="member2.mardan")
    merge(town, other, one)
    for pair in ((other, one), (one, other), (one, one)):
        with pytest.raises(Conflict):
            merge(town, *pair)
    with pytest.raises(Conflict):
        verify(town, other)


def test_a_known_source_lends_its_weight_to_what_an_unknown_one_said_first(town: Town) -> None:
    from committees import reports
    from committees.places import by_code
    from tests.make import WARD

    key = uuid.uuid4()
    with town.session(write=True) as session:
        now = town.clock.now()
        source = reports.source_for(session, now, group=None, number="+923009990001")
        place = by_code(session, WARD)
        new = reports.NewReport(
            id=key,
            locality=place,
            kind="angry_crowd",
            occurred_at=now,
            how_known="heard",
            channel="sms",
            source=source,
        )
        reports.record(session, now, new)
    merge(town, town.report(person="member2.mardan"), key)
    with town.session() as session:
        into = session.get_one(Incident, key)
        assert (into.known_source, into.reliability, into.credibility) == (True, "C", 2)


def test_similar_reports_are_of_one_place_day_and_answer(town: Town) -> None:
    one, near = town.report(), town.report(kind="public_argument")
    town.report(kind="rumour"), town.report(locality="PK-KP-MARDAN-W6")
    with town.session() as session:
        found = verification.similar(session, session.get_one(Incident, one))
        assert [incident.id for incident in found] == [near]
