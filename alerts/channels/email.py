"""E-mail through any mail server, over one kept connection: plain text with a simple HTML copy.

A letter's Message-ID is made from our outbox id: a second copy after a lost answer has the same one, and
most mail systems show such twins once. Words and layout are `alerts.messages`' business, not this file's.
"""

from __future__ import annotations

import re
import smtplib
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formataddr, parseaddr
from threading import Lock
from time import monotonic
from typing import ClassVar

from alerts.channels.base import DeliveryFailed, Handed, Message
from alerts.channels.mail_server import MailServer, connect, hand_over, parse_smtp_url
from foundation.config import Config

#: A connection left alone for longer is not trusted: servers and firewalls drop it without a word.
IDLE_SECONDS = 50.0
_ADDRESS = re.compile(r"\A[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\Z")


class Email:
    """Letters over SMTP."""

    key: ClassVar[str] = "email"
    label: ClassVar[str] = "E-mail"
    #: A mail server cannot be asked what it took.
    can_look_up: ClassVar[bool] = False

    def __init__(self, server: MailServer, sender: str, public_url: str, seconds: float = 10.0) -> None:
        self._server = server
        self._sender = parseaddr(sender)
        self._public_url = public_url.rstrip("/")
        self._seconds = seconds
        self._session: smtplib.SMTP | None = None
        self._used = 0.0
        self._lock = Lock()

    @classmethod
    def from_config(cls, config: Config) -> Email | None:
        """Return the channel, or None where no mail server is set."""
        if not config.smtp_url:
            return None
        return cls(parse_smtp_url(config.smtp_url), config.mail_from, config.public_url)

    def send(self, message: Message) -> Handed:
        """Hand one letter to the mail server; raise DeliveryFailed or OutcomeUnknown."""
        letter = self.compose(message)
        address, sender = _checked(message.address), self._sender[1]
        with self._lock:
            fresh = self._session is None or monotonic() - self._used > IDLE_SECONDS
            try:
                hand_over(self._open(fresh), sender, address, letter.as_bytes(policy=SMTP))
            except smtplib.SMTPServerDisconnected:
                self._drop()
                if fresh:
                    raise DeliveryFailed("The mail server hung up. It will be tried again.", False) from None
                # The kept connection had died before anything was given: once more over a new one.
                self._again(sender, address, letter)
            except DeliveryFailed:
                raise
            except BaseException:
                self._drop()
                raise
            self._used = monotonic()
        return Handed(str(letter["Message-ID"]))

    def look_up(self, message: Message) -> Handed | None:
        """Return None: a mail server keeps no list that could be asked (see `can_look_up`)."""
        return None

    def check(self) -> None:
        """Sign in at the mail server, or greet it over the kept connection."""
        with self._lock:
            self._open(self._session is None or monotonic() - self._used > IDLE_SECONDS)
            assert self._session is not None
            try:
                answered = self._session.noop()[0] == 250
            except (OSError, smtplib.SMTPException):
                answered = False
            if not answered:
                self._drop()
                raise DeliveryFailed("The mail server hung up. It will be tried again.", permanent=False)
            self._used = monotonic()

    def close(self) -> None:
        """Say goodbye to the server."""
        with self._lock:
            self._drop()

    def compose(self, message: Message) -> EmailMessage:
        """Return the letter; raise DeliveryFailed if its address or subject could forge a header."""
        subject = message.subject or "Concord"
        if re.search(r"[\r\n\0]", subject):
            raise DeliveryFailed("The subject of this message cannot be used.", permanent=True)
        name, address = self._sender
        letter = EmailMessage(policy=SMTP)
        letter["From"] = formataddr((name, address)) if name else address
        letter["To"] = _checked(message.address)
        letter["Subject"] = subject
        letter["Message-ID"] = f"<{message.outbox_id}@{address.rpartition('@')[2]}>"
        letter["Auto-Submitted"] = "auto-generated"
        stop = message.stop_link or f"{self._public_url}/me"
        letter["List-Unsubscribe"] = f"<{stop}>, <mailto:{address}?subject=STOP>"
        if message.stop_link:
            letter["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        letter.set_content(message.text, cte="base64" if not message.text.isascii() else None)
        if message.html:
            letter.add_alternative(
                message.html, subtype="html", cte="base64" if not message.html.isascii() else None
            )
        # Last, because adding an alternative moves such headers into the first part.
        letter["Content-Language"] = message.language
        return letter

    def _open(self, fresh: bool) -> smtplib.SMTP:
        if self._session is not None and not fresh and self._session.sock is not None:
            return self._session
        self._drop()
        self._session = connect(self._server, self._seconds)
        return self._session

    def _again(self, sender: str, address: str, letter: EmailMessage) -> None:
        try:
            hand_over(self._open(True), sender, address, letter.as_bytes(policy=SMTP))
        except smtplib.SMTPServerDisconnected:
            self._drop()
            raise DeliveryFailed("The mail server hung up. It will be tried again.", False) from None
        except BaseException:
            self._drop()
            raise

    def _drop(self) -> None:
        session, self._session = self._session, None
        if session is None:
            return
        try:
            session.quit()
        except (OSError, smtplib.SMTPException):
            session.close()


def _checked(address: str) -> str:
    """Return the address if it is exactly one and plain; raise DeliveryFailed, permanent, if not."""
    if not _ADDRESS.match(address):
        raise DeliveryFailed("This is not an e-mail address that we can write to.", permanent=True)
    return address
