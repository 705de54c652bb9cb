"""The script of one call, in the language that Twilio reads (TwiML): say the message, listen for a key, say it again.

The script needs nothing from us while the call runs. Key 9 ends the listening without a key, and by that the script goes on
to the same words again; keys 1 to 3 are posted to the voice hook. `voice` sends scripts, the hook answers with `answer`.
"""

from __future__ import annotations

from twilio.twiml.voice_response import Gather, VoiceResponse

from alerts.spoken import Tongue, tongue

#: What Twilio takes inside a request.
LONGEST = 4000
MOST_TIMES = 4
LISTEN_SECONDS = 8
AGAIN = "9"


class TooLong(ValueError):
    """The message is too long to be said even once."""


def script(text: str, language: str, keys_link: str) -> str:
    """The script that says `text` up to four times and posts a key to `keys_link`; raise TooLong."""
    for times in range(MOST_TIMES, 0, -1):
        made = _script(text, tongue(language), keys_link, times)
        if len(made) <= LONGEST:
            return made
    raise TooLong


def _script(text: str, speaks: Tongue, keys_link: str, times: int) -> str:
    response = VoiceResponse()
    for _ in range(times):
        listening = _listening(keys_link)
        _say(listening, text, speaks)
        _say(listening, speaks.keys, speaks)
        response.append(listening)
    _say(response, speaks.goodbye, speaks)
    return str(response)


def answer(taken: bool, language: str, keys_link: str) -> str:
    """What the call says after a key: thank you, or which keys there are, once more."""
    speaks = tongue(language)
    response = VoiceResponse()
    if taken:
        _say(response, speaks.thanks, speaks)
    else:
        listening = _listening(keys_link)
        _say(listening, speaks.again, speaks)
        response.append(listening)
        _say(response, speaks.goodbye, speaks)
    return str(response)


def _listening(keys_link: str) -> Gather:
    return Gather(action=keys_link, method="POST", num_digits=1, finish_on_key=AGAIN, timeout=LISTEN_SECONDS)


def _say(into: VoiceResponse | Gather, words: str, speaks: Tongue) -> None:
    into.say(words, language=speaks.locale, voice=speaks.voice)
