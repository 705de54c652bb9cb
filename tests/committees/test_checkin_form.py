"""What was done together, on the check-in form: each activity stands for a sign of peace; what was answered by hand stays."""

from __future__ import annotations

from werkzeug.datastructures import MultiDict

from committees.intake.checkin_form import ACTIVITIES, CheckInAnswers, read
from committees.profiles import starter

GOOD = [("ward", "w"), *((f"q{number}", "2") for number in range(1, 6))]
SIGNS = tuple(row["key"] for row in starter()["indicators"])


def filled(*more: tuple[str, str], signs: tuple[str, ...] = SIGNS) -> CheckInAnswers:
    return read(MultiDict([*GOOD, *more]), ("w",), signs)


def test_every_activity_stands_for_a_sign_of_the_first_local_picture() -> None:
    assert {sign for _, sign in ACTIVITIES.values()} <= set(SIGNS)


def test_what_was_done_is_kept_and_counts_as_its_sign() -> None:
    found = filled(("activities", "meal"), ("activities", "walked_together"), ("activities", "made_up"))
    assert found.activities == ("meal", "walked_together")
    assert found.indicators == {"joint_activity": "seen", "leaders_together": "seen"}
    assert filled().indicators == {}


def test_an_answer_by_hand_stays_and_a_sign_that_a_place_does_not_watch_is_not_made_up() -> None:
    assert filled(("activities", "meal"), ("i_joint_activity", "stopped")).indicators == {
        "joint_activity": "stopped"
    }
    assert filled(("activities", "meal"), signs=("school_as_usual",)).indicators == {}
