"""Nobody answers: the ladder climbs by its clock to the police liaison, who decides with a reason; committee and reporter hear of it."""

import re

from sqlalchemy import func, select

from foundation.outbox import OutboxMessage
from tests.journeys.test_report_to_acknowledged_alert import english, report
from tests.make import BY_THE_CALENDAR
from tests.rig.town import WiredTown

REASON = "Two officers will speak with the elders at the gate this evening."


def test_silence_climbs_to_review_and_the_reporter_is_told(wired_town: WiredTown) -> None:
    town = wired_town
    report(town)
    town.work()
    liaison = english(town, "police.mardan")
    assert "/review/" not in liaison.open("/review").replace("/review/log", "")

    town.later(minutes=31)
    town.later(minutes=31)
    town.later(minutes=31)
    found = re.search(r'href="(/review/[0-9a-f-]{36})"', liaison.open("/review"))
    assert found, liaison.page
    page = liaison.open(found.group(1))
    assert "What you cannot see here" in page
    assert "Many people at the gate" not in page  # the words of the reporter stay with the committee

    liaison.send(found.group(1), decision="take", reason="too short", reply_by="2026-11-24T20:00")
    assert liaison.status == 422
    assert "Write the reason in at least 20 letters" in liaison.page
    assert "too short" in liaison.page
    liaison.send(found.group(1), decision="take", reason=REASON, reply_by="2026-11-24T23:00")
    assert liaison.status == 200, liaison.page

    before = len(town.heard("member1.mardan"))
    town.work()
    assert len(town.heard("member1.mardan")) == before + 1
    member = english(town, "member1.mardan")
    assert "police" in member.open("/mine").casefold()
    assert any("liaison" in text.casefold() or "پولیس" in text for text in town.heard("chair.mardan"))
    assert REASON in english(town, "chair.mardan").open("/review/log") + liaison.open("/review/log")

    # Decided once: the same form again changes nothing.
    liaison.open(found.group(1))
    again = liaison.client.post(found.group(1), data={"csrf_token": "x"})
    assert again.status_code >= 400


def written(town: WiredTown) -> int:
    """How many messages were ever written, but those that the calendar alone brings."""
    rows = select(func.count()).where(OutboxMessage.template.not_in(BY_THE_CALENDAR))
    with town.session() as session:
        return session.scalar(rows) or 0


def test_an_ended_alert_never_notifies(wired_town: WiredTown) -> None:
    town = wired_town
    report(town, how="told", ongoing="no", what="threat")
    town.work()
    town.later(days=4)
    before = written(town)
    town.later(days=4)
    assert written(town) == before
