"""A server that takes JSON by POST and answers as it was told to: what services behind Apprise, and programs told by webhooks, look like."""

from __future__ import annotations

import json
import threading
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Sink:
    """Listens on 127.0.0.1. Use it as a context manager; `answers` are statuses for the next posts, 0 hangs up after taking.

    `taken` are the bodies read, `got` the headers and bodies as they came.
    """

    def __init__(self) -> None:
        self.taken: list[dict[str, Any]] = []
        self.got: list[tuple[dict[str, str], str]] = []
        self.refused = 0
        self.paths: list[str] = []
        self.answers: deque[int] = deque()
        self._http: ThreadingHTTPServer | None = None
        self.port = 0

    def __enter__(self) -> Sink:
        sink = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                sink.paths.append(self.path)
                status = sink.answers.popleft() if sink.answers else 200
                if status in (0, 200):
                    sink.taken.append(_read(body))
                    sink.got.append((dict(self.headers.items()), body.decode()))
                else:
                    sink.refused += 1
                if status:
                    self.send_response(status)
                    self.send_header("Location", f"http://127.0.0.1:{sink.port}/elsewhere")
                    self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

        self._http = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.port = self._http.server_address[1]
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._http is not None:
            self._http.shutdown()
            self._http.server_close()
        self._http = None


def _read(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        found = {"message": body.decode()}
    return found if isinstance(found, dict) else {"message": found}
