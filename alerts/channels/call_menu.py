"""The script of a call that we take (TwiML): choose a language, press what it is about, hear that it is kept.

The same words for every number, so that the menu never tells who is known here. No key leads on to the next verb and by that to the end
of the call: the hook has stored the call already, and a person rings back. What a key means is coordination/sms/menu.py.
"""

from __future__ import annotations

from twilio.twiml.voice_response import Gather, VoiceResponse

from alerts.channels.call_script import LISTEN_SECONDS
from alerts.spoken import TONGUES, Tongue, tongue

CALL_ME, SEEN = "0", "7"
KINDS = "123456"
KEYS = frozenset({CALL_ME, SEEN, *KINDS})
TIMES = 2
#: After so long no call can still be in the menu: what was pressed by then is all that is pressed.
LONGEST_SECONDS = 240
#: A spoken note: a person must hear it all, and whoever says nothing for so long has said it.
NOTE_SECONDS, SILENT_SECONDS = 60, 5


def languages(link: str) -> str:
    """Ask for a language by key, each in its own voice; `link` takes the key."""
    response = VoiceResponse()
    for _ in range(TIMES):
        listening = _listening(link)
        for number, speaks in enumerate(TONGUES.values(), 1):
            _say(listening, speaks.menu["choose"].format(n=number), speaks)
        response.append(listening)
    first = next(iter(TONGUES.values()))
    _say(response, first.menu["goodbye"], first)
    return str(response)


def language_of(key: str) -> str | None:
    """The language that a key chose, or None for a key that chooses none."""
    codes = list(TONGUES)
    return codes[int(key) - 1] if key.isdecimal() and 1 <= int(key) <= len(codes) else None


def menu(language: str, link: str, *, again: bool = False) -> str:
    """Ask what it is about; `again` after a key that is none of these."""
    speaks = tongue(language)
    response = VoiceResponse()
    if again:
        _say(response, speaks.menu["again"], speaks)
    for _ in range(TIMES):
        listening = _listening(link)
        _say(listening, speaks.menu["ask"], speaks)
        response.append(listening)
    _say(response, speaks.menu["goodbye"], speaks)
    return str(response)


def note(language: str, said: str, ready: str) -> str:
    """Ask for a few words after the tone. `said` takes the end of them, `ready` that the recording can be fetched.

    Whoever says nothing goes on to the thanks: the key that they pressed is kept already.
    """
    speaks = tongue(language)
    response = VoiceResponse()
    _say(response, speaks.menu["note"], speaks)
    response.record(
        action=said,
        method="POST",
        max_length=NOTE_SECONDS,
        timeout=SILENT_SECONDS,
        finish_on_key="#",
        play_beep=True,
        trim="trim-silence",
        recording_status_callback=ready,
        recording_status_callback_method="POST",
        recording_status_callback_event="completed absent",
    )
    _say(response, speaks.menu["thanks"], speaks)
    return str(response)


def thanks(language: str) -> str:
    """Say that it is kept, and that a person rings back."""
    speaks = tongue(language)
    response = VoiceResponse()
    _say(response, speaks.menu["thanks"], speaks)
    return str(response)


def _listening(link: str) -> Gather:
    return Gather(action=link, method="POST", num_digits=1, timeout=LISTEN_SECONDS)


def _say(into: VoiceResponse | Gather, words: str, speaks: Tongue) -> None:
    into.say(words, language=speaks.locale, voice=speaks.voice)
