"""The exact shape of every parameter that Twilio's hooks send us, as tables.

Twilio signs names and values run together without separators, so one signed request can be cut into many
others that carry the same signature. Only a closed list of names, each once and each of an exact shape,
leaves a single reading. `twilio_request` applies these tables.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Shape:
    """One kind of request: what must be there, what may be, and which parameters must be equal."""

    required: dict[str, re.Pattern[str]]
    optional: dict[str, re.Pattern[str]]
    equal: tuple[tuple[str, ...], ...] = ()
    #: Whether such a request can have one reading only. One with words chosen by a stranger cannot: ask for it.
    confirms: bool = True


def _exact(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"\A(?:{pattern})\Z", re.DOTALL)


ACCOUNT = _exact(r"AC[0-9a-fA-F]{32}")
MESSAGE = _exact(r"(?:SM|MM)[0-9a-fA-F]{32}")
CALL = _exact(r"CA[0-9a-fA-F]{32}")
SERVICE = _exact(r"MG[0-9a-fA-F]{32}")
#: E.164, or a network's short code.
PHONE = _exact(r"\+[1-9][0-9]{6,14}|[0-9]{3,8}")
#: Who rings, or the word that a network sends in place of a number that the caller hides. A closed list: free letters could be cut anew.
CALLER = _exact(
    r"\+[1-9][0-9]{6,14}|[0-9]{3,8}|(?i:anonymous|blocked|private|restricted|unavailable|unknown|withheld)"
)
#: The same words as some networks dial them, letter by letter, on the keys of a telephone.
HIDDEN_NUMBERS = frozenset({"+266696687", "+2562533", "+7378742833", "+86282452253", "+8656696"})
WHATSAPP_USER = _exact(r"whatsapp:\+[1-9][0-9]{6,14}")
RECEIVER = _exact(r"(?:whatsapp:)?\+[1-9][0-9]{6,14}|[0-9]{3,8}")
SENDER = _exact(r"\+[1-9][0-9]{6,14}|[0-9]{3,8}|[A-Za-z0-9 ._-]{1,11}|whatsapp:\+[1-9][0-9]{6,14}")
#: Ten segments of 160 characters is the longest SMS that Twilio delivers.
BODY = _exact(r".{0,1600}")
COUNT = _exact(r"[0-9]{1,2}")
VERSION = _exact(r"2010-04-01")
SIGNATURE = _exact(r"[A-Za-z0-9+/]{27}=")
_PLACE = _exact(r"[A-Z0-9 .,'()/-]{0,60}")
_COUNTRY = _exact(r"(?:[A-Z]{2})?")

_PLACES = {
    f"{end}{what}": _COUNTRY if what == "Country" else _PLACE
    for end in ("From", "To", "Called", "Caller")
    for what in ("City", "State", "Zip", "Country")
}
_MEDIA = {f"MediaUrl{n}": _exact(r"https://api\.twilio\.com/[\x21-\x7e]{1,300}") for n in range(10)}
_MEDIA_TYPES = {f"MediaContentType{n}": _exact(r"[a-z0-9.+-]{1,40}/[a-z0-9.+-]{1,60}") for n in range(10)}

SMS = Shape(
    required={
        "AccountSid": ACCOUNT,
        "ApiVersion": VERSION,
        "Body": BODY,
        "From": PHONE,
        "MessageSid": MESSAGE,
        "NumMedia": COUNT,
        "NumSegments": COUNT,
        "SmsMessageSid": MESSAGE,
        "SmsSid": MESSAGE,
        "SmsStatus": _exact("received"),
        "To": SENDER,
    },
    optional={**_PLACES, **_MEDIA, **_MEDIA_TYPES, "MessagingServiceSid": SERVICE},
    equal=(("MessageSid", "SmsSid", "SmsMessageSid"),),
)
#: The sender's own name travels with a WhatsApp message, so it could be cut in many ways.
WHATSAPP = Shape(
    required=SMS.required | {"From": WHATSAPP_USER, "To": WHATSAPP_USER},
    optional=SMS.optional,
    equal=SMS.equal,
    confirms=False,
)
_STATUSES = (
    "accepted|scheduled|queued|sending|sent|delivered|undelivered|failed|canceled|read|partially_delivered"
)
STATUS = Shape(
    required={
        "AccountSid": ACCOUNT,
        "ApiVersion": VERSION,
        "MessageSid": MESSAGE,
        "MessageStatus": _exact(_STATUSES),
        "SmsSid": MESSAGE,
        "SmsStatus": _exact(_STATUSES),
        "To": RECEIVER,
    },
    # From is absent when a messaging service has not chosen a number yet.
    optional={
        "From": SENDER,
        "ErrorCode": _exact(r"[0-9]{4,6}"),
        "MessagingServiceSid": SERVICE,
        "RawDlrDoneDate": _exact(r"[0-9]{10,14}"),
    },
    equal=(("MessageSid", "SmsSid"), ("MessageStatus", "SmsStatus")),
)
_CALL = {
    "AccountSid": ACCOUNT,
    "ApiVersion": VERSION,
    "CallSid": CALL,
    "CallStatus": _exact("queued|initiated|ringing|in-progress|completed|busy|failed|no-answer|canceled"),
    "From": PHONE,
    "To": PHONE,
}
_ABOUT_A_CALL = {
    **_PLACES,
    "Called": PHONE,
    "Caller": CALLER,
    "CalledVia": PHONE,
    "ForwardedFrom": PHONE,
    "CallDuration": _exact(r"[0-9]{1,6}"),
    "Duration": _exact(r"[0-9]{1,6}"),
    "StirVerstat": _exact(r"[A-Za-z0-9-]{1,60}"),
    "SequenceNumber": COUNT,
    "Timestamp": _exact(r"[A-Za-z0-9 ,:+]{1,40}"),
    "CallbackSource": _exact(r"[a-z-]{1,40}"),
}
#: Somebody rings us.
VOICE = Shape(
    required={**_CALL, "From": CALLER, "Direction": _exact("inbound")},
    optional={**_ABOUT_A_CALL, "CallToken": _exact(r"[\x21-\x7e]{1,2000}")},
)
#: How a call of ours goes.
CALL_STATUS = Shape(
    required={**_CALL, "Direction": _exact("outbound-api")},
    optional={
        **_ABOUT_A_CALL,
        "AnsweredBy": _exact(r"[a-z_]{1,30}"),
        "SipResponseCode": _exact(r"[0-9]{3}"),
        "ErrorCode": _exact(r"[0-9]{4,6}"),
    },
)
#: A key was pressed in a call of ours.
KEY = Shape(
    required={**_CALL, "Digits": _exact(r"[0-9*#]"), "Direction": _exact("outbound-api")},
    optional={
        **_ABOUT_A_CALL,
        "FinishedOnKey": _exact(r"[0-9*#]?"),
        "msg": _exact("Gather End"),
    },
)
#: A key was pressed by somebody who rang us.
MENU_KEY = Shape(
    required={**KEY.required, "From": CALLER, "Direction": _exact("inbound")},
    optional={**KEY.optional, "CallToken": VOICE.optional["CallToken"]},
)
RECORDING = _exact(r"RE[0-9a-fA-F]{32}")
_SECONDS = _exact(r"-?[0-9]{1,6}")
#: Where a recording lies at Twilio. It is for a record only: what is fetched is put together from our own settings and the id.
_RECORDING_URL = _exact(r"https?://[\x21-\x7e]{1,300}")
#: Somebody who rang us has said something after the tone, or hung up.
RECORDED = Shape(
    required={
        **_CALL,
        "From": CALLER,
        "Direction": _exact("inbound"),
        "RecordingSid": RECORDING,
        "RecordingUrl": _RECORDING_URL,
    },
    optional={
        **MENU_KEY.optional,
        "Digits": _exact(r"[0-9*#]|hangup"),
        "RecordingDuration": _SECONDS,
    },
)
#: A recording is ready at Twilio, or there is none.
RECORDING_STATUS = Shape(
    required={
        "AccountSid": ACCOUNT,
        "CallSid": CALL,
        "RecordingSid": RECORDING,
        "RecordingStatus": _exact("in-progress|completed|absent|failed"),
    },
    optional={
        "ApiVersion": VERSION,
        "ErrorCode": _exact(r"[0-9]{1,6}"),
        "RecordingChannels": COUNT,
        "RecordingDuration": _SECONDS,
        "RecordingSource": _exact("RecordVerb"),
        "RecordingStartTime": _exact(r"[A-Za-z0-9 ,:+]{1,40}"),
        "RecordingTrack": _exact(r"[a-z]{1,20}"),
        "RecordingUrl": _RECORDING_URL,
    },
)
