"""The fault table with a few tries for each row: nothing is lost, and nothing is doubled that could have been looked up.

The long form is the table of `make faults`. A row that needs a tool or a right that is not here must say which.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import requests

from benchmarks import fault_hook, fault_peer, fault_rows, fault_table, faults
from benchmarks.fault_child import Clock, Missing
from benchmarks.fault_kept import Kept
from benchmarks.fault_peer import Theirs
from benchmarks.fault_rows import Bench, Outcome
from benchmarks.fault_table import ROWS, Row, Sum
from benchmarks.faults import Places
from benchmarks.installation import Installation

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


def test_a_few_kills_are_one_at_each_kind_of_call(tmp_path: Path) -> None:
    log = tmp_path / "strace.log"
    log.write_text("".join(f"7 {call}(\n" for call in ["pwrite64"] * 90 + ["connect", "write"]))
    bench = Bench(_no_installation, "sms", tmp_path, random.Random(1), 3, frozenset({"write 1"}))
    found = fault_rows.points(bench, log, 3)
    assert sorted(call for call, _ in found) == ["connect", "pwrite64", "pwrite64"]
    assert len(set(fault_rows.points(bench, log, 1_000))) == 91


def _no_installation() -> Installation:
    raise AssertionError("nothing is run")


@pytest.mark.long
@pytest.mark.parametrize("row", ROWS, ids=NAMES)
def test_many_tries(places: Places, row: Row) -> None:
    judge(measured(places, row, row.tries[1]), row.tries[1])


def test_without_strace_a_row_says_how_to_get_it(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    found = measured(places, replace(ROWS[0], name="a row that nobody has tried"), 1)
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


def test_a_run_that_was_broken_off_goes_on_where_it_was(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[tuple[int, set[str]]] = []

    def play(bench: Bench, tries: int) -> Iterator[Outcome]:
        asked.append((tries, set(bench.died_at)))
        for n in range(tries):
            if len(asked) == 1 and n == 2:
                raise KeyboardInterrupt
            yield Outcome(0, 0, 1, 0, 1.0, f"write {n}")

    monkeypatch.setattr(faults, "installations", lambda *_, **__: nullcontext())
    monkeypatch.setattr(faults, "ROWS", (Row("what it is", fault_table.SQLITE, "sms", play, (1, 5)),))
    words = ["--keep", str(tmp_path / "tries")]
    with pytest.raises(KeyboardInterrupt):
        faults.main(words)
    assert faults.main(words) == 0
    assert faults.main(words) == 0
    assert asked == [(5, set()), (3, {"write 0", "write 1"})]


def test_a_row_that_another_process_has_is_left_to_it(tmp_path: Path) -> None:
    one, another = Kept(tmp_path / "tries"), Kept(tmp_path / "tries")
    with one.claim(3) as mine, another.claim(3) as theirs, another.claim(4) as free:
        assert (mine, theirs, free) == (True, False, True)
    with another.claim(3) as mine:
        assert mine


def test_what_a_file_has_is_a_table_for_a_page(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    rows = row_that(), replace(row_that(), name="another"), replace(row_that(copies=2), name="a third")
    monkeypatch.setattr(faults, "ROWS", rows)
    kept = Kept(tmp_path / "tries")
    kept.ours(rows[0].full_name, Outcome(0, 0, 1, 0, 1.0))
    kept.ours(rows[2].full_name, Outcome(0, 1, 2, 0, 2.5))
    words = ["--keep", str(tmp_path / "tries"), "--show"]
    assert faults.main(words) == 0
    lines = [[cell.strip() for cell in line.split("|")] for line in capsys.readouterr().out.splitlines()]
    assert lines[2][1:6] == [rows[0].full_name, "1", "0", "0", "1.0 s"]
    assert lines[3][1:6] == [rows[2].full_name, "1", "0", "1", "2.5 s"]
    kept.ours(rows[0].full_name, Outcome(3, 0, 1, 0, 1.0))
    assert faults.main(words) == 1
    assert "3 lost" in capsys.readouterr().out


def test_a_clock_that_is_held_skips_nothing() -> None:
    clock = Clock()
    later = clock.now() + timedelta(hours=1)
    with clock.held():
        clock.skip_to(later)
        assert clock.offset == 0
    clock.skip_to(later)
    assert clock.now() > later


TAKEN = {"500_after": 500, "garbled": 200, "": 200, "drop_after": 0, "hang_after": 0}
NOT_TAKEN = {"429": 429, "500_before": 500, "drop_before": 0, "hang_before": 0}


@pytest.mark.parametrize("kind", [*TAKEN, *NOT_TAKEN])
def test_the_peers_webhook_has_the_faults_of_the_twilio(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fault_hook, "HANG_SECONDS", 0)
    with fault_hook.Hook() as hook:
        if kind:
            hook.fault(kind, 1)
        try:
            answer = requests.post(
                f"http://127.0.0.1:{hook.port}/hook", '{"key":"7"}', timeout=10
            ).status_code
        except requests.ConnectionError:
            answer = 0
    assert (answer, hook.keys) == ((TAKEN | NOT_TAKEN)[kind], ["7"] if kind in TAKEN else [])


def peered(*theirs: Theirs) -> Row:
    """A row of which the peer's tries come to these."""
    return replace(row_that(Outcome(0, 0, 1, 0, 1.0)), peer=lambda _bench, _tries: iter(theirs))


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (row_that(Outcome(0, 0, 1, 0, 1.0)), ["not applicable"]),
        (peered(Theirs(3, 1), Theirs(4, 1)), ["2", "7", "2"]),
    ],
)
def test_what_became_of_the_peer_stands_beside_and_breaks_no_promise_of_ours(
    row: Row, words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(faults, "ROWS", (row,))
    monkeypatch.setattr(faults, "installations", lambda *_, **__: nullcontext())
    assert faults.main([]) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("what it is"))
    assert line.split("1.0 s")[1].split() == " ".join(words).split()


def test_a_peer_that_is_not_installed_is_named_and_ours_is_run_all_the_same(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    row = replace(row_that(Outcome(0, 0, 1, 0, 1.0)), peer=fault_peer.killed)
    monkeypatch.setattr(faults, "ROWS", (row,))
    monkeypatch.setattr(faults, "installations", lambda *_, **__: nullcontext())
    assert faults.main(["--quick"]) == 0
    assert "Alertmanager is not installed: apt-get install" in capsys.readouterr().out
