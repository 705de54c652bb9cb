"""A server for what Alertmanager's webhook posts, with the faults of the Twilio of the tests: what a program that sends SMS for it would be.

What lives here: taking, refusing, hanging and losing answers. What does not: running Alertmanager (alertmanager.py), counting
(fault_peer.py, which alone imports this module).
"""

from __future__ import annotations

import re
import threading
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from benchmarks.alertmanager import HOOK_KEY
from tests.fake_twilio import FAULTS
from tests.fake_twilio_http import HANG_SECONDS


class Hook:
    """Takes posts on 127.0.0.1. Use it as a context manager; `keys` are the alerts taken, each copy again."""

    def __init__(self) -> None:
        self.keys: list[str] = []
        #: While it is out of order: the faults that its posts meet in turn.
        self.outage: tuple[str, ...] = ()
        self.port = 0
        self._posts = 0
        self._faults: deque[str] = deque()
        self._released = threading.Event()
        self._http: ThreadingHTTPServer | None = None

    def __enter__(self) -> Hook:
        self.come_back()
        return self

    def __exit__(self, *_: object) -> None:
        if self._http:
            self.go_down()

    def come_back(self) -> None:
        """Listen, at the same port as before."""
        self._released.clear()
        self._http = _Http(self, ("127.0.0.1", self.port), _Handler)
        self.port = self._http.server_address[1]
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def go_down(self) -> None:
        """Refuse connections from now on, and let go of posts that hang."""
        assert self._http
        self._released.set()
        self._http.shutdown()
        self._http.server_close()
        self._http = None

    def fault(self, kind: str, times: int) -> None:
        """Do this to the next `times` posts."""
        assert kind in FAULTS, kind
        self._faults.extend([kind] * times)

    def next_fault(self) -> str:
        """Take the fault for one post."""
        self._posts += 1
        if self.outage:
            return self.outage[self._posts % len(self.outage)]
        return self._faults.popleft() if self._faults else ""

    def hang(self) -> None:
        """Say nothing for as long as a Twilio that hangs."""
        self._released.wait(HANG_SECONDS)


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 512  # all alerts at once: a connection that finds no room waits for seconds

    def __init__(self, hook: Hook, *given: Any) -> None:
        self.hook = hook
        super().__init__(*given)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: whoever posts is killed now and then."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Http

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
        hook = self.server.hook
        fault = hook.next_fault()
        if fault != "429" and not fault.endswith("before"):
            hook.keys += re.findall(HOOK_KEY, body)[:1]
        if fault.startswith("hang"):
            hook.hang()
        if fault.startswith(("hang", "drop")):
            self.close_connection = True
            return
        status = 429 if fault == "429" else 500 if fault.startswith("500") else 200
        answer = b"<html>taken</html>" if fault == "garbled" else b"{}"
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""
