"""What a phone keeps and brings later, seen from the server: how long a report waited, forms of an older release, the program's entry."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

import foundation.web
from committees.incidents import Incident
from tests.make import WARD, Town, make_town
from tests.rig.databases import Databases
from tests.rig.town import seeded

STATIC = Path(foundation.web.__file__).parent / "static"


@pytest.fixture(scope="module")
def town(_sqlite_maker: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """One town for all that is asked here; which database is under it does not matter."""
    made = make_town(*seeded(_sqlite_maker, tmp_path_factory))
    yield made
    made.runtime.close()


def brought(town: Town, **changes: str) -> tuple[int, str, str]:
    """A report comes from the outbox of a phone; the status, the page, and its number."""
    browser = town.browser("member1.mardan")
    with town.session() as session:
        me = str(town.person(session, "member1.mardan").id)
    key = str(uuid4())
    fields = {"report_id": key, "what": "fight", "ward": WARD, "day": "now", "ongoing": "no", "how": "saw"}
    answer = browser.client.post(
        "/report",
        data={name: value for name, value in {**fields, **changes}.items() if value},
        headers={"Idempotency-Key": key, "Concord-Outbox": me, "Origin": "http://localhost"},
    )
    return answer.status_code, answer.get_data(as_text=True), key


@pytest.mark.parametrize(
    ("waited", "before"),
    [
        (str(36 * 3_600_000), timedelta(hours=36)),
        ("0", timedelta()),
        ("-86400000", timedelta()),  # its clock was set back meanwhile
        (str(400 * 86_400_000), timedelta()),  # it began in 1970
        ("9" * 40, timedelta()),
        ("soon", timedelta()),
        ("", timedelta()),
    ],
)
def test_now_is_when_the_form_was_filled_in_whatever_the_clock_of_the_phone(
    town: Town, waited: str, before: timedelta
) -> None:
    status, _, key = brought(town, waited=waited)
    assert status == 303
    with town.session() as session:
        found = session.get_one(Incident, UUID(key))
        assert found.received_at - found.occurred_at == before


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"ward": "PK-KP-GONE-W1"}, "Choose the ward"),
        ({"ongoing": ""}, "Choose if it is still going on"),
        ({"what": "riot"}, "Choose what happened"),
    ],
)
def test_a_form_of_another_release_is_told_what_is_missing_and_keeps_the_rest(
    town: Town, changes: dict[str, str], words: str
) -> None:
    status, page, _ = brought(town, text="Stones at the canal", a_field_of_old="yes", **changes)
    assert status == 422
    assert re.search(rf"error-summary.*?<li>[^/]*{words}</a>", page, re.S)
    assert "Stones at the canal" in page


def test_a_phone_lists_the_program_in_its_readers_language(town: Town) -> None:
    browser = town.browser()
    for language, direction in (("en", "ltr"), ("ur", "rtl"), ("dv", "rtl"), ("si", "ltr")):
        browser.client.set_cookie("concord_language", language)
        linked = re.search(r'<link rel="manifest" href="([^"]+)"', browser.open("/start"))
        assert linked
        bare = town.app.test_client().get(linked.group(1))  # a browser asks for it without cookies
        found = json.loads(bare.get_data(as_text=True))
        assert (bare.mimetype, found["lang"], found["dir"]) == (
            "application/manifest+json",
            language,
            direction,
        )
        assert (found["start_url"], found["scope"], found["display"]) == ("/", "/", "standalone")
        said = (found["description"], *(one["name"] for one in found["shortcuts"]))
        assert ("Tell early, act together" in said) is (language == "en")
        for one in found["shortcuts"]:
            assert browser.client.get(one["url"]).status_code in (200, 303)
    for icon in found["icons"]:
        path = STATIC / icon["src"].rpartition("/")[2]
        if icon["type"] == "image/png":
            assert "x".join(map(str, struct.unpack(">II", path.read_bytes()[16:24]))) == icon["sizes"]
        assert browser.client.get(icon["src"], buffered=True).status_code == 200


def test_all_that_a_phone_keeps_is_there_for_who_is_nobody(town: Town) -> None:
    kept = re.search(r"KEPT = \[(.*?)\]", (STATIC / "sw.js").read_text(), re.S)
    assert kept
    for path in re.findall(r'"([^"]+)"', kept.group(1)):
        answer = town.app.test_client().get(f"{path}?l=ur", buffered=True)
        assert answer.status_code == 200, path
        assert "Set-Cookie" not in answer.headers, path
