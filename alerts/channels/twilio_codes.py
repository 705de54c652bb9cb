"""What Twilio's codes and states mean for us, as tables: permanent or not, and words for the secretary.

Codes are published at https://www.twilio.com/docs/api/errors. Only the words stand here; nothing is sent or
stored. Permanent means that the same message to the same number will never work. A fault of our own account
or settings is never permanent: it says nothing about the number, and the messages must go once it is
mended.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from alerts.channels.base import Why

State = Literal["sent", "delivered", "undelivered", "failed"]
STOPPED = "21610"


@dataclass(frozen=True)
class Verdict:
    """What one failure code means; `why`: what it says something about, as in DeliveryFailed."""

    permanent: bool
    words: str
    why: Why = ""


_NUMBER = "This number cannot receive SMS. Please check it with the person."
_OURS = "The SMS account refused this. An administrator should look at the SMS settings."
_BUSY = "The SMS line is busy. It will be tried again."
_PHONE = "The phone could not be reached: switched off, full or out of range."

_PERMANENT = {
    "21211": _NUMBER,
    "21214": _NUMBER,
    "21217": _NUMBER,
    "21265": _NUMBER,
    "21401": _NUMBER,
    "21614": _NUMBER,
    "21407": _NUMBER,
    "21421": _NUMBER,
    "21604": _NUMBER,
    "21635": _NUMBER,
    "30005": _NUMBER,
    "30006": _NUMBER,
    "21612": "This number cannot be reached from ours.",
    "21408": "SMS to this country is not switched on.",
    STOPPED: "This person sent STOP. No SMS may go to this number until they send START.",
    "21602": "The message was empty.",
    "21605": "The message was too long.",
    "21617": "The message was too long.",
    "21619": "The message was empty.",
    "63003": "This number has no WhatsApp account.",
    "63024": "This number has no WhatsApp account.",
    "63016": "WhatsApp takes only approved words from us now, and these were not.",
    "63032": "WhatsApp does not let this person get our messages.",
    "63033": "This person blocked our messages on WhatsApp.",
    "13223": "This number cannot be called.",
    "13224": "This number cannot be called.",
    "13225": "Calls to this number are not allowed.",
    "13227": "Calls to this country are not switched on.",
    "21215": "Calls to this country are not switched on.",
    "21216": "Calls to this number are not allowed.",
    "30004": "The phone or its network blocks our messages.",
    "30007": "The network took the message for unwanted and dropped it.",
}
#: What is wrong with the message or the way to a country, not with the number: it does not count against the number.
_OF_THE_MESSAGE = frozenset({"21408", "21602", "21605", "21612", "21617", "21619", "30007"})
_TEMPORARY = {
    "20429": _BUSY,
    "14107": _BUSY,
    "21611": _BUSY,
    "30001": _BUSY,
    "30017": _BUSY,
    "63018": _BUSY,
    "21220": _BUSY,
    "30022": _BUSY,
    "30023": _BUSY,
    "20001": _OURS,
    "20003": _OURS,
    "20005": _OURS,
    "20006": _OURS,
    "20404": _OURS,
    "21603": _OURS,
    "21606": _OURS,
    "21608": _OURS,
    "21609": _OURS,
    "21659": _OURS,
    "21660": _OURS,
    "21703": _OURS,
    "21704": _OURS,
    "30002": _OURS,
    "30010": _OURS,
    "30018": _OURS,
    "30024": _OURS,
    "30034": _OURS,
    "30035": _OURS,
    "90010": _OURS,
    "21212": _OURS,
    "21210": _OURS,
    "63007": _OURS,
    "63020": _OURS,
    "63027": _OURS,
    "63028": _OURS,
    "63041": _OURS,
    "63051": _OURS,
    "30003": _PHONE,
    "30008": "The network gave no reason.",
    "30009": "A part of the message was lost on the way.",
    "30410": "The network did not answer in time.",
    "30500": "The network had a fault of its own.",
}
_STATES: dict[str, State] = {
    "accepted": "sent",
    "scheduled": "sent",
    "queued": "sent",
    "sending": "sent",
    "sent": "sent",
    "partially_delivered": "sent",
    "delivered": "delivered",
    "read": "delivered",
    "undelivered": "undelivered",
    "failed": "failed",
    "canceled": "failed",
}


_CALL_STATES: dict[str, State] = {
    "queued": "sent",
    "initiated": "sent",
    "ringing": "sent",
    "in-progress": "sent",
    "completed": "delivered",
    "busy": "undelivered",
    "no-answer": "undelivered",
    "canceled": "failed",
    "failed": "failed",
}
_CALLS = {
    "busy": Verdict(False, "The phone was busy."),
    "no-answer": Verdict(False, "Nobody took the call."),
    "canceled": Verdict(False, "The call was ended before it rang."),
    "failed": Verdict(False, "The call could not be put through. Please check the number with the person."),
}


def verdict(code: str | int | None, status: int | None = None) -> Verdict:
    """Say what a code means; an unlisted one is judged by the HTTP status (4xx permanent)."""
    key = str(code or "")
    if key in _PERMANENT:
        return Verdict(True, _PERMANENT[key], "message" if key in _OF_THE_MESSAGE else "receiver")
    if key in _TEMPORARY:
        return Verdict(False, _TEMPORARY[key], "ours" if _TEMPORARY[key] == _OURS else "")
    if status in (401, 403, 404):
        return Verdict(False, _OURS, "ours")
    if status in (408, 429):
        return Verdict(False, _BUSY)
    if status is not None and 400 <= status < 500:
        return Verdict(True, "The SMS service refused this message.", "message")
    return Verdict(False, "The SMS service could not deliver this.")


def state_of(status: str | None) -> State | None:
    """Return our state for Twilio's; None for one that we do not know (inbound ones among them)."""
    return _STATES.get(status or "")


def call_state_of(status: str | None) -> State | None:
    """Return our state for that of a call; None for one that we do not know."""
    return _CALL_STATES.get(status or "")


def call_verdict(status: str | None) -> Verdict:
    """Say why a call reached nobody."""
    return _CALLS.get(status or "", Verdict(False, "The call could not be put through."))
