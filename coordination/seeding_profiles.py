"""Local pictures in a seed file: one row a place, checked like any other picture and put in force by the installation itself.

Running a file twice changes nothing: a place that holds the same words already is left alone. Only seeding.py imports it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy.orm import Session

from committees import profiles
from committees.layers import plain
from committees.places import by_code
from coordination import local_picture
from foundation.errors import Invalid, Problem

DEMO_PROFILES = Path(__file__).parent / "seeds" / "demo_profiles.yaml"


def demo_rows(now: datetime) -> list[dict[str, Any]]:
    """The invented local picture of the demonstration; `seen_days_ago` is counted from the day on which it is built."""
    rows: list[dict[str, Any]] = yaml.safe_load(DEMO_PROFILES.read_text(encoding="utf-8"))["profiles"]
    for row in rows:
        for one in row["document"].get("holds_peace", ()):
            if (ago := one.pop("seen_days_ago", None)) is not None:
                one["last_seen"] = (now - timedelta(days=ago)).date().isoformat()
    return rows


def enter(session: Session, now: datetime, row: dict[str, Any]) -> int:
    """Put a row's picture in force unless it is there; return how many are new. Raise Problem with the part that is wrong.

    The row: locality (code), document, reason, consulted (roles or groups in words), valid_from (a date and time with its zone).
    """
    place, document = by_code(session, row["locality"]), plain(row["document"])
    if not isinstance(document, dict):
        raise Problem(f"The profile of {place.code} has no document.", "It is a mapping of parts.")
    if any(one.document == document for one in profiles.versions_of(session, place.id)):
        return 0
    try:
        local_picture.check_for(session, place, document)
        consulted = local_picture.consulted_of(str(line) for line in row.get("consulted", ()))
    except Invalid as wrong:
        raise Problem(f"The profile of {place.code}: {wrong.field}: {wrong.message}", wrong.hint) from None
    starts = datetime.fromisoformat(str(row["valid_from"])) if row.get("valid_from") else None
    if starts and starts.tzinfo is None:
        raise Problem(
            f"The profile of {place.code}: valid_from has no zone.",
            "Write it like 2026-11-24T14:00:00+05:00.",
        )
    made = profiles.draft(
        session,
        now,
        place.id,
        document,
        author_id=None,
        reason=str(row["reason"]),
        consulted=consulted,
        valid_from=starts,
    )
    profiles.publish(session, now, made)
    return 1
