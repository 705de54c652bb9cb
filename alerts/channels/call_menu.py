"""The script of a call that we take (TwiML): choose a language, press what it is about, hear that it is kept.

The same words for every number, so that the menu never tells who is known here. No key leads on to the next verb and by that to the end
of the call: the hook has stored the call already, and a person rings back. What a key means is coordination/sms/menu.py.
"""

from __future__ import annotations

from collections.abc import Mapping

from twilio.twiml.voice_response import Gather, VoiceResponse

from alerts.channels.call_script import LISTEN_SECONDS
from alerts.channels.call_voice import Plays, Speaker
from alerts.spoken import SPOKEN

CALL_ME, SEEN = "0", "7"
KINDS = "123456"
KEYS = frozenset({CALL_ME, SEEN, *KINDS})
TIMES = 2
#: After so long no call can still be in the menu: what was pressed by then is all that is pressed.
LONGEST_SECONDS = 240
#: A spoken note: a person must hear it all, and whoever says nothing for so long has said it.
NOTE_SECONDS, SILENT_SECONDS = 60, 5
#: The last words of a call: from a number, and from one that is hidden, which nobody can ring.
LAST, LAST_HIDDEN = ("menu.goodbye", "menu.thanks"), ("menu.hidden", "menu.hidden")


def _last(hidden: bool, *, pressed: bool) -> str:
    return (LAST_HIDDEN if hidden else LAST)[pressed]


def languages(link: str, recorded: Mapping[str, Plays], *, hidden: bool = False) -> str:
    """Ask for a language by key, each in its own voice; `link` takes the key, `recorded` is what was recorded for each."""
    response = VoiceResponse()
    for _ in range(TIMES):
        listening = _listening(link)
        for number, language in enumerate(SPOKEN, 1):
            Speaker(language, recorded.get(language, {})).choice(listening, number)
        response.append(listening)
    Speaker(SPOKEN[0]).line(response, _last(hidden, pressed=False))
    return str(response)


def language_of(key: str) -> str | None:
    """The language that a key chose, or None for a key that chooses none."""
    return SPOKEN[int(key) - 1] if key.isdecimal() and 1 <= int(key) <= len(SPOKEN) else None


def menu(speaks: Speaker, link: str, *, again: bool = False, hidden: bool = False) -> str:
    """Ask what it is about; `again` after a key that is none of these."""
    response = VoiceResponse()
    if again:
        speaks.line(response, "menu.again")
    for _ in range(TIMES):
        listening = _listening(link)
        speaks.line(listening, "menu.ask")
        response.append(listening)
    speaks.line(response, _last(hidden, pressed=False))
    return str(response)


def note(speaks: Speaker, said: str, ready: str, *, hidden: bool = False) -> str:
    """Ask for a few words after the tone. `said` takes the end of them, `ready` that the recording can be fetched.

    Whoever says nothing goes on to the thanks: the key that they pressed is kept already.
    """
    response = VoiceResponse()
    speaks.line(response, "menu.note")
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
    speaks.line(response, _last(hidden, pressed=True))
    return str(response)


def thanks(speaks: Speaker, *, hidden: bool = False) -> str:
    """Say that it is kept, and that a person rings back; or why nobody can."""
    response = VoiceResponse()
    speaks.line(response, _last(hidden, pressed=True))
    return str(response)


def _listening(link: str) -> Gather:
    return Gather(action=link, method="POST", num_digits=1, timeout=LISTEN_SECONDS)
