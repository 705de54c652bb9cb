"""One SMS laid open for the rules of the grammar: its tokens without words around them, and what is known.

Only grammar.py and answers.py import this.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from committees.intake.lexicon import LONGEST_ENTRY, Alias, Lexicon, longest
from committees.intake.normalise import Token, has_forward_sign, tokens
from committees.intake.reading import Command, Reading, Why
from committees.intake.wards import Wards

_MEMBER_DIGITS = 4
_SHORT = 3
FROM_MAY_FOLLOW = frozenset(
    {
        Command.REPORT,
        Command.CHECKIN,
        Command.CHECKIN_ASK,
        Command.CALM,
        Command.OK,
        Command.GO,
        Command.NO,
        Command.CALL,
    }
)


@dataclass(frozen=True, slots=True)
class Message:
    """What a rule sees. `rest` is what follows the command; before one is found, the whole body."""

    raw: str
    all_tokens: Sequence[Token]
    rest: Sequence[Token]
    member: str | None
    forwarded: bool
    end: int
    """Where in raw the body ends: before FROM, or at the end of raw."""
    lexicon: Lexicon
    wards: Wards
    open_codes: Collection[str]
    alias: Alias | None = None
    fuzzy: bool = False
    cut: int = 0
    """Where in raw the command ends."""

    @classmethod
    def of(cls, raw: str, lexicon: Lexicon, wards: Wards, open_codes: Collection[str]) -> "Message":
        """Take the opening words and FROM with its digits off a text."""
        found = tokens(raw)
        start, forwarded = 0, has_forward_sign(raw)
        while True:
            opening = found[start : start + LONGEST_ENTRY]
            marks = longest(opening, lexicon.forwards)
            used = marks or longest(opening, lexicon.fillers)
            if not used:
                break
            start, forwarded = start + used, forwarded or bool(marks)
        body, member, end = found[start:], None, len(raw)
        if len(body) > 2 and body[-2].word in lexicon.from_words and _is_member(body[-1]):
            member, end, body = body[-1].word, body[-2].start, body[:-2]
        return cls(raw, found, body, member, forwarded, end, lexicon, wards, open_codes)

    def after(self, used: int, alias: Alias, *, fuzzy: bool = False) -> "Message":
        """Return the message as its rule sees it, once the first `used` tokens were read as a command."""
        return replace(self, rest=self.rest[used:], alias=alias, fuzzy=fuzzy, cut=self.rest[used - 1].end)

    def read_as(self, command: Command, **fields: Any) -> Reading:
        """Make the reading, with what belongs to every reading filled in."""
        return Reading(raw=self.raw, command=command, member=self.member, fuzzy=self.fuzzy, **fields)

    def unread(self, why: Why) -> Reading:
        """Make the reading of a message that a person must look at."""
        words = {token.word for token in self.all_tokens}
        # A sign for "passed on" counts as the word it stands for.
        count = len(self.all_tokens) + has_forward_sign(self.raw)
        hint = count <= _SHORT and not words.isdisjoint(self.lexicon.stop_words)
        return Reading(raw=self.raw, command=Command.UNREAD, reason=why, stop_hint=hint)


def _is_member(token: Token) -> bool:
    return token.is_number and len(token.word) == _MEMBER_DIGITS
