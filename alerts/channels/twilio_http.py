"""Twilio's library over our own connection: another base address, real timeouts, and failures told apart.

The one question that matters after a failure is whether the request may have reached Twilio. Here it is
answered once. Only what speaks to Twilio imports this module.
"""

from __future__ import annotations

import logging
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import urlencode, urlsplit, urlunsplit

from twilio.base.exceptions import TwilioException, TwilioRestException, TwilioServiceException
from twilio.http import HttpClient
from twilio.http.response import Response
from twilio.rest import Client

from alerts.channels.base import DeliveryFailed, OutcomeUnknown
from alerts.channels.kept_lines import KeptLines, Lost, NotReached
from alerts.channels.twilio_codes import verdict
from foundation.web.words import N_

CONNECT_SECONDS = 4.0
READ_SECONDS = 10.0
_NOT_REACHED = N_("The SMS service could not be reached. It will be tried again.")
_LOST = N_("The SMS service did not answer, so we do not know whether it took the message.")


class PooledClient(HttpClient):
    """An HTTP client with kept connections that sends Twilio's requests to `base` where one is given.

    It never logs a request (a body is a message to a person) and never retries one by itself.
    """

    def __init__(
        self, base: str | None, connect: float = CONNECT_SECONDS, read: float = READ_SECONDS, pool: int = 64
    ) -> None:
        super().__init__(logging.getLogger("concord.twilio"), False)
        self._base = urlsplit(base) if base else None
        self._lines = KeptLines(connect, read, pool)

    def request(
        self,
        method: str,
        uri: str,
        params: dict[str, object] | None = None,
        data: dict[str, object] | None = None,
        headers: dict[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,
        allow_redirects: bool = False,
    ) -> Response:
        """Make one request; raise NotReached or Lost."""
        sent = {name: str(value) for name, value in (headers or {}).items()} | _signed(auth)
        address = self._address(uri)
        if params:
            address += ("&" if "?" in address else "?") + urlencode(_given(params))
        body = urlencode(_given(data)).encode() if data else None
        if body is not None:
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        status, text, told = self._lines.request(method.upper(), address, sent, body)
        return Response(status, text.decode("utf-8", "replace"), told)

    def sound(self, uri: str, auth: tuple[str, str], most: int) -> tuple[int, bytes]:
        """The status and at most so many bytes of one address; raise NotReached or Lost."""
        status, found, _ = self._lines.request("GET", self._address(uri), _signed(auth), most=most)
        return status, found

    def close(self) -> None:
        """Close the kept connections."""
        self._lines.close()

    def _address(self, uri: str) -> str:
        if self._base is None:
            return uri
        path = self._base.path.rstrip("/") + urlsplit(uri).path
        return urlunsplit((self._base.scheme, self._base.netloc, path, urlsplit(uri).query, ""))


def _signed(auth: tuple[str, str] | None) -> dict[str, str]:
    return {"Authorization": f"Basic {b64encode(':'.join(auth).encode()).decode()}"} if auth else {}


def _given(values: Mapping[str, object]) -> list[tuple[str, str]]:
    """The fields of a form or a query: no empty ones, and a list as the same name several times."""
    return [
        (name, str(one))
        for name, value in values.items()
        if value is not None
        for one in (value if isinstance(value, list | tuple) else (value,))
    ]


def make_client(account_sid: str, token: str, http: PooledClient) -> Client:
    """Return Twilio's client for one account; nothing is read from the environment."""
    # An empty mapping would make the library fall back to os.environ.
    return Client(account_sid, token, http_client=http, environment={"CONCORD": "settings are passed in"})


@contextmanager
def told_apart() -> Iterator[None]:
    """Turn every failure of a call to Twilio into DeliveryFailed (not taken) or OutcomeUnknown (maybe)."""
    try:
        yield
    except (TwilioRestException, TwilioServiceException) as error:
        raise _answered(error) from None
    except NotReached:
        raise DeliveryFailed(_NOT_REACHED, permanent=False) from None
    except Lost:
        raise OutcomeUnknown(_LOST) from None
    except (TwilioException, ValueError):
        # Accepted, by its status, but the answer cannot be read: our id of the message is lost with it.
        raise OutcomeUnknown(_LOST) from None


@contextmanager
def asking() -> Iterator[None]:
    """As `told_apart`, for questions that change nothing: any failure means that we do not know."""
    try:
        with told_apart():
            yield
    except DeliveryFailed as error:
        raise OutcomeUnknown(error.message) from None


def ask_for_account(client: Client) -> None:
    """Ask whether our account is there and open; raise DeliveryFailed or OutcomeUnknown. Nothing is sent."""
    with told_apart():
        account = client.api.v2010.accounts(client.username).fetch()
    if account.status != "active":
        raise DeliveryFailed(N_("The account at Twilio is not active."), permanent=False, why="ours")


def _answered(error: TwilioRestException | TwilioServiceException) -> DeliveryFailed | OutcomeUnknown:
    if error.status >= 500:
        # Twilio says that a request answered with 500 may have been carried out.
        return OutcomeUnknown(_LOST)
    code = str(error.code) if error.code and error.code != error.status else None
    meaning = verdict(code, error.status)
    return DeliveryFailed(meaning.words, meaning.permanent, code or str(error.status), meaning.why)
