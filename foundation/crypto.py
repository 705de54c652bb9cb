"""Sealing single values: column encryption bound to its row, a slow blind index for numbers, and hashes of tokens.

Keys live in files outside the database and its backups. A sealed value names its table, column and row, so that it cannot be moved to
another row; it is padded and its time rounded to the day. Sources: the cryptography and argon2-cffi libraries.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import os
import secrets
import time
from pathlib import Path
from uuid import UUID

from argon2.low_level import Type, hash_secret_raw
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from sqlalchemy.orm import Session

from foundation.errors import Problem

STEP = 64
DAY = 86_400
MAC = 16  # bytes of a signature in an address


class Unreadable(Problem):
    """A sealed value that no key opens, or that belongs to another row."""

    status = 500


class Cipher:
    """Seals and opens values with the newest key, opens with any older one."""

    def __init__(self, keys: list[bytes], pepper: bytes) -> None:
        self._fernet = MultiFernet([Fernet(key) for key in keys])
        self._newest = Fernet(keys[0])
        self._pepper = hashlib.sha256(b"index" + pepper).digest()
        self._handles = hashlib.sha256(b"handle" + pepper).digest()
        self._tickets = [hmac.new(key, b"ticket" + pepper, hashlib.sha256).digest() for key in keys]

    @classmethod
    def from_folder(cls, folder: Path, secret: str) -> Cipher:
        """Read the key file of `folder`, newest key first; make one on the first start."""
        path = folder / "columns.keys"
        if not path.exists():
            _first_key(path)
        return cls(path.read_bytes().split(), secret.encode())

    def seal(self, place: str, row: UUID, value: str) -> str:
        """Encrypt `value` for `place` ("table.column") of `row`."""
        text = json.dumps([place, str(row), value], ensure_ascii=False)
        raw = text.encode()
        raw += b" " * (-len(raw) % STEP)
        return self._newest.encrypt_at_time(raw, int(time.time()) // DAY * DAY).decode()

    def open(self, place: str, row: UUID, token: str) -> str:
        """Decrypt what was sealed for this place and row; raise Unreadable for anything else."""
        try:
            found = json.loads(self._fernet.decrypt(token.encode()))
        except InvalidToken:
            raise Unreadable(
                "A sealed value cannot be opened.", "Check that the key file is the one it was sealed with."
            ) from None
        if found[:2] != [place, str(row)]:
            raise Unreadable("A sealed value stands in the wrong row.", "Restore the row from a backup.")
        return str(found[2])

    def sign(self, purpose: str, payload: bytes) -> str:
        """Some bytes as a text that can stand in an address: readable by anybody, made by nobody else. Signed with the newest key."""
        made = base64.urlsafe_b64encode(payload + _mac(self._tickets[0], purpose, payload))
        return made.rstrip(b"=").decode()

    def signed(self, purpose: str, text: str) -> bytes | None:
        """The bytes behind a text that was signed for this purpose with any key that is still kept; None for anything else."""
        try:
            raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        except ValueError:
            return None
        payload, mac = raw[:-MAC], raw[-MAC:]
        good = any(hmac.compare_digest(mac, _mac(key, purpose, payload)) for key in self._tickets)
        return payload if good else None

    def index(self, value: str) -> str:
        """A slow keyed hash (argon2id, 8 MiB) by which an equal value can be found, 96 bits as hex."""
        raw = hash_secret_raw(
            value.encode(),
            self._pepper[:16],
            time_cost=1,
            memory_cost=8192,
            parallelism=1,
            hash_len=12,
            type=Type.ID,
        )
        return raw.hex()

    def handle(self, *parts: object) -> UUID:
        """A random-looking id derived from `parts` and a key: links a source to an account only for whoever holds the key."""
        digest = hmac.digest(self._handles, "|".join(map(str, parts)).encode(), "sha256")
        return UUID(bytes=digest[:16], version=4)


def _mac(key: bytes, purpose: str, payload: bytes) -> bytes:
    return hmac.digest(key, purpose.encode() + b"\0" + payload, "sha256")[:MAC]


def _first_key(path: Path) -> None:
    """Make the key file whole and once: of two processes that start together, the later takes the key of the earlier."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{secrets.token_hex(8)}")
    draft.touch(mode=0o600)
    draft.write_bytes(Fernet.generate_key() + b"\n")
    try:
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()


def cipher(session: Session) -> Cipher:
    """The cipher of the database that `session` was opened on."""
    found = session.info["cipher"]
    assert isinstance(found, Cipher)
    return found


def new_token() -> str:
    """A random 256-bit token, safe in an address or a header."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """What is stored of a token: its SHA-256. A token is long and random, so it needs no slow hash."""
    return hashlib.sha256(token.encode()).hexdigest()
