"""The level people see: alerts lift it, silence hides Quiet and nothing else, and Quiet waits for checks."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event, select

from alerts.alert import Alert
from alerts.evidence import state_of
from alerts.standing import NO_NEWS, NOT_ASSESSED, Standing, shown_level, standing, standings
from committees import verification
from committees.incidents import Incident
from committees.places import by_code
from tests.make import WARD, Town

levels = st.integers(0, 5)


@given(levels, levels, st.booleans(), st.booleans())
def test_the_level_shown_is_never_below_score_or_alert(
    computed: int, alert: int, known: bool, open_below: bool
) -> None:
    shown = shown_level(computed, alert, known=known, open_below=open_below)
    assert shown == 0 or shown >= max(computed, alert)
    assert shown != 0 or max(computed, alert) <= 1, "Not known hides level 1 only"
    assert shown != 1 or (known and not open_below and alert <= 1)


@pytest.mark.parametrize(
    ("computed", "alert", "known", "open_below", "shown"),
    [(1, 0, True, False, 1), (1, 0, False, False, 0), (1, 0, True, True, 2), (1, 0, False, True, 2),
     (3, 0, False, False, 3), (1, 4, False, True, 4), (0, 0, True, False, 0), (5, 4, True, True, 5)],
)  # fmt: skip
def test_examples(computed: int, alert: int, known: bool, open_below: bool, shown: int) -> None:
    assert shown_level(computed, alert, known=known, open_below=open_below) == shown


def at(town: Town, code: str, name: str = "seed") -> Standing:
    with town.session(name) as session:
        return standing(session, by_code(session, code), town.clock.now())


def set_state(town: Town, code: str, **values: object) -> None:
    with town.session(write=True) as session:
        state = state_of(session, by_code(session, code).id)
        for key, value in {"assessed_at": town.clock.now(), **values}.items():
            setattr(state, key, value)


def test_a_place_that_nobody_looked_at_is_not_known(town: Town) -> None:
    found = at(town, "PK-KP")
    assert (found.level, found.why_not_known) == (0, NOT_ASSESSED)


def test_silence_is_not_quiet(town: Town) -> None:
    set_state(town, WARD, level=1, known=False)
    assert (at(town, WARD).level, at(town, WARD).why_not_known) == (0, NO_NEWS)
    set_state(town, WARD, level=1, known=True)
    assert at(town, WARD).level == 1
    set_state(town, "PK-KP-MARDAN", level=1, known=True)
    assert at(town, "PK-KP-MARDAN").level == 1, "one ward with news is enough for its town"
    set_state(town, WARD, known=False)
    assert at(town, "PK-KP-MARDAN").level == 0, "a town without any news from its wards is not quiet"


def test_a_report_that_waits_keeps_a_place_from_being_quiet(town: Town) -> None:
    key = town.report(kind="public_argument", how_known="heard", ongoing="no")
    town.work()
    with town.session() as session:
        assert state_of(session, by_code(session, WARD).id).open_tasks == 1
    set_state(town, WARD, level=1, known=True)
    assert at(town, WARD).level == 2
    with town.session(write=True) as session:
        incident, person = session.get_one(Incident, key), town.person(session, "secretary.mardan")
        verdict = verification.Verdict(outcome="not_true")
        verification.verify(session, town.clock.now(), person.id, incident, verdict)
    town.work()
    set_state(town, WARD, level=1, known=True)
    assert at(town, WARD).level == 1


def test_an_open_alert_lifts_the_level_and_says_since_when(town: Town) -> None:
    town.report(kind="angry_crowd")
    town.work()
    found = at(town, WARD)
    assert found.level == 4
    assert found.since == town.clock.now()
    assert [a.level for a in found.open_alerts] == [4]
    assert found.unanswered == 1
    with town.session() as session:
        town_level = standing(session, by_code(session, "PK-KP-MARDAN"), town.clock.now())
    assert town_level.level >= 2, "a town is not quiet while an alert is open in one of its wards"
    assert town_level.open_alerts == ()
    with town.session(write=True) as session:
        for alert in session.scalars(select(Alert)):
            alert.origin = "drill"
    assert at(town, WARD).level < 4, "a drill is not an alert"


def test_many_places_cost_as_many_statements_as_one(town: Town) -> None:
    counted: list[str] = []
    with town.session() as session:
        places = [by_code(session, f"PK-KP-MARDAN-W{n}") for n in range(1, 10)]

        def count(_c: object, _cur: object, statement: str, *_rest: object) -> None:
            counted.append(statement)

        event.listen(session.get_bind(), "before_cursor_execute", count)
        found = standings(session, places, town.clock.now() + timedelta(days=1))
    assert len(found) == 9
    assert len(counted) <= 3
