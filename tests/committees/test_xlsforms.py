"""Reading the XLSForms of others: what is asked, in which words, and what is left out; and matching their answers with ours."""

from __future__ import annotations

import io

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from committees.intake import matching, xlsform_reading
from committees.intake.matching import Matching, Question
from foundation.errors import Invalid

SURVEY = (
    ("type", "name", "label", "label::Urdu (ur)"),
    ("start", "start", "", ""),
    ("select one Types", "what", "**What** happened?<br>", "کیا ہوا؟"),
    ("SELECT_MULTIPLE how or_other", "how", "How?", ""),
    ("begin repeat", "people", "", ""),
    ("text", "inside", "Within", ""),
    ("end repeat", "", "", ""),
    ("text", "phone_no", "Phone", ""),
    ("geopoint", "pin", "Point", ""),
    ("note", "thanks", "Thanks", ""),
    ("date", "occurred_on", "", ""),
)
CHOICES = (
    ("list_name", "name", "label"),
    ("Types", "fight", "A fight"),
    ("Types", 3, "Three"),
    ("how", "saw", "Saw it"),
)


def book(
    survey: tuple[tuple[object, ...], ...] = SURVEY, choices: tuple[tuple[object, ...], ...] = CHOICES
) -> bytes:
    made = openpyxl.Workbook()
    made.worksheets[0].title = "survey"
    for row in survey:
        made["survey"].append(row)
    made.create_sheet("choices")
    for row in choices:
        made["choices"].append(row)
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def test_questions_come_with_their_answers_in_the_readers_language() -> None:
    assert xlsform_reading.read(book(), "en") == [
        Question("what", "What happened?", (("fight", "A fight"), ("3", "Three"))),
        Question("how", "How?", (("saw", "Saw it"), ("other", "other"))),
        Question("occurred_on", "occurred_on"),
    ]
    assert xlsform_reading.read(book(), "ur")[0].label == "کیا ہوا؟"


@pytest.mark.parametrize(
    "survey", [(), (("type", "name"),), (("type", "name"), ("note", "x")), (("a", "b"), ("c", "d"))]
)
def test_a_form_without_questions_says_so(survey: tuple[tuple[object, ...], ...]) -> None:
    with pytest.raises(Invalid, match="no question"):
        xlsform_reading.read(book(survey), "en")


def test_what_is_too_large_is_not_opened() -> None:
    with pytest.raises(Invalid, match="too large"):
        xlsform_reading.read(b"x" * (xlsform_reading.LARGEST + 1), "en")
    with pytest.raises(Invalid, match="too large"):
        xlsform_reading.read(book((*SURVEY, *((("text", "a" * 30_000, "b" * 30_000),) * 400))), "en")


CELLS = (
    st.none()
    | st.text(max_size=9).filter(str.isprintable)
    | st.integers()
    | st.sampled_from(["type", "name", "label", "text", "begin repeat"])
)


@given(st.lists(st.lists(CELLS, max_size=4), max_size=5))
def test_no_sheet_breaks_the_reader(rows: list[list[object]]) -> None:
    sheet = xlsform_reading.rows_of(tuple(row) for row in rows)
    for one in xlsform_reading.questions(sheet, {}, "en"):
        assert one.name


def test_what_needs_no_asking_is_matched_by_name_number_and_code() -> None:
    wards = [("TOWN-W7", ["Ward 7", "وارڈ", "7"])]
    asked = [
        Question("What", "", (("fight", ""), ("feud", ""))),
        Question("ward", "", (("7", ""), ("x", "ward 7"), ("y", ""))),
    ]
    found = matching.guess(asked, wards)
    assert found.questions == {"what": "what", "ward": "ward"}
    assert found.answers == {"what": {"fight": "fight"}, "ward": {"7": "TOWN-W7", "x": "TOWN-W7"}}


@given(st.dictionaries(st.text(max_size=6), st.text(max_size=12), max_size=6), st.text(max_size=6))
def test_no_answer_of_a_matched_question_is_lost(answers: dict[str, str], theirs: str) -> None:
    """It means one of ours, or it stays as it was said."""
    found = Matching({"what": theirs.casefold()}, {"what": {"a": "fight"}})
    got = matching.applied(found, answers).get("what", "")
    said = {
        value.strip()
        for name, value in answers.items()
        if name.casefold().rsplit("/", 1)[-1] == theirs.casefold()
    }
    assert got in ("", "fight") or got in said
