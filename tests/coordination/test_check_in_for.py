"""A check-in that a secretary writes down: the member's one voice, marked, never over the member's own words; and whoever sits for two wards."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from committees.call_backs import CallBack
from committees.checkins import CheckIn, Turnout
from committees.committee import Committee, Membership, Seat
from committees.places import by_code
from foundation.db import new_id
from tests.make import WARD, Browser, Town

ON_SQLITE = pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
DESK, WHO, OTHER_WARD = "secretary.mardan", "member2.mardan", "PK-KP-MARDAN-W6"


def answers(number: int) -> dict[str, str]:
    return {f"q{n}": str(number) for n in range(1, 6)}


def stored(town: Town) -> list[CheckIn]:
    with town.session("intake") as session:
        return list(session.scalars(select(CheckIn).order_by(CheckIn.received_at, CheckIn.id)))


def write_down(town: Town, who: str = WHO, number: int = 2, path: str = "/desk/check-in") -> Browser:
    with town.session() as session:
        key = str(town.person(session, who).id)
    desk = town.browser(DESK)
    desk.open(path)
    desk.send("/desk/check-in", person=key, ward=WARD, **answers(number))
    return desk


def test_what_a_member_tells_the_secretary_is_the_members_voice_until_they_speak_themselves(
    town: Town,
) -> None:
    desk = write_down(town)
    assert (desk.path, "1 of 2 members of Ward 7 have checked in" in desk.page) == ("/desk", True)
    write_down(town, number=3)
    (row,) = stored(town)
    assert (row.answers, row.channel, row.logged_for_other) == ([3] * 5, "walk_in", True)
    own = town.browser(WHO)
    own.open("/check-in")
    assert own.page.count('value="3" id') == own.page.count('" checked'), "they read what was written down"
    own.send("/check-in", **answers(4))
    (row,) = stored(town)
    assert (row.answers, row.channel, row.logged_for_other) == ([4] * 5, "web", False)
    late = write_down(town)
    assert (late.status, "This member has checked in for this ward already" in late.page) == (422, True)
    assert late.page.count('" checked') == 5, "what was filled in stays"
    assert stored(town)[0].answers == [4] * 5
    assert town.browser(WHO).client.get("/desk/check-in").status_code == 404


@ON_SQLITE
def test_from_the_list_of_calls_it_ends_the_call_and_only_members_can_be_meant(town: Town) -> None:
    with town.session(write=True) as session:
        call = CallBack(
            id=new_id(),
            locality_id=by_code(session, WARD).id,
            why="check_in",
            asked_at=town.clock.now(),
            due_at=town.clock.now(),
            effect_key=f"ring_checkin:2026-11-23:{town.person(session, WHO).id}:{by_code(session, WARD).id}",
        )
        session.add(call)
        name = town.person(session, WHO).name
    page = town.browser(DESK).open(f"/desk/call/{call.id}")
    assert name in page
    assert f"/desk/check-in?call={call.id}" in page
    strange = write_down(town, who="member1.quetta")
    assert (strange.status, "Choose a person of this committee" in strange.page) == (422, True)
    write_down(town, who="member1.mardan", path=f"/desk/check-in?call={call.id}")
    with town.session("intake") as session:
        assert session.get_one(CallBack, call.id).done_at is None, (
            "another member was rung: this one still waits"
        )
    write_down(town, path=f"/desk/check-in?call={call.id}")
    with town.session("intake") as session:
        assert session.get_one(CallBack, call.id).outcome == "logged"


@ON_SQLITE
def test_who_sits_for_two_wards_speaks_for_each_and_finds_their_words_again(town: Town) -> None:
    with town.session("seed", write=True) as session:
        body = session.scalars(
            select(Committee).where(Committee.locality_id == by_code(session, "PK-KP-MARDAN").id)
        ).one()
        seat = Seat(committee_id=body.id, role="member", ward_id=by_code(session, OTHER_WARD).id)
        session.add(seat)
        session.flush()
        who = town.person(session, WHO).id
        session.add(Membership(seat_id=seat.id, person_id=who, since=town.clock.now()))
    own = town.browser(WHO)
    own.open(f"/check-in?ward={WARD}")
    own.send("/check-in", **answers(2), talked_to=["women"], prepare="The fair on Friday")
    assert "1 of 2 members of Ward 7" in own.page
    assert f"/check-in?ward={OTHER_WARD}" in own.page
    assert "Due" in own.open("/today")
    assert "Ward 6, last 7 days" in own.open("/check-in"), "the one that waits comes first"
    own.send("/check-in", **answers(5))
    assert "?ward=" not in own.page
    assert "Due" not in own.open("/today")
    again = own.open(f"/check-in?ward={WARD}")
    assert "The fair on Friday" in again
    assert again.count('" checked') == 6
    with town.session("intake") as session:
        assert sorted(row.spoken for row in session.scalars(select(Turnout))) == [1, 1]
    assert {tuple(row.answers) for row in stored(town)} == {(2,) * 5, (5,) * 5}
