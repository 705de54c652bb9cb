"""Idempotency-Key, the header.

The answer to a create is kept for a day, so that a repeat gets the same answer and changes nothing.

The key belongs to a person. It is looked up before the work and stored with the answer in the transaction of
the work: of two equal requests at one moment the second gets an IntegrityError, its work is undone, and it is
begun again and finds the first's answer. Only answers that succeeded are kept; no answer of a create carries
what a reporter wrote.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import request
from sqlalchemy.orm import Session

from committees.accounts import ANSWERS_KEPT, IdempotencyKey
from foundation.crypto import cipher
from foundation.errors import Invalid

HEADER = "Idempotency-Key"
PATTERN = "^[!-~]{1,200}$"


@dataclass(frozen=True)
class Repeat:
    """A request that carried a key: the row of the key, and whether its answer stands in it already."""

    row: IdempotencyKey
    answered: bool

    def keep(self, session: Session, status: int, answer: dict[str, Any]) -> None:
        """Keep an answer with the work that it tells of."""
        self.row.status, self.row.answer = status, answer
        session.add(self.row)


def claim(session: Session, now: datetime, person_id: UUID) -> Repeat | None:
    """Find the answer to the key of this request, or make a row for it; None where it carries no key.

    Raise Invalid where the key was used for another request.
    """
    key = request.headers.get(HEADER)
    if key is None:
        return None
    if not re.match(PATTERN, key):
        raise Invalid(
            HEADER,
            "This key cannot be used.",
            "Use 1 to 200 plain letters, digits and signs, for example a UUID.",
        )
    wanted = _fingerprint(session)
    row = session.get(IdempotencyKey, (person_id, key))
    if row is None or row.at < now - ANSWERS_KEPT:
        row = row or IdempotencyKey(person_id=person_id, key=key)
        row.request_hash, row.at = wanted, now
        return Repeat(row, False)
    if row.request_hash != wanted:
        raise Invalid(HEADER, "This key was used for another request.", "Use a new key for each new request.")
    return Repeat(row, True)


def _fingerprint(session: Session) -> str:
    # Keyed, because a short body could be guessed from a plain hash of it.
    body = json.dumps(request.get_json(force=True), sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return str(cipher(session).handle("request", request.method, request.path, body))
