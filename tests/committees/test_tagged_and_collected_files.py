"""Files that NGOs already keep: any columns with HXL tags, and exports of ODK and KoboToolbox. Each row is used or says why not."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from committees.intake import csv_files, hxl, submissions, xforms
from committees.intake.bare import bare, is_personal
from committees.intake.csv_files import Opened
from committees.intake.submissions import QUESTIONS, NoSubmission
from foundation.errors import Problem

KEY = "5b5a1a64-2f80-4f0e-9a55-6f3f9a1e2c11"
HXL = (
    "Office,Ort,Was,Wann,Notes\n#meta+id,#adm3+code,#event+type,#date+occurred,#description\n"
    "17,PK-KP-MARDAN,Crowd dispute,2024-05-31,Two groups at the bus stand\n,PK-KP-MARDAN,rumour,2024-06-01T10:00,\n"
)
KOBO = (
    "report/what,report/ward,report/spot,report/occurred_on,report/ongoing,report/how,report/people,report/text,_uuid,"
    "_submission_time,_submitted_by,_geolocation\n"
    f"fight,PK-KP-MARDAN-W7,bus stand,2024-05-31,no,saw,6-20,Stones were thrown,{KEY},2024-05-31T15:10:00,ngo_field,34.2 72.0\n"
)


def opened(folder: Path, text: str) -> tuple[Opened, list[csv_files.Line]]:
    path = folder / "file.csv"
    path.write_text(text, encoding="utf-8")
    with csv_files.events(path) as found:
        return found, list(found.lines)


def test_columns_are_known_by_their_tags_whatever_they_are_called(tmp_path: Path) -> None:
    found, lines = opened(tmp_path, HXL)
    first, second = (line.event for line in lines)
    assert found.format.name == "HXL"
    assert found.unread == []
    assert first
    assert second
    assert (first.where.code, first.kind, first.occurred_at, first.text) == (
        "PK-KP-MARDAN",
        "imported:crowd_dispute",
        datetime(2024, 5, 31, 12),  # noqa: DTZ001 -- local to the place
        "Two groups at the bus stand",
    )
    assert second.kind == "rumour", "a kind of ours stays one"
    _found, [again, _] = opened(tmp_path, HXL.replace("#event+type", "#event +i_en +type"))
    assert again.event == first, "order and further attributes do not matter"


def test_tags_alone_may_head_a_file_and_what_nobody_reads_is_named(tmp_path: Path) -> None:
    head, _, rest = HXL.partition("\n")
    found, lines = opened(tmp_path, rest.replace("#meta+id", "#status"))
    assert [line.event is not None for line in lines] == [True, True]
    assert found.unread == ["#status"]
    assert head


def test_tags_are_found_below_several_lines_of_titles(tmp_path: Path) -> None:
    """Files of humanitarian offices have a title, a line of groups and the names of columns above their tags."""
    head, _, rest = HXL.partition("\n")
    found, lines = opened(tmp_path, f"Incidents 2024,,,,\nWho,Where,,When,\n{head}\n{rest}")
    assert found.format.name == "HXL"
    assert [line.event is not None for line in lines] == [True, True]


def test_a_place_may_be_named_in_its_country(tmp_path: Path) -> None:
    """Many offices know districts by name: the code of a place is no must."""
    text = (
        HXL.replace("#meta+id", "#country+name")
        .replace("#adm3+code", "#adm2+name")
        .replace("17,PK-KP-MARDAN", "Pakistan,Mardan District")
    )
    _found, lines = opened(tmp_path, text)
    assert lines[0].event, lines[0].reason
    assert lines[0].event.where.code == "PAK:Mardan"
    assert lines[1].reason == "locality is empty."
    with pytest.raises(Problem, match="none for locality"):
        opened(tmp_path, HXL.replace("#adm3+code", "#adm2+name"))


def test_missing_tags_are_named_with_what_would_do(tmp_path: Path) -> None:
    with pytest.raises(Problem) as refused:
        opened(tmp_path, HXL.replace("#date+occurred", "#x_date"))
    assert "none for occurred_at" in refused.value.message
    assert "#date+occurred" in refused.value.hint


def test_an_export_of_kobo_is_read_by_our_questions_without_their_groups(tmp_path: Path) -> None:
    for text in (KOBO, KOBO.replace("report/", "report-"), KOBO.replace("report/", "")):
        found, [line] = opened(tmp_path, text)
        event = line.event
        assert found.format.name == "ODK or Kobo"
        assert event
        assert (event.id, event.kind, event.where.code) == (UUID(KEY), "group_clash", "PK-KP-MARDAN-W7")
        assert (event.how_known, event.ongoing, event.people) == ("saw", "no", "6-20")
        assert (event.source, event.text) == ("ngo_field", "Stones were thrown")
        assert "_geolocation" in found.unread, "a point on a map is not taken in"


def test_an_export_with_labels_says_how_to_export_instead(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="export with labels") as refused:
        opened(tmp_path, KOBO.replace("report/what", "What happened?"))
    assert "XML values" in refused.value.hint


def test_an_answer_that_its_own_team_refused_is_not_imported(tmp_path: Path) -> None:
    text = KOBO.replace("_geolocation", "_validation_status").replace("34.2 72.0", "Not approved")
    _found, [line] = opened(tmp_path, text)
    assert line.event is None
    assert "not approved" in line.reason


def test_what_is_never_taken_in() -> None:
    """Points of every shape, phones and persons by the names that forms give them; places and numbers of things stay."""
    row = {
        "_geolocation": [34.2, 72.0], "g/pin": "34.198 72.045 0 4.9", "track": "34.1 72.0 0 0;34.2 72.1 0 0", "_submitted_by": "ahmed",
        "spot": {"type": "Point", "coordinates": [72.04, 34.19, 0]}, "g/respondent_name": "Ahmed", "mobile_no": "0300 1234567", "name": "A",
        "deep": [{"victim-name": "B", "what": "stones"}], "ward_name": "Seven", "shop_number": "12", "price": "34.5", "__system": {"deviceId": "x1"},
    }  # fmt: skip
    kept = json.dumps(bare(row))
    for gone in ("34.2", "34.198", "34.1 ", "72.04", "ahmed", "Ahmed", "0300", '"A"', '"B"', "x1"):
        assert gone not in kept, gone
    for stays in ("Seven", '"12"', '"34.5"', "stones"):
        assert stays in kept, stays
    assert bare({"_submitted_by": "ahmed"}) == bare({"_submitted_by": "ahmed"}), "the same one is known again"


def test_a_name_or_number_to_ring_is_known_however_its_question_is_written() -> None:
    asked = (
        "contact_number contact_no contactNumber contactno phoneNumber mobileno cnicNo whatsappNumber respondentName respondentname surname"
        " victimName collector_name data_collector_name volunteer_name contact_person head_of_household_name fullname firstName"
    )
    assert [name for name in asked.split() if not is_personal(name)] == []
    others = (
        "shop_number ward_number wardName number_of_people place_name village_name victim_no family_number contact_made personal_matter"
        " what ward spot occurred_on ongoing how people text hotel_name casino notice"
    )
    assert [name for name in others.split() if is_personal(name)] == []


@given(
    st.dictionaries(
        st.text(max_size=12),
        st.recursive(st.none() | st.floats() | st.text(max_size=20), st.lists, max_leaves=6),
    )
)
def test_nothing_breaks_what_leaves_out(row: dict[str, object]) -> None:
    assert set(bare(row)) == set(row)


@given(st.binary(max_size=200))
def test_nothing_that_is_sent_breaks_the_reader_of_hooks(body: bytes) -> None:
    for sent in (
        body,
        b"<data>" + body + b"</data>",
        json.dumps({"type": "a.b", "data": {"xml": body.decode("latin-1")}}).encode(),
    ):
        with suppress(xforms.NotASubmission):
            assert isinstance(xforms.submission(sent), dict)


def test_what_cannot_be_read_as_an_answer_stays_in_the_text() -> None:
    found = submissions.read(
        {
            "what": "riot",
            "ward": "Ward 7",
            "occurred_on": "last week",
            "people": "many",
            "_uuid": KEY,
            "text": "At night",
        }
    )
    assert (found.kind, found.day, found.people) == ("unsorted", None, "unknown")
    assert found.text == "At night\nwhat: riot\npeople: many\noccurred_on: last week"


@pytest.mark.parametrize("answers", [{}, {"what": "fight"}, {"_uuid": KEY}, {"_uuid": KEY, "name": "x"}])
def test_what_is_no_answer_to_our_form_says_why(answers: dict[str, str]) -> None:
    with pytest.raises(NoSubmission, match=r"questions|_uuid"):
        submissions.read(answers)


def test_both_servers_name_one_submission_alike() -> None:
    central = {
        "__id": f"uuid:{KEY}",
        "report": {"what": "rumour", "occurred_on": "2024-05-31"},
        "meta": {"instanceID": f"uuid:{KEY}"},
    }
    kobo = {
        "_uuid": KEY,
        "report/what": "rumour",
        "report/occurred_on": "2024-05-31",
        "_submission_time": "2024-05-31T10:00:00",
    }
    one, other = submissions.read(central), submissions.read(kobo)
    assert one.id == other.id == UUID(KEY)
    assert one.day == other.day == date(2024, 5, 31)
    assert other.sent_at == datetime(2024, 5, 31, 10, tzinfo=UTC)


NAMES = st.sampled_from([*QUESTIONS, "_uuid", "a/b"]) | st.text(max_size=6)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(NAMES, JSON, max_size=9))
def test_no_submission_crashes_the_reader_and_no_text_is_lost(answers: dict[str, object]) -> None:
    json.dumps(answers)
    try:
        found = submissions.read(answers)
    except NoSubmission:
        return
    text = submissions.flat(answers).get("text", "")
    assert found.text.startswith(text[: submissions.LONGEST])


TAGS = st.sampled_from([*[tag for tags in hxl.TAGS.values() for tag in tags], "#x", ""]) | st.text(max_size=9)


@given(st.lists(TAGS, max_size=9))
def test_each_column_gets_at_most_one_name_and_each_name_one_column(tags: list[str]) -> None:
    names = hxl.own_columns(tags)
    assert len(names) == len(tags)
    given_names = [name for name in names if name]
    assert len(set(given_names)) == len(given_names)
