"""Standard Webhooks (standardwebhooks.com): a signed POST of JSON to another program, over kept connections.

The address of a message is the program's URL with its secret behind the `#`; both stand sealed in the outbox row. Only hosts that the
operator listed are ever written to, redirects are not followed, and an answer's body is not read. A program recognises a second copy by its
`webhook-id`, which is our outbox id.
"""

from __future__ import annotations

from typing import ClassVar
from urllib.parse import urldefrag, urlsplit

import requests
from requests.adapters import HTTPAdapter
from standardwebhooks import Webhook as Signer

from alerts.channels.base import DeliveryFailed, Handed, Message, OutcomeUnknown
from foundation.clock import SystemClock
from foundation.config import Config
from foundation.errors import Invalid
from foundation.web.words import N_

SECONDS = (5.0, 10.0)
GONE = 410
#: Answers that will be the same for this message whenever it is sent again.
REFUSED = frozenset({400, 401, 403, 404, 405, 413, 415, 422})


class Webhook:
    """Messages to programs."""

    key: ClassVar[str] = "webhook"
    label: ClassVar[str] = "Webhook"
    #: A program cannot be asked what it took; it knows a second copy by its id.
    can_look_up: ClassVar[bool] = False

    def __init__(self, hosts: tuple[str, ...]) -> None:
        self._hosts = hosts
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.mount("https://", HTTPAdapter(pool_maxsize=8, max_retries=0))

    @classmethod
    def from_config(cls, config: Config) -> Webhook:
        """Return the channel; with no host listed it refuses every message in words."""
        return cls(config.webhook_hosts)

    def send(self, message: Message) -> Handed:
        """Hand one message to its program; raise DeliveryFailed or OutcomeUnknown."""
        url, secret = urldefrag(message.address)
        try:
            check_url(url, self._hosts)
        except Invalid as error:
            raise DeliveryFailed(error.message, permanent=True) from None
        headers = _signed(str(message.outbox_id), message.text, secret)
        try:
            with self._session.post(
                url,
                data=message.text.encode(),
                headers=headers,
                timeout=SECONDS,
                allow_redirects=False,
                stream=True,
            ) as answer:
                return _understood(answer.status_code, str(message.outbox_id))
        except requests.ConnectTimeout:
            raise DeliveryFailed(
                N_("The program could not be reached. It will be tried again."), False
            ) from None
        except requests.ConnectionError as error:
            if "NewConnectionError" in repr(error) or "NameResolutionError" in repr(error):
                raise DeliveryFailed(
                    N_("The program could not be reached. It will be tried again."), False
                ) from None
            raise OutcomeUnknown(
                N_("The connection to the program broke while it took the message.")
            ) from None
        except requests.RequestException:
            raise OutcomeUnknown(N_("The program did not answer.")) from None

    def look_up(self, message: Message) -> Handed | None:
        """Return None: a program cannot be asked (see `can_look_up`)."""
        return None

    def check(self) -> None:
        """Do nothing: each program is another host, and its own page says how its messages fared."""

    def close(self) -> None:
        """Give the connections back."""
        self._session.close()


def check_url(url: str, hosts: tuple[str, ...]) -> str:
    """Return the address of a program if it may be written to; raise Invalid on "url" with what to do."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Invalid(
            "url",
            N_("This address cannot be used."),
            N_("Write it like https://example.org/hook, without a password."),
        ) from None
    if parts.username or parts.password or parts.fragment or not parts.hostname:
        raise Invalid(
            "url",
            N_("This address cannot be used."),
            N_("Write it like https://example.org/hook, without a password."),
        )
    if not {parts.hostname, f"{parts.hostname}:{port}"} & set(hosts):
        raise Invalid(
            "url",
            N_("This host is not on the list of programs that Concord may write to."),
            N_("Whoever runs Concord can add it to CONCORD_WEBHOOK_HOSTS."),
        )
    if parts.scheme != "https" and not (
        parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost")
    ):
        raise Invalid(
            "url", N_("This address is not protected on its way."), N_("Use one that begins with https://.")
        )
    return url


def _signed(message_id: str, body: str, secret: str) -> dict[str, str]:
    now = SystemClock().now()
    return {
        "Content-Type": "application/json",
        "User-Agent": "Concord",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Signer(secret).sign(message_id, now, body),
    }


def _understood(status: int, message_id: str) -> Handed:
    if 200 <= status < 300:
        return Handed(message_id, "delivered")
    if status == GONE:
        raise DeliveryFailed(N_("The program says that it is gone."), True, str(status))
    if status in REFUSED or 300 <= status < 400:
        raise DeliveryFailed(N_("The program refused this message."), True, str(status))
    raise DeliveryFailed(N_("The program could not take the message now."), False, str(status))
