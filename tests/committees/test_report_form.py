"""The report form, read: the words of every error, the defaults, the times, and what looks like a number."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from committees.intake import checkin_form, form
from committees.intake.form import Offer
from foundation.errors import Refused

ZONE = ZoneInfo("Asia/Karachi")
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)  # 14:00 in the ward
OFFER = Offer(wards=("A-W7", "A-W8", "A-W9"), about=("land_water_housing",), now=NOW, zone=ZONE)
GOOD = {"what": "rumour", "ward": "A-W7", "day": "today", "part": "morning", "how": "heard"}


def answers(**changes: str) -> form.Answers:
    """The form of a rumour this morning, with some answers changed."""
    return form.read(MultiDict({**GOOD, **changes}), OFFER)


def errors(**changes: str) -> dict[str, str]:
    """What the form says where it refuses."""
    with pytest.raises(Refused) as refused:
        answers(**changes)
    return refused.value.fields


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"what": ""}, "what", "Choose what happened"),
        ({"what": "riot"}, "what", "Choose what happened"),
        ({"ward": ""}, "ward", "Choose the ward"),
        ({"ward": "B-W1"}, "ward", "Choose the ward"),
        ({"ward": "other"}, "other_ward", "Choose the ward"),
        ({"ward": "other", "other_ward": "B-W1"}, "other_ward", "Choose the ward"),
        (
            {"day": "earlier", "date_day": "25", "date_month": "11", "date_year": "2026"},
            "date",
            "The date must be today or earlier",
        ),
        (
            {"day": "earlier", "date_day": "31", "date_month": "2", "date_year": "2026"},
            "date",
            "Enter a real date, like 27 11 2024",
        ),
        ({"day": "earlier"}, "date", "Enter a real date, like 27 11 2024"),
        (
            {"day": "earlier", "date_day": "1", "date_month": "1", "date_year": "24"},
            "date",
            "Enter a real date, like 27 11 2024",
        ),
        ({"what": "crowd"}, "ongoing", "Choose if it is still going on"),
        ({"what": "fight"}, "ongoing", "Choose if it is still going on"),
        ({"what": "damage"}, "ongoing", "Choose if it is still going on"),
        ({"how": ""}, "how", "Choose how you know"),
        ({"text": "a" * 530}, "text", "Make it shorter. You have used 530 of 500 letters"),
        (
            {"text": "Ring 0300 1234567"},
            "text",
            "This looks like a phone number. Please take it out, or choose Keep it",
        ),
    ],
)
def test_each_refusal_has_its_own_words(changes: dict[str, str], field: str, words: str) -> None:
    assert errors(**changes) == {field: words}


def test_an_empty_form_names_every_gap_at_once() -> None:
    with pytest.raises(Refused) as refused:
        form.read(MultiDict(), OFFER)
    assert list(refused.value.fields) == ["what", "ward", "day", "how"]


def test_the_untouched_form_already_says_where_and_when() -> None:
    start = form.defaults(OFFER, "A-W7")
    assert (start["ward"], start["day"], start["part"]) == ("A-W7", "today", "afternoon")
    assert form.read(MultiDict({**start, "what": "threat", "how": "saw"}), OFFER).ward == "A-W7"


def test_a_fight_of_many_people_is_a_clash() -> None:
    assert answers(what="fight", ongoing="no").kind == "small_fight"
    assert answers(what="fight", ongoing="no", people="21-100").kind == "group_clash"


def test_a_known_kind_of_place_is_a_landmark_and_any_other_words_are_a_spot() -> None:
    assert (answers(spot="Bus Stand").landmark, answers(spot="Bus Stand").spot) == ("bus_stand", "")
    assert (answers(spot="behind the mill").landmark, answers(spot="behind the mill").spot) == (
        "",
        "behind the mill",
    )


def test_a_number_that_is_kept_is_kept() -> None:
    assert answers(text="Bill 123456789", keep="yes").text == "Bill 123456789"


def test_who_logs_for_somebody_else_never_seals_a_name() -> None:
    desk = Offer(OFFER.wards, OFFER.about, NOW, ZONE, name=True, for_other=True)
    sent = MultiDict({**GOOD, "name": "sealed", "for_other": "yes"})
    assert (form.read(sent, desk).for_other, form.read(sent, desk).keep_name) == (True, False)
    assert form.read(MultiDict({**GOOD, "name": "sealed"}), desk).keep_name
    # Neither is possible where the form did not offer it.
    assert (form.read(sent, OFFER).for_other, form.read(sent, OFFER).keep_name) == (False, False)


def test_the_moment_lies_in_the_part_of_the_day_that_was_chosen() -> None:
    assert answers(day="now").occurred_at == NOW
    assert answers(part="morning").occurred_at == datetime(2026, 11, 24, 9, tzinfo=ZONE)
    assert answers(day="yesterday", part="evening").occurred_at == datetime(2026, 11, 23, 19, tzinfo=ZONE)
    # At two in the afternoon the night of today is the one that has passed, and the evening is not over now.
    assert answers(part="night").occurred_at == datetime(2026, 11, 24, 2, tzinfo=ZONE)
    assert answers(part="evening").occurred_at == NOW


def test_a_date_may_be_written_in_the_digits_of_any_script() -> None:
    found = answers(day="earlier", part="", date_day="۲۳", date_month="১১", date_year="2026")
    assert found.occurred_at == datetime(2026, 11, 23, 12, tzinfo=ZONE)


@given(st.dates(date(2000, 1, 1), date(2026, 11, 24)), st.sampled_from(["", *form.PARTS]))
def test_nothing_is_said_to_have_happened_later_than_now(day: date, part: str) -> None:
    local = NOW.astimezone(ZONE)
    moment = form.moment_of(day, part, local)
    assert moment <= local
    assert moment.astimezone(ZONE).date() == day


TYPED = (
    st.text(max_size=60)
    | st.integers().map(str)
    | st.sampled_from(["yes", "other", "crowd", "earlier", "now"])
)


@given(st.dictionaries(st.sampled_from([*GOOD, "text", "spot", "ongoing", "date_day", "date_year"]), TYPED))
def test_whatever_is_sent_is_read_or_refused_in_words(sent: dict[str, str]) -> None:
    found, said = None, {"": ""}
    try:
        found = form.read(MultiDict({**GOOD, "date_month": "11", **sent}), OFFER)
    except Refused as refused:
        said = refused.fields
    if found is None:
        assert all(said.values())
    else:
        assert found.ward in OFFER.wards
        assert found.occurred_at <= NOW


def test_a_year_that_no_calendar_holds_is_not_real() -> None:
    year = {"day": "earlier", "date_day": "1", "date_month": "1", "date_year": "9" * 20}
    assert errors(**year) == {"date": "Enter a real date, like 27 11 2024"}


@pytest.mark.parametrize("text", ["0300 1234567", "+92-300-1234567", "۰۳۰۰۱۲۳۴۵۶۷", "35202-1234567-1"])
def test_phone_and_identity_numbers_are_noticed(text: str) -> None:
    assert form.looks_like_number(f"Ask at {text} please")


@pytest.mark.parametrize("text", ["about 200 people", "on 27 11 2024", "at 18:30 and 19:45", "Ward 7, 500 m"])
def test_dates_and_counts_are_not_numbers_of_a_person(text: str) -> None:
    assert not form.looks_like_number(text)


def test_a_check_in_names_the_question_that_has_no_answer() -> None:
    sent = MultiDict({"ward": "A-W7", "q1": "1", "q2": "2", "q4": "6", "q5": "1"})
    with pytest.raises(Refused) as refused:
        checkin_form.read(sent, OFFER.wards, ())
    assert refused.value.fields == {
        "q3": "Choose an answer for question 3",
        "q4": "Choose an answer for question 4",
    }


def test_all_calm_counts_only_while_every_answer_is_one() -> None:
    calm = checkin_form.all_calm("A-W7")
    assert checkin_form.read(calm, OFFER.wards, ()).all_calm
    calm["q2"] = "3"
    found = checkin_form.read(calm, OFFER.wards, ())
    assert (found.all_calm, found.answers) == (False, (1, 3, 1, 1, 1))


def test_a_sign_that_nobody_knows_is_left_out() -> None:
    sent = checkin_form.all_calm("A-W7")
    sent.update({"i_school": "seen", "i_market": "unknown", "i_made_up": "seen"})
    assert checkin_form.read(sent, OFFER.wards, ("school", "market")).indicators == {"school": "seen"}
