"""What a kept connection says of a failure: nothing went out, or nobody can tell. Real sockets, and a real certificate nobody signed."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from http.client import parse_headers
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from alerts.channels.kept_lines import KeptLines, Lost, NotReached

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
AWAY = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
Answer = Callable[[socket.socket], None]


@contextmanager
def server(*answers: Answer, tls: ssl.SSLContext | None = None) -> Iterator[tuple[str, list[bytes]]]:
    """A server that treats its connections one after the other as told; its address, and what it was sent (nothing more: an empty one)."""
    seen: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            for answer in answers:
                try:
                    taken = listening.accept()[0]
                    with closing(tls.wrap_socket(taken, server_side=True) if tls else taken) as line:
                        read = line.makefile("rb")
                        while asked := read.readline():
                            told = parse_headers(read)
                            seen.append(asked + read.read(int(told.get("Content-Length", 0))))
                            answer(line)
                    seen.append(b"")
                except OSError:
                    continue

        threading.Thread(target=serve, daemon=True).start()
        yield f"http{'s' if tls else ''}://127.0.0.1:{listening.getsockname()[1]}/", seen


def says(answer: bytes, *, then_closes: bool = False) -> Answer:
    def act(line: socket.socket) -> None:
        line.sendall(answer)
        if then_closes:
            line.shutdown(socket.SHUT_RDWR)

    return act


@pytest.fixture
def lines() -> Iterator[KeptLines]:
    kept = KeptLines(connect=2, read=2, most=4)
    yield kept
    kept.close()


def test_one_connection_serves_many_requests_and_a_closed_one_is_replaced(lines: KeptLines) -> None:
    with server(says(OK), says(OK)) as (url, seen):
        for _ in range(3):
            assert lines.request("POST", url, {"X-One": "1"}, b"a=1")[:2] == (200, b"hello")
        assert len(seen) == 3
    # The server hung up after its answer: the next request opens a line of its own, and is not taken for lost.
    pause = threading.Event()
    with server(says(OK, then_closes=True), says(OK)) as (url, seen):
        assert lines.request("GET", url, {})[0] == 200
        while seen[-1]:
            pause.wait(0.01)
        assert lines.request("GET", url, {})[0] == 200


def test_nothing_is_followed(lines: KeptLines) -> None:
    with server(says(AWAY)) as (url, _):
        status, _, told = lines.request("GET", url, {})
        assert (status, told["Location"]) == (302, "http://127.0.0.1:1/")


def test_no_more_is_read_than_asked_for(lines: KeptLines) -> None:
    with server(says(OK)) as (url, _):
        assert lines.request("GET", url, {}, most=2)[1] == b"he"


def test_where_nobody_listens_nothing_went_out(lines: KeptLines) -> None:
    with server() as (url, _):
        pass
    with pytest.raises(NotReached):
        lines.request("POST", url, {}, b"a=1")


@pytest.mark.parametrize("answer", [b"", OK[:-2], b"nonsense\r\n\r\n"])
def test_an_answer_that_breaks_off_is_lost_and_not_asked_for_again(lines: KeptLines, answer: bytes) -> None:
    with server(says(answer, then_closes=True), says(OK)) as (url, seen):
        with pytest.raises(Lost):
            lines.request("POST", url, {}, b"a=1")
        assert [asked for asked in seen if asked] == seen[:1]


def test_a_server_that_hangs_is_lost() -> None:
    with server(lambda line: None) as (url, seen), pytest.raises(Lost):
        KeptLines(connect=2, read=0.2, most=1).request("POST", url, {}, b"a=1")
    assert seen


def test_a_server_that_cannot_prove_who_it_is_is_sent_nothing(lines: KeptLines, tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    now = datetime.now(UTC)
    made = made.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    certificate = made.sign(key, hashes.SHA256())
    pem = tmp_path / "server.pem"
    pem.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pem)
    with server(says(OK), tls=context) as (url, seen), pytest.raises(NotReached):
        lines.request("POST", url, {}, b"a=1")
    assert not seen
