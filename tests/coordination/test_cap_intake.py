"""CAP as a source: a stranger's message is read strictly, becomes a report once, and its Cancel withdraws it."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from alerts import cap as ours
from alerts.alert import Alert
from committees.incidents import Incident, IncidentText
from committees.intake import cap
from foundation.errors import Invalid
from tests.alerts.test_cap import WARNINGS, read, warned  # noqa: F401 -- a fixture
from tests.coordination.test_api import Client, is_problem
from tests.make import START, WARD, Town

PATH = "/cap-messages"


def message(identifier: str = "met-1", **changes: str) -> str:
    said = {
        "status": "Actual",
        "msgType": "Alert",
        "sent": (START - timedelta(minutes=5)).isoformat(timespec="seconds"),
        "onset": (START - timedelta(hours=1)).isoformat(timespec="seconds"),
        "references": "",
        "area": f"<geocode><valueName>concord</valueName><value>{WARD}</value></geocode>",
        "words": "A crowd by the bus stand",
        **changes,
    }
    references = f"<references>{said['references']}</references>" if said["references"] else ""
    return (
        f'<alert xmlns="{cap.NAMESPACE}"><identifier>{identifier}</identifier><sender>pdma.gov.pk</sender>'
        f"<sent>{said['sent']}</sent><status>{said['status']}</status><msgType>{said['msgType']}</msgType>"
        f"<scope>Public</scope>{references}<info><category>Security</category><event>Unrest</event>"
        f"<urgency>Expected</urgency><severity>Moderate</severity><certainty>Observed</certainty>"
        f"<onset>{said['onset']}</onset><headline>{said['words']}</headline>"
        f"<area><areaDesc>Somewhere</areaDesc>{said['area']}</area></info></alert>"
    )


def test_a_message_becomes_a_report_once_and_its_cancel_withdraws_it(town: Town) -> None:
    secretary = Client(town, "secretary.mardan")
    first = secretary.send(PATH, {"document": message()})
    assert (first.status_code, first.get_json()["outcome"]) == (201, "taken"), first.text
    assert secretary.send(PATH, {"document": message()}).get_json()["outcome"] == "repeated"
    (key,) = first.get_json()["incidents"]
    with town.session() as session:
        row = session.scalars(select(Incident).where(Incident.kind == "unsorted")).one()
        assert str(row.id) == key
        assert row.state == "reported"
        text = session.get_one(IncidentText, row.id).text(session)
        assert text == "Unrest\nA crowd by the bus stand"
        assert session.scalars(select(Alert).where(Alert.locality_id == row.locality_id)).all() == []
    name = "pdma.gov.pk,met-1,2026-11-24T08:55:00+00:00"
    other = Client(town, "member1.mardan").send(
        PATH, {"document": message("c1", msgType="Cancel", references=name)}
    )
    assert other.get_json() == {"outcome": "noted", "incidents": []}, (
        "another person's report is not theirs to withdraw"
    )
    done = secretary.send(PATH, {"document": message("c2", msgType="Cancel", references=name)})
    assert done.get_json() == {"outcome": "cancelled", "incidents": [key]}
    with town.session() as session:
        assert session.get_one(Incident, row.id).state == "withdrawn"


def test_each_refusal_says_what_to_do(town: Town) -> None:
    secretary = Client(town, "secretary.mardan")
    wrong = {
        "not XML": "once upon a time",
        "definitions": f'<!DOCTYPE a [<!ENTITY x "y">]>{message()}',
        "not a CAP": "<alert/>",
        "Exercise": message(status="Exercise"),
        "not one of CAP": message(msgType="Shout"),
        "not a time": message(onset="yesterday"),
        "not happened yet": message(onset="2026-12-24T08:00:00+00:00"),
        "place that we know": message(area=""),
        "references": message(references="only,two"),
        "nested too deeply": f'<alert xmlns="{cap.NAMESPACE}">{"<a>" * 9}{"</a>" * 9}</alert>',
        "too long": message(words="x" * 2001),
    }
    for words, document in wrong.items():
        answer = secretary.send(PATH, {"document": document})
        is_problem(answer, 422, "document")
        assert words in answer.text, answer.text
    is_problem(Client(town, "secretary.mardan", "read").send(PATH, {"document": message()}), 403)
    is_problem(Client(town, "secretary.quetta").send(PATH, {"document": message()}), 403)
    with town.session() as session:
        assert session.scalars(select(Incident).where(Incident.kind == "unsorted")).all() == []


def test_an_ack_changes_nothing_and_words_find_a_place_of_ones_own(town: Town) -> None:
    secretary = Client(town, "secretary.mardan")
    name = "pdma.gov.pk,met-1,2026-11-24T08:55:00+00:00"
    ack = secretary.send(PATH, {"document": message("a", msgType="Ack", references=name)})
    assert ack.get_json()["outcome"] == "noted"
    by_name = message("b", area="").replace("Somewhere", "mardan")
    assert secretary.send(PATH, {"document": by_name}).get_json()["outcome"] == "taken"


def test_our_own_document_is_read_back_the_same(warned: Any) -> None:  # noqa: F811
    town, alert = warned
    found = cap.read(read(town, "secretary.mardan", f"/alerts/{alert}.cap.xml").data)
    assert (found.status, found.kind, found.scope) == ("Actual", "Alert", "Restricted")
    assert found.infos[0].codes == (("concord:what", "angry_crowd"),)
    assert found.infos[0].areas[0].codes[0] == ("concord:locality", "PK-KP-MARDAN")


@given(WARNINGS)
def test_whatever_we_write_we_read(warning: ours.Warning) -> None:
    found = cap.read(ours.document(warning))
    assert (found.identifier, found.sender, found.kind) == (warning.identifier, warning.sender, warning.kind)
    assert found.sent == warning.sent.replace(microsecond=0)
    assert [(sender, key) for sender, key, _ in found.references] == [row[:2] for row in warning.references]


@given(st.binary(max_size=400) | st.text(max_size=400).map(lambda text: message(words=text).encode()))
def test_any_bytes_are_read_or_refused_in_words(document: bytes) -> None:
    with suppress(Invalid):
        assert cap.read(document).identifier


@pytest.mark.parametrize("times", [1, 12])
def test_a_bomb_of_entities_is_refused_before_it_is_opened(times: int) -> None:
    bomb = '<!DOCTYPE a [<!ENTITY l0 "lol">' + "".join(
        f'<!ENTITY l{n + 1} "{f"&l{n};" * 10}">' for n in range(times)
    )
    with pytest.raises(Invalid):
        cap.read(f"{bomb}]><alert>&l{times};</alert>".encode())
