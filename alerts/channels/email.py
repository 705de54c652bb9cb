"""E-mail through any mail server, over kept connections: plain text with a simple HTML copy.

A letter's Message-ID is made from our outbox id: a second copy after a lost answer has the same one, and
most mail systems show such twins once. Words and layout are `alerts.messages`' business, not this file's.
"""

from __future__ import annotations

import re
import smtplib
from collections.abc import Sequence
from email.utils import parseaddr
from time import monotonic
from typing import ClassVar

from alerts.channels.base import DeliveryFailed, Handed, Message, OutcomeUnknown
from alerts.channels.letter import compose, sender_header
from alerts.channels.mail_server import Line, MailServer, Taken, connect, parse_smtp_url
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
        #: Connections that nobody uses now, with when they were used last. A list's own append and pop are safe in threads.
        self._idle: list[tuple[Line, float]] = []

    @classmethod
    def from_config(cls, config: Config) -> Email | None:
        """Return the channel, or None where no mail server is set."""
        if not config.smtp_url:
            return None
        return cls(parse_smtp_url(config.smtp_url), config.mail_from, config.public_url)

    def send(self, message: Message) -> Handed:
        """Hand one letter to the mail server; raise DeliveryFailed or OutcomeUnknown."""
        (result,) = self.send_all([message])
        if not isinstance(result, Handed):
            raise result
        return result

    def send_all(self, messages: Sequence[Message]) -> list[Handed | DeliveryFailed | OutcomeUnknown]:
        """Hand letters over one connection and return what came of each; several threads may do so, each over its own."""
        results: list[Handed | DeliveryFailed | OutcomeUnknown | None] = []
        letters: list[tuple[int, str, bytes]] = []
        for number, message in enumerate(messages):
            try:
                letters.append((number, checked(message.address), self.compose(message)))
                results.append(None)
            except DeliveryFailed as failure:
                results.append(failure)
        for (number, _, _), result in zip(letters, self._given(letters), strict=True):
            results[number] = result or Handed(self._message_id(messages[number]))
        return [result for result in results if result is not None]

    def look_up(self, message: Message) -> Handed | None:
        """Return None: a mail server keeps no list that could be asked (see `can_look_up`)."""
        return None

    def check(self) -> None:
        """Sign in at the mail server, or greet it over the kept connection."""
        line, fresh = self._line()
        try:
            answered = line.session.noop()[0] == 250
        except (OSError, smtplib.SMTPException):
            answered = False
        if answered:
            self._idle.append((line, monotonic()))
            return
        line.close()
        if fresh:
            raise DeliveryFailed("The mail server hung up. It will be tried again.", permanent=False)
        self.check()

    def close(self) -> None:
        """Say goodbye to the server."""
        while self._idle:
            _hang_up(self._idle.pop()[0])

    def compose(self, message: Message) -> bytes:
        """Return the letter; raise DeliveryFailed if its address or subject could forge a header."""
        name, address = self._sender
        headers = [
            ("From", sender_header(name, address)),
            ("To", checked(message.address)),
            ("Message-ID", self._message_id(message)),
            ("Auto-Submitted", "auto-generated"),
            (
                "List-Unsubscribe",
                f"<{message.stop_link or f'{self._public_url}/me'}>, <mailto:{address}?subject=STOP>",
            ),
        ]
        if message.stop_link:
            headers.append(("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"))
        return compose(headers, message.subject or "Concord", message.language, message.text, message.html)

    def _message_id(self, message: Message) -> str:
        return f"<{message.outbox_id}@{self._sender[1].rpartition('@')[2]}>"

    def _given(self, letters: Sequence[tuple[int, str, bytes]]) -> list[Taken]:
        """What became of each letter, over as many connections as it takes: one that makes no progress is the last."""
        results: list[Taken] = []
        while len(results) < len(letters):
            before = len(results)
            try:
                line, fresh = self._line()
            except DeliveryFailed as failure:
                return results + [failure] * (len(letters) - before)
            left = [(address, letter) for _, address, letter in letters[before:]]
            try:
                for result in line.give(self._sender[1], left):
                    results.append(result)  # noqa: PERF402 -- what came before a broken connection is kept
            except smtplib.SMTPServerDisconnected:
                line.close()
                # A kept connection had died before anything was given: once more over a new one.
                if fresh and len(results) == before:
                    hung_up = DeliveryFailed("The mail server hung up. It will be tried again.", False)
                    return results + [hung_up] * (len(letters) - before)
            except BaseException:
                line.close()
                raise
            if line.is_open:
                self._idle.append((line, monotonic()))
        return results

    def _line(self) -> tuple[Line, bool]:
        """A kept connection, or a new one, and whether it is new."""
        while self._idle:
            try:
                line, used = self._idle.pop()
            except IndexError:
                break
            if line.is_open and monotonic() - used <= IDLE_SECONDS:
                return line, False
            _hang_up(line)
        return Line(connect(self._server, self._seconds)), True


def _hang_up(line: Line) -> None:
    try:
        line.session.quit()
    except (OSError, smtplib.SMTPException):
        line.close()


def checked(address: str) -> str:
    """Return the address if it is exactly one and plain; raise DeliveryFailed, permanent, if not."""
    if not _ADDRESS.match(address):
        raise DeliveryFailed(
            "This is not an e-mail address that we can write to.", permanent=True, why="receiver"
        )
    return address
