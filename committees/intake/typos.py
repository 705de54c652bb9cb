"""One slip of the thumb: which command a word was probably meant to be, where guessing does no harm.

Commands that silence, answer or take back are never guessed. Only grammar.py imports this.
"""

from committees.intake.lexicon import Lexicon
from committees.intake.reading import Command

SHORTEST = 5
"""Code points that both the typed word and the alias must have: shorter ones are a slip from too many."""
GUESSABLE = frozenset(
    {Command.REPORT, Command.CHECKIN, Command.STATUS, Command.HELP, Command.CALL, Command.LANG}
)


def one_slip(typed: str, meant: str) -> bool:
    """True if one letter added, left out, changed, or two neighbours swapped makes one word the other."""
    if abs(len(typed) - len(meant)) > 1 or typed == meant:
        return False
    if len(typed) != len(meant):
        longer, shorter = sorted((typed, meant), key=len, reverse=True)
        at = next((i for i, letter in enumerate(shorter) if letter != longer[i]), len(shorter))
        return longer[:at] + longer[at + 1 :] == shorter
    wrong = [i for i, letter in enumerate(typed) if letter != meant[i]]
    if len(wrong) == 1:
        return True
    if len(wrong) != 2 or wrong[1] != wrong[0] + 1:
        return False
    first, second = wrong
    return typed[first] == meant[second] and typed[second] == meant[first]


def meant_command(typed: str, lexicon: Lexicon) -> Command | None:
    """Return the only command that typed is one slip away from, if it is one that may be guessed."""
    if len(typed) < SHORTEST or typed.isdigit() or typed in lexicon.never_typos:
        return None
    near = {
        alias.command
        for (word, *more), alias in lexicon.aliases.items()
        if not more and len(word) >= SHORTEST and one_slip(typed, word)
    }
    return near.pop() if len(near) == 1 and near <= GUESSABLE else None
