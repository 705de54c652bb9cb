"""How alike two texts are, so that two reports of one rumour can be shown side by side. Pure; a person always decides.

Words count by their first letters, so that endings and spellings of Latin letters differ a little less. Small words that stand in
every report weigh nothing.
"""

from __future__ import annotations

from committees.intake.lexicon import lexicon
from committees.intake.normalise import tokens

#: From this likeness on two texts may tell of one thing.
ALIKE = 0.4
_STEM = 5
_SHORTEST = 3


def likeness(one: str, other: str) -> float:
    """From 0 (nothing in common) to 1 (the same words): the share of telling words that both hold."""
    left, right = _telling(one), _telling(other)
    return len(left & right) / len(left | right) if left and right else 0.0


def _telling(text: str) -> frozenset[str]:
    known = lexicon()
    small = known.wards | known.numbers | known.from_words
    return frozenset(
        token.word[:_STEM]
        for token in tokens(text)
        if not token.is_number and len(token.word) >= _SHORTEST and token.word not in small
    )
