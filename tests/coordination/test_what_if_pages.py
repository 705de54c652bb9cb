"""A change is tried on the past, read in words, and proposed by a person: through HTTP, on both databases."""

from __future__ import annotations

import re
import uuid

import pytest
from sqlalchemy import func, select

from alerts import replay_runs
from alerts.alert import Alert
from alerts.replay_runs import ReplayRun
from committees import profiles, verification
from committees.incidents import Incident
from committees.places import by_code
from coordination.replaying import work
from foundation.outbox import OutboxMessage
from tests.coordination.test_api import BASE, Client
from tests.make import Browser, Town

TOWN = "PK-KP-MARDAN"
TRY = f"/rules/try/{TOWN}"
WHY = "The crowd rule called us out three times for lawful gatherings."


def a_month(town: Town) -> None:
    """Two crowds a week apart; the second turns into a clash three days later, which is verified."""
    for _week in range(2):
        town.report()
        town.report("member2.mardan")
        town.work()
        town.later(days=7)
    town.clock.move(days=-4)
    clash = town.report(kind="group_clash", severity=3, ongoing="no")
    town.work()
    with town.session("seed", write=True) as session:
        incident = session.get_one(Incident, clash)
        secretary = town.person(session, "secretary.mardan")
        verification.verify(
            session, town.clock.now(), secretary.id, incident, verification.Verdict("verified")
        )
    town.later(days=5)


def tried(town: Town, browser: Browser, **fields: str) -> str:
    """Send the form and let the worker finish; the result's page."""
    browser.open(TRY)
    browser.send(TRY, **{"months": "6", **fields})
    if browser.status == 200:
        town.work()
        browser.open(browser.path)
    return browser.page


def test_a_change_is_tried_read_in_words_and_proposed(town: Town) -> None:
    a_month(town)
    secretary = town.browser("secretary.mardan")
    secretary.open("/rules/try")
    assert secretary.path == TRY
    before = counts(town)
    secretary.send(TRY, what="off.crowd_now", months="6")
    assert "Open the page again." in secretary.page
    assert "0 of 2 parts" in secretary.page
    address = secretary.path
    town.work()
    page = secretary.open(address)
    assert "Open the page again." not in page
    said = re.search(r"With this change you would have had (\d+) alerts? instead of (\d+)\.", page)
    assert said
    assert int(said[1]) < int(said[2])
    assert "of 1 real clash would have had a warning" in page
    assert "false alarm" in page
    assert "A crowd or clash that is still going on" in page  # the rule of the alerts that would be lost
    assert "Messages per person and week" in page
    assert "Hardly anything was fatal here in this time, so the scores cannot be judged." in page
    assert counts(town) == before  # nobody was told, nothing was raised
    assert "Write in one or two sentences why" in secretary.send(f"{address}/propose", reason="No")
    assert "is proposed" in secretary.send(f"{address}/propose", reason=WHY)
    with town.session() as session:
        place = by_code(session, TOWN)
        (version,) = profiles.versions_of(session, place.id)
        assert version.state == profiles.PROPOSED
        assert version.document == {"rules": [{"key": "crowd_now", "off": True}]}
        assert any(r["key"] == "crowd_now" for r in profiles.in_force(session, place.id).document["rules"])
    assert "was proposed" in secretary.open(address)


def counts(town: Town) -> tuple[int, int]:
    with town.session("engine") as session:
        alerts = session.scalar(select(func.count()).select_from(Alert)) or 0
        return alerts, session.scalar(select(func.count()).select_from(OutboxMessage)) or 0


def test_what_cannot_be_tried_is_said_beside_its_box(town: Town) -> None:
    secretary = town.browser("secretary.mardan")
    for fields, words in (
        ({"what": ""}, "Choose what to change"),
        ({"what": "boundaries.3", "value": "many"}, "Write a number, like 3 or 0.5"),
        ({"what": "boundaries.3", "value": "15"}, "This is how it is today"),
        ({"what": "boundaries.3", "value": "90"}, "Each boundary must be higher than the one before."),
        ({"what": "multipliers.rumour", "value": "7"}, 'id="f-value-error"'),
        ({"what": "rules.rumour_check.when.sources.at_least", "value": "0"}, 'id="f-value-error"'),
        ({"what": "version.9"}, "There is no such version"),
        ({"what": "boundaries.3", "value": "20", "months": "7"}, "Choose 6 or 12 months"),
    ):
        page = tried(town, secretary, **fields)
        assert words in page, fields
        assert secretary.status in (422, 404), fields
        if fields.get("value"):
            assert f'value="{fields["value"]}"' in page  # nothing typed is lost


def test_only_who_stands_there_tries_and_reads(town: Town) -> None:
    secretary = town.browser("secretary.mardan")
    secretary.open(TRY)
    secretary.send(TRY, what="boundaries.3", value="20", months="12")
    address = secretary.path
    for code in ("member1.mardan", "police.mardan", "hub", "admin"):
        stranger = town.browser(code)
        stranger.open(TRY)
        assert stranger.status in (403, 404), code
        stranger.open(address)
        assert stranger.status in (403, 404), code
    for code in ("city.mardan", "national.pk", "chair.mardan"):
        reader = town.browser(code)
        assert "parts" in reader.open(address), code
    abroad = town.browser("national.lk")
    abroad.open(address)
    assert abroad.status == 404
    secretary.open(address)
    assert "This try is stopped" in secretary.send(f"{address}/stop")
    town.work()
    assert "stopped before it was done" in secretary.open(address)


def test_a_run_goes_on_where_it_stood_and_one_that_was_stopped_stays_so(town: Town) -> None:
    secretary = town.browser("secretary.mardan")
    secretary.open(TRY)
    secretary.send(TRY, what="off.surge", months="6")
    assert work(town.runtime) == 1
    with town.session("engine", write=True) as session:
        run = session.scalars(select(ReplayRun)).one()
        assert (run.state, run.done, run.total) == ("running", 1, 2)
        late = {"name": "before", "groups": 1, "alerts": []}
        assert not replay_runs.keep(session, town.clock.now(), run.id, 0, late)  # another worker was quicker
    assert work(town.runtime) == 1
    assert work(town.runtime) == 0
    with town.session("engine", write=True) as session:
        run = session.scalars(select(ReplayRun)).one()
        assert (run.state, run.done, run.parts) == ("done", 2, [])
        assert run.result["measures"]["before"] == run.result["measures"]["after"]
        run.state, run.done = "cancelled", 0
        assert not replay_runs.keep(session, town.clock.now(), run.id, 0, late)
    assert work(town.runtime) == 0


def test_a_program_asks_and_finds_the_result_where_it_is_told(town: Town) -> None:
    a_month(town)
    client = Client(town, "secretary.mardan")
    key = str(uuid.uuid4())
    body = {"locality": TOWN, "months": 6, "document": {"rules": [{"key": "crowd_now", "off": True}]}}
    asked = client.send("/replays", body, key=key)
    assert asked.status_code == 202, asked.get_json()
    assert asked.get_json()["state"] == "waiting"
    assert asked.headers["Location"] == f"{BASE}/replays/{asked.get_json()['id']}"
    again = client.send("/replays", body, key=key)
    assert again.get_json()["id"] == asked.get_json()["id"]
    town.work()
    found = client.get(f"/replays/{asked.get_json()['id']}").get_json()
    assert (found["state"], found["done"]) == ("done", found["total"])
    result = found["result"]
    assert result["words"][0].startswith("With this change you would have had")
    assert (
        len(result["lost"]) - len(result["gained"]) == result["before"]["alerts"] - result["after"]["alerts"]
    )
    assert {one["rule"] for one in result["lost"]} == {"crowd_now"}
    assert Client(town, "member1.mardan").get(f"/replays/{found['id']}").status_code == 404
    assert Client(town, "police.mardan").send("/replays", body).status_code == 403
    for wrong in (
        {**body, "version": 1},
        {"locality": TOWN},
        {**body, "months": 7},
        {**body, "document": {"rules": [{"key": "surge", "level": 9}]}},
        {**body, "locality": "XX-NOWHERE"},
    ):
        assert client.send("/replays", wrong).status_code == 422, wrong


def test_offices_from_outside_read_no_ward_and_no_private_matter(town: Town) -> None:
    for person in ("member1.mardan", "member2.mardan"):
        town.report(person, kind="taken_or_missing", how_known="saw", ongoing="no")
    town.work()
    secretary = town.browser("secretary.mardan")
    page = tried(town, secretary, what="off.grave_private")
    address = secretary.path
    assert "Ward 7" in page
    page = town.browser("national.pk").open(address)
    assert "Ward 7" not in page
    assert "about a matter that you may not see" in page or "about matters that you may not see" in page


def test_tries_take_turns_however_large_one_is(town: Town) -> None:
    """A run of three parts, asked first, and two of one part: each of these is done before the large one's second part."""
    secretary = town.browser("secretary.mardan")
    for number, rule in enumerate(("surge", "crowd_now", "rumour_check")):
        secretary.open(TRY)
        secretary.send(TRY, what=f"off.{rule}", months="6")
        if number == 0:
            with town.session("engine", write=True) as session:
                session.scalars(select(ReplayRun)).one().total = 1_000
        town.clock.move(seconds=1)
    with town.session("engine") as session:
        runs = list(session.scalars(select(ReplayRun).order_by(ReplayRun.asked_at)))
        turns = []
        for _slice in range(7):
            run = replay_runs.next_open(session)
            assert run
            turns.append(runs.index(run))
            run.sliced_at, run.done = town.clock.now(), run.done + 1
            session.flush()
    assert turns == [0, 1, 2, 0, 1, 2, 0]


def test_how_much_one_try_takes_is_said_before_it_starts(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    secretary = town.browser("secretary.mardan")
    with town.session() as session:
        places = replay_runs.places_of(session, by_code(session, TOWN).id)
    assert f"It looks at {places} places." in secretary.open(TRY)
    assert "one try takes" not in secretary.page
    monkeypatch.setattr(replay_runs, "MOST_PLACE_MONTHS", 7 * places)
    page = secretary.open(TRY)
    assert f"Over 12 months one try takes {7 * places // 12} places at most." in page
    page = secretary.send(TRY, what="off.surge", months="12")
    assert 'id="f-months-error">This is too much for one try.' in page
    assert "parts" in secretary.send(TRY, what="off.surge", months="6")
