"""One kept connection to a mail server: how to reach it, and letters given in certain steps, many in one go where it can.

smtplib's `sendmail` does not say whether a lost connection was lost before or after the letter was given,
so the steps are taken one by one here. Only `email` imports this module.
"""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote, urlsplit

from alerts.channels.base import DeliveryFailed, OutcomeUnknown
from alerts.channels.smtp_codes import refusal
from foundation.errors import Problem
from foundation.web.words import N_

SECONDS = 10.0
Taken = DeliveryFailed | OutcomeUnknown | None
TLS = ("auto", "starttls", "none")
_NOT_REACHED = N_("The mail server could not be reached. It will be tried again.")


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
        raise DeliveryFailed(
            N_("The mail server refused our name and password."), permanent=False, code="535", why="ours"
        ) from None
    except smtplib.SMTPNotSupportedError:
        raise DeliveryFailed(
            N_("The mail server does not offer what our settings ask for."), permanent=False, why="ours"
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


class Line:
    """One open connection to the mail server, and letters given over it: several commands in one go where the server offers it."""

    def __init__(self, session: smtplib.SMTP) -> None:
        self.session = session
        self._pipelining = session.has_extn("pipelining")

    @property
    def is_open(self) -> bool:
        """Whether the connection was not closed by us."""
        return self.session.sock is not None

    def give(self, sender: str, letters: Sequence[tuple[str, bytes]]) -> Iterator[Taken]:
        """Give letters one after the other and yield what became of each: None where it was taken.

        A letter that was given before the connection broke is OutcomeUnknown and the last one yielded. Where it broke before the next
        letter was given, which then cannot have been taken, smtplib.SMTPServerDisconnected is raised.
        """
        opened = 0  # commands of the next letter that were sent ahead
        for number, (address, letter) in enumerate(letters):
            ahead = self._ahead(sender, letters[number + 1][0]) if number + 1 < len(letters) else b""
            refused = self._prepared(sender, address, opened)
            if refused is not None:
                opened = 0
                yield refused
                continue
            try:
                self._write(_dotted(letter) + ahead)
                code, reply = self._reply()
            except (OSError, smtplib.SMTPException):
                self.close()
                yield OutcomeUnknown(N_("The connection to the mail server broke while it took the message."))
                return
            opened = 3 if ahead else 0
            yield None if code == 250 else refusal(code, reply)
            if code == 421:
                self.close()
                return

    def close(self) -> None:
        """Hang up."""
        self.session.close()

    def _ahead(self, sender: str, address: str) -> bytes:
        return _commands(sender, address) if self._pipelining else b""

    def _prepared(self, sender: str, address: str, opened: int) -> DeliveryFailed | None:
        """Say whose letter comes; return the server's refusal, with the connection ready for the next letter."""
        try:
            answers = self._asked(sender, address, opened)
        except OSError as error:
            raise smtplib.SMTPServerDisconnected(str(error)) from None
        steps = ("sender", "address", "letter")
        for step, (code, reply) in zip(steps, answers, strict=False):
            if code not in (250, 251, 354):
                self._forget(code, answers)
                return refusal(code, reply, of_us=step == "sender")
        return None

    def _asked(self, sender: str, address: str, opened: int) -> list[tuple[int, str]]:
        if opened or self._pipelining:
            if not opened:
                self._write(_commands(sender, address))
            return [self._reply() for _ in range(3)]
        answers: list[tuple[int, str]] = []
        for command in _commands(sender, address).splitlines(keepends=True):
            self._write(command)
            answers.append(self._reply())
            if answers[-1][0] not in (250, 251, 354):
                break
        return answers

    def _forget(self, code: int, answers: Sequence[tuple[int, str]]) -> None:
        """Leave the connection ready for the next letter, or closed."""
        if code == 421:
            self.close()
            return
        with suppress(OSError, smtplib.SMTPException):
            if (
                answers[-1][0] == 354
            ):  # it waits for a letter to nobody: an empty one ends that, and goes to nobody
                self._write(b".\r\n")
                self._reply()
            self._write(b"RSET\r\n")
            self._reply()

    def _write(self, data: bytes) -> None:
        if self.session.sock is None:
            raise smtplib.SMTPServerDisconnected("closed")
        self.session.sock.sendall(data)

    def _reply(self) -> tuple[int, str]:
        """One whole reply; raise SMTPServerDisconnected where there is none, or none that can be read."""
        if self.session.sock is None:
            raise smtplib.SMTPServerDisconnected("closed")
        if self.session.file is None:
            self.session.file = self.session.sock.makefile("rb")
        words = []
        while True:
            line = self.session.file.readline(2_000)
            if len(line) < 4 or not line[:3].isdigit():
                self.close()
                raise smtplib.SMTPServerDisconnected("The mail server hung up.")
            words.append(line[4:].decode("ascii", "replace").strip())
            if line[3:4] != b"-":
                return int(line[:3]), " ".join(words)


def _commands(sender: str, address: str) -> bytes:
    return f"MAIL FROM:<{sender}>\r\nRCPT TO:<{address}>\r\nDATA\r\n".encode("ascii")


def _dotted(letter: bytes) -> bytes:
    """Return the letter, which has CRLF ends, as it goes over the line: leading dots doubled, a dot alone at the end."""
    stuffed = letter.replace(b"\r\n.", b"\r\n..")
    return (b"." if stuffed.startswith(b".") else b"") + stuffed.rstrip(b"\r\n") + b"\r\n.\r\n"
