"""When the day of an approved local picture comes: it is put in force, and the places under it are assessed anew. Run by coordination/jobs.py."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from alerts.engine import STALE
from alerts.evidence import RiskState
from committees import profiles
from committees.places import LocalityPath
from committees.profiles import IN_FORCE, Profile


def begin_profiles(session: Session, now: datetime) -> int:
    """Put due versions in force, and let `reassess_stale` look at every place under those that began; return how many began."""
    profiles.begin_due(session, now)
    rows = select(Profile).where(Profile.state == IN_FORCE, Profile.taken_up_at.is_(None))
    begun = list(session.scalars(rows.order_by(Profile.valid_from)))
    for profile in begun:
        below = select(LocalityPath.descendant_id).where(LocalityPath.ancestor_id == profile.locality_id)
        stale = update(RiskState).where(RiskState.locality_id.in_(below), RiskState.assessed_at.is_not(None))
        session.execute(
            stale.values(assessed_at=now - STALE - timedelta(seconds=1)),
            execution_options={"synchronize_session": "fetch"},
        )
        profile.taken_up_at = now
    session.flush()
    return len(begun)
