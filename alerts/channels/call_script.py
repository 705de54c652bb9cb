"""The script of one call, in the language that Twilio reads (TwiML): ask for a key, say the message, listen for a key, say it again.

Whoever picks up may be anybody, or a machine: before a key is pressed a call names nobody, no place and no matter. Key 9 ends the listening
without a key, and by that the script goes on to the same words again; keys 1 to 3 are posted to the voice hook. `voice` sends the
opening, the hook answers with the rest.
"""

from __future__ import annotations

from twilio.twiml.voice_response import Gather, VoiceResponse

from alerts.channels.call_voice import Speaker

#: What Twilio takes inside a request.
LONGEST = 4000
MOST_TIMES = 4
LISTEN_SECONDS = 8
AGAIN, OPEN = "9", "1"
#: The line after a key that is none of them.
ASK_AGAIN = "again"


class TooLong(ValueError):
    """The message is too long to be said even once."""


def opening(speaks: Speaker, open_link: str) -> str:
    """What whoever picks up hears: that there is a message, and by which key it is heard."""
    response = VoiceResponse()
    for _ in range(MOST_TIMES):
        listening = Gather(action=open_link, method="POST", num_digits=1, timeout=LISTEN_SECONDS)
        speaks.line(listening, "open")
        response.append(listening)
    return str(response)


def script(text: str, template: str, speaks: Speaker, keys_link: str) -> str:
    """The script that says a message up to four times and posts a key to `keys_link`; raise TooLong."""
    for times in range(MOST_TIMES, 0, -1):
        made = _script(text, template, Speaker(speaks.language, speaks.plays), keys_link, times)
        if len(made) <= LONGEST:
            return made
    raise TooLong


def _script(text: str, template: str, speaks: Speaker, keys_link: str, times: int) -> str:
    response = VoiceResponse()
    for _ in range(times):
        listening = _listening(keys_link)
        speaks.message(listening, template, text)
        speaks.line(listening, "keys")
        response.append(listening)
    speaks.line(response, "goodbye")
    return str(response)


def answer(line: str, speaks: Speaker, keys_link: str) -> str:
    """What the call says after a key: the one line that says how it fares, or which keys there are, once more."""
    response = VoiceResponse()
    if line == ASK_AGAIN:
        listening = _listening(keys_link)
        speaks.line(listening, line)
        response.append(listening)
        speaks.line(response, "goodbye")
    else:
        speaks.line(response, line)
    return str(response)


def _listening(keys_link: str) -> Gather:
    return Gather(action=keys_link, method="POST", num_digits=1, finish_on_key=AGAIN, timeout=LISTEN_SECONDS)
