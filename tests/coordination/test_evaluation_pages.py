"""The evaluation of a place in words, plots and tables, what it proposes, and the page that says what the numbers mean."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from alerts import closing, learning
from alerts.alert import Alert
from alerts.calibrating import Kappa, Prediction
from alerts.learning import LearningReport
from committees.places import by_code
from tests.make import Town

TOWN = "PK-KP-MARDAN"
PAGE = f"/evaluation/{TOWN}"


def a_past(town: Town) -> None:
    """One alert that was prevented, forecasts of a year of which some came true, and a report with a proposal."""
    town.report(kind="angry_crowd")
    town.work()
    with town.session("engine", write=True) as session:
        now = town.clock.now()
        alert = session.scalars(select(Alert).where(Alert.state == "open")).one()
        closing.close(session, now, alert, outcome="prevented", reason="Talks held", person_id=None)
        place = by_code(session, TOWN)
        for week in range(5, 45):
            at = now - timedelta(weeks=week)
            session.add(
                Prediction(
                    locality_id=place.id, week=at.date(), at=at, p28=0.02 + 0.01 * week, came=week % 5 == 0
                )
            )
        session.add(
            Kappa(
                at=now, country_code="PK", locality_id=None, outcomes=1.0, predicted=2.0, unheld=0.4, held=0.5
            )
        )
        proposal = {
            "knob": "rules.rumour_check.when.sources.at_least",
            "was": 2,
            "now": 3,
            "why": "often_false",
            "rule": "rumour_check",
            "true": 2,
            "judged": 22,
        }
        session.add(
            LearningReport(
                locality_id=place.id,
                month=learning.last_month(now),
                made_at=now,
                measures={},
                proposals=[proposal],
            )
        )


def test_it_says_how_good_the_warnings_were_and_what_could_be_changed(town: Town) -> None:
    a_past(town)
    secretary = town.browser("secretary.mardan")
    page = secretary.open(PAGE)
    assert secretary.status == 200
    assert "Alerts: 1. True or prevented: 1. Not true: 0." in page
    assert page.count('<svg class="pic"') >= 3
    assert page.count("<desc") == page.count('<svg class="pic"')  # each plot says itself in words
    assert "A crowd or clash that is still going on" in page
    assert "Forecasts judged" in page
    assert "Alerts that came true" in page
    assert "100% (21% – 100%)" in page
    assert "2 of 22 alerts of this rule were true" in page
    address = f"/rules/try/{TOWN}?what=rules.rumour_check.when.sources.at_least&amp;value=3"
    assert address in page
    form = secretary.open(address.replace("&amp;", "&"))
    assert 'value="rules.rumour_check.when.sources.at_least" selected' in form
    assert 'name="value" type="text" value="3"' in form
    assert "مردان" in town.browser("secretary.mardan", "ur").open(PAGE)


def test_small_numbers_of_wide_places_point_at_nobody(town: Town) -> None:
    a_past(town)
    national = town.browser("national.pk")
    page = national.open("/evaluation/PK")
    assert national.status == 200
    assert "Alerts: under 5. True or prevented: under 5." in page
    assert 'id="by-month-title"' not in page
    page = national.open(PAGE)  # of a town too: nothing that lies behind the numbers is theirs to read
    assert "Alerts: under 5. True or prevented: under 5." in page
    assert "2 of 22 alerts of this rule were true" not in page
    for code in ("member1.mardan", "police.mardan", "hub"):
        stranger = town.browser(code)
        stranger.open(PAGE)
        assert stranger.status in (403, 404), code


def test_everybody_can_read_what_the_numbers_mean(town: Town) -> None:
    a_past(town)
    page = town.browser().open("/method")
    for words in (
        "at least one fatal incident in 28 days",
        "It knows better where than when",
        "Uppsala Conflict Data Program",
        "0.40",
        "half of the weight is gone after 14 days",
    ):
        assert words in page, words
