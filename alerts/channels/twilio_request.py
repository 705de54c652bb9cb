"""Reading what comes in at Twilio's hooks, strictly: who signed it, and that it reads in one way only.

Pure: the caller passes the parameters as they came and the address that this installation is configured to
have (never the Host header). Anything doubtful raises Forged, and never anything else. The hooks of
`coordination` call it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from twilio.request_validator import RequestValidator

from alerts.channels import twilio_shapes as shapes
from alerts.channels.twilio_codes import State, call_state_of, call_verdict, state_of, verdict

WHATSAPP_PREFIX = "whatsapp:"


class Forged(Exception):
    """The request was not certainly made by Twilio for us. Answer 403, no more; the reason is for the log."""


@dataclass(frozen=True)
class Inbound:
    """One SMS or WhatsApp message that reached our number.

    `body` is None when the request carried something we do not know: then it is *unconfirmed*, and only its
    id may be believed. Ask the provider for the text (`TwilioInbox.fetch`); until then `claimed_body` is
    for a person to see.
    """

    sid: str
    sender: str = field(repr=False)
    to: str
    body: str | None = field(repr=False)
    claimed_body: str = field(repr=False)
    confirmed: bool
    media: int = 0
    channel: str = "sms"


@dataclass(frozen=True)
class StatusUpdate:
    """What became of one message or call of ours. `words` says why it failed, for the secretary; empty if it did not."""

    sid: str
    state: State
    code: str | None
    permanent: bool
    words: str
    confirmed: bool


@dataclass(frozen=True)
class IncomingCall:
    """One call to our number; a missed call counts as *seen*. `caller` is empty where the number was hidden."""

    sid: str
    caller: str = field(repr=False)
    to: str
    confirmed: bool


@dataclass(frozen=True)
class KeyPressed:
    """One key that was pressed in a call of ours."""

    sid: str
    key: str
    confirmed: bool


@dataclass(frozen=True)
class MenuKey:
    """One key that somebody pressed who rang us."""

    sid: str
    key: str
    caller: str = field(repr=False)
    to: str
    confirmed: bool


@dataclass(frozen=True)
class NoteSpoken:
    """Something was said after the tone in a call that we took, or was not (`there` is False). `account` has the recording."""

    recording: str
    call: str
    account: str
    there: bool
    confirmed: bool
    #: Whether the caller's number was hidden; only a call that still lasts can tell.
    hidden: bool = False


Told = Inbound | StatusUpdate | IncomingCall | KeyPressed | MenuKey | NoteSpoken


def validate(
    url: str,
    params: Sequence[tuple[str, str]],
    signature: str | None,
    tokens: Collection[str],
    account_sid: str,
    our_numbers: Collection[str],
) -> Told:
    """Return what one signed request says; raise Forged for everything else.

    `url` is PUBLIC_URL and the path, without a query. `params` are the form fields in order, repeats
    included. `tokens` are the auth tokens in force, two while one is being replaced. `our_numbers` are our
    senders.
    """
    fields = _once_each(params)
    _check_signature(url, fields, signature, tokens)
    shape = _shape_of(fields)
    confirmed = _check_shape(fields, shape)
    if fields["AccountSid"] != account_sid:
        raise Forged("the account is not ours")
    if shape is shapes.RECORDING_STATUS:
        return _spoken(fields, fields["RecordingStatus"] == "completed", confirmed)
    if shape is shapes.STATUS:
        return _status(fields, our_numbers, confirmed)
    if shape in (shapes.CALL_STATUS, shapes.KEY):
        return _of_a_call(fields, our_numbers, confirmed)
    if fields["To"] not in our_numbers and fields.get("MessagingServiceSid") not in our_numbers:
        raise Forged("the number is not ours")
    if shape is shapes.RECORDED:
        return _spoken(fields, True, confirmed)
    if shape is shapes.MENU_KEY:
        return MenuKey(
            fields["CallSid"], fields["Digits"], caller_of(fields["From"]), fields["To"], confirmed
        )
    if shape is shapes.VOICE:
        return IncomingCall(fields["CallSid"], caller_of(fields["From"]), fields["To"], confirmed)
    body = fields["Body"]
    return Inbound(
        sid=fields["MessageSid"],
        sender=fields["From"].removeprefix(WHATSAPP_PREFIX),
        to=fields["To"].removeprefix(WHATSAPP_PREFIX),
        body=body if confirmed else None,
        claimed_body=body,
        confirmed=confirmed,
        media=int(fields["NumMedia"]),
        channel="whatsapp" if shape is shapes.WHATSAPP else "sms",
    )


def _once_each(params: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Refuse anything that is not text, and a name that comes twice: equal values share one signature."""
    fields: dict[str, str] = {}
    for name, value in params:
        if not isinstance(name, str) or not isinstance(value, str) or not name:
            raise Forged("a parameter is not text")
        if name in fields:
            raise Forged("a parameter came twice")
        fields[name] = value
    return fields


def _check_signature(
    url: str, fields: Mapping[str, str], signature: str | None, tokens: Collection[str]
) -> None:
    if not isinstance(signature, str) or not shapes.SIGNATURE.match(signature):
        raise Forged("the signature is missing or is not one")
    try:
        signed = any(RequestValidator(token).validate(url, dict(fields), signature) for token in tokens)
    except (UnicodeError, ValueError, TypeError):
        # A lone surrogate, or an address that cannot be read: nothing that Twilio could have signed.
        raise Forged("the request cannot be checked") from None
    if not signed:
        raise Forged("the signature is not Twilio's")


def _shape_of(fields: Mapping[str, str]) -> shapes.Shape:
    found = [mark for mark in ("Body", "MessageStatus", "CallSid") if mark in fields]
    if len(found) != 1:
        raise Forged("the request is of no kind that we know")
    if found == ["Body"]:
        return shapes.WHATSAPP if fields.get("From", "").startswith(WHATSAPP_PREFIX) else shapes.SMS
    if found == ["MessageStatus"]:
        return shapes.STATUS
    if "RecordingSid" in fields:
        return shapes.RECORDING_STATUS if "RecordingStatus" in fields else shapes.RECORDED
    if "Digits" in fields:
        return shapes.MENU_KEY if fields.get("Direction") == "inbound" else shapes.KEY
    return shapes.VOICE if fields.get("Direction") == "inbound" else shapes.CALL_STATUS


def _check_shape(fields: Mapping[str, str], shape: shapes.Shape) -> bool:
    """Refuse a required field that is missing or misshapen; False if anything else is unknown or odd.

    Twilio adds parameters now and then, so an unknown one must not lose a message: it only costs the
    confirmation.
    """
    for name, pattern in shape.required.items():
        if not pattern.match(fields.get(name, "\0missing")) or name not in fields:
            raise Forged(f"{name} is missing or misshapen")
    for names in shape.equal:
        if len({fields[name] for name in names}) != 1:
            raise Forged(f"{names[0]} is told in two ways")
    rest = {name: value for name, value in fields.items() if name not in shape.required}
    return shape.confirms and all(
        name in shape.optional and shape.optional[name].match(value) for name, value in rest.items()
    )


def _status(fields: Mapping[str, str], our_numbers: Collection[str], confirmed: bool) -> StatusUpdate:
    ours = fields.get("From") in our_numbers or fields.get("MessagingServiceSid") in our_numbers
    if not ours:
        raise Forged("the sender is not ours")
    state = state_of(fields["MessageStatus"])
    if state is None:
        raise Forged("the status is not one that we know")
    code = fields.get("ErrorCode")
    if state in ("sent", "delivered"):
        return StatusUpdate(fields["MessageSid"], state, code, False, "", confirmed)
    meaning = verdict(code)
    return StatusUpdate(fields["MessageSid"], state, code, meaning.permanent, meaning.words, confirmed)


def _of_a_call(
    fields: Mapping[str, str], our_numbers: Collection[str], confirmed: bool
) -> StatusUpdate | KeyPressed:
    if fields["From"] not in our_numbers:
        raise Forged("the caller is not ours")
    if "Digits" in fields:
        return KeyPressed(fields["CallSid"], fields["Digits"], confirmed)
    state = call_state_of(fields["CallStatus"])
    assert state is not None, "the shape knows no other"
    if state in ("sent", "delivered"):
        return StatusUpdate(fields["CallSid"], state, None, False, "", confirmed)
    meaning = call_verdict(fields["CallStatus"])
    return StatusUpdate(
        fields["CallSid"], state, fields["CallStatus"], meaning.permanent, meaning.words, confirmed
    )


def _spoken(fields: Mapping[str, str], there: bool, confirmed: bool) -> NoteSpoken:
    hidden = "From" in fields and not caller_of(fields["From"])
    return NoteSpoken(
        fields["RecordingSid"], fields["CallSid"], fields["AccountSid"], there, confirmed, hidden
    )


def caller_of(number: str) -> str:
    """The number of whoever rings; empty where they hide it."""
    is_number = shapes.PHONE.match(number) and number not in shapes.HIDDEN_NUMBERS
    return number if is_number else ""
