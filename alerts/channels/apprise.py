"""Everything that the library Apprise reaches: Telegram, Signal, Matrix, local carriers' SMS gateways, an Android phone as a gateway.

The operator names routes in the settings, each an address of Apprise with {to} where the person belongs; a contact says
`route:name-or-number` and nothing else. So nobody who types a contact chooses where our server connects to, and no key of a
service stands in a contact. A route to an SMS gateway may also name {sender}, {entity} and {text_id}: what the receiver's country
has for us (alerts/sms_routes.py), as India's networks want of each text. Apprise says only yes or no: what it logs while it sends
tells a refusal from a lost answer, and nothing of that is kept. The package is an extra (`concord[channels]`).
"""

from __future__ import annotations

import ipaddress
import logging
import re
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import get_ident
from typing import Any, ClassVar
from urllib.parse import quote, urlsplit

from alerts.channels.base import DeliveryFailed, Handed, Message, OutcomeUnknown
from committees.contact_addresses import ROUTED
from foundation.config import Config
from foundation.errors import Problem

#: Services at an address of their own, over https: nothing in a route changes where they are.
SERVICES = frozenset(
    (
        "atalk", "bale", "bulksms", "bulkvs", "burstsms", "clickatell", "clicksend", "d7sms", "discord", "exotel",
        "gupshup", "httpsms", "kaleyra", "kavenegar", "line", "msg91", "msgbird", "nexmo", "octopush", "plivo", "pover",
        "seven", "sinch", "slack", "smsmgr", "smstunnel", "telesign", "telnyx", "tgram", "threema", "viber", "voipms",
        "vonage", "whapi", "zulip",
    )
)  # fmt: skip
#: Services that send SMS: what goes there is written as the receiver's country takes SMS.
SMS_SERVICES = frozenset(
    (
        "atalk", "bulksms", "bulkvs", "burstsms", "clickatell", "clicksend", "d7sms", "exotel", "gupshup", "httpsms",
        "kaleyra", "kavenegar", "msg91", "msgbird", "nexmo", "octopush", "plivo", "seven", "sinch", "smseagle", "smseagles",
        "smsmgr", "smstunnel", "telesign", "telnyx", "voipms", "vonage",
    )
)  # fmt: skip
#: What a route may leave open: who gets it, and what the registry of their country wants to know.
RECEIVER, SENDER, ENTITY, TEXT_ID = "{to}", "{sender}", "{entity}", "{text_id}"
OF_SMS = (SENDER, ENTITY, TEXT_ID)
#: Servers of one's own, over https. Without the last letter they speak http, which only a private network may.
SERVERS = frozenset(
    (
        "evolutions",
        "gotifys",
        "jsons",
        "matrixs",
        "mmosts",
        "nctalks",
        "ntfys",
        "rockets",
        "signals",
        "smseagles",
    )
)
CONNECT_SECONDS, READ_SECONDS = 4.0, 10.0
_INSTALL = "The package for this way of sending is not installed. An administrator can run: pip install 'concord[channels]'"
_NO_ROUTE = "There is no such route. An administrator should look at CONCORD_APPRISE_URLS."
_PRIVATE = (
    "This route leads into a private network. An administrator can allow it with CONCORD_APPRISE_PRIVATE=on."
)
_NOT_REACHED = "The service could not be reached. It will be tried again."
_LOST = "The service did not answer, so we do not know whether it took the message."
_OURS = "The service refused our settings. An administrator should look at CONCORD_APPRISE_URLS."
_REFUSED = "The service refused this message or its receiver. Please check the contact with the person."
_BUSY = "The service is busy. It will be tried again."
_GAP = re.compile(r"\{[a-z_]+\}")
_STATUS = re.compile(r"error=(\d{3})")
_NEVER_LEFT = ("NewConnectionError", "ConnectTimeout", "NameResolutionError", "CERTIFICATE_VERIFY_FAILED")


class Apprise:
    """Routes of Apprise, by name."""

    key: ClassVar[str] = "apprise"
    label: ClassVar[str] = "Other services"
    #: Apprise cannot ask a service what it took.
    can_look_up: ClassVar[bool] = False

    def __init__(
        self, routes: Mapping[str, str], private: bool = False, read_seconds: float = READ_SECONDS
    ) -> None:
        for name, address in routes.items():
            _check_route(name, address, private)
        self._routes, self._private, self._read_seconds = dict(routes), private, read_seconds

    @classmethod
    def from_config(cls, config: Config) -> Apprise | None:
        """Return the channel, or None where no route is set; raise Problem for a route that may not be used."""
        if not config.apprise_routes:
            return None
        return cls(config.apprise_routes, config.apprise_private)

    def sms_number(self, address: str) -> str:
        """The number to which a contact's route sends an SMS; "" where the route is no SMS gateway."""
        match = ROUTED.fullmatch(address)
        route = self._routes.get(match[1], "") if match else ""
        is_sms = urlsplit(route).scheme in SMS_SERVICES or any(gap in route for gap in OF_SMS)
        return match[2] if match and is_sms else ""

    def send(self, message: Message) -> Handed:
        """Hand one message to its route; raise DeliveryFailed or OutcomeUnknown."""
        match = ROUTED.fullmatch(message.address)
        if not match:
            raise DeliveryFailed("This is not an address that we can use.", permanent=True)
        route = self._routes.get(match[1])
        if route is None:
            raise DeliveryFailed(_NO_ROUTE, permanent=False)
        self._check_host(route)
        service = self._service(_filled(route, match[2], message.sender, *message.registered))
        with _overheard() as said:
            taken = service.notify(body=message.text, title=message.subject or "", body_format="text")
        if not taken:
            raise _told_apart("\n".join(said))
        return Handed(f"{match[1]}-{message.outbox_id}")

    def look_up(self, message: Message) -> Handed | None:
        """Return None: there is nobody to ask (see `can_look_up`)."""
        return None

    def check(self) -> None:
        """Look whether the package is there and each route leads where it may; nothing is sent."""
        for route in self._routes.values():
            self._check_host(route)
            self._service(_filled(route, "0"), strict=False)
            if _own_server(route):
                _greet(route)

    def close(self) -> None:
        """Do nothing: Apprise keeps no connection."""

    def _service(self, address: str, *, strict: bool = True) -> Any:
        try:
            import apprise
        except ImportError:
            raise DeliveryFailed(_INSTALL, permanent=False) from None
        asset = apprise.AppriseAsset(
            async_mode=False, http_redirects=False, app_id="Concord", secure_logging=True
        )
        with _overheard():
            service = apprise.Apprise.instantiate(address, asset=asset, suppress_exceptions=True)
        if service is None:
            if strict:
                raise DeliveryFailed(_REFUSED, permanent=True)
            return None
        service.socket_connect_timeout, service.socket_read_timeout = CONNECT_SECONDS, self._read_seconds
        return service

    def _check_host(self, route: str) -> None:
        """Refuse a server of one's own whose name leads into a private network, each time anew: names change."""
        if not _own_server(route) or self._private:
            return
        host = urlsplit(route).hostname or ""
        try:
            found = {str(row[4][0]) for row in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}
        except OSError:
            raise DeliveryFailed(_NOT_REACHED, permanent=False) from None
        if not all(_is_public(address) for address in found):
            raise DeliveryFailed(_PRIVATE, permanent=False)


def _filled(route: str, to: str, sender: str = "", entity: str = "", text_id: str = "") -> str:
    """The address of one message; what a country has no value for stays empty."""
    values = {RECEIVER: to, SENDER: sender, ENTITY: entity, TEXT_ID: text_id}
    return _GAP.sub(lambda gap: quote(values[gap[0]], safe=""), route)


def _own_server(route: str) -> bool:
    return urlsplit(route).scheme not in SERVICES


def _check_route(name: str, route: str, private: bool) -> None:
    """Raise Problem for a route to a service that we do not know, over an open line, or plainly into a private network."""
    parts = urlsplit(route)
    open_line = f"{parts.scheme}s" in SERVERS
    if parts.scheme not in SERVICES | SERVERS and not (open_line and private):
        raise Problem(
            f"The route {name} in CONCORD_APPRISE_URLS leads to a kind of service that Concord does not use.",
            f"Known ones: {', '.join(sorted(SERVICES | SERVERS))}. Open http needs CONCORD_APPRISE_PRIVATE=on.",
        )
    if unknown := set(_GAP.findall(route)) - {RECEIVER, *OF_SMS}:
        raise Problem(
            f"The route {name} in CONCORD_APPRISE_URLS leaves open what nobody fills in: {', '.join(sorted(unknown))}.",
            f"Known gaps: {', '.join((RECEIVER, *OF_SMS))}.",
        )
    if not _own_server(route):
        return
    if "{" in parts.netloc.rpartition("@")[2]:
        raise Problem(
            f"The route {name} in CONCORD_APPRISE_URLS lets a contact choose the server.",
            "Put {to} behind the name of the server.",
        )
    try:
        host, _port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        host = ""
    if not host or (not private and _plainly_private(host)):
        raise Problem(
            f"The route {name} in CONCORD_APPRISE_URLS leads into a private network.",
            "Name a public server, or allow it with CONCORD_APPRISE_PRIVATE=on.",
        )


def _plainly_private(host: str) -> bool:
    if host == "localhost" or host.endswith((".localhost", ".local", ".internal")):
        return True
    try:
        # As the system reads it: 127.1, 0x7f000001 and 2130706433 are addresses too.
        return not _is_public(socket.inet_ntoa(socket.inet_aton(host)))
    except OSError:
        return ":" in host and not _is_public(host)


def _is_public(address: str) -> bool:
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    inner = getattr(found, "ipv4_mapped", None) or getattr(found, "sixtofour", None) or found
    return bool(found.is_global and inner.is_global and not found.is_multicast)


def _greet(route: str) -> None:
    """Open a line to a server of one's own and close it again."""
    parts = urlsplit(route)
    port = parts.port or (443 if parts.scheme in SERVERS else 80)
    try:
        socket.create_connection((parts.hostname or "", port), CONNECT_SECONDS).close()
    except OSError:
        raise DeliveryFailed(_NOT_REACHED, permanent=False) from None


class _Ear(logging.Filter):
    """Hears what Apprise says in one thread, and lets nothing through to any log."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: dict[int, list[str]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep a line for the thread that asked, and drop it."""
        if (lines := self.heard.get(get_ident())) is not None:
            lines.append(record.getMessage())
        return False


_EAR = _Ear()


@contextmanager
def _overheard() -> Iterator[list[str]]:
    """The lines that Apprise logs meanwhile. They may name people, so they reach no log of ours, now or later."""
    logger = logging.getLogger("apprise")
    logger.addFilter(_EAR)
    logger.setLevel(logging.DEBUG)
    lines = _EAR.heard[get_ident()] = []
    try:
        yield lines
    finally:
        _EAR.heard.pop(get_ident(), None)


def _told_apart(said: str) -> DeliveryFailed | OutcomeUnknown:
    """What a *no* of Apprise means; where it does not say, nobody knows."""
    codes = _STATUS.findall(said)
    if codes:
        code = codes[-1]
        if code in ("408", "425", "429"):
            return DeliveryFailed(_BUSY, permanent=False, code=code)
        if code in ("401", "402", "407"):
            return DeliveryFailed(_OURS, permanent=False, code=code)
        if code.startswith("4"):
            return DeliveryFailed(_REFUSED, permanent=True, code=code)
        return OutcomeUnknown(_LOST)
    if any(sign in said for sign in _NEVER_LEFT):
        return DeliveryFailed(_NOT_REACHED, permanent=False)
    return OutcomeUnknown(_LOST)
