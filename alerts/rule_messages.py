"""What a rule's message may be: the closed lists from which a rule names its message, its advice and its word, and how it then reads.

Rules carry these words as data and are checked against the lists when they are saved (risk/rule_checks.py); the words themselves stand in
templates_text/. Anyone in alerts or coordination may import it; nothing is sent here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from alerts import messages
from alerts.messages import CATALOGUES, TEMPLATES
from committees.catalogue import KINDS

#: The message of an alert where its rule names no other. From level 4 on, and for what is confirmed, it is always this one.
ALERT = "alert"
#: Messages by which a rule may tell people of its alert: those that templates.toml marks so.
MESSAGES: tuple[str, ...] = tuple(key for key, template in TEMPLATES.items() if template.rule)
HIGHEST_OF_OTHERS = 3
#: The one thing that is asked for, and what it is where a rule names none, and in every private matter.
ACTIONS: tuple[str, ...] = tuple(CATALOGUES["en"].language.words["action"])
ACTION, PRIVATE_ACTION = "meet", "call_us"
#: What a rule says has happened, with the word of the message for it; without a word it is read off the reports.
MIXED = "mixed"
WHATS: Mapping[str, str] = {
    "": "",
    MIXED: "",
    "private_matter": "private",
    "date_ahead": "date_ahead",
    "shock_elsewhere": "tension",
    "rumours": "rumours",
    "several": "several",
    "tension": "tension",
    **{key: key for key, kind in KINDS.items() if kind.sms},
}


@dataclass(frozen=True)
class Preview:
    """An SMS in one language as it would read, and how many parts of an SMS it takes at most."""

    language: str
    name: str
    direction: str
    text: str
    segments: int
    encoding: str


def message_of(named: str, *, level: int, sure: str) -> str:
    """The template that goes out for an alert whose rule names this one: nothing but the alert itself where it is grave or confirmed."""
    plain = level > HIGHEST_OF_OTHERS or sure == "confirmed" or named not in MESSAGES
    return ALERT if plain else named


def advice_of(named: str, *, private: bool) -> str:
    """The advice that goes out for an alert whose rule names this one."""
    return PRIVATE_ACTION if private else named if named in ACTIONS else ACTION


def action_words(action: str, language: str) -> str:
    """An advice as the message says it, in a reader's language."""
    return messages.catalogue(language).language.words["action"][action]


def previews(template: str, slots: Mapping[str, Any]) -> list[Preview]:
    """The message in every language: filled with these values where its gaps have them, counted with everything else at its widest."""
    return [_preview(template, slots, key) for key in CATALOGUES]


def _preview(template: str, slots: Mapping[str, Any], key: str) -> Preview:
    words = CATALOGUES[key]
    form, text = TEMPLATES[template].slots, words.sms[template]
    widest = messages.widest(template, words)
    shown = widest | {
        name: form[name].fill(name, value, words.language) for name, value in slots.items() if name in form
    }
    fixed = {name: shown[name] for name in ("what", "action") if name in slots and name in form}
    segments, encoding = messages.count_segments(text.format_map(widest | fixed))
    return Preview(
        words.language.code, words.name, words.direction, text.format_map(shown), segments, encoding
    )
