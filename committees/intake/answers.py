"""The rules for answers in numbers: OK, GO and NO with a code, the five digits of a check-in, bare digits.

Only grammar.py imports this.
"""

from collections.abc import Collection, Sequence

from committees.intake.lexicon import Words, longest
from committees.intake.message import Message
from committees.intake.normalise import Token
from committees.intake.reading import Command, Reading, Why

CALM_ANSWERS = "11111"
_CODE_DIGITS = 3
_COURTESIES = 2
_ANSWERS = 5
_LOOKS_LIKE_ANSWERS = range(4, 7)


def is_code(token: Token) -> bool:
    """True if a token is one to three digits."""
    return token.is_number and len(token.word) <= _CODE_DIGITS


def _five(parts: Sequence[Token]) -> str | None:
    """Return the five answers of 1 to 5 that the tokens spell, however spaced; None if they do not."""
    digits = "".join(token.word for token in parts)
    return digits if len(digits) == _ANSWERS and set(digits) <= set("12345") else None


def _all_numbers(parts: Sequence[Token]) -> bool:
    return all(token.is_number for token in parts)


def _only_courtesies(parts: Sequence[Token], allowed: frozenset[Words]) -> bool:
    while parts:
        used = longest(parts, allowed)
        if not used:
            return False
        parts = parts[used:]
    return True


def read_answer(message: Message, code: str | None = None) -> Reading | Why:
    """Read what follows OK, GO or NO: at most a code and two courtesy words of that language."""
    assert message.alias is not None
    codes = [index for index, token in enumerate(message.rest) if token.is_number]
    if len(codes) + (code is not None) > 1 or len(message.rest) > _COURTESIES + len(codes):
        return Why.LEFT_OVER
    at = codes[0] if codes else len(message.rest)
    if codes and not is_code(message.rest[at]):
        return Why.LEFT_OVER
    allowed = message.lexicon.courtesies_of(message.alias.language)
    before, after = message.rest[:at], message.rest[at + 1 :]
    if not (_only_courtesies(before, allowed) and _only_courtesies(after, allowed)):
        return Why.LEFT_OVER
    return message.read_as(message.alias.command, code=message.rest[at].word if codes else code)


def read_checkin(message: Message) -> Reading | Why:
    """Read what follows a check-in word: perhaps a ward, then five digits; other digits: ask again."""
    rest = message.rest
    if _all_numbers(rest) and (answers := _five(rest)):
        return message.read_as(Command.CHECKIN, answers=answers)
    ward, used = message.wards.lead(rest) or (None, 0)
    tail = rest[used:]
    if ward is not None and _all_numbers(tail) and (answers := _five(tail)):
        return message.read_as(Command.CHECKIN, ward=ward, answers=answers)
    if _all_numbers(rest):
        return message.read_as(Command.CHECKIN_ASK)
    return message.read_as(Command.CHECKIN_ASK, ward=ward) if ward and _all_numbers(tail) else Why.LEFT_OVER


def read_calm(message: Message) -> Reading | Why:
    """Read a word for "all is quiet", which may be followed by a ward and nothing else."""
    ward, used = message.wards.lead(message.rest) or (None, 0)
    if used < len(message.rest):
        return Why.LEFT_OVER
    return message.read_as(Command.CHECKIN, ward=ward, answers=CALM_ANSWERS)


def read_numbers(message: Message, emergency: Collection[str]) -> Reading | Why:
    """Read digits alone: an emergency number, a check-in, a code open for this phone, or a slip."""
    alone = message.rest[0] if len(message.rest) == 1 else None
    if alone and alone.word in emergency:
        return message.read_as(Command.CALL, urgent=True)
    if answers := _five(message.rest):
        return message.read_as(Command.CHECKIN, answers=answers)
    if alone and is_code(alone):
        if alone.word not in message.open_codes:
            return Why.CODE_NOT_OPEN
        return Why.FORWARDED if message.forwarded else message.read_as(Command.OK, code=alone.word)
    if sum(len(token.word) for token in message.rest) in _LOOKS_LIKE_ANSWERS:
        return message.read_as(Command.CHECKIN_ASK)
    return Why.NO_COMMAND
