"""The word lists behind the SMS line hold together, and kinds and languages are read from everyday words."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from committees.intake.kinds import kind_of
from committees.intake.lexicon import LONGEST_ENTRY, entries, lexicon, load, words_of
from committees.intake.normalise import storable, tokens
from committees.intake.reading import Command
from committees.intake.tongue import language_and_script, script_of
from committees.intake.typos import one_slip

COMMANDS = load("aliases.toml")["commands"]
SMALL = load("small_words.toml")
KINDS = load("report_words.toml")["kinds"]
LANGUAGES = {"en", "ur", "bn", "hi", "si", "ta", "dv"}


def written(section: dict[str, list[str]]) -> list[tuple[str, str]]:
    """Return (language, entry as written) of one section."""
    return [(language, entry) for language, listed in section.items() for entry in listed]


ALL_ENTRIES = [
    pair for section in [*COMMANDS.values(), *SMALL.values(), *KINDS.values()] for pair in written(section)
]


def test_no_two_commands_share_a_word() -> None:
    commands_of: dict[tuple[str, ...], set[str]] = {}
    for name, section in COMMANDS.items():
        for _, words in entries(section):
            commands_of.setdefault(words, set()).add(name)
    assert {words: found for words, found in commands_of.items() if len(found) > 1} == {}


def test_no_word_mixes_scripts() -> None:
    mixed = [e for _, e in ALL_ENTRIES if len({script_of(c) for c in e if c.isalpha()}) != 1]
    assert mixed == []


def test_every_word_stands_under_its_own_script() -> None:
    # Under LANG a person may write a language's name in any letters.
    named = written(SMALL["languages"])
    for language, entry in (pair for pair in ALL_ENTRIES if pair not in named):
        base, _, latin = language.partition("-")
        expected = "Latn" if latin or base == "en" else base
        assert base in LANGUAGES
        assert script_of(tokens(entry)[0].word[0]) == expected, (language, entry)


def test_every_command_has_words_and_every_heading_is_a_command() -> None:
    said_otherwise = {Command.CHECKIN_ASK, Command.UNREAD, Command.EMPTY}
    assert set(COMMANDS) == {c.value for c in Command if c not in said_otherwise}


def test_no_word_around_a_command_is_a_command_that_it_could_hide() -> None:
    around = lexicon().fillers | lexicon().forwards
    assert around & set(lexicon().aliases) == set()


def test_no_courtesy_word_says_no() -> None:
    hurting = (Command.NO, Command.WRONG, Command.STOP, Command.PAUSE)
    refusing = {words for words, alias in lexicon().aliases.items() if alias.command in hurting}
    negations = {words for _, words in entries(load("report_words.toml")["negation"])}
    assert lexicon().courtesies_of("en") & (refusing | negations) == set()


def test_no_entry_is_longer_than_the_reader_looks() -> None:
    assert max(Counter(len(tokens(entry)) for _, entry in ALL_ENTRIES)) <= LONGEST_ENTRY


def test_ordinary_words_are_one_slip_from_a_command_or_they_need_not_stand_here() -> None:
    aliases = [words[0] for words in lexicon().aliases if len(words) == 1]
    idle = [w for w in lexicon().never_typos if not any(one_slip(w, alias) for alias in aliases)]
    assert idle == []


@settings(max_examples=200, deadline=None)
@given(st.text("abc", max_size=6), st.text("abc", max_size=6))
def test_one_slip_is_symmetric_and_agrees_with_trying_every_slip(typed: str, meant: str) -> None:
    slips = {typed[:i] + typed[i + 1 :] for i in range(len(typed))}
    slips |= {typed[:i] + c + typed[i:] for i in range(len(typed) + 1) for c in "abc"}
    slips |= {typed[:i] + c + typed[i + 1 :] for i in range(len(typed)) for c in "abc"}
    slips |= {typed[:i] + typed[i + 1] + typed[i] + typed[i + 2 :] for i in range(len(typed) - 1)}
    assert one_slip(typed, meant) == (meant in slips - {typed}) == one_slip(meant, typed)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("fight near market", "fight"),
        ("rumour of a fight at school", "rumour"),
        ("threat to burn a shop", "threat"),
        ("shop burnt at night", "damage"),
        ("angry crowd at bus stand", "crowd"),
        ("bazar mein jhagra", "fight"),
        ("بازار میں جھگڑا", "fight"),
        ("افواہ پھیل رہی ہے", "rumour"),
        ("বাজারে মারামারি", "fight"),
        ("গুজব ছড়াচ্ছে", "rumour"),
        ("बाजार में झगड़ा", "fight"),
        ("अफ़वाह", "rumour"),
        ("කඩපිලේ ආරවුලක්", "fight"),
        ("கடையில் தகராறு", "fight"),
        ("வதந்தி பரவுகிறது", "rumour"),
        ("no fight today", None),
        ("koi jhagra nahi", None),
        ("street light is off", None),
        ("", None),
    ],
)
def test_reads_the_kind_of_a_report(text: str, kind: str | None) -> None:
    assert kind_of(text) == kind


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("R 7 fight near market", ("en", "Latn")),
        ("khabar 7 bazar mein jhagra", ("ur", "Latn")),
        ("bazar mein bheed aur jhagda hai", ("hi", "Latn")),
        ("inga sandai irukku", ("ta", "Latn")),
        ("ekhane maramari hocche", ("bn", "Latn")),
        ("methana aarawulak thiyenawa", ("si", "Latn")),
        ("رپورٹ ۷ جھگڑا", ("ur", "own")),
        ("OK 47 شکریہ", ("ur", "own")),
        ("রিপোর্ট ৭", ("bn", "own")),
        ("रिपोर्ट ७", ("hi", "own")),
        ("වාර්තා 7", ("si", "own")),
        ("தகவல் 7", ("ta", "own")),
        ("ރިޕޯޓް 7", ("dv", "own")),
        ("OK 47", (None, None)),
        ("21121", (None, None)),
        ("CALM ward 3 from 1234", (None, None)),
        ("zzz qqq", (None, "Latn")),
    ],
)
def test_guesses_language_and_letters(text: str, expected: tuple[str | None, str | None]) -> None:
    assert tuple(language_and_script(text)) == expected


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(), max_size=60))
def test_any_text_can_be_sorted_stored_and_answered(text: str) -> None:
    assert kind_of(text) in {None, *KINDS}
    assert language_and_script(text).language in {None, *LANGUAGES}
    kept = storable(text)
    assert "\0" not in kept
    assert kept.encode("utf-8").decode("utf-8") == kept


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(), max_size=60))
def test_tokens_know_where_they_stood(text: str) -> None:
    found = tokens(text)
    for token in found:
        assert token.word in words_of(tokens(text[token.start : token.end]))
    assert all(a.end <= b.start for a, b in zip(found, found[1:], strict=False))
