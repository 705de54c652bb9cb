"""A Twilio that behaves like Twilio as far as Concord uses it: its 2010 Messages API, and signed hooks.

Faults are asked for beforehand (`fault`), one for each coming request; carriers' refusals by number
(`refuses`, `fails`). Nothing moves by itself unless `automatic` is set: `settle()` walks every message to
its end and calls the hooks.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import count
from typing import Any, Protocol
from urllib.parse import urlencode, urlsplit

import requests
from twilio.request_validator import RequestValidator

from tests.fake_twilio_calls import Calls
from tests.fake_twilio_http import TwilioServer
from tests.fake_twilio_recordings import Recordings

#: Posts a hook, and returns its answer: the status, and for a call what is to be said (nothing asks it of an SMS).
Poster = Callable[[str, Mapping[str, str], Mapping[str, str]], int | tuple[int, str]]
FAULTS = (
    "500_before",
    "500_after",
    "drop_before",
    "drop_after",
    "hang_before",
    "hang_after",
    "429",
    "garbled",
)
VERSION = "2010-04-01"


class WebClient(Protocol):
    """As much of Flask's test client as is needed here."""

    def post(self, path: str, **given: Any) -> Any:
        """Post to one path."""


@dataclass
class Sms:
    """One message as this Twilio holds it."""

    sid: str
    to: str
    sender: str
    body: str
    direction: str
    status: str
    created: datetime
    callback: str | None = None
    error_code: int | None = None
    sent: datetime | None = None
    history: list[str] = field(default_factory=list)
    content: str | None = None


def poster_for(client: WebClient) -> Poster:
    """Return a poster that gives hooks to a Flask test client instead of the network."""

    def post(url: str, fields: Mapping[str, str], headers: Mapping[str, str]) -> tuple[int, str]:
        answer = client.post(urlsplit(url).path, data=dict(fields), headers=dict(headers))
        return int(answer.status_code), str(answer.get_data(as_text=True))

    return post


def _post_over_http(url: str, fields: Mapping[str, str], headers: Mapping[str, str]) -> tuple[int, str]:
    answer = requests.post(url, data=dict(fields), headers=dict(headers), timeout=10)
    return answer.status_code, answer.text


class FakeTwilio:
    """One account with its numbers. Use it as a context manager; `url` is its TWILIO_API_BASE."""

    def __init__(
        self,
        *,
        account_sid: str = "AC" + "a1" * 16,
        token: str = "token-in-force",
        numbers: tuple[str, ...] = ("+15005550006",),
        poster: Poster = _post_over_http,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        automatic: bool = False,
    ) -> None:
        self.account_sid, self.token, self.numbers = account_sid, token, numbers
        self.poster, self.now, self.automatic = poster, now, automatic
        self.messages: list[Sms] = []
        self.calls = Calls(self)
        self.recordings = Recordings(self)
        #: Approved words by their id, with gaps like {{1}}; the rest of WhatsApp's rules: `outside_the_window`.
        self.contents: dict[str, str] = {}
        self.hooks: list[tuple[str, dict[str, str], int]] = []
        self.requests: list[tuple[str, str]] = []
        #: Numbers that the API refuses at once, and numbers that the carrier fails later: to an error code.
        self.refuses: dict[str, int] = {}
        self.fails: dict[str, int] = {}
        self.account_status = "active"
        #: How long a new message stays out of the list.
        self.list_lag = timedelta(0)
        self._faults: deque[str] = deque()
        self._serial = count(1)
        self._lock = threading.RLock()
        self._server = TwilioServer(self)

    def __enter__(self) -> FakeTwilio:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def url(self) -> str:
        """The base address of this Twilio."""
        return self._server.url

    @property
    def sent(self) -> list[Sms]:
        """Everything that was accepted for sending, oldest first."""
        return [sms for sms in self.messages if sms.direction == "outbound-api"]

    def close(self) -> None:
        """Stop serving and let go of requests that hang."""
        self._server.stop()

    def finish(self) -> None:
        """Return when every request is answered that was on its way here, also of somebody who died meanwhile."""
        self._server.finish()

    def go_down(self) -> None:
        """Refuse connections from now on."""
        self._server.stop()

    def come_back(self) -> None:
        """Listen at the same address again."""
        self._server.start()

    def fault(self, kind: str, times: int = 1) -> None:
        """Do this to the next `times` POSTs; `before` and `after` say whether the message is accepted."""
        assert kind in FAULTS, kind
        self._faults.extend([kind] * times)

    def next_fault(self) -> str | None:
        """Take the fault for one request."""
        with self._lock:
            return self._faults.popleft() if self._faults else None

    # What the HTTP side asks for.

    def create(
        self, to: str, sender: str, body: str, callback: str | None, content: str | None = None
    ) -> Sms:
        """Accept one message, as `queued`; `content` is the id of approved words, already put together as `body`."""
        with self._lock:
            sms = Sms(self.new_sid("SM"), to, sender, body, "outbound-api", "queued", self.now(), callback)
            sms.content = content
            sms.history.append("queued")
            self.messages.append(sms)
        if self.automatic:
            threading.Thread(target=self.deliver, args=(sms,), daemon=True).start()
        return sms

    def listed(self, to: str | None, sender: str | None, since: datetime | None) -> list[Sms]:
        """Return what a list request shows now, newest first."""
        seen = self.now() - self.list_lag
        return [
            sms
            for sms in reversed(self.messages)
            if (self.list_lag == timedelta(0) or sms.created <= seen)
            and (to is None or sms.to == to)
            and (sender is None or sms.sender == sender)
            and (since is None or (sms.sent is not None and sms.sent >= since))
        ]

    def find(self, sid: str) -> Sms | None:
        """Return one message, or None."""
        return next((sms for sms in self.messages if sms.sid == sid), None)

    # What a test does.

    def settle(self) -> None:
        """Walk every message that is on its way to its end, with its callbacks."""
        for sms in list(self.sent):
            if sms.status in ("queued", "sending", "sent"):
                self.deliver(sms)

    def deliver(self, sms: Sms) -> None:
        """Walk one message on: sent, then delivered; or undelivered where `fails` has the number's code."""
        if sms.status == "queued":
            self.advance(sms, "sent")
        code = self.fails.get(sms.to) or (63016 if self.outside_the_window(sms) else None)
        self.advance(sms, "undelivered" if code else "delivered", code)

    def outside_the_window(self, sms: Sms) -> bool:
        """Whether these are free words to a WhatsApp account that has not written to us for a day."""
        if not sms.to.startswith("whatsapp:") or sms.content:
            return False
        since = sms.created - timedelta(hours=24)
        heard = (m for m in self.messages if m.direction == "inbound" and m.sender == sms.to)
        return not any(m.created >= since for m in heard)

    def advance(self, sms: Sms, status: str, code: int | None = None) -> int | None:
        """Give one message a status and call its hook; return what the hook answered."""
        sms.status, sms.error_code = status, code
        sms.sent = sms.sent or self.now()
        sms.history.append(status)
        return self.call_back(sms, status, code) if sms.callback else None

    def call_back(self, sms: Sms, status: str, code: int | None = None, sid: str | None = None) -> int:
        """Post one signed status callback, in any order a test likes."""
        fields = {
            "AccountSid": self.account_sid,
            "ApiVersion": VERSION,
            "From": sms.sender,
            "MessageSid": sid or sms.sid,
            "MessageStatus": status,
            "SmsSid": sid or sms.sid,
            "SmsStatus": status,
            "To": sms.to,
        }
        if sms.sender.startswith("MG"):
            fields |= {"From": self.numbers[0], "MessagingServiceSid": sms.sender}
        if code:
            fields["ErrorCode"] = str(code)
        assert sms.callback
        return self.post(sms.callback, fields)

    def receive(self, sender: str, body: str, url: str, to: str | None = None, **extra: str) -> int:
        """Receive one SMS from a phone and post it to the hook at `url`; return what the hook answered."""
        sms = Sms(self.new_sid("SM"), to or self.numbers[0], sender, body, "inbound", "received", self.now())
        sms.sent = sms.created
        self.messages.append(sms)
        return self.post(url, self.inbound_fields(sms) | extra)

    def miss(self, sender: str, body: str, to: str | None = None) -> Sms:
        """Receive one SMS while the hook is down: it stands only in the list."""
        sms = Sms(self.new_sid("SM"), to or self.numbers[0], sender, body, "inbound", "received", self.now())
        sms.sent = sms.created
        self.messages.append(sms)
        return sms

    def inbound_fields(self, sms: Sms) -> dict[str, str]:
        """Return the form fields of the hook for one inbound SMS."""
        return {
            "AccountSid": self.account_sid,
            "ApiVersion": VERSION,
            "Body": sms.body,
            "From": sms.sender,
            "FromCity": "",
            "FromCountry": "PK",
            "FromState": "",
            "FromZip": "",
            "MessageSid": sms.sid,
            "NumMedia": "0",
            "NumSegments": "1",
            "SmsMessageSid": sms.sid,
            "SmsSid": sms.sid,
            "SmsStatus": "received",
            "To": sms.to,
            "ToCity": "",
            "ToCountry": "US",
            "ToState": "",
            "ToZip": "",
        }

    def ring(self, caller: str, url: str, to: str | None = None) -> int:
        """Receive one call and post it to the voice hook at `url`."""
        number = to or self.numbers[0]
        fields = {
            "AccountSid": self.account_sid,
            "ApiVersion": VERSION,
            "CallSid": self.new_sid("CA"),
            "CallStatus": "ringing",
            "Called": number,
            "Caller": caller,
            "Direction": "inbound",
            "From": caller,
            "To": number,
        }
        return self.post(url, fields)

    def post(self, url: str, fields: dict[str, str], signature: str | None = None) -> int:
        """Sign a hook's fields and post them; a test may give another signature."""
        return self.post_for_answer(url, fields, signature)[0]

    def post_for_answer(
        self, url: str, fields: dict[str, str], signature: str | None = None
    ) -> tuple[int, str]:
        """As `post`, with what the hook answered."""
        sign = signature if signature is not None else self.sign(url, fields)
        answered = self.poster(url, fields, {"X-Twilio-Signature": sign})
        status, words = answered if isinstance(answered, tuple) else (answered, "")
        self.hooks.append((url, fields, status))
        return status, words

    def sign(self, url: str, fields: dict[str, str]) -> str:
        """Return the signature that Twilio sends with these fields."""
        return str(RequestValidator(self.token).compute_signature(url, fields))

    def assert_nothing_unexpected(self, expected: Iterable[tuple[str, str]]) -> None:
        """Fail unless the messages sent are exactly these, in any order: (number, a piece of the text)."""
        left = list(self.sent)
        missing = []
        for to, piece in expected:
            found = next((sms for sms in left if sms.to == to and piece in sms.body), None)
            if found is None:
                missing.append((to, piece))
            else:
                left.remove(found)
        assert not missing, f"never sent: {missing}; sent: {[(sms.to, sms.body) for sms in self.sent]}"
        assert not left, f"sent unexpectedly: {[(sms.to, sms.body) for sms in left]}"

    def copies(self) -> Counter[tuple[str, str]]:
        """Return how often each (number, text) was accepted."""
        return Counter((sms.to, sms.body) for sms in self.sent)

    def as_json(self, sms: Sms) -> dict[str, Any]:
        """Return one message as the API shows it."""
        path = f"/{VERSION}/Accounts/{self.account_sid}/Messages/{sms.sid}"
        return {
            "account_sid": self.account_sid,
            "api_version": VERSION,
            "body": sms.body,
            "date_created": format_datetime(sms.created),
            "date_sent": format_datetime(sms.sent) if sms.sent else None,
            "date_updated": format_datetime(sms.sent or sms.created),
            "direction": sms.direction,
            "error_code": sms.error_code,
            "error_message": None,
            "from": None if sms.sender.startswith("MG") else sms.sender,
            "messaging_service_sid": sms.sender if sms.sender.startswith("MG") else None,
            "num_media": "0",
            "num_segments": "1",
            "price": None,
            "price_unit": "USD",
            "sid": sms.sid,
            "status": sms.status,
            "subresource_uris": {"media": f"{path}/Media.json"},
            "to": sms.to,
            "uri": f"{path}.json",
        }

    def list_json(self, query: dict[str, str]) -> dict[str, Any]:
        """Return one page of the list."""
        since = query.get("DateSent>")
        found = self.listed(
            query.get("To"), query.get("From"), datetime.fromisoformat(since) if since else None
        )
        size, page = int(query.get("PageSize", "50")), int(query.get("Page", "0"))
        base = f"/{VERSION}/Accounts/{self.account_sid}/Messages.json?"
        start, shown = page * size, found[page * size : (page + 1) * size]
        more = len(found) > start + size
        return {
            "end": start + max(len(shown) - 1, 0),
            "first_page_uri": base + urlencode(query | {"Page": "0"}),
            "messages": [self.as_json(sms) for sms in shown],
            "next_page_uri": base + urlencode(query | {"Page": str(page + 1)}) if more else None,
            "page": page,
            "page_size": size,
            "previous_page_uri": base + urlencode(query | {"Page": str(page - 1)}) if page else None,
            "start": start,
            "uri": base + urlencode(query),
        }

    def new_sid(self, kind: str) -> str:
        """Return an id that was never given before, by no account: it begins with the account's own first letters."""
        return f"{kind}{self.account_sid[2:6]}{next(self._serial):028x}"
