"""In which language and letters a message was written, so that the answer can go back in the same.

A guess: a person's own setting wins wherever the guess is None. Whoever answers an SMS may import this.
"""

from collections import Counter
from functools import cache
from typing import NamedTuple

from committees.intake.lexicon import LATIN, lexicon, load
from committees.intake.normalise import Token, tokens

_BLOCKS = (
    (0x0600, 0x06FF, "ur"),
    (0x0750, 0x077F, "ur"),
    (0xFB50, 0xFDFF, "ur"),
    (0xFE70, 0xFEFC, "ur"),
    (0x0780, 0x07BF, "dv"),
    (0x0900, 0x097F, "hi"),
    (0x0980, 0x09FF, "bn"),
    (0x0B80, 0x0BFF, "ta"),
    (0x0D80, 0x0DFF, "si"),
)
_LATIN_BLOCKS = ((0x41, 0x5A), (0x61, 0x7A), (0xC0, 0x24F), (0x1E00, 0x1EFF))
LATN = "Latn"
OWN = "own"


class Tongue(NamedTuple):
    """A language (en, ur, bn, si, ta, hi, dv) and letters ("own" or "Latn"); None: the text does not tell."""

    language: str | None
    script: str | None


def script_of(char: str) -> str | None:
    """Return "Latn", or the language whose own letters hold this letter or mark; None for others."""
    point = ord(char)
    if any(low <= point <= high for low, high in _LATIN_BLOCKS):
        return LATN
    return next((language for low, high, language in _BLOCKS if low <= point <= high), None)


@cache
def _markers() -> dict[str, frozenset[str]]:
    """Return the Latin-letter words that tell each language, in the order in which they win."""
    words = lexicon()
    taught: dict[str, set[str]] = {}
    for (first, *more), alias in words.aliases.items():
        if alias.language.endswith(LATIN) and not more:
            taught.setdefault(alias.language.removesuffix(LATIN), set()).add(first)
    return {
        language: frozenset(listed) | taught.get(language, set())
        for language, listed in load("tongues.toml")["markers"].items()
    }


@cache
def _taught() -> frozenset[str]:
    """Return the English commands, and WARD and FROM beside them, which everybody is taught: they say nothing about the writer."""
    commands = {words[0] for words, alias in lexicon().aliases.items() if alias.language == "en"}
    small = load("small_words.toml")
    return frozenset(commands.union(*(small[name]["en"] for name in ("ward", "number", "from", "day"))))


def _telling(found: list[Token]) -> list[str]:
    """Return the words that say something about the writer."""
    return [token.word for token in found if not token.is_number and token.word not in _taught()]


def language_and_script(text: str) -> Tongue:
    """Guess the language and letters of a text; a language's own letters win a tie with Latin ones."""
    telling = _telling(tokens(text))
    letters = Counter(script for word in telling for char in word if (script := script_of(char)))
    if not letters:
        return Tongue(None, None)
    most = max(letters.values())
    script = min((name for name, count in letters.items() if count == most), key=lambda name: name == LATN)
    if script != LATN:
        return Tongue(script, OWN)
    scores = {language: sum(word in marks for word in telling) for language, marks in _markers().items()}
    language = max(scores, key=lambda name: scores[name])
    return Tongue(language if scores[language] else None, LATN)
