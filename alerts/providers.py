"""Several providers of one channel: how often each one is chosen, shifted by its errors and drifting back to its rest weight.

Weights are rows, so that all workers agree and a restart resets nothing. `choose` and `shifted` decide purely. What a provider is, is
a channel of alerts/channels; which are set up, `alerts.channels.open_channels` says. alerts/delivery.py is the caller.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from hashlib import blake2b
from math import log

from sqlalchemy import select
from sqlalchemy.orm import Mapped, Session, mapped_column

from foundation.db import Base, insert_new

REST = 100
#: How much weight an error takes, how often it may, and how quickly the weight comes back.
STEP, LEAST = 20, 5
SHIFT_EVERY = timedelta(seconds=10)
DRIFT_EVERY = timedelta(minutes=1)


class Provider(Base):
    """One provider of one channel: its weight now and at rest, and what became of the last messages."""

    __tablename__ = "provider"

    channel: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    weight: Mapped[int] = mapped_column(default=REST)
    rest: Mapped[int] = mapped_column(default=REST)
    errors: Mapped[int] = mapped_column(default=0)
    handed: Mapped[int] = mapped_column(default=0)
    shifted_at: Mapped[datetime]


def choose(weights: Mapping[str, int], address: str, without: Collection[str] = ()) -> str | None:
    """The provider for one address: by weight over all addresses, and the same one each time for the same address.

    Weighted rendezvous hashing: a shift of weights moves as few threads of messages as it can. None where `without` leaves none.
    """
    usable = [key for key in weights if key not in without]
    return max(usable, key=lambda key: _score(key, address, weights[key]), default=None)


def _score(key: str, address: str, weight: int) -> float:
    digest = blake2b(f"{key}\0{address}".encode(), digest_size=8).digest()
    share = (int.from_bytes(digest) + 1) / (2**64 + 2)
    return max(weight, 0.001) / -log(share)


def shifted(weight: int, rest: int, since: timedelta, failed: int, handed: int) -> int:
    """The weight after a batch, `since` the last shift: down by a step where more than a tenth failed, else back towards rest.

    Both are limited in how often they happen, so that one bad second does not empty a line and one good one does not fill it again.
    """
    if failed and failed * 10 > failed + handed:
        return max(LEAST, weight - STEP) if since >= SHIFT_EVERY else weight
    back = int(since / DRIFT_EVERY) * STEP
    return min(rest, weight + back) if weight < rest else weight


def weights_of(session: Session, now: datetime, channel: str, keys: Iterable[str]) -> dict[str, int]:
    """The weights of these providers now; one that was never seen gets its row and begins at rest."""
    rows = {row.key: row for row in session.scalars(select(Provider).where(Provider.channel == channel))}
    for key in keys:
        if key not in rows:
            insert_new(session, Provider(channel=channel, key=key, shifted_at=now))
    return {key: _weight(rows.get(key), now) for key in keys}


def _weight(row: Provider | None, now: datetime) -> int:
    return shifted(row.weight, row.rest, now - row.shifted_at, 0, 0) if row else REST


def count(session: Session, now: datetime, channel: str, key: str, *, failed: int, handed: int) -> None:
    """Write down what became of a batch and shift the weight. The row is locked: two workers shift one after the other."""
    insert_new(session, Provider(channel=channel, key=key, shifted_at=now))
    row = session.get_one(Provider, (channel, key), with_for_update=True)
    row.errors, row.handed = row.errors + failed, row.handed + handed
    weight = shifted(row.weight, row.rest, now - row.shifted_at, failed, handed)
    if weight != row.weight or (failed and now - row.shifted_at >= SHIFT_EVERY):
        row.weight, row.shifted_at = weight, now
