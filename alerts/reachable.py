"""Whether a number or address still takes messages: three permanent failures in a row and nothing more is sent there.

Only what the provider said of the receiver counts, never a fault of a message or of ours. The readiness board shows what stands here;
a person mends it by verifying the contact again.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import Session

from alerts.channels.twilio_codes import STOPPED
from committees.people import ContactPoint
from foundation.db import among

MOST_FAILURES = 3


def failed(session: Session, now: datetime, point_id: UUID | None, words: str, code: str | None) -> None:
    """Count one permanent failure. The third in a row ends sending there, and so does the first where the person said STOP."""
    point = session.get(ContactPoint, point_id, with_for_update=True) if point_id else None
    if point is None:
        return
    point.failures = MOST_FAILURES if code == STOPPED else point.failures + 1
    if point.failures >= MOST_FAILURES and point.failing_since is None:
        point.failing_since, point.failing_why = now, words


def worked(session: Session, point_ids: Iterable[UUID | None]) -> None:
    """A message arrived: earlier failures no longer count."""
    keys = {key for key in point_ids if key}
    if keys:
        session.execute(
            update(ContactPoint)
            .where(among(session, ContactPoint.id, keys), ContactPoint.failures > 0)
            .values(failures=0, failing_since=None, failing_why="")
            .execution_options(synchronize_session=False)
        )
