"""The calls of the fake Twilio: its Calls API, the script that is read to whoever takes a call, and keys pressed.

A script is walked as Twilio walks it: what stands inside a listening is said until a key comes; the finishing key without
another one goes on to the next verb; any other key is posted to the address of the listening, and its answer goes on.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from xml.etree import ElementTree as XML

if TYPE_CHECKING:
    from tests.fake_twilio import FakeTwilio

VERSION = "2010-04-01"


@dataclass
class Call:
    """One call as this Twilio holds it. `said` is everything that was read out."""

    sid: str
    to: str
    sender: str
    script: str
    created: datetime
    callback: str | None
    status: str = "queued"
    said: list[str] = field(default_factory=list)
    ended: datetime | None = None
    direction: str = "outbound-api"


class Calls:
    """The calls of one account."""

    def __init__(self, twilio: FakeTwilio) -> None:
        self.twilio = twilio
        self.made: list[Call] = []

    # What the HTTP side asks for.

    def create(self, fields: dict[str, str]) -> Call:
        """Accept one call, as `queued`."""
        call = Call(
            self.twilio.new_sid("CA"),
            fields["To"],
            fields["From"],
            fields.get("Twiml", ""),
            self.twilio.now(),
            fields.get("StatusCallback"),
        )
        self.made.append(call)
        return call

    def find(self, sid: str) -> Call | None:
        """Return one call, or None."""
        return next((call for call in self.made if call.sid == sid), None)

    def list_json(self, query: dict[str, str]) -> dict[str, Any]:
        """Return one page of the list, newest first."""
        seen = self.twilio.now() - self.twilio.list_lag
        since = datetime.fromisoformat(query.get("StartTime>", "0001-01-01T00:00:00+00:00"))
        found = [
            call
            for call in reversed(self.made)
            if query.get("To") in (None, call.to) and since <= call.created <= seen
        ]
        size, page = int(query.get("PageSize", "50")), int(query.get("Page", "0"))
        base = f"/{VERSION}/Accounts/{self.twilio.account_sid}/Calls.json?"
        start, shown = page * size, found[page * size : (page + 1) * size]
        more = len(found) > start + size
        return {
            "calls": [self.as_json(call) for call in shown],
            "end": start + max(len(shown) - 1, 0),
            "first_page_uri": base + urlencode(query | {"Page": "0"}),
            "next_page_uri": base + urlencode(query | {"Page": str(page + 1)}) if more else None,
            "page": page,
            "page_size": size,
            "previous_page_uri": base + urlencode(query | {"Page": str(page - 1)}) if page else None,
            "start": start,
            "uri": base + urlencode(query),
        }

    def as_json(self, call: Call) -> dict[str, Any]:
        """Return one call as the API shows it."""
        path = f"/{VERSION}/Accounts/{self.twilio.account_sid}/Calls/{call.sid}"
        when = format_datetime(call.created.astimezone(UTC))
        parts = ("events", "notifications", "payments", "recordings", "siprec", "streams", "transcriptions")
        links = {part: f"{path}/{part.title()}.json" for part in (*parts, "user_defined_messages")}
        return {
            "account_sid": self.twilio.account_sid,
            "answered_by": None,
            "api_version": VERSION,
            "caller_name": None,
            "date_created": when,
            "date_updated": format_datetime((call.ended or call.created).astimezone(UTC)),
            "direction": call.direction,
            "duration": "20" if call.ended else None,
            "end_time": format_datetime(call.ended.astimezone(UTC)) if call.ended else None,
            "forwarded_from": None,
            "from": call.sender,
            "from_formatted": call.sender,
            "group_sid": None,
            "parent_call_sid": None,
            "phone_number_sid": "PN" + "0" * 32,
            "price": None,
            "price_unit": "USD",
            "queue_time": "0",
            "sid": call.sid,
            "start_time": when if call.status not in ("queued", "ringing") else None,
            "status": call.status,
            "subresource_uris": links,
            "to": call.to,
            "to_formatted": call.to,
            "trunk_sid": None,
            "uri": f"{path}.json",
        }

    # What a test does.

    def miss(self, caller: str, to: str | None = None) -> Call:
        """Receive one call while the hook is down: it stands only in the list."""
        number = to or self.twilio.numbers[0]
        call = Call(self.twilio.new_sid("CA"), number, caller, "", self.twilio.now(), None, "no-answer")
        call.direction, call.ended = "inbound", call.created
        self.made.append(call)
        return call

    def take(self, call: Call, keys: str = "") -> list[int]:
        """Take a call and press these keys, each during the next listening; return what the key hook answered."""
        self._tell(call, "in-progress")
        call.said = []
        answers: list[int] = []
        self._read(call, XML.fromstring(call.script), list(keys), answers)
        call.ended = self.twilio.now()
        self._tell(call, "completed")
        return answers

    def leave(self, call: Call, status: str = "no-answer") -> None:
        """Let a call end without anybody: no-answer, busy or failed."""
        call.ended = self.twilio.now()
        self._tell(call, status)

    def press(self, call: Call, key: str, url: str, **changes: str) -> tuple[int, str]:
        """Post one key to the hook at `url`; return what it answered."""
        return self.twilio.post_for_answer(url, self.fields(call) | {"Digits": key} | changes)

    def fields(self, call: Call) -> dict[str, str]:
        """The form fields that every hook of a call of ours carries."""
        return {
            "AccountSid": self.twilio.account_sid,
            "ApiVersion": VERSION,
            "CallSid": call.sid,
            "CallStatus": call.status,
            "Called": call.to,
            "CalledCity": "",
            "CalledCountry": "PK",
            "CalledState": "",
            "CalledZip": "",
            "Caller": call.sender,
            "CallerCity": "",
            "CallerCountry": "US",
            "CallerState": "",
            "CallerZip": "",
            "Direction": "outbound-api",
            "From": call.sender,
            "FromCity": "",
            "FromCountry": "US",
            "FromState": "",
            "FromZip": "",
            "To": call.to,
            "ToCity": "",
            "ToCountry": "PK",
            "ToState": "",
            "ToZip": "",
        }

    def _tell(self, call: Call, status: str) -> None:
        call.status = status
        if call.callback:
            more = {"CallbackSource": "call-progress-events", "SequenceNumber": "0"}
            more["Timestamp"] = "Tue, 24 Nov 2026 09:00:00 +0000"
            if status == "completed":
                more |= {"CallDuration": "20", "Duration": "1"}
            self.twilio.post(call.callback, self.fields(call) | more)

    def _read(self, call: Call, document: XML.Element, keys: list[str], answers: list[int]) -> None:
        for verb in document:
            if verb.tag in ("Say", "Play"):
                call.said.append(verb.text or "")
            if verb.tag != "Gather":
                continue
            call.said.extend(say.text or "" for say in verb)
            key = keys.pop(0) if keys else ""
            if not key or key == verb.get("finishOnKey"):
                continue
            status, answer = self.press(call, key, verb.get("action", ""))
            answers.append(status)
            if status == 200:
                self._read(call, XML.fromstring(answer), keys, answers)
            return
