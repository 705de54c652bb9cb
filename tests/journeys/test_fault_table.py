"""The fault table with a few tries for each row: nothing is lost, and nothing is doubled that could have been looked up.

The long form is the table of `make faults`. A row that needs a tool or a right that is not here must say which.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import nullcontext

import pytest

from benchmarks import fault_table, faults
from benchmarks.fault_child import Missing
from benchmarks.fault_rows import Bench, Outcome
from benchmarks.fault_table import ROWS, Row, Sum
from benchmarks.faults import Places

NAMES = [row.full_name for row in ROWS]
QUICK = [row for row in ROWS if row.tries[0]]


@pytest.fixture(scope="module")
def places() -> Iterator[Places]:
    with Places(7, lasting=False, load=60) as places:
        yield places


def measured(places: Places, row: Row, tries: int) -> Sum:
    *_, found = places.measure(row, tries)
    return found


def judge(found: Sum, tries: int) -> None:
    """Every promise holds; or what could not be run says what it needs."""
    assert found.broken == ""
    if found.missing:
        assert found.tries == 0
        assert ": " in found.missing
    else:
        assert 0 < found.tries <= tries


@pytest.mark.parametrize("row", QUICK, ids=[row.full_name for row in QUICK])
def test_a_few_tries(places: Places, row: Row) -> None:
    judge(measured(places, row, row.tries[0]), row.tries[0])


@pytest.mark.long
@pytest.mark.parametrize("row", ROWS, ids=NAMES)
def test_many_tries(places: Places, row: Row) -> None:
    judge(measured(places, row, row.tries[1]), row.tries[1])


def test_without_strace_a_row_says_how_to_get_it(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    found = measured(places, ROWS[0], 1)
    assert found.missing == "strace is not installed: apt-get install strace (or dnf install strace)"
    judge(found, 0)


def row_that(*outcomes: Outcome, copies: int = 1) -> Row:
    """A row whose tries come to these."""
    return Row("what it is", fault_table.SQLITE, "sms", lambda _bench, _tries: iter(outcomes), (1, 1), copies)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (row_that(Outcome(0, 0, 1, 0, 1.0)), ""),
        (row_that(Outcome(0, 1, 2, 0, 1.0), copies=2), ""),
        (row_that(), "not one try"),
        (row_that(Outcome(0, 0, 1, 0, 1.0), Outcome(2, 0, 1, 0, 1.0)), "2 lost"),
        (row_that(Outcome(0, 1, 2, 0, 1.0)), "2 copies"),
        (row_that(Outcome(0, 2, 3, 0, 1.0), copies=2), "3 copies"),
        (row_that(Outcome(0, 0, 1, 0, 30.0), Outcome(0, 0, 1, 0, 30.2)), "after 30.2 s, promised are 30"),
        (row_that(Outcome(0, 0, 1, 1, 1.0)), "no name of ours"),
    ],
)
def test_a_broken_promise_ends_with_1(
    row: Row, words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(faults, "ROWS", (row,))
    monkeypatch.setattr(faults, "installations", lambda *_, **__: nullcontext())
    assert faults.main(["--quick"]) == (1 if words else 0)
    printed = capsys.readouterr().out
    assert words in printed
    assert ("BROKEN" in printed) == bool(words)


def test_what_is_missing_is_printed_and_breaks_no_promise(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def play(_bench: Bench, _tries: int) -> Iterator[Outcome]:
        raise Missing("get it there")

    monkeypatch.setattr(faults, "installations", lambda *_, **__: nullcontext())
    monkeypatch.setattr(faults, "ROWS", (Row("what it is", fault_table.SQLITE, "sms", play, (1, 1)),))
    assert faults.main(["--quick"]) == 0
    printed = capsys.readouterr().out
    assert "Not run: get it there." in printed
    assert "1 rows not run" in printed
