"""Form servers and a mail server that behave like the real ones, on this machine: KoboToolbox's and ODK Central's paging, tokens and
faults, and as much of IMAP as a reader of a mailbox speaks."""

from __future__ import annotations

import base64
import json
import re
import socketserver
import threading
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN, USER, PASSWORD = "kobo-token-of-the-town", "town@ngo.example", "central pass:word"  # noqa: S105 -- of servers that live for one test


class FakeForms:
    """Both kinds of form server at one address. `fault` spoils the next requests: a status, "garbled", "half" or "hang_up"."""

    def __init__(self) -> None:
        self.kobo: list[dict[str, Any]] = []
        self.central: list[dict[str, Any]] = []
        self.asked: list[str] = []
        self.faults: deque[int | str] = deque()
        forms = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                forms.asked.append(self.path)
                fault = forms.faults.popleft() if forms.faults else None
                if fault == "hang_up":
                    self.close_connection = True
                    self.connection.close()
                    return
                status, body = forms.answer(self.path, self.headers.get("Authorization", ""))
                if isinstance(fault, int):
                    status, body = fault, b"{}"
                elif fault == "garbled":
                    body = b"<html>sorry</html>"
                elif fault == "half":
                    body = body[: len(body) // 2]
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def __enter__(self) -> FakeForms:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def settings(self, place: str) -> str:
        """What CONCORD_FORM_SERVERS says of these two."""
        user, password = USER.replace("@", "%40"), PASSWORD.replace(" ", "%20").replace(":", "%3A")
        return (
            f"ngo=kobo+http://{TOKEN}@127.0.0.1:{self.port}/aBcD?place={place} "
            f"town=odk+http://{user}:{password}@127.0.0.1:{self.port}/v1/projects/7/forms/report?place={place}"
        )

    def answer(self, path: str, authorization: str) -> tuple[int, bytes]:
        """What the servers say to one request."""
        parts = urlsplit(path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path == "/api/v2/assets/aBcD/data.json":
            if authorization != f"Token {TOKEN}":
                return 401, b'{"detail":"Invalid token."}'
            asked = json.loads(query["query"])
            after, last = asked["_id"].get("$gt", 0), asked["_id"].get("$lte", float("inf"))
            first = asked.get("_submission_time", {}).get("$gte", "")
            rows = [
                row for row in self.kobo if after < row["_id"] <= last and row["_submission_time"] >= first
            ]
            if asked.get("meta/deprecatedID") == {"$exists": True}:
                rows = [row for row in rows if "meta/deprecatedID" in row]
            rows.sort(key=lambda row: row["_id"] * json.loads(query["sort"])["_id"])
            page = rows[: int(query["limit"])]
            if wanted := json.loads(query.get("fields", "[]")):
                page = [{name: row[name] for name in wanted if name in row} for row in page]
            return 200, json.dumps({"count": len(rows), "next": None, "results": page}).encode()
        if parts.path == "/v1/projects/7/forms/report.svc/Submissions":
            basic = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
            if authorization != f"Basic {basic}":
                return 401, b'{"message":"no"}'
            asked = [
                re.findall(r"__system/(\w+) (ge|lt) (\S+)", one)
                for one in query.get("$filter", "").split(" or ")
            ]
            rows = [
                row
                for row in self.central
                if any(
                    all(_holds(row["__system"].get(name), how, than) for name, how, than in one)
                    for one in asked
                )
            ]
            name, way = re.findall(r"__system/(\w+) (asc|desc)", query["$orderby"])[0]
            rows.sort(key=lambda row: row["__system"][name], reverse=way == "desc")
            skip = int(query.get("$skip", 0))
            rows = rows[skip : skip + int(query["$top"])]
            if "$select" in query:
                rows = [{name: row[name] for name in ("__id", "__system")} for row in rows]
            return 200, json.dumps({"value": rows}).encode()
        return 404, b"{}"


def _holds(value: str | None, how: str, than: str) -> bool:
    """One comparison of Central's filter; nothing is neither earlier nor later."""
    return bool(value) and (value >= than if how == "ge" else value < than)


class FakeImap:
    """A mailbox with one folder. Letters get numbers as they come; `validity` changes when the mailbox is made anew."""

    def __init__(self) -> None:
        self.letters: list[bytes] = []
        self.validity = 7
        self.password = "open sesame"  # noqa: S105 -- of a server that lives for one test
        self.said: list[str] = []
        box = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                self.tell("* OK ready")
                for line in self.rfile:
                    tag, _space, rest = line.decode().strip().partition(" ")
                    box.said.append(re.sub(r"(?i)^login.*", "LOGIN", rest))
                    if not box.one(self, tag, rest):
                        return

            def tell(self, line: str) -> None:
                self.wfile.write(line.encode() + b"\r\n")

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = daemon_threads = True

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = int(self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def __enter__(self) -> FakeImap:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def settings(self, place: str) -> str:
        """What CONCORD_MAIL_IN says of it."""
        return f"imap://town:open%20sesame@127.0.0.1:{self.port}/INBOX?place={place}"

    def one(self, line: Any, tag: str, rest: str) -> bool:
        """Answer one command; False: it was the last."""
        word = rest.upper()
        if word.startswith("CAPABILITY"):
            line.tell("* CAPABILITY IMAP4rev1")
        elif word.startswith("LOGIN"):
            if self.password not in rest:
                line.tell(f"{tag} NO wrong")
                return True
        elif word.startswith("EXAMINE"):
            if not re.fullmatch(r'EXAMINE "INBOX([^"\\]|\\.)*"', word):
                line.tell(f"{tag} NO no such folder")
                return True
            line.tell(f"* {len(self.letters)} EXISTS\r\n* OK [UIDVALIDITY {self.validity}] valid")
        elif word.startswith("UID SEARCH"):
            # As RFC 3501 says, n:* always holds the newest letter, whatever n is.
            after = int(re.findall(r"UID (\d+):\*", word)[-1])
            found = [n for n in range(1, len(self.letters) + 1) if n >= after] or [len(self.letters)]
            line.tell("* SEARCH " + " ".join(map(str, found if self.letters else [])))
        elif word.startswith("UID FETCH"):
            number = int(re.findall(r"UID FETCH (\d+)", word)[0])
            raw = self.letters[number - 1]
            if len(raw) < 80 and b"\n" not in raw:  # a server may say what is short between quotes
                said = raw.decode().replace("\\", "\\\\").replace('"', '\\"')
                line.tell(f'* {number} FETCH (UID {number} BODY[]<0> "{said}")')
            else:
                line.tell(f"* {number} FETCH (UID {number} BODY[]<0> {{{len(raw)}}}")
                line.wfile.write(raw + b")\r\n")
        elif word.startswith("LOGOUT"):
            line.tell("* BYE")
            line.tell(f"{tag} OK bye")
            return False
        line.tell(f"{tag} OK done")
        return True
