"""Who speaks in a call: a voice of the provider, or the operator's own recordings for a language that has none.

A line that was not recorded is said in English, and the call says so once before. `call_menu` and `call_script` speak through this.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from twilio.twiml.voice_response import Gather, VoiceResponse

from alerts.spoken import ENGLISH, RECORDED, TONGUES, Tongue, tongue

#: For one language: where each recorded line is fetched from.
Plays = Mapping[str, str]


@dataclass
class Speaker:
    """One language in one script. `plays` are the lines that were recorded for it."""

    language: str
    plays: Plays = field(default_factory=dict)
    _told: bool = False

    @property
    def tongue(self) -> Tongue:
        """Whose voice says what is not played."""
        return tongue(self.language)

    def line(self, into: VoiceResponse | Gather, key: str) -> None:
        """Speak a fixed line: `open`, `menu.ask` and the like."""
        if address := self.plays.get(key):
            into.play(address)
            return
        part, _, name = key.rpartition(".")
        self.words(into, self.tongue.menu[name] if part else getattr(self.tongue, name))

    def words(self, into: VoiceResponse | Gather, said: str) -> None:
        """Say words that nobody can have recorded, such as a place and a time."""
        if self.language not in TONGUES and not self._told:
            self._told, said = True, f"{TONGUES[ENGLISH].in_english} {said}"
        into.say(said, language=self.tongue.locale, voice=self.tongue.voice)

    def message(self, into: VoiceResponse | Gather, template: str, said: str) -> None:
        """Speak a message: the recording of its kind first, where there is one, and then what it is about."""
        if address := self.plays.get(f"messages.{template}"):
            into.play(address)
        self.words(into, said)

    def choice(self, into: VoiceResponse | Gather, number: int) -> None:
        """Offer this language by its key, in itself; one without a recording is offered in English."""
        if address := self.plays.get("menu.choose"):
            into.play(address)
            return
        said = self.tongue.menu["choose"].format(n=number)
        said = said.replace("English", RECORDED.get(self.language, "English"))
        into.say(said, language=self.tongue.locale, voice=self.tongue.voice)
