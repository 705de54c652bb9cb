"""A focal person without a web account vouches by SMS, within the limits of the page; from anybody else it is a message nobody can read."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import func, select

from alerts.assessing import Score
from alerts.silences import HIGH
from committees.inbox import Inbound
from committees.incidents import Incident
from coordination.frame import LANGUAGE_COOKIE
from tests.coordination.test_focal_persons import CHAIR, DESK, FOCAL, OTHER, appoint, counted, end, rows, tell
from tests.journeys.test_sms_line import all_of, answers, read
from tests.rig.town import WiredTown

ON_SQLITE = pytest.mark.parametrize("databases", ["sqlite"], indirect=True)


def text_of(town: WiredTown, row: Inbound) -> str:
    """What is kept of a message."""
    with town.session() as session:
        return row.text(session)


def test_a_focal_person_vouches_by_sms_and_the_word_is_kept_nowhere(wired_town: WiredTown) -> None:
    town = wired_town
    appoint(town)
    row = read(town, FOCAL, "V bluegate 7 fight near market")
    ((incident, report, source),) = rows(town)
    assert (incident.known_source, incident.channel, incident.how_known) == (True, "vouched", "told")
    assert (report.logged_for_other, source.kind) == (True, "vouched")
    assert answers(town)[-1].startswith(
        f"Received for somebody else, ref {incident.reference}: Fight, Ward 7"
    )
    assert (row.reading or {})["command"] == "VOUCH"
    assert text_of(town, row) == "V … 7 fight near market"
    assert "bluegate" not in f"{row.reading}{row.details}"
    # The same person by the page is the same source; another word is another one, of the same voice.
    tell(town, handle="Bluegate", what="damage", ongoing="no")
    for _ in range(2):
        town.clock.move(seconds=1)
        read(town, FOCAL, "V redgate 7 fight near market")
    found = rows(town)
    assert len(found) == 3, "the gateway said the last one twice"
    assert len({s.id for _, _, s in found}) == 2
    assert len({s.voice_id for _, _, s in found}) == 1
    assert counted(town) == 2, "one voice for the fight, one for the damage"
    desk = town.browser(DESK)
    desk.client.set_cookie(LANGUAGE_COOKIE, "en")
    page = desk.open("/desk/sms")
    assert ("A report for somebody they vouch for" in page, "bluegate" in page.casefold()) == (True, False)
    assert incident.reference in town.browser(FOCAL).open("/mine")
    read(town, FOCAL, "WRONG")
    assert sorted(i.state for i, _, _ in rows(town)) == ["reported", "reported", "withdrawn"]


@ON_SQLITE
def test_who_is_no_focal_person_is_answered_as_for_any_unread_message(wired_town: WiredTown) -> None:
    town = wired_town
    appoint(town)
    read(town, OTHER, "khairiyat hai yahan")
    plain = answers(town)
    row = read(town, OTHER, "V bluegate 7 larai")
    assert answers(town) == plain
    assert (row.state, (row.reading or {})["command"]) == ("unread", "UNREAD")
    read(town, "+923009999999", "V bluegate 7 fight in Mardan")
    assert rows(town) == []


@ON_SQLITE
def test_what_is_missing_is_asked_for_and_machines_are_not_answered_for_ever(wired_town: WiredTown) -> None:
    town = wired_town
    appoint(town)
    for text in ("V", "V bluegate", "V 03009990000 fight", *["V"] * 5):
        town.clock.move(minutes=2)
        read(town, FOCAL, text)
    answers(town)
    assert town.templates(FOCAL) == ["vouch_how"] * 5, "nudges have a limit"
    assert rows(town) == []


@ON_SQLITE
def test_vouched_by_sms_never_raises_high_alone_and_ends_with_the_chair(wired_town: WiredTown) -> None:
    town = wired_town
    row_id: UUID = appoint(town)
    for number, what in enumerate(("threat to kill", "fight", "shop burnt", "crowd with stones")):
        read(town, FOCAL, f"V family{number} 7 {what}")
        read(town, FOCAL, f"V again{number} 7 {what}")
    town.work()
    with town.session() as session:
        assert session.scalars(select(func.max(Score.level))).one() < HIGH
    before = {one.id for one in all_of(town, Incident)}
    assert len(before) == 8
    end(town, row_id)
    read(town, FOCAL, "V newgate 7 fight")
    (later,) = [one for one in all_of(town, Incident) if one.id not in before]
    assert (later.known_source, later.reliability) == (False, "F")
    assert "V bluegate 7" in town.browser(CHAIR).open("/desk/focal")
