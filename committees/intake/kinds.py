"""Which of the first five answers of the report form a free text points to, read from report_words.toml.

A guess that only sorts the secretary's desk: it never grades, scores or alerts by itself. Forms and hooks may
import this.
"""

from collections.abc import Sequence
from functools import cache

from committees.intake.lexicon import Words, entries, load, words_of
from committees.intake.normalise import Token, tokens

_NEAR = 2
"""How many words before or after make a "no" count."""


@cache
def _vocabulary() -> tuple[dict[str, dict[str, list[tuple[Words, bool]]]], frozenset[str]]:
    """Return (kind -> first letter -> (words, whether the last is only a beginning), words that say no)."""
    lists = load("report_words.toml")
    kinds: dict[str, dict[str, list[tuple[Words, bool]]]] = {}
    for kind, section in lists["kinds"].items():
        by_letter = kinds.setdefault(kind, {})
        for written in (entry for words in section.values() for entry in words):
            words = words_of(tokens(written))
            by_letter.setdefault(words[0][0], []).append((words, written.endswith("*")))
    return kinds, frozenset(words[0] for _, words in entries(lists["negation"]))


def _length_at(found: Sequence[Token], index: int, by_letter: dict[str, list[tuple[Words, bool]]]) -> int:
    """Return how many tokens from index make up a word of the list, 0 for none."""
    for words, is_beginning in by_letter.get(found[index].word[0], ()):
        here = words_of(found[index : index + len(words)])
        if here == words:
            return len(words)
        fits = len(here) == len(words) and here[:-1] == words[:-1]
        if is_beginning and fits and here[-1].startswith(words[-1]):
            return len(words)
    return 0


def kind_of(text: str) -> str | None:
    """Return rumour, threat, fight, damage or crowd, the first that the text holds; None: unsorted."""
    kinds, negations = _vocabulary()
    found = tokens(text)
    refused = [token.word in negations for token in found]
    for kind, by_letter in kinds.items():
        for index in range(len(found)):
            length = _length_at(found, index, by_letter)
            if length and not any(refused[max(0, index - _NEAR) : index + length + _NEAR]):
                return kind
    return None


def negations() -> frozenset[str]:
    """The words that say no."""
    return _vocabulary()[1]
