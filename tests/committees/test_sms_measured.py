"""How well the SMS line reads 455 messages as people would write them, in seven languages and their Latin spellings.

Half of them (`held`) were never looked at when words were chosen. `pytest -s` prints the table. A message that is not read goes to
the secretary at once; one that is read as what it was not is what must not happen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

from committees.intake.grammar import read
from committees.intake.reading import Command

HARMFUL = ("STOP", "START", "OK", "GO", "NO", "WRONG", "PAUSE", "CHECKIN", "OVER", "LANG", "CALL")
LANGUAGES = {"en", "ur", "bn", "si", "ta", "hi", "dv"}
#: Words for people, not for the machine: right if a person gets to read them.
FOR_A_PERSON = "OTHER"


@dataclass(frozen=True)
class Line:
    """One message, what was meant, and as what it is read."""

    half: str
    language: str
    meant: str
    text: str
    read_as: str


def lines() -> list[Line]:
    """Every message of the list, read in a place with the wards 7 and 12, on a phone with the code 47."""
    listed = Path(__file__).with_name("sms-messages.tsv").read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t") for line in listed if not line.startswith("#")]
    return [
        Line(half, language, meant, text, str(read(text, wards=(7, 12), open_codes=("47",)).command))
        for half, language, meant, text in rows
    ]


ALL = lines()
HELD = [line for line in ALL if line.half == "held"]


def figures(found: Iterable[Line]) -> dict[str, tuple[int, int, int]]:
    """By command: how often it was read rightly, read at all, and meant."""
    right, read_as, meant = Counter[str](), Counter[str](), Counter[str]()
    for line in found:
        right[line.meant] += line.read_as == line.meant
        read_as[line.read_as] += 1
        meant[line.meant] += 1
    return {str(c): (right[c], read_as[c], meant[c]) for c in Command if meant[c] or read_as[c]}


def unread(found: Iterable[Line]) -> float:
    """The share of the messages with a command in mind that were not read."""
    meant = [line for line in found if line.meant != FOR_A_PERSON]
    return sum(line.read_as == Command.UNREAD for line in meant) / len(meant)


def test_the_list_is_long_and_speaks_every_language() -> None:
    assert len({line.text for line in ALL}) == len(ALL) >= 300
    assert {line.language.removesuffix("-Latn") for line in ALL} == LANGUAGES
    assert {f"{x}-Latn" for x in ("ur", "hi", "bn", "si", "ta", "dv")} <= {line.language for line in ALL}
    assert min(Counter(line.language for line in ALL).values()) >= 20
    assert {line.half for line in ALL} == {"seen", "held"}
    assert abs(len(ALL) - 2 * len(HELD)) <= 1


@pytest.mark.parametrize("command", HARMFUL)
def test_nothing_is_taken_for_a_command_that_does_something(command: str) -> None:
    wrong = [line for line in ALL if line.read_as == command != line.meant]
    assert wrong == []


def test_what_is_said_to_people_goes_to_a_person() -> None:
    assert [line for line in ALL if line.meant == FOR_A_PERSON and line.read_as != Command.UNREAD] == []


def test_almost_no_reading_is_wrong_and_those_that_are_do_no_harm() -> None:
    wrong = [x for x in ALL if x.read_as not in (x.meant, Command.UNREAD)]
    # "How does one send a report?" begins like a report; the secretary sorts it.
    assert [(line.meant, line.read_as) for line in wrong] == [("HELP", "REPORT")]


@pytest.mark.parametrize(("half", "most"), [("seen", 0.18), ("held", 0.27)])
def test_three_in_four_are_read_and_the_table_can_be_looked_at(half: str, most: float) -> None:
    found = [line for line in ALL if line.half == half]
    print(f"\n{half}: {len(found)} messages, unread {unread(found):.0%}")
    for command, (right, as_it, meant) in figures(found).items():
        if command != Command.UNREAD:
            precision = f"{right / as_it:.2f}" if as_it else "-"
            recall = f"{right / meant:.2f}" if meant else "-"
            print(f"{command:12} precision {precision:>5}  recall {recall:>5}  ({right} of {meant})")
    assert unread(found) <= most


@pytest.mark.parametrize(
    ("command", "least"),
    [("REPORT", 0.6), ("CHECKIN", 0.75), ("OK", 0.8), ("GO", 0.6), ("NO", 0.6), ("STOP", 0.65)],
)
def test_the_held_out_half_finds_its_commands(command: str, least: float) -> None:
    right, _, meant = figures(HELD)[command]
    assert right / meant >= least
