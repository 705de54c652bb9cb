"""What an office decides comes back: Severe confirmed or refused by a person of the place, word and advice down the chain; nobody else hears."""

from __future__ import annotations

from sqlalchemy import select

from alerts import severe
from alerts.alert import Alert
from alerts.escalation import Escalation
from foundation.journal import Entry
from tests.coordination.test_api import Client, is_problem
from tests.journeys.test_report_to_acknowledged_alert import english
from tests.make import Town
from tests.rig.town import WiredTown


def raised(town: Town) -> Alert:
    town.report(kind="angry_crowd")
    town.work()
    return the_alert(town)


def the_alert(town: Town) -> Alert:
    with town.session() as session:
        return session.scalars(select(Alert)).one()


def propose(town: Town) -> None:
    """New evidence says 5: as raising does it, and then what the engine asks."""
    with town.session(write=True) as session:
        alert = session.scalars(select(Alert)).one()
        alert.proposed = 5
        severe.ask(session, town.clock.now(), town.runtime.rng, alert)


def sent(town: WiredTown) -> dict[str, int]:
    """How many SMS each number got."""
    found: dict[str, int] = {}
    for sms in town.twilio.sent:
        found[sms.to] = found.get(sms.to, 0) + 1
    return found


def grown(town: WiredTown, before: dict[str, int]) -> set[str]:
    return {number for number, count in sent(town).items() if count != before.get(number, 0)}


def test_severe_is_refused_with_a_reason_and_may_be_proposed_again(wired_town: WiredTown) -> None:
    town = wired_town
    alert, before = raised(town), sent(town)
    propose(town)
    town.work()
    asked = {town.address("chair.mardan"), town.address("city.mardan")}
    assert grown(town, before) == asked, "only who may confirm is asked to"
    chair, path = english(town, "chair.mardan"), f"/a/{alert.id}"
    chair.open(path)
    chair.send(f"{path}/confirm", decision="refuse", severe_reason="no")
    assert chair.status == 422
    assert "no</textarea>" in chair.page, "nothing typed is lost"
    chair.send(f"{path}/confirm", decision="refuse", severe_reason="We were there, it is one street only.")
    assert "refused Severe" in chair.page
    assert "it is one street only" in chair.page
    assert (the_alert(town).level, the_alert(town).proposed) == (4, None)
    with town.session() as session:
        entry = session.scalars(select(Entry).where(Entry.action == "alert:severe_refused")).one()
        assert entry.actor_id == town.person(session, "chair.mardan").id
    before = sent(town)
    town.work()
    assert grown(town, before) == set()
    propose(town)  # new evidence proposes it again, and they are asked again
    town.work()
    assert grown(town, before) == asked


def test_severe_is_confirmed_over_the_api_once_by_the_right_person(town: Town) -> None:
    alert = raised(town)
    propose(town)
    address = f"/alerts/{alert.id}/severe"
    assert Client(town, "member1.mardan").send(address, {"confirm": True}).status_code == 403
    city = Client(town, "city.mardan")
    is_problem(city.send(address, {"confirm": False, "reason": "no"}), 422, "reason")
    assert city.send(address, {"confirm": True}).get_json()["level"] == 5
    assert city.send(address, {"confirm": True}).status_code == 409
    now = the_alert(town)
    assert (now.level, now.step, now.revision) == (5, 0, 2)
    town.work()
    with town.session() as session:
        rows = session.scalars(select(Entry.action).where(Entry.action == "alert:severe")).all()
        assert len(rows) == 1


def test_what_was_done_goes_back_down_the_chain_once(wired_town: WiredTown) -> None:
    town = wired_town
    alert = raised(town)
    town.later(minutes=31)
    town.later(minutes=31)
    town.later(minutes=31)
    with town.session() as session:
        assert session.scalars(select(Escalation)).one().role == "police_liaison"
    before = sent(town)
    district, path = english(town, "district.mardan"), f"/a/{alert.id}"
    district.open(path)
    district.send(f"{path}/news", news="acted:everything")
    assert district.status == 422
    district.send(f"{path}/news", news="acted:visited")
    assert "Those who were told before you hear it" in district.page
    town.work()
    heard = grown(town, before)
    assert {town.address(code) for code in ("chair.mardan", "city.mardan", "secretary.mardan")} <= heard
    assert town.address("district.mardan") not in heard
    assert all(count - before.get(number, 0) <= 1 for number, count in sent(town).items())
    assert "ضلع: کمیٹی کا رکن وہاں گیا" in town.last("city.mardan"), "in their own language"

    before = sent(town)
    answered = Client(town, "police.mardan").send(
        f"/alerts/{alert.id}/news", {"kind": "advised", "what": "elders"}
    )
    assert answered.status_code == 201, answered.get_json()
    town.work()
    assert "پولیس رابطہ کا مشورہ" in town.last("city.mardan")
    assert town.address("police.mardan") not in grown(town, before)
    before = sent(town)
    town.work()
    assert grown(town, before) == set(), "nobody hears anything twice"


def test_word_never_reaches_whom_a_reporter_left_out(wired_town: WiredTown) -> None:
    town = wired_town
    town.report(kind="angry_crowd", withheld_from=frozenset({"police"}))
    town.work()
    chair = english(town, "chair.mardan")
    chair.open(f"/a/{the_alert(town).id}")
    chair.send(f"/a/{the_alert(town).id}/news", news="acted:calm_now")
    town.work()
    for code in ("police.mardan", "police2.mardan", "national.pk"):
        assert town.heard(code) == [], code
    assert "صدر: اب وہاں سکون ہے" in town.last("city.mardan")
