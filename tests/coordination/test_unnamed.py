"""Reports without a name: no cookie, no address, nothing lost, nobody outnumbered; a receipt is the only way back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from alerts import labels
from alerts.evidence import Evidence
from committees import unnamed
from committees.incidents import Incident, IncidentText
from committees.people import principal_of
from committees.reports import Source
from committees.unnamed import UnnamedCase, UnnamedDoor, UnnamedMessage
from coordination import feedback, unnamed_intake
from foundation import logs
from foundation.db import Base, new_id
from foundation.journal import Entry
from foundation.policy import Principal
from foundation.web.words import speaking
from tests.make import PASSWORD, START, WARD, Browser, Town

TOWN = "PK-KP-MARDAN"
HERE = f"/tell/{TOWN}"
TEXT = "Young men with sticks gather behind the old mill and shout at traders"
ANSWERS = {"what": "threat", "ward": WARD, "day": "today", "how": "saw", "text": TEXT}
SENTINEL = "203.0.113.77"


@pytest.fixture
def clock() -> Iterator[time_machine.Coordinates]:
    """The real clock, in the test's hands: tokens and limits know no other."""
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


def decide(
    town: Town, want: str = "open", reason: str = "Traders asked for it at the last meeting"
) -> Browser:
    browser = town.browser("chair.mardan")
    browser.open("/desk/tell")
    browser.send("/desk/tell", want=want, reason=reason, password=PASSWORD)
    return browser


def resident(town: Town) -> Browser:
    """A browser that was never here, from an address that must stand nowhere."""
    client = town.app.test_client(use_cookies=False)
    client.environ_base["REMOTE_ADDR"] = SENTINEL
    return Browser(client)


def tell(town: Town, clock: time_machine.Coordinates, browser: Browser | None = None, **changes: Any) -> str:
    """Send a report as a person does; return the receipt."""
    browser = browser or resident(town)
    browser.open(f"{HERE}?language=en")
    clock.shift(30)
    browser.send(HERE, **{**ANSWERS, **changes})
    found = re.search(r"\d{4} \d{4} \d{4} \d{4}", browser.page)
    assert found, browser.page
    return found[0]


def followed(town: Town, receipt: str, **fields: Any) -> Browser:
    browser = resident(town)
    browser.open(f"{HERE}/follow?language=en")
    browser.send(f"{HERE}/follow", receipt=receipt, **fields)
    return browser


def count(town: Town, entity: type[Base], *where: Any) -> int:
    with town.session("intake") as session:
        return session.scalar(select(func.count()).select_from(entity).where(*where)) or 0


def test_the_door_is_shut_until_a_chair_opens_it_with_a_reason(town: Town) -> None:
    assert resident(town).open(HERE)
    assert town.app.test_client().get(HERE).status_code == 404
    browser = decide(town, reason="so")
    assert browser.status == 422
    assert "Please say why" in browser.page
    decide(town)
    assert town.app.test_client().get(HERE).status_code == 200
    assert HERE in resident(town).open("/tell")
    decide(town, want="shut", reason="Nobody can answer during the holidays")
    assert town.app.test_client().get(HERE).status_code == 404


def test_nobody_but_the_chair_opens_it(town: Town) -> None:
    browser = town.browser("secretary.mardan")
    browser.open("/desk/tell")
    browser.send("/desk/tell", want="open", reason="I would like it so much", password=PASSWORD)
    assert browser.status == 403
    assert count(town, UnnamedDoor) == 0


def test_a_report_becomes_one_that_is_checked_like_others_and_scores_nothing_before(
    town: Town, clock: time_machine.Coordinates
) -> None:
    decide(town)
    tell(town, clock)
    town.work()
    with town.session() as session:
        incident = session.scalars(select(Incident)).one()
        words = session.scalars(select(IncidentText)).one().text(session)
        source = session.scalars(select(Source).where(Source.kind == "unnamed")).one()
        weight = session.scalar(select(func.coalesce(func.sum(Evidence.counted), 0.0)))
    assert (incident.channel, incident.known_source, source.known, words) == ("unnamed", False, False, TEXT)
    assert weight == 0.0
    assert incident.reference in town.browser("secretary.mardan").open("/desk/tell")


def test_all_without_a_name_count_as_one_source(town: Town, clock: time_machine.Coordinates) -> None:
    """Three of them, each verified, weigh together what one weighs: they cannot raise an alert by number (T3)."""
    decide(town)
    for number in range(3):
        tell(town, clock, text=f"Told in different words, number {number}, by another person")
    town.work()
    with town.session("engine", write=True) as session:
        secretary = town.person(session, "secretary.mardan")
        for incident in session.scalars(select(Incident)).all():
            incident.known_source, incident.state = True, "verified"
            incident.verified_by, incident.pending = secretary.id, True
            incident.version += 1
    town.work()
    with town.session("engine") as session:
        rows = session.scalars(select(Evidence)).all()
        counting = [row for row in rows if row.counted > 0]
        assert len(rows) == 3
        assert len(counting) == 1


def test_sent_twice_is_one_report_with_the_same_receipt(town: Town, clock: time_machine.Coordinates) -> None:
    decide(town)
    browser = resident(town)
    browser.open(f"{HERE}?language=en")
    data = {**browser.hidden(HERE), **ANSWERS}
    clock.shift(30)
    pages = [browser.client.post(HERE, data=data).get_data(as_text=True) for _ in range(3)]
    receipts = {found for page in pages for found in re.findall(r"\d{4} \d{4} \d{4} \d{4}", page)}
    assert len(receipts) == 1
    assert count(town, UnnamedCase) == 1


def test_a_form_that_is_changed_and_sent_again_says_what_it_says_now(
    town: Town, clock: time_machine.Coordinates
) -> None:
    decide(town)
    browser = resident(town)
    browser.open(f"{HERE}?language=en")
    data = {**browser.hidden(HERE), **ANSWERS}
    clock.shift(30)

    def send(**changes: str) -> None:
        assert "Thank you" in browser.client.post(HERE, data=data | changes).get_data(as_text=True)

    send()
    send(text="They stand at the new mill")  # before anybody took it in: it takes the first one's place
    town.work()
    with town.session("intake") as session:
        texts = session.scalars(select(IncidentText)).all()
        assert [row.text(session) for row in texts] == ["They stand at the new mill"]
    send(text="They stand at the new mill")  # not changed: nothing to add
    assert count(town, UnnamedMessage) == 0
    for _ in range(2):  # changed after it was taken in: said once, to whomever both forms let read it
        send(text="They went home", day="yesterday", withheld="police")
    with town.session("intake") as session:
        row = session.scalars(select(UnnamedMessage)).one()
        assert row.withheld_from == "police"
        assert row.words(session).startswith("They went home\nWhat happened? Threat\n")
        assert "Which day? Yesterday" in row.words(session)
    assert count(town, UnnamedCase, UnnamedCase.waits_since.is_not(None)) == 1


def test_the_talk_goes_both_ways_and_the_desk_sees_who_waits(
    town: Town, clock: time_machine.Coordinates
) -> None:
    decide(town)
    receipt = tell(town, clock)
    town.work()
    desk = town.browser("secretary.mardan")
    assert "waits for an answer" in desk.open("/desk/tell")
    found = re.search(r"/desk/tell/[0-9a-f-]{36}", desk.page)
    assert found
    desk.open(found[0])
    desk.send(found[0], text="Thank you. Was it before or after prayers?")
    assert "waits for an answer" not in desk.open("/desk/tell")
    browser = followed(town, receipt.replace(" ", "-"))
    assert "before or after prayers" in browser.page
    browser.send(f"{HERE}/follow", do="say", text="After. They came back later.")
    assert "Added" in browser.page
    assert "They came back later" in desk.open(found[0])
    assert "waits for an answer" in desk.open("/desk/tell")


def test_a_message_sent_twice_stands_once(town: Town, clock: time_machine.Coordinates) -> None:
    decide(town)
    browser = followed(town, tell(town, clock))
    form = re.search(
        r'<input type="hidden" name="do" value="say">.*?name="key" value="([^"]+)"', browser.page
    )
    assert form
    for _ in range(2):
        browser.send(f"{HERE}/follow", do="say", text="The same words", key=form[1])
    assert count(town, UnnamedMessage) == 1


def test_a_wrong_receipt_opens_nothing(town: Town, clock: time_machine.Coordinates) -> None:
    decide(town)
    receipt = tell(town, clock)
    wrong = f"{(int(receipt.replace(' ', '')) + 1) % 10**16:016d}"
    for typed in (wrong, "", "123", "x" * 16):
        assert followed(town, typed).status == 403
    assert followed(town, receipt).status == 200


def test_what_is_taken_back_is_gone(town: Town, clock: time_machine.Coordinates) -> None:
    decide(town)
    receipt = tell(town, clock)
    town.work()
    followed(town, receipt, do="say", text="One thing more")
    assert "Tick the box" in followed(town, receipt, do="erase").page
    followed(town, receipt, do="erase", sure="yes")
    town.work()
    assert followed(town, receipt).status == 403
    for entity in (UnnamedCase, UnnamedMessage, IncidentText):
        assert count(town, entity) == 0
    with town.session() as session:
        assert session.scalars(select(Incident.state)).one() == "withdrawn"


def test_taken_back_before_the_worker_came_it_never_becomes_a_report(
    town: Town, clock: time_machine.Coordinates
) -> None:
    decide(town)
    followed(town, tell(town, clock), do="erase", sure="yes")
    town.work()
    assert count(town, Incident) == count(town, UnnamedCase) == 0


def test_a_form_that_was_taken_back_and_is_sent_again_is_not_thanked_for_and_lost(
    town: Town, clock: time_machine.Coordinates
) -> None:
    decide(town)
    browser = resident(town)
    browser.open(f"{HERE}?language=en")
    shown = browser.page
    clock.shift(30)
    browser.send(HERE, **ANSWERS)
    found = re.search(r"\d{4} \d{4} \d{4} \d{4}", browser.page)
    assert found
    town.work()
    followed(town, found[0], do="erase", sure="yes")
    town.work()
    browser.page = shown
    browser.send(HERE, **{**ANSWERS, "text": "It was at the new mill, not at the old one"})
    town.work()
    assert count(town, IncidentText) == 1


def test_too_many_are_asked_to_come_again_and_lose_nothing(
    town: Town, clock: time_machine.Coordinates
) -> None:
    decide(town)
    browser = resident(town)
    browser.open(f"{HERE}?language=en")
    clock.shift(30)
    with town.session("seed", write=True) as session:
        door = session.scalars(select(UnnamedDoor)).one()
        for _ in range(unnamed.BURST):
            assert unnamed.may_come(session, START + timedelta(seconds=30), door) is None
    browser.send(HERE, **ANSWERS)
    assert browser.status == 429
    assert "send it again after 14:0" in browser.page
    assert TEXT in browser.page
    assert "tel:" in browser.page.partition("<form")[0]
    assert count(town, UnnamedCase) == 0
    clock.shift(180)
    browser.send(HERE, **ANSWERS)
    assert "receipt code" in browser.page
    assert count(town, UnnamedCase) == 1


def test_another_language_is_chosen_in_the_middle_and_nothing_typed_is_lost(
    town: Town, clock: time_machine.Coordinates
) -> None:
    decide(town)
    browser = resident(town)
    browser.open(f"{HERE}?language=en")
    assert 'name="speak" value="ur"' in browser.page
    clock.shift(30)
    browser.send(HERE, **ANSWERS, withheld="police", speak="ur")
    assert browser.status == 200
    assert '<html lang="ur"' in browser.page
    assert TEXT in browser.page
    assert count(town, UnnamedCase) == 0
    for chosen in ("threat", WARD, "police"):
        assert re.search(rf'value="{chosen}"[^>]* (checked|selected)', browser.page), chosen
    browser.send(HERE, **ANSWERS)
    assert count(town, UnnamedCase) == 1
    assert '<html lang="ur"' in browser.page
    assert 'name="speak"' not in browser.page, "nothing leads away from the receipt, which is shown once"


def test_what_one_writes_to_the_committee_outlasts_a_language_a_wrong_code_and_a_crowd(
    town: Town, clock: time_machine.Coordinates
) -> None:
    decide(town)
    receipt = tell(town, clock)
    browser = resident(town)
    browser.open(f"{HERE}/follow?language=en")
    browser.send(f"{HERE}/follow", receipt=receipt, speak="ur")
    assert receipt in browser.page
    assert '<html lang="ur"' in browser.page
    browser.send(f"{HERE}/follow", receipt=receipt)
    browser.send(f"{HERE}/follow", do="say", text="It was after prayers", speak="en")
    assert "It was after prayers" in browser.page
    assert "Your report" in browser.page
    assert count(town, UnnamedMessage) == 0
    case = browser.page
    browser.send(f"{HERE}/follow", do="say", text="It was after prayers", receipt="1234 5678 9012 3456")
    assert browser.status == 403
    browser.send(f"{HERE}/follow", receipt=receipt, text=_typed(browser.page))
    assert count(town, UnnamedMessage) == 1
    browser.page = case
    with town.session("seed", write=True) as session:
        door = session.scalars(select(UnnamedDoor)).one()
        while unnamed.may_look(session, START + timedelta(seconds=30), door) is None:
            pass
    browser.send(f"{HERE}/follow", do="say", text="And they came back", key=new_id())
    assert browser.status == 429
    assert receipt in browser.page
    clock.shift(600)
    browser.send(f"{HERE}/follow", receipt=receipt, text=_typed(browser.page))
    assert count(town, UnnamedMessage) == 2


def _typed(page: str) -> str:
    found = re.search(r"<textarea[^>]*>(.*?)</textarea>", page, re.S)
    assert found
    return found[1].strip()


def test_a_program_that_does_not_wait_is_asked_to(town: Town, clock: time_machine.Coordinates) -> None:
    decide(town)
    browser = resident(town)
    browser.open(f"{HERE}?language=en")
    browser.send(HERE, **ANSWERS)
    assert "That was very quick" in browser.page
    assert TEXT in browser.page
    clock.shift(5)
    browser.send(HERE, **ANSWERS)
    assert "receipt code" in browser.page


def test_a_form_that_was_left_open_for_a_day_comes_back_as_it_was_filled_in(
    town: Town, clock: time_machine.Coordinates
) -> None:
    decide(town)
    browser = resident(town)
    browser.open(f"{HERE}?language=en")
    clock.shift(90_000)
    browser.send(HERE, **ANSWERS)
    assert "stood open for too long" in browser.page
    assert re.search(r'value="threat"[^>]* checked', browser.page)
    assert TEXT in browser.page
    clock.shift(30)
    browser.send(HERE, **ANSWERS)
    assert "receipt code" in browser.page


def test_what_happened_next_stands_where_the_receipt_leads_in_their_language(
    town: Town, clock: time_machine.Coordinates
) -> None:
    decide(town)
    receipt = tell(town, clock)
    town.work()
    with town.session("intake", write=True) as session:
        session.scalars(select(UnnamedCase)).one().language = "ur"
    with town.session(write=True) as session:
        incident = session.scalars(select(Incident)).one()
        for _ in range(2):
            feedback.plan_incident(session, START, incident, "visited")
    town.work()
    with town.session() as session, speaking("ur"):
        expected = labels.feedback_label("visited")
        assert session.scalars(select(feedback.Feedback.state)).all() == [feedback.SENT]
    assert followed(town, receipt).page.count(expected) == 1
    assert "waits for an answer" in town.browser("secretary.mardan").open("/desk/tell")


def test_a_token_that_is_not_ours_sends_nothing_and_loses_nothing(
    town: Town, clock: time_machine.Coordinates
) -> None:
    decide(town)
    browser = resident(town)
    browser.open(f"{HERE}?language=en")
    clock.shift(30)
    browser.send(HERE, **{**ANSWERS, "form": "A" * 43})
    assert "stood open for too long" in browser.page
    assert TEXT in browser.page
    assert count(town, UnnamedCase) == 0


def test_near_copies_are_grouped_and_none_is_dropped(town: Town, clock: time_machine.Coordinates) -> None:
    decide(town)
    for text in (TEXT, f"{TEXT}!!", TEXT.upper(), "Somebody wrote on the wall of the school last night"):
        tell(town, clock, text=text)
        town.work()
    assert count(town, Incident) == count(town, UnnamedCase) == 4
    assert count(town, UnnamedCase, UnnamedCase.alike_id.is_not(None)) == 2
    assert "2 others say nearly the same" in town.browser("secretary.mardan").open("/desk/tell")


@given(st.text(max_size=80))
def test_any_text_can_be_compared_and_marks_do_not_matter(text: str) -> None:
    assert unnamed_intake.pairs(text) == unnamed_intake.pairs(f"  {text} !? ")


def test_whom_the_reporter_shut_out_sees_neither_case_nor_talk(
    town: Town, clock: time_machine.Coordinates
) -> None:
    decide(town)
    receipt = tell(town, clock, withheld="committee")
    followed(town, receipt, do="say", text="It is about the chair himself")
    town.work()
    for code in ("secretary.mardan", "chair.mardan", "police.mardan"):
        with town.session() as session:
            principal = principal_of(session, town.person(session, code))
        with town.runtime.web.open(principal) as session:
            for entity in (UnnamedCase, UnnamedMessage, Incident):
                assert session.scalar(select(func.count()).select_from(entity)) == 0, (code, entity)


def test_a_receipt_reads_its_own_case_only(town: Town, clock: time_machine.Coordinates) -> None:
    decide(town)
    first, second = tell(town, clock), tell(town, clock, text="Another matter altogether, near the canal")
    town.work()
    with town.session() as session:
        place = session.scalars(select(UnnamedDoor.locality_id)).one()
        handles = [unnamed.handle_of(session, place, receipt) for receipt in (first, second)]
    for handle in handles:
        assert handle
        with town.runtime.web.open(Principal(handles=(handle,))) as session:
            assert session.scalars(select(UnnamedCase.source_id)).all() == [handle]
            assert session.scalar(select(func.count()).select_from(IncidentText)) == 0


def test_no_cookie_no_referrer_no_store_on_any_answer_of_these_pages(
    town: Town, clock: time_machine.Coordinates, capfd: pytest.CaptureFixture[str]
) -> None:
    decide(town)
    signed_in = town.browser("chair.mardan").client
    logs.set_up("text")  # to the stream that this test reads
    receipt = tell(town, clock)
    browser = resident(town)
    answers = [
        browser.client.get(path) for path in ("/tell", HERE, f"{HERE}/follow", "/tell/x", "/tell/x/y/z")
    ]
    answers.append(
        browser.client.get(HERE, headers={"Cookie": "concord_notice=success|hello; concord_language=ur"})
    )
    answers.append(signed_in.get(HERE))
    browser.open(f"{HERE}?language=en")
    token = browser.hidden(HERE)
    follow = {"csrf_token": token["csrf_token"], "receipt": receipt}
    for path, data in (
        (HERE, {}),
        (HERE, token),
        (HERE, {**token, **ANSWERS}),
        (f"{HERE}/follow", follow),
        (f"{HERE}/follow", {**follow, "receipt": "1" * 16}),
        (f"{HERE}/follow", {**follow, "do": "say"}),
        (f"{HERE}/follow", {**follow, "do": "erase", "sure": "yes"}),
    ):
        answers.append(browser.client.post(path, data=data, headers={"Origin": "null"}))
    for answer in answers:
        assert "Set-Cookie" not in answer.headers, answer.request.path
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert {answer.status_code for answer in answers} == {200, 400, 403, 404, 422}
    shown = [
        re.findall("<title>(.+?) – ", answer.get_data(as_text=True)) for answer in answers[1:3] + answers[-6:]
    ]
    assert {title for titles in shown for title in titles} == {
        "Mardan",
        "This form is not complete.",
    }  # a history that others look at
    urdu = browser.client.get(f"{HERE}?language=ur").get_data(as_text=True)
    asked = re.search(r'href="(/privacy[^"]*)"', urdu)
    assert asked
    assert 'lang="ur"' in browser.client.get(asked[1]).get_data(
        as_text=True
    )  # what it links to reads on in it
    assert "hello" not in answers[5].get_data(as_text=True)
    for missing in (
        answers[3],
        answers[4],
    ):  # also where there is no door: a way out, and no form that leaves a cookie
        assert "data-leave" in missing.get_data(as_text=True)
        assert 'action="/language"' not in missing.get_data(as_text=True)
    assert "/sign-out" not in answers[6].get_data(as_text=True)
    town.work()
    logged = "".join(capfd.readouterr())
    assert "request" in logged
    assert SENTINEL not in logged
    assert receipt not in logged
    assert receipt.replace(" ", "") not in logged
    assert "old mill" not in logged


def test_neither_receipt_nor_address_nor_words_stand_in_the_database(
    town: Town, clock: time_machine.Coordinates
) -> None:
    decide(town)
    receipt = tell(town, clock)
    followed(town, receipt, do="say", text="The canary sings at night")
    town.work()
    with town.runtime.worker.engine.connect() as connection:
        whole = " ".join(
            str(row)
            for table in Base.metadata.sorted_tables
            for row in connection.execute(select(table)).all()
        )
    for canary in (receipt, receipt.replace(" ", ""), SENTINEL, "old mill", "canary sings"):
        assert canary not in whole, canary


def test_a_case_is_forgotten_ninety_days_after_the_last_word(
    town: Town, clock: time_machine.Coordinates
) -> None:
    decide(town)
    receipt = tell(town, clock)
    town.work()
    town.later(days=89)
    assert count(town, UnnamedCase) == 1
    town.later(days=2)
    assert count(town, UnnamedCase) == 0
    assert followed(town, receipt).status == 403


def test_that_the_desk_opened_a_talk_is_on_record(town: Town, clock: time_machine.Coordinates) -> None:
    decide(town)
    tell(town, clock)
    town.work()
    desk = town.browser("secretary.mardan")
    found = re.search(r"/desk/tell/[0-9a-f-]{36}", desk.open("/desk/tell"))
    assert found
    desk.open(found[0])
    assert count(town, Entry, Entry.action == "open:text", Entry.object_kind == "unnamed_case") == 1
