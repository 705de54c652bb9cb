"""A program that is told of alerts by webhooks: a real HTTP server of this machine that answers as the test wants."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

HOST = "127.0.0.1"


class Program:
    """A real HTTP server on loopback that keeps what it is sent and answers as the test wants."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], str]] = []
        self.refused: list[str] = []
        self.answers: list[int] = []
        program = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                status = program.answers.pop(0) if program.answers else 204
                if status < 300:  # 0: taken, and the answer is lost
                    program.got.append((dict(self.headers.items()), body))
                else:
                    program.refused.append(body)
                if status == 0:
                    self.close_connection = True
                    return
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_args: object) -> None:
                return

        self.server = ThreadingHTTPServer((HOST, 0), Handler)
        self.url = f"http://{HOST}:{self.server.server_port}/hook"
        Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self) -> Program:
        return self

    def __exit__(self, *_error: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def types(self) -> list[str]:
        """What kind of message each was, in order."""
        return [json.loads(body)["type"] for _headers, body in self.got]
