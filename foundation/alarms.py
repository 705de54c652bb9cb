"""What an administrator must look at, as rows: one alarm is open per (key, subject) until whoever raised it says that it is over.

A room that finds something raises it here, in its own transaction; the words for each key are the pages'. Nothing is sent from here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Index, select, text, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from foundation.db import Base, Keyed, insert_new


class Alarm(Keyed, Base):
    """Something that stands still or refuses until a person acts: what, of which thing, since when, how often it was found."""

    __tablename__ = "alarm"
    __table_args__ = (
        Index(
            "uq_alarm_open",
            "key",
            "subject",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
    )

    key: Mapped[str]
    subject: Mapped[str] = mapped_column(default="")
    values: Mapped[dict[str, Any]] = mapped_column(default=dict)
    times: Mapped[int] = mapped_column(default=1)
    since: Mapped[datetime]
    last_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    #: When administrators were told of it.
    told_at: Mapped[datetime | None]


def sound(
    session: Session, now: datetime, key: str, subject: str = "", values: Mapping[str, Any] | None = None
) -> bool:
    """Raise an alarm, or count it again where it is open. True if it is new. `values` hold no address and no words of a message."""
    fresh = Alarm(key=key, subject=subject, values=dict(values or {}), since=now, last_at=now)
    if insert_new(session, fresh):
        return True
    again = {"times": Alarm.times + 1, "last_at": now, **({"values": dict(values)} if values else {})}
    session.execute(_open(key, subject).values(again).execution_options(synchronize_session=False))
    return False


def silence(session: Session, now: datetime, key: str, subject: str = "") -> None:
    """Say that what was wrong is over. Nothing happens where no such alarm is open."""
    session.execute(_open(key, subject).values(ended_at=now).execution_options(synchronize_session=False))


def silence_others(session: Session, now: datetime, key: str, subjects: Collection[str]) -> None:
    """Say that it is over for everything but these: of what is there no more, nobody will say that it works again."""
    others = update(Alarm).where(Alarm.key == key, Alarm.ended_at.is_(None), Alarm.subject.not_in(subjects))
    session.execute(others.values(ended_at=now).execution_options(synchronize_session=False))


def sounding(session: Session, most: int = 50) -> list[Alarm]:
    """The alarms that are open, the newest first."""
    rows = select(Alarm).where(Alarm.ended_at.is_(None))
    return list(session.scalars(rows.order_by(Alarm.last_at.desc(), Alarm.id).limit(most)))


def _open(key: str, subject: str) -> Any:
    return update(Alarm).where(Alarm.key == key, Alarm.subject == subject, Alarm.ended_at.is_(None))
