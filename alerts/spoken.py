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

_LEVEL = re.compile(r"([0-5])/5")
ENGLISH = "en"


@dataclass(frozen=True)
class Tongue:
    """One language as a call speaks it: whose voice, and the sentences around a message."""

    locale: str
    voice: str
    out_of: str
    keys: str
    again: str
    thanks: str
    goodbye: str
    messages: Mapping[str, str]
    menu: Mapping[str, str]
    in_english: str = ""


def _tongues() -> Mapping[str, Tongue]:
    rows = tomllib.loads((Path(__file__).parent / "spoken.toml").read_text(encoding="utf-8"))
    return MappingProxyType({language: Tongue(**row) for language, row in rows.items()})


TONGUES: Mapping[str, Tongue] = _tongues()


def spoken_language(language: str) -> str:
    """The language that a person is spoken to in: their own where there are words and a voice, else English."""
    return language if language in TONGUES and language in CATALOGUES else ENGLISH


def tongue(language: str) -> Tongue:
    """How a language is spoken, or else English."""
    return TONGUES.get(language, TONGUES[ENGLISH])


def text_of(template: str, rendered: Rendered, wanted: str) -> str:
    """The words of a message as they are heard by somebody whose own language is `wanted`.

    `rendered` is the same message as an SMS, in the language that `spoken_language` gives.
    """
    speaks = tongue(rendered.language)
    words = speaks.messages.get(template, speaks.messages["other"])
    said = words.format_map({**rendered.values, "sms": rendered.text})
    said = _LEVEL.sub(lambda found: speaks.out_of.format(n=found[1]), said)
    return said if rendered.language == wanted else f"{TONGUES[ENGLISH].in_english} {said}"
