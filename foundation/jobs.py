"""Rows by which work that runs by itself is claimed and heard from: one row per (job, slot), one heartbeat per process.

Who of several processes claims the slots is leading.py.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import bindparam, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from foundation import leading
from foundation.db import Base, insert_new
from foundation.leading import Lead


class JobRun(Base):
    """A slot of a periodic job that somebody has claimed: two schedulers run it once."""

    __tablename__ = "job_run"

    job: Mapped[str] = mapped_column(primary_key=True)
    slot: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    fence: Mapped[int] = mapped_column(default=0)


class Heartbeat(Base):
    """When a kind of process was last heard from, in real time."""

    __tablename__ = "heartbeat"

    process: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime]


class Setting(Base):
    """A small fact that must outlive the process, such as how far the demonstration's clock was moved."""

    __tablename__ = "setting"

    key: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]


_TAKEN = select(JobRun.slot).where(JobRun.job == bindparam("job"), JobRun.slot == bindparam("slot"))


def slot_of(now: datetime, every_seconds: int) -> int:
    """The number of the slot that a moment lies in."""
    return int(now.timestamp()) // every_seconds


def take_slot(
    session: Session, now: datetime, job: str, every_seconds: int, lead: Lead | None = None
) -> bool:
    """Claim the current slot of a job; False where it is taken. Raise Fenced for a `lead` that has changed hands."""
    if lead:
        leading.prove(session, lead)
    slot = slot_of(now, every_seconds)
    if session.scalar(_TAKEN, {"job": job, "slot": slot}) is not None:
        return False
    try:
        with session.begin_nested():
            session.add(JobRun(job=job, slot=slot, at=now, fence=lead.fence if lead else 0))
    except IntegrityError:
        return False
    return True


def beat(session: Session, real_now: datetime, process: str) -> None:
    """Say that this kind of process is alive."""
    row = session.get(Heartbeat, process)
    if row is None and insert_new(session, Heartbeat(process=process, at=real_now)):
        return
    if row is None:  # another process of its kind was first
        row = session.get_one(Heartbeat, process)
    row.at = real_now
