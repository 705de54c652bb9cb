"""Whether each line to people is alive: one row a check, and since when a line is silent.

A check asks the provider something that sends nothing (is our account there?). Rows are written by a job of coordination
(jobs.py) every five minutes and read by the channels page and by the banner of secretaries and administrators. Nothing here
speaks to a provider, and no row holds an address.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Index, delete, func, select
from sqlalchemy.orm import Mapped, Session

from foundation.db import Base, Keyed

EVERY = timedelta(minutes=5)
#: Two checks may be missed before anybody is alarmed: a worker that restarts is no silent line.
SILENT_AFTER = timedelta(minutes=15)
KEEP = timedelta(days=7)


class LineCheck(Keyed, Base):
    """One look at one channel: whether its provider answered, and in which words it did not."""

    __tablename__ = "line_check"
    __table_args__ = (Index("ix_line_check_channel", "channel", "at"),)

    channel: Mapped[str]
    at: Mapped[datetime]
    good: Mapped[bool]
    words: Mapped[str]


def record(session: Session, now: datetime, channel: str, words: str) -> LineCheck:
    """Write down one check; `words` say what was wrong and are empty if nothing was. Old rows go."""
    session.execute(delete(LineCheck).where(LineCheck.channel == channel, LineCheck.at < now - KEEP))
    row = LineCheck(channel=channel, at=now, good=not words, words=words)
    session.add(row)
    return row


def latest(session: Session) -> dict[str, LineCheck]:
    """The newest check of each channel."""
    newest = select(LineCheck.channel, func.max(LineCheck.at).label("at")).group_by(LineCheck.channel)
    last = newest.subquery()
    rows = select(LineCheck).join(last, (LineCheck.channel == last.c.channel) & (LineCheck.at == last.c.at))
    return {row.channel: row for row in session.scalars(rows)}


def heard(session: Session) -> dict[str, datetime]:
    """When each channel's provider last answered a check."""
    rows = select(LineCheck.channel, func.max(LineCheck.at)).where(LineCheck.good)
    return {channel: at for channel, at in session.execute(rows.group_by(LineCheck.channel)) if at}


def silent_since(session: Session, now: datetime, channel: str) -> datetime | None:
    """Since when a line that is set up has not been heard from, or None while it is heard.

    A line that never answered is silent since its first check.
    """
    rows = select(
        func.max(LineCheck.at).filter(LineCheck.good), func.min(LineCheck.at), func.max(LineCheck.at)
    ).where(LineCheck.channel == channel)
    good, first, _ = session.execute(rows).one()
    since: datetime | None = good or first
    return since if since and now - since > SILENT_AFTER else None
