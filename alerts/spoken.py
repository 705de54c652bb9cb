"""What a telephone call says: the words of a message as they are heard, and the sentences about the keys.

Words and voices stand in `spoken.toml`. A language that no voice speaks, or in which Concord has no words yet, is spoken in
English, and the call says so. Nothing is sent here: `alerts.channels.call_script` makes the script of a call, and the voice
hook of coordination answers keys in the same words.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from alerts.messages import CATALOGUES, Rendered
from foundation.config import LOCALES

_LEVEL = re.compile(r"([0-5])/5")
ENGLISH = "en"


@dataclass(frozen=True)
class Tongue:
    """One language as a call speaks it: whose voice, and the sentences around a message."""

    locale: str
    voice: str
    out_of: str
    open: str
    keys: str
    again: str
    thanks: str
    older: str
    over: str
    goodbye: str
    messages: Mapping[str, str]
    menu: Mapping[str, str]
    in_english: str = ""


def _tongues() -> Mapping[str, Tongue]:
    rows = tomllib.loads((Path(__file__).parent / "spoken.toml").read_text(encoding="utf-8"))
    return MappingProxyType({language: Tongue(**row) for language, row in rows.items()})


TONGUES: Mapping[str, Tongue] = _tongues()
#: Languages of ours that no voice speaks: a call plays what was recorded for them (alerts/recorded.py), and says the rest in English.
RECORDED = {"si": "Sinhala", "dv": "Dhivehi"}
assert {*TONGUES, *RECORDED} == set(LOCALES)
#: Every language of the menu, in the order of its keys.
SPOKEN = (*TONGUES, *RECORDED)


def lines(language: str) -> Mapping[str, str]:
    """Everything that a recorded language needs: each line by its key, with the English words that it stands for."""
    english = TONGUES[ENGLISH]
    choose = english.menu["choose"].replace("English", RECORDED[language])
    menu = {**english.menu, "choose": choose.format(n=SPOKEN.index(language) + 1)}
    frame = {
        name: getattr(english, name)
        for name in ("open", "keys", "again", "thanks", "older", "over", "goodbye")
    }
    messages = {key: said for key, said in english.messages.items() if key != "other"}
    return (
        {f"menu.{key}": said for key, said in menu.items()}
        | frame
        | {f"messages.{key}": said for key, said in messages.items()}
    )


def spoken_language(language: str) -> str:
    """The language that a person is spoken to in: their own where there are words and a voice, else English."""
    return language if language in TONGUES and language in CATALOGUES else ENGLISH


def tongue(language: str) -> Tongue:
    """How a language is spoken, or else English."""
    return TONGUES.get(language, TONGUES[ENGLISH])


def text_of(template: str, rendered: Rendered) -> str:
    """The words of a message as they are heard.

    `rendered` is the same message as an SMS, in the language that `spoken_language` gives.
    """
    speaks = tongue(rendered.language)
    words = speaks.messages.get(template, speaks.messages["other"])
    said = words.format_map({**rendered.values, "sms": rendered.text})
    return _LEVEL.sub(lambda found: speaks.out_of.format(n=found[1]), said)
