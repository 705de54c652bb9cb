"""Who reported, for those who chose to keep their name: sealed so that any two of three keepers open it and no server key does.

Offered only where three keepers have given their public keys. The server writes these rows and cannot read them back.
"""

from __future__ import annotations

import base64
from itertools import combinations
from typing import Any
from uuid import UUID

from nacl.public import PublicKey, SealedBox
from sqlalchemy import ForeignKey, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from foundation.db import Base, Keyed

PADDED = 256
KEEPERS = 3


class Keeper(Keyed, Base):
    """A custodian's public key for one committee; the private key never comes near the server."""

    __tablename__ = "keeper"

    committee_id: Mapped[UUID] = mapped_column(ForeignKey("committee.id"), index=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    public_key: Mapped[str]
    position: Mapped[int]


class Identity(Base):
    """A reporter's name and number, sealed to each pair of keepers."""

    __tablename__ = "identity"

    report_id: Mapped[UUID] = mapped_column(ForeignKey("report.id"), primary_key=True)
    boxes: Mapped[dict[str, Any]]


def keepers_of(session: Session, committee_id: UUID) -> list[Keeper]:
    """The keepers of a committee, by position; identity is asked for only where there are three."""
    return list(
        session.scalars(select(Keeper).where(Keeper.committee_id == committee_id).order_by(Keeper.position))
    )


def seal(identity: str, public_keys: list[bytes]) -> dict[str, str]:
    """Seal `identity` to each pair of three keys: outer box of the first keeper, inner of the second. At most 256 bytes."""
    if len(public_keys) != KEEPERS:
        raise ValueError("three keepers are needed")
    raw = identity.encode()
    if len(raw) > PADDED:
        raise ValueError("a name and number must fit into 256 bytes")
    raw = raw.ljust(PADDED, b"\0")
    boxes = {}
    for one, other in combinations(range(KEEPERS), 2):
        inner = SealedBox(PublicKey(public_keys[other])).encrypt(raw)
        boxes[f"{one}{other}"] = base64.b64encode(
            SealedBox(PublicKey(public_keys[one])).encrypt(inner)
        ).decode()
    return boxes
