"""Focal persons, through the pages: whom they vouch for counts, within one voice, and no number is seen by anybody but the feedback service."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from alerts.alert import Alert
from alerts.assessing import Score
from alerts.evidence import Evidence
from alerts.silences import HIGH
from committees import verification, vouching
from committees.call_backs import UNKNOWN, CallBack
from committees.incidents import Incident
from committees.people import principal_of
from committees.reports import ReplyHandle, Report, Source
from committees.verification import Verdict
from committees.vouching import FocalPerson
from coordination import feedback
from foundation.db import new_id
from foundation.outbox import OutboxMessage
from tests.make import WARD, Browser, Town

CHAIR, DESK, FOCAL, OTHER = "chair.mardan", "secretary.mardan", "member1.mardan", "member2.mardan"
NUMBER = "+923009990000"
SAID = {"what": "threat", "ward": WARD, "day": "today", "how": "told", "text": "They say tenants must leave."}
FOR = {**SAID, "vouch": "yes"}
#: What a database cannot change is tried on one.
ON_SQLITE = pytest.mark.parametrize("databases", ["sqlite"], indirect=True)


def appoint(town: Town, who: str = FOCAL) -> UUID:
    with town.session() as session:
        person_id = town.person(session, who).id
    browser = town.browser(CHAIR)
    browser.open("/desk/focal")
    browser.send("/desk/focal", person=str(person_id), reason="Trusted by the families of the camp.")
    assert "Trusted by the families" in browser.page
    with town.session() as session:
        mine = FocalPerson.person_id == person_id
        return session.scalars(select(FocalPerson.id).where(mine, FocalPerson.ended_at.is_(None))).one()


def end(town: Town, row_id: UUID) -> None:
    browser = town.browser(CHAIR)
    browser.open("/desk/focal")
    browser.send(f"/desk/focal/{row_id}", **{f"why_{row_id}": "Moved away."})
    assert "Moved away." in browser.page


def tell(town: Town, who: str = FOCAL, **fields: str) -> Browser:
    browser = town.browser(who)
    browser.open("/report")
    browser.send("/report", **{**FOR, **fields})
    return browser


def rows(town: Town) -> list[tuple[Incident, Report, Source]]:
    with town.session() as session:
        found = select(Incident, Report, Source).join(Report, Report.incident_id == Incident.id)
        found = found.join(Source, Source.id == Report.source_id).order_by(Incident.received_at)
        return [(one, two, three) for one, two, three in session.execute(found).all()]


def counted(town: Town) -> int:
    town.work()
    with town.session() as session:
        return len(session.scalars(select(Evidence).where(Evidence.counted > 0)).all())


def test_only_a_chair_makes_a_focal_person_and_says_why(town: Town) -> None:
    with town.session() as session:
        person_id = str(town.person(session, FOCAL).id)
    browser = town.browser(CHAIR)
    browser.open("/desk/focal")
    browser.send("/desk/focal", person=person_id, reason=" ")
    assert (browser.status, "Write in a few words why" in browser.page) == (422, True)
    desk = town.browser(DESK)
    desk.open("/desk/focal")
    assert "Only the chair" in desk.page
    token = town.browser(DESK)
    token.open("/desk/rhythm")
    data = {**token.hidden("/desk/rhythm"), "person": person_id, "reason": "Mine."}
    assert token.client.post("/desk/focal", data=data).status_code == 403
    assert town.browser(FOCAL).client.get("/desk/focal").status_code == 404
    appoint(town)
    with town.session() as session:
        assert session.scalars(select(FocalPerson)).one().reason == "Trusted by the families of the camp."


@ON_SQLITE
def test_who_is_no_focal_person_cannot_vouch(town: Town) -> None:
    browser = tell(town, handle="blue gate")
    assert 'name="vouch"' not in browser.page
    ((incident, report, source),) = rows(town)
    assert (incident.channel, report.logged_for_other, source.kind) == ("web", False, "member")


@ON_SQLITE
def test_each_vouched_person_is_one_known_source_and_the_desk_is_told(town: Town) -> None:
    appoint(town)
    assert "Thank you" in tell(town, handle="Blue  Gate").page
    tell(town, handle="blue gate", what="fight", ongoing="no")
    tell(town, handle="red door", what="damage", ongoing="no")
    found = rows(town)
    assert len({report.source_id for _, report, _ in found}) == 2
    assert {(i.known_source, i.channel, r.logged_for_other) for i, r, _ in found} == {(True, "vouched", True)}
    assert counted(town) == 3
    desk = town.browser(DESK)
    assert "vouched for by a focal person" in desk.open("/desk")
    assert "vouched for by a focal person" in desk.open(f"/desk/r/{found[0][0].id}")
    assert "blue gate" not in desk.page.casefold()
    with town.session() as session:
        assert UNKNOWN not in session.scalars(select(CallBack.why)).all()


@ON_SQLITE
def test_a_word_is_needed_and_what_was_typed_stays(town: Town) -> None:
    appoint(town)
    browser = tell(town, handle="", their_number="12")
    assert (browser.status, "Write a word" in browser.page, 'value="12"' in browser.page) == (422, True, True)
    assert "not a number" in tell(town, handle=NUMBER).page
    assert rows(town) == []


@ON_SQLITE
def test_the_people_of_one_focal_person_weigh_as_one_voice_in_one_cell(town: Town) -> None:
    appoint(town)
    for handle in ("one", "two", "three"):
        tell(town, handle=handle)
    town.report(FOCAL, kind="threat")
    assert counted(town) == 1
    town.report(OTHER, kind="threat")
    assert counted(town) == 2


@ON_SQLITE
def test_a_focal_person_alone_never_makes_more_of_it_than_one_member(town: Town) -> None:
    appoint(town)
    for number, what in enumerate(("threat", "fight", "damage", "crowd") * 2):
        tell(town, handle=f"family {number}", what=what, ongoing="yes", how="saw", people="100+")
    town.work()
    with town.session() as session:
        assert len({source.id for _, _, source in rows(town)}) == 8
        assert session.scalars(select(func.max(Score.level))).one() < HIGH
        assert [one.level for one in session.scalars(select(Alert)) if one.level >= HIGH] == []
        assert counted(town) == 4  # one a kind


def test_a_number_for_which_two_focal_persons_speak_counts_once(town: Town) -> None:
    row = appoint(town)
    appoint(town, OTHER)
    tell(town, handle="blue gate", their_number=NUMBER)
    tell(town, OTHER, handle="my tenant", their_number=f"{NUMBER[:3]} {NUMBER[3:6]} {NUMBER[6:]}")
    (first, _, one), (second, _, two) = rows(town)
    assert (first.known_source, second.known_source) == (True, False)
    assert (one.voice_id == two.voice_id, one.spoken_by == two.spoken_by) == (True, False)
    assert counted(town) == 1
    desk = town.browser(DESK)
    assert "checked" in desk.open(f"/desk/r/{second.id}")
    assert NUMBER[-7:] not in desk.page
    with town.session("seed", write=True) as session:
        secretary, incident = town.person(session, DESK), session.get_one(Incident, second.id)
        verification.verify(session, town.clock.now(), secretary.id, incident, Verdict("verified"))
    assert counted(town) == 1  # also after the check: the voice is the one that spoke already
    for who, own, not_own in ((FOCAL, first, second), (OTHER, second, first)):
        mine = town.browser(who).open("/mine")
        assert (own.reference in mine, not_own.reference in mine) == (True, False)
    end(town, row)
    tell(town, OTHER, handle="my tenant", what="damage", ongoing="no", their_number=NUMBER)
    assert [i.known_source for i, _, _ in rows(town)] == [True, True, True]


@ON_SQLITE
def test_the_mark_of_a_number_goes_with_its_way_back(town: Town) -> None:
    appoint(town)
    tell(town, handle="blue gate", their_number=NUMBER)
    for days, kept in ((89, True), (2, False)):
        town.clock.move(days=days)
        with town.session("engine", write=True) as session:
            vouching.forget(session, town.clock.now())
            assert (
                bool(session.scalars(select(Source.number_mark).where(Source.kind == "vouched")).one())
                is kept
            )


@ON_SQLITE
def test_reports_after_the_end_are_not_verified(town: Town) -> None:
    row = appoint(town)
    tell(town, handle="blue gate")
    assert counted(town) == 1
    end(town, row)
    browser = town.browser(FOCAL)
    assert "no longer lists you" in browser.open("/report")
    tell(town, handle="blue gate", what="damage", ongoing="no")
    assert {(i.kind, i.known_source) for i, _, _ in rows(town)} >= {("threat", True)}
    assert [i.known_source for i, _, _ in rows(town)].count(False) == 1
    assert counted(town) == 1
    appoint(town)
    tell(town, handle="blue gate", what="fight", ongoing="no")
    assert counted(town) == 2


@ON_SQLITE
def test_a_form_sent_twice_is_one_report_and_the_focal_person_sees_what_became_of_it(town: Town) -> None:
    appoint(town)
    for withheld in ("", "committee"):
        browser = town.browser(FOCAL)
        browser.open("/report")
        data = {**browser.hidden("/report"), **FOR, "handle": "blue gate", "withheld": withheld}
        assert browser.client.post("/report", data=data, follow_redirects=True).status_code == 200
        assert browser.client.post("/report", data=data, follow_redirects=True).status_code == 200
    found = rows(town)
    assert len(found) == 2
    with town.session() as session:
        handles = principal_of(session, town.person(session, FOCAL)).handles
        other = principal_of(session, town.person(session, OTHER)).handles
    assert {report.source_id for _, report, _ in found} <= set(handles)
    assert not {report.source_id for _, report, _ in found} & set(other)


@ON_SQLITE
@pytest.mark.parametrize("number", [NUMBER, ""])
def test_feedback_goes_to_the_protected_number_or_through_the_focal_person(town: Town, number: str) -> None:
    appoint(town)
    browser = tell(town, handle="blue gate", their_number=number)
    assert NUMBER not in browser.page
    ((incident, _, _),) = rows(town)
    with town.session("feedback", write=True) as session:
        feedback.plan_incident(session, town.clock.now(), incident, "visited")
        session.flush()
        feedback.work(session, town.clock.now())
        sent = session.scalars(select(OutboxMessage).where(OutboxMessage.template == "feedback")).one()
        assert (sent.contact_point_id is None, bool(sent.address_sealed)) == (bool(number), bool(number))
    for who in (DESK, CHAIR, FOCAL):
        reader = town.browser(who)
        pages = [reader.open(path) for path in ("/desk", f"/desk/r/{incident.id}", "/me", "/mine")]
        assert not any(NUMBER in text or NUMBER[-7:] in text for text in pages)


def test_nobody_reads_a_number_and_nobody_but_a_chair_adds_a_focal_person(town: Town) -> None:
    row_id = appoint(town)
    tell(town, handle="blue gate", their_number=NUMBER)
    with town.session() as session:
        kept = session.scalars(select(ReplyHandle)).one()
        assert NUMBER not in str(kept.address_sealed)
        who = {
            code: principal_of(session, town.person(session, code)) for code in (CHAIR, DESK, FOCAL, OTHER)
        }
        row = session.get_one(FocalPerson, row_id)
        values = {"committee_id": row.committee_id, "locality_id": row.locality_id, "made_at": row.made_at}
    for code, principal in who.items():
        with town.runtime.web.open(principal) as session:
            assert session.scalars(select(ReplyHandle)).all() == []
            seen = session.scalars(select(FocalPerson)).all()
            assert len(seen) == (0 if code == OTHER else 1)
    if town.runtime.web.engine.dialect.name != "postgresql":
        return
    mine = who[OTHER].person_id
    with town.runtime.web.open(who[OTHER], write=True) as session:
        session.add(FocalPerson(id=new_id(), person_id=mine, made_by=mine, reason="Me.", **values))
        with pytest.raises(DBAPIError):
            session.flush()
