"""A mail server and a Twilio that only take: run as ``python -m benchmarks.sinks smtp|sms PORT CONTROL [--lose N] [--refuse N] [--key REGEX]``.

Plain asyncio protocols, quick enough not to be the limit, and the same for whatever is measured. Every n-th message is taken and its
answer lost (`--lose`), or refused for now (`--refuse`). Whoever connects to CONTROL gets what was taken, as JSON, with the moments.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import re
import time
from collections.abc import Callable
from itertools import count
from urllib.parse import parse_qs, parse_qsl, urlsplit


class Kept:
    """What was taken: by key, the moments; and which message meets which fault."""

    def __init__(self, key: str, lose: int, refuse: int) -> None:
        self.key, self.lose, self.refuse = re.compile(key.encode()), lose, refuse
        self.seen: dict[str, list[float]] = {}
        self.by_phone: dict[str, list[dict[str, object]]] = {}
        self.number = count(1)

    def fault(self) -> str:
        """The fault of the next message."""
        n = next(self.number)
        if self.refuse and n % 10 < self.refuse:
            return "refuse"
        return "lose" if self.lose and n % self.lose == 0 else ""

    def take(self, key: str) -> None:
        """Keep one message."""
        self.seen.setdefault(key, []).append(time.time())


class Smtp(asyncio.Protocol):
    """One connection of the mail server; it offers PIPELINING."""

    def __init__(self, kept: Kept) -> None:
        self.kept = kept
        self.buffer = b""
        self.in_letter = False
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(b"220 sink\r\n")

    def data_received(self, data: bytes) -> None:
        """Answer every whole command or letter that is there."""
        self.buffer += data
        answers = []
        while True:
            if self.in_letter:
                letter, dot, rest = self.buffer.partition(b"\r\n.\r\n")
                if not dot:
                    break
                self.buffer, self.in_letter = rest, False
                answer = self._letter(letter)
                if answer is None:
                    return
                answers.append(answer)
                continue
            line, end, rest = self.buffer.partition(b"\r\n")
            if not end:
                break
            self.buffer = rest
            answers.append(self._command(line[:4].upper()))
        if answers:
            self.transport.write(b"".join(answers))

    def _command(self, verb: bytes) -> bytes:
        if verb == b"EHLO":
            return b"250-sink\r\n250-PIPELINING\r\n250 8BITMIME\r\n"
        if verb == b"DATA":
            self.in_letter = True
            return b"354 go on\r\n"
        if verb == b"QUIT":
            self.transport.write(b"221 bye\r\n")
            self.transport.close()
            return b""
        return b"250 ok\r\n"

    def _letter(self, letter: bytes) -> bytes | None:
        fault = self.kept.fault()
        if fault == "refuse":
            return b"451 4.3.0 not now\r\n"
        found = self.kept.key.search(letter)
        self.kept.take(found[1].decode() if found else "?")
        if fault == "lose":
            self.transport.abort()
            return None
        return b"250 taken\r\n"


class Sms(asyncio.Protocol):
    """One kept connection of a Twilio: its Messages, created and listed; or of any webhook."""

    def __init__(self, kept: Kept) -> None:
        self.kept = kept
        self.buffer = b""
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for a request."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every whole request that is there."""
        self.buffer += data
        while True:
            head, end, rest = self.buffer.partition(b"\r\n\r\n")
            if not end:
                return
            length = re.search(rb"(?i)content-length: *(\d+)", head)
            size = int(length[1]) if length else 0
            if len(rest) < size:
                return
            self.buffer = rest[size:]
            method, path, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
            answer = self._listed(path) if method == "GET" else self._taken(rest[:size])
            if answer is None:
                self.transport.abort()
                return
            status, body = answer
            kind = b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
            self.transport.write(b"HTTP/1.1 %s\r\n" % status + kind + body)

    def _taken(self, body: bytes) -> tuple[bytes, bytes] | None:
        fault = self.kept.fault()
        if fault == "refuse":
            return b"503 Busy", b'{"code": 20503, "message": "busy", "status": 503}'
        fields = dict(parse_qsl(body.decode())) if not body.startswith(b"{") else {}
        found = self.kept.key.search(fields.get("StatusCallback", "").encode() or body)
        key = found[1].decode() if found else "?"
        self.kept.take(key)
        number = f"SM{next(_SERIAL):032x}"
        made: dict[str, object] = {
            "sid": number,
            "status": "queued",
            "to": fields.get("To", ""),
            "from": fields.get("From"),
            "body": fields.get("Body", ""),
            "direction": "outbound-api",
            "error_code": None,
            "date_created": time.strftime("%a, %d %b %Y %H:%M:%S +0000", time.gmtime()),
        }
        self.kept.by_phone.setdefault(fields.get("To", ""), []).insert(0, made)
        return None if fault == "lose" else (b"201 Created", json.dumps(made).encode())

    def _listed(self, path: str) -> tuple[bytes, bytes]:
        to = parse_qs(urlsplit(path).query).get("To", [""])[0]
        found = {
            "messages": self.kept.by_phone.get(to, []),
            "next_page_uri": None,
            "page": 0,
            "page_size": 50,
        }
        return b"200 OK", json.dumps(found).encode()


_SERIAL = count(1)


async def serve(kind: str, port: int, control: int, kept: Kept) -> None:
    """Listen until killed."""
    protocols: dict[str, Callable[[], asyncio.Protocol]] = {
        "smtp": lambda: Smtp(kept),
        "sms": lambda: Sms(kept),
    }

    async def tell(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(base64.b64encode(json.dumps(kept.seen).encode()))
        await writer.drain()
        writer.close()

    loop = asyncio.get_running_loop()
    async with (
        await asyncio.start_server(tell, "127.0.0.1", control),
        await loop.create_server(protocols[kind], "127.0.0.1", port, backlog=512) as server,
    ):
        await server.serve_forever()


def main() -> None:
    """Read the arguments and serve."""
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=["smtp", "sms"])
    parser.add_argument("port", type=int)
    parser.add_argument("control", type=int)
    parser.add_argument("--lose", type=int, default=0, help="lose the answer of every n-th message")
    parser.add_argument("--refuse", type=int, default=0, help="refuse so many of ten for now")
    parser.add_argument("--key", default=r"([0-9a-f]{8}-[0-9a-f-]{27})", help="what names a message")
    given = parser.parse_args()
    asyncio.run(serve(given.kind, given.port, given.control, Kept(given.key, given.lose, given.refuse)))


if __name__ == "__main__":
    main()
