"""HTTP over kept connections, one request at a time on each, that says of every failure whether the request may have been taken.

Plain http.client: a library that follows, repeats and pools by itself takes more time for each message than all the rest of sending it.
Proxies and .netrc of the environment are not settings of Concord, and nothing is followed or tried again. Only `twilio_http` imports this
module.
"""

from __future__ import annotations

import select
import ssl
from collections import defaultdict, deque
from collections.abc import Mapping
from functools import cached_property
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import SplitResult, urlsplit


class NotReached(Exception):
    """No connection was made, so that no byte of the request went out."""


class Lost(Exception):
    """The request went out, or some of it did, and no whole answer came."""


class KeptLines:
    """Connections by server; several threads may use it. At most `most` idle ones are kept for each server."""

    def __init__(self, connect: float, read: float, most: int) -> None:
        self._connect, self._read, self._most = connect, read, most
        self._idle: dict[tuple[str, str], deque[HTTPConnection]] = defaultdict(deque)

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None = None,
        *,
        most: int | None = None,
    ) -> tuple[int, bytes, dict[str, str]]:
        """Return status, body (at most so many bytes) and headers of one answer; raise NotReached or Lost."""
        parts = urlsplit(url)
        line = self._kept(parts) or self._opened(parts)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        try:
            line.request(method, path, body, dict(headers))
            answer = line.getresponse()
            found = answer.status, answer.read(most), dict(answer.getheaders())
        except (OSError, HTTPException) as error:
            line.close()
            raise Lost(type(error).__name__) from error
        except BaseException:
            line.close()
            raise
        idle = self._idle[parts.scheme, parts.netloc]
        if line.sock is not None and answer.isclosed() and len(idle) < self._most:
            idle.append(line)
        else:  # what was not read is not waited for: the connection goes with it
            answer.close()
            line.close()
        return found

    def close(self) -> None:
        """Close what is idle."""
        for idle in list(self._idle.values()):
            while idle:
                idle.pop().close()

    def _kept(self, parts: SplitResult) -> HTTPConnection | None:
        """The connection that was used last and that the server has not closed meanwhile."""
        idle = self._idle[parts.scheme, parts.netloc]
        while idle:
            try:
                line = idle.pop()
            except IndexError:  # another thread was quicker
                break
            if not _has_news(line):
                return line
            line.close()
        return None

    def _opened(self, parts: SplitResult) -> HTTPConnection:
        host = parts.hostname or ""
        line = (
            HTTPSConnection(host, parts.port, timeout=self._connect, context=self._trust)
            if parts.scheme == "https"
            else HTTPConnection(host, parts.port, timeout=self._connect)
        )
        try:
            line.connect()
            line.sock.settimeout(self._read)
        except (OSError, HTTPException, UnicodeError) as error:
            line.close()
            raise NotReached(type(error).__name__) from error
        return line

    @cached_property
    def _trust(self) -> ssl.SSLContext:
        return ssl.create_default_context()


def _has_news(line: HTTPConnection) -> bool:
    """Whether an idle connection was closed, or says something that nobody asked for."""
    poll = select.poll()
    poll.register(line.sock, select.POLLIN)
    return bool(poll.poll(0))
