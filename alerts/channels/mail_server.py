"""One kept connection to a mail server: how to reach it, and one letter in three certain steps.

smtplib's `sendmail` does not say whether a lost connection was lost before or after the letter was given,
so the steps are taken one by one here. Only `email` imports this module.
"""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote, urlsplit

from alerts.channels.base import DeliveryFailed, OutcomeUnknown
from foundation.errors import Problem

SECONDS = 10.0
TLS = ("auto", "starttls", "none")
_NOT_REACHED = "The mail server could not be reached. It will be tried again."


@dataclass(frozen=True)
class MailServer:
    """Where the mail server is and how to speak to it; `tls` is auto, starttls, none or implicit."""

    host: str
    port: int
    tls: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)


def parse_smtp_url(url: str) -> MailServer:
    """Read `smtp://user:password@host:port?tls=auto|starttls|none` or `smtps://...`; raise Problem."""
    parts = urlsplit(url)
    wanted = parse_qs(parts.query).get("tls", ["auto"])[0]
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname or wanted not in TLS:
        raise Problem(
            "The address of the mail server cannot be used.",
            "Write smtp://user:password@host:587?tls=starttls, or smtps://user:password@host:465.",
        )
    implicit = parts.scheme == "smtps"
    return MailServer(
        host=parts.hostname,
        port=parts.port or (465 if implicit else 587 if parts.username else 25),
        tls="implicit" if implicit else wanted,
        user=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
    )


def connect(server: MailServer, seconds: float = SECONDS) -> smtplib.SMTP:
    """Return an open session, encrypted and signed in as `server` says; raise DeliveryFailed."""
    try:
        return _opened(server, seconds)
    except smtplib.SMTPAuthenticationError:
        raise DeliveryFailed("The mail server refused our name and password.", permanent=False) from None
    except smtplib.SMTPNotSupportedError:
        raise DeliveryFailed(
            "The mail server does not offer what our settings ask for.", permanent=False
        ) from None
    except (OSError, smtplib.SMTPException):
        raise DeliveryFailed(_NOT_REACHED, permanent=False) from None


def _opened(server: MailServer, seconds: float) -> smtplib.SMTP:
    if server.tls == "implicit":
        context = ssl.create_default_context()
        session: smtplib.SMTP = smtplib.SMTP_SSL(server.host, server.port, timeout=seconds, context=context)
    else:
        session = smtplib.SMTP(server.host, server.port, timeout=seconds)
    try:
        session.ehlo_or_helo_if_needed()
        offered = session.has_extn("starttls")
        # A password never goes over an open line, unless the settings say so in as many words.
        needed = server.tls == "starttls" or bool(server.tls == "auto" and server.user)
        if needed or (server.tls == "auto" and offered):
            session.starttls(context=ssl.create_default_context())
            session.ehlo()
        if server.user:
            session.login(server.user, server.password or "")
    except BaseException:
        session.close()
        raise
    return session


def hand_over(session: smtplib.SMTP, sender: str, address: str, letter: bytes) -> str:
    """Give one letter to the server and return what it answered.

    Raises DeliveryFailed for a refusal (4xx again later, 5xx never), OutcomeUnknown if the connection broke
    after the letter was given, and smtplib.SMTPServerDisconnected if it broke before, when nothing can have
    been taken.
    """
    try:
        for step, code in _prepared(session, sender, address):
            if code not in (250, 251, 354):
                raise _refused(session, code, ours=step == "sender")
    except OSError as error:
        raise smtplib.SMTPServerDisconnected(str(error)) from None
    try:
        session.send(_dotted(letter))
        code, reply = session.getreply()
    except (OSError, smtplib.SMTPException):
        raise OutcomeUnknown("The connection to the mail server broke while it took the message.") from None
    if code != 250:
        raise _refused(session, code)
    return reply.decode("ascii", "replace")


def _prepared(session: smtplib.SMTP, sender: str, address: str) -> Iterator[tuple[str, int]]:
    yield "sender", session.mail(sender)[0]
    yield "address", session.rcpt(address)[0]
    yield "letter", session.docmd("data")[0]


def _dotted(letter: bytes) -> bytes:
    """Return the letter as it goes over the line: CRLF ends, leading dots doubled, a dot alone at the end."""
    lines = letter.replace(b"\r\n", b"\n").replace(b"\r", b"\n").rstrip(b"\n").split(b"\n")
    return b"\r\n".join(b"." + line if line.startswith(b".") else line for line in lines) + b"\r\n.\r\n"


def _refused(session: smtplib.SMTP, code: int, *, ours: bool = False) -> DeliveryFailed:
    """Return the failure for a refusal and leave the connection ready for the next letter, or closed."""
    if code == 421:
        session.close()
    else:
        with suppress(OSError, smtplib.SMTPException):
            session.rset()
    if ours:
        # Refusing our own name says nothing about the person's address.
        return DeliveryFailed("The mail server refuses our sender address.", permanent=False, code=str(code))
    if code >= 500:
        return DeliveryFailed(
            "The mail server refused this address or message.", permanent=True, code=str(code)
        )
    return DeliveryFailed("The mail server asks us to wait.", permanent=False, code=str(code))
