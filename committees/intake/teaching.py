"""Which words of a message may be taught to the SMS line of one committee, and for which command. Pure; nothing is stored here.

A taught word never does what hurts if it was meant otherwise: no STOP, START, OK, GO, NO or WRONG, and no word that has a meaning
already. committees/taught_words.py keeps them, grammar.py reads with them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from committees.intake.kinds import kind_of, negations
from committees.intake.lexicon import LONGEST_ENTRY, Lexicon, Words, lexicon, words_of
from committees.intake.normalise import tokens
from committees.intake.reading import Command

TEACHABLE = (Command.REPORT, Command.CALM, Command.STATUS, Command.HELP, Command.CALL, Command.OVER)
#: One who reports says something after the word, so its whole message is never a command.
_NEVER_WHOLE = frozenset({Command.REPORT})
_SHORTEST = 3


class How(StrEnum):
    """How much of a message a taught word covers."""

    FIRST = "first"
    WHOLE = "whole"


@dataclass(frozen=True, slots=True)
class Taught:
    """One word, or one whole message, that a committee's line understands as a command."""

    words: Words
    command: Command
    how: How


@dataclass(frozen=True, slots=True)
class TaughtWords:
    """The taught words of one committee, ready to look up."""

    first: Mapping[Words, Command]
    whole: Mapping[Words, Command]

    @classmethod
    def of(cls, found: Iterable[Taught]) -> TaughtWords:
        """Sort them; what may not be taught (any more) is left out, whoever stored it."""
        allowed = [one for one in found if _may(one, lexicon())]
        return cls(
            {one.words: one.command for one in allowed if one.how is How.FIRST},
            {one.words: one.command for one in allowed if one.how is How.WHOLE},
        )


NONE_TAUGHT = TaughtWords({}, {})


def proposals(text: str, command: Command) -> dict[How, str]:
    """What could be taught from this message for this command: its first word, the whole of it, both or neither."""
    words = words_of(tokens(text))
    offered = {How.FIRST: words[:1], How.WHOLE: words}
    return {
        how: " ".join(chosen)
        for how, chosen in offered.items()
        if _may(Taught(chosen, command, how), lexicon())
    }


def _may(one: Taught, known: Lexicon) -> bool:
    if one.command not in TEACHABLE or not one.words or len(one.words) > LONGEST_ENTRY:
        return False
    if any(word.isdigit() for word in one.words):
        return False
    if one.command is not Command.REPORT and kind_of(" ".join(one.words)):
        return False  # who writes of a fight does not say that all is calm
    if one.how is How.FIRST:
        return len(one.words) == 1 and _is_free(one.words[0], known)
    begins_known = any(one.words[:length] in known.aliases for length in range(1, len(one.words) + 1))
    opening = any(one.words[:n] in known.forwards for n in range(1, len(one.words) + 1))
    return one.command not in _NEVER_WHOLE and len(one.words) > 1 and not begins_known and not opening


def _is_free(word: str, known: Lexicon) -> bool:
    """Whether a word stands in no list of the line, so that it can get a meaning of its own."""
    phrases = (*known.aliases, *known.fillers, *known.forwards, *known.courtesies_of("en"), *known.languages)
    single = known.wards | known.numbers | known.from_words | known.days | known.never_typos | negations()
    return len(word) >= _SHORTEST and word not in single and not any(word in words for words in phrases)
