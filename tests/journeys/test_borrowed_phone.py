"""A report from a borrowed phone: once a person says whose it is, it is that member's own and counts once; the phone's owner hears nothing."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from committees import verification
from committees.call_backs import CallBack
from committees.incidents import Incident
from committees.people import principal_of
from committees.reports import ReplyHandle, Report
from committees.verification import Verdict
from coordination import errands
from tests.coordination.test_focal_persons import counted
from tests.coordination.test_sms_seen_pages import desk
from tests.journeys.test_sms_line import MEMBER, all_of, answers, read
from tests.rig.town import WiredTown

WRITER = "member2.mardan"


def test_a_report_from_a_borrowed_phone_is_its_writers_after_one_press(wired_town: WiredTown) -> None:
    town = wired_town
    one = read(town, MEMBER, f"R 7 fight near market from {town.address(WRITER)[-4:]}")
    answers(town)
    assert [row.known_source for row in all_of(town, Incident)] == [False]
    assert counted(town) == 0
    to_owner, to_writer = len(town.heard(MEMBER)), len(town.heard(WRITER))
    secretary = desk(town)
    assert "on a borrowed phone" in secretary.open(f"/desk/sms/{one.id}")
    for _ in range(2):
        secretary.open("/desk/rhythm")
        secretary.send(f"/desk/sms/{one.id}/from")
        errands.work(town.runtime)
    answers(town)
    unproven, own = sorted(all_of(town, Incident), key=lambda row: row.known_source)
    assert (unproven.state, own.state, own.known_source) == ("withdrawn", "reported", True)
    assert counted(town) == 1, "it counts as the member's, and once"
    with town.session() as session:
        writer, owner = (principal_of(session, town.person(session, who)) for who in (WRITER, MEMBER))
        (source,) = [row.source_id for row in all_of(town, Report) if row.incident_id == own.id]
        assert (source in writer.handles, source in owner.handles) == (True, False)
        (back,) = all_of(town, ReplyHandle)
        assert (back.report_id, bool(back.contact_point_id), back.address_sealed) == (own.id, True, None)
    assert len(town.heard(WRITER)) == to_writer + 1
    assert own.reference in town.last(WRITER)
    assert len(town.heard(MEMBER)) == to_owner, "the owner of the phone is told nothing"
    for who, seen in ((WRITER, True), (MEMBER, False)):
        mine = town.browser(who).open("/mine")
        assert (own.reference in mine, unproven.reference in mine) == (seen, False)
    assert [call for call in all_of(town, CallBack) if call.incident_id and call.done_at is None] == []
    assert "on a borrowed phone" not in secretary.open(f"/desk/sms/{one.id}")
    # Its writer takes it back from their own phone; the phone that was borrowed cannot.
    read(town, MEMBER, "WRONG")
    assert {row.state for row in all_of(town, Incident)} == {"withdrawn", "reported"}
    read(town, WRITER, "WRONG")
    assert {row.state for row in all_of(town, Incident)} == {"withdrawn"}


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_what_was_sorted_meanwhile_is_not_counted_again(wired_town: WiredTown) -> None:
    town = wired_town
    one = read(town, MEMBER, f"R 7 fight from {town.address(WRITER)[-4:]}")
    with town.session("seed", write=True) as session:
        secretary, incident = (
            town.person(session, "secretary.mardan"),
            session.scalars(select(Incident)).one(),
        )
        verification.verify(session, town.clock.now(), secretary.id, incident, Verdict("verified"))
    browser = desk(town)
    assert "on a borrowed phone" not in browser.open(f"/desk/sms/{one.id}")
    browser.send(f"/desk/sms/{one.id}/from")
    errands.work(town.runtime)
    assert [row.state for row in all_of(town, Incident)] == ["verified"]
