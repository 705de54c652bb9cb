"""A mail server that keeps what it gets, refuses when asked to, and hangs up when asked to."""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller

#: A reply code, at the address (RCPT) or at the letter (DATA), or though the letter was taken; or a broken connection at DATA, at once or
#: after long silence.
FAULTS = (
    "address 451",
    "address 550",
    "letter 451",
    "letter 550",
    "taken 451",
    "taken 550",
    "drop_before",
    "drop_after",
    "hang_before",
    "hang_after",
    "421",
)
HANG_SECONDS = 30


@dataclass(frozen=True)
class Mail:
    """One letter that was taken."""

    sender: str
    to: str
    letter: EmailMessage

    @property
    def text(self) -> str:
        """The plain text of the letter."""
        part = self.letter.get_body(("plain",))
        return str(part.get_content()) if part else ""

    @property
    def html(self) -> str:
        """The HTML copy, or an empty text."""
        part = self.letter.get_body(("html",))
        return str(part.get_content()) if part else ""


class FakeMailbox:
    """Takes letters on 127.0.0.1. Use it as a context manager; `url` is its SMTP_URL."""

    def __init__(self) -> None:
        self.letters: list[Mail] = []
        self.connections = 0
        self._faults: deque[str] = deque()
        self._open: list[Any] = []
        self._port = _free_port()
        self._controller: Controller | None = None

    def __enter__(self) -> FakeMailbox:
        self._controller = Controller(self, hostname="127.0.0.1", port=self._port)
        self._controller.start()
        self.connections = 0
        return self

    def __exit__(self, *_: object) -> None:
        if self._controller:
            self._controller.stop(no_assert=True)
        self._controller = None

    def go_down(self) -> None:
        """Break every connection and refuse new ones from now on."""
        assert self._controller
        loop = self._controller.loop
        for line in self._open:
            if line.transport:
                loop.call_soon_threadsafe(line.transport.abort)
        self._open.clear()
        self._controller.stop(no_assert=True)
        self._controller = None

    def come_back(self) -> None:
        """Listen at the same address again."""
        self.__enter__()

    @property
    def url(self) -> str:
        """Where it listens, as SMTP_URL."""
        return f"smtp://127.0.0.1:{self._port}?tls=none"

    def fault(self, kind: str, times: int = 1) -> None:
        """Do this to the next `times` letters."""
        assert kind in FAULTS, kind
        self._faults.extend([kind] * times)

    def to(self, address: str) -> list[Mail]:
        """Return the letters to one address, oldest first."""
        return [mail for mail in self.letters if mail.to == address]

    def assert_nothing_unexpected(self, expected: Iterable[tuple[str, str]]) -> None:
        """Fail unless the letters are exactly these: (address, a piece of subject or text), each once."""
        left, missing = list(self.letters), []
        for address, piece in expected:
            match = (
                m for m in left if m.to == address and (piece in m.text or piece in str(m.letter["Subject"]))
            )
            found = next(match, None)
            if found is None:
                missing.append((address, piece))
            else:
                left.remove(found)
        assert not missing, f"never sent: {missing}"
        assert not left, f"sent unexpectedly: {[(mail.to, mail.letter['Subject']) for mail in left]}"

    # What aiosmtpd calls.

    async def handle_EHLO(
        self, server: Any, session: Any, envelope: Any, hostname: str, responses: list[str]
    ) -> Any:
        """Count connections."""
        self.connections += 1
        self._open.append(server)
        session.host_name = hostname
        return responses

    async def handle_RCPT(
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        """Take or refuse the address."""
        fault = self._faults[0] if self._faults else ""
        if fault.startswith("address") or fault == "421":
            self._faults.popleft()
            return f"{fault.split()[-1]} refused for a test"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        """Take or refuse the letter, or break the connection before or after taking it."""
        fault = self._faults.popleft() if self._faults else ""
        if fault.startswith("letter"):
            return f"{fault.split()[-1]} refused for a test"
        if fault not in ("drop_before", "hang_before"):
            letter = message_from_bytes(envelope.content, policy=default)
            assert isinstance(letter, EmailMessage)
            self.letters.extend(Mail(envelope.mail_from, to, letter) for to in envelope.rcpt_tos)
        if fault.startswith("taken"):
            return f"{fault.split()[-1]} refused for a test"
        if fault.startswith("hang"):
            await asyncio.sleep(HANG_SECONDS)
        if fault.startswith(("drop", "hang")):
            server.transport.abort()
        return "250 taken"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
