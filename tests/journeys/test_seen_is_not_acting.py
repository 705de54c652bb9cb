"""Seen is not acting, and acting must show: one nudge, one "still acting?", then everybody is asked again. And both sides answer for themselves.

Each journey ends by failing on any message that nobody expected.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from alerts.acknowledging import acknowledge
from alerts.alert import ACTING, SEEN, Alert
from alerts.ladder import LOCAL, NATIONAL
from alerts.policies import EscalationPolicy
from alerts.routing import Delivery
from committees.people import Office, Scope
from committees.places import by_code
from tests.journeys.test_both_ways_on_the_ladder import grown, raised, sent, the_alert
from tests.journeys.test_report_to_acknowledged_alert import english
from tests.make import Town
from tests.rig.town import WiredTown


def says(town: Town, who: str, word: str) -> None:
    with town.session(write=True) as session:
        alert = session.scalars(select(Alert)).one()
        acknowledge(session, town.clock.now(), alert, town.person(session, who).id, word, "page")


def keep_open(town: Town) -> None:
    """New evidence keeps it open: an alert that nobody adds to ends by itself."""
    with town.session(write=True) as session:
        session.scalars(select(Alert)).one().ends_at = town.clock.now().replace(year=2027)


def sent_by(town: Town, reason: str) -> list[str]:
    with town.session() as session:
        rows = session.scalars(select(Delivery).where(Delivery.reason == reason).order_by(Delivery.at))
        return sorted({row.role for row in rows})


def write_policy(town: Town, **parts: Any) -> None:
    with town.session(write=True) as session:
        place = by_code(session, "PK-KP-MARDAN")
        values = {
            "clocks": {},
            "steps": [{"kind": "tell", "ask": ["chair"]}, {"kind": "tell", "ask": ["national_contact"]}],
        }
        session.add(EscalationPolicy(code="own", locality_id=place.id, **{**values, **parts}))


def test_who_saw_it_is_nudged_once_and_nobody_else(wired_town: WiredTown) -> None:
    town = wired_town
    raised(town)
    keep_open(town)
    says(town, "chair.mardan", SEEN)
    for _ in range(4):
        town.later(minutes=31)  # the whole ladder: seen is not acting
    before = sent(town)
    town.later(minutes=1)
    assert sent_by(town, "nudge") == ["chair"] or grown(town, before) == set()
    town.later(minutes=30)
    assert sent_by(town, "nudge") == ["chair"]
    before = sent(town)
    town.later(hours=3)
    assert grown(town, before) - {town.address("chair.mardan")} == set(), "one nudge, to who saw it"
    assert "Asked once more" in english(town, "chair.mardan").open(f"/a/{the_alert(town).id}")


def test_acting_of_which_nothing_comes_is_asked_once_and_then_opens_again(wired_town: WiredTown) -> None:
    town = wired_town
    write_policy(town, still={"4": 120})
    raised(town)
    keep_open(town)
    says(town, "city.mardan", ACTING)
    assert the_alert(town).next_step_at is None
    before = sent(town)
    town.later(minutes=121)
    assert grown(town, before) == {town.address("city.mardan")}
    assert sent_by(town, "still") == ["city_officer"]
    town.sms("city.mardan", "GO " + code_of(town))  # yes, still: the clock begins anew
    before = sent(town)
    town.later(minutes=119)
    assert grown(town, before) == set()
    town.later(minutes=2)
    assert grown(town, before) == {town.address("city.mardan")}, "asked again only after as long again"
    before = sent(town)
    town.later(minutes=61)
    again = the_alert(town)
    assert (again.round, again.acting_at, again.step) == (2, None, 1), "it goes on from its next step"
    assert {town.address(code) for code in ("city.mardan", "chair.mardan", "secretary.mardan")} <= grown(
        town, before
    )
    assert "open again" in english(town, "chair.mardan").open(f"/a/{again.id}")


def code_of(town: WiredTown) -> str:
    import re

    found = re.search(r"\d{3}\b", town.last("city.mardan").rsplit("GO", 1)[1])
    assert found
    return found[0]


def test_both_sides_must_answer_where_the_policy_says_so(wired_town: WiredTown) -> None:
    town = wired_town
    write_policy(town, must_answer=[LOCAL, NATIONAL])
    alert = raised(town)
    for code in ("chair.mardan", "home.kp"):
        assert town.heard(code), code
    says(town, "city.mardan", ACTING)
    assert the_alert(town).next_step_at is not None, "the national side has not answered"
    page = english(town, "chair.mardan").open(f"/a/{alert.id}")
    assert "This side must answer" in page
    before = sent(town)
    town.later(minutes=31)  # the step of the chair is passed over: that side acts
    asked = grown(town, before)
    assert asked == {town.address("home.kp")}, "the nearest office of that side"
    says(town, "home.kp", ACTING)
    assert the_alert(town).next_step_at is None
    before = sent(town)
    town.later(hours=2)
    assert grown(town, before) == set()


def test_a_town_without_a_national_office_is_told_that_it_stands_alone(wired_town: WiredTown) -> None:
    town = wired_town
    write_policy(town, must_answer=[LOCAL, NATIONAL])
    with town.session(write=True) as session:
        rows = (
            select(Scope).join(Office, Office.id == Scope.office_id).where(Office.role == "national_contact")
        )
        for scope in session.scalars(rows):
            scope.active = False
    alert = raised(town)
    assert sorted(town.templates("chair.mardan")) == ["alert", "local_only", "what_to_do"]
    assert town.templates("city.mardan") == ["alert", "what_to_do"]
    page = english(town, "chair.mardan").open(f"/a/{alert.id}")
    assert "Local only: no national office serves this place" in page
    says(town, "chair.mardan", ACTING)
    assert the_alert(town).next_step_at is None, "the ladder goes by the local side alone"
