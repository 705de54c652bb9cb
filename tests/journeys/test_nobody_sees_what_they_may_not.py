"""Another town sees nothing; a dead cookie is dead; what was kept from the police never reaches one; fifty copies are one report."""

import threading
import uuid
from typing import Any

from sqlalchemy import func, select

from alerts.alert import Alert
from committees.incidents import Incident
from tests.journeys.test_report_to_acknowledged_alert import CROWD, alert_path, english, report
from tests.make import WARD, Town
from tests.rig.town import WiredTown

WORDS = "Many people at the gate, shouting"


def test_a_member_of_another_town_sees_nothing(town: Town) -> None:
    report(town)
    town.work()
    chair = english(town, "chair.mardan")
    path = alert_path(chair, f"/place/{WARD}")
    with town.session() as session:
        incident = session.scalars(select(Incident)).one().id
    for code in ("member1.quetta", "secretary.quetta", "city.quetta", "police.quetta"):
        other = english(town, code)
        for page in (path, f"/place/{WARD}", f"/desk/r/{incident}", f"/report/{incident}/sent"):
            other.open(page)
            assert other.status == 404, (code, page)
            assert WORDS not in other.page
        for page in ("/today", "/desk", "/city", "/review", "/mine"):
            assert WORDS not in other.open(page)
            assert str(incident) not in other.page


def test_a_logged_out_cookie_is_dead(town: Town) -> None:
    browser = english(town, "chair.mardan")
    cookie = browser.client.get_cookie("concord_session")
    assert cookie
    assert browser.open("/desk")
    assert browser.path == "/desk"
    browser.send("/sign-out")
    thief = town.app.test_client()
    thief.set_cookie("concord_session", cookie.value)
    answer = thief.get("/desk")
    assert answer.status_code == 303
    assert "/sign-in" in answer.headers["Location"]


def test_not_the_police_never_reaches_one(wired_town: WiredTown) -> None:
    town = wired_town
    report(town, withheld="police")
    town.work()
    for hours in (1, 1, 1, 4):
        town.later(hours=hours)
    assert town.heard("chair.mardan")  # the alert is real and others were told
    assert town.heard("police.mardan") == town.heard("police2.mardan") == []
    police = {town.address("police.mardan", "email"), town.address("police2.mardan", "email")}
    assert not [letter for letter in town.mail.letters if letter.to in police]
    chair = english(town, "chair.mardan")
    path = alert_path(chair, f"/place/{WARD}")
    liaison = english(town, "police.mardan")
    assert liaison.open(path)
    assert liaison.status == 404
    assert "/a/" not in liaison.open("/review")


def test_fifty_at_once_are_one(town: Town) -> None:
    member = english(town, "member1.mardan")
    member.open("/report")
    fields: dict[str, Any] = {**member.hidden("/report"), **CROWD}
    cookie = member.client.get_cookie("concord_session")
    assert cookie
    places: list[str] = []

    def send() -> None:
        client = town.app.test_client()
        client.set_cookie("concord_session", cookie.value)
        client.set_cookie("concord_language", "en")
        answer = client.post("/report", data=fields, follow_redirects=True)
        places.append(f"{answer.status_code} {answer.request.path}")

    threads = [threading.Thread(target=send) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with town.session() as session:
        assert session.scalar(select(func.count()).select_from(Incident)) == 1
    assert len(places) == 50
    assert {place.split()[0] for place in places} == {"200"}, set(places)
    town.work()
    with town.session() as session:
        assert session.scalar(select(func.count()).select_from(Alert)) == 1


def test_a_client_id_of_another_source_is_a_conflict(town: Town) -> None:
    key = uuid.uuid4()
    town.report("member1.mardan", id=key)
    other = english(town, "member2.mardan")
    other.open("/report")
    fields = {**other.hidden("/report"), **CROWD}
    name = next(n for n, v in other.hidden("/report").items() if n != "csrf_token" and len(v) == 36)
    fields[name] = str(key)
    answer = other.client.post("/report", data=fields)
    assert answer.status_code == 409
    assert WORDS in answer.get_data(as_text=True)  # what was typed is kept
