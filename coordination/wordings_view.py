"""What the pages about the words of messages show: each message as an example and at its fullest, counted, and how far it is signed off.

Written by nobody else: the words stand in alerts/templates_text, the readers' notes in alerts/wordings.py. Pages only.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from alerts.messages import (
    CATALOGUES,
    TEMPLATES,
    Catalogue,
    Letter,
    OneWay,
    asks_for_an_answer,
    count_segments,
    letters_of,
    preview,
    render,
    render_mail,
    widest,
    wording,
)
from alerts.slots import SLOTS
from alerts.wordings import Standing, WordingNote, standing

#: One everyday value for each kind of gap.
EXAMPLES: dict[str, Any] = {
    "source": {"en": "Mardan Town"},
    "place": {"ward": 7, "landmark": "market"},
    "level": 4,
    "any_level": 2,
    "what": "angry_crowd",
    "when": "2026-11-24T18:00:00+05:00",
    "date": "2026-11-28",
    "clock": "2026-11-24T19:30:00+05:00",
    "sure": "not_confirmed",
    "action": "elders",
    "because": "talks_held",
    "outcome": "met",
    "answer": "not_true",
    "decision": "take",
    "roles": ["chair"],
    "code": "47",
    "one_time_code": "123456",
    "reference": "M2140",
    "emergency": "115",
    "count": 2,
    "days": 15,
    "scale": 2,
}
_KINDS = {slot: kind for kind, slot in SLOTS.items()}


@dataclass(frozen=True)
class Count:
    """How long a text is as an SMS, of how many letters."""

    letters: int
    most: int
    segments: int
    encoding: str

    @property
    def roomy(self) -> str:
        """How many letters it takes, of how many."""
        return f"{self.letters}/{self.most}"


def count(text: str, words: Catalogue) -> Count | None:
    """What somebody typed, counted as an SMS in these words; None where they typed nothing."""
    typed = text.replace("\r\n", "\n").strip()
    if not typed:
        return None
    segments, encoding = count_segments(typed)
    return Count(len(typed), letters_of(words), segments, encoding)


@dataclass(frozen=True)
class Shown(Count):
    """One message in one language, as a page shows it; counted at its fullest."""

    template: str
    language: str
    name: str
    dir: str
    text: str
    one_way: str
    fullest: str
    standing: Standing


def example_of(template: str) -> dict[str, Any]:
    """Everyday values for the gaps of a template, without its sealed one."""
    form = TEMPLATES[template]
    return {
        name: EXAMPLES.get(_KINDS[slot], next(iter(slot.widest(CATALOGUES["en"].language))))
        for name, slot in form.slots.items()
        if name != form.secret
    }


def shown(template: str, words: Catalogue, notes: Iterable[WordingNote]) -> Shown:
    """One message in one language: its example, the form for a route without answers, and itself at its fullest."""
    language, script = _person(words)
    longest = widest(template, words)
    fullest = wording(template, words).format_map(longest)
    segments, encoding = count_segments(fullest)
    return Shown(
        len(fullest),
        letters_of(words),
        segments,
        encoding,
        template,
        words.language.code,
        words.name,
        words.direction,
        preview(template, example_of(template), language, script),
        _one_way(template, words),
        fullest,
        standing(notes, words, template),
    )


def letter_of(template: str, words: Catalogue) -> Letter:
    """The example as a letter."""
    form = TEMPLATES[template]
    secret = str(next(iter(form.slots[form.secret].widest(words.language)))) if form.secret else None
    language, script = _person(words)
    return render_mail(
        template, example_of(template), language, script, secret, "https://concord.example/a/1"
    )


def _person(words: Catalogue) -> tuple[str, str]:
    """The language and letters of a person who reads these words."""
    language = words.language.code
    return (language.removesuffix("-Latn"), "latin") if language.endswith("-Latn") else (language, "own")


def _one_way(template: str, words: Catalogue) -> str:
    """The example where no answer comes back; nothing where the message asks for none."""
    if not asks_for_an_answer(template):
        return ""
    language, script = _person(words)
    return render(template, example_of(template), language, script, one_way=OneWay("0937111222")).text


def in_every_language(template: str, notes: list[WordingNote]) -> list[Shown]:
    """One template in each language that has it, English first."""
    return [
        shown(template, words, notes)
        for words in sorted(
            CATALOGUES.values(), key=lambda words: (words.language.code != "en", words.language.code)
        )
        if template in words.sms
    ]


@dataclass(frozen=True)
class LanguageRow:
    """One language on the list: how many of its messages are signed off, and how many it has."""

    code: str
    name: str
    dir: str
    ready: int
    all: int


def languages(notes: list[WordingNote]) -> list[LanguageRow]:
    """Every language with how far it is signed off."""
    rows = []
    for words in CATALOGUES.values():
        ready = sum(not standing(notes, words, template).draft for template in words.sms)
        rows.append(LanguageRow(words.language.code, words.name, words.direction, ready, len(words.sms)))
    return sorted(rows, key=lambda row: (row.code != "en", row.code))
