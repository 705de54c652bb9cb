"""A program of another office is told of each alert once, signed, within the rights of who asked; and of nothing before a second person confirmed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from lxml import etree
from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError

from alerts.channels import webhook
from alerts.channels.webhook import Webhook
from foundation.errors import Invalid
from tests.alerts.test_cap import valid
from tests.make import Browser, Town
from tests.sink import Sink

HOST = "127.0.0.1"


@pytest.fixture
def program() -> Iterator[Sink]:
    with Sink() as made:
        yield made


@pytest.fixture
def open_town(town: Town) -> Town:
    """A town whose operator lets programs on this machine be written to."""
    object.__setattr__(town.runtime.config, "webhook_hosts", (HOST,))
    town.runtime.channels["webhook"] = Webhook((HOST,))
    return town


def url_of(program: Sink) -> str:
    return f"http://{HOST}:{program.port}/hook"


def types(program: Sink) -> list[str]:
    """What kind of message each was, in order."""
    return [json.loads(body)["type"] for _headers, body in program.got]


def asked_for(town: Town, program: Sink, person: str = "city.mardan") -> tuple[str, str]:
    """Ask for the program; return its secret and its page."""
    city = town.browser(person)
    city.open("/webhooks")
    place = re.search(r'<option value="([^"]+)"', city.page.replace('<option value="">', ""))
    assert place, city.page
    city.send(
        "/webhooks/add", place=place.group(1), url=url_of(program), reason="The control room shows alerts."
    )
    assert city.status == 200, city.page
    secret = re.search(r"whsec_[A-Za-z0-9+/=]+", city.page)
    assert secret, city.page
    city.open("/webhooks")
    assert secret.group(0) not in city.page, "it is shown once"
    page = re.search(r'href="(/webhooks/[0-9a-f-]{36})"', city.page)
    assert page
    return secret.group(0), page.group(1)


def act(town: Town, person: str, page: str, what: str) -> Browser:
    browser = town.browser(person)
    browser.open(page)
    browser.send(f"{page}/act", **{**browser.hidden(f"{page}/act"), "act": what})
    return browser


def crowd(town: Town) -> None:
    for person in ("member1.mardan", "member2.mardan"):
        town.report(person, kind="angry_crowd", severity=4, text="By Karim's shop")
    town.work()


def test_a_program_is_told_once_signed_and_only_after_a_second_person(open_town: Town, program: Sink) -> None:
    town = open_town
    secret, page = asked_for(town, program)
    crowd(town)
    assert program.got == [], "nothing before a second person has confirmed"
    assert act(town, "city.mardan", page, "confirm").status == 403, "not by who asked"
    assert act(town, "chair.mardan", page, "confirm").status == 200
    town.later(hours=2)
    town.report("member1.mardan", kind="group_clash", severity=4)
    town.report("member2.mardan", kind="group_clash", severity=4)
    town.work()
    assert program.got
    for headers, body in program.got:
        told = Verifier(secret).verify(body, headers)
        assert "Karim" not in body
        assert "PK-KP-MARDAN-W" not in body
        valid(told["data"]["cap"])
    assert {"alert.opened", "alert.updated"} & set(types(program))
    ids = [headers["webhook-id"] for headers, _body in program.got]
    assert len(set(ids)) == len(ids)
    before = len(program.got)
    town.later(minutes=10)
    assert len(program.got) == before, "nothing is told twice"
    with pytest.raises(WebhookVerificationError):
        Verifier("whsec_" + "A" * 43 + "=").verify(program.got[0][1], program.got[0][0])
    assert act(town, "chair.mardan", page, "off").status == 200
    crowd(town)
    assert len(program.got) == before, "nothing after it was turned off"


def test_a_lost_or_busy_answer_is_tried_again_under_the_same_id(open_town: Town, program: Sink) -> None:
    town = open_town
    _secret, page = asked_for(town, program)
    act(town, "chair.mardan", page, "confirm")
    program.answers.extend([503, 0, 200])  # busy; taken, and the answer lost; taken again
    act(town, "city.mardan", page, "test")
    town.work()
    for _ in range(6):
        town.later(minutes=2)
    ids = {headers["webhook-id"] for headers, _body in program.got}
    assert len(ids) == 1
    assert types(program)[-1] == "test"
    shown = town.browser("city.mardan").open(page)
    assert "test" in shown
    assert url_of(program) not in shown


def test_a_refusal_is_shown_and_can_be_sent_again_by_hand(open_town: Town, program: Sink) -> None:
    town = open_town
    _secret, page = asked_for(town, program)
    act(town, "chair.mardan", page, "confirm")
    program.answers.append(401)
    act(town, "city.mardan", page, "test")
    town.work()
    town.later(hours=1)
    assert (program.refused, program.got) == (1, []), "a refusal is not repeated by itself"
    city = town.browser("city.mardan")
    assert "refused" in city.open(page)
    again = re.search(r'name="message" value="([^"]+)"', city.page)
    assert again
    csrf = city.hidden(f"{page}/act")
    city.send(f"{page}/act", **{**csrf, "act": "again", "message": again.group(1)})
    town.work()
    assert (program.refused, types(program)) == (1, ["test"])


def test_who_lost_the_right_to_an_alert_no_longer_lets_a_program_hear_of_it(
    open_town: Town, program: Sink
) -> None:
    town = open_town
    _secret, page = asked_for(town, program)
    act(town, "chair.mardan", page, "confirm")
    town.later(minutes=5)
    for person in ("member1.mardan", "member2.mardan"):
        town.report(person, kind="angry_crowd", severity=4, withheld_from=frozenset({"committee"}))
    town.work()
    assert program.got == []


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest", "https://evil.example/", "ftp://127.0.0.1/", "https://127.0.0.1@evil.example/",
        "https://user:pw@127.0.0.1/", "https://[::1]/", "http://2130706433/", "https://127.0.0.1.evil.example/", "nonsense", "",
        "https://127.0.0.1/#whsec_x", "http://listed.example/", "https://listed.example:99999/",
    ],
)  # fmt: skip
def test_only_listed_hosts_are_ever_written_to(url: str) -> None:
    with pytest.raises(Invalid) as refused:
        webhook.check_url(url, (HOST, "listed.example"))
    assert refused.value.hint


def test_a_form_that_cannot_be_taken_keeps_what_was_typed(open_town: Town) -> None:
    city = open_town.browser("city.mardan")
    city.open("/webhooks")
    city.send("/webhooks/add", place="", url="https://elsewhere.example/x", reason="Why")
    assert city.status == 422
    assert "https://elsewhere.example/x" in city.page
    assert etree.HTML(city.page) is not None


def test_others_do_not_see_it(open_town: Town, program: Sink) -> None:
    _secret, page = asked_for(open_town, program)
    assert page not in open_town.browser("city.quetta").open("/webhooks")
    assert open_town.browser("city.quetta").client.get(page).status_code == 404
    assert open_town.browser("member1.mardan").client.get("/webhooks").status_code == 404
