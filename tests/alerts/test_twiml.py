"""Every script of a call, in every language, keeps the published rules of TwiML: verbs, where they may stand, attributes and their values.

The rules stand here as data, written from the provider's documentation, and not from what our code happens to make.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree import ElementTree as XML

import pytest

from alerts.channels import call_menu, call_script
from alerts.channels.call_voice import Speaker
from alerts.spoken import RECORDED, SPOKEN, TONGUES, lines

LINK = "https://concord.example/hooks/twilio/menu/ur"
ADDRESS, POST, COUNT = r"https://[^\s<>]+", "POST", r"[1-9][0-9]*"
#: By verb: what may stand inside it, and its attributes with the form of their values.
RULES: dict[str, tuple[frozenset[str], dict[str, str]]] = {
    "Response": (frozenset({"Say", "Play", "Gather", "Record", "Reject", "Hangup"}), {}),
    "Gather": (
        frozenset({"Say", "Play", "Pause"}),
        {"action": ADDRESS, "method": POST, "numDigits": COUNT, "timeout": COUNT, "finishOnKey": r"[0-9#*]"},
    ),
    "Say": (
        frozenset(),
        {"language": r"[a-z]{2}-[A-Z]{2}", "voice": r"Google\.[a-z]{2}-[A-Z]{2}-Standard-[A-D]"},
    ),
    "Play": (frozenset(), {}),
    "Record": (
        frozenset(),
        {
            "action": ADDRESS,
            "method": POST,
            "maxLength": COUNT,
            "timeout": COUNT,
            "finishOnKey": r"[0-9#*]",
            "playBeep": "true|false",
            "trim": "trim-silence|do-not-trim",
            "recordingStatusCallback": ADDRESS,
            "recordingStatusCallbackMethod": POST,
            "recordingStatusCallbackEvent": r"(in-progress|completed|absent)( (in-progress|completed|absent))*",
        },
    ),
}
#: The languages of ours that the provider lists with such a voice.
LISTED = {"en-IN", "ur-IN", "hi-IN", "bn-IN", "ta-IN"}
LONGEST_SAY, WHOLE = 4096, 64 * 1024


def scripts(language: str, plays: dict[str, str]) -> Iterator[str]:
    def speaks() -> Speaker:
        return Speaker(language, plays)

    for hidden in (False, True):
        yield call_menu.languages(LINK, {language: plays}, hidden=hidden)
        yield call_menu.menu(speaks(), LINK, hidden=hidden)
        yield call_menu.menu(speaks(), LINK, again=True, hidden=hidden)
        yield call_menu.note(speaks(), LINK, LINK, hidden=hidden)
        yield call_menu.thanks(speaks(), hidden=hidden)
    yield call_script.opening(speaks(), LINK)
    yield call_script.script("Attention <4 of 5> & more", "alert", speaks(), LINK)
    for line in ("again", "thanks", "older", "over"):
        yield call_script.answer(line, speaks(), LINK)


def check(verb: XML.Element, inside: frozenset[str]) -> None:
    assert verb.tag in inside, f"<{verb.tag}> may not stand here"
    within, attributes = RULES[verb.tag]
    for name, value in verb.attrib.items():
        assert name in attributes, f"<{verb.tag}> knows no {name}"
        assert re.fullmatch(attributes[name], value), f"{name} of <{verb.tag}> cannot be {value}"
    said = (verb.text or "").strip()
    if verb.tag == "Say":
        assert 0 < len(said) <= LONGEST_SAY
        assert verb.get("language") in LISTED
        assert str(verb.get("voice")).split(".")[1].startswith(str(verb.get("language")))
    elif verb.tag == "Play":
        assert re.fullmatch(ADDRESS, said)
    else:
        assert not said, "words outside a verb are not read"
    for child in verb:
        check(child, within)


@pytest.mark.parametrize("language", SPOKEN)
@pytest.mark.parametrize("recorded", [False, True])
def test_every_script_keeps_the_rules(language: str, recorded: bool) -> None:
    plays = (
        {key: f"https://concord.example/{key}" for key in lines(language)}
        if recorded and language in RECORDED
        else {}
    )
    for made in scripts(language, plays):
        assert len(made.encode()) <= WHOLE
        check(XML.fromstring(made), frozenset({"Response"}))


@pytest.mark.parametrize("language", TONGUES)
def test_what_a_call_asks_for_can_be_pressed(language: str) -> None:
    asked = {key for key in call_menu.KEYS if key in XML.tostring(_menu(language), encoding="unicode")}
    asked |= {
        key
        for key in call_menu.KEYS
        if chr(ord("০") + int(key)) in XML.tostring(_menu(language), encoding="unicode")
    }
    assert asked == call_menu.KEYS


def _menu(language: str) -> XML.Element:
    (say, *_) = XML.fromstring(call_menu.menu(Speaker(language), LINK)).iter("Say")
    return say
