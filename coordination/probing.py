"""The closed loop: every some minutes a real SMS goes to a number of our own, whose automatic answer comes back through the inbound door.

It shows that the whole way works, out and in, and how long it takes. One that does not come back is an alarm, which goes out by another channel.
The numbers are CONCORD_PROBE_TO. Called by jobs.py and inbound.py.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Mapped, Session, mapped_column

from foundation import alarms, outbox
from foundation.crypto import cipher
from foundation.db import Base, Keyed, new_id

SMS = "sms"
LOST_AFTER = timedelta(minutes=5)
KEPT = timedelta(days=30)
PROBE_LOST = "probe_lost"
CODE = re.compile(r"(?<!\d)(\d{6})(?!\d)", re.ASCII)


class Probe(Keyed, Base):
    """One test of a line: to which number (as an index), with which code, when it went out and when its answer came back."""

    __tablename__ = "probe"

    channel: Mapped[str]
    address_index: Mapped[str]
    code: Mapped[str]
    sent_at: Mapped[datetime] = mapped_column(index=True)
    back_at: Mapped[datetime | None]
    lost: Mapped[bool] = mapped_column(default=False)


def go_round(session: Session, now: datetime, numbers: Collection[str], minutes: int) -> int:
    """Begin the test that is due, and raise the alarm for one whose answer did not come."""
    _find_lost(session, now)
    newest = last(session)
    if newest is None or now - newest.sent_at >= timedelta(minutes=minutes):
        for number in numbers:
            _begin(session, now, number)
    return 0


def _begin(session: Session, now: datetime, number: str) -> None:
    key, code = new_id(), f"{secrets.randbelow(900_000) + 100_000}"
    index = cipher(session).index(number.casefold())
    session.add(Probe(id=key, channel=SMS, address_index=index, code=code, sent_at=now))
    outbox.put(
        session,
        now,
        effect_key=f"probe:{key}",
        channel=SMS,
        template="probe",
        slots={"code": code},
        address=number,
    )


def _find_lost(session: Session, now: datetime) -> None:
    rows = select(Probe).where(Probe.back_at.is_(None), ~Probe.lost, Probe.sent_at <= now - LOST_AFTER)
    for row in session.scalars(rows):
        row.lost = True
        alarms.sound(
            session, now, PROBE_LOST, row.channel, {"channel": row.channel, "sent": row.sent_at.isoformat()}
        )


def came_back(session: Session, now: datetime, number: str, text: str) -> bool:
    """Whether this message is the answer to a test; the alarm of its line ends with it."""
    codes = CODE.findall(text)
    if not codes:
        return False
    rows = select(Probe).where(
        Probe.address_index == cipher(session).index(number.casefold()),
        Probe.code.in_(codes),
        Probe.back_at.is_(None),
        Probe.sent_at > now - KEPT,
    )
    found = session.scalars(rows).first()
    if found is None:
        return False
    found.back_at, found.lost = now, False
    alarms.silence(session, now, PROBE_LOST, found.channel)
    return True


def last(session: Session) -> Probe | None:
    """The newest test."""
    return session.scalars(select(Probe).order_by(Probe.sent_at.desc()).limit(1)).first()


def last_trip(session: Session) -> timedelta | None:
    """How long the newest test that came back took."""
    rows = select(Probe).where(Probe.back_at.is_not(None)).order_by(Probe.sent_at.desc()).limit(1)
    found = session.scalars(rows).first()
    return found.back_at - found.sent_at if found and found.back_at else None
