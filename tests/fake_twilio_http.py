"""The HTTP side of the fake Twilio: paths, basic authentication, refusals with Twilio's codes, and faults."""

from __future__ import annotations

import base64
import json
import re
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

if TYPE_CHECKING:
    from tests.fake_twilio import FakeTwilio

HANG_SECONDS = 30
PATIENCE = 90.0


class TwilioServer:
    """Serves one fake Twilio on a port of 127.0.0.1 that stays the same when it stops and starts again."""

    def __init__(self, twilio: FakeTwilio) -> None:
        self.twilio = twilio
        self.released = threading.Event()
        self._port = 0
        self._http: _Http | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Listen and serve in threads of its own."""
        self.released.clear()
        self._http = _Http(("127.0.0.1", self._port), _Handler)
        self._http.owner = self
        self._port = self._http.server_address[1]
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def finish(self) -> None:
        """Return when every request is answered that somebody had sent before, also one whose sender is dead by now."""
        assert self._http is not None
        # Connections are taken in their order: once this one is, those before it are too.
        with socket.create_connection(self._http.server_address[:2], timeout=PATIENCE) as last:
            end = time.monotonic() + PATIENCE
            while last.getsockname() not in self._http.open_from():
                assert time.monotonic() < end, "the fake Twilio takes no connection"
                time.sleep(0.005)
        while self._http.open_from():
            assert time.monotonic() < end, "somebody is still connected to the fake Twilio"
            time.sleep(0.005)

    def stop(self) -> None:
        """Stop listening and break every open connection."""
        self.released.set()
        if self._http is not None:
            self._http.shutdown()
            self._http.server_close()
            self._http.hang_up()
        self._http = None


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    owner: TwilioServer

    def __init__(self, *args: Any) -> None:
        self._open: dict[socket.socket, Any] = {}
        super().__init__(*args)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open[request] = client_address
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.pop(request, None)
        super().shutdown_request(request)

    def open_from(self) -> set[Any]:
        """The addresses of whoever is connected; a connection is closed once its requests are answered."""
        return set(self._open.values())

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that went away is part of many tests."""

    def hang_up(self) -> None:
        for connection in list(self._open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                connection.close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    server: _Http

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", "0"))
        fields = dict(parse_qsl(self.rfile.read(length).decode(), keep_blank_values=True))
        if not self._allowed() or self._sid() is not None:
            return None
        fault = self._twilio.next_fault() or ""
        if fault == "429":
            return self._error(429, 20429, "Too Many Requests")
        if fault.endswith("before"):
            return self._break(fault)
        refusal = (_call_refusal if self._calls() else _refusal)(self._twilio, fields)
        if refusal:
            return self._error(400, refusal, "refused")
        made = self._accept(fields)
        if fault.endswith("after"):
            return self._break(fault)
        if fault == "garbled":
            return self._answer(201, b"<html>created</html>")
        return self._json(201, made)

    def _accept(self, fields: dict[str, str]) -> dict[str, Any]:
        twilio = self._twilio
        if self._calls():
            return twilio.calls.as_json(twilio.calls.create(fields))
        sender = fields.get("MessagingServiceSid") or fields["From"]
        content = fields.get("ContentSid")
        body = fields.get("Body", "")
        if content:
            body = twilio.contents[content]
            for gap, value in json.loads(fields.get("ContentVariables", "{}")).items():
                body = body.replace("{{" + gap + "}}", value)
        return twilio.as_json(
            twilio.create(fields["To"], sender, body, fields.get("StatusCallback"), content)
        )

    def do_GET(self) -> None:
        if not self._allowed():
            return None
        if self.path.endswith(f"/Accounts/{self._twilio.account_sid}.json"):
            return self._json(200, _account_json(self._twilio))
        if "/Recordings" in self.path:
            return self._recording()
        sid = self._sid()
        if self._calls():
            calls = self._twilio.calls
            call = calls.find(sid) if sid else None
            if sid and call is None:
                return self._missing()
            query = dict(parse_qsl(urlsplit(self.path).query))
            return self._json(200, calls.as_json(call) if call else calls.list_json(query))
        if sid is None:
            query = dict(parse_qsl(urlsplit(self.path).query))
            return self._json(200, self._twilio.list_json(query))
        sms = self._twilio.find(sid)
        return self._json(200, self._twilio.as_json(sms)) if sms else self._missing()

    def _recording(self) -> None:
        """One recording, their list, or the sound of one."""
        kept, sid = self._twilio.recordings, self._sid()
        found = kept.find(sid) if sid else None
        if sid is None:
            query = dict(parse_qsl(urlsplit(self.path).query))
            return self._json(200, kept.list_json(query))
        if found is None:
            return self._missing()
        if self.path.endswith(".json"):
            return self._json(200, kept.as_json(found))
        fault = kept.next_fault()
        if fault == "redirect":
            self.send_response(302)
            self.send_header("Location", self.server.owner.url + "/elsewhere")
            self.send_header("Content-Length", "0")
            return self.end_headers()
        if fault == "404":
            return self._missing()
        if fault in ("500", "drop"):
            return self._break(fault)
        sounds = {"garbled": b"<html>not a sound</html>" * 50, "huge": bytes(3_000_000)}
        return self._answer(200, sounds.get(fault, found.sound), "audio/mpeg")

    def do_DELETE(self) -> None:
        if not self._allowed():
            return None
        if "/Recordings" in self.path:
            gone = self._twilio.recordings.delete(self._sid() or "")
            return self._answer(204, b"") if gone else self._missing()
        sms = self._twilio.find(self._sid() or "")
        if sms is None:
            return self._missing()
        self._twilio.messages.remove(sms)
        return self._answer(204, b"")

    @property
    def _twilio(self) -> FakeTwilio:
        return self.server.owner.twilio

    def _allowed(self) -> bool:
        self._twilio.requests.append((self.command, self.path))
        known = f"{self._twilio.account_sid}:{self._twilio.token}".encode()
        if self.headers.get("Authorization") != "Basic " + base64.b64encode(known).decode():
            self._error(401, 20003, "Authenticate")
            return False
        if not re.match(
            rf"/2010-04-01/Accounts/{self._twilio.account_sid}(/Messages|/Calls|/Recordings|\.json)",
            self.path,
        ):
            self._missing()
            return False
        return True

    def _sid(self) -> str | None:
        found = re.search(r"/(?:Messages|Calls|Recordings)/([A-Z]{2}[0-9a-f]{32})\.(?:json|mp3)", self.path)
        return found[1] if found else None

    def _calls(self) -> bool:
        return "/Calls" in self.path

    def _break(self, fault: str) -> None:
        if fault.startswith("500"):
            return self._error(500, 20500, "Internal Server Error")
        if fault.startswith("hang"):
            self.server.owner.released.wait(HANG_SECONDS)
        self.close_connection = True
        return None

    def _missing(self) -> None:
        self._error(404, 20404, "The requested resource was not found")

    def _error(self, status: int, code: int, message: str) -> None:
        more = f"https://www.twilio.com/docs/errors/{code}"
        self._json(status, {"code": code, "message": message, "more_info": more, "status": status})

    def _json(self, status: int, value: dict[str, Any]) -> None:
        self._answer(status, json.dumps(value).encode())

    def _answer(self, status: int, body: bytes, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


def _refusal(twilio: FakeTwilio, fields: dict[str, str]) -> int | None:
    """Return the code with which Twilio refuses these fields at once, or None."""
    to, body, content = fields.get("To", ""), fields.get("Body", ""), fields.get("ContentSid")
    senders = {fields.get("From"), fields.get("MessagingServiceSid")}
    callback = urlsplit(fields.get("StatusCallback", "http://none"))
    checks = (
        (21604, not to),
        (21211, not re.fullmatch(r"(?:whatsapp:)?\+[1-9]\d{6,14}", to)),
        (21606, not senders & set(twilio.numbers)),
        (63007, to.startswith("whatsapp:") != str(fields.get("From", "")).startswith("whatsapp:")),
        (21602, not body and content is None),
        (21655, content is not None and content not in twilio.contents),
        (21617, len(body) > 1600),
        (21609, callback.scheme not in ("http", "https") or not callback.netloc),
        (twilio.refuses.get(to), to in twilio.refuses),
    )
    return next((code for code, refused in checks if refused), None)


def _call_refusal(twilio: FakeTwilio, fields: dict[str, str]) -> int | None:
    """Return the code with which Twilio refuses to make this call, or None."""
    to, callback = fields.get("To", ""), urlsplit(fields.get("StatusCallback", "http://none"))
    checks = (
        (21201, not to),
        (21211, not re.fullmatch(r"\+[1-9]\d{6,14}", to)),
        (21210, fields.get("From") not in twilio.numbers),
        (21205, not fields.get("Twiml") or len(fields["Twiml"]) > 4000),
        (21609, callback.scheme not in ("http", "https") or not callback.netloc),
        (twilio.refuses.get(to), to in twilio.refuses),
    )
    return next((code for code, refused in checks if refused), None)


def _account_json(twilio: FakeTwilio) -> dict[str, Any]:
    path = f"/2010-04-01/Accounts/{twilio.account_sid}"
    return {
        "auth_token": "hidden",
        "date_created": "Tue, 24 Nov 2026 09:00:00 +0000",
        "date_updated": "Tue, 24 Nov 2026 09:00:00 +0000",
        "friendly_name": "Concord",
        "owner_account_sid": twilio.account_sid,
        "sid": twilio.account_sid,
        "status": twilio.account_status,
        "subresource_uris": {"messages": f"{path}/Messages.json", "calls": f"{path}/Calls.json"},
        "type": "Full",
        "uri": f"{path}.json",
    }
