"""One leader at a time among the processes that run jobs by themselves: a row with a lease and a fencing number.

Each take-over raises the fence. Whoever claims a slot, or commits periodic work, proves in the same transaction that its fence is still
the one in the row: a leader that was frozen and wakes up later writes nothing. The same on SQLite and PostgreSQL. Leases run in real
time. Any room may import it; coordination/jobs.py does.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from foundation.db import Base, claim, insert_new

LEASE = timedelta(seconds=20)
SCHEDULER = "scheduler"
# A process frozen inside such a transaction would keep the row locked: PostgreSQL gives it up for it.
LONGEST_PAUSE = "5s"


class Leader(Base):
    """Who leads one kind of work, until when, and how often that has changed hands."""

    __tablename__ = "leader"

    name: Mapped[str] = mapped_column(primary_key=True)
    holder: Mapped[str]
    fence: Mapped[int]
    lease_until: Mapped[datetime]


@dataclass(frozen=True)
class Lead:
    """What a leader shows with everything it writes."""

    holder: str
    fence: int
    name: str = SCHEDULER


class Fenced(RuntimeError):
    """Another process leads by now; what this one was about to write must not be written."""


def hold(session: Session, real_now: datetime, holder: str, name: str = SCHEDULER) -> Lead | None:
    """Keep the lead, or take it where its lease has run out; None while another process holds it."""
    _be_brief(session)
    row = session.get(Leader, name, populate_existing=True)
    until = real_now + LEASE
    if row is None:
        fresh = Leader(name=name, holder=holder, fence=1, lease_until=until)
        return Lead(holder, 1, name) if insert_new(session, fresh) else None
    if row.holder == holder:
        fence = row.fence
    elif row.lease_until <= real_now:
        fence = row.fence + 1
    else:
        return None
    was = {"holder": row.holder, "fence": row.fence}
    won = claim(session, Leader, name, was, {"holder": holder, "fence": fence, "lease_until": until})
    session.expire(row)
    return Lead(holder, fence, name) if won else None


def prove(session: Session, lead: Lead) -> None:
    """Raise Fenced unless this is still the leader; it stays so until this transaction ends."""
    _be_brief(session)
    was = {"holder": lead.holder, "fence": lead.fence}
    if not claim(session, Leader, lead.name, was, {"fence": lead.fence}):
        raise Fenced(f"{lead.holder} no longer leads {lead.name}")


def give_up(session: Session, real_now: datetime, lead: Lead) -> None:
    """Let another process take over at once, where this one still leads."""
    was = {"holder": lead.holder, "fence": lead.fence}
    claim(session, Leader, lead.name, was, {"lease_until": real_now})


def _be_brief(session: Session) -> None:
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.set_config("idle_in_transaction_session_timeout", LONGEST_PAUSE, True)))
