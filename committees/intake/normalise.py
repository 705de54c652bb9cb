"""The copy of an SMS that the reader reads: words and numbers, with like spellings made the same.

What is stored, shown and quoted back is always the raw text; every word here knows where in it it stood.
No meaning of any word lives here (lexicon.py, grammar.py). Any module of intake may import this one.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

_APOSTROPHES = frozenset("'\u2018\u2019\u02bc\uff07")
# Variation selectors, the keycap frame around emoji digits, and letters by category that nobody can see.
_UNSEEN = frozenset(
    map(
        chr,
        (
            *range(0xFE00, 0xFE10),
            *range(0xE0100, 0xE01F0),
            0x180B,
            0x180C,
            0x180D,
            0x180F,
            0x034F,
            0x115F,
            0x1160,
            0x17B4,
            0x17B5,
            0x3164,
            0xFFA0,
        ),
    )
)
_KEYCAP = "\N{COMBINING ENCLOSING KEYCAP}"
_BLANKS = frozenset({"Cc", "Zs", "Zl", "Zp"})
_QUESTION_MARKS = frozenset("?\u061f\uff1f")
# > and the angle quotes and arrows that phones put before a message passed on.
_FORWARD_SIGNS = frozenset(">\u00bb\u203a\u21aa\u2192\u27a1")
_LOOSE_AFTER = frozenset(",;:#*-_/|\"'\u201c\u201d\u2018\u2019\u060c\u061b\u2013\u2014")
_LOOSE_BEFORE = _LOOSE_AFTER | frozenset(".!)]>\u06d4\u0964")
# Over the kinds of the characters: a word may hold an apostrophe if a letter follows; stray marks drop out.
_WORD_OR_NUMBER = re.compile(r"L(?:[LM-]|'(?=-*L))*|D[DM-]*")
# What stands for a message that shows something but holds no word, so that it is not taken for an empty one.
_WORDLESS = "."

# Arabic and Urdu keyboards send different letters for the same key: kaf, yeh and heh in all their forms.
_LOOK_ALIKES = str.maketrans(
    {
        0x0643: 0x06A9,
        0x06AA: 0x06A9,
        0x064A: 0x06CC,
        0x0649: 0x06CC,
        0x06CD: 0x06CC,
        0x0647: 0x06C1,
        0x06BE: 0x06C1,
        0x06C0: 0x06C1,
        0x06C2: 0x06C1,
        0x06D5: 0x06C1,
    }
)
# The dot below that many phones leave out: Devanagari, Bangla and their neighbours.
_NUKTAS = dict.fromkeys((0x093C, 0x09BC, 0x0A3C, 0x0ABC, 0x0B3C, 0x0CBC))


@dataclass(frozen=True, slots=True)
class Token:
    """One word or one number of a message, as read, and the slice raw[start:end] it was read from."""

    word: str
    start: int
    end: int
    glued: bool
    """True where it touches the token before it, as 47 does in "ok47"."""

    @property
    def is_number(self) -> bool:
        """True if the token is digits, which are always ASCII here."""
        return self.word.isdigit()


def _fold(word: str) -> str:
    """Bring one word of letters to its reading form; doing it again changes nothing."""
    while True:
        folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", word).casefold())
        folded = folded.translate(_LOOK_ALIKES)
        folded = unicodedata.normalize("NFD", folded).translate(_NUKTAS)
        folded = "".join(c for c in unicodedata.normalize("NFC", folded) if c not in _APOSTROPHES)
        if folded == word:
            return folded
        word = folded


def _kind(char: str) -> str:
    """Return L letter, M mark, D digit, ' apostrophe, - for what drops out, or a blank: it splits words."""
    if char in _APOSTROPHES:
        return "'"
    category = unicodedata.category(char)
    if category == "Cf" or char in _UNSEEN or char == _KEYCAP:
        return "-"
    if category == "Nd":
        return "D"
    return category[0] if category[0] in "LM" else " "


def tokens(raw: str) -> list[Token]:
    """Split raw text into its words and numbers, in order; any text at all is accepted."""
    kinds = "".join(map(_kind, raw))
    found: list[Token] = []
    for match in _WORD_OR_NUMBER.finditer(kinds):
        start, end = match.span()
        if kinds[start] == "D":
            word = "".join(str(unicodedata.decimal(raw[i])) for i in range(start, end) if kinds[i] == "D")
        else:
            word = _fold("".join(raw[i] for i in range(start, end) if kinds[i] in "LM"))
        found.append(Token(word, start, end, glued=bool(found) and found[-1].end == start))
    return found


def join(parts: Iterable[Token]) -> str:
    """Write tokens as one line: a blank between them, but none where they touched."""
    return "".join(token.word if token.glued else f" {token.word}" for token in parts).strip()


def normalise(raw: str) -> str:
    """Write the whole message in its reading form; doing it again changes nothing, and it reads the same."""
    if asks_only(raw):
        return "?"
    body = join(tokens(raw))
    if not body:
        return _WORDLESS if has_visible(raw) else ""
    return f"fwd {body}" if has_forward_sign(raw) else body


def _shown(raw: str) -> str:
    """Return the characters of raw that a person would see."""
    return "".join(c for c in raw if _kind(c) != "-" and unicodedata.category(c) not in _BLANKS)


def has_visible(raw: str) -> bool:
    """True if anything in raw can be seen: spaces, control characters and joiners alone cannot."""
    return bool(_shown(raw))


def asks_only(raw: str) -> bool:
    """True if raw shows nothing but question marks."""
    shown = _shown(raw)
    return bool(shown) and set(shown) <= _QUESTION_MARKS


def has_forward_sign(raw: str) -> bool:
    """True if raw begins with a sign that phones put before a message passed on, such as ">"."""
    return _shown(raw)[:1] in _FORWARD_SIGNS


def trimmed(raw: str) -> str | None:
    """Cut blanks, joiners and loose punctuation off both ends; None if nothing that shows is left."""
    start, end = 0, len(raw)
    while start < end and (raw[start] in _LOOSE_BEFORE or not has_visible(raw[start])):
        start += 1
    while end > start and (raw[end - 1] in _LOOSE_AFTER or not has_visible(raw[end - 1])):
        end -= 1
    return raw[start:end] or None


def storable(raw: str) -> str:
    r"""Write NUL and lone surrogates as \x00 and \ud800, which a database refuses; else unchanged."""
    return "".join(
        "\\x00" if c == "\0" else f"\\u{ord(c):04x}" if unicodedata.category(c) == "Cs" else c for c in raw
    )
