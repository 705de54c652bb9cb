"""Which ward a message names, given the wards its place has.

A number is a ward only if the place has it; otherwise it is part of what the person said. Only grammar.py
imports this.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from committees.intake.lexicon import Lexicon
from committees.intake.normalise import Token, tokens

_LONGEST_NAME = 5
_MOST_DIGITS = 3


def _key(parts: Sequence[Token]) -> str:
    """Write a ward's name or number so that 07 and 7 are the same."""
    if len(parts) == 1 and parts[0].is_number:
        return parts[0].word.lstrip("0") or "0"
    first, *rest = parts
    return first.word + "".join(t.word if t.glued else f" {t.word}" for t in rest)


@dataclass(frozen=True, slots=True)
class Wards:
    """The wards of one place: how each may be written, and what the place calls it."""

    names: Mapping[str, str]
    lexicon: Lexicon

    @classmethod
    def of(cls, wards: Collection[int | str], aliases: Mapping[str, str], lexicon: Lexicon) -> "Wards":
        """Make the look-up from a place's wards and its {other name: ward}."""
        written = {**{str(ward): str(ward) for ward in wards}, **aliases}
        keyed = ((tokens(name), ward) for name, ward in written.items())
        return cls({_key(parts): ward for parts, ward in keyed if parts}, lexicon)

    def named_at(self, body: Sequence[Token]) -> tuple[str, int] | None:
        """Return (ward, tokens used) if body begins with the number or name of a ward."""
        for length in range(min(len(body), _LONGEST_NAME), 0, -1):
            parts = body[:length]
            if length == 1 and parts[0].is_number and len(parts[0].word) > _MOST_DIGITS:
                continue
            ward = self.names.get(_key(parts))
            if ward is not None:
                return ward, length
        return None

    def lead(self, body: Sequence[Token]) -> tuple[str, int] | None:
        """Return (ward, tokens used) if body begins with a ward: 7, ward 7, ward no 7, or 7 no ward."""
        start = self._after_number_word(body, 1) if body and body[0].word in self.lexicon.wards else 0
        named = self.named_at(body[start : start + _LONGEST_NAME])
        if named is None:
            return None
        ward, used = named
        used += start
        if start == 0:
            after = self._after_number_word(body, used)
            if after < len(body) and body[after].word in self.lexicon.wards:
                used = after + 1
        return ward, used

    def mentioned(self, body: Sequence[Token]) -> tuple[str | None, bool]:
        """Return (ward, unclear) from the words for ward anywhere in body with a number or name beside."""
        known: set[str] = set()
        unknown = False
        for index, token in enumerate(body):
            if token.word not in self.lexicon.wards:
                continue
            after = self._after_number_word(body, index + 1)
            before = index - 1
            if before > 0 and body[before].word in self.lexicon.numbers:
                before -= 1
            for start in (after, before):
                if not 0 <= start < len(body):
                    continue
                named = self.named_at(body[start : start + (_LONGEST_NAME if start == after else 1)])
                if named:
                    known.add(named[0])
                unknown |= named is None and body[start].is_number
                if named or body[start].is_number:
                    break
        if len(known) == 1:
            return known.pop(), False
        return None, unknown or bool(known)

    def _after_number_word(self, body: Sequence[Token], index: int) -> int:
        """Return index, or the one after it if "no" or "number" stands there."""
        return index + 1 if index < len(body) and body[index].word in self.lexicon.numbers else index
