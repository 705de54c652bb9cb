"""The SMS reader keeps its promises: every vector, no crash on any text, and nothing harmful ever guessed."""

from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from committees.intake.grammar import EMERGENCY_NUMBERS, Command, Reading, Why, read
from committees.intake.lexicon import lexicon, words_of
from committees.intake.normalise import normalise, tokens

WARDS = (7, 12)
OPEN = ("47",)
NEVER_GUESSED = {
    Command.STOP,
    Command.START,
    Command.OK,
    Command.GO,
    Command.NO,
    Command.WRONG,
    Command.PAUSE,
    Command.OVER,
    Command.VOUCH,
}
FIELDS = {"cmd": "command", "a": "answers", "lang": "language"}


def vectors() -> list[tuple[str, str]]:
    """Return (message, how it must be read) from the file beside this one."""
    lines = Path(__file__).with_name("sms-vectors.tsv").read_text(encoding="utf-8").splitlines()
    pairs = (line.split("\t") for line in lines if not line.startswith("#"))
    return [(message, expected) for message, expected in pairs]


@pytest.mark.parametrize(("message", "expected"), vectors())
def test_reads_every_vector_as_written(message: str, expected: str) -> None:
    reading = read(message, wards=WARDS, open_codes=OPEN)
    for pair in expected.split(", "):
        name, value = pair.split("=")
        assert str(getattr(reading, FIELDS.get(name, name))) == value, (name, reading)


def test_there_are_vectors() -> None:
    assert len(vectors()) > 120


# Any text at all: any character including NUL, surrogates and direction marks, or real words thrown together.
ANY_CHARACTERS = st.text(st.characters(), max_size=60)
KNOWN_WORDS = [" ".join(words) for words in lexicon().aliases] + [
    *(" ".join(w) for w in lexicon().fillers | lexicon().forwards | lexicon().courtesies_of("en")),
    "47", "52", "7", "21121", "2116", "119", "from 1234", "ward 7", "ward 99", "not", "fight",
]  # fmt: skip
SCRAPS = st.sampled_from(
    [*KNOWN_WORDS, "\0", "\ud800", "\u202e", "\u200f", "?", ">", "'", "\u20e3", "\u093c", "#"]
)
WORD_SALAD = st.lists(SCRAPS, max_size=6).flatmap(
    lambda found: st.sampled_from([" ", "", ", "]).map(lambda s: s.join(found))
)
TEXTS = ANY_CHARACTERS | WORD_SALAD


def slip(word: str, at: int, how: str) -> str:
    """Make one slip of the thumb in a word."""
    at %= len(word)
    if how == "drop":
        return word[:at] + word[at + 1 :]
    if how == "double":
        return word[:at] + word[at] + word[at:]
    return word[:at] + word[at + 1 : at + 2] + word[at] + word[at + 2 :]


@settings(max_examples=400, deadline=None)
@given(TEXTS)
@example("OK\0 47")
@example("\ud800\udfff")
@example("\u202eOK 47\u202c")
def test_any_text_is_read_without_harm(text: str) -> None:
    reading = read(text, wards=WARDS, open_codes=OPEN)
    assert reading.raw == text
    assert reading.command is not Command.CALM
    assert (reading.reason is not None) == (reading.command is Command.UNREAD)
    assert reading.text is None or reading.text in text
    assert reading.ward in (None, "7", "12")
    assert not (reading.fuzzy and reading.command in NEVER_GUESSED)
    if reading.command is Command.STOP:
        alias = lexicon().aliases[words_of(tokens(text))]
        assert alias.command is Command.STOP


def meaning(reading: Reading) -> tuple[object, ...]:
    """Return what a reading says, apart from the letters it was written in."""
    said = normalise(reading.text or "").removesuffix(".")
    kept = (name for name in Reading.__slots__ if name not in ("raw", "text"))
    return (said, *(getattr(reading, name) for name in kept))


@pytest.mark.parametrize("message", [message for message, _ in vectors()])
def test_every_vector_reads_the_same_once_normalised(message: str) -> None:
    once = read(normalise(message), wards=WARDS, open_codes=OPEN)
    assert meaning(once) == meaning(read(message, wards=WARDS, open_codes=OPEN))


@settings(max_examples=400, deadline=None)
@given(TEXTS)
@example("\u0647\u0654")  # heh with hamza above: folding it makes a letter that folds again
@example(">0 bondho 0")  # the sign becomes a word, and only short messages get the hint about STOP
@example("\u0149o 47")  # an apostrophe that only appears in lower case
def test_reading_the_normalised_text_says_the_same(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once
    again = read(once, wards=WARDS, open_codes=OPEN)
    assert meaning(again) == meaning(read(text, wards=WARDS, open_codes=OPEN))


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from([words[0] for words, a in lexicon().aliases.items() if a.command in NEVER_GUESSED]),
    st.integers(0, 20),
    st.sampled_from(["drop", "double", "swap"]),
    st.sampled_from(["", " 47", " 7"]),
)
def test_a_slip_never_becomes_a_command_that_hurts(word: str, at: int, how: str, rest: str) -> None:
    typed = slip(word, at, how)
    known = {*lexicon().aliases, *lexicon().fillers, *lexicon().forwards}
    if words_of(tokens(typed)) not in known:
        reading = read(typed + rest, wards=WARDS)
        assert reading.command not in NEVER_GUESSED
        assert not (reading.command is Command.CHECKIN and reading.fuzzy and not rest)


@pytest.mark.parametrize(
    "text", ["x" * 10_000, "R 7 " + "fight " * 2_000, "7 " * 5_000, "please " * 1_500, "\u0301" * 10_000]
)
def test_very_long_messages_are_read(text: str) -> None:
    assert read(text, wards=WARDS).raw == text


def test_a_long_report_keeps_all_of_its_text() -> None:
    story = "fight near market. " * 500
    assert read("R 7 " + story, wards=WARDS).text == story.strip()


@pytest.mark.parametrize("text", ["", " ", "\n\t", "\0", "\u200f\u200e", "\ufe0f", "\u3164"])
def test_nothing_to_see_is_empty(text: str) -> None:
    assert read(text).command is Command.EMPTY


@pytest.mark.parametrize("text", ["!", "...", "\U0001f600", "\ud800"])
def test_something_to_see_but_no_word_goes_to_a_person(text: str) -> None:
    assert read(text) == Reading(text, Command.UNREAD, reason=Why.NO_COMMAND)


def test_a_bare_number_counts_only_if_its_code_is_open() -> None:
    assert read("52", open_codes={"47", "52"}).code == "52"
    assert read("52", open_codes={"47"}).reason is Why.CODE_NOT_OPEN


@pytest.mark.parametrize("number", sorted(EMERGENCY_NUMBERS))
def test_an_emergency_number_alone_asks_for_a_call_at_once(number: str) -> None:
    reading = read(number, open_codes={number})
    assert (reading.command, reading.urgent) == (Command.CALL, True)


def test_a_place_may_have_its_own_emergency_numbers() -> None:
    assert read("911", emergency={"119"}).command is Command.UNREAD


def test_wards_may_have_names() -> None:
    aliases = {"Old Bazar": "7", "बाज़ार": "7"}
    assert read("R old bazar fight", wards=WARDS, ward_aliases=aliases).text == "fight"
    assert read("R बाजार झगड़ा", wards=WARDS, ward_aliases=aliases).ward == "7"
    assert read("status OLD BAZAR", wards=WARDS, ward_aliases=aliases).ward == "7"


def test_a_ward_written_in_one_piece_is_not_a_ward_and_a_word() -> None:
    wards = ("7", "7A")
    assert read("R 7A fight", wards=wards).ward == "7A"
    assert read("R 7 a fight", wards=wards) == Reading(
        "R 7 a fight", Command.REPORT, ward="7", text="a fight"
    )


def test_a_place_without_wards_keeps_numbers_in_the_text() -> None:
    assert read("R 7 shops closed").text == "7 shops closed"


def test_what_a_person_said_is_quoted_letter_for_letter() -> None:
    assert read("R 7: Don\u2019t know \u2014 FIGHT?", wards=WARDS).text == "Don\u2019t know \u2014 FIGHT?"


def test_a_check_in_with_a_ward_that_the_place_lacks_is_asked_for_again() -> None:
    assert read("T 7 21121", wards=(12,)).command is Command.CHECKIN_ASK
