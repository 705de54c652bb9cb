"""What may be sent, and how fast: the day's budgets of segments, the bucket of each sender number, and the pace of one receiver.

All of it stands in the database, so that a restart resets nothing and two workers share it. The tables and the pure decisions are here;
alerts/claiming.py asks in the transaction in which it claims.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy.orm import Mapped, mapped_column

from foundation.db import Base


class SendBudget(Base):
    """How many segments a city (or everybody: "") has used on one day, by UTC; those of levels 4 and 5 count too."""

    __tablename__ = "send_budget"

    scope: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    used: Mapped[int] = mapped_column(default=0)


class SenderBucket(Base):
    """The token bucket of one sender number: what was left of it, and when that was counted."""

    __tablename__ = "sender_bucket"

    sender: Mapped[str] = mapped_column(primary_key=True)
    tokens: Mapped[float]
    counted_at: Mapped[datetime]
