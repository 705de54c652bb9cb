"""The words of messages on pages: read in all languages, signed off by native readers, and the ways of SMS, on both databases."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from io import StringIO

from sqlalchemy import select

from alerts import claiming
from alerts.alert import Alert
from alerts.channels import Apprise, Channel, Message
from alerts.quiet import country_quiet
from alerts.telling import ward_numbers
from alerts.wordings import WordingNote
from committees.contact_addresses import APPRISE
from committees.places import Country, by_code
from foundation import outbox
from foundation.crypto import Cipher
from tests.make import Browser, Town
from tests.sink import Sink

ALERT = "/admin/messages/read/ur?template=alert"


def says(town: Town, code: str, verdict: str, text: str = "", language: str = "ur") -> Browser:
    """Somebody whose language is Urdu says something of the Urdu words of an alert."""
    with town.session(write=True) as session:
        town.person(session, code).language = language
    browser = town.browser(code)
    browser.open(ALERT)
    browser.send("/admin/messages/read/ur", template="alert", verdict=verdict, text=text)
    return browser


def draft(town: Town) -> bool:
    page = town.browser("secretary.mardan").open("/admin/messages/alert")
    return ">draft<" in page.split('<h2><bdi lang="ur"')[1].split("<h2")[0]


def test_a_message_is_read_in_all_languages_with_its_count(town: Town) -> None:
    browser = town.browser("secretary.mardan")
    assert 'href="/admin/messages/alert"' in browser.open("/admin/messages")
    page = browser.open("/admin/messages/alert")
    assert 'lang="ur" dir="rtl"' in page
    assert 'lang="hi" dir="ltr"' in page
    assert "Reply OK 47" in page
    assert "To answer call 0937111222" in page
    assert "159/160" in page
    assert "GSM-7" in page
    assert "UCS-2" in page
    assert browser.client.get("/admin/messages/nothing").status_code == 404


def test_two_native_readers_take_the_draft_mark_off_and_one_who_finds_it_wrong_puts_it_back(
    town: Town,
) -> None:
    assert draft(town)
    says(town, "secretary.mardan", "right")
    assert draft(town)
    says(town, "secretary.mardan", "right")
    assert draft(town)  # the same reader twice is one reader
    says(town, "chair.mardan", "right")
    assert not draft(town)
    says(town, "admin", "wrong", "Say it more kindly, like this")
    assert draft(town)
    assert "Say it more kindly" in town.browser("secretary.mardan").open(ALERT)


def test_only_a_native_reader_signs_off_and_nothing_typed_is_lost(town: Town) -> None:
    refused = says(town, "secretary.mardan", "right", language="en")
    assert refused.status == 403
    kept = says(town, "secretary.mardan", "", "this is what I typed")
    assert kept.status == 422
    assert "this is what I typed" in kept.page
    empty = says(town, "secretary.mardan", "wrong")
    assert empty.status == 422
    with town.session() as session:
        assert session.scalars(select(WordingNote)).all() == []
    assert town.browser("member1.mardan").client.get("/admin/messages").status_code == 404


def test_what_a_reader_would_say_is_counted_as_an_sms_before_it_is_kept(town: Town) -> None:
    browser = town.browser("secretary.mardan")
    path = "/admin/messages/read/ur"
    assert "UCS-2" in browser.open(f"{path}?template=alert"), "the words as they are, at their fullest"
    typed = "ٹی ایم اے: " + "و" * 60
    page = browser.send(path, template="alert", verdict="wrong", text=typed, do="count")
    line = page.split('id="size"')[1].split("</p>")[0]
    assert (browser.status, "71/134" in line, "UCS-2" in line, "2 segments" in line) == (200,) + (True,) * 3
    assert typed in page
    assert 'value="wrong" id="f-verdict-1" checked' in page
    with town.session() as session:
        assert session.scalars(select(WordingNote)).all() == []


def set_route(town: Town, country: str, **fields: str) -> Browser:
    browser = town.browser("admin")
    browser.open(f"/admin/sms-routes/{country}")
    browser.send(f"/admin/sms-routes/{country}", **fields)
    return browser


def test_a_country_whose_networks_take_no_answers_reads_how_else_to_answer(town: Town) -> None:
    wrong = set_route(town, "PK", two_way="yes", sender="MARDAN", answer_number="+92937", concat_ok="yes")
    assert wrong.status == 422
    assert "Nobody can answer a sender that is a name" in wrong.page
    assert 'value="+92937"' in wrong.page
    set_route(town, "PK", two_way="no", sender="MARDAN", answer_number="0937111222", concat_ok="no")
    with town.session(write=True) as session:
        slots = {"source": "TMA Mardan", "place": {"ward": 7}, "code": "47"}
        outbox.put(
            session,
            town.clock.now(),
            effect_key="try:1",
            channel="sms",
            template="drill",
            slots=slots,
            language="ur",
            address="+923001234567",
        )
        outbox.put(
            session,
            town.clock.now(),
            effect_key="try:2",
            channel="sms",
            template="drill",
            slots=slots,
            address="+94711234567",
        )
    sent = written(town)
    assert "call 0937111222" in sent["+923001234567"].text
    assert sent["+923001234567"].text.startswith("MASHQ")  # in one segment: Latin letters
    assert sent["+923001234567"].sender == "MARDAN"
    assert "Please reply OK 47" in sent["+94711234567"].text
    assert sent["+94711234567"].sender == ""


def test_a_country_has_its_emergency_number_and_its_quiet_hours(town: Town) -> None:
    wrong = set_route(town, "PK", emergency="one five", quiet_from="24", quiet_to="7")
    assert wrong.status == 422
    assert "2 to 4 digits" in wrong.page
    assert "Choose an hour" in wrong.page
    assert 'value="one five"' in wrong.page
    set_route(town, "PK", emergency="191", quiet_from="21", quiet_to="7")
    with town.session() as session:
        country = session.get_one(Country, "PK")
        assert (country.emergency, country_quiet(country).start, country_quiet(country).end) == ("191", 21, 7)
        assert country_quiet(session.get_one(Country, "LK")).start == 22
        alert = Alert(town_id=by_code(session, "PK-KP-MARDAN").id)
        assert "191" in ward_numbers(session, alert), "no code that answers an alert is the emergency number"
    assert 'href="tel:191"' in town.browser("member1.mardan").open("/report")


def written(town: Town, channels: Mapping[str, Channel] | None = None) -> dict[str, Message]:
    """What the sender would hand over now, by address."""
    with town.session("sender", write=True) as session:
        now = town.clock.now()
        taken = claiming.read(session, now, claiming.due_rows(now, 50), look_up=False)
        assert isinstance(session.info["cipher"], Cipher)
        claiming.open_addresses(session.info["cipher"], taken, {})
        claiming.choose_routes(session, channels or {}, taken)
        made = [claiming.write(session.info["cipher"], "https://c.example", one, now) for one in taken]
    return {message.address: message for message, _segments, _why in made if message}


def test_the_registry_of_india_gets_each_text_and_its_ids_travel_with_the_message(town: Town) -> None:
    missing = town.browser("admin").client.get("/admin/sms-routes/IN/texts")
    assert missing.status_code == 404
    wrong = set_route(town, "IN", two_way="yes", registered="yes", sender="x", entity="12", brand="")
    assert wrong.status == 422
    for words in ("six capital letters", "19 digits", "plain letters"):
        assert words in wrong.page
    set_route(
        town, "IN", two_way="no", registered="yes", sender="CNCORD", entity="1" * 19, brand="Meerut Concord"
    )
    browser = town.browser("admin")
    page = browser.open("/admin/sms-routes/IN/texts?language=hi")
    assert "अभ्यास, असली नहीं। Meerut Concord, {#var#}" in page
    browser.send("/admin/sms-routes/IN/texts", id_drill="12")
    assert browser.status == 422
    assert "19 digits" in browser.page
    browser.send("/admin/sms-routes/IN/texts", id_drill="7" * 19)
    assert "7" * 19 in browser.page
    got = browser.client.get("/admin/sms-routes/IN/texts.csv")
    assert got.mimetype == "text/csv"
    rows = list(csv.DictReader(StringIO(got.get_data(as_text=True).lstrip("\ufeff"))))
    drill = next(row for row in rows if (row["template"], row["language"]) == ("drill", "hi"))
    assert drill["id"] == "7" * 19
    assert drill["header"] == "CNCORD"
    assert "{#var#}" in drill["text"]
    assert "Meerut Concord" in drill["text"]
    with town.session(write=True) as session:
        for channel, address in (
            ("sms", "+919812345678"),
            *((APPRISE, f"{name}:+919812345678") for name in "cs"),
        ):
            outbox.put(
                session,
                town.clock.now(),
                effect_key=f"try:{address}",
                channel=channel,
                template="drill",
                slots={"source": "Meerut Town", "place": {"ward": 7}, "code": "47"},
                language="hi",
                address=address,
            )
    with Sink() as sink:
        here = f"json://127.0.0.1:{sink.port}"
        ids = "?:entity={entity}&:text={text_id}&:header={sender}"
        routes = {"c": f"{here}/carrier/{{to}}{ids}", "s": f"{here}/signal/{{to}}"}
        other = Apprise(routes, private=True)
        found = written(town, {APPRISE: other})
        for name in "cs":
            other.send(found[f"{name}:+919812345678"])
        by_carrier, elsewhere = sink.taken
        assert (by_carrier["entity"], by_carrier["text"], by_carrier["header"]) == (
            "1" * 19,
            "7" * 19,
            "CNCORD",
        )
        assert sink.paths[0] == "/carrier/+919812345678"
    message = found["+919812345678"]
    assert by_carrier["message"] == message.text, "a gateway gets the text as it was registered"
    assert "Meerut Town" in elsewhere["message"], "what is no SMS knows nothing of registries"
    assert message.registered == ("1" * 19, "7" * 19)
    assert "Meerut Concord" in message.text
    assert "Meerut Town" not in message.text
    pattern = re.escape(drill["text"]).replace(re.escape("{#var#}"), ".{1,30}")
    assert re.fullmatch(pattern, message.text)
