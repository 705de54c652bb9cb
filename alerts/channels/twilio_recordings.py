"""Recordings as Twilio holds them: what one is, its sound, those of a while, and taking Twilio's copy away.

The address of everything is put together from the settings and an id of exact shape, never taken from a request; nothing is followed
elsewhere, and nothing larger than a bound is read. The job that fetches spoken notes (coordination) calls this; nothing is stored here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from twilio.rest.api.v2010.account.recording import RecordingInstance

from alerts.channels.base import DeliveryFailed, OutcomeUnknown
from alerts.channels.twilio_http import PooledClient, asking, make_client, told_apart
from foundation.config import Config

#: A minute of plain telephone sound is 960,000 bytes.
MOST_BYTES = 1_200_000
GONE = ("404", "20404")
READY, NOTHING = ("completed",), ("absent", "failed", "deleted")


@dataclass(frozen=True)
class Recording:
    """One recording: of which call, and whether it can be fetched (`ready`), never will be (`nothing`), or not yet."""

    sid: str
    call: str
    ready: bool
    nothing: bool
    at: datetime | None = None


class TwilioRecordings:
    """Reads and deletes recordings of one account."""

    def __init__(self, account_sid: str, token: str, api_base: str | None = None) -> None:
        self._http = PooledClient(api_base)
        self._client = make_client(account_sid, token, self._http)
        self._auth = (account_sid, token)

    @classmethod
    def from_config(cls, config: Config, account: str) -> TwilioRecordings | None:
        """Those of one of our accounts, or None where the account is not ours any more."""
        if config.twilio_account_sid == account and config.twilio_auth_tokens:
            return cls(account, config.twilio_auth_tokens[0], config.twilio_api_base)
        line = config.second_line
        return cls(account, line.tokens[0], line.api_base) if line and line.account_sid == account else None

    def look(self, sid: str) -> Recording | None:
        """What a recording is, or None if Twilio has none; raise OutcomeUnknown."""
        try:
            with told_apart():
                return _recording(self._client.recordings(sid).fetch())
        except DeliveryFailed as error:
            _gone_or_unknown(error)
            return None

    def fetch(self, sid: str) -> bytes:
        """The sound of a recording, read no further than a byte more than MOST_BYTES; raise OutcomeUnknown."""
        with asking():
            address = f"https://api.twilio.com/2010-04-01/Accounts/{self._auth[0]}/Recordings/{sid}.mp3"
            status, data = self._http.sound(address, self._auth, MOST_BYTES + 1)
        if status != 200:
            raise OutcomeUnknown("The phone service did not give the recording.")
        return data

    def since(self, when: datetime) -> Iterator[Recording]:
        """Every recording from `when` (aware) on, newest first; raise OutcomeUnknown."""
        with asking():
            rows = self._client.recordings.list(date_created_after=when, page_size=200)
        for row in rows:
            found = _recording(row)
            if found.ready and (found.at is None or found.at >= when):
                yield found

    def delete(self, sid: str) -> None:
        """Take Twilio's copy away; one that is gone already is well. Raise OutcomeUnknown."""
        try:
            with told_apart():
                self._client.recordings(sid).delete()
        except DeliveryFailed as error:
            _gone_or_unknown(error)

    def close(self) -> None:
        """Close the kept connections."""
        self._http.close()


def _gone_or_unknown(error: DeliveryFailed) -> None:
    if error.code not in GONE:
        raise OutcomeUnknown(error.message) from None


def _recording(row: RecordingInstance) -> Recording:
    status = str(row.status)
    return Recording(str(row.sid), str(row.call_sid), status in READY, status in NOTHING, row.date_created)
