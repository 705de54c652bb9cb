"""What may stand in the gaps of a message: keys of closed lists and typed values, never free text.

A value is plain JSON (it waits in the outbox): a key, a number, a time as ISO text, or the names of a
place. The words for the keys stand in `templates_text/<language>.toml`. A value that is too long is
refused, never cut: a warning with half a place name is worse than an error that a test finds.
`alerts.messages` is the only caller.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from foundation.errors import Invalid

Words = Mapping[str, Mapping[str, str]]
Show = Callable[[Any, "Language"], str]


class SlotRefused(Invalid):
    """A value does not fit its slot: the wrong kind of value, an unknown key, or too long."""


class NoWords(Exception):
    """A language has no words for this key: it is said in English, or else it is no key at all."""


@dataclass(frozen=True, eq=False)
class Language:
    """What a slot needs to know of a language: its code, whether it keeps to GSM-7 letters, and its words."""

    code: str
    gsm: bool
    words: Words

    def word(self, table: str, key: str) -> str:
        """Return the words for a key of a closed list; raise NoWords where this language has none."""
        try:
            return self.words[table][key]
        except KeyError:
            raise NoWords(f"{self.code}: {table}.{key}") from None


@dataclass(frozen=True, eq=False)
class Slot:
    """One kind of gap: how a value is shown, its longest in characters, and values at its widest."""

    show: Show
    limit: int
    widest: Callable[[Language], Iterable[Any]]

    def fill(self, name: str, value: Any, language: Language) -> str:
        """Return the words for `value`; raise SlotRefused if it is not one that this slot takes."""
        try:
            text = self.show(value, language)
        except (KeyError, TypeError, ValueError, AttributeError):
            raise SlotRefused(name, f"The slot {name!r} cannot take this value.") from None
        if not text or len(text) > self.limit:
            raise SlotRefused(name, f"The slot {name!r} takes at most {self.limit} characters.")
        return text


def closed(table: str, limit: int, otherwise: str | None = None) -> Slot:
    """A key of one table of words; `otherwise` is the key whose words stand in for a key that has none."""

    def show(value: Any, language: Language) -> str:
        if not isinstance(value, str) or not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", value):
            raise ValueError("not a key")
        known = otherwise is None or value in language.words.get(table, ())
        return language.word(table, value if known else otherwise or value)

    return Slot(show, limit, lambda language: list(language.words[table]))


def number(low: int, high: int) -> Slot:
    """A whole number from `low` to `high`."""

    def show(value: Any, language: Language) -> str:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ValueError("not such a number")
        return str(value)

    return Slot(show, len(str(high)), lambda language: [high])


def pattern(expression: str, limit: int, *widest: str) -> Slot:
    """Text of an exact shape, such as a code or a phone number."""
    shape = re.compile(expression, re.ASCII)

    def show(value: Any, language: Language) -> str:
        if not isinstance(value, str) or not shape.fullmatch(value):
            raise ValueError("not of this shape")
        return value

    return Slot(show, limit, lambda language: widest)


def levels(low: int) -> Slot:
    """A risk level from `low` to 5: its digits and its word. 0 is words alone: it is no level of risk."""

    def show(value: Any, language: Language) -> str:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= 5:
            raise ValueError("not a level")
        word = language.word("level", str(value))
        return f"{value}/5 {word}" if value else word

    return Slot(show, 14, lambda language: range(low, 6))


def _moment(value: Any) -> datetime:
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError("a time without its zone")
    return moment


def _clock(moment: datetime, language: Language) -> str:
    """The time of day as people say it: 6pm or 6:30pm, a word for the part of the day and the hour, or 18:30."""
    hour, minutes = moment.hour % 12 or 12, f":{moment.minute:02d}" if moment.minute else ""
    part = language.word("part_of_day", str(moment.hour))
    return language.word("clock", "form").format(
        part=part, time=f"{hour}{minutes}", day_time=f"{moment:%H:%M}"
    )


def _clock_slot() -> Slot:
    hours = [f"2026-11-25T{hour:02d}:30:00+05:00" for hour in range(24)]
    return Slot(lambda value, language: _clock(_moment(value), language), 13, lambda language: hours)


def _when_slot() -> Slot:
    def show(value: Any, language: Language) -> str:
        moment = _moment(value)
        return f"{language.word('weekday', str(moment.isoweekday()))} {_clock(moment, language)}"

    times = [f"2026-11-{day}T{hour:02d}:30:00+05:00" for day in range(23, 30) for hour in range(24)]
    return Slot(show, 18, lambda language: times)


def _date_slot() -> Slot:
    def show(value: Any, language: Language) -> str:
        day = date.fromisoformat(value)
        weekday, month = (
            language.word("weekday", str(day.isoweekday())),
            language.word("month", str(day.month)),
        )
        return f"{weekday} {day.day} {month}"

    days = [f"2026-{month:02d}-{day}" for month in range(1, 13) for day in range(20, 27)]
    return Slot(show, 18, lambda language: days)


_NAME = re.compile(r"[^\W_]+(?:[ .'()-]{1,2}[^\W_]+)*\.?")


#: Words that say what kind of area a name is: left out at its end where the name would not fit with them.
_AREA_WORDS = frozenset(
    ("area", "and", "atoll", "capital", "circle", "city", "corporation", "council", "district", "division")
    + (
        "gravets",
        "municipality",
        "of",
        "province",
        "region",
        "state",
        "subdistrict",
        "tehsil",
        "taluk",
        "taluka",
    )
    + ("territory", "town", "union", "upazila", "zila", "zone")
)


def _name(names: Any, language: Language) -> str:
    """The name of a place or town as the seed file has it, in this language or else in English.

    `short` among the names is used where the name itself is too long.
    """
    base = language.code.partition("-")[0]
    wanted = [language.code, "en"] if language.gsm else [language.code, base, "en"]
    text = names if isinstance(names, str) else next((names[key] for key in wanted if names.get(key)), "")
    text = plain(text) if language.gsm else text
    # Joined scripts have marks inside words, which are not letters to a regular expression.
    letters = "".join(
        c for c in text if not unicodedata.category(c).startswith("M") and c not in "\u200c\u200d"
    )
    if not _NAME.fullmatch(letters):
        raise ValueError("not a name")
    if len(text) > PLACE_LIMIT and isinstance(names, Mapping) and names.get("short"):
        return _name(str(names["short"]), language)
    return _without_area_words(str(text))


def _without_area_words(text: str) -> str:
    words = text.split(" ")
    while len(" ".join(words)) > PLACE_LIMIT and len(words) > 1 and words[-1].casefold() in _AREA_WORDS:
        words.pop()
    return " ".join(words)


def name_fits(names: Any) -> bool:
    """Whether the names of a place (language to name) can stand in an SMS; for those who load places."""
    english = Language("en", True, {})
    try:
        SLOTS["source"].fill("source", names, english)
    except SlotRefused:
        return False
    return True


def plain(text: str) -> str:
    """Return the text in plain Latin letters: curly quotes straight, long dashes short, accents off."""
    swapped = text.translate({0x2018: "'", 0x2019: "'", 0x201C: '"', 0x201D: '"', 0x2013: "-", 0x2014: "-"})
    return "".join(c for c in unicodedata.normalize("NFKD", swapped) if not unicodedata.combining(c))


def _place(value: Any, language: Language) -> str:
    """A ward by its number, or a place by its name; and a kind of landmark where one is given."""
    if isinstance(value, str) or not {"ward", "names", "landmark"} & set(value):
        return _name(value, language)
    if set(value) - {"ward", "names", "landmark"} or ("ward" in value) == ("names" in value):
        raise ValueError("a place is a ward or a name")
    if "ward" in value:
        if not re.fullmatch(r"[0-9]{1,3}[A-Z]?", str(value["ward"]), re.ASCII):
            raise ValueError("not the number of a ward")
        where = f"{language.word('place', 'ward')} {value['ward']}"
    else:
        where = _name(value["names"], language)
    landmark = value.get("landmark")
    closer = f"{where} {language.word('landmark', landmark)}" if landmark else where
    # A landmark that does not fit is left out whole: the place is still right, only less exact.
    return closer if len(closer) <= PLACE_LIMIT else where


def _widest_names(limit: int) -> Callable[[Language], Iterable[Any]]:
    return lambda language: ["W" * limit if language.gsm else "\u0634" * limit]


def _widest_places(language: Language) -> Iterable[Any]:
    yield from _widest_names(PLACE_LIMIT)(language)
    for landmark in language.words["landmark"]:
        yield {"ward": 99, "landmark": landmark}
    yield {"ward": 999}


def _wards(value: Any, language: Language) -> str:
    """The numbers of several wards of one town, as many as fit and how many more; a word for "several" where they are not to be named."""
    if not isinstance(value, list) or not all(
        re.fullmatch(r"[0-9]{1,3}", str(one), re.ASCII) for one in value
    ):
        raise ValueError("not numbers of wards")
    if not value:
        return language.word("place", "wards")
    ward, most = language.word("place", "ward"), len(value)
    for shown in range(most, 0, -1):
        more = f" +{most - shown}" if shown < most else ""
        text = f"{ward} {', '.join(str(one) for one in value[:shown])}{more}"
        if len(text) <= WARDS_LIMIT:
            break
    return text


def _roles(value: Any, language: Language) -> str:
    if not isinstance(value, list) or len(value) > 2:
        raise ValueError("at most two roles")
    return ", ".join(language.word("role", key) for key in value or ["nobody"])


def _widest_roles(language: Language) -> Iterable[Any]:
    keys = [key for key in language.words["role"] if key != "nobody"]
    return [[a, b] for a in keys for b in keys]


SOURCE_LIMIT = PLACE_LIMIT = 18
WARDS_LIMIT = 22

SLOTS: dict[str, Slot] = {
    "source": Slot(_name, SOURCE_LIMIT, _widest_names(SOURCE_LIMIT)),
    "place": Slot(_place, PLACE_LIMIT, _widest_places),
    "wards": Slot(
        _wards,
        WARDS_LIMIT,
        lambda language: [[], [101, 102, 103], [101, 102, 103, 104], [*range(10, 16)], [*range(100, 140)]],
    ),
    "level": levels(1),
    "any_level": levels(0),
    "what": closed("kind", 28, otherwise="unsorted"),
    "when": _when_slot(),
    "date": _date_slot(),
    "clock": _clock_slot(),
    "sure": closed("sure", 14),
    "action": closed("action", 30),
    "because": closed("because", 30),
    "outcome": closed("outcome", 30),
    "answer": closed("answer", 22),
    "decision": closed("decision", 30),
    "alarm": closed("alarm", 30, otherwise="other"),
    "lost": closed("lost", 24),
    "roles": Slot(_roles, 30, _widest_roles),
    "code": pattern(r"[0-9]{2,3}", 3, "999"),
    "one_time_code": pattern(r"[0-9]{6}", 6, "999999"),
    "reference": pattern(r"[A-Z][0-9]{4}", 5, "M9999"),
    "emergency": pattern(r"[0-9]{2,4}", 4, "9999"),
    # As people dial it at home: a number with its country's code would not fit beside a whole alert.
    "phone": pattern(r"[0-9]{3,11}", 11, "99999999999"),
    "count": number(0, 99),
    "days": number(1, 30),
    "scale": number(1, 5),
}
