"""Idempotency-Key, the header.

The answer to a create is kept for a day, so that a repeat gets the same answer and changes nothing.

The key belongs to a person. It is claimed before the work and in its transaction: of two equal requests at
one moment the second waits on the first's row. Only answers that succeeded are kept; no answer of a create
carries what a reporter wrote.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from flask import request
from sqlalchemy import delete
from sqlalchemy.orm import Session

from committees.accounts import IdempotencyKey
from foundation.crypto import cipher
from foundation.errors import Invalid

HEADER = "Idempotency-Key"
KEPT = timedelta(hours=24)
PATTERN = "^[!-~]{1,200}$"
NOT_YET = 0


@dataclass(frozen=True)
class Repeat:
    """A request that carried a key: the row of the key, and whether its answer stands in it already."""

    row: IdempotencyKey
    answered: bool

    def keep(self, status: int, answer: dict[str, Any]) -> None:
        """Keep an answer with the work that it tells of."""
        self.row.status, self.row.answer = status, answer


def claim(session: Session, now: datetime, person_id: UUID) -> Repeat | None:
    """Claim the key of this request, or find the answer it has; None where it carries no key.

    Raise Invalid where the key was used for another request. Of two at one moment the second gets an
    IntegrityError from the database and is to be begun again: it then finds the first's answer.
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
    session.execute(
        delete(IdempotencyKey).where(IdempotencyKey.person_id == person_id, IdempotencyKey.at < now - KEPT)
    )
    row = session.get(IdempotencyKey, (person_id, key))
    if row is None:
        row = IdempotencyKey(
            person_id=person_id, key=key, request_hash=wanted, status=NOT_YET, answer={}, at=now
        )
        session.add(row)
        session.flush()
        return Repeat(row, False)
    if row.request_hash != wanted:
        raise Invalid(HEADER, "This key was used for another request.", "Use a new key for each new request.")
    return Repeat(row, True)


def _fingerprint(session: Session) -> str:
    # Keyed, because a short body could be guessed from a plain hash of it.
    body = json.dumps(request.get_json(force=True), sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return str(cipher(session).handle("request", request.method, request.path, body))
