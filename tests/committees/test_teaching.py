"""What a committee may teach its SMS line: harmless words only, understood exactly, and never more than was taught."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from committees.intake.grammar import read
from committees.intake.lexicon import lexicon
from committees.intake.reading import Command
from committees.intake.teaching import TEACHABLE, How, Taught, TaughtWords, proposals

HARMFUL = {Command.STOP, Command.START, Command.OK, Command.GO, Command.NO, Command.WRONG, Command.PAUSE}
WORDS = st.sampled_from(
    [w for words in lexicon().aliases for w in words] + ["khairiyat", "sab", "7", "fight"]
)
SALAD = st.lists(WORDS, min_size=1, max_size=5)


def line(words: str, command: Command, how: How) -> TaughtWords:
    """A line that was taught one thing, whether or not it may be."""
    return TaughtWords.of([Taught(tuple(words.split()), command, how)])


@pytest.mark.parametrize(
    ("message", "command", "offered"),
    [
        ("khairiyat hai", Command.CALM, {How.FIRST: "khairiyat", How.WHOLE: "khairiyat hai"}),
        ("sab theek hai", Command.CALM, {How.WHOLE: "sab theek hai"}),
        ("Soochna: bazar mein bheed", Command.REPORT, {How.FIRST: "soochna"}),
        ("خیریت ہے", Command.CALM, {How.FIRST: "خیریت", How.WHOLE: "خیریت ہے"}),
        ("stop it", Command.HELP, {}),
        ("ok bhai sab", Command.CALM, {}),
        ("nahi koi masla", Command.CALM, {}),
        ("fight near market", Command.CALM, {}),
        ("ring 03001234567", Command.CALL, {}),
        ("khairiyat hai", Command.STOP, {}),
        ("khairiyat hai", Command.OK, {}),
        ("", Command.CALM, {}),
    ],
)
def test_only_free_words_can_be_taught(message: str, command: Command, offered: dict[How, str]) -> None:
    assert proposals(message, command) == offered


def test_a_taught_message_counts_only_whole_and_a_taught_word_only_first() -> None:
    taught = line("sab theek hai", Command.CALM, How.WHOLE)
    assert read("Sab theek hai!", taught=taught).answers == "11111"
    for text in ("sab theek hai nahi", "sab theek", "fwd sab theek hai", "kya sab theek hai"):
        assert read(text, taught=taught).command is Command.UNREAD
    taught = line("soochna", Command.REPORT, How.FIRST)
    reading = read("soochna 7 bazar mein bheed", wards=(7,), taught=taught)
    assert (reading.command, reading.ward) == (Command.REPORT, "7")
    assert read("bazar soochna", taught=taught).command is Command.UNREAD


def test_what_was_said_stays_whole_where_the_taught_word_is_part_of_it() -> None:
    taught = line("dhakka", Command.REPORT, How.FIRST)
    assert read("dhakka mukki ward 7 mein", wards=(7,), taught=taught).text == "dhakka mukki ward 7 mein"


@settings(max_examples=300, deadline=None)
@given(SALAD, st.sampled_from(list(Command)), st.sampled_from(list(How)), SALAD)
def test_nothing_that_is_taught_changes_what_could_be_read_or_hurts(
    words: list[str], command: Command, how: How, said: list[str]
) -> None:
    taught = line(" ".join(words), command, how)
    for text in (" ".join(said), " ".join(words), " ".join([*words, *said])):
        before = read(text, wards=(7, 12), open_codes=("47",))
        after = read(text, wards=(7, 12), open_codes=("47",), taught=taught)
        if before.command is not Command.UNREAD:
            assert after == before
        assert after.command not in HARMFUL or after == before
        if after != before:
            assert command in TEACHABLE
