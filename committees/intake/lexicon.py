"""The word lists of the SMS line, read once from aliases.toml and small_words.toml into quick look-ups.

No rule of the grammar lives here. Modules of intake may import this one.
"""

import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from committees.intake.normalise import Token, tokens
from committees.intake.reading import Command

Words = tuple[str, ...]
"""One entry of a list: its words in reading form. "ja-raha" is ("ja", "raha")."""
LATIN = "-Latn"
"""How the tag of a language written in Latin letters ends."""
LONGEST_ENTRY = 6


@dataclass(frozen=True, slots=True)
class Alias:
    """A word or phrase that names a command, and its language ("ur-Latn": Urdu in Latin letters)."""

    command: Command
    language: str
    words: Words


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Every list of words, in reading form."""

    aliases: Mapping[Words, Alias]
    fillers: frozenset[Words]
    forwards: frozenset[Words]
    courtesies: Mapping[str, frozenset[Words]]
    wards: frozenset[str]
    numbers: frozenset[str]
    from_words: frozenset[str]
    days: frozenset[str]
    never_typos: frozenset[str]
    languages: Mapping[Words, str]
    stop_words: frozenset[str]

    def alias_at(self, body: Sequence[Token]) -> Alias | None:
        """Return the longest alias that body begins with, or None."""
        length = longest(body, self.aliases)
        return self.aliases[words_of(body[:length])] if length else None

    def courtesies_of(self, language: str) -> frozenset[Words]:
        """Return the courtesy words allowed beside an alias of that language.

        OK, GO and NO are taught to everybody in English letters, so beside them any language's words will do;
        and people who write in Latin letters mix languages, so those share one list.
        """
        if language == "en":
            return frozenset[Words]().union(*self.courtesies.values())
        if language.endswith(LATIN):
            latin = (w for name, w in self.courtesies.items() if name == "en" or name.endswith(LATIN))
            return frozenset[Words]().union(*latin)
        return self.courtesies.get(language, frozenset())


def words_of(parts: Sequence[Token]) -> Words:
    """Return the words of some tokens."""
    return tuple(token.word for token in parts)


def longest(body: Sequence[Token], entries: Mapping[Words, object] | frozenset[Words]) -> int:
    """Return how many tokens at the start of body make up the longest of the entries, 0 for none."""
    for length in range(min(len(body), LONGEST_ENTRY), 0, -1):
        if words_of(body[:length]) in entries:
            return length
    return 0


def load(name: str) -> dict[str, Any]:
    """Read one of the .toml word lists beside this file: sections, then language, then entries as written."""
    with Path(__file__).with_name(name).open("rb") as file:
        return tomllib.load(file)


def entries(section: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, Words]]:
    """Yield (language, words) for each entry of a section, in reading form."""
    for language, written in section.items():
        for entry in written:
            yield language, words_of(tokens(entry))


def _single_words(found: Iterable[Words]) -> frozenset[str]:
    return frozenset(words[0] for words in found if len(words) == 1)


@cache
def lexicon() -> Lexicon:
    """Return the word lists; they are read from disk once."""
    small = load("small_words.toml")
    aliases = {
        words: Alias(Command(name), language, words)
        for name, section in load("aliases.toml")["commands"].items()
        for language, words in entries(section)
    }
    phrases = {name: frozenset(words for _, words in entries(section)) for name, section in small.items()}
    singles = {name: _single_words(found) for name, found in phrases.items()}
    return Lexicon(
        aliases=aliases,
        fillers=phrases["filler"],
        forwards=phrases["forward"],
        courtesies={
            language: frozenset(words for _, words in entries({language: written}))
            for language, written in small["courtesy"].items()
        },
        wards=singles["ward"],
        numbers=singles["number"],
        from_words=singles["from"],
        days=singles["day"],
        never_typos=singles["never_typos"],
        languages={words: tag for tag, words in entries(small["languages"])},
        stop_words=_single_words(words for words, alias in aliases.items() if alias.command is Command.STOP),
    )
