"""A rumour is reported by several; one press answers each of them once, in their own words and on their own channel, without repeating it."""

from __future__ import annotations

import re
from contextlib import suppress

from sqlalchemy import select

from alerts.alert import AlertUpdate
from committees.incidents import Incident
from coordination import errands, feedback, jobs
from coordination.feedback import FeedbackRequest
from tests.coordination.test_sms_seen_pages import desk
from tests.journeys.test_sms_line import MEMBER, answers, high_alert, read
from tests.rig.town import WiredTown

SECOND = "member2.mardan"
TOLD = "R 7 afwah hai ke masjid ko aag lagayenge"


def tell(town: WiredTown) -> list[str]:
    """Let the worker do what was asked for, and return the SMS that went out."""
    errands.work(town.runtime)
    for job in jobs.JOBS:
        if job.name == "feedback":
            with suppress(ValueError):  # what is wrong is raised again at the end; the ticker logs it
                jobs.run_job(town.runtime, job)
    return answers(town)


def incidents(town: WiredTown) -> list[Incident]:
    """The live reports by SMS or WhatsApp, oldest first."""
    with town.session() as session:
        rows = select(Incident).where(Incident.channel == "sms")
        return list(session.scalars(rows.order_by(Incident.received_at, Incident.reference)))


def test_one_press_answers_everybody_who_reported_it(wired_town: WiredTown) -> None:
    town = wired_town
    read(town, MEMBER, "رپورٹ 7 افواہ ہے کہ مسجد کو آگ لگائیں گے")
    town.clock.move(minutes=2)
    read(town, SECOND, TOLD)
    town.clock.move(minutes=2)
    read(town, "member3.mardan", "R 3 afwah hai ke masjid ko aag lagayen gay aaj")
    town.twilio.receive("whatsapp:+923009990077", TOLD + " Mardan", town.hook(), to="whatsapp:+15005550006")
    town.work()
    answers(town)
    first, second, third, fourth = incidents(town)
    assert {one.kind for one in (first, second, third, fourth)} == {"rumour"}
    secretary = desk(town)
    assert "answer promised by" in secretary.open("/desk")
    page = secretary.open(f"/desk/r/{third.id}")
    assert "Alike in words" in page, "the same words in another ward are shown beside"
    for one in (third, first, fourth):
        secretary.open(f"/desk/r/{one.id}")
        secretary.send(f"/desk/r/{one.id}/join", into=str(second.id))
        assert "Joined" in secretary.page
    secretary.open(f"/desk/r/{second.id}")
    secretary.send(f"/desk/r/{second.id}/answer", answer="not_true")
    before = len(town.twilio.sent)
    tell(town)
    sent = town.twilio.sent[before:]
    phones = {town.address(code) for code in (MEMBER, SECOND, "member3.mardan")}
    assert {sms.to for sms in sent} == phones | {"whatsapp:+923009990077"}
    assert len(sent) == 4
    for sms in sent:
        assert not re.search("masjid|lagay|مسجد|لگائیں", sms.body), "the answer never repeats the rumour"
        assert bool(re.search(r"[\u0600-\u06ff]", sms.body)) == (sms.to == town.address(MEMBER))
    # Once: a second press says nothing again, and who joins later hears what was answered.
    secretary.open(f"/desk/r/{second.id}")
    secretary.send(f"/desk/r/{second.id}/answer", answer="not_true")
    assert tell(town) == []
    town.clock.move(minutes=5)
    read(town, "chair.mardan", TOLD)
    answers(town)
    last = incidents(town)[-1]
    secretary.open(f"/desk/r/{last.id}")
    secretary.send(f"/desk/r/{last.id}/join", into=str(second.id))
    before = len(town.twilio.sent)
    tell(town)
    assert [sms.to for sms in town.twilio.sent[before:]] == [town.address("chair.mardan")]


def test_who_was_answered_before_two_rumours_are_joined_is_not_answered_again(wired_town: WiredTown) -> None:
    town = wired_town
    read(town, MEMBER, TOLD)
    town.clock.move(minutes=2)
    read(town, SECOND, TOLD)
    answers(town)
    first, second = incidents(town)
    secretary = desk(town)
    secretary.open(f"/desk/r/{second.id}")
    secretary.send(f"/desk/r/{second.id}/answer", answer="not_true")
    assert len(tell(town)) == 1
    secretary.open(f"/desk/r/{second.id}")
    secretary.send(f"/desk/r/{second.id}/join", into=str(first.id))
    before = len(town.twilio.sent)
    tell(town)
    assert [sms.to for sms in town.twilio.sent[before:]] == [town.address(MEMBER)]


def test_of_two_answers_the_later_one_holds_and_one_bad_request_holds_up_nobody(
    wired_town: WiredTown,
) -> None:
    town = wired_town
    read(town, MEMBER, TOLD)
    town.clock.move(minutes=2)
    read(town, SECOND, TOLD)
    answers(town)
    first, second = incidents(town)
    with town.session("seed", write=True) as session:
        bad = {"subject_kind": "incident", "incidents": ["no id"], "outcome": "visited"}
        session.add(FeedbackRequest(subject_id=first.id, at=town.clock.now(), **bad))
    secretary = desk(town)
    for incident, answer in ((first, "being_checked"), (second, "not_true")):
        secretary.open(f"/desk/r/{incident.id}")
        secretary.send(f"/desk/r/{incident.id}/answer", answer=answer)
        town.clock.move(minutes=1)
        assert len(tell(town)) == 1
    secretary.open(f"/desk/r/{second.id}")
    secretary.send(f"/desk/r/{second.id}/join", into=str(first.id))
    before = len(town.twilio.sent)
    tell(town)
    (sms,) = town.twilio.sent[before:]
    assert sms.to == town.address(MEMBER)
    with town.session("feedback") as session:
        rows = select(FeedbackRequest.outcome).order_by(FeedbackRequest.at.desc()).limit(1)
        assert session.scalars(rows).one() == "rumour:not_true"


def test_the_clock_of_a_rumour_stands_on_the_desk_until_it_is_answered(wired_town: WiredTown) -> None:
    town = wired_town
    read(town, MEMBER, TOLD)
    town.work()
    secretary = desk(town)
    assert "answer promised by" in secretary.open("/desk")
    assert (
        '<span class="status problem">'
        not in secretary.page.split("Reports to sort")[1].split("</section>")[0]
    )
    town.clock.move(minutes=121)
    assert "late" in secretary.open("/desk").split("Reports to sort")[1].split("</section>")[0]
    (rumour,) = incidents(town)
    secretary.open(f"/desk/r/{rumour.id}")
    secretary.send(f"/desk/r/{rumour.id}/answer", answer="being_checked")
    assert len(tell(town)) == 1
    assert "answer promised by" not in secretary.open("/desk")
    secretary.open(f"/desk/r/{rumour.id}")
    secretary.send(f"/desk/r/{rumour.id}/answer", answer="true")
    assert len(tell(town)) == 1, "another answer is told"


def test_over_stands_on_the_alert_and_ends_nothing(wired_town: WiredTown) -> None:
    town = wired_town
    alert = high_alert(town)
    read(town, MEMBER, "over 7")
    with town.session() as session:
        keys = [n.key for n in session.scalars(select(AlertUpdate).where(AlertUpdate.alert_id == alert.id))]
    assert keys.count("said_over") == 1
    page = desk(town).open(f"/a/{alert.id}")
    assert "Somebody there says that it is over (SMS)." in page
    assert "The alert stays open until a person ends it." in page
    read(town, MEMBER, "over 3")
    with town.session() as session:
        keys = [n.key for n in session.scalars(select(AlertUpdate).where(AlertUpdate.alert_id == alert.id))]
    assert keys.count("said_over") == 1, "another ward is another matter"


def test_nobody_is_woken_but_who_asked_a_moment_ago(wired_town: WiredTown) -> None:
    town = wired_town
    read(town, MEMBER, TOLD)
    town.clock.move(hours=9)  # 11pm
    read(town, SECOND, TOLD + " phir se")
    answers(town)
    first, second = incidents(town)
    with town.session("seed", write=True) as session:
        for incident in (first, second):
            feedback.answer_rumour(session, town.clock.now(), incident, "not_true")
        feedback.plan_incident(session, town.clock.now(), second, "visited")
    assert len(tell(town)) == 1
    assert town.templates(SECOND)[-1] == "rumour_answer"
    town.clock.move(hours=7)  # 6am
    assert len(answers(town)) == 2
    assert (town.templates(MEMBER)[-1], town.templates(SECOND)[-1]) == ("rumour_answer", "feedback")


def test_who_was_told_nothing_for_three_days_hears_that_it_is_still_worked_on(wired_town: WiredTown) -> None:
    town = wired_town
    read(town, MEMBER, "R 7 fight near market")
    town.clock.move(minutes=2)
    read(town, SECOND, "R 3 shop windows broken")
    answers(town)
    first, second = incidents(town)
    with town.session("seed", write=True) as session:
        feedback.plan_incident(session, town.clock.now(), second, "visited")
    tell(town)
    kept = next(job for job in jobs.JOBS if job.name == "keep_promises")
    town.clock.move(hours=63)
    jobs.run_job(town.runtime, kept)
    assert answers(town) == []
    for _ in range(2):
        town.clock.move(hours=8)
        jobs.run_job(town.runtime, kept)
    (word,) = answers(town)
    assert word in town.heard(MEMBER, "feedback")
    assert first.reference in word
