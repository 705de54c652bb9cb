"""What is wrong with a rule, as data: the sentence, where it stands, what was perhaps meant.

A rule is refused at saving with the path of the wrong word (`rules.crowd_now.when.sources.at_least`), in an expression with line and
column, and with the nearest right word. Nothing is checked here. Whoever reads rules raises it; doors turn it into words for a reader.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from difflib import get_close_matches
from typing import Any

from foundation.web.words import N_

DID_YOU_MEAN = N_("Did you mean “%(suggestion)s”?")
CHOOSE = N_("Choose one of: %(choices)s.")
MOST_NAMED = 16


class BadRule(ValueError):
    """A rule that cannot be used. `words` is an English sentence with gaps for `values`, ready for translation."""

    def __init__(
        self,
        words: str,
        *,
        path: str = "",
        suggestion: str = "",
        choices: Iterable[str] = (),
        position: tuple[int, int] | None = None,
        line: str = "",
        **values: Any,
    ) -> None:
        super().__init__(words)
        self.words, self.path, self.suggestion, self.values = words, path, suggestion, values
        self.choices = ", ".join(sorted(choices)[:MOST_NAMED])
        self.position, self.line = position, line

    def below(self, step: str) -> BadRule:
        """The same mistake, seen from one step further out."""
        joined = step if not self.path else step + ("" if self.path.startswith("[") else ".") + self.path
        self.path = joined
        return self

    @property
    def parts(self) -> list[tuple[str, dict[str, Any]]]:
        """The sentences of the mistake with the values of their gaps: what is wrong, then what was perhaps meant."""
        said: list[tuple[str, dict[str, Any]]] = [(self.words, self.values)]
        if self.suggestion:
            said.append((DID_YOU_MEAN, {"suggestion": self.suggestion}))
        elif self.choices:
            said.append((CHOOSE, {"choices": self.choices}))
        return said

    @property
    def caret(self) -> str:
        """The line of an expression that is wrong, with a caret under the place; empty elsewhere."""
        if self.position is None or not self.line:
            return ""
        return f"{self.line}\n{' ' * (self.position[1] - 1)}^"

    @property
    def where(self) -> str:
        """The path, and in an expression line and column as well: rules.mine.expression:1:7."""
        if not self.position:
            return self.path
        return ":".join((self.path, *map(str, self.position))).lstrip(":")

    def __str__(self) -> str:
        told = " ".join(words % values for words, values in self.parts)
        return f"{self.where}: {told}" if self.where else told


# What people write out of habit, and what it is here.
HABITS = {"=>": ">=", "=<": "<=", "=": "==", "<>": "!=", "and": "&&", "or": "||", "not": "!"}


def nearest(word: object, known: Collection[str]) -> str:
    """The known word that is meant by habit or looks most like this one, or nothing."""
    if (habit := HABITS.get(str(word), "")) in known:
        return habit
    found = get_close_matches(str(word).lower()[:60], list(known), n=1, cutoff=0.6)
    return found[0] if found else ""


def unknown(words: str, word: object, known: Iterable[str], **more: Any) -> BadRule:
    """A word that is on no list: the nearest one is suggested, else the list is named."""
    names = list(known)
    return BadRule(words, suggestion=nearest(word, names), choices=names, word=str(word)[:60], **more)
