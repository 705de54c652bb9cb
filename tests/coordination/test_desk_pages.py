"""The desk, sorting, places and the city as people use them, on both databases: report, score, page, decision, feedback."""

import uuid
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import event, select

from alerts.alert import OPEN, Alert
from alerts.evidence import state_of
from alerts.standing import Standing
from committees.call_backs import CallBack
from committees.inbox import READ, UNREAD, Inbound, seal_message
from committees.incidents import Incident, IncidentSummary
from committees.places import by_code
from committees.reports import Report
from coordination.feedback import Feedback
from coordination.frame import LANGUAGE_COOKIE
from coordination.pages.city import change
from foundation.db import new_id
from foundation.journal import Entry
from foundation.outbox import OutboxMessage
from tests.make import START, WARD, Browser, Town

TEXT = "Two groups are shouting at the bus stand"
DECISION = {
    "kind": "public_argument",
    "ward": WARD,
    "severity": "2",
    "threat": "unsorted",
    "knows_source": "well",
    "first_hand": "yes",
    "second_source": "no",
    "outcome": "verified",
    "summary": "Argument at the bus stand, calm by evening",
    "marking": "",
}


def english(town: Town, code: str) -> Browser:
    """A browser of this person that reads English, whatever their own language."""
    browser = town.browser(code)
    browser.client.set_cookie(LANGUAGE_COOKIE, "en")
    return browser


def report(town: Town, **fields: object) -> uuid.UUID:
    """A report of a minute after everything else, scored."""
    town.work()
    town.clock.move(minutes=1)
    key = town.report(**{"text": TEXT, "kind": "public_argument", "ongoing": "no", **fields})  # type: ignore[arg-type]
    town.work()
    return key


def sort(town: Town, key: uuid.UUID, **changes: str) -> str:
    browser = english(town, "secretary.mardan")
    browser.open(f"/desk/r/{key}")
    with town.session() as session:
        at = session.get_one(Incident, key).occurred_at
    local = at.astimezone(ZoneInfo("Asia/Karachi")).strftime("%Y-%m-%dT%H:%M")
    return browser.send(f"/desk/r/{key}", **{**DECISION, "occurred_at": local, **changes})


def incident(town: Town, key: uuid.UUID) -> Incident:
    with town.session() as session:
        return session.get_one(Incident, key)


def test_a_report_is_sorted_and_its_reporter_hears_of_it(town: Town) -> None:
    key = report(town)
    secretary = english(town, "secretary.mardan")
    assert f'href="/desk/r/{key}"' in secretary.open("/desk")
    assert secretary.page.count('class="button"') == 1, "one filled button a page"
    page = secretary.open(f"/desk/r/{key}")
    assert TEXT in page
    assert "adds about" in page or "less than 1 point" in page
    with town.session() as session:
        opened = session.scalars(select(Entry).where(Entry.action == "open:text")).one()
        assert opened.object_id == key
        assert opened.actor_id == town.person(session, "secretary.mardan").id
    page = sort(town, key)
    assert "is sorted" in page
    found = incident(town, key)
    assert (found.state, found.marking, found.reliability, found.credibility) == ("verified", "AMBER", "B", 1)
    town.work()
    with town.session() as session:
        assert session.scalars(select(Feedback.outcome).where(Feedback.incident_id == key)).all() == [
            "checked_true"
        ]
        assert session.scalars(select(OutboxMessage).where(OutboxMessage.template == "feedback")).all()
        assert session.get_one(IncidentSummary, key).text == DECISION["summary"]


def test_what_is_missing_is_said_and_what_was_typed_is_kept(town: Town) -> None:
    key = report(town)
    page = sort(town, key, outcome="", summary="Ring 0300 1234567 about it")
    assert "Choose how sure you are" in page
    assert "Ring 0300 1234567 about it" in page
    page = sort(town, key, summary="Ring 0300 1234567 about it")
    assert "looks like a phone" in page
    assert incident(town, key).state == "reported"
    page = sort(town, key, marking="GREEN", summary="")
    assert "Write the sentence that partners will read" in page
    page = sort(town, key, occurred_at="2031-01-01T10:00")
    assert "must be now or earlier" in page
    page = sort(town, key, ward="PK-KP-PESHAWAR-W1")
    assert "Choose the ward" in page


def test_two_secretaries_do_not_overwrite_each_other(town: Town) -> None:
    key = report(town)
    assert "Somebody else changed this report" in sort(town, key, version="0")
    assert incident(town, key).state == "reported"


def test_a_report_can_be_moved_to_the_ward_where_it_happened(town: Town) -> None:
    key = report(town)
    sort(town, key, ward="PK-KP-MARDAN-W3")
    town.work()
    with town.session() as session:
        assert session.get_one(Incident, key).locality_id == by_code(session, "PK-KP-MARDAN-W3").id
        assert state_of(session, by_code(session, WARD).id).fast == pytest.approx(0, abs=1e-9)
        assert state_of(session, by_code(session, "PK-KP-MARDAN-W3").id).fast > 0


def test_a_second_report_of_one_thing_is_joined(town: Town) -> None:
    first, second = report(town), report(town, person="member2.mardan")
    secretary = english(town, "secretary.mardan")
    page = secretary.open(f"/desk/r/{second}")
    assert "Perhaps the same thing" in page
    assert "Join with this one" in page
    secretary.send(f"/desk/r/{second}/join", into=str(first))
    assert secretary.path == f"/desk/r/{first}"
    assert incident(town, second).state == "merged"
    assert incident(town, first).sources == 2
    with town.session() as session:
        assert {
            r.incident_id for r in session.scalars(select(Report).where(Report.id.in_([first, second])))
        } == {first}
    secretary.open(f"/desk/r/{first}")
    elsewhere = report(town, locality="PK-KP-MARDAN-W3", person="member3.mardan")
    secretary.open(f"/desk/r/{first}")
    secretary.send(f"/desk/r/{first}/join", into=str(elsewhere))
    assert secretary.status == 409, "only what is shown beside it can be joined"


def test_a_rumour_is_answered_in_one_sentence(town: Town) -> None:
    key = report(town, kind="rumour", how_known="heard", text="")
    secretary = english(town, "secretary.mardan")
    assert "answer promised by" in secretary.open("/desk")
    secretary.open(f"/desk/r/{key}")
    assert "Choose what we know of it" in secretary.send(f"/desk/r/{key}/answer")
    secretary.open(f"/desk/r/{key}")
    page = secretary.send(f"/desk/r/{key}/answer", answer="not_true")
    assert "Told: This is not true." in page
    town.work()
    with town.session() as session:
        rows = session.scalars(select(OutboxMessage).where(OutboxMessage.template == "rumour_answer")).all()
        assert [row.slots["answer"] for row in rows] == ["not_true"]
        assert rows[0].slots["place"] == {"ward": 7}
    assert "answer promised by" not in secretary.open("/desk")


def inbound(town: Town, text: str, person: str | None, number: str = "+923009990000") -> uuid.UUID:
    with town.session(write=True) as session:
        row = Inbound(
            id=new_id(),
            kind="sms",
            provider_id=f"SM{new_id().hex}",
            locality_id=by_code(session, WARD).id,
            received_at=town.clock.now(),
            state=UNREAD,
            reading={"command": "UNREAD", "reason": "NO_COMMAND"},
            person_id=town.person(session, person).id if person else None,
        )
        seal_message(session, row, number, text)
        session.add(row)
        return row.id


def test_an_sms_that_nobody_could_read_becomes_a_report_or_is_put_aside(town: Town) -> None:
    one, other = inbound(town, "fight near the school", "member1.mardan"), inbound(town, "hello", None)
    secretary = english(town, "secretary.mardan")
    page = secretary.open("/desk")
    assert f"/desk/sms/{one}" in page
    assert "Does not begin with a word we know" in page
    assert "fight near the school" not in page, "the desk lists, it does not open"
    page = secretary.open(f"/desk/sms/{one}")
    assert "fight near the school" in page
    assert "tel:" not in page.split("<footer>")[0], "the number of a member stays with the member"
    assert "Choose the ward" in secretary.send(f"/desk/sms/{one}/report", ward="", what="fight")
    secretary.send(f"/desk/sms/{one}/report", ward=WARD, what="fight")
    assert secretary.path.startswith("/desk/r/")
    assert "fight near the school" in secretary.page
    assert "tel:+923009990000" in secretary.open(f"/desk/sms/{other}")
    secretary.send(f"/desk/sms/{other}/handled")
    with town.session() as session:
        rows = session.scalars(select(Inbound).where(Inbound.id.in_([one, other]))).all()
        assert {row.state for row in rows} == {READ}
        assert {row.handled_by for row in rows} == {town.person(session, "secretary.mardan").id}
        made = session.scalars(select(Incident).where(Incident.channel == "sms")).one()
        assert (made.kind, made.known_source) == ("small_fight", True)
    again = secretary.client.post(
        f"/desk/sms/{other}/handled", data={"csrf_token": secretary.hidden("/sign-out")["csrf_token"]}
    )
    assert again.status_code == 409


def test_a_call_that_was_made_leaves_the_desk(town: Town) -> None:
    with town.session(write=True) as session:
        call = CallBack(
            locality_id=by_code(session, WARD).id,
            why="asked",
            asked_at=town.clock.now(),
            due_at=town.clock.now(),
        )
        session.add(call)
        session.flush()
        key = call.id
    town.clock.move(hours=1)
    secretary = english(town, "secretary.mardan")
    assert "This person asked to be rung" in secretary.open("/desk")
    assert "late" in secretary.page
    assert "This person asked to be rung" not in secretary.send(f"/desk/call/{key}/done")


def test_the_desk_names_whom_to_ring_about_a_silent_ward(town: Town) -> None:
    page = english(town, "secretary.mardan").open("/desk")
    with town.session() as session:
        assert town.person(session, "member1.mardan").name in page
    assert "Nobody sits for this ward" in page


def test_others_do_not_find_the_desk(town: Town) -> None:
    key = report(town)
    for code, path in (
        ("member1.mardan", "/desk"),
        ("member1.mardan", f"/desk/r/{key}"),
        ("city.mardan", "/desk"),
        ("police.mardan", f"/desk/r/{key}"),
        ("secretary.peshawar", f"/desk/r/{key}"),
        ("secretary.peshawar", f"/place/{WARD}"),
        ("member1.peshawar", "/place/PK-KP-MARDAN"),
    ):
        browser = english(town, code)
        browser.open(path)
        assert browser.status == 404, (code, path)
    assert str(key) not in english(town, "secretary.peshawar").open("/desk")


def test_a_place_says_its_level_and_why(town: Town) -> None:
    report(town, kind="angry_crowd", ongoing="yes")
    with town.session() as session:
        alert = session.scalars(select(Alert).where(Alert.state == OPEN)).one()
    page = english(town, "member1.mardan").open(f"/place/{WARD}")
    assert "High · 4 of 5" in page
    assert f'href="/a/{alert.id}"' in page
    assert "Angry crowd, seen in person" in page
    assert "While it is, the level stays at least High" in page
    assert "%" not in page.split("<main")[1].split("</main>")[0], "points for everybody, percent for analysts"
    assert "/desk/r/" not in page
    assert "/desk/r/" in english(town, "secretary.mardan").open(f"/place/{WARD}")
    assert english(town, "secretary.mardan").open("/place/PK-KP-MARDAN").count('class="level-') >= 9


def test_who_may_not_see_a_report_reads_its_points_only(town: Town) -> None:
    report(town, kind="sacred_place_harmed", ongoing="no")
    page = english(town, "city.mardan").open(f"/place/{WARD}")
    assert "Another matter: 1 report that you cannot open" in page
    assert "worship" not in page.split("Local picture")[0]
    assert "Place of worship" in english(town, "chair.mardan").open(f"/place/{WARD}")


def test_an_analyst_reads_the_chance_in_percent(town: Town) -> None:
    report(town)
    national = english(town, "national.pk")
    page = national.open("/place/PK-KP-MARDAN")
    assert "chance of at least one fatal incident" in page
    assert "/place/PK-KP-MARDAN-W" not in page, "offices from outside the town read no single ward"
    national.open(f"/place/{WARD}")
    assert national.status == 404


def test_somebody_who_does_not_agree_is_rung(town: Town) -> None:
    member = english(town, "member1.mardan")
    member.open(f"/place/{WARD}")
    assert "The secretary will ask you why" in member.send(f"/place/{WARD}/disagree")
    assert "does not agree with the level" in english(town, "secretary.mardan").open("/desk")


def test_the_city_puts_first_what_needs_somebody(town: Town) -> None:
    report(town, kind="angry_crowd", ongoing="yes")
    with town.session() as session:
        alert = session.scalars(select(Alert).where(Alert.state == OPEN)).one()
    city = english(town, "city.mardan")
    page = city.open("/city")
    assert f'class="button" href="/a/{alert.id}"' in page
    assert "1 alert waits for somebody to act" in page
    wards = page.split("what needs somebody first")[1]
    assert wards.index(f"/place/{WARD}") < wards.index("/place/PK-KP-MARDAN-W1")
    assert "PESHAWAR" not in page
    page = city.open("/city/map")
    assert page.index("<ul class=") < page.index('class="pic map')
    assert "Ward 7: High, 4 of 5" in page
    assert "Ward 7: Not known" in city.open("/city/map?week=11")
    assert city.status == 200


def test_what_rose_this_week_comes_before_what_is_only_high() -> None:
    rose = Standing(3, True, START, 1, ())
    high = Standing(4, True, START - timedelta(days=30), 3, ())
    assert change(rose, START + timedelta(days=2)) == 2
    assert change(high, START) == 0
    assert change(Standing(0, False, START, 3, ()), START) == 0, "silence is not a fall"


@pytest.mark.parametrize("path", ["/desk", "/city", f"/place/{WARD}", "/place/PK-KP-MARDAN"])
def test_a_page_asks_the_database_no_more_than_it_must(town: Town, path: str) -> None:
    for number in range(1, 6):
        town.report(person=f"member{number}.mardan", kind="angry_crowd", locality=f"PK-KP-MARDAN-W{number}")
    town.work()
    browser, counted = english(town, "chair.mardan"), []

    def count(_c: object, _cur: object, statement: str, *_rest: object) -> None:
        # Only questions count; PostgreSQL's driver begins transactions unseen, so SQLite's BEGIN does not count either.
        if not statement.startswith("BEGIN"):
            counted.append(statement)

    event.listen(town.runtime.web.engine, "before_cursor_execute", count)
    browser.open(path)
    event.remove(town.runtime.web.engine, "before_cursor_execute", count)
    assert browser.status == 200
    assert len(counted) <= 40, "\n".join(counted)
