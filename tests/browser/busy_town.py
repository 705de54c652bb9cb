"""A town in which something of everything has happened, so that every page has something to show. Only tests/browser imports it.

Each step is what a person or a program does there; what a step leaves behind is read from the pages, never assumed.
"""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pyotp
import time_machine
from sqlalchemy import select

from alerts import severe
from alerts.alert import Alert
from alerts.drills import DrillCall
from committees import people, rosters, unnamed
from committees.call_backs import CallBack
from committees.checkins import CheckIn
from committees.inbox import Inbound
from committees.people import Office, Scope
from committees.places import by_code
from foundation.db import new_id
from tests.browser.every_page import Errand
from tests.coordination.test_profile_pages import draft
from tests.fake_twilio_recordings import mp3
from tests.make import PASSWORD, WARD, Browser
from tests.rig.town import WiredTown

#: What people wrote here, in their own words.
TYPED = (
    "The meeting of November asked for it.",
    "Procession from the old market",
    "Stones are gathered behind the mill",
    "Walk through the market together",
    "Traders of the market",
    "School heads",
    "khairiyat hai yahan",
    "soochna bazar mein bheed",
    "Meerut",
)
TOWN, DESK, LISTENER = "PK-KP-MARDAN", "secretary.mardan", "secretary.trincomalee"
WHY = "The meeting of November asked for it."
DATE = {
    "name": "Procession from the old market",
    "trigger": "procession",
    "starts_day": "28",
    "starts_month": "11",
    "starts_year": "2026",
}
LADDER = {
    "threat": "*", "ask_0_0": "chair", "kind_0": "tell", "after_0_4": "15", "clock_5": "10",
    "ask_1_0": "police_liaison", "kind_1": "review", "ask_2_0": "national_contact",
    "must_answer": ["local", "national"], "reason": WHY,
}  # fmt: skip
ACTION = {
    "what": "Walk through the market together", "role": "city_officer",
    "due_day": "25", "due_month": "11", "due_year": "2026",
}  # fmt: skip
THREAT = {
    "what": "threat",
    "ward": WARD,
    "day": "today",
    "part": "afternoon",
    "how": "saw",
    "ongoing": "yes",
    "text": "Stones are gathered behind the mill",
}


def fill(town: WiredTown) -> list[Errand]:
    """Let it all happen; who should look at which page besides what links lead to, and with what filled in."""
    errands = [
        *_drill_and_duty(town),
        *_vouching(town),
        *_messages(town),
        *_recordings(town),
        *_told_without_a_name(town),
        *_office_work(town),
    ]
    rumour = town.report(kind="rumour", how_known="heard", text="")
    crowd = town.report()
    town.report("member3.mardan", f"{TOWN}-W3", severity=4)
    town.report("member2.mardan", severity=5)
    town.work()
    with town.session(write=True) as session:
        alert, other = session.scalars(select(Alert).order_by(Alert.level.desc(), Alert.opened_at)).all()[:2]
        alert.level, alert.proposed = 4, 5
        severe.ask(session, town.clock.now(), town.runtime.rng, alert)
        path, quieter = f"/a/{alert.id}", f"/a/{other.id}"
    errands += [Errand("", link) for link in _letters(town)]
    for _ in range(3):
        town.later(minutes=30)
    city = town.browser("city.mardan")
    city.open(path)
    city.send(f"{path}/actions", **ACTION)
    city.send(f"{path}/close", outcome="prevented", reason=WHY)
    city.send(f"{path}/lower", to="3", reason=WHY)
    errands += [Errand("chair.mardan", path), Errand("city.mardan", path), Errand(DESK, quieter)]
    errands += [Errand(DESK, f"/desk/r/{one}") for one in (rumour, crowd)]
    return [*errands, *_confirming(town), *_tries(town), *_signing_in(town)]


def _messages(town: WiredTown) -> list[Errand]:
    """SMS that nobody can read, one that taught a word, calls to make."""
    town.sms("member1.mardan", "khairiyat hai yahan")
    town.sms("member1.mardan", "soochna bazar mein bheed")
    with town.session() as session:
        unread = session.scalars(select(Inbound.id).order_by(Inbound.received_at)).all()
    secretary = town.browser(DESK)
    secretary.open(f"/desk/sms/{unread[-1]}")
    secretary.send(f"/desk/sms/{unread[-1]}/report", ward=WARD, what="crowd", teach="first")
    digits = town.address("member2.mardan")[-4:]
    town.sms("member1.mardan", f"21121 from {digits}")
    with town.session() as session:
        borrowed = session.scalars(select(Inbound.id).order_by(Inbound.received_at, Inbound.id)).all()
    (named,) = set(borrowed) - set(unread)
    town.ring("member2.mardan")
    with town.session("seed", write=True) as session:
        here, now = by_code(session, WARD), town.clock.now()
        for why, sensitive in (("no_news", False), ("care", True)):
            session.add(
                CallBack(
                    id=new_id(),
                    locality_id=here.id,
                    why=why,
                    asked_at=now,
                    due_at=now + timedelta(hours=2),
                    sensitive=sensitive,
                )
            )
    return [Errand(DESK, f"/desk/sms/{one}") for one in (unread[0], named)]


def _recordings(town: WiredTown) -> list[Errand]:
    """A line of calls that the administrator recorded, before somebody who speaks its language who may sign it off."""
    line = "/admin/voice/si/menu.ask"
    admin = town.browser("admin")
    admin.open(line)
    admin.send(line, sound=(io.BytesIO(mp3()), "words.mp3"))
    return [Errand("admin", line), Errand(LISTENER, line)]


def _told_without_a_name(town: WiredTown) -> list[Errand]:
    """A town takes reports without a name, and has got one; a member's complaint about the committee."""
    with town.session("seed", write=True) as session:
        chair = town.person(session, "chair.mardan")
        scope = session.scalars(select(Scope).where(Scope.person_id == chair.id, Scope.role == "chair")).one()
        unnamed.set_door(session, town.clock.now(), scope, wanted=True, reason=WHY)
    resident = Browser(town.app.test_client(use_cookies=False))
    resident.open(f"/tell/{TOWN}?language=en")
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=30)):
        resident.send(f"/tell/{TOWN}", **THREAT)
    receipt = re.search(r"\d{4} \d{4} \d{4} \d{4}", resident.page)
    assert receipt, resident.page
    member = town.browser("member1.mardan")
    member.open("/report")
    member.send("/report", **THREAT, withheld=["committee"])
    sent = member.path
    member.open("/check-in")
    member.send("/check-in", q1="1", q2="2", q3="1", q4="1", q5="3", activities=["meal", "sport"])
    with town.session("seed", write=True) as session:
        session.scalars(select(CheckIn)).one().late = True
    tell, follow = f"/tell/{TOWN}", f"/tell/{TOWN}/follow"
    return [
        Errand("member1.mardan", sent),
        Errand("member1.mardan", member.path),
        Errand("member1.mardan", "/mine"),
        Errand("", follow),
        Errand("", tell, tell, THREAT),
        Errand("", follow, follow, {"receipt": receipt[0]}),
        Errand("", follow, follow, {"receipt": receipt[0], "do": "erase", "sure": "yes"}),
    ]


def _office_work(town: WiredTown) -> list[Errand]:
    """What offices write and ask for: a date, a ladder, a picture of the place, a silence, a program."""
    secretary, city = town.browser(DESK), town.browser("city.mardan")
    secretary.open(f"/calendar/{TOWN}/add")
    secretary.send(f"/calendar/{TOWN}/add", **DATE)
    errands = [Errand("chair.mardan", secretary.path)]
    ladder = f"/place/{TOWN}/ladder"
    city.open(f"{ladder}/edit")
    city.send(f"{ladder}/edit", **LADDER)
    city.send(f"{ladder}/1/propose")
    city.open(f"{ladder}/edit")
    city.send(f"{ladder}/edit", **LADDER)
    draft(secretary)
    secretary.send(f"/place/{TOWN}/profile/1/propose")
    draft(secretary)
    errands += [
        Errand("chair.mardan", f"{ladder}/1"),
        Errand("city.mardan", f"{ladder}/2"),
        Errand("city.mardan", f"/place/{TOWN}/profile/1"),
        Errand(DESK, f"/place/{TOWN}/profile/2"),
    ]
    city.open("/webhooks")
    place = re.findall(r'<option value="([^"]+)"', city.page)
    program = {"place": place[0], "url": "http://127.0.0.1:9/hook", "reason": WHY}
    city.send("/webhooks/add", **program)
    errands.append(Errand("city.mardan", "/webhooks", "/webhooks/add", program))
    admin = town.browser("admin")
    admin.open("/admin/sms-routes/IN")
    admin.send(
        "/admin/sms-routes/IN",
        two_way="no", registered="yes", sender="CNCORD", entity="1" * 19, brand="Meerut Concord",
    )  # fmt: skip
    errands.append(Errand("admin", "/admin/sms-routes/IN/texts"))
    secretary.open(f"/place/{TOWN}/silences")
    secretary.send(f"/place/{TOWN}/silences/add", hours="24", max_level="4", reason=WHY)
    return errands


def _drill_and_duty(town: WiredTown) -> list[Errand]:
    """A drill that somebody has not answered, and a roster that the city may change: one of two is on duty, so the other is not asked."""
    chair = town.browser("chair.mardan")
    chair.open("/drills")
    chair.send("/drills", place=TOWN, when="now")
    town.work()
    with town.session("seed", write=True) as session:
        city = town.person(session, "city.mardan")
        office = session.scalars(
            select(Office).join(Scope, Scope.office_id == Office.id).where(Scope.person_id == city.id)
        ).one()
        people.begin_term(session, office, town.person(session, "member4.mardan"), town.clock.now())
        session.flush()
        rosters.write(
            session, town.clock.now(), office, [{"persons": [str(city.id)], "starts": "2026-11-23"}]
        )
    with town.session("engine") as session:
        asked = town.person(session, DESK).id
        drill = session.scalars(select(DrillCall.drill_id).where(DrillCall.person_id == asked)).one()
    return [Errand(DESK, f"/drills/{drill}"), Errand("city.mardan", "/duty")]


def _vouching(town: WiredTown) -> list[Errand]:
    """A focal person, and the chair who made them one."""
    chair, focal = town.browser("chair.mardan"), "/desk/focal"
    with town.session() as session:
        person = str(town.person(session, "member1.mardan").id)
    chair.open(focal)
    chair.send(focal, person=person, reason=WHY)
    return [Errand("chair.mardan", focal), Errand("member1.mardan", "/report")]


def _signing_in(town: WiredTown) -> list[Errand]:
    """Second steps: set up by one officer, begun by another; a passkey that is about to be made."""
    mine, chair, other = "/me/second-step", "chair.mardan", "police2.mardan"
    browser = town.browser(other)
    browser.open(mine)
    browser.send(mine, do="begin", password=PASSWORD)
    secret = "".join(re.findall(r'<bdi class="code" dir="ltr">([A-Z2-7]{4})</bdi>', browser.page))
    browser.send(mine, do="confirm", code=pyotp.TOTP(secret).now())
    return [
        Errand(chair, mine, mine, {"do": "begin", "password": PASSWORD}),
        Errand(other, mine, mine, {"do": "codes", "password": PASSWORD}, browser.client),
        Errand(chair, mine, "/me/passkeys", {"do": "begin", "passkey_password": PASSWORD, "name": "Mine"}),
        Errand("", "/sign-in", "/sign-in", {"sign_in": other, "password": PASSWORD}),
        Errand("", "/sign-in", "/sign-in/passkey", {}),
        Errand("", "/start", "/sign-in/code", {"phone": town.address("member2.mardan")}),
    ]


def _tries(town: WiredTown) -> list[Errand]:
    """A change that was tried on the past, and one that is being tried."""
    secretary, paths = town.browser(DESK), []
    for work in (town.work, int):
        secretary.open(f"/rules/try/{TOWN}")
        secretary.send(f"/rules/try/{TOWN}", what="off.crowd_now", months="6")
        paths.append(secretary.path)
        work()
    return [Errand(DESK, path) for path in paths]


def _letters(town: WiredTown) -> list[str]:
    """The links in letters: one that answers an alert, one that ends letters."""
    ends = str(town.letter_to("district.mardan")["List-Unsubscribe"])
    answers = [re.search(r"http://localhost(/k/[A-Za-z0-9_-]+)", one.text) for one in town.mail.letters]
    found = re.search(r"<(https?://[^>]+/stop/[^>]+)>", re.sub(r"\s", "", ends))
    assert found
    return [next(one[1] for one in answers if one), urlsplit(found[1]).path]


def _confirming(town: WiredTown) -> list[Errand]:
    """The link of a letter that confirms an address; it holds for half an hour."""
    address, officer = "second.address@example.org", town.browser("police.mardan")
    officer.open("/me/contacts")
    officer.send("/me/contacts", do="add", channel="email", address=address)
    town.work()
    found = re.search(r"http://localhost(/l/[A-Za-z0-9_-]+)", town.mail.to(address)[-1].text)
    assert found
    return [Errand("", found[1])]
