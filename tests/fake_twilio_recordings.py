"""The recordings of the fake Twilio: what was said after a tone, its two hooks, and the Recordings API with its faults.

Faults are those of fetching the sound (`fault`), one for each coming request.
"""

from __future__ import annotations

import io
import wave
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

if TYPE_CHECKING:
    from tests.fake_twilio import FakeTwilio

VERSION = "2010-04-01"
FAULTS = ("500", "drop", "404", "garbled", "huge", "redirect")


def wav(seconds: float = 2.0, rate: int = 8000) -> bytes:
    """A recording of silence, as a telephone makes it."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(bytes(2 * int(rate * seconds)))
    return out.getvalue()


def mp3(frames: int = 30) -> bytes:
    """An MP3 of so many silent frames (MPEG-2, layer III, 16 kbit/s, 16 kHz: 72 bytes each)."""
    return (b"\xff\xf3\x28\xc0" + bytes(68)) * frames


@dataclass
class Recording:
    """One recording as this Twilio holds it."""

    sid: str
    call: str
    sound: bytes
    created: datetime
    status: str = "completed"
    seconds: int = 2


class Recordings:
    """The recordings of one account."""

    def __init__(self, twilio: FakeTwilio) -> None:
        self.twilio = twilio
        self.made: list[Recording] = []
        self.faults: deque[str] = deque()
        self.deleted: list[str] = []

    # What the HTTP side asks for.

    def find(self, sid: str) -> Recording | None:
        """Return one recording, or None."""
        return next((one for one in self.made if one.sid == sid), None)

    def delete(self, sid: str) -> bool:
        """Delete one recording; False where there is none."""
        found = self.find(sid)
        if found is None:
            return False
        self.made.remove(found)
        self.deleted.append(sid)
        return True

    def next_fault(self) -> str:
        """Take the fault for one request of a sound."""
        return self.faults.popleft() if self.faults else ""

    def list_json(self, query: dict[str, str]) -> dict[str, Any]:
        """Return one page of the list, newest first."""
        since = datetime.fromisoformat(query.get("DateCreated>", "0001-01-01T00:00:00+00:00"))
        found = [one for one in reversed(self.made) if one.created >= since]
        base = f"/{VERSION}/Accounts/{self.twilio.account_sid}/Recordings.json?"
        return {
            "end": max(len(found) - 1, 0),
            "first_page_uri": base + urlencode(query | {"Page": "0"}),
            "next_page_uri": None,
            "page": 0,
            "page_size": int(query.get("PageSize", "50")),
            "previous_page_uri": None,
            "recordings": [self.as_json(one) for one in found],
            "start": 0,
            "uri": base + urlencode(query),
        }

    def as_json(self, one: Recording) -> dict[str, Any]:
        """Return one recording as the API shows it."""
        path = f"/{VERSION}/Accounts/{self.twilio.account_sid}/Recordings/{one.sid}"
        when = format_datetime(one.created.astimezone(UTC))
        return {
            "account_sid": self.twilio.account_sid,
            "api_version": VERSION,
            "call_sid": one.call,
            "channels": 1,
            "conference_sid": None,
            "date_created": when,
            "date_updated": when,
            "duration": str(one.seconds),
            "encryption_details": None,
            "error_code": None,
            "media_url": f"https://api.twilio.com{path}",
            "price": None,
            "price_unit": "USD",
            "sid": one.sid,
            "source": "RecordVerb",
            "start_time": when,
            "status": one.status,
            "subresource_uris": {"transcriptions": f"{path}/Transcriptions.json"},
            "uri": f"{path}.json",
        }

    # What a test does.

    def speak(self, call: str, sound: bytes | None = None, status: str = "completed") -> Recording:
        """Keep what somebody said in a call; no hook is called yet."""
        data = wav() if sound is None else sound
        made = Recording(self.twilio.new_sid("RE"), call, data, self.twilio.now(), status)
        self.made.append(made)
        return made

    def said(self, url: str, call: dict[str, str], one: Recording, **changes: str) -> tuple[int, str]:
        """Post what ends the listening of a call, with the fields of that call; return what the hook answered."""
        told = {"Digits": "hangup", "RecordingDuration": str(one.seconds), "RecordingSid": one.sid}
        return self.twilio.post_for_answer(url, call | told | {"RecordingUrl": self._url(one)} | changes)

    def ready(self, url: str, one: Recording, **changes: str) -> int:
        """Post that a recording is ready, or absent."""
        return self.twilio.post(url, self.fields(one) | changes)

    def fields(self, one: Recording) -> dict[str, str]:
        """The form fields of the hook that says so."""
        return {
            "AccountSid": self.twilio.account_sid,
            "CallSid": one.call,
            "ErrorCode": "0",
            "RecordingChannels": "1",
            "RecordingDuration": str(one.seconds),
            "RecordingSid": one.sid,
            "RecordingSource": "RecordVerb",
            "RecordingStartTime": "Tue, 24 Nov 2026 09:00:00 +0000",
            "RecordingStatus": one.status,
            "RecordingUrl": self._url(one),
        }

    def _url(self, one: Recording) -> str:
        return f"https://api.twilio.com/{VERSION}/Accounts/{self.twilio.account_sid}/Recordings/{one.sid}"
