"""Dates and times of day in each language, in whatever order a process comes to speak them."""

from __future__ import annotations

import itertools
import re
import subprocess
import sys
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from alerts.messages import LANGUAGES
from foundation.web import words

DAY = date(2026, 11, 28)  # a Saturday
LATIN = re.compile("[A-Za-z]")


def told(language: str) -> str:
    """A day, a month, a weekday and a time in one language."""
    with words.speaking(language):
        evening = datetime(2026, 11, 28, 13, 4, tzinfo=ZoneInfo("UTC"))
        return " | ".join(
            [
                words.day(DAY),
                words.day_and_year(DAY),
                words.month(DAY),
                words.weekday(5, short=True),
                words.weekday(5),
                words.clock(evening, ZoneInfo("Asia/Karachi")),
            ]
        )


@pytest.mark.parametrize("language", [one for one in LANGUAGES if one != "en"])
def test_no_date_falls_back_to_latin_letters(language: str) -> None:
    assert not LATIN.search(told(language)), told(language)
    assert "28" in told(language)
    assert "2026" in told(language)


def test_the_parts_of_the_day_are_told_as_people_tell_them() -> None:
    assert told("en").endswith("18:04")
    assert told("ur").endswith("6:04 شام")
    assert "6:04" in told("bn")
    assert told("dv") == "ހޮނިހިރު 28 ނޮވެމްބަރު | 28 ނޮވެމްބަރު 2026 | ނޮވެމްބަރު | ހުކުރު | ހުކުރު | 18:04"


@pytest.mark.parametrize("order", [("dv", "ur", "bn"), ("ur", "dv", "ur"), ("bn", "dv", "si", "ur")])
def test_a_process_speaks_each_language_alike_whichever_came_first(order: tuple[str, ...]) -> None:
    # In a process of its own: what one language does to another would stay for the tests that follow.
    code = "import sys; from tests.foundation.test_calendars import told; print([told(one) for one in sys.argv[1:]])"
    run = subprocess.run(
        [sys.executable, "-c", code, *order], capture_output=True, text=True, check=True, timeout=120
    )
    assert run.stdout.strip() == str([told(one) for one in order])


def test_every_language_has_a_name_of_its_own() -> None:
    assert set(words.NAMES) == {*LANGUAGES, "pseudo"}
    for one, other in itertools.combinations(LANGUAGES, 2):
        assert words.NAMES[one] != words.NAMES[other]
