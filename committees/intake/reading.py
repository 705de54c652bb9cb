"""What an SMS was read as: the commands, the reasons for not reading one, and the reading itself.

Only the shapes live here; how a text becomes a reading is grammar.py. Whoever acts on an SMS may import this.
"""

from dataclasses import dataclass
from enum import StrEnum


class Command(StrEnum):
    """What a message asks for. CALM is only a heading of the word list: it is read as CHECKIN 11111."""

    REPORT = "REPORT"
    CHECKIN = "CHECKIN"
    CHECKIN_ASK = "CHECKIN_ASK"
    CALM = "CALM"
    OK = "OK"
    GO = "GO"
    NO = "NO"
    WRONG = "WRONG"
    STATUS = "STATUS"
    HELP = "HELP"
    CALL = "CALL"
    STOP = "STOP"
    START = "START"
    PAUSE = "PAUSE"
    LANG = "LANG"
    OVER = "OVER"
    VOUCH = "VOUCH"
    UNREAD = "UNREAD"
    EMPTY = "EMPTY"


class Why(StrEnum):
    """Why a message stayed UNREAD, in a sentence that the secretary can read."""

    NO_COMMAND = "It does not begin with a word we know."
    LEFT_OVER = "It begins with a word we know, but other words follow that do not belong to it."
    CODE_NOT_OPEN = "It is only a number, and no open alert for this phone has that code."
    FORWARDED = "It looks like a message passed on from somebody else, so it does not count as an answer."
    NO_LANGUAGE = "It asks for another language, but does not say one we know."


@dataclass(frozen=True, slots=True)
class Reading:
    """How one SMS is read; every field a command does not use keeps its default."""

    raw: str
    """The message exactly as received."""
    command: Command
    ward: str | None = None
    """A ward as the place names it. None: not said, or not clear (see ward_unclear)."""
    ward_unclear: bool = False
    """A ward was named that the place does not have, or two different ones: the secretary decides."""
    text: str | None = None
    """REPORT: what happened, cut from the raw text. None if the person said only R."""
    code: str | None = None
    """OK, GO, NO: the reply code, 1 to 3 ASCII digits."""
    answers: str | None = None
    """CHECKIN: five digits of 1 (good) to 5 (bad): mood, rumours, incidents, safety, next week."""
    member: str | None = None
    """The four digits after FROM: whose phone this is not. A claim, held for the secretary."""
    handle: str | None = None
    """VOUCH: the sender's own word for whom they speak; it is kept nowhere. None: not said, or a number."""
    fuzzy: bool = False
    """The command was read through one slip of the thumb."""
    languages: tuple[str, ...] = ()
    """LANG: the language asked for, as a tag such as "ur" or "ur-Latn"."""
    days: int | None = None
    """PAUSE: for how many days, 1 to 90. None: not said."""
    reason: Why | None = None
    """UNREAD: why."""
    stop_hint: bool = False
    """UNREAD, short, and holds a word for STOP: answer with how to end all SMS."""
    urgent: bool = False
    """CALL: an emergency number was sent to us; ring this person now."""

    @property
    def language(self) -> str | None:
        """The language asked for by LANG, or None."""
        return self.languages[0] if self.languages else None
