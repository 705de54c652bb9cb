"""The grammar of the SMS line: from a text to a Reading. Pure; it never raises, whatever the text.

A command counts only if the whole message fits its rule; anything else is UNREAD and a person looks at it.
Strict where a mistake hurts (STOP, OK, GO, NO), forgiving elsewhere. The words are in aliases.toml. Whoever
acts on a reading may import this module; nothing here acts.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from itertools import takewhile
from types import MappingProxyType

from committees.intake.answers import is_code, read_answer, read_calm, read_checkin, read_numbers
from committees.intake.lexicon import Alias, lexicon, words_of
from committees.intake.message import FROM_MAY_FOLLOW, Message
from committees.intake.normalise import asks_only, has_visible, trimmed
from committees.intake.reading import Command, Reading, Why
from committees.intake.teaching import NONE_TAUGHT, TaughtWords
from committees.intake.typos import meant_command
from committees.intake.wards import Wards

__all__ = ["EMERGENCY_NUMBERS", "Command", "Reading", "Why", "read"]

EMERGENCY_NUMBERS = frozenset(
    {"15", "16", "100", "101", "102", "108", "110", "112", "115", "118", "119", "911", "999", "1122", "1990"}
)
"""Police, fire and rescue numbers of the countries served. Never give one out as a reply code."""

_ALONE = frozenset({Command.STOP, Command.START})
# What a message passed on must not do in the name of the person who passed it on.
_NEVER_PASSED_ON = frozenset(
    {
        Command.OK,
        Command.GO,
        Command.NO,
        Command.STOP,
        Command.CALM,
        Command.START,
        Command.WRONG,
        Command.PAUSE,
        Command.VOUCH,
    }
)
_LONGEST_PAUSE_DAYS = 90
_NO_ALIASES: Mapping[str, str] = MappingProxyType({})


def read(
    text: str,
    *,
    wards: Collection[int | str] = (),
    ward_aliases: Mapping[str, str] = _NO_ALIASES,
    open_codes: Collection[str] = (),
    emergency: Collection[str] = EMERGENCY_NUMBERS,
    taught: TaughtWords = NONE_TAUGHT,
) -> Reading:
    """Read one SMS as a member of a place meant it; what cannot be read for certain is UNREAD, never dropped.

    `wards` are the wards the place has, `ward_aliases` other names for them ({name: ward}), `open_codes` the
    reply codes open for this phone, `emergency` the numbers that mean "call me now" when sent to us alone,
    `taught` the words that the committee taught its line.
    """
    if not has_visible(text):
        return Reading(text, Command.EMPTY)
    if asks_only(text):
        return Reading(text, Command.HELP)
    words = lexicon()
    message = Message.of(text, words, Wards.of(wards, ward_aliases, words), frozenset(open_codes))
    outcome = _read_body(message, frozenset(emergency))
    if outcome is Why.NO_COMMAND:
        outcome = _read_taught(message, taught)
    if isinstance(outcome, Reading) and outcome.member and outcome.command not in FROM_MAY_FOLLOW:
        outcome = Why.LEFT_OVER
    return message.unread(outcome) if isinstance(outcome, Why) else outcome


def _read_body(message: Message, emergency: Collection[str]) -> Reading | Why:
    """Try, in this order: STOP as the whole message, digits, a known word, a code before OK, one slip."""
    words = message.lexicon
    whole = words.aliases.get(words_of(message.all_tokens))
    if whole and whole.command in _ALONE and not message.forwarded:
        return Reading(message.raw, whole.command)
    if not message.rest:
        return Why.NO_COMMAND
    if all(token.is_number for token in message.rest):
        return read_numbers(message, emergency)
    if alias := words.alias_at(message.rest):
        return _read_command(message.after(len(alias.words), alias))
    first = message.rest[0]
    alias = words.alias_at(message.rest[1:]) if is_code(first) else None
    if alias and alias.command is Command.OK:
        if message.forwarded:
            return Why.FORWARDED
        return read_answer(message.after(1 + len(alias.words), alias), first.word)
    if meant := meant_command(first.word, words):
        return _read_command(message.after(1, Alias(meant, "", ()), fuzzy=True))
    return Why.NO_COMMAND


def _read_taught(message: Message, taught: TaughtWords) -> Reading | Why:
    """Read what nothing else could: a whole message that was taught, or a first word that was."""
    if not message.rest:
        return Why.NO_COMMAND
    if command := taught.whole.get(words_of(message.all_tokens)):
        return _read_command(message.after(len(message.rest), Alias(command, "", ())))
    if command := taught.first.get(words_of(message.rest[:1])):
        outcome = _read_command(message.after(1, Alias(command, "", ())))
        if isinstance(outcome, Reading) and outcome.command is Command.REPORT:
            # A word that was taught may be part of what happened, unlike R.
            return replace(outcome, text=trimmed(message.raw[message.rest[0].start : message.end]))
        return outcome
    return Why.NO_COMMAND


def _read_command(message: Message) -> Reading | Why:
    """Apply the rule of the command that was found."""
    assert message.alias is not None
    command = message.alias.command
    if command in _ALONE:
        # As the whole message it was read before; here something stands before or after it.
        return Why.FORWARDED if message.forwarded else Why.LEFT_OVER
    if message.forwarded and command in _NEVER_PASSED_ON:
        return Why.FORWARDED
    return _RULES[command](message)


def _report(message: Message) -> Reading:
    """Read a ward that comes first or is named in the text; the rest is what happened, in their words."""
    lead = message.wards.lead(message.rest)
    if lead:
        ward, used = lead
        happened = trimmed(message.raw[message.rest[used - 1].end : message.end])
        return message.read_as(Command.REPORT, ward=ward, text=happened)
    mentioned, unclear = message.wards.mentioned(message.rest)
    happened = trimmed(message.raw[message.cut : message.end])
    return message.read_as(Command.REPORT, ward=mentioned, ward_unclear=unclear, text=happened)


def _vouch(message: Message) -> Reading:
    """Read the one word for whom somebody speaks (letters, or letters and digits in one piece), and then a report."""
    if not message.rest or message.rest[0].is_number:
        return message.read_as(Command.VOUCH)
    parts = [message.rest[0], *takewhile(lambda token: token.glued, message.rest[1:])]
    told = _report(replace(message, rest=message.rest[len(parts) :], cut=parts[-1].end))
    return replace(told, command=Command.VOUCH, handle="".join(words_of(parts)))


def _with_ward(message: Message) -> Reading | Why:
    """Read a command that only a ward may follow."""
    assert message.alias is not None
    ward, used = message.wards.lead(message.rest) or (None, 0)
    return Why.LEFT_OVER if used < len(message.rest) else message.read_as(message.alias.command, ward=ward)


def _simple(message: Message) -> Reading | Why:
    """Read a command that nothing may follow."""
    assert message.alias is not None
    return Why.LEFT_OVER if message.rest else message.read_as(message.alias.command)


def _pause(message: Message) -> Reading | Why:
    """Read PAUSE with a number of days, or without."""
    if not message.rest:
        return message.read_as(Command.PAUSE)
    number, *unit = message.rest
    if not is_code(number) or len(unit) > 1 or any(token.word not in message.lexicon.days for token in unit):
        return Why.LEFT_OVER
    days = int(number.word)
    return message.read_as(Command.PAUSE, days=days) if 0 < days <= _LONGEST_PAUSE_DAYS else Why.LEFT_OVER


def _lang(message: Message) -> Reading | Why:
    """Read LANG with a language we know."""
    tag = message.lexicon.languages.get(words_of(message.rest))
    return message.read_as(Command.LANG, languages=(tag,)) if tag else Why.NO_LANGUAGE


_RULES: Mapping[Command, Callable[[Message], Reading | Why]] = {
    Command.REPORT: _report,
    Command.CHECKIN: read_checkin,
    Command.CALM: read_calm,
    Command.OK: read_answer,
    Command.GO: read_answer,
    Command.NO: read_answer,
    Command.WRONG: _simple,
    Command.STATUS: _with_ward,
    Command.HELP: _simple,
    Command.CALL: _simple,
    Command.PAUSE: _pause,
    Command.LANG: _lang,
    Command.OVER: _with_ward,
    Command.VOUCH: _vouch,
}
